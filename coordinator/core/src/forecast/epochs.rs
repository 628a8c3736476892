//! How many epochs a trial is expected to train, where patience may end it early.

use std::collections::BTreeMap;

use sweep_proto::{Configuration, Hyperparameter, Value};

/// How many finished trials a level needs until its own mean counts as much as that of all levels.
const LEVEL_WEIGHT: f64 = 2.0;

/// Shares of the configured epochs that finished trials trained: their mean, and what each level of a swept
/// hyperparameter adds to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochShares {
    mean: Option<f64>,
    levels: BTreeMap<Hyperparameter, BTreeMap<Value, f64>>,
}

impl EpochShares {
    /// Of finished trials: configuration and epochs trained.
    pub fn of(finished: &[(&Configuration, u32)], swept: &[Hyperparameter]) -> Self {
        let shares: Vec<f64> =
            finished.iter().map(|(one, epochs)| f64::from(*epochs) / configured(one)).collect();
        if shares.is_empty() {
            return Self::default();
        }
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let mut rest: Vec<f64> = shares.iter().map(|share| share - mean).collect();
        let mut levels = BTreeMap::new();
        for axis in swept {
            let mut sums: BTreeMap<Value, (f64, f64)> = BTreeMap::new();
            for ((configuration, _), rest) in finished.iter().zip(&rest) {
                let (sum, count) = sums.entry(configuration.get(*axis)).or_default();
                (*sum, *count) = (*sum + rest, *count + 1.0);
            }
            let effects: BTreeMap<Value, f64> =
                sums.into_iter().map(|(level, (sum, count))| (level, sum / (count + LEVEL_WEIGHT))).collect();
            for ((configuration, _), rest) in finished.iter().zip(&mut rest) {
                *rest -= effects.get(&configuration.get(*axis)).copied().unwrap_or_default();
            }
            levels.insert(*axis, effects);
        }
        Self { mean: Some(mean), levels }
    }

    /// Epochs that a trial of this configuration is expected to train; all of them where nothing ends it early, or nothing
    /// is known.
    pub fn expected(&self, configuration: &Configuration) -> f64 {
        let configured = configured(configuration);
        let least = least(configuration);
        let Some(mean) = self.mean.filter(|_| least < configured) else { return configured };
        let effects = self.levels.iter().filter_map(|(axis, levels)| levels.get(&configuration.get(*axis)));
        ((mean + effects.sum::<f64>()) * configured).clamp(least, configured)
    }
}

/// Epochs that a configuration may train.
fn configured(configuration: &Configuration) -> f64 {
    configuration.epochs().max(1) as f64
}

/// Epochs that a trial trains at least, unless it diverges: patience counts from the first.
pub fn least(configuration: &Configuration) -> f64 {
    let patience = configuration.patience();
    let configured = configured(configuration);
    if patience == 0 { configured } else { configured.min(patience as f64 + 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(units: u64, patience: u64) -> Configuration {
        [(Hyperparameter::Units, units), (Hyperparameter::Patience, patience), (Hyperparameter::Epochs, 20)]
            .into_iter()
            .fold(Configuration::default(), |one, (name, value)| {
                one.with(name, Value::Integer(value)).expect("in range")
            })
    }

    #[test]
    fn without_patience_every_epoch_is_trained() {
        let one = configuration(8, 0);
        let shares = EpochShares::of(&[(&one, 3)], &[Hyperparameter::Units]);
        assert_eq!(shares.expected(&one), 20.0);
        assert_eq!(EpochShares::default().expected(&configuration(8, 2)), 20.0);
    }

    #[test]
    fn levels_that_stop_early_are_expected_to_stop_early() {
        let [small, large, new] = [8, 64, 512].map(|units| configuration(units, 2));
        let finished: Vec<_> = (0..10).flat_map(|_| [(&small, 18), (&large, 6)]).collect();
        let shares = EpochShares::of(&finished, &[Hyperparameter::Units]);
        assert!((shares.expected(&small) - 17.0).abs() < 1.0, "{}", shares.expected(&small));
        assert!((shares.expected(&large) - 7.0).abs() < 1.0, "{}", shares.expected(&large));
        assert!((shares.expected(&new) - 12.0).abs() < 1e-9, "a level that was not seen has the mean");
        let all_short = EpochShares::of(&[(&small, 1)], &[]);
        assert_eq!(all_short.expected(&small), 3.0, "patience 2 lets every trial train three epochs");
    }
}
