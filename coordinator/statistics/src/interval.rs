//! What a summary of numbers consists of: means, spreads, ranges.

use serde::Serialize;

/// A range that holds the true number in 95 of 100 sweeps like this one under other seeds, where what it is of was
/// named beforehand and seed noise is normal and alike at all levels. Below three replicates there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// As far to both sides.
    pub fn around(centre: f64, reach: f64) -> Self {
        Self { low: centre - reach, high: centre + reach }
    }

    /// Without the part that no loss can have.
    #[must_use]
    pub fn of_losses(self) -> Self {
        Self { low: self.low.max(0.0), high: self.high.max(0.0) }
    }

    /// Without the part that no share can have.
    #[must_use]
    pub fn of_shares(self) -> Self {
        Self { low: self.low.clamp(0.0, 1.0), high: self.high.clamp(0.0, 1.0) }
    }

    /// In another unit.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }
}

/// A mean with its spread over replicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Mean over replicates.
    pub mean: f64,
    /// Sample standard deviation over replicates; `null` below two.
    pub standard_deviation: Option<f64>,
    /// Replicates averaged.
    pub replicates: u32,
}

/// A mean over trials, and the standard deviation over replicates of each replicate's mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Mean over the trials.
    pub mean: f64,
    /// Spread over replicates; `null` below two.
    pub standard_deviation: Option<f64>,
}

/// The mean of one replicate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplicateMean {
    /// The replicate, from 0.
    pub replicate: u32,
    /// Its mean.
    pub mean: f64,
}
