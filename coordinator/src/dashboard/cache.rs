//! What many viewers of a sweep or a trial share: made once at a time, again only after a change, and never so often that making it
//! takes more than a small part of the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coordinator_core::SweepState;
use sweep_proto::{SweepId, TrialId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::refusal::Refusal;
use crate::driver::Notices;
use crate::status;

/// How many times as long as it takes to make a value the value is shown.
const LEISURE: u32 = 10;

/// When a value may be made again whose making began then and has just ended.
pub(super) fn renewable_at(began: Instant, interval: Duration) -> Instant {
    Instant::now() + interval.max(began.elapsed() * LEISURE)
}

/// What a value is of.
pub(super) trait Subject: Copy + Ord + Send + 'static {
    /// The sweep whose changes make the value old.
    fn sweep(self) -> SweepId;
}

impl Subject for SweepId {
    fn sweep(self) -> SweepId {
        self
    }
}

impl Subject for TrialId {
    fn sweep(self) -> SweepId {
        self.sweep
    }
}

/// A value for each of the subjects that were asked for lately.
#[derive(Debug)]
pub(super) struct Cache<K, T> {
    slots: Mutex<Slots<K, T>>,
    rules: Rules<T>,
}

/// How many values are kept, and for how long.
#[derive(Debug)]
pub(super) struct Rules<T> {
    /// Subjects of which one is kept.
    pub(super) slots_max: usize,
    /// Shortest time between two values of one subject.
    pub(super) interval: Duration,
    /// The age from which a value is made again without any change, should somebody ask.
    pub(super) age_max: fn(&T) -> Option<Duration>,
}

/// By subject, with the number of the last request for each.
#[derive(Debug)]
struct Slots<K, T> {
    by_subject: BTreeMap<K, (u64, SharedSlot<T>)>,
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
    /// When it is made again without a change.
    stale_at: Option<Instant>,
    /// How the sweep stood.
    state: SweepState,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            renewable_at: self.renewable_at,
            stale_at: self.stale_at,
            state: self.state,
        }
    }
}

impl<K: Subject, T: Send + Sync + 'static> Cache<K, T> {
    pub(super) fn new(rules: Rules<T>) -> Self {
        Self { slots: Mutex::new(Slots { by_subject: BTreeMap::new(), requests: 0 }), rules }
    }

    /// The value of a subject whose sweep stands so, made where there is none or an old one, from the one before if that
    /// is still kept. What is begun is done to its end, whether or not whoever asked is still there: nobody makes the
    /// coordinator begin again and again.
    pub(super) async fn get<F>(
        &self,
        notices: &Notices,
        (subject, state): (K, SweepState),
        make: impl FnOnce(Option<Arc<T>>) -> F + Send + 'static,
    ) -> Result<Seen<T>, Refusal>
    where
        F: Future<Output = Result<T, Refusal>> + Send,
    {
        let slot = self.slot(notices, subject);
        let (interval, age_max) = (self.rules.interval, self.rules.age_max);
        let getting = tokio::spawn(async move {
            let mut slot = slot.lock_owned().await;
            let began = Instant::now();
            if let Some(seen) = slot.seen.as_ref().filter(|seen| seen.stands(state, &slot.changes)) {
                return Ok(seen.clone());
            }
            // Should it fail, an old value must not pass for a new one.
            let before = slot.seen.take().map(|seen| seen.value);
            slot.changes.mark_unchanged();
            let value = Arc::new(make(before).await?);
            let renewable_at = renewable_at(began, interval);
            let stale_at = age_max(&value).map(|age| renewable_at.max(began + age));
            let seen = Seen { value, renewable_at, stale_at, state };
            slot.seen = Some(seen.clone());
            Ok(seen)
        });
        getting.await.map_err(status::internal)?
    }

    fn slot(&self, notices: &Notices, subject: K) -> SharedSlot<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.requests += 1;
        let request = slots.requests;
        if let Some((last, slot)) = slots.by_subject.get_mut(&subject) {
            *last = request;
            return Arc::clone(slot);
        }
        while slots.by_subject.len() >= self.rules.slots_max
            && let Some((oldest, _)) = slots.by_subject.iter().min_by_key(|(_, (last, _))| *last)
        {
            let oldest = *oldest;
            slots.by_subject.remove(&oldest);
        }
        let slot = Arc::new(tokio::sync::Mutex::new(Slot {
            seen: None,
            changes: notices.of_sweep(subject.sweep()),
        }));
        slots.by_subject.insert(subject, (request, Arc::clone(&slot)));
        slot
    }
}

