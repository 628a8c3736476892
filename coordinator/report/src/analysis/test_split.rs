//! Calibration of the chosen configuration's models, and the test examples that they find hardest.
//!
//! Expected calibration error: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
//! equation (3), of each replicate's model by itself: a mean over models would flatter each of them.

use std::collections::BTreeMap;

use sweep_proto::metric::{CONFIDENCE_BINS, HARDEST_MAX};
use sweep_proto::text::inert_line;
use sweep_proto::{ConfidenceBin, Digest, HardExample, TestMetric};

use super::ranking::Contender;
use crate::input::ReportInput;
use crate::model::{Baseline, HardestExample, ReliabilityBin, TestSplit};
use crate::table::all_finite;
use coordinator_statistics::summary::summary;

/// The quantile of the normal distribution at 97.5 %.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// Characters of a hardest example's text: some lines of a table.
const TEXT_CHARACTERS_MAX: usize = 240;
/// Rows whose texts are read for a report, of which it names at most [`HARDEST_MAX`].
const ROWS_WITH_TEXT_MAX: usize = 20 * HARDEST_MAX;

/// Of the chosen configuration; `None` where it was not measured.
pub fn test_split(input: &ReportInput, contender: Option<&Contender<'_>>) -> Option<TestSplit> {
    let measured: Vec<(Digest, &TestMetric)> = contender?
        .trials
        .values()
        .filter_map(|(trial, _)| Some((trial.dataset, trial.test.as_ref()?)))
        .collect();
    let (dataset, _) = *measured.first()?;
    let calibrated: Vec<&[ConfidenceBin]> =
        measured.iter().map(|(_, test)| test.calibration.as_slice()).filter(|bins| is_sound(bins)).collect();
    let errors = |of: fn(&[ConfidenceBin]) -> f64| {
        summary(&calibrated.iter().map(|bins| of(bins)).collect::<Vec<_>>())
    };
    Some(TestSplit {
        replicates: measured.len() as u32,
        baseline: measured.iter().find_map(|(_, test)| baseline(&test.confusion)),
        expected_calibration_error: errors(expected_calibration_error),
        overconfidence: errors(overconfidence),
        reliability: reliability(&calibrated),
        hardest: hardest(&measured, &classes(input, dataset), |row| text(input, dataset, row)),
    })
}

/// Of the classes of the examples that were counted; its luck by the normal approximation of the binomial distribution.
pub(crate) fn baseline(confusion: &[Vec<u64>]) -> Option<Baseline> {
    let sizes: Vec<f64> =
        confusion.iter().map(|row| row.iter().map(|count| *count as f64).sum::<f64>()).collect();
    let all = sizes.iter().sum::<f64>();
    let shares = sizes.iter().map(|size| size / all).filter(|share| *share > 0.0);
    let accuracy = shares.clone().max_by(f64::total_cmp)?;
    Some(Baseline {
        accuracy,
        lucky_accuracy: accuracy + NORMAL_975 * (accuracy * (1.0 - accuracy) / all).sqrt(),
        loss: 0.0 + shares.map(|share| -share * share.ln()).sum::<f64>(),
    })
}

/// Whether these are counts over a split: records may be of any making.
fn is_sound(bins: &[ConfidenceBin]) -> bool {
    let is_count =
        |bin: &ConfidenceBin| bin.correct <= bin.rows && (0.0..=bin.rows as f64).contains(&bin.confidence);
    bins.len() == CONFIDENCE_BINS && bins.iter().all(is_count) && rows(bins) > 0.0
}

/// Examples of a split; the sum of any counts is a finite number.
fn rows(bins: &[ConfidenceBin]) -> f64 {
    bins.iter().map(|bin| bin.rows as f64).sum()
}

/// `Σ |B| / n · |accuracy(B) − confidence(B)|` over the bins, in which the size of a bin cancels.
fn expected_calibration_error(bins: &[ConfidenceBin]) -> f64 {
    bins.iter().map(|bin| (bin.correct as f64 - bin.confidence).abs()).sum::<f64>() / rows(bins)
}

