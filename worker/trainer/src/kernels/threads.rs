//! Two threads for one trial, where there are more threads than trials.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A batch is dealt to so many shards, so no more threads can help.
const THREADS_MAX: usize = 2;

/// The pool of this process, where a second thread is allowed and can be had.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let allowed = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    let allowed =
        allowed.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    // A thread that cannot be had is no reason not to train.
    (allowed >= THREADS_MAX).then(|| ThreadPoolBuilder::new().num_threads(THREADS_MAX).build().ok()).flatten()
});

/// Whether a second thread can help: only inside [`with_threads`].
fn are_several() -> bool {
    rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1
}

/// Both results; at the same time where a second thread can help.
pub(crate) fn in_two<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if are_several() { rayon::join(first, second) } else { (first(), second()) }
}

/// Runs on all items: two of them at the same time where a second thread can help, else all at once, side by side.
pub(crate) fn on_items<T: Send>(items: &mut [T], run: impl Fn(&mut [T]) + Sync) {
    match items {
        [first, second] if are_several() => {
            in_two(|| run(std::slice::from_mut(first)), || run(std::slice::from_mut(second)));
        }
        items => run(items),
    }
}

/// Runs on this process's pool, whose threads `RAYON_NUM_THREADS` bounds; on this thread where that belongs to a pool
/// already or one thread is all there is.
pub(crate) fn with_threads<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    match &*POOL {
        Some(pool) if rayon::current_thread_index().is_none() => pool.install(run),
        _ => run(),
    }
}
