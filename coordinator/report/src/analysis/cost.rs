//! What the sweep cost, and which configurations are worth their time.

use std::collections::BTreeSet;

use coordinator_core::Spans;
use coordinator_core::forecast::{Check, Past, TRIALS_CHECKED};

use super::devices::{Usages, usages};
use super::ranking::{Contender, parameters};
use crate::input::ReportInput;
use crate::model::{ConfigurationCost, Cost, ForecastCheck};
use crate::table::{Table, TrialRow};
use coordinator_statistics::front::{Point, on_front};
use coordinator_statistics::means::mean;

/// Sums over the sweep and means per configuration.
pub fn cost(input: &ReportInput, table: &Table, contenders: &[Contender<'_>]) -> Cost {
    let own: BTreeSet<_> = table.trials.iter().map(|trial| trial.id).collect();
    let (mut attempt_ms, mut lost_ms) = (0_u64, 0_u64);
    let attempts = || input.attempts.iter().filter(|attempt| own.contains(&attempt.id.trial));
    for attempt in attempts() {
        attempt_ms = attempt_ms.saturating_add(attempt.charged_ms());
        lost_ms = lost_ms.saturating_add(attempt.lost_ms());
    }
    let ended_ms = input.sweep.ended_at.map_or(input.generated_at_ms, |at| at.0);
    let Usages { by_worker, by_device, money } = usages(input, &own);
    // Nothing added up is -0.0, which is written like that.
    Cost {
        wall_seconds: seconds(ended_ms.saturating_sub(input.sweep.created_at.0)),
        running_seconds: seconds(Spans::of(attempts()).total_ms()),
        training_seconds: sum_of_seconds(
            table.completed().map(|(trial, _)| trial).filter(|trial| trial.reused_from.is_none()),
        ),
        attempt_seconds: seconds(attempt_ms),
        lost_attempt_seconds: seconds(lost_ms),
        reused_seconds: sum_of_seconds(table.trials.iter().filter(|trial| trial.reused_from.is_some())),
        device_hours: 0.0 + by_device.iter().map(|one| one.device_hours).sum::<f64>(),
        lost_device_hours: 0.0 + by_device.iter().map(|one| one.lost_device_hours).sum::<f64>(),
        money,
        forecast: forecast(input),
        by_device,
        by_worker,
        configurations: configurations(table, contenders),
    }
}

fn forecast(input: &ReportInput) -> Option<ForecastCheck> {
    let ReportInput { sweep, trials, attempts, epochs, workers, .. } = input;
    let past = Past { sweep, trials, attempts, epochs, workers };
    let Check { completed, forecast, seconds } = past.check(TRIALS_CHECKED)?;
    let (made, held) = past.held();
    Some(ForecastCheck {
        completed: completed as u64,
        forecast_seconds: forecast.seconds,
        low_seconds: forecast.low_seconds,
        high_seconds: forecast.high_seconds,
        seconds,
        made: made as u64,
        held: held as u64,
    })
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

fn sum_of_seconds<'a>(trials: impl Iterator<Item = &'a TrialRow>) -> f64 {
    0.0 + trials.filter_map(TrialRow::seconds).sum::<f64>()
}

fn configurations(table: &Table, contenders: &[Contender<'_>]) -> Vec<ConfigurationCost> {
    let mut rows: Vec<ConfigurationCost> = contenders
        .iter()
        .enumerate()
        .map(|(position, contender)| {
            let trials = || contender.trials.values().map(|(trial, _)| *trial);
            ConfigurationCost {
                rank: position as u32 + 1,
                label: table.label(contender.configuration),
                seconds: mean(trials().filter_map(TrialRow::seconds)),
                examples_per_second: mean(trials().filter_map(TrialRow::examples_per_second)),
                peak_memory_bytes: trials().filter_map(TrialRow::peak_memory_bytes).max(),
                energy_joules: mean(trials().filter_map(TrialRow::energy_joules)),
                parameters: parameters(contender),
                validation_accuracy: contender.accuracy.mean,
                on_front: false,
            }
        })
        .collect();
    mark_front(&mut rows);
    rows
}

/// Marks the Pareto front of accuracy, seconds and parameters; those without epochs are not on it.
fn mark_front(rows: &mut [ConfigurationCost]) {
    let (places, points): (Vec<usize>, Vec<Point>) = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((at, [row.seconds?, row.parameters as f64, -row.validation_accuracy])))
        .unzip();
    for (at, is_on) in places.into_iter().zip(on_front(&points)) {
        rows[at].on_front = is_on;
    }
}
