//! What a slot process may not do to its machine: take more memory than its share, have others die for it, gain rights,
//! leave its memory on the disk.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Bounds this process for the rest of its life.
///
/// What it allocates beyond `memory_bytes` fails, which ends the process with a message about memory. Files that
/// are mapped to be read do not count. A lower bound that it began under stays.
pub(crate) fn enter(memory_bytes: Option<u64>) {
    sweep_confinement::renounce();
    let bounded = memory_bytes.map(|bytes| {
        let (_, most) = getrlimit(Resource::RLIMIT_DATA)?;
        let bytes = bytes.min(most);
        setrlimit(Resource::RLIMIT_DATA, bytes, bytes)
    });
    if let Some(Err(error)) = bounded {
        eprintln!("the memory of this slot cannot be bounded: {error}");
    }
}
