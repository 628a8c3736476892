//! What many viewers of a sweep share: made once at a time, again only after a change, and never so often that making it
//! takes more than a small part of the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sweep_proto::SweepId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::driver::Notices;

/// How many times as long as it takes to make a value the value is shown.
const LEISURE: u32 = 10;

/// A value for each of the sweeps that were asked for lately.
#[derive(Debug)]
pub(super) struct Cache<T> {
    slots: Mutex<Slots<T>>,
    slots_max: usize,
    interval: Duration,
}

/// By sweep, with the number of the last request for each.
#[derive(Debug)]
struct Slots<T> {
    by_sweep: BTreeMap<SweepId, (u64, SharedSlot<T>)>,
    requests: u64,
}

/// Held while the value is made, so that it is made once.
type SharedSlot<T> = Arc<tokio::sync::Mutex<Slot<T>>>;

#[derive(Debug)]
struct Slot<T> {
    seen: Option<Seen<T>>,
    changes: watch::Receiver<u64>,
}

/// A value that is shared.
#[derive(Debug)]
pub(super) struct Seen<T> {
    pub(super) value: Arc<T>,
    /// When a newer one can be had, should something have changed.
    pub(super) renewable_at: Instant,
    made_at: Instant,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), renewable_at: self.renewable_at, made_at: self.made_at }
    }
}

impl<T> Cache<T> {
    /// Of at most so many sweeps, each renewed at most once in an interval.
    pub(super) fn new(slots_max: usize, interval: Duration) -> Self {
        let slots = Mutex::new(Slots { by_sweep: BTreeMap::new(), requests: 0 });
        Self { slots, slots_max, interval }
    }

    /// The value of a sweep, made where there is none or an old one.
    pub(super) async fn get<E>(
        &self,
        notices: &Notices,
        sweep: SweepId,
        make: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Seen<T>, E> {
        let slot = self.slot(notices, sweep);
        let mut slot = slot.lock().await;
        let began = Instant::now();
        // A sender that is gone tells nothing of what changes.
        let has_changed = slot.changes.has_changed().unwrap_or(true);
        if let Some(seen) = &slot.seen
            && (!has_changed || began < seen.renewable_at)
        {
            return Ok(seen.clone());
        }
        slot.changes.mark_unchanged();
        let value = Arc::new(make().await?);
        let renewable_at = Instant::now() + self.interval.max(began.elapsed() * LEISURE);
        let seen = Seen { value, renewable_at, made_at: began };
        slot.seen = Some(seen.clone());
        Ok(seen)
    }

    /// Whoever asks next gets a new value.
    pub(super) fn forget(&self, sweep: SweepId) {
        self.lock().by_sweep.remove(&sweep);
    }

    /// Whoever asks next gets a value that is not as old as this.
    pub(super) async fn forget_older(&self, sweep: SweepId, age: Duration) {
        let slot = self.lock().by_sweep.get(&sweep).map(|(_, slot)| Arc::clone(slot));
        if let Some(slot) = slot {
            slot.lock().await.seen.take_if(|seen| seen.made_at.elapsed() >= age);
        }
    }

    fn slot(&self, notices: &Notices, sweep: SweepId) -> SharedSlot<T> {
        let mut slots = self.lock();
        slots.requests += 1;
        let request = slots.requests;
        if let Some((last, slot)) = slots.by_sweep.get_mut(&sweep) {
            *last = request;
            return Arc::clone(slot);
        }
        while slots.by_sweep.len() >= self.slots_max
            && let Some((oldest, _)) = slots.by_sweep.iter().min_by_key(|(_, (last, _))| *last)
        {
            let oldest = *oldest;
            slots.by_sweep.remove(&oldest);
        }
        let slot = Arc::new(tokio::sync::Mutex::new(Slot { seen: None, changes: notices.of_sweep(sweep) }));
        slots.by_sweep.insert(sweep, (request, Arc::clone(&slot)));
        slot
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_value_is_made_again_after_a_change_and_some_rest() {
        let (cache, notices) = (Cache::new(2, Duration::from_millis(500)), Notices::default());
        let made = std::cell::Cell::new(0);
        let get = async |sweep| {
            let make = async || {
                made.set(made.get() + 1);
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<_, ()>(made.get())
            };
            *cache.get(&notices, SweepId(sweep), make).await.unwrap().value
        };
        assert_eq!((get(1).await, get(1).await), (1, 1));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(get(1).await, 1, "nothing has changed");
        let change = || notices.sweeps_changed(&[SweepId(1)].into());
        change();
        assert_eq!(get(1).await, 2);
        change();
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(get(1).await, 2, "it took 100 ms, so it is shown for a second");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(get(1).await, 3);
        cache.forget_older(SweepId(1), Duration::from_mins(1)).await;
        assert_eq!(get(1).await, 3, "it is not as old");
        cache.forget(SweepId(1));
        assert_eq!((get(1).await, get(2).await, get(1).await), (4, 5, 4));
        assert_eq!((get(3).await, get(1).await, get(2).await), (6, 4, 7), "the one not asked for made room");
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again() {
        let (cache, notices) = (Cache::new(1, Duration::ZERO), Notices::default());
        assert!(cache.get(&notices, SweepId(1), async || Err::<u8, _>("no")).await.is_err());
        assert_eq!(*cache.get(&notices, SweepId(1), async || Ok::<_, &str>(7)).await.unwrap().value, 7);
    }
}
