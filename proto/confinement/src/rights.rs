//! Rights that a confined process gives up for the rest of its life.

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

/// How ready the kernel is to end this process when memory runs out, from -1,000 to 1,000; its parent has 0.
const KILL_FIRST: &str = "500";

/// Gives up rights by programs that it starts (`no_new_privs`) and core dumps, whose memory holds other people's data, and
/// is the first to go when memory runs out. What the system refuses is told on standard error.
pub fn renounce() {
    // Where the system has no such choice, or does not let us, it chooses by itself.
    let _ = std::fs::write("/proc/self/oom_score_adj", KILL_FIRST);
    tell("core dumps of this process cannot be turned off", setrlimit(Resource::RLIMIT_CORE, 0, 0));
    tell("this process could gain rights by programs that it starts", prctl::set_no_new_privs());
}

fn tell(problem: &str, done: nix::Result<()>) {
    if let Err(error) = done {
        eprintln!("{problem}: {error}");
    }
}
