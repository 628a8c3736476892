//! Work that blocks: beside the threads of the session, where there are several.

use std::io;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that waits for a disk. On a runtime of one thread it is done at once, in its turn: there the order of
/// things stays fixed.
///
/// # Errors
/// Those of the work, and where it panicked.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => work(),
        _ => tokio::task::spawn_blocking(work).await.unwrap_or_else(|join| Err(io::Error::other(join))),
    }
}
