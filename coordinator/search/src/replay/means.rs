//! Scores of trials that have ended, and the configuration that they name as the coordinator would.

/// How well a configuration is covered, and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Merit {
    completed: u32,
    mean: f64,
    configuration: usize,
}

impl Merit {
    /// Of configurations, the one covered by more replicates is named, then the one of the lower mean, then the first: few replicates may
    /// be lucky ones.
    fn beats(self, other: Self) -> bool {
        let by_cover = self.completed.cmp(&other.completed);
        by_cover
            .then(other.mean.total_cmp(&self.mean))
            .then(other.configuration.cmp(&self.configuration))
            .is_gt()
    }
}

/// Scores of completed trials, and the configuration that they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Means {
    /// Number and sum of the scores of each configuration.
    sums: Vec<(u32, f64)>,
    named: Option<Merit>,
}

impl Means {
    /// A trial of a configuration is completed with this score.
    pub(super) fn complete(&mut self, configuration: usize, score: f64) {
        if self.sums.len() <= configuration {
            self.sums.resize(configuration + 1, (0, 0.0));
        }
        let (completed, sum) = &mut self.sums[configuration];
        (*completed, *sum) = (*completed + 1, *sum + score);
        let merit = Merit { completed: *completed, mean: *sum / f64::from(*completed), configuration };
        // Whoever is named and covered once more is covered best, so nobody else comes before it.
        let is_named = |named: Merit| named.configuration == configuration || merit.beats(named);
        if self.named.is_none_or(is_named) {
            self.named = Some(merit);
        }
    }

    /// The configuration that is named; `None` before a trial is completed.
    pub(super) fn named(&self) -> Option<usize> {
        self.named.map(|named| named.configuration)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_named_one_is_the_best_of_all(ends in prop::collection::vec((0_usize..5, 0.1..1.0_f64), 1..30)) {
            let mut means = Means::default();
            let mut scores = vec![Vec::new(); 5];
            for (configuration, score) in ends {
                scores[configuration].push(score);
                means.complete(configuration, score);
                let covered = scores.iter().map(Vec::len).max().unwrap_or(0);
                let mean = |one: &usize| scores[*one].iter().sum::<f64>() / covered as f64;
                let named = (0..5)
                    .filter(|one| scores[*one].len() == covered)
                    .min_by(|one, other| mean(one).total_cmp(&mean(other)));
                prop_assert_eq!(means.named(), named);
            }
        }
    }
}
