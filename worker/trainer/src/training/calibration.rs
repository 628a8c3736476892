//! How far a model's probabilities can be trusted on a split, and the examples that it finds hardest.
//!
//! Bins of equal width by the probability of the predicted class; Guo, Pleiss, Sun and Weinberger, "On Calibration of
//! Modern Neural Networks", ICML 2017.

use sweep_proto::metric::{CONFIDENCE_BINS, HARDEST_MAX};
use sweep_proto::{ConfidenceBin, HardExample};

/// Counts over a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calibration {
    bins: [ConfidenceBin; CONFIDENCE_BINS],
    /// The highest loss first; of equal ones the first row.
    hardest: Vec<HardExample>,
}

impl Calibration {
    /// Counts one example.
    pub(crate) fn add(&mut self, example: HardExample) {
        // A probability of 1 is in the last bin.
        let bin = (example.probability * CONFIDENCE_BINS as f64) as usize;
        let bin = &mut self.bins[bin.min(CONFIDENCE_BINS - 1)];
        bin.rows += 1;
        bin.correct += u64::from(example.truth == example.predicted);
        bin.confidence += example.probability;

        let is_before = |other: &HardExample| {
            other.loss.total_cmp(&example.loss).reverse().then(other.row.cmp(&example.row)).is_lt()
        };
        let place = self.hardest.partition_point(is_before);
        if place < HARDEST_MAX {
            self.hardest.insert(place, example);
            self.hardest.truncate(HARDEST_MAX);
        }
    }

    /// The bins, and the hardest examples.
    pub(crate) fn parts(self) -> (Vec<ConfidenceBin>, Vec<HardExample>) {
        (self.bins.to_vec(), self.hardest)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn examples_fall_into_bins_and_the_hardest_stay() {
        let mut calibration = Calibration::default();
        // Rows in another order than that of their losses, which repeat after 20.
        for row in (0..40).rev() {
            calibration.add(HardExample {
                row,
                truth: 0,
                predicted: u32::from(row % 4 == 0),
                probability: if row < 10 { 1.0 } else { 0.5 },
                loss: (row * 7 % 20) as f64,
            });
        }
        let (bins, hardest) = calibration.parts();
        assert_eq!((bins[9].rows, bins[9].correct, bins[9].confidence), (10, 7, 10.0));
        assert_eq!((bins[5].rows, bins[5].correct, bins[5].confidence), (30, 23, 15.0));
        assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u64>(), 40);
        let found: Vec<_> = hardest.iter().map(|one| (one.loss, one.row)).collect();
        let expected =
            [(19.0, 17), (19.0, 37), (18.0, 14), (18.0, 34), (17.0, 11), (17.0, 31), (16.0, 8), (16.0, 28)];
        assert_eq!(found[..8], expected);
        assert_eq!(found.len(), HARDEST_MAX);
    }
}
