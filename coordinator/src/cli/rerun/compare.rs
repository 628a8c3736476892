//! What a trial gave when it was trained again, held against what the report says.

use std::collections::BTreeSet;

use serde::Serialize;

use sweep_proto::TrialState;

use super::records::{EPOCH_METRICS, RESULT_METRICS, TEST_METRICS, TrainedOn, Trial};

/// Largest relative difference of the best validation loss between different devices or builds, where equal bits are
/// not promised. Such devices round in another order, training amplifies that, and at worst it acts like another seed; a
/// change that lets another configuration win by what is worth telling is larger.
pub(super) const BEST_LOSS_DIFFERENCE_MAX: f64 = 0.05;

/// A number that is not the one that the report has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    /// The epoch, from 1; `None` for the trial's result.
    pub(super) epoch: Option<u32>,
    /// A column of `epochs.csv`, or of `trials.csv` for the result.
    pub(super) metric: &'static str,
    /// In the report; `None` where it has none.
    pub(super) reported: Option<f64>,
    /// Trained again; `None` where there is none.
    pub(super) now: Option<f64>,
    /// `now` less `reported`.
    pub(super) change: Option<f64>,
}

/// What follows from the differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Every number has the same bits.
    Same,
    /// Bits differ, on another device or build, and the best validation loss by no more than
    /// [`BEST_LOSS_DIFFERENCE_MAX`].
    Within,
    /// Bits differ where they must not, or by more than the bound.
    Differs,
    /// It has no result now.
    NoResult,
}

impl Verdict {
    /// Whether the report holds by it.
    pub(super) fn holds(self) -> bool {
        matches!(self, Self::Same | Self::Within)
    }
}

/// A trial of the report beside the same one trained again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Compared {
    /// The trial, written `sweep/position`.
    pub(super) trial: String,
    /// The trial of the rerun, alike.
    pub(super) rerun: String,
    /// Its content address.
    pub(super) key: String,
    /// Whether it was drawn; else it was trained because a drawn one has a higher replicate.
    pub(super) drawn: bool,
    /// What follows.
    pub(super) verdict: Verdict,
    /// How the trial ended now where it has no result, in words.
    pub(super) ended: Option<String>,
    /// Whether both were trained on the same device model by the same build, as far as the coordinator knows.
    pub(super) same_place: bool,
    /// `|now - reported| / reported` of the best validation loss.
    pub(super) best_loss_difference: Option<f64>,
    /// Every number that differs.
    pub(super) differences: Vec<Difference>,
    /// Devices and builds behind the report.
    pub(super) reported_by: BTreeSet<TrainedOn>,
    /// Devices and builds of the rerun.
    pub(super) rerun_by: BTreeSet<TrainedOn>,
}

/// Compares a trial of sweep `sweep` with the same one of sweep `rerun`.
pub(super) fn compare(
    (sweep, reported): (u64, &Trial),
    (rerun, now): (u64, &Trial),
    drawn: bool,
) -> Compared {
    let differences = differences(reported, now);
    let same_place = reported.places.len() == 1 && reported.places == now.places;
    let best_loss_difference = relative(reported.result[0], now.result[0]);
    let has_result = now.state == TrialState::Completed.name();
    let verdict = if !has_result {
        Verdict::NoResult
    } else if differences.is_empty() {
        Verdict::Same
    } else if !same_place && best_loss_difference.is_some_and(|one| one <= BEST_LOSS_DIFFERENCE_MAX) {
        Verdict::Within
    } else {
        Verdict::Differs
    };
    let ended = (!has_result).then(|| [&now.state, ": ", &now.error].concat());
    Compared {
        trial: format!("{sweep}/{}", reported.number),
        rerun: format!("{rerun}/{}", now.number),
        key: reported.key.clone(),
        drawn,
        verdict,
        ended: ended.map(|text| text.trim_end_matches(": ").to_owned()),
        same_place,
        best_loss_difference,
        differences: if has_result { differences } else { Vec::new() },
        reported_by: reported.places.clone(),
        rerun_by: now.places.clone(),
    }
}