fn overconfidence(bins: &[ConfidenceBin]) -> f64 {
    bins.iter().map(|bin| bin.confidence - bin.correct as f64).sum::<f64>() / rows(bins)
}

/// The bins of all replicates, example by example.
fn reliability(calibrated: &[&[ConfidenceBin]]) -> Vec<ReliabilityBin> {
    if calibrated.is_empty() {
        return Vec::new();
    }
    let bin = |at: usize| {
        let bins = calibrated.iter().filter_map(|bins| bins.get(at));
        let examples = bins.clone().map(|bin| bin.rows as f64).sum::<f64>();
        let share = |of: fn(&ConfidenceBin) -> f64| {
            (examples > 0.0).then(|| bins.clone().map(of).sum::<f64>() / examples)
        };
        ReliabilityBin {
            from: at as f64 / CONFIDENCE_BINS as f64,
            to: (at + 1) as f64 / CONFIDENCE_BINS as f64,
            examples: bins.clone().fold(0, |sum, bin| sum.saturating_add(bin.rows)),
            mean_confidence: share(|bin| bin.confidence),
            accuracy: share(|bin| bin.correct as f64),
        }
    };
    (0..CONFIDENCE_BINS).map(bin).collect()
}

/// The names of a dataset's classes.
fn classes(input: &ReportInput, dataset: Digest) -> Vec<String> {
    let datasets = &input.sweep.datasets;
    datasets
        .iter()
        .find(|one| one.artifact.digest == dataset)
        .map(|one| one.classes.iter().map(|class| inert_line(class)).collect())
        .unwrap_or_default()
}

/// The beginning of a row's text, without what would break a line or a page or turn what stands beside it.
fn text(input: &ReportInput, dataset: Digest, row: u64) -> Option<String> {
    let text = input.texts.get(&(dataset, row))?;
    let short: String = text.chars().take(TEXT_CHARACTERS_MAX).collect();
    let short = inert_line(&short);
    Some(if text.chars().nth(TEXT_CHARACTERS_MAX).is_some() { format!("{short}…") } else { short })
}

/// Rows of test splits that a report may name as the hardest: those of the most replicates first.
pub fn hardest_rows(input: &ReportInput) -> BTreeMap<Digest, Vec<u64>> {
    let mut times: BTreeMap<(Digest, u64), u32> = BTreeMap::new();
    for trial in &input.trials {
        for example in trial.test.iter().flat_map(|test| &test.hardest) {
            *times.entry((*trial.spec.dataset, example.row)).or_default() += 1;
        }
    }
    let mut rows: Vec<_> = times.into_iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut by_dataset: BTreeMap<Digest, Vec<u64>> = BTreeMap::new();
    for ((dataset, row), _) in rows.into_iter().take(ROWS_WITH_TEXT_MAX) {
        by_dataset.entry(dataset).or_default().push(row);
    }
    by_dataset
}

