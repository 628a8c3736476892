//! What trials have shown, as observations of the model: finished ones, and the others extrapolated to their ends.
//!
//! What a finished trial has shown is taken into account for good: it is *settled*. So is what a trial has shown that waits, where many do;
//! if it shows more later on, that replaces what was settled.

use crate::auto::curves::{DOUBT, Key};
use crate::auto::model::Observation;
use crate::auto::scores::highest_counted;
use crate::auto::trial::{Known, State, Trial};
use crate::auto::trials::Trials;

/// From this number on, trials that wait are settled together: each question takes into account again whatever is not settled.
const WAITING_MAX: usize = 64;

/// What a trial has shown, and what of it was settled before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    pub(crate) known: Known,
    pub(crate) before: Option<Known>,
}

impl Seen {
    /// What it adds to what was settled, if the seed noise is `noise`: nothing where no more is known than before.
    ///
    /// Both are the same trial's score, and what is added is no second trial. A score that is known with the variance `v` tells of its
    /// configuration with the precision `1 / (noise + v)`, and precisions add up.
    pub(crate) fn added(&self, noise: f64) -> Option<Observation> {
        let Known { mut value, mut variance } = self.known;
        if let Some(before) = self.before {
            let (now, then) = (1.0 / (noise + variance), 1.0 / (noise + before.variance));
            let more = now - then;
            // Below that, rounding decides.
            if more <= 1e-9 * then {
                return None;
            }
            value = (value * now - before.value * then) / more;
            variance = 1.0 / more - noise;
        }
        Some(Observation { configuration: self.key.0, replicate: self.key.1, value, variance })
    }
}

impl Trials {
    /// The highest score that counts in full, and the mean of those of finished trials, by logarithms.
    pub(crate) fn highest_and_level(&self) -> (f64, f64) {
        let finished = self.all.values().filter(|trial| trial.state == State::Finished);
        let values: Vec<f64> = finished.map(|trial| libm::log(trial.score(self.chance_loss))).collect();
        let highest = highest_counted(values.clone());
        let sum: f64 = values.iter().map(|one| one.min(highest)).sum();
        (highest, sum / values.len().max(1) as f64)
    }

    /// Nothing is settled any more.
    pub(crate) fn unsettle(&mut self) {
        self.all.values_mut().for_each(|trial| trial.settled = None);
    }

    /// What all trials have shown, sorted.
    pub(crate) fn observations(&mut self, highest: f64) -> Vec<Observation> {
        let keys: Vec<Key> =
            self.all.iter().filter(|(_, one)| one.has_shown()).map(|(key, _)| *key).collect();
        let observation = |(key, known): (Key, Known)| Observation {
            configuration: key.0,
            replicate: key.1,
            value: known.value,
            variance: known.variance,
        };
        keys.into_iter().filter_map(|key| Some((key, self.known(key, highest)?))).map(observation).collect()
    }

    /// What is known of a trial's score, extrapolated to its end.
    fn known(&mut self, key: Key, highest: f64) -> Option<Known> {
        let trial = self.all.get_mut(&key).filter(|trial| trial.has_shown())?;
        let so_far = libm::log(trial.score(self.chance_loss));
        if trial.is_known() {
            return Some(Known { value: so_far.min(highest), variance: 0.0 });
        }
        let outlook = trial.outlook(&self.candidates, &mut self.curves, key.0);
        Some(Known { value: (so_far + outlook.change).min(highest), variance: outlook.variance })
    }

    /// Settles what finished trials have shown, and trials that wait where they are many; tells what that adds, sorted.
    pub(crate) fn settle(&mut self, highest: f64) -> Vec<Seen> {
        let keys = |is: fn(&Trial) -> bool| -> Vec<Key> {
            let all = self.all.iter().filter(|(_, trial)| trial.has_more() && is(trial));
            all.map(|(key, _)| *key).collect()
        };
        let mut new = keys(|trial| trial.state == State::Finished);
        let waiting = keys(Trial::may_run);
        if waiting.len() > WAITING_MAX {
            new.extend(waiting);
            new.sort_unstable();
        }
        new.into_iter().filter_map(|key| self.settle_one(key, highest)).collect()
    }

    fn settle_one(&mut self, key: Key, highest: f64) -> Option<Seen> {
        let known = self.known(key, highest)?;
        let trial = self.all.get_mut(&key)?;
        let before = trial.settled.map(|(known, _)| known);
        // What was settled stays so where no more is known now.
        let kept = before.filter(|before| before.variance <= known.variance);
        trial.settled = Some((kept.unwrap_or(known), trial.losses.len()));
        Some(Seen { key, known, before })
    }

    /// What all trials have shown that is not settled, sorted. `is_ahead`: how sure that is a little later. Those that run and have shown
    /// nothing have ended then, though nobody knows how, and of those that have shown something the extrapolation is not doubted any more.
    /// To take these as ended, too, made searches later, not sooner.
    pub(crate) fn unsettled(&mut self, highest: f64, is_ahead: bool) -> Vec<Seen> {
        let is_ahead = |trial: &Trial| is_ahead && trial.state == State::Running;
        let new = self.all.iter().filter(|(_, trial)| is_ahead(trial) || trial.has_more());
        let new: Vec<Key> = new.map(|(key, _)| *key).collect();
        let seen = |key: Key| {
            let mut known = self.known(key, highest).unwrap_or(Known { value: 0.0, variance: 0.0 });
            let trial = self.all.get(&key)?;
            if is_ahead(trial) {
                known.variance /= DOUBT;
            }
            Some(Seen { key, known, before: trial.settled.map(|(known, _)| known) })
        };
        new.into_iter().filter_map(seen).collect()
    }

    /// The variance with which the score of a trial that waits is foretold; `None` of one that has shown nothing.
    pub(crate) fn doubt(&mut self, key: Key) -> Option<f64> {
        let trial = self.all.get(&key).filter(|trial| trial.has_shown())?;
        match trial.settled {
            Some((known, by)) if by >= trial.losses.len() => Some(known.variance),
            _ => self.known(key, f64::INFINITY).map(|known| known.variance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: f64, variance: f64, before: Option<Known>) -> Seen {
        Seen { key: (0, 0), known: Known { value, variance }, before }
    }

    /// Precisions and the values that they weigh add up to what is known last, whatever was settled before.
    #[test]
    fn what_is_added_completes_what_was_settled() {
        let noise = 2e-4;
        let before = Known { value: -0.6, variance: 3e-3 };
        for (value, variance) in [(-0.7, 0.0), (-0.58, 1e-3), (-0.6, 2.9e-3)] {
            let added = seen(value, variance, Some(before)).added(noise).unwrap();
            let (then, more) = (1.0 / (noise + before.variance), 1.0 / (noise + added.variance));
            assert!((1.0 / (then + more) - (noise + variance)).abs() < 1e-12, "precision");
            let mean = (then * before.value + more * added.value) / (then + more);
            assert!((mean - value).abs() < 1e-9, "{mean}, not {value}");
            assert!(added.variance >= 0.0);
        }
        assert_eq!(seen(-0.7, 3e-3, Some(before)).added(noise), None, "as little is known as before");
        assert_eq!(seen(-0.7, 5e-3, Some(before)).added(noise), None);
        let first = seen(-0.7, 5e-3, None).added(noise).unwrap();
        assert_eq!((first.value, first.variance), (-0.7, 5e-3));
    }
}
