//! What the trials of a sweep have shown, for its pruner: kept as epochs come in, while its trials may still train.

use coordinator_search::pruner::{self, EPOCHS_RANKED_MAX, Pruner, Shown, Standings};
use sweep_proto::{EpochMetric, Objective, SweepSpec};

use crate::record::{SweepRecord, SweepState, TrialRecord, TrialState};
use crate::search;
use crate::tables::Tables;

/// The pruner of a sweep; `None` where every trial trains to its end.
pub(crate) fn pruner_of(spec: &SweepSpec) -> Option<Box<dyn Pruner>> {
    spec.search.as_deref().and_then(pruner::of)
}

/// Whether trials of a sweep wait at rungs before they have trained to their end.
pub(crate) fn waits_at_rungs(spec: &SweepSpec) -> bool {
    search::is_steered(spec)
        || pruner_of(spec).is_some_and(|pruner| pruner.first_rung(spec.fixed.epochs()).is_some())
}

/// The standings of a sweep before any trial is counted; `None` where nobody asks for them: it has no pruner, or has ended.
pub(crate) fn standings_of(sweep: &SweepRecord) -> Option<Standings> {
    let is_asked = matches!(sweep.state, SweepState::Open | SweepState::Paused) && !sweep.is_deleted();
    let pruner = pruner_of(&sweep.spec).filter(|_| is_asked)?;
    Some(Standings::new(pruner.one_in()))
}

/// What a trial has shown by the rows that there are.
pub(crate) fn shown(tables: &Tables, trial: &TrialRecord) -> Shown {
    let of = trial.reused_from.unwrap_or(trial.spec.id);
    let objective =
        tables.sweeps.get(&trial.spec.id.sweep).map_or_else(Objective::default, |sweep| sweep.spec.objective);
    let epochs = tables.epochs_of(of).map(|epoch| &epoch.metric);
    let is_in_the_running = !trial.state.is_terminal() || trial.state == TrialState::Completed;
    Shown {
        best_so_far: scores_so_far(objective, epochs).take(EPOCHS_RANKED_MAX).collect(),
        lasts: trial.result.as_ref().is_some_and(|result| result.early_stopped),
        waits_at: trial.rung(),
        is_in_the_running,
    }
}

/// What a trial would count with if it ended with each of its epochs: its score in the epoch of the lowest validation loss until then,
/// whose weights would be kept.
pub(crate) fn scores_so_far<'e>(
    objective: Objective,
    epochs: impl Iterator<Item = &'e EpochMetric>,
) -> impl Iterator<Item = f64> {
    let (mut lowest, mut score) = (f64::INFINITY, f64::INFINITY);
    epochs.map(move |epoch| {
        if epoch.validation_loss < lowest {
            lowest = epoch.validation_loss;
            score = objective.score_of(epoch).unwrap_or(f64::INFINITY);
        }
        score
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sweep's row in which only its state and its search count.
    fn sweep(state: SweepState, pruner: &str) -> SweepRecord {
        let file = format!(
            "name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\nunits = [8]\n[search]\npruner = '{pruner}'\n"
        );
        let spec = sweep_proto::sweep_file::parse("x", &file).expect("a sweep file");
        let row = serde_json::json!({
            "id": 1, "spec": spec, "file_text": file, "state": state, "created_at": 0, "ended_at": null, "datasets": [],
            "chosen": null,
        });
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn standings_are_kept_while_trials_may_train_and_a_pruner_asks() {
        for state in SweepState::ALL.iter().copied() {
            let is_kept = matches!(state, SweepState::Open | SweepState::Paused);
            assert_eq!(standings_of(&sweep(state, "median")).is_some(), is_kept, "{state:?}");
            assert!(standings_of(&sweep(state, "none")).is_none());
        }
        let mut deleted = sweep(SweepState::Open, "median");
        deleted.deleted_at = Some(sweep_proto::Timestamp(1));
        assert!(standings_of(&deleted).is_none());
    }
}
