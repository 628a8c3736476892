//! How long to wait before trying again, and after which answers to try at all.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};

/// First bound of a wait between tries.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);

/// Largest bound of a wait: a restarted coordinator has its workers back soon, and thousands of them
/// spread over this time.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Exponential backoff with full jitter: each wait is drawn evenly between nothing and a bound that
/// doubles. (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
#[derive(Clone, Debug)]
pub struct Backoff {
    bound: Duration,
    jitter: Jitter,
}

impl Backoff {
    /// A backoff at its first bound.
    pub fn new(jitter: Jitter) -> Self {
        Self { bound: BACKOFF_FIRST, jitter }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.jitter.up_to(self.bound);
        self.bound = (self.bound * 2).min(BACKOFF_MAX);
        wait
    }

    /// As [`Self::next_wait`], but at least half of the bound: for waits that others may not take back to nothing.
    pub fn next_pause(&mut self) -> Duration {
        let least = self.bound / 2;
        let pause = least + self.jitter.up_to(least);
        self.bound = (self.bound * 2).min(BACKOFF_MAX);
        pause
    }

    /// Something went well: the next wait is short again.
    pub fn reset(&mut self) {
        self.bound = BACKOFF_FIRST;
    }
}

/// Pauses of slots whose work ends soon and brings nothing, each longer than the one before: a coordinator that hands out what
/// nobody can do must not make its workers repeat it as fast as the network allows.
#[derive(Clone, Debug)]
pub struct Fruitless {
    backoff: Backoff,
    paused_until: Option<Instant>,
}

impl Fruitless {
    /// Nothing was in vain yet.
    pub fn new(jitter: Jitter) -> Self {
        Self { backoff: Backoff::new(jitter), paused_until: None }
    }

    /// A piece of work was in vain: until when its slot pauses. Slots that end together pause together.
    pub fn pause(&mut self, now: Instant) -> Instant {
        match self.paused_until.filter(|until| now < *until) {
            Some(until) => until,
            None => *self.paused_until.insert(now + self.backoff.next_pause()),
        }
    }

    /// A piece of work brought something.
    pub fn reset(&mut self) {
        self.backoff.reset();
    }
}

/// A source of spread (SplitMix64; Steele, Lea & Flood 2014). Seeded, so that a simulation repeats.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same waits.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that differs between processes.
    pub fn random_seed() -> u64 {
        // The standard library keys this hasher from the system's entropy.
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }

    /// A stream of its own for a part of the program.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.next_bits())
    }

    /// Evenly between nothing and `bound`.
    pub fn up_to(&mut self, bound: Duration) -> Duration {
        // 53 bits make an exact fraction in [0, 1).
        let fraction = (self.next_bits() >> 11) as f64 / (1_u64 << 53) as f64;
        bound.mul_f64(fraction)
    }

    fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

/// Whether the same request may succeed later: the coordinator was away, slow or full, or the
/// connection broke. Everything else is an answer.
pub fn is_transient(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted => true,
        // What a broken connection is mapped to here. An answer that was sent has no source.
        Code::Unknown | Code::Internal | Code::Cancelled => std::error::Error::source(status).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_a_doubling_bound_and_fill_it() {
        let mut longest = [Duration::ZERO; 10];
        for seed in 0..200 {
            let mut backoff = Backoff::new(Jitter::seeded(seed));
            for (tries, longest) in longest.iter_mut().enumerate() {
                let bound = (BACKOFF_FIRST * 2_u32.pow(tries as u32)).min(BACKOFF_MAX);
                let wait = backoff.next_wait();
                assert!(wait <= bound, "{wait:?} after {tries} tries");
                *longest = (*longest).max(wait);
            }
        }
        assert!(longest[0] > BACKOFF_FIRST / 2 && longest[9] > BACKOFF_MAX / 2);
    }

    #[test]
    fn pauses_grow_with_each_round_that_was_in_vain_and_slots_pause_together() {
        let mut fruitless = Fruitless::new(Jitter::seeded(3));
        let mut now = Instant::now();
        for round in 0..8 {
            let bound = (BACKOFF_FIRST * 2_u32.pow(round)).min(BACKOFF_MAX);
            let until = fruitless.pause(now);
            assert!(until >= now + bound / 2 && until <= now + bound, "round {round}");
            assert_eq!(fruitless.pause(now), until, "another slot");
            now = until;
        }
        fruitless.reset();
        assert!(fruitless.pause(now) <= now + BACKOFF_FIRST);
    }

    #[test]
    fn a_reset_starts_over_and_equal_seeds_give_equal_waits() {
        let mut one = Backoff::new(Jitter::seeded(7));
        let mut other = Backoff::new(Jitter::seeded(7));
        for _ in 0..8 {
            assert_eq!(one.next_wait(), other.next_wait());
        }
        one.reset();
        assert!(one.next_wait() <= BACKOFF_FIRST);
    }

    #[test]
    fn answers_are_not_tried_again() {
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Aborted] {
            assert!(is_transient(&Status::new(code, "")), "{code:?}");
        }
        for code in
            [Code::FailedPrecondition, Code::InvalidArgument, Code::NotFound, Code::Internal, Code::Unknown]
        {
            assert!(!is_transient(&Status::new(code, "")), "{code:?}");
        }
    }
}
