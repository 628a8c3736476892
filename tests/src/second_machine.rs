//! A machine of its own, as far as a worker can tell: its own network, address and Debian root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::network::{Cable, Namespace};
use crate::tools::{need, shell};

/// Packages of the machine beyond the smallest Debian.
const PACKAGES: &str = "curl,ca-certificates";

/// A network namespace joined to this machine by a cable, with a root directory of its own. Undone when dropped.
#[derive(Debug)]
pub struct SecondMachine {
    processes: Vec<Child>,
    namespace: Namespace,
    root: PathBuf,
    cable: Cable,
}

impl SecondMachine {
    /// Sets the machine up below a directory: without our programs, without our sources.
    ///
    /// # Errors
    /// Where a tool is missing or the system refuses; both need root.
    pub fn new(directory: &Path) -> Result<Self> {
        need("debootstrap", "debootstrap")?;
        let root = directory.join("root");
        let suite = shell(". /etc/os-release && printf %s \"$VERSION_CODENAME\"")?;
        // The mirror that this machine uses itself.
        let mirror = shell(
            "apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1",
        )?;
        shell(&format!(
            "debootstrap --variant=minbase --include={PACKAGES} {suite} {} {}",
            root.display(),
            mirror.trim()
        ))?;
        let namespace = Namespace::new()?;
        let cable = Cable::between(None, &namespace)?;
        Ok(Self { processes: Vec::new(), namespace, root, cable })
    }

    /// The address under which the second machine reaches this one.
    pub fn here(&self) -> &str {
        &self.cable.near
    }

    /// Pastes a line into a shell of that machine, which goes on in the background; its output goes to a log.
    ///
    /// # Errors
    /// Where the shell does not start.
    pub fn paste(&mut self, line: &str, log: &Path) -> Result<()> {
        let file = File::create(log)?;
        // A mount namespace, so that /proc of the chroot is undone with the process.
        let inside = format!(
            "mount --make-rprivate / && mount -t proc proc {0}/proc && mount --bind /dev {0}/dev && \
             exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin RUST_LOG=info \
             chroot {0} sh",
            self.root.display()
        );
        let mut child = Command::new("ip")
            .args([
                "netns",
                "exec",
                self.namespace.name(),
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
            ])
            .args(["sh", "-c", &inside])
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        let mut stdin = child.stdin.take().context("a shell has standard input")?;
        std::io::Write::write_all(&mut stdin, format!("cd /root\n{line}\n").as_bytes())?;
        self.processes.push(child);
        Ok(())
    }

    /// Waits for the end of what was pasted last; whether it ended with success.
    ///
    /// # Errors
    /// Where nothing was pasted.
    pub fn ended_well(&mut self) -> Result<bool> {
        Ok(self.processes.last_mut().context("nothing was pasted")?.wait()?.success())
    }

    /// Whether a file is on that machine.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path.trim_start_matches('/')).exists()
    }

    /// Checks that the machine knows nothing of us yet.
    ///
    /// # Errors
    /// Where our program is there.
    pub fn check_bare(&self) -> Result<()> {
        ensure!(!self.has("/usr/local/bin/sweep-worker"), "sweep-worker is there already");
        Ok(())
    }
}

impl Drop for SecondMachine {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // Fails only where it has ended, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
