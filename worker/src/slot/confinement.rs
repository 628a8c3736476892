//! What a slot process may not do to its machine: take more memory than its share, have others die for it, gain rights,
//! leave its memory on the disk.

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How ready the kernel is to end this process when memory runs out, from -1,000 to 1,000; the agent has 0.
const KILL_FIRST: &str = "500";

/// Bounds this process for the rest of its life.
///
/// What it allocates beyond `memory_bytes` fails, which ends the process with a message about memory. Files that
/// are mapped to be read do not count. A lower bound that it began under stays.
pub(crate) fn enter(memory_bytes: Option<u64>) {
    // Where the system has no such choice, or does not let us, it chooses by itself.
    let _ = std::fs::write("/proc/self/oom_score_adj", KILL_FIRST);
    let bounded = memory_bytes.map(|bytes| {
        let (_, most) = getrlimit(Resource::RLIMIT_DATA)?;
        let bytes = bytes.min(most);
        setrlimit(Resource::RLIMIT_DATA, bytes, bytes)
    });
    tell("the memory of this slot cannot be bounded", bounded.unwrap_or(Ok(())));
    tell("core dumps of this slot cannot be turned off", setrlimit(Resource::RLIMIT_CORE, 0, 0));
    tell("this slot could gain rights by programs that it starts", prctl::set_no_new_privs());
}

fn tell(problem: &str, done: nix::Result<()>) {
    if let Err(error) = done {
        eprintln!("{problem}: {error}");
    }
}
