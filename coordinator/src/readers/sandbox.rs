//! The files that a process which reads data may reach: the data that is named, and the cache that it writes. The network
//! is for downloads alone.

use std::path::{Path, PathBuf};

use coordinator_dataset::Named;
use sweep_confinement::{Reach, RulesetError, RulesetStatus, Width};

/// What looking up the home of a download reads: names of machines and certificates.
const NETWORK: [&str; 5] =
    ["/etc", "/run/systemd/resolve", "/run/resolvconf", "/usr/share/ca-certificates", "/dev/random"];

/// What is read, and where it may be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work<'a> {
    /// Paths that the source names.
    pub(super) paths: &'a [&'a Path],
    /// The folders beneath which files may be read; nothing: everywhere.
    pub(super) folders: Option<&'a [PathBuf]>,
    /// Whether the data is fetched from its home.
    pub(super) is_download: bool,
    /// The folders of what is encoded, downloaded and unpacked.
    pub(super) written: &'a [&'a Path],
}

impl Work<'_> {
    fn reach(&self) -> (Reach, Width) {
        let mut reach = Reach::system();
        if let Some(folders) = self.folders {
            // Readers find no way out of these; the names of the data are resolved beneath them.
            reach.read.extend(folders.iter().cloned());
        } else {
            let named = Named::by(self.paths.iter().copied());
            reach.read.extend(named.read);
            reach.list.extend(named.listed);
        }
        reach.write.extend(self.written.iter().map(|path| (*path).to_owned()));
        if self.is_download {
            reach.read.extend(NETWORK.iter().map(PathBuf::from));
            return (reach, Width::Network);
        }
        (reach, Width::Closed)
    }
}

/// Shuts this thread, and every one that it starts from now on, in with what its work needs; tells whether the kernel
/// enforces all, some or none of it.
///
/// # Errors
/// The kernel's, where it knows Landlock and refuses.
pub(super) fn enter(work: &Work<'_>) -> Result<RulesetStatus, RulesetError> {
    let (reach, width) = work.reach();
    sweep_confinement::enter(&reach, width)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a thread may do after it was shut in: read the data, data behind a link, and a file beside it; write the cache, and
    /// beside the data; connect.
    fn may(is_shut_in: bool, folders: Option<fn(&Path) -> PathBuf>) -> (RulesetStatus, [bool; 6]) {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        for folder in ["corpus", "elsewhere", "cache"] {
            fs::create_dir(at(folder)).expect("made");
        }
        for file in ["corpus/rows.csv", "elsewhere/rows.csv", "identity.json"] {
            fs::write(at(file), "text,label\n").expect("written");
        }
        symlink(at("elsewhere/rows.csv"), at("corpus/linked.csv")).expect("linked");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let folders = folders.map(|of| vec![of(place.path())]);
        let tries = || {
            let (paths, written) = ([at("corpus")], [at("cache")]);
            let work = Work {
                paths: &[&paths[0]],
                folders: folders.as_deref(),
                is_download: false,
                written: &[&written[0]],
            };
            let status = if is_shut_in { enter(&work).expect("taken") } else { RulesetStatus::NotEnforced };
            let done = [
                fs::read(at("corpus/rows.csv")).is_ok(),
                fs::read(at("corpus/linked.csv")).is_ok(),
                fs::read(at("identity.json")).is_ok(),
                fs::write(at("cache/new"), "x").is_ok(),
                fs::write(at("corpus/new"), "x").is_ok(),
                TcpStream::connect(address).is_ok(),
            ];
            (status, done)
        };
        // Landlock is for a thread and its children: the rest of this process stays free.
        std::thread::scope(|scope| scope.spawn(tries).join()).expect("no panic")
    }

    #[test]
    fn a_reader_reads_the_data_that_is_named_writes_its_cache_and_reaches_nothing_else() {
        assert_eq!(may(false, None).1, [true; 6], "all of it can be done without rules");
        let (status, [reads, follows, reads_other, writes, writes_other, connects]) = may(true, None);
        assert!(reads && follows && writes);
        if status == RulesetStatus::NotEnforced {
            println!("this kernel has no Landlock: nothing more to see");
            return;
        }
        assert!(!reads_other && !writes_other);
        // Kernels before 6.7 know no rules for the network, and enforce the rest only.
        assert!(!connects || status == RulesetStatus::PartiallyEnforced);
        let (_, [reads, follows, ..]) = may(true, Some(|place| place.join("corpus")));
        assert!(reads && !follows, "links lead out of no folder that is shown");
    }
}
