//! Charts of the live pages, as the report's script draws them.

use serde::Serialize;
use serde_json::{Value, json};
use sweep_proto::EpochMetric;

use super::picture::{Curve, thinned};

/// Points of one curve of a trial's page: as many as a screen has columns of pixels for it.
const POINTS_MAX: usize = 1_000;

/// One curve: its places on the horizontal axis, and for each metric the means there and their spreads, of which a
/// single trial has none.
#[derive(Debug, Serialize)]
struct Line {
    label: String,
    epochs: Vec<u64>,
    trials: Vec<u32>,
    metrics: Vec<(Vec<f64>, Vec<Option<f64>>)>,
}

impl Line {
    fn new(label: impl Into<String>, places: Vec<u64>, metrics: Vec<Vec<f64>>) -> Self {
        let count = places.len();
        let metrics = metrics.into_iter().map(|values| (values, vec![None; count])).collect();
        Self { label: label.into(), epochs: places, trials: vec![1; count], metrics }
    }

    /// By epoch.
    fn of(label: impl Into<String>, epochs: &[EpochMetric], metrics: &[fn(&EpochMetric) -> f64]) -> Self {
        let places = epochs.iter().map(|epoch| u64::from(epoch.epoch)).collect();
        Self::new(label, places, metrics.iter().map(|of| epochs.iter().map(of).collect()).collect())
    }
}

/// The curves of the trials that run, in the order of the script's metrics.
pub(super) fn running(curves: &[Curve]) -> Value {
    let line = |curve: &Curve| {
        Line::of(
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
    let groups: Vec<_> = curves.iter().map(line).collect();
    json!({ "id": "running-curves", "title": "Trials that run", "kind": "curves", "groups": groups })
}

/// The curves of one trial: by epoch, and the training loss by optimiser step of its newest attempt. Those of which nothing
/// is known yet have no groups.
pub(super) fn of_trial(epochs: Vec<EpochMetric>, steps: Vec<(u64, f64)>) -> [Value; 3] {
    let epochs = thinned(epochs, POINTS_MAX);
    let line = |label: &str, metric: fn(&EpochMetric) -> f64| Line::of(label, &epochs, &[metric]);
    let losses =
        [line("validation", |epoch| epoch.validation_loss), line("training", |epoch| epoch.train_loss)];
    let accuracies = [
        line("validation", |epoch| 100.0 * epoch.validation_accuracy),
        line("training", |epoch| 100.0 * epoch.train_accuracy),
    ];
    let (places, values) = thinned(steps, POINTS_MAX).into_iter().unzip();
    let step_losses = [Line::new("training", places, vec![values])];
    [
        chart(["trial-loss", "Loss", "loss", "epoch"], &losses),
        chart(["trial-accuracy", "Accuracy", "accuracy (%)", "epoch"], &accuracies),
        chart(["trial-steps", "Training loss inside epochs", "loss", "optimiser step"], &step_losses),
    ]
}

/// A chart of one metric, with the words on its two axes.
fn chart([id, title, value, place]: [&str; 4], groups: &[Line]) -> Value {
    let groups: Vec<_> = groups.iter().filter(|line| !line.epochs.is_empty()).collect();
    json!({ "id": id, "title": title, "kind": "curves", "value": value, "place": place, "groups": groups })
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
