//! Work that blocks: beside the threads that serve others, where there are several.

use std::io;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that waits for a disk or fills a core. On a runtime of one thread it is done at once, in its turn: there
/// nobody is to be kept from waiting, and the order of things stays fixed.
///
/// # Errors
/// Where the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => Ok(work()),
        _ => tokio::task::spawn_blocking(work).await.map_err(io::Error::other),
    }
}