fn relative(reported: Option<f64>, now: Option<f64>) -> Option<f64> {
    let (reported, now) = reported.zip(now)?;
    if reported.to_bits() == now.to_bits() {
        Some(0.0)
    } else {
        Some((now - reported).abs() / reported.abs())
    }
}

/// Every number of both trials whose bits differ: epochs first, then the result.
fn differences(reported: &Trial, now: &Trial) -> Vec<Difference> {
    let epochs: BTreeSet<u32> = reported.epochs.keys().chain(now.epochs.keys()).copied().collect();
    let none = [None; EPOCH_METRICS.len()];
    let mut found = Vec::new();
    for epoch in epochs {
        let [was, is] = [reported, now].map(|trial| trial.epochs.get(&epoch).unwrap_or(&none));
        differ(&mut found, Some(epoch), EPOCH_METRICS, was, is);
    }
    differ(&mut found, None, RESULT_METRICS, &reported.result, &now.result);
    // Of a sweep only the chosen configuration is measured on the test split.
    // Earlier programs did not measure every figure of today.
    for (at, metric) in TEST_METRICS.into_iter().enumerate() {
        if reported.test[at].is_some() && now.test[at].is_some() {
            differ(&mut found, None, [metric], &[reported.test[at]], &[now.test[at]]);
        }
    }
    found
}

