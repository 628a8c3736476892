//! The points of restricted grids are found before the engine asks for them: on all cores, since each takes up to half a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use coordinator_core::Tables;
use sweep_proto::{SweepSpec, SweepState};

/// Looks at the grids of all sweeps that may still make trials. What is found is kept with them.
pub(super) fn look_at(tables: &Tables) {
    let makes_trials = |state| matches!(state, SweepState::Open | SweepState::Paused | SweepState::Cancelled);
    let sweeps = tables.sweeps.values().filter(|sweep| makes_trials(sweep.state) && !sweep.is_deleted());
    let grids: Vec<&SweepSpec> = sweeps
        .filter(|sweep| sweep.search.is_none())
        .map(|sweep| &sweep.spec)
        .filter(|spec| spec.is_restricted())
        .collect();
    let next = AtomicUsize::new(0);
    let look = || {
        while let Some(spec) = grids.get(next.fetch_add(1, Ordering::Relaxed)) {
            _ = spec.grid_size();
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        // This thread looks, too. Where no other can be made, it looks at all of them.
        for _ in 1..cores.min(grids.len()) {
            _ = thread::Builder::new().spawn_scoped(scope, look);
        }
        look();
    });
}
