//! Metrics. Losses may be any finite number up to [`NUMBER_MAX`](super::NUMBER_MAX); a NaN is an outcome, never a metric.

use std::collections::BTreeMap;

use super::{ConvertError, amount, figure, finite, share};
use crate::metric::{
    CONFIDENCE_BINS, ConfidenceBin, EpochFigure, EpochMetric, HARDEST_MAX, HardExample, StepMetric,
    TestFigure, TestMetric,
};
use crate::wire;

/// Most classes of a confusion matrix that a message may carry.
const CLASSES_MAX: usize = 1_000;

/// Most figures of the test split beside those with fields: of more no version can be thought.
const FIGURES_MAX: usize = 100;

impl From<EpochMetric> for wire::EpochMetric {
    fn from(metric: EpochMetric) -> Self {
        Self {
            epoch: metric.epoch,
            train_loss: metric.train_loss,
            train_accuracy: metric.train_accuracy,
            validation_loss: metric.validation_loss,
            validation_accuracy: metric.validation_accuracy,
            validation_macro_f1: metric.validation_macro_f1,
            seconds: metric.seconds,
            examples_per_second: metric.examples_per_second,
            peak_memory_bytes: metric.peak_memory_bytes,
            energy_joules: metric.energy_joules,
        }
    }
}

impl TryFrom<wire::EpochMetric> for EpochMetric {
    type Error = ConvertError;
    fn try_from(message: wire::EpochMetric) -> Result<Self, ConvertError> {
        if message.epoch == 0 {
            return Err(ConvertError::invalid("epoch", "epochs count from 1"));
        }
        let metric = Self {
            epoch: message.epoch,
            train_loss: message.train_loss,
            train_accuracy: message.train_accuracy,
            validation_loss: message.validation_loss,
            validation_accuracy: message.validation_accuracy,
            validation_macro_f1: message.validation_macro_f1,
            seconds: message.seconds,
            examples_per_second: message.examples_per_second,
            peak_memory_bytes: message.peak_memory_bytes,
            energy_joules: message.energy_joules,
        };
        for one in EpochFigure::ALL {
            one.of(&metric).map(|number| figure(number, &one.row())).transpose()?;
        }
        Ok(metric)
    }
}

impl From<StepMetric> for wire::StepMetric {
    fn from(metric: StepMetric) -> Self {
        Self {
            sequence: metric.sequence,
            epoch: metric.epoch,
            step: metric.step,
            loss: metric.loss,
            examples_per_second: metric.examples_per_second,
        }
    }
}

impl TryFrom<wire::StepMetric> for StepMetric {
    type Error = ConvertError;
    fn try_from(message: wire::StepMetric) -> Result<Self, ConvertError> {
        Ok(Self {
            sequence: message.sequence,
            epoch: message.epoch,
            step: message.step,
            loss: finite(message.loss, "loss")?,
            examples_per_second: amount(message.examples_per_second, "examples_per_second")?,
        })
    }
}

