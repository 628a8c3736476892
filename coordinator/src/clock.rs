//! The coordinator's clock: the wall clock at start, carried on by the runtime's monotonic one.

use std::time::{SystemTime, UNIX_EPOCH};

use sweep_proto::Timestamp;
use tokio::time::Instant;

/// Tells times that never go backwards, whatever happens to the machine's wall clock. Where the runtime's time is
/// simulated, it follows that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    anchor: Instant,
    anchored_to: Timestamp,
}

impl Clock {
    /// A clock anchored to the wall clock now.
    pub(crate) fn start() -> Self {
        // A machine whose clock stands before 1970 counts from there: times are for display only.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self::anchored_to(Timestamp(u64::try_from(since).unwrap_or(0)))
    }

    /// A clock that says that it is this time now.
    pub(crate) fn anchored_to(now: Timestamp) -> Self {
        Self { anchor: Instant::now(), anchored_to: now }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.anchor.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.anchored_to.plus_ms(elapsed)
    }
}
