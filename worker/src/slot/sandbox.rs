//! The files that a slot process may reach, and no network, by Landlock where the kernel has it.
//!
//! A slot on the CPU reads its inputs and the system's libraries, and writes its own folder. One on a GPU may also use
//! the devices, and whatever the driver's libraries are known to read and to write.

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::protocol::Start;

/// What this program knows of Landlock; a kernel that knows less enforces less.
const KNOWN: ABI = ABI::V10;

/// As [`KNOWN`], for GPUs: without the rights to control devices and to find sockets, which the driver needs.
const KNOWN_FOR_GPUS: ABI = ABI::V4;

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

/// What the libraries of the NVIDIA driver and of CUDA read besides: they look in many places, which differ between systems.
const GPU_READ: [&str; 9] =
    ["/usr", "/opt", "/etc", "/proc", "/sys", "/run", "/var/run", "/nix/store", "/gnu/store"];

/// What they write: devices and shared memory, and sockets of helpers.
const GPU_WRITE: [&str; 3] = ["/dev", "/tmp", "/var/tmp"];

/// Folders of libraries, and of CUDA, by variable.
const GPU_FOLDER_VARIABLES: [&str; 4] = ["LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"];

/// Reaches for which there are rules.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reach {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

impl Reach {
    /// What a piece of work needs on the CPU.
    fn of(start: &Start) -> Self {
        let inputs = [Some(&start.dataset), start.checkpoint.as_ref(), start.model.as_ref()];
        let program = std::env::current_exe().ok();
        let read =
            SYSTEM.iter().map(PathBuf::from).chain(program).chain(inputs.into_iter().flatten().cloned());
        Self { read: read.collect(), write: vec![start.directory.clone(), "/dev/null".into()] }
    }

    /// And on a GPU.
    fn with_gpu(mut self) -> Self {
        self.read.extend(GPU_READ.iter().map(PathBuf::from));
        let folders = GPU_FOLDER_VARIABLES.iter().filter_map(std::env::var_os);
        self.read.extend(folders.flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>()));
        self.write.extend(GPU_WRITE.iter().map(PathBuf::from));
        self.write.push(std::env::temp_dir());
        self.write.extend(kernel_cache());
        self
    }
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
        let rights = AccessFs::from_all(KNOWN);
        restrict(KNOWN, &Reach::of(start), rights, Scope::from_all(KNOWN))
    } else {
        let rights = AccessFs::from_all(KNOWN_FOR_GPUS);
        restrict(KNOWN_FOR_GPUS, &Reach::of(start).with_gpu(), rights, BitFlags::EMPTY)
    }
}

fn restrict(
    known: ABI,
    reach: &Reach,
    rights: BitFlags<AccessFs>,
    scope: BitFlags<Scope>,
) -> Result<RulesetStatus, RulesetError> {
    let mut rules = Ruleset::default().handle_access(rights)?.handle_access(AccessNet::from_all(known))?;
    if !scope.is_empty() {
        rules = rules.scope(scope)?;
    }
    let rules = rules.create()?;
    let rules = rules.add_rules(path_beneath_rules(&reach.read, AccessFs::from_read(known)))?;
    let rules = rules.add_rules(path_beneath_rules(&reach.write, rights))?;
    Ok(rules.restrict_self()?.ruleset)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::net::{TcpListener, TcpStream};

    use sweep_proto::{Configuration, Digest, SweepId, TrialId, TrialSpec, WorkKind};

    use super::*;

    fn start(dataset: PathBuf, directory: PathBuf, device: &str) -> Start {
        let id = TrialId { sweep: SweepId(1), index: 0 };
        let configuration = Configuration::default();
        let spec = TrialSpec { id, configuration, replicate: 0, seed: 1, dataset: Digest::of(b"data") };
        let device = device.to_owned();
        let work = WorkKind::Train;
        Start { work, spec, dataset, checkpoint: None, model: None, directory, device }
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
        let reach = Reach::of(&on("cuda:0")).with_gpu();
        assert!(reach.write.contains(&"/dev".into()) && reach.read.contains(&"/usr".into()));
        let is_home = |path: &PathBuf| std::env::home_dir().is_some_and(|home| home.starts_with(path));
        let wide = [PathBuf::from("/"), "/home".into(), "/root".into()];
        assert!(!reach.read.iter().chain(&reach.write).any(|path| wide.contains(path) && is_home(path)));
        assert!(!Reach::of(&on("cpu")).write.contains(&"/dev".into()));
    }

    #[test]
    fn paths_that_a_machine_lacks_are_left_out() {
        let reach = Reach { read: vec!["/no/such/path".into()], write: Vec::new() };
        let restricted = std::thread::spawn(move || {
            restrict(KNOWN, &reach, AccessFs::from_all(KNOWN), BitFlags::EMPTY).is_ok()
        });
        assert!(restricted.join().expect("no panic"));
    }
}
