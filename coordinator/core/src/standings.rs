//! What the trials of a sweep have shown, for its pruner: kept as epochs come in.

use coordinator_search::pruner::{self, Pruner, Shown, Standings};
use sweep_proto::SweepSpec;

use crate::record::{TrialRecord, TrialState};
use crate::tables::Tables;

/// Epochs after which trials are ranked: beyond them nobody is pruned.
const EPOCHS_RANKED_MAX: usize = 10_000;

/// The pruner of a sweep; `None` where every trial trains to its end.
pub(crate) fn pruner_of(spec: &SweepSpec) -> Option<Box<dyn Pruner>> {
    spec.search.as_deref().and_then(pruner::of)
}

/// The standings of a sweep of which nothing is known yet; `None` where nobody asks for them.
pub(crate) fn standings_of(spec: &SweepSpec) -> Option<Standings> {
    pruner_of(spec).map(|pruner| Standings::new(pruner.one_in()))
}

/// What a trial has shown by the rows that there are.
pub(crate) fn shown(tables: &Tables, trial: &TrialRecord) -> Shown {
    let of = trial.reused_from.unwrap_or(trial.spec.id);
    let losses = tables.epochs_of(of).map(|epoch| epoch.metric.validation_loss);
    let mut best_so_far = lowest_so_far(losses);
    if let (Some(result), Some(last)) = (&trial.result, best_so_far.last().copied()) {
        // It came to its end early: what more epochs were planned for it has, too.
        let epochs = trial.spec.configuration.epochs().max(u64::from(result.epochs));
        best_so_far.resize(usize::try_from(epochs).unwrap_or(usize::MAX).min(EPOCHS_RANKED_MAX), last);
    }
    let is_in_the_running = !trial.state.is_terminal() || trial.state == TrialState::Completed;
    Shown { best_so_far, waits_at: trial.rung(), is_in_the_running }
}

fn lowest_so_far(losses: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut lowest = f64::INFINITY;
    losses
        .take(EPOCHS_RANKED_MAX)
        .map(|loss| {
            lowest = lowest.min(loss);
            lowest
        })
        .collect()
}
