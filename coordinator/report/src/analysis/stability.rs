//! How steady the last epochs are: the study's "consistently stable graph" as numbers.

use super::ranking::Contender;
use crate::model::Stability;
use crate::table::{Table, TrialRow};
use coordinator_statistics::means::mean;
use coordinator_statistics::summary::{slope, standard_deviation};

/// Epochs at the end of a curve that are looked at.
pub const LAST_EPOCHS: usize = 3;

/// Each ranked configuration's stability, in ranking order.
pub fn stability(table: &Table, contenders: &[Contender<'_>]) -> Vec<Stability> {
    contenders
        .iter()
        .enumerate()
        .map(|(position, contender)| {
            let over_trials = |of: fn(&TrialRow) -> Option<f64>| {
                mean(contender.trials.values().filter_map(|(trial, _)| of(trial)))
            };
            Stability {
                rank: position as u32 + 1,
                label: table.label(contender.configuration),
                last_epochs_slope: over_trials(|trial| slope(&last_losses(trial))),
                last_epochs_standard_deviation: over_trials(|trial| standard_deviation(&last_losses(trial))),
                overfitting: over_trials(overfitting),
                generalization_gap: over_trials(|trial| {
                    trial.epochs.last().map(|epoch| epoch.validation_loss - epoch.train_loss)
                }),
            }
        })
        .collect()
}

fn last_losses(trial: &TrialRow) -> Vec<f64> {
    let from = trial.epochs.len().saturating_sub(LAST_EPOCHS);
    trial.epochs[from..].iter().map(|epoch| epoch.validation_loss).collect()
}

fn overfitting(trial: &TrialRow) -> Option<f64> {
    let best = trial.epochs.iter().map(|epoch| epoch.validation_loss).min_by(f64::total_cmp)?;
    trial.epochs.last().map(|last| last.validation_loss - best)
}
