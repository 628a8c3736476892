//! How far a forecast may be off: from the errors of the cost model in trials that have ended.

use super::schedule::Schedule;

/// Standard deviations to both sides that hold nine of ten.
const DEVIATIONS: f64 = 1.645;
/// Error of every forecast, relative to it, whatever the trials so far tell: other hours of the same machine, levels of
/// which no trial has ended.
const ERROR_MIN: f64 = 0.05;
/// Error of one trial where too few have ended to tell it.
pub(super) const TRIAL_ERROR_UNKNOWN: f64 = 0.35;
/// Trials that have to end before their errors are taken for those of others.
const TRIALS_MIN: usize = 4;
/// Numbers that are fitted to the trials, in effect: errors of the same trials are too small by them.
const FITTED: f64 = 2.0;

/// Errors of the cost model, relative to the time of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// Of a single trial.
    trial: f64,
    /// Of the mean over all of them.
    mean: f64,
}

impl Spread {
    /// From the relative errors of trials that have ended.
    pub(super) fn of(errors: &[f64]) -> Self {
        let trial = trial_error(errors);
        Self { trial, mean: trial / (errors.len() as f64).max(1.0).sqrt() }
    }

    /// Half of the interval around a forecast, in seconds: errors that all trials share, those of single ones, which cancel
    /// out the more of them there are, and which of the last trials ends last.
    pub(super) fn half_seconds(&self, schedule: &Schedule, seconds: f64) -> f64 {
        let each = schedule.each.max(1.0);
        let running = schedule.running.iter().map(|(_, one)| (*one, 1.0));
        let shortest = |one: &Vec<f64>| one.iter().copied().fold(f64::INFINITY, f64::min);
        let waiting = schedule.waiting.iter().map(|one| (shortest(one), each));
        let (mut sum, mut squares, mut longest) = (0.0, 0.0, 0.0_f64);
        for (one, count) in running.chain(waiting) {
            sum += one * count;
            squares += one * one * count;
            longest = longest.max(one);
        }
        // Relative to the sum, errors of single trials count as far as one trial weighs.
        let single = if sum > 0.0 { self.trial * squares.sqrt() / sum } else { self.trial };
        let shared = ERROR_MIN.hypot(self.mean);
        let slots = schedule.slots.iter().map(|one| f64::from(*one)).sum::<f64>();
        let last = if slots > 1.0 { longest / 4.0 } else { 0.0 };
        DEVIATIONS * seconds * shared.hypot(single) + last
    }
}

/// Typical error of a trial's time, relative to it, from the errors of trials that have ended.
pub(super) fn trial_error(errors: &[f64]) -> f64 {
    if errors.len() < TRIALS_MIN {
        return TRIAL_ERROR_UNKNOWN;
    }
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    (squares / (errors.len() as f64 - FITTED)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(trials: usize, slots: u32) -> Schedule {
        Schedule { slots: vec![slots], running: Vec::new(), waiting: vec![vec![10.0]; trials], each: 1.0 }
    }

    #[test]
    fn the_interval_narrows_with_what_is_known_and_with_what_cancels_out() {
        let half = |errors: &[f64], trials| Spread::of(errors).half_seconds(&schedule(trials, 1), 1_000.0);
        let [few, many] = [4, 40].map(|count| [0.2, -0.2].repeat(count / 2));
        assert!(half(&[], 100) > half(&few, 100), "without a finished trial nothing is known");
        assert!(half(&few, 100) > half(&many, 100));
        assert!(half(&many, 1) > half(&many, 100), "one trial may be far off, many cancel out");
        assert!(half(&[0.0; 50], 100) >= DEVIATIONS * ERROR_MIN * 1_000.0);
    }

    #[test]
    fn with_several_slots_it_is_chance_which_trial_ends_last() {
        let spread = Spread::of(&[0.0; 50]);
        let wider = spread.half_seconds(&schedule(10, 2), 50.0) - spread.half_seconds(&schedule(10, 1), 50.0);
        assert!((wider - 2.5).abs() < 1e-9, "{wider}");
    }
}
