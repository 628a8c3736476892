//! Loss, accuracy, confusion, macro F1 and ranking of a model on a split.

use sweep_proto::encoded::Split;
use sweep_proto::{HardExample, TestFigure, TestMetric};

use super::calibration::Calibration;
use super::ranking::Ranking;
use crate::data::{Batch, Dataset, evaluation_batches};
use crate::error::TrainError;
use crate::model::Model;
use crate::model::loss::{Scored, probabilities};
use crate::observer::StopSignal;

/// Counts and loss over a split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Evaluation {
    loss: f64,
    /// `confusion[truth][predicted]`.
    confusion: Vec<Vec<u64>>,
    calibration: Calibration,
    /// Of the test split alone, which is measured once.
    ranking: Option<Ranking>,
}

impl Evaluation {
    /// Runs the model over a whole split, without gradients or dropout; `None` where a stop was requested.
    pub(crate) fn of_split(
        model: &mut Model,
        dataset: &Dataset,
        split: Split,
        stop: &dyn StopSignal,
    ) -> Result<Option<Self>, TrainError> {
        let classes = dataset.classes();
        let mut confusion = vec![vec![0; classes]; classes];
        let mut calibration = Calibration::default();
        let rows_of_split = dataset.view().rows(split);
        let mut ranking = if split == Split::Test { Ranking::of_rows(rows_of_split, classes) } else { None };
        let (mut loss, mut rows) = (0.0, 0_u64);
        for positions in evaluation_batches(dataset.view(), split) {
            if stop.requested() {
                return Ok(None);
            }
            let batch = Batch::of_split(dataset.view(), split, &positions);
            let logits = model.inference_logits(&batch)?;
            let scored = Scored::new(&logits.values, logits.outputs, &batch.labels);
            loss += scored.losses.iter().sum::<f64>();
            rows += batch.labels.len() as u64;
            if let Some(ranking) = &mut ranking {
                for (logits, truth) in logits.values.chunks_exact(logits.outputs).zip(&batch.labels) {
                    ranking.add(&probabilities(logits), *truth);
                }
            }
            for (at, (row, truth)) in positions.iter().zip(&batch.labels).enumerate() {
                let predicted = scored.predicted[at];
                confusion[*truth as usize][predicted as usize] += 1;
                calibration.add(HardExample {
                    row: u64::from(*row),
                    truth: *truth,
                    predicted,
                    probability: scored.confidence[at],
                    loss: scored.losses[at],
                });
            }
        }
        Ok(Some(Self { loss: loss / rows.max(1) as f64, confusion, calibration, ranking }))
    }

    /// Mean cross-entropy in nats.
    pub(crate) fn loss(&self) -> f64 {
        self.loss
    }

    /// Share classified correctly.
    pub(crate) fn accuracy(&self) -> f64 {
        let all: u64 = self.confusion.iter().flatten().sum();
        let correct: u64 = self.confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
        correct as f64 / all.max(1) as f64
    }

    /// Unweighted mean over classes of F1 = 2 tp / (2 tp + fp + fn); 0 for a class neither present nor
    /// predicted (as in scikit-learn with `zero_division=0`).
    pub(crate) fn macro_f1(&self) -> f64 {
        let classes = self.confusion.len();
        let of_class = |class: usize| {
            let hits = self.confusion[class][class];
            let truths: u64 = self.confusion[class].iter().sum();
            let predictions: u64 = self.confusion.iter().map(|row| row[class]).sum();
            if truths + predictions == 0 { 0.0 } else { 2.0 * hits as f64 / (truths + predictions) as f64 }
        };
        (0..classes).map(of_class).sum::<f64>() / classes.max(1) as f64
    }

    /// All of it.
    pub(crate) fn test_metric(self) -> TestMetric {
        let (accuracy, macro_f1) = (self.accuracy(), self.macro_f1());
        let auc = self.ranking.as_ref().and_then(Ranking::area);
        let more = auc.map(|auc| (TestFigure::Auc, auc)).into_iter().collect();
        let (calibration, hardest) = self.calibration.parts();
        TestMetric {
            loss: self.loss,
            accuracy,
            macro_f1,
            confusion: self.confusion,
            calibration,
            hardest,
            more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_from_the_confusion() {
        let confusion = vec![vec![3, 1, 0], vec![2, 4, 0], vec![0, 0, 0]];
        let calibration = Calibration::default();
        let evaluation = Evaluation { loss: 0.5, confusion, calibration, ranking: None };
        assert!((evaluation.accuracy() - 0.7).abs() < 1e-12);
        let expected = (6.0 / 9.0 + 8.0 / 11.0 + 0.0) / 3.0;
        assert!((evaluation.macro_f1() - expected).abs() < 1e-12);
    }
}
