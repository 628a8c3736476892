//! Charts of the live pages, in the report's specifications.

use coordinator_report::render::html::ChartData;
use coordinator_report::sections::{ChartSpec, CurveData};
use serde_json::{Value, json};
use sweep_proto::EpochMetric;

use super::picture::{Curve, thinned};

/// Points of one curve of a trial's page: as many as a screen has columns of pixels for it.
const POINTS_MAX: usize = 1_000;

/// The curve of a single trial, which has no spread.
fn curve(label: impl Into<String>, places: Vec<u64>, metrics: Vec<Vec<f64>>) -> CurveData {
    let count = places.len();
    let metrics = metrics.into_iter().map(|values| (values, vec![None; count])).collect();
    CurveData { label: label.into(), epochs: places, trials: vec![1; count], metrics }
}

/// A curve by epoch.
fn by_epoch(
    label: impl Into<String>,
    epochs: &[EpochMetric],
    metrics: &[fn(&EpochMetric) -> f64],
) -> CurveData {
    let places = epochs.iter().map(|epoch| u64::from(epoch.epoch)).collect();
    curve(label, places, metrics.iter().map(|of| epochs.iter().map(of).collect()).collect())
}

/// The curves of the trials that run, in the order of the script's metrics.
pub(super) fn running(curves: &[Curve]) -> Value {
    let line = |curve: &Curve| {
        by_epoch(
            format!("{} {}", curve.trial, curve.label),
            &curve.epochs,
            &[
                |epoch| epoch.validation_loss,
                |epoch| epoch.train_loss,
                |epoch| epoch.validation_accuracy,
                |epoch| epoch.train_accuracy,
            ],
        )
    };
    let groups = curves.iter().map(line).collect();
    let spec = ChartSpec::Curves { groups, value: None, place: None, names_below: false };
    json!(ChartData::new("running-curves", "Trials that run", &spec))
}

/// The curves of one trial: by epoch, and the training loss by optimiser step of its newest attempt. Those of which nothing
/// is known yet have no groups.
pub(super) fn of_trial(epochs: Vec<EpochMetric>, steps: Vec<(u64, f64)>) -> [Value; 3] {
    let epochs = thinned(epochs, POINTS_MAX);
    let line = |label: &str, metric: fn(&EpochMetric) -> f64| by_epoch(label, &epochs, &[metric]);
    let losses =
        vec![line("validation", |epoch| epoch.validation_loss), line("training", |epoch| epoch.train_loss)];
    let accuracies = vec![
        line("validation", |epoch| 100.0 * epoch.validation_accuracy),
        line("training", |epoch| 100.0 * epoch.train_accuracy),
    ];
    let (places, values) = thinned(steps, POINTS_MAX).into_iter().unzip();
    let step_losses = vec![curve("training", places, vec![values])];
    [
        chart(["trial-loss", "Loss"], ["loss", "epoch"], losses),
        chart(["trial-accuracy", "Accuracy"], ["accuracy (%)", "epoch"], accuracies),
        chart(["trial-steps", "Training loss inside epochs"], ["loss", "optimiser step"], step_losses),
    ]
}

/// A chart of one value, with the words on its two axes.
fn chart([id, title]: [&str; 2], [value, place]: [&'static str; 2], mut groups: Vec<CurveData>) -> Value {
    groups.retain(|curve| !curve.epochs.is_empty());
    let spec = ChartSpec::Curves { groups, value: Some(value), place: Some(place), names_below: false };
    json!(ChartData::new(id, title, &spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_curves_by_epoch_and_by_step() {
        let epoch = EpochMetric {
            epoch: 3,
            train_loss: 0.5,
            train_accuracy: 0.75,
            validation_loss: 0.6,
            validation_accuracy: 0.7,
            validation_macro_f1: 0.7,
            seconds: 1.0,
            examples_per_second: 10.0,
            peak_memory_bytes: 1,
            energy_joules: None,
        };
        let early = of_trial(Vec::new(), vec![(40, 0.4)]);
        assert_eq!(early.each_ref().map(|chart| chart["groups"].as_array().unwrap().len()), [0, 0, 1]);
        let charts = of_trial(vec![epoch], vec![(40, 0.4)]);
        assert_eq!(charts[1]["groups"][0]["metrics"], json!([[[70.0], [null]]]));
        assert_eq!(charts[2]["groups"][0]["epochs"], json!([40]));
    }
}
