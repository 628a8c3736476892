//! What people are told about a prepared dataset.

use serde::{Deserialize, Serialize};
use sweep_proto::DataAccount;

/// How lengths, in tokens, words or characters, are distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lengths {
    /// Shortest.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Half of the texts are at most this long.
    pub median: u64,
    /// 95 % of the texts are at most this long.
    pub p95: u64,
    /// Longest.
    pub max: u64,
}

impl Lengths {
    /// The distribution of some lengths; all zero for none.
    pub fn of(mut lengths: Vec<u64>) -> Self {
        lengths.sort_unstable();
        let (Some(min), Some(max)) = (lengths.first(), lengths.last()) else { return Self::default() };
        let at = |share: f64| lengths[((lengths.len() - 1) as f64 * share).round() as usize];
        let mean = lengths.iter().sum::<u64>() as f64 / lengths.len() as f64;
        Self { min: *min, mean, median: at(0.5), p95: at(0.95), max: *max }
    }
}

/// A prepared dataset in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The dataset's name.
    pub dataset: String,
    /// Names of the classes; a label is an index into it.
    pub classes: Vec<String>,
    /// Size of the vocabulary, padding and unknown included; 0 before encoding.
    pub vocabulary: u32,
    /// Tokens of a training text before it is cut; zero before encoding.
    pub lengths: Lengths,
    /// Where every row went, and what the splits share.
    pub account: DataAccount,
}
