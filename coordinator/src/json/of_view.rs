//! What pages and HTTP's JSON show, made from the engine's views. Clients make the same from messages.

use coordinator_core::Outlook as Expected;
use coordinator_core::view;
use sweep_proto::data_account::{BadRow, FileAccount, SplitAccount};
use sweep_proto::encoded::Split;
use sweep_proto::{Device, DeviceKind, TrialId, TrialState};

use super::{
    Best, Data, DataFile, DataRow, DataSplit, EarlierChoice, HandBack, Ledger, Lowest, Outlook, Rows,
    Running, Sweep, Test, Warning, Worker, finite,
};
use crate::trouble;
use crate::view::{ChoiceBefore, LowestTrial, MeanScore, PreparedData, RunningTrial, SweepView, WorkerView};

impl From<SweepView> for Sweep {
    fn from(view: SweepView) -> Self {
        let forecast = if let Expected::Ends(forecast) = view.outlook { Some(forecast) } else { None };
        let no_worker_since = if let Expected::NoWorker { since } = view.outlook { since } else { None };
        let rows = view.rows.map(|[train, validation, test]| Rows { train, validation, test });
        let test_rows = rows.map_or(0, |rows| rows.test);
        let warning = |one: crate::view::Warning| Warning { kind: one.kind.to_owned(), text: one.text };
        let lowest = view.lowest.map(Lowest::from);
        Self {
            id: view.id.0,
            name: view.name,
            state: view.state.into(),
            ledger: ledger(view.ledger, view.away).with_search(view.search.as_ref()),
            created_at_ms: view.created_at.0,
            ended_at_ms: view.ended_at.map(|ended| ended.0),
            running: view.running.into_iter().map(Running::from).collect(),
            best: view.best.into_iter().map(Best::from).collect(),
            eta_seconds: forecast.and_then(|one| finite(one.seconds)),
            eta_low_seconds: forecast.and_then(|one| finite(one.low_seconds)),
            eta_high_seconds: forecast.and_then(|one| finite(one.high_seconds)),
            outlook: view.outlook.into(),
            no_worker_since_ms: no_worker_since.map(|since| since.0),
            running_seconds: finite(view.running_seconds).unwrap_or(0.0),
            chosen: view.chosen,
            test: view.test.map(|test| {
                let counts = test.confusion.iter().flatten();
                Test::of_means(test.figures, counts, test_rows)
            }),
            workers: view.workers,
            slots: view.slots,
            epochs_done: view.progress.done,
            epochs_planned: Some(view.progress.planned)
                .filter(|_| view.search.as_ref().is_none_or(|search| !search.is_open_ended)),
            data: view.data.map(Data::from),
            replicates: view.replicates,
            best_trial: lowest.clone(),
            lowest,
            rows,
            warnings: view.warnings.into_iter().map(warning).collect(),
            held: view.held,
            handed_back: view.handed_back.into_iter().map(HandBack::from).collect(),
            earlier_choices: view.earlier_choices.into_iter().map(EarlierChoice::from).collect(),
            matters_most: view.matters_most,
            owner: view.owner,
            owner_label: view.owner_label,
            priority: view.priority,
            search: view.search,
            objective: view.objective,
            further_objectives: view.further_objectives.iter().collect(),
        }
    }
}

impl From<Expected> for Outlook {
    fn from(outlook: Expected) -> Self {
        match outlook {
            Expected::Still => Self::Still,
            Expected::NoWorker { .. } => Self::NoWorker,
            Expected::Unmeasured => Self::Unmeasured,
            Expected::Ends(_) => Self::Ends,
        }
    }
}

fn ledger(seen: view::Ledger, away: u64) -> Ledger {
    let mut ledger = Ledger::new(seen.planned);
    (ledger.away, ledger.reused) = (away, seen.reused);
    TrialState::ALL.into_iter().fold(ledger, |ledger, state| ledger.with(state, seen.of(state)))
}

impl From<RunningTrial> for Running {
    fn from(trial: RunningTrial) -> Self {
        let last = trial.last;
        Self {
            trial: trial.id.to_string(),
            attempt: trial.attempt,
            label: trial.label,
            worker: trial.worker,
            is_away: trial.is_away,
            evaluating: trial.evaluating,
            epoch: last.as_ref().map_or(0, |metric| metric.epoch),
            epochs: trial.epochs,
            train_loss: last.as_ref().and_then(|metric| finite(metric.train_loss)),
            validation_loss: last.as_ref().and_then(|metric| finite(metric.validation_loss)),
            validation_accuracy: last.as_ref().and_then(|metric| finite(metric.validation_accuracy)),
        }
    }
}

impl From<MeanScore> for Best {
    fn from(mean: MeanScore) -> Self {
        Self {
            label: mean.label,
            completed: mean.completed,
            validation_loss: finite(mean.loss),
            validation_accuracy: finite(mean.accuracy),
            objective: finite(mean.objective),
        }
    }
}

