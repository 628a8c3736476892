//! The files that a confined process may reach, and no network, by Landlock where the kernel has it.

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope,
    path_beneath_rules,
};
pub use landlock::{RulesetError, RulesetStatus};

/// What this program knows of Landlock; a kernel that knows less enforces less.
const KNOWN: ABI = ABI::V10;

/// As [`KNOWN`], without the rights to control devices and to find sockets.
const KNOWN_FOR_DEVICES: ABI = ABI::V4;

/// What every program reads: its libraries, and what the system tells of the machine and of the process.
const SYSTEM: [&str; 13] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/dev/urandom",
];

/// Files and folders for which there are rules; everything else is out of reach. What the machine lacks is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Files, and folders with what lies in them, that may be read.
    pub read: Vec<PathBuf>,
    /// Folders of which the names of entries may be read, and no more.
    pub list: Vec<PathBuf>,
    /// Files and folders that may also be changed.
    pub write: Vec<PathBuf>,
}

/// How wide the rules are beside the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// No network, no sockets, no signals to other processes.
    Closed,
    /// No network; devices can be controlled and sockets of the file system found, as drivers of GPUs need it.
    Devices,
    /// As [`Width::Devices`], and the network is open: for downloads.
    Network,
}

impl Reach {
    /// The system's libraries and this program's own file.
    pub fn system() -> Self {
        let program = std::env::current_exe().ok();
        let read = SYSTEM.iter().map(PathBuf::from).chain(program).collect();
        Self { read, list: Vec::new(), write: vec!["/dev/null".into()] }
    }
}

/// Shuts this thread, and every one that it starts from now on, in with a reach; tells whether the kernel enforces all, some
/// or none of it.
///
/// # Errors
/// The kernel's, where it knows Landlock and refuses.
pub fn enter(reach: &Reach, width: Width) -> Result<RulesetStatus, RulesetError> {
    let known = if width == Width::Closed { KNOWN } else { KNOWN_FOR_DEVICES };
    let rights = AccessFs::from_all(known);
    let mut rules = Ruleset::default().handle_access(rights)?;
    if width != Width::Network {
        rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
    }
    if width == Width::Closed {
        rules = rules.scope(Scope::from_all(known))?;
    }
    let rules = rules.create()?;
    let rules = rules.add_rules(path_beneath_rules(&reach.read, AccessFs::from_read(known)))?;
    let rules = rules.add_rules(path_beneath_rules(&reach.list, AccessFs::ReadDir))?;
    let rules = rules.add_rules(path_beneath_rules(&reach.write, rights))?;
    Ok(rules.restrict_self()?.ruleset)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn paths_that_a_machine_lacks_are_left_out() {
        let reach = Reach { read: vec!["/no/such/path".into()], ..Reach::default() };
        let entered = std::thread::spawn(move || enter(&reach, Width::Closed).is_ok());
        assert!(entered.join().expect("no panic"));
    }

    #[test]
    fn the_network_is_open_for_downloads_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, "hush").expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        for (width, is_open) in [(Width::Closed, false), (Width::Devices, false), (Width::Network, true)] {
            let secret = secret.clone();
            let tried = std::thread::spawn(move || {
                let status = enter(&Reach::system(), width).expect("the kernel takes the rules");
                (status, TcpStream::connect(address).is_ok(), fs::read(secret).is_ok())
            });
            let (status, connects, reads) = tried.join().expect("no panic");
            if status == RulesetStatus::NotEnforced {
                println!("this kernel has no Landlock: nothing more to see");
                return;
            }
            assert!(!reads, "{width:?}");
            // Kernels before 6.7 know no rules for the network, and enforce the rest only.
            assert!(connects == is_open || status == RulesetStatus::PartiallyEnforced, "{width:?}");
        }
    }
}