impl<T> Seen<T> {
    /// Whether it is still to be shown, of a sweep that now stands so.
    fn stands(&self, state: SweepState, changes: &watch::Receiver<u64>) -> bool {
        let now = Instant::now();
        // A sender that is gone tells nothing of what changes.
        let has_changed = changes.has_changed().unwrap_or(true);
        let is_old = self.stale_at.is_some_and(|at| at <= now);
        self.state == state && (now < self.renewable_at || (!has_changed && !is_old))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tonic::Status;

    use super::*;

    const OPEN: SweepState = SweepState::Open;

    /// A cache of the numbers of makings, each of which takes 100 ms.
    struct Scene {
        cache: Cache<SweepId, u32>,
        notices: Notices,
        made: Arc<AtomicU32>,
    }

    impl Scene {
        fn new(slots_max: usize, age_max: fn(&u32) -> Option<Duration>) -> Self {
            let rules = Rules { slots_max, interval: Duration::from_millis(500), age_max };
            Self { cache: Cache::new(rules), notices: Notices::default(), made: Arc::default() }
        }

        async fn get_in(&self, state: SweepState, sweep: u64) -> u32 {
            let made = Arc::clone(&self.made);
            let make = move |_| async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(made.fetch_add(1, Ordering::Relaxed) + 1)
            };
            *self.cache.get(&self.notices, (SweepId(sweep), state), make).await.unwrap().value
        }

        async fn get(&self, sweep: u64) -> u32 {
            self.get_in(OPEN, sweep).await
        }

        fn change(&self) {
            self.notices.sweeps_changed(&[SweepId(1)].into());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_made_again_after_a_change_and_some_rest() {
        let scene = Scene::new(2, |_| None);
        assert_eq!((scene.get(1).await, scene.get(1).await), (1, 1));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(scene.get(1).await, 1, "nothing has changed");
        scene.change();
        assert_eq!(scene.get(1).await, 2);
        scene.change();
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(scene.get(1).await, 2, "it took 100 ms, so it is shown for a second");
        assert_eq!(scene.get_in(SweepState::Finished, 1).await, 3, "but not of another state");
        assert_eq!((scene.get(2).await, scene.get(3).await, scene.get(1).await), (4, 5, 6), "room for two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_ages_where_it_may() {
        let scene = Scene::new(1, |_| Some(Duration::from_secs(10)));
        assert_eq!(scene.get(1).await, 1);
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(scene.get(1).await, 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.get(1).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_and_what_fails_leave_nothing_old_behind() {
        let scene = Scene::new(1, |_| None);
        assert_eq!(scene.get(1).await, 1);
        tokio::time::sleep(Duration::from_mins(1)).await;
        scene.change();
        // Gone before it is made; it is made all the same, once.
        assert!(tokio::time::timeout(Duration::from_millis(10), scene.get(1)).await.is_err());
        assert_eq!((scene.get(1).await, scene.made.load(Ordering::Relaxed)), (2, 2));
        tokio::time::sleep(Duration::from_mins(1)).await;
        scene.change();
        let fails = |_| async { Err(Status::unavailable("no").into()) };
        assert!(scene.cache.get(&scene.notices, (SweepId(1), OPEN), fails).await.is_err());
        assert_eq!(scene.get(1).await, 3);
    }
}
