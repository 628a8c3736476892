//! Views as messages.

use coordinator_core::{Outlook, view};
use sweep_proto::{TestFigure, wire};

use super::{ChoiceBefore, ChoiceTest, LowestTrial, MeanScore, RunningTrial, SweepView, Warning, WorkerView};
use crate::trouble::HandBack;

impl From<SweepView> for wire::SweepStatus {
    fn from(view: SweepView) -> Self {
        let forecast = if let Outlook::Ends(forecast) = view.outlook { Some(forecast) } else { None };
        let no_worker_since = if let Outlook::NoWorker { since } = view.outlook { since } else { None };
        Self {
            id: view.id.0,
            name: view.name,
            state: view.state.name().to_owned(),
            ledger: Some(wire::Ledger { away: view.away, ..ledger(view.ledger) }),
            created_at_ms: view.created_at.0,
            ended_at_ms: view.ended_at.map_or(0, |ended| ended.0),
            running: view.running.into_iter().map(Into::into).collect(),
            best: view.best.into_iter().map(Into::into).collect(),
            eta_seconds: forecast.map(|one| one.seconds),
            eta_low_seconds: forecast.map(|one| one.low_seconds),
            eta_high_seconds: forecast.map(|one| one.high_seconds),
            outlook: view.outlook.name().to_owned(),
            no_worker_since_ms: no_worker_since.map(|since| since.0),
            running_seconds: view.running_seconds,
            chosen: view.chosen,
            test: view.test.map(Into::into),
            workers: view.workers,
            slots: view.slots,
            epochs_done: view.progress.done,
            epochs_planned: if view.search.as_ref().is_some_and(|search| search.is_open_ended) {
                0
            } else {
                view.progress.planned
            },
            data: view.data.map(|data| wire::DataAccount::of(&data.account, &data.classes, data.vocabulary)),
            replicates: view.replicates,
            lowest: view.lowest.map(Into::into),
            rows: view.rows.map(|[train, validation, test]| wire::SplitRows { train, validation, test }),
            warnings: view.warnings.into_iter().map(Into::into).collect(),
            held: view.held,
            handed_back: view.handed_back.into_iter().map(Into::into).collect(),
            earlier_choices: view.earlier_choices.into_iter().map(Into::into).collect(),
            matters_most: view.matters_most,
            owner: view.owner.unwrap_or_default(),
            owner_label: view.owner_label.unwrap_or_default(),
            priority: view.priority,
            search: view.search.map(Into::into),
            objective: view.objective.name().to_owned(),
            further_objectives: view.further_objectives.iter().map(|one| one.name().to_owned()).collect(),
        }
    }
}

fn ledger(ledger: view::Ledger) -> wire::Ledger {
    wire::Ledger { planned: ledger.planned, reused: ledger.reused, ..Default::default() }
        .with_counts(|state| ledger.of(state))
}

impl From<RunningTrial> for wire::RunningTrial {
    fn from(trial: RunningTrial) -> Self {
        Self {
            id: Some(trial.id.into()),
            attempt: trial.attempt,
            label: trial.label,
            worker: trial.worker,
            evaluating: trial.evaluating,
            epochs_total: trial.epochs,
            last: trial.last.map(Into::into),
            is_away: trial.is_away,
        }
    }
}

impl From<MeanScore> for wire::ConfigurationStatus {
    fn from(mean: MeanScore) -> Self {
        let MeanScore { label, completed, loss, accuracy, objective } = mean;
        Self { label, completed, score: loss, accuracy, objective: Some(objective) }
    }
}

impl From<LowestTrial> for wire::LowestTrial {
    fn from(lowest: LowestTrial) -> Self {
        let LowestTrial { id, label, loss, objective } = lowest;
        Self { id: Some(id.into()), label, score: loss, objective: Some(objective) }
    }
}

impl From<ChoiceTest> for wire::TestMetric {
    fn from(test: ChoiceTest) -> Self {
        let confusion = test.confusion.into_iter().map(|counts| wire::ConfusionRow { counts }).collect();
        Self { confusion, ..Self::of_figures(|figure: TestFigure| test.figures[figure as usize]) }
    }
}

impl From<Warning> for wire::Warning {
    fn from(warning: Warning) -> Self {
        Self { kind: warning.kind.to_owned(), text: warning.text }
    }
}

impl From<HandBack> for wire::HandBack {
    fn from(one: HandBack) -> Self {
        Self {
            trial: Some(one.attempt.trial.into()),
            attempt: one.attempt.number,
            worker: one.worker,
            how: one.how.words().to_owned(),
            at_ms: one.at.map_or(0, |at| at.0),
            reason: one.reason,
        }
    }
}

impl From<ChoiceBefore> for wire::EarlierChoice {
    fn from(one: ChoiceBefore) -> Self {
        Self { label: one.label, at_ms: one.at.0, trials: one.trials, accuracy: Some(one.accuracy) }
    }
}

impl From<WorkerView> for wire::WorkerStatus {
    fn from(worker: WorkerView) -> Self {
        Self {
            id: worker.id.to_string(),
            profile: Some(worker.profile.into()),
            state: worker.condition.name().to_owned(),
            last_seen_ms: worker.last_seen_ms,
            trials: worker.trials.iter().map(ToString::to_string).collect(),
        }
    }
}