impl From<LowestTrial> for Lowest {
    fn from(lowest: LowestTrial) -> Self {
        let LowestTrial { id, label, loss, objective } = lowest;
        Self { trial: id.to_string(), label, validation_loss: finite(loss), objective: finite(objective) }
    }
}

impl From<PreparedData> for Data {
    fn from(data: PreparedData) -> Self {
        let PreparedData { account, classes, vocabulary } = data;
        let warnings = account.warnings(&classes).iter().map(ToString::to_string).collect();
        let row = |row: BadRow| DataRow { file: row.file, line: row.line, reason: row.reason };
        let splits = Split::ALL.iter().zip(account.splits);
        Self {
            classes,
            files: account.files.into_iter().map(DataFile::from).collect(),
            unusable: account.bad_rows.count,
            unusable_reasons: account.bad_rows.reasons,
            unusable_classes: account.bad_rows.classes,
            unusable_first: account.bad_rows.first.into_iter().map(row).collect(),
            left_out: account.left_out,
            lost_classes: account.lost_classes,
            splits: splits.map(|(name, split)| data_split(name.name(), split)).collect(),
            tokenizer: account.tokenizer,
            vocabulary,
            warnings,
        }
    }
}

impl From<FileAccount> for DataFile {
    fn from(file: FileAccount) -> Self {
        let FileAccount { file, split, rows, unusable, notes } = file;
        Self { file, split, rows, unusable, notes }
    }
}

fn data_split(name: &str, split: SplitAccount) -> DataSplit {
    DataSplit {
        truncated_share: split.truncated_share(),
        unknown_token_share: split.unknown_share(),
        split: name.to_owned(),
        rows: split.rows,
        class_rows: split.class_rows,
        in_training: split.in_training,
        other_label: split.other_label,
    }
}

impl From<trouble::HandBack> for HandBack {
    fn from(one: trouble::HandBack) -> Self {
        Self {
            trial: one.attempt.trial.to_string(),
            attempt: one.attempt.number,
            worker: one.worker,
            how: one.how.words().to_owned(),
            at_ms: one.at.map(|at| at.0),
            reason: one.reason,
        }
    }
}

impl From<ChoiceBefore> for EarlierChoice {
    fn from(one: ChoiceBefore) -> Self {
        Self { label: one.label, at_ms: one.at.0, trials: one.trials, test_accuracy: finite(one.accuracy) }
    }
}

impl From<WorkerView> for Worker {
    fn from(worker: WorkerView) -> Self {
        let profile = worker.profile;
        Self {
            id: worker.id.to_string(),
            name: profile.name,
            state: worker.condition.into(),
            build: profile.build,
            slots: profile.slots,
            devices: profile.devices.iter().map(device).collect(),
            last_seen_ms: worker.last_seen_ms,
            trials: worker.trials.iter().map(TrialId::to_string).collect(),
        }
    }
}

fn device(device: &Device) -> String {
    let kind = match device.kind {
        DeviceKind::Cpu => "cpu",
        DeviceKind::Cuda => "cuda",
    };
    format!("{kind}:{} {}", device.ordinal, device.model)
}

#[cfg(test)]
mod tests {
    use coordinator_core::forecast::Forecast;
    use coordinator_core::{AttemptState, Progress, SweepState, WorkerState};
    use sweep_proto::data_account::BadRows;
    use sweep_proto::{
        AttemptId, DataAccount, EpochMetric, SweepId, TestFigure, Timestamp, WorkerCondition, WorkerId,
        WorkerProfile, wire,
    };

    use super::*;
    use crate::json::Searching;
    use crate::view::{ChoiceTest, Warning};

    const TRIAL: TrialId = TrialId { sweep: SweepId(7), index: 3 };

    fn data() -> PreparedData {
        let split = |rows| SplitAccount {
            rows,
            class_rows: vec![rows, 0],
            truncated: 1,
            tokens: 3 * rows,
            unknown_tokens: rows,
            in_training: 2,
            other_label: 1,
            ..SplitAccount::default()
        };
        let reasons = [("no label".to_owned(), 2)].into();
        let row = BadRow { file: "a.csv".into(), line: 9, reason: "no label".into() };
        let file =
            FileAccount { file: "a.csv".into(), split: "train".into(), rows: 40, ..Default::default() };
        let account = DataAccount {
            files: vec![file],
            bad_rows: BadRows {
                count: 2,
                reasons,
                classes: [("yes".to_owned(), 1)].into(),
                first: vec![row],
            },
            left_out: [("for balance".to_owned(), 4)].into(),
            lost_classes: vec!["maybe".into()],
            splits: [split(30), split(6), split(0)],
            tokenizer: "word".into(),
            ..Default::default()
        };
        PreparedData { account, classes: vec!["no".into(), "yes".into()], vocabulary: 99 }
    }

