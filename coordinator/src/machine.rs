//! What this machine has room for.

use coordinator_core::{Quota, Totals};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The part of this machine's memory that rows of sweeps may take: the rest is for reports, datasets and everybody else.
const MEMORY_DIVISOR: u64 = 2;

/// The totals by default: those of the core, and of memory what this machine has.
pub(crate) fn quota() -> Quota {
    let all = Quota::default().all;
    let memory_bytes = memory_bytes().map_or(all.memory_bytes, |bytes| bytes / MEMORY_DIVISOR);
    Quota::of(Totals { memory_bytes, ..all })
}

/// Memory in bytes, bounded by the container's limit if there is one; `None` where that is not told.
fn memory_bytes() -> Option<u64> {
    let wanted = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok()?;
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    Some(system.total_memory().min(limit)).filter(|bytes| *bytes > 0)
}
