//! How soon configurations learn: the epoch of the lowest validation loss, and when a trial first comes near it.

use super::ranking::Contender;
use crate::model::Convergence;
use crate::table::{Table, TrialRow};
use coordinator_statistics::summary::summary;

/// How near counts as there, as a share of the lowest loss.
pub const NEAR: f64 = 0.05;

/// Each ranked configuration's convergence, in ranking order.
pub fn convergence(table: &Table, contenders: &[Contender<'_>]) -> Vec<Convergence> {
    contenders
        .iter()
        .enumerate()
        .map(|(position, contender)| {
            let arrivals: Vec<Arrival> =
                contender.trials.values().filter_map(|(trial, _)| arrival(trial)).collect();
            let over_trials = |of: fn(&Arrival) -> f64| summary(&arrivals.iter().map(of).collect::<Vec<_>>());
            Convergence {
                rank: position as u32 + 1,
                label: table.label(contender.configuration),
                lowest_loss_epoch: over_trials(|one| f64::from(one.lowest_epoch)),
                epochs_to_near_lowest: over_trials(|one| f64::from(one.near_epoch)),
                seconds_to_near_lowest: over_trials(|one| one.near_seconds),
            }
        })
        .collect()
}

/// When a trial came to its lowest loss, and near it.
struct Arrival {
    lowest_epoch: u32,
    near_epoch: u32,
    near_seconds: f64,
}

/// `None` without epochs.
fn arrival(trial: &TrialRow) -> Option<Arrival> {
    // The first of equal ones.
    let lowest =
        trial.epochs.iter().min_by(|left, right| left.validation_loss.total_cmp(&right.validation_loss))?;
    let near = lowest.validation_loss + NEAR * lowest.validation_loss.abs();
    let mut near_seconds = 0.0;
    for epoch in &trial.epochs {
        near_seconds += epoch.seconds;
        if epoch.validation_loss <= near {
            return Some(Arrival { lowest_epoch: lowest.epoch, near_epoch: epoch.epoch, near_seconds });
        }
    }
    None
}
