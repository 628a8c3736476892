//! A disk whose power can be cut: an ext4 file system in a file, shut down without its log being flushed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::processes::wait_until;
use crate::tools::{need, shell};

/// Cuts the power of a mounted file system: `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`. What was not synced is gone.
const CUT: &str = "import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(folder, 0x8004587d, struct.pack('I', 2))";

/// The disk, mounted while this lives.
#[derive(Debug)]
pub struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// Makes and mounts an empty disk.
    ///
    /// # Errors
    /// With what a tool printed: it needs root and loop devices.
    pub fn new(mebibytes: u32) -> Result<Self> {
        need("mkfs.ext4", "e2fsprogs")?;
        need("mount", "mount")?;
        need("python3", "python3")?;
        let disk = Self { folder: tempfile::tempdir()? };
        let image = disk.image();
        shell(&format!("truncate -s {mebibytes}M {image} && mkfs.ext4 -q -F {image}"))?;
        std::fs::create_dir(disk.path())?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> String {
        self.folder.path().join("image").to_string_lossy().into_owned()
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> Result<()> {
        shell(&format!("mount -o loop {} {}", self.image(), self.path().display())).map(|_| ())
    }

    /// Cuts the power. Whoever writes there from now on gets errors.
    ///
    /// # Errors
    /// Where the file system cannot do so.
    pub fn cut(&self) -> Result<()> {
        let output = std::process::Command::new("python3").args(["-c", CUT]).arg(self.path()).output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// The power is back: what was on the disk is there again. Everything on it must have been closed.
    ///
    /// # Errors
    /// Where something is still open on it.
    pub fn restore(&self) -> Result<()> {
        unmount(&self.path())?;
        self.mount()
    }
}

/// A program that another test is just starting may hold a file here for a moment.
fn unmount(path: &Path) -> Result<()> {
    let command = format!("umount {}", path.display());
    wait_until("the disk can be unmounted", || Ok(shell(&command).is_ok()))
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A failed test may have left something open: let go of the disk as soon as that ends.
        let _ = shell(&format!("umount -l {}", self.path().display()));
    }
}
