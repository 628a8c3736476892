//! The coordinator's clock: the wall clock at start, carried on by the monotonic one.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sweep_proto::Timestamp;

/// Tells times that never go backwards, whatever happens to the machine's wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    anchor: Instant,
    anchor_ms: u64,
}

impl Clock {
    /// A clock anchored to the wall clock now.
    pub(crate) fn start() -> Self {
        // A machine whose clock stands before 1970 counts from there: times are for display only.
        let anchor_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self { anchor: Instant::now(), anchor_ms: u64::try_from(anchor_ms).unwrap_or(0) }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.anchor.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.anchor_ms).plus_ms(elapsed)
    }
}