impl From<TestMetric> for wire::TestMetric {
    fn from(metric: TestMetric) -> Self {
        let confusion = metric.confusion.into_iter().map(|counts| wire::ConfusionRow { counts }).collect();
        Self {
            loss: metric.loss,
            accuracy: metric.accuracy,
            macro_f1: metric.macro_f1,
            confusion,
            calibration: metric.calibration.into_iter().map(Into::into).collect(),
            hardest: metric.hardest.into_iter().map(Into::into).collect(),
            more: metric.more.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<wire::TestMetric> for TestMetric {
    type Error = ConvertError;
    fn try_from(message: wire::TestMetric) -> Result<Self, ConvertError> {
        let classes = message.confusion.len();
        if classes > CLASSES_MAX || message.confusion.iter().any(|row| row.counts.len() != classes) {
            return Err(ConvertError::invalid("confusion", "not a square matrix of a sensible size"));
        }
        if !matches!(message.calibration.len(), 0 | CONFIDENCE_BINS) || message.hardest.len() > HARDEST_MAX {
            return Err(ConvertError::invalid("calibration", "too many or too few parts or examples"));
        }
        let hardest: Vec<HardExample> =
            message.hardest.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        if hardest.iter().any(|one| one.truth as usize >= classes || one.predicted as usize >= classes) {
            return Err(ConvertError::invalid("hardest", "a class that does not exist"));
        }
        let metric = Self {
            calibration: message.calibration.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            hardest,
            loss: message.loss,
            accuracy: message.accuracy,
            macro_f1: message.macro_f1,
            confusion: message.confusion.into_iter().map(|row| row.counts).collect(),
            more: further(message.more)?,
        };
        for one in TestFigure::ALL {
            one.of(&metric).map(|number| figure(number, &one.row())).transpose()?;
        }
        Ok(metric)
    }
}

/// Figures without a field of their own. What only a later version knows is left out, and so is what follows from the counts.
fn further(told: Vec<wire::Figure>) -> Result<BTreeMap<TestFigure, f64>, ConvertError> {
    if told.len() > FIGURES_MAX {
        return Err(ConvertError::invalid("more", "too many figures"));
    }
    let known = told.into_iter().filter_map(|one| Some((TestFigure::from_name(&one.name)?, one.value)));
    Ok(known.filter(|(figure, _)| figure.is_among_more()).collect())
}

impl From<(TestFigure, f64)> for wire::Figure {
    fn from((figure, value): (TestFigure, f64)) -> Self {
        Self { name: figure.name().to_owned(), value }
    }
}

impl wire::TestMetric {
    /// A figure as the message tells it: the first ones have fields of their own.
    pub fn figure(&self, figure: TestFigure) -> Option<f64> {
        match figure {
            TestFigure::Loss => Some(self.loss),
            TestFigure::Accuracy => Some(self.accuracy),
            TestFigure::MacroF1 => Some(self.macro_f1),
            #[allow(unreachable_patterns, reason = "a figure that comes later has no field of its own")]
            _ => self.more.iter().find(|one| one.name == figure.name()).map(|one| one.value),
        }
    }

    /// A message of means over several models: every figure by what `mean` says of it.
    #[must_use]
    pub fn of_figures(mean: impl Fn(TestFigure) -> Option<f64>) -> Self {
        let mut message = Self::default();
        for figure in TestFigure::ALL {
            let Some(value) = mean(figure) else { continue };
            match figure {
                TestFigure::Loss => message.loss = value,
                TestFigure::Accuracy => message.accuracy = value,
                TestFigure::MacroF1 => message.macro_f1 = value,
                #[allow(unreachable_patterns, reason = "a figure that comes later has no field of its own")]
                _ => message.more.push((figure, value).into()),
            }
        }
        message
    }
}

impl From<ConfidenceBin> for wire::ConfidenceBin {
    fn from(bin: ConfidenceBin) -> Self {
        Self { rows: bin.rows, correct: bin.correct, confidence: bin.confidence }
    }
}

impl TryFrom<wire::ConfidenceBin> for ConfidenceBin {
    type Error = ConvertError;
    fn try_from(message: wire::ConfidenceBin) -> Result<Self, ConvertError> {
        if message.correct > message.rows || message.confidence > message.rows as f64 {
            return Err(ConvertError::invalid("calibration", "more than all examples of a part"));
        }
        Ok(Self {
            rows: message.rows,
            correct: message.correct,
            confidence: amount(message.confidence, "confidence")?,
        })
    }
}

impl From<HardExample> for wire::HardExample {
    fn from(example: HardExample) -> Self {
        Self {
            row: example.row,
            truth: example.truth,
            predicted: example.predicted,
            probability: example.probability,
            loss: example.loss,
        }
    }
}

impl TryFrom<wire::HardExample> for HardExample {
    type Error = ConvertError;
    fn try_from(message: wire::HardExample) -> Result<Self, ConvertError> {
        Ok(Self {
            row: message.row,
            truth: message.truth,
            predicted: message.predicted,
            probability: share(message.probability, "probability")?,
            loss: finite(message.loss, "loss")?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message() -> wire::TestMetric {
        let bin = ConfidenceBin { rows: 4, correct: 3, confidence: 0.1 + 0.2 };
        let example = HardExample { row: 7, truth: 1, predicted: 0, probability: 0.1 + 0.2, loss: 1e3 };
        wire::TestMetric::from(TestMetric {
            loss: 0.5,
            accuracy: 0.75,
            macro_f1: 0.7,
            confusion: vec![vec![3, 1], vec![1, 3]],
            calibration: vec![bin; CONFIDENCE_BINS],
            hardest: vec![example; HARDEST_MAX],
            more: BTreeMap::new(),
        })
    }

    #[test]
    fn a_test_metric_comes_back_as_it_was_with_and_without_its_later_parts() {
        let whole = message();
        let older = wire::TestMetric { calibration: Vec::new(), hardest: Vec::new(), ..message() };
        for sent in [whole, older] {
            let read = TestMetric::try_from(sent.clone()).unwrap();
            let stored: TestMetric = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            assert_eq!(wire::TestMetric::from(stored), sent);
        }
    }

    #[test]
    fn what_was_stored_before_is_read_and_written_as_it_stands() {
        let stored = r#"{"loss":0.5,"accuracy":0.75,"macro_f1":0.7,"confusion":[[3,1],[1,3]]}"#;
        let read: TestMetric = serde_json::from_str(stored).unwrap();
        assert!(read.calibration.is_empty() && read.hardest.is_empty());
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    }

    #[test]
    fn counts_and_classes_that_cannot_be_are_refused() {
        let broken: [fn(&mut wire::TestMetric); 9] = [
            |test| test.calibration.truncate(CONFIDENCE_BINS - 1),
            |test| test.calibration[3].correct = 5,
            |test| test.calibration[3].confidence = 4.5,
            |test| test.calibration[3].confidence = -0.5,
            |test| test.calibration[3].confidence = f64::NAN,
            |test| test.hardest.push(test.hardest[0]),
            |test| test.hardest[9].truth = 2,
            |test| test.hardest[9].probability = 1.5,
            |test| test.hardest[9].loss = f64::INFINITY,
        ];
        for (at, change) in broken.iter().enumerate() {
            let mut sent = message();
            change(&mut sent);
            assert!(TestMetric::try_from(sent).is_err(), "change {at}");
        }
    }

    fn epoch(energy_joules: Option<f64>) -> wire::EpochMetric {
        wire::EpochMetric { epoch: 1, energy_joules, ..wire::EpochMetric::default() }
    }

    #[test]
    fn an_energy_that_no_device_takes_is_refused() {
        let broken = [
            -1.0,
            -5e-324,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.1 * super::super::ENERGY_JOULES_MAX,
            f64::MAX,
        ];
        for joules in broken {
            let error = EpochMetric::try_from(epoch(Some(joules))).unwrap_err();
            assert!(error.to_string().contains("energy_joules"), "{joules}: {error}");
        }
    }

    #[test]
    fn a_number_that_no_report_would_take_is_refused_where_it_comes_in() {
        let most = super::super::NUMBER_MAX;
        let with = |loss: f64| wire::EpochMetric { validation_loss: loss, ..epoch(None) };
        for loss in [most, -most] {
            assert_eq!(EpochMetric::try_from(with(loss)).unwrap().validation_loss, loss);
        }
        for loss in [1.1 * most, -1.1 * most, f64::MAX, f64::INFINITY, f64::NAN] {
            let error = EpochMetric::try_from(with(loss)).unwrap_err();
            assert!(error.to_string().contains("validation_loss"), "{loss}: {error}");
        }
    }

    #[test]
    fn an_epoch_of_before_energy_was_told_is_read_and_written_as_it_stands() {
        let read = EpochMetric::try_from(epoch(None)).unwrap();
        let stored = serde_json::to_string(&read).unwrap();
        assert!(!stored.contains("energy"), "{stored}");
        assert_eq!(serde_json::from_str::<EpochMetric>(&stored).unwrap(), read);
    }

    proptest! {
        #[test]
        fn an_epoch_comes_back_as_it_was_with_and_without_its_energy(
            energy_joules in proptest::option::of(0.0..=super::super::ENERGY_JOULES_MAX),
            (seconds, peak_memory_bytes) in (0.0..1e9, any::<u64>()),
        ) {
            let sent = wire::EpochMetric { seconds, peak_memory_bytes, ..epoch(energy_joules) };
            let read = EpochMetric::try_from(sent).unwrap();
            prop_assert_eq!(read.energy_joules, energy_joules);
            let stored: EpochMetric = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            prop_assert_eq!(wire::EpochMetric::from(stored), sent);
        }
    }
}
