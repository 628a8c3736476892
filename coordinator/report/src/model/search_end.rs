//! How a steered search came to its end.

use coordinator_core::ConclusionReason;
use serde::Serialize;

/// Why a steered search stopped, how sure it is, and what that took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchEnd {
    /// `sure`, `budget` or `exhausted`.
    pub reason: ConclusionReason,
    /// How probable the search's model holds it that no configuration is better than the named one by more than the margin; `null` where
    /// too few trials had finished to tell, and where none of the named one's has a result.
    pub probability: Option<f64>,
    /// By how much the named configuration's loss may be above another's without that counting, as a fraction of the other's; `null` with
    /// the probability.
    pub margin: Option<f64>,
    /// Configurations that cannot be told from the named one, in words.
    pub tied: Vec<String>,
    /// Whether every configuration of the space was looked at; of ranges and of large grids, points of it were.
    pub looked_at_all: bool,
    /// Epochs that its trials trained; results that were taken over from other sweeps took none.
    pub epochs: u64,
    /// Epochs of every replicate of every configuration; `null` of a space with ranges, and where constraints leave what takes long to count.
    pub epochs_of_grid: Option<u64>,
}