fn hardest(
    measured: &[(Digest, &TestMetric)],
    classes: &[String],
    text: impl Fn(u64) -> Option<String>,
) -> Vec<HardestExample> {
    let mut by_row: BTreeMap<u64, (u32, HardExample)> = BTreeMap::new();
    for (_, test) in measured {
        let sound = |one: &&HardExample| (0.0..=1.0).contains(&one.probability) && all_finite(&[one.loss]);
        for example in test.hardest.iter().filter(sound) {
            let (replicates, highest) = by_row.entry(example.row).or_insert((0, *example));
            *replicates += 1;
            if example.loss > highest.loss {
                *highest = *example;
            }
        }
    }
    let mut found: Vec<_> = by_row.into_values().collect();
    // Stable: of equal ones the first row stays first.
    found.sort_by(|left, right| right.0.cmp(&left.0).then(right.1.loss.total_cmp(&left.1.loss)));
    let name = |class: u32| classes.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
    found
        .into_iter()
        .take(HARDEST_MAX)
        .map(|(replicates, one)| HardestExample {
            row: one.row,
            truth: name(one.truth),
            predicted: name(one.predicted),
            probability: one.probability,
            loss: one.loss,
            replicates,
            text: text(one.row),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(of: &[(usize, u64, u64, f64)]) -> Vec<ConfidenceBin> {
        let mut bins = vec![ConfidenceBin::default(); CONFIDENCE_BINS];
        for (at, rows, correct, confidence) in of.iter().copied() {
            bins[at] = ConfidenceBin { rows, correct, confidence };
        }
        bins
    }

    #[test]
    fn the_expected_calibration_error_is_the_one_by_hand() {
        // 10 examples at 0.95 of which 8 are right, 30 at 0.55 of which 18 are right:
        // 10/40 · |0.8 − 0.95| + 30/40 · |0.6 − 0.55| = 0.0375 + 0.0375.
        let one = bins(&[(9, 10, 8, 9.5), (5, 30, 18, 16.5)]);
        assert!((expected_calibration_error(&one) - 0.075).abs() < 1e-12);
        assert!(overconfidence(&one).abs() < 1e-12, "both mistakes cancel: {}", overconfidence(&one));
        let certain = bins(&[(9, 10, 5, 10.0)]);
        assert!((expected_calibration_error(&certain) - 0.5).abs() < 1e-12);
        assert!((overconfidence(&certain) - 0.5).abs() < 1e-12);

        let pooled = reliability(&[&one, &certain]);
        assert_eq!((pooled[9].examples, pooled[9].from, pooled[9].to), (20, 0.9, 1.0));
        assert!((pooled[9].accuracy.unwrap_or_default() - 0.65).abs() < 1e-12);
        assert!((pooled[9].mean_confidence.unwrap_or_default() - 0.975).abs() < 1e-12);
        assert_eq!((pooled[0].examples, pooled[0].accuracy, pooled[0].mean_confidence), (0, None, None));
    }

    #[test]
    fn counts_that_cannot_be_are_left_out() {
        for broken in [
            bins(&[]),
            bins(&[(0, 1, 2, 0.0)]),
            bins(&[(0, 1, 1, f64::NAN)]),
            bins(&[(0, 1, 1, 1.5)]),
            vec![ConfidenceBin { rows: 1, correct: 1, confidence: 1.0 }; 3],
        ] {
            assert!(!is_sound(&broken), "{broken:?}");
        }
        let all = bins(&[(0, u64::MAX, u64::MAX, 0.0), (1, u64::MAX, 0, 0.0)]);
        assert!(is_sound(&all) && expected_calibration_error(&all).is_finite());
        assert_eq!(reliability(&[&all, &all])[0].examples, u64::MAX);
    }

    #[test]
    fn what_is_hard_for_most_replicates_stands_first() {
        let example =
            |row, loss| HardExample { row, truth: 0, predicted: 1, probability: 0.5 + loss / 20.0, loss };
        let test = |hardest| TestMetric {
            loss: 0.5,
            accuracy: 0.5,
            macro_f1: 0.5,
            confusion: Vec::new(),
            calibration: Vec::new(),
            hardest,
            more: std::collections::BTreeMap::new(),
        };
        let tests = [
            test(vec![example(4, 9.0), example(2, 3.0), example(1, 1.0)]),
            test(vec![example(2, 5.0), example(1, 2.0), example(9, f64::INFINITY)]),
        ];
        let measured: Vec<_> = tests.iter().map(|test| (Digest::of(b"dataset"), test)).collect();
        let found = hardest(&measured, &["bad".to_owned()], |row| (row == 2).then(|| "two".to_owned()));
        let told: Vec<_> = found.iter().map(|one| (one.row, one.replicates, one.loss)).collect();
        assert_eq!(told, [(2, 2, 5.0), (1, 2, 2.0), (4, 1, 9.0)]);
        assert_eq!((found[0].truth.as_str(), found[0].predicted.as_str()), ("bad", "1"));
        assert!((found[0].probability - 0.75).abs() < 1e-12);
        let texts: Vec<_> = found.iter().map(|one| one.text.as_deref()).collect();
        assert_eq!(texts, [Some("two"), None, None]);
    }
}
