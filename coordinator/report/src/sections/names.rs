//! Names of the records as people read them.

use crate::language::{Language, say};
use crate::table::ONLY_CONFIGURATION;
use sweep_proto::{EpochFigure, FrontObjective, Objective, TestFigure};

/// The state of a sweep, a trial or a worker, how an attempt ended, what failed, or what was done.
///
/// Names that a later version of the records adds stay as they are.
pub(crate) fn name(name: &'static str, language: Language) -> &'static str {
    match name {
        "open" => say!(language, "open"),
        "paused" => say!(language, "paused"),
        "evaluating" => say!(language, "evaluating"),
        "finished" => say!(language, "finished"),
        "cancelled" => say!(language, "cancelled"),
        "pending" => say!(language, "waiting"),
        "leased" => say!(language, "running"),
        "completed" => say!(language, "completed"),
        "pruned" => say!(language, "pruned"),
        "diverged" => say!(language, "diverged"),
        "failed" => say!(language, "failed"),
        "ready" => say!(language, "ready"),
        "draining" => say!(language, "draining"),
        "lost" => say!(language, "lost"),
        "departed" => say!(language, "departed"),
        "released" => say!(language, "handed back"),
        "expired" => say!(language, "lease lost"),
        "revoked" => say!(language, "revoked"),
        "reached" => say!(language, "reached its rung"),
        "crashed" => say!(language, "crashed"),
        "out_of_memory" => say!(language, "out_of_memory"),
        "data" => say!(language, "data"),
        "device" => say!(language, "device"),
        "rejected" => say!(language, "rejected"),
        "stalled" => say!(language, "stalled"),
        "train" => say!(language, "train"),
        "evaluate" => say!(language, "evaluate"),
        other => other,
    }
}

/// A figure of the test split.
pub(super) fn figure(figure: TestFigure, language: Language) -> &'static str {
    match figure {
        TestFigure::Loss => say!(language, "Test loss"),
        TestFigure::Accuracy => say!(language, "Test accuracy"),
        TestFigure::MacroF1 => say!(language, "Macro F1"),
        TestFigure::Auc => say!(language, "AUC"),
        TestFigure::Matthews => say!(language, "Matthews correlation"),
    }
}

/// What configurations are ranked by, as a label.
pub(super) fn score(objective: Objective, language: Language) -> &'static str {
    match objective.figure() {
        EpochFigure::ValidationLoss => say!(language, "Validation loss"),
        EpochFigure::ValidationAccuracy => say!(language, "Validation error"),
        EpochFigure::ValidationMacroF1 => say!(language, "1 - validation macro F1"),
        _ => say!(language, "Validation score"),
    }
}

/// An objective in a sentence, on an axis or over a column: the value itself, and not its score.
pub(super) fn objective(objective: FrontObjective, language: Language) -> &'static str {
    match objective {
        FrontObjective::Parameters => say!(language, "parameters"),
        FrontObjective::Seconds => say!(language, "training seconds"),
        FrontObjective::Metric(metric) => match metric.figure() {
            EpochFigure::ValidationLoss => say!(language, "validation loss"),
            EpochFigure::ValidationAccuracy => say!(language, "validation accuracy"),
            EpochFigure::ValidationMacroF1 => say!(language, "validation macro F1"),
            _ => metric.name(),
        },
    }
}

/// A configuration: its swept values, or that there is no other.
pub(super) fn configuration(label: &str, language: Language) -> String {
    match label {
        ONLY_CONFIGURATION => say!(language, "the only configuration"),
        values => values,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use coordinator_core::AttemptState::{Running, Succeeded};
    use coordinator_core::{AttemptState, SweepState, TrialState, WorkerState};
    use sweep_proto::FailureKind;
    use sweep_proto::state::State;

    use super::*;

    #[test]
    fn every_state_has_a_korean_name() {
        use FailureKind as Kind;
        let kinds =
            [Kind::Crashed, Kind::OutOfMemory, Kind::Data, Kind::Device, Kind::Rejected, Kind::Stalled];
        let mut names: Vec<&'static str> = vec!["train", "evaluate"];
        names.extend(SweepState::ALL.map(SweepState::name));
        names.extend(TrialState::ALL.map(TrialState::name));
        names.extend(WorkerState::ALL.map(WorkerState::name));
        let ended = AttemptState::ALL.into_iter().filter(|state| !matches!(state, Running | Succeeded));
        names.extend(ended.map(AttemptState::name));
        names.extend(kinds.map(FailureKind::name));
        for one in names {
            // States are said as their list says them.
            let trial = TrialState::from_name(one).map(TrialState::words);
            let said = trial.or_else(|| AttemptState::from_name(one).map(AttemptState::words));
            assert_eq!(name(one, Language::English), said.unwrap_or(one));
            assert!(!name(one, Language::Korean).is_ascii(), "{one}");
        }
    }
}
