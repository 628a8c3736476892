//! Recorded learning curves of every configuration and replicate of a grid.

use super::Epoch;

/// Why numbers are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TableError(String);

/// The curves of all trials, by the indices of their configurations and replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveTable {
    replicates: usize,
    curves: Vec<Vec<Epoch>>,
}

impl CurveTable {
    /// Curves of all replicates of the first configuration, then of the next one.
    ///
    /// # Errors
    /// Where replicates are missing, or a trial has no epoch.
    pub fn new(replicates: usize, curves: Vec<Vec<Epoch>>) -> Result<Self, TableError> {
        if replicates == 0 || curves.is_empty() || !curves.len().is_multiple_of(replicates) {
            let problem = format!(
                "{} curves are not those of {replicates} replicates of each configuration; record every replicate of each",
                curves.len()
            );
            return Err(TableError(problem));
        }
        if let Some(at) = curves.iter().position(Vec::is_empty) {
            let (configuration, replicate) = (at / replicates, at % replicates);
            let problem = format!(
                "replicate {replicate} of configuration {configuration} has no epoch; record at least one"
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

    /// The epochs of a trial; none of one that is not recorded.
    pub fn curve(&self, configuration: usize, replicate: u32) -> &[Epoch] {
        let at = configuration * self.replicates + replicate as usize;
        if (replicate as usize) < self.replicates {
            self.curves.get(at).map_or(&[], Vec::as_slice)
        } else {
            &[]
        }
    }

    /// The lowest losses of a configuration's trials.
    pub fn scores(&self, configuration: usize) -> Vec<f64> {
        let lowest = |replicate| {
            let losses = self.curve(configuration, replicate as u32).iter().map(|epoch| epoch.loss);
            losses.fold(f64::INFINITY, f64::min)
        };
        (0..self.replicates).map(lowest).collect()
    }

    /// Pooled standard deviation of the logarithm of a score over replicates.
    pub fn seed_deviation(&self) -> f64 {
        let variance = |configuration| {
            let logarithms: Vec<f64> = self.scores(configuration).iter().map(|one| libm::log(*one)).collect();
            let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
            let squares: f64 = logarithms.iter().map(|one| (one - mean) * (one - mean)).sum();
            squares / logarithms.len().saturating_sub(1).max(1) as f64
        };
        let variances: f64 = (0..self.configurations()).map(variance).sum();
        (variances / self.configurations() as f64).sqrt()
    }
}
