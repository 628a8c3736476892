//! The files that a slot process may reach, and no network, by Landlock where the kernel has it.
//!
//! A slot on the CPU reads the inputs of its members and the system's libraries, and writes their folders. One on a GPU may also use
//! the devices, and whatever the driver's libraries are known to read and to write.

use std::path::PathBuf;

use sweep_confinement::{Reach, RulesetError, RulesetStatus, Width};

use super::protocol::Start;

/// What the libraries of the NVIDIA driver and of CUDA read besides: they look in many places, which differ between systems.
const GPU_READ: [&str; 9] =
    ["/usr", "/opt", "/etc", "/proc", "/sys", "/run", "/var/run", "/nix/store", "/gnu/store"];

/// What they write: devices and shared memory, and sockets of helpers.
const GPU_WRITE: [&str; 3] = ["/dev", "/tmp", "/var/tmp"];

/// Folders of libraries, and of CUDA, by variable.
const GPU_FOLDER_VARIABLES: [&str; 4] = ["LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"];

/// What a piece of work needs on the CPU.
fn reach(start: &Start) -> Reach {
    let mut reach = Reach::system();
    reach.read.push(start.dataset.clone());
    for member in &start.members {
        reach.read.extend([&member.checkpoint, &member.model].into_iter().flatten().cloned());
        reach.write.push(member.directory.clone());
    }
    reach
}

/// And on a GPU.
fn reach_with_gpu(start: &Start) -> Reach {
    let mut reach = reach(start);
    reach.read.extend(GPU_READ.iter().map(PathBuf::from));
    let folders = GPU_FOLDER_VARIABLES.iter().filter_map(std::env::var_os);
    reach.read.extend(folders.flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>()));
    reach.write.extend(GPU_WRITE.iter().map(PathBuf::from));
    reach.write.push(std::env::temp_dir());
    reach.write.extend(kernel_cache());
    reach
}

/// Where CUDA keeps the kernels that it has compiled. Made here, because the slot may not make it in the home folder.
fn kernel_cache() -> Option<PathBuf> {
    let named = std::env::var_os("CUDA_CACHE_PATH").map(PathBuf::from);
    let cache = named.or_else(|| Some(std::env::home_dir()?.join(".nv/ComputeCache")))?;
    // Without it CUDA compiles each time.
    let _ = std::fs::create_dir_all(&cache);
    Some(cache)
}

/// Shuts this thread, and every one that it starts from now on, in with what its work needs; tells whether the kernel
/// enforces all, some or none of it.
///
/// # Errors
/// The kernel's, where it knows Landlock and refuses.
pub(super) fn enter(start: &Start) -> Result<RulesetStatus, RulesetError> {
    if start.device == "cpu" {
        sweep_confinement::enter(&reach(start), Width::Closed)
    } else {
        sweep_confinement::enter(&reach_with_gpu(start), Width::Devices)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::net::{TcpListener, TcpStream};

    use sweep_proto::{Configuration, Digest, SweepId, TrialId, TrialSpec, WorkKind};

    use super::*;
    use crate::slot::protocol::{MemberId, MemberStart};

    fn start(dataset: PathBuf, directory: PathBuf, device: &str) -> Start {
        let id = TrialId { sweep: SweepId(1), index: 0 };
        let configuration = Configuration::default();
        let spec =
            TrialSpec { id, configuration, replicate: 0, seed: 1, dataset: Digest::of(b"data").into() };
        let device = device.to_owned();
        let work = WorkKind::Train;
        let member = MemberStart {
            member: MemberId(0),
            spec,
            checkpoint: None,
            until_epoch: None,
            model: None,
            directory,
        };
        Start { work, dataset, device, members: vec![member] }
    }

    /// What a thread may do after `close` was called in it: read its dataset, another file, write its folder, rename there,
    /// write elsewhere, connect.
    fn may(close: impl FnOnce(&Start) -> RulesetStatus + Send) -> (RulesetStatus, [bool; 6]) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("own")).expect("made");
        for name in ["dataset", "identity.json"] {
            fs::write(path(name), name).expect("written");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let start = start(path("dataset"), path("own"), "cpu");
        // Landlock is for a thread and its children: the rest of this process stays free.
        let tried = std::thread::scope(|scope| {
            let tries = || {
                let status = close(&start);
                let done = [
                    fs::read(path("dataset")).map(|_| ()),
                    fs::read(path("identity.json")).map(|_| ()),
                    fs::write(path("own/new"), "x"),
                    fs::rename(path("own/new"), path("own/newer")),
                    fs::write(path("elsewhere"), "x"),
                    TcpStream::connect(address).map(|_| ()),
                ];
                let is_done = |done: &io::Result<()>| match done {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
                        false
                    }
                };
                (status, done.each_ref().map(is_done))
            };
            scope.spawn(tries).join()
        });
        tried.expect("no panic")
    }

    #[test]
    fn a_slot_reads_its_inputs_writes_its_folder_and_reaches_nothing_else() {
        let (_, free) = may(|_| RulesetStatus::NotEnforced);
        assert_eq!(free, [true; 6], "all of it can be done without rules");
        let (status, [reads, reads_other, writes, renames, writes_other, connects]) =
            may(|start| enter(start).expect("the kernel takes the rules"));
        assert!(reads && writes && renames);
        if status == RulesetStatus::NotEnforced {
            println!("this kernel has no Landlock: nothing more to see");
            return;
        }
        assert!(!reads_other && !writes_other);
        // Kernels before 6.7 know no rules for the network, and enforce the rest only.
        assert!(!connects || status == RulesetStatus::PartiallyEnforced);
    }

    #[test]
    fn a_slot_on_a_gpu_reaches_devices_and_libraries_and_still_no_home() {
        let on = |device: &str| start("/cache/data".into(), "/work/1".into(), device);
        let on_gpu = reach_with_gpu(&on("cuda:0"));
        assert!(on_gpu.write.contains(&"/dev".into()) && on_gpu.read.contains(&"/usr".into()));
        let is_home = |path: &PathBuf| std::env::home_dir().is_some_and(|home| home.starts_with(path));
        let wide = [PathBuf::from("/"), "/home".into(), "/root".into()];
        assert!(!on_gpu.read.iter().chain(&on_gpu.write).any(|path| wide.contains(path) && is_home(path)));
        assert!(!reach(&on("cpu")).write.contains(&"/dev".into()));
    }
}