fn differ<const METRICS: usize>(
    found: &mut Vec<Difference>,
    epoch: Option<u32>,
    metrics: [&'static str; METRICS],
    reported: &[Option<f64>; METRICS],
    now: &[Option<f64>; METRICS],
) {
    for ((metric, reported), now) in metrics.into_iter().zip(*reported).zip(*now) {
        // By bits, because a NaN is unlike itself; the store does not tell -0.0 from 0.0.
        if reported.map(bits) != now.map(bits) {
            let change = reported.zip(now).map(|(reported, now)| now - reported);
            found.push(Difference { epoch, metric, reported, now, change });
        }
    }
}

fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(devices: &str) -> BTreeSet<TrainedOn> {
        BTreeSet::from([TrainedOn { devices: devices.into(), build: "1.0.0".into() }])
    }

    fn trial(epochs: Vec<[f64; 5]>, devices: &str) -> Trial {
        let some = |metrics: [f64; 5]| metrics.map(Some);
        let best = epochs.first().copied().unwrap_or([0.5; 5]);
        Trial {
            number: 4,
            state: TrialState::Completed.name().into(),
            result: [Some(best[2]), Some(best[3]), Some(1.0), Some(epochs.len() as f64), Some(99.0)],
            epochs: (1..).zip(epochs.into_iter().map(some)).collect(),
            places: place(devices),
            ..Trial::default()
        }
    }

    fn epochs() -> impl Strategy<Value = Vec<[f64; 5]>> {
        // Whatever bits a double may have, NaN and infinities included.
        proptest::collection::vec(proptest::array::uniform5(any::<u64>().prop_map(f64::from_bits)), 1..6)
    }

    proptest! {
        #[test]
        fn equal_bits_are_the_same_whatever_they_are(epochs in epochs(), elsewhere: bool) {
            let devices = if elsewhere { "other" } else { "cpu" };
            let compared = compare((1, &trial(epochs.clone(), "cpu")), (2, &trial(epochs, devices)), true);
            prop_assert_eq!(compared.verdict, Verdict::Same);
        }

        #[test]
        fn one_forged_number_is_found_and_named(
            epochs in epochs(),
            at: prop::sample::Index,
            metric in 0_usize..5,
            bit in 0_u32..64,
        ) {
            let (reported, mut now) = (trial(epochs.clone(), "cpu"), trial(epochs.clone(), "cpu"));
            let epoch = at.index(epochs.len()) as u32 + 1;
            let honest = epochs[epoch as usize - 1][metric];
            let forged = f64::from_bits(honest.to_bits() ^ (1 << bit));
            prop_assume!(bits(honest) != bits(forged));
            now.epochs.get_mut(&epoch).expect("there")[metric] = Some(forged);
            let compared = compare((1, &reported), (2, &now), true);
            prop_assert_eq!(compared.verdict, Verdict::Differs);
            prop_assert_eq!(compared.differences.len(), 1);
            let found = compared.differences[0];
            prop_assert_eq!((found.epoch, found.metric), (Some(epoch), EPOCH_METRICS[metric]));
            prop_assert_eq!(found.reported.map(f64::to_bits), Some(honest.to_bits()));
            prop_assert_eq!(found.now.map(f64::to_bits), Some(forged.to_bits()));
        }
    }

    #[test]
    fn the_bound_counts_only_between_different_places() {
        let reported = trial(vec![[0.5; 5], [0.6; 5]], "cpu");
        let now = |factor: f64, devices: &str| {
            let mut now = trial(vec![[0.5; 5], [0.6; 5]], devices);
            now.result[0] = now.result[0].map(|loss| loss * factor);
            compare((1, &reported), (2, &now), true).verdict
        };
        for (factor, devices, verdict) in [
            (1.0, "cuda", Verdict::Same),
            (1.04, "cuda", Verdict::Within),
            (0.96, "cuda", Verdict::Within),
            (1.06, "cuda", Verdict::Differs),
            (0.94, "cuda", Verdict::Differs),
            (f64::NAN, "cuda", Verdict::Differs),
            (1.000_000_1, "cpu", Verdict::Differs),
        ] {
            assert_eq!(now(factor, devices), verdict, "{factor} on {devices}");
        }
    }

    #[test]
    fn a_place_that_is_unknown_or_not_one_promises_no_bits() {
        let mut reported = trial(vec![[0.5; 5]], "cpu");
        let mut now = reported.clone();
        now.result[1] = Some(0.75);
        assert_eq!(compare((1, &reported), (2, &now), true).verdict, Verdict::Differs);
        for places in [BTreeSet::new(), &place("cpu") | &place("cuda")] {
            reported.places.clone_from(&places);
            now.places = places;
            assert_eq!(compare((1, &reported), (2, &now), true).verdict, Verdict::Within);
        }
    }

    #[test]
    fn epochs_that_only_one_side_has_are_told_and_failures_have_no_result() {
        let (reported, mut now) = (trial(vec![[0.5; 5]; 3], "cpu"), trial(vec![[0.5; 5]; 2], "cpu"));
        let compared = compare((1, &reported), (2, &now), true);
        assert_eq!(compared.verdict, Verdict::Differs);
        let missing: Vec<_> = compared.differences.iter().filter(|one| one.epoch == Some(3)).collect();
        assert_eq!(missing.len(), 5);
        assert!(missing.iter().all(|one| one.now.is_none() && one.reported == Some(0.5)));
        (now.state, now.error) = (TrialState::Failed.name().into(), "no memory".into());
        let compared = compare((1, &reported), (2, &now), true);
        assert_eq!(
            (compared.verdict, compared.ended.as_deref()),
            (Verdict::NoResult, Some("failed: no memory"))
        );
    }

    #[test]
    fn the_test_split_is_compared_where_both_were_measured() {
        let mut reported = trial(vec![[0.5; 5]], "cpu");
        let mut now = reported.clone();
        now.test = [Some(0.4), Some(0.8), Some(0.8), Some(0.7), Some(0.6)];
        assert_eq!(compare((1, &reported), (2, &now), true).verdict, Verdict::Same);
        // The report is of before AUC and correlation were measured.
        reported.test = [Some(0.4), Some(0.9), Some(0.8), None, None];
        let found = compare((1, &reported), (2, &now), true).differences;
        assert_eq!(found.iter().map(|one| one.metric).collect::<Vec<_>>(), ["test_accuracy"]);
    }
}
