//! Who holds a port of this machine: a coordinator of the same user is known by the lock of its data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use coordinator::DATABASE;
use procfs::net::TcpState;
use procfs::process::{FDTarget, Process};
use sweep_transport::presence::LOCK;

/// The data folder of the coordinator that listens on a port; `None` where somebody else does, or the system does not tell.
pub(super) fn data_folder(address: SocketAddr) -> Option<PathBuf> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
    let listens = |entry: &procfs::net::TcpNetEntry| {
        entry.state == TcpState::Listen && entry.local_address.port() == address.port()
    };
    let sockets: Vec<u64> = tables.filter(listens).map(|entry| entry.inode).collect();
    procfs::process::all_processes().ok()?.flatten().find_map(|process| held_by(&process, &sockets))
}

/// The data folder that a process works in, where one of these sockets is its own.
fn held_by(process: &Process, sockets: &[u64]) -> Option<PathBuf> {
    let mut folder = None;
    let mut is_listener = false;
    for opened in process.fd().ok()?.flatten() {
        match opened.target {
            FDTarget::Socket(inode) => is_listener |= sockets.contains(&inode),
            FDTarget::Path(path) if path.file_name().is_some_and(|name| name == LOCK) => {
                let of = path.parent().filter(|folder| is_data_folder(folder)).map(Path::to_owned);
                folder = folder.or(of);
            }
            _ => {}
        }
    }
    folder.filter(|_| is_listener)
}

fn is_data_folder(folder: &Path) -> bool {
    folder.join(DATABASE).is_file()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_coordinator_is_known_by_the_folder_that_it_holds() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        assert_eq!(data_folder(address), None, "no folder is held");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("there");
        std::fs::write(path.join(DATABASE), "").expect("written");
        let lock = File::create(path.join(LOCK)).expect("made");
        assert_eq!(data_folder(address), Some(path));
        drop((lock, listener));
        assert_eq!(data_folder(address), None);
    }
}