    fn running(last: Option<EpochMetric>) -> RunningTrial {
        RunningTrial {
            id: TRIAL,
            attempt: 2,
            label: "units=8".into(),
            worker: "vm".into(),
            is_away: true,
            evaluating: true,
            epochs: 5,
            last,
        }
    }

    fn epoch() -> EpochMetric {
        EpochMetric {
            epoch: 2,
            train_loss: 0.5,
            train_accuracy: 0.75,
            validation_loss: f64::NAN,
            validation_accuracy: 0.7,
            validation_macro_f1: 0.7,
            seconds: 1.0,
            examples_per_second: 10.0,
            peak_memory_bytes: 1,
            energy_joules: None,
        }
    }

    /// A sweep of which everything is told.
    fn view(outlook: Expected) -> SweepView {
        let mut by_state = [0; TrialState::COUNT];
        by_state.iter_mut().zip(1..).for_each(|(trials, count)| *trials = count);
        SweepView {
            id: SweepId(7),
            name: "many".into(),
            state: SweepState::Evaluating,
            ledger: view::Ledger { planned: by_state.iter().sum(), by_state, reused: 2 },
            away: 1,
            created_at: Timestamp(5),
            ended_at: Some(Timestamp(9)),
            running: vec![running(Some(epoch())), running(None)],
            best: vec![MeanScore {
                label: "units=8".into(),
                completed: 2,
                loss: 0.4,
                accuracy: f64::NAN,
                objective: 0.7,
            }],
            outlook,
            running_seconds: 1.5,
            chosen: Some("units=8".into()),
            test: Some(ChoiceTest {
                figures: TestFigure::ALL.map(|figure| (figure != TestFigure::Auc).then_some(0.25)),
                confusion: vec![vec![6, 2], vec![1, 3]],
            }),
            workers: 3,
            slots: 6,
            progress: Progress { done: 4, planned: 40 },
            data: Some(data()),
            replicates: 3,
            lowest: Some(LowestTrial {
                id: TRIAL,
                label: "units=8 replicate=1".into(),
                loss: 0.3,
                objective: 0.8,
            }),
            rows: Some([30, 6, 4]),
            warnings: vec![Warning { kind: "told", text: "beware".into() }],
            held: Some("a disk".into()),
            handed_back: vec![trouble::HandBack {
                attempt: AttemptId { trial: TRIAL, number: 2 },
                worker: "vm".into(),
                how: AttemptState::Expired,
                at: Some(Timestamp(8)),
                reason: "silence".into(),
            }],
            earlier_choices: vec![ChoiceBefore {
                label: "units=4".into(),
                at: Timestamp(6),
                trials: 12,
                accuracy: 0.6,
            }],
            matters_most: Some("units".into()),
            owner: Some("submitter token 8c66b746d11fd4f1".into()),
            owner_label: Some("alice".into()),
            priority: 2,
            objective: sweep_proto::Objective::from_name("validation_macro_f1").unwrap_or_default(),
            further_objectives: sweep_proto::FurtherObjectives::of([sweep_proto::FrontObjective::Seconds])
                .unwrap_or_default(),
            search: Some(Searching {
                sampler: "random".into(),
                pruner: "asha".into(),
                trials_made: 12,
                trials_max: Some(40),
                epochs_max: None,
                is_open_ended: false,
                at_rungs: 1,
                shelved: 2,
                hours_max: Some(8.0),
                money_max: Some(10.0),
                hours_spent: Some(2.5),
                money_spent: Some(5.0),
                spent: Some("hours".into()),
            }),
        }
    }

    #[test]
    fn pages_show_what_clients_are_told() {
        let forecast = Forecast { seconds: 60.0, low_seconds: 50.0, high_seconds: 80.0 };
        let since = Some(Timestamp(4));
        let outlooks =
            [Expected::Still, Expected::NoWorker { since }, Expected::Unmeasured, Expected::Ends(forecast)];
        for outlook in outlooks {
            let view = view(outlook);
            let told = Sweep::from(wire::SweepStatus::from(view.clone()));
            assert_eq!(Sweep::from(view), told);
        }
        let profile = WorkerProfile {
            name: "vm".into(),
            build: "1".into(),
            slots: 2,
            devices: [DeviceKind::Cpu, DeviceKind::Cuda]
                .map(|kind| Device { kind, ordinal: 1, model: "x".into(), memory_bytes: 5 })
                .into(),
            group: 1,
        };
        let worker = WorkerView {
            id: WorkerId(uuid::Uuid::from_u128(7)),
            profile,
            condition: WorkerCondition::from(WorkerState::Draining),
            last_seen_ms: 12,
            trials: vec![TRIAL],
        };
        let told = Worker::from(wire::WorkerStatus::from(worker.clone()));
        assert_eq!(Worker::from(worker), told);
    }
}
