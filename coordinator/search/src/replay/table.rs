//! Recorded learning curves of the configurations and replicates of a grid.

use super::Epoch;
use super::paired::Paired;

/// Why numbers are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TableError(String);

/// The curves of all trials, by the indices of their configurations and replicates. A trial without a curve was not recorded: whoever
/// hands it out is told that it fails. A curve that ends with a loss that is no number is that of a trial that diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveTable {
    replicates: usize,
    curves: Vec<Vec<Epoch>>,
}

impl CurveTable {
    /// Curves of all replicates of the first configuration, then of the next one.
    ///
    /// # Errors
    /// Where places of replicates are missing, no trial was recorded, or a curve goes on after a loss that is no number.
    pub fn new(replicates: usize, curves: Vec<Vec<Epoch>>) -> Result<Self, TableError> {
        if replicates == 0 || curves.is_empty() || !curves.len().is_multiple_of(replicates) {
            let problem = format!(
                "{} curves are not those of {replicates} replicates of each configuration; give each trial a curve, an empty one \
                 where it was not recorded",
                curves.len()
            );
            return Err(TableError(problem));
        }
        if curves.iter().all(Vec::is_empty) {
            return Err(TableError("no trial was recorded; record at least one epoch of one".to_owned()));
        }
        let goes_on_diverged =
            |curve: &Vec<Epoch>| curve.iter().rev().skip(1).any(|epoch| !epoch.loss.is_finite());
        if let Some(at) = curves.iter().position(goes_on_diverged) {
            let (configuration, replicate) = (at / replicates, at % replicates);
            let problem = format!(
                "replicate {replicate} of configuration {configuration} goes on after a loss that is no number; end its curve there"
            );
            return Err(TableError(problem));
        }
        Ok(Self { replicates, curves })
    }

    /// Number of configurations.
    pub fn configurations(&self) -> usize {
        self.curves.len() / self.replicates
    }

    /// Number of replicates of each.
    pub fn replicates(&self) -> usize {
        self.replicates
    }

    /// Epochs of the longest trial.
    pub fn epochs(&self) -> usize {
        self.curves.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Epochs of all trials.
    pub fn all_epochs(&self) -> u64 {
        self.curves.iter().map(|curve| curve.len() as u64).sum()
    }

    /// Trials that were recorded.
    pub fn trials(&self) -> usize {
        self.curves.iter().filter(|curve| !curve.is_empty()).count()
    }

    /// The epochs of a trial; none of one that is not recorded.
    pub fn curve(&self, configuration: usize, replicate: u32) -> &[Epoch] {
        let at = configuration * self.replicates + replicate as usize;
        if (replicate as usize) < self.replicates {
            self.curves.get(at).map_or(&[], Vec::as_slice)
        } else {
            &[]
        }
    }

    /// The lowest loss of a trial, infinite where it diverged; `None` of one that is not recorded.
    pub fn score(&self, configuration: usize, replicate: u32) -> Option<f64> {
        let losses = self.curve(configuration, replicate).iter().map(|epoch| epoch.loss);
        losses
            .reduce(|one, other| if other.is_finite() { one.min(other) } else { f64::INFINITY })
            .map(|score| if score.is_finite() { score } else { f64::INFINITY })
    }

    /// The scores of a configuration's recorded trials.
    pub fn scores(&self, configuration: usize) -> Vec<f64> {
        (0..self.replicates).filter_map(|replicate| self.score(configuration, replicate as u32)).collect()
    }

    /// The scores of a configuration by its replicates; those of trials that diverged count as `worst`.
    pub fn counted_scores(&self, configuration: usize, worst: f64) -> Vec<Option<f64>> {
        let score = |replicate| self.score(configuration, replicate as u32);
        let counted = |score: f64| if score.is_finite() { score } else { worst };
        (0..self.replicates).map(|replicate| score(replicate).map(counted)).collect()
    }

    /// What the logarithms of all scores tell of configurations and of seed noise.
    pub fn paired(&self, worst: f64) -> Paired {
        let logarithms = |configuration| {
            let scores = self.counted_scores(configuration, worst);
            scores.into_iter().map(|score| score.map(libm::log)).collect()
        };
        Paired::of(&(0..self.configurations()).map(logarithms).collect::<Vec<_>>())
    }

    /// Pooled standard deviation of the logarithm of a score over replicates, what they share included.
    pub fn seed_deviation(&self) -> f64 {
        let squares = |configuration| {
            let logarithms: Vec<f64> = self.scores(configuration).into_iter().map(libm::log).collect();
            let mean = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64;
            let squares: f64 = logarithms.iter().map(|one| (one - mean) * (one - mean)).sum();
            (squares, logarithms.len().saturating_sub(1))
        };
        let (squares, degrees_of_freedom) =
            (0..self.configurations()).map(squares).fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (squares / degrees_of_freedom.max(1) as f64).sqrt()
    }
}
