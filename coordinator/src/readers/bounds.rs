//! What a process that reads data may take: memory in proportion to the files, and none of the coordinator's luck.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Memory for the program itself and small files, in bytes: far above what a corpus of some thousand texts takes.
const BASE_BYTES: u64 = 1 << 30;
/// Bytes of memory for each byte of a file: compressed columns unpack to several times their size, and texts are held
/// beside their tokens.
const BYTES_PER_BYTE: u64 = 32;
/// Memory of a machine that does not tell how much it has, in bytes.
const MACHINE_BYTES: u64 = 4 << 30;

/// The memory that reading a source of this size may take.
pub(super) fn memory_bytes(source_bytes: u64, most: u64) -> u64 {
    BASE_BYTES.saturating_add(source_bytes.saturating_mul(BYTES_PER_BYTE)).min(most)
}

/// Half of the memory that this machine, or the container on it, has.
pub(super) fn half_of_the_machine() -> u64 {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let machine = line.and_then(|line| number(line.trim_end_matches("kB"))).map(|kibibytes| kibibytes << 10);
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| number(&text));
    machine.into_iter().chain(container).min().unwrap_or(MACHINE_BYTES) / 2
}

/// Bounds what this process allocates, for as long as no other bound is set.
pub(super) fn enter(memory_bytes: u64) {
    // The hard limit stays, so that the bound can rise with the size of the files once they are found.
    let bounded = getrlimit(Resource::RLIMIT_DATA)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_DATA, memory_bytes.min(most), most));
    if let Err(error) = bounded {
        eprintln!("the memory of this process cannot be bounded: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_the_files_up_to_what_the_machine_has() {
        assert_eq!(memory_bytes(0, 8 << 30), 1 << 30);
        assert_eq!(memory_bytes(100 << 20, 8 << 30), (1 << 30) + (3_200 << 20));
        assert_eq!(memory_bytes(u64::MAX, 8 << 30), 8 << 30);
        assert!(half_of_the_machine() > 64 << 20);
    }
}
