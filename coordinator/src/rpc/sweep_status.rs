//! A sweep as people see it: the ledger, what runs, what is best so far, when it will end.

use coordinator_core::view::Ledger;
use coordinator_core::{Engine, Outlook, SweepRecord, TrialRecord};
use coordinator_report::sections::{verdict, warnings};
use coordinator_report::{Language, ReportInput};
use sweep_proto::{
    Search, SweepId, SweepState, TestFigure, TestMetric, Timestamp, TrialId, TrialState, WorkKind, wire,
};
use tonic::Status;

use crate::attempt_logs::AttemptLogs;
use crate::rpc::report;
use crate::status;
use crate::trouble;

/// Most running trials listed: one message holds them, and nobody reads more.
const RUNNING_MAX: usize = 1_000;

/// Configurations listed, best first.
const BEST_MAX: usize = 10;

/// The status of a sweep; `None` where there is none.
pub(crate) fn of(
    engine: &Engine,
    id: SweepId,
    now: Timestamp,
    logs: &AttemptLogs,
) -> Option<wire::SweepStatus> {
    let sweep = engine.sweep(id)?;
    let outlook = engine.outlook(id)?;
    let forecast = match outlook {
        Outlook::Ends(forecast) => Some(forecast),
        _ => None,
    };
    let swept = sweep.spec.swept();
    let best = engine.best_configurations(id, BEST_MAX).into_iter().map(|mean| wire::ConfigurationStatus {
        label: mean.configuration.label(&swept),
        completed: u64::from(mean.completed),
        score: mean.score,
        accuracy: mean.accuracy,
    });
    let (workers, slots) = capacity(engine);
    let progress = engine.progress(id);
    let tests = tests(engine, sweep);
    let owner_label = sweep.owner.as_deref().and_then(|owner| engine.owner_label(owner));
    Some(wire::SweepStatus {
        id: id.0,
        name: sweep.spec.name.clone(),
        state: sweep.state.name().to_owned(),
        ledger: Some(wire::Ledger { away: engine.away(id), ..ledger(engine.ledger(id)) }),
        created_at_ms: sweep.created_at.0,
        ended_at_ms: sweep.ended_at.map_or(0, |ended| ended.0),
        running: engine
            .running(id)
            .take(RUNNING_MAX)
            .filter_map(|trial| running(engine, sweep, trial))
            .collect(),
        best: best.collect(),
        eta_seconds: forecast.map(|one| one.seconds),
        eta_low_seconds: forecast.map(|one| one.low_seconds),
        eta_high_seconds: forecast.map(|one| one.high_seconds),
        outlook: outlook.name().to_owned(),
        no_worker_since_ms: match outlook {
            Outlook::NoWorker { since } => since.map(|since| since.0),
            _ => None,
        },
        running_seconds: engine.ran_ms(id, now) as f64 / 1e3,
        chosen: sweep.chosen.as_ref().map(|chosen| chosen.label(&swept)),
        test: test(&tests),
        workers,
        slots,
        epochs_done: progress.done,
        epochs_planned: progress.planned,
        data: data(sweep),
        replicates: sweep.spec.replicates,
        lowest: engine.lowest_trial(id).and_then(|trial| lowest(sweep, trial)),
        rows: rows(sweep),
        warnings: warnings_of(engine, sweep, &tests),
        held: sweep.held.clone(),
        handed_back: trouble::of(engine, id, logs),
        earlier_choices: earlier_choices(sweep),
        matters_most: None,
        owner: sweep.owner.clone().unwrap_or_default(),
        owner_label: owner_label.unwrap_or_default().to_owned(),
        priority: sweep.spec.priority,
        search: search(engine, sweep),
    })
}

/// How the sweep is searched; absent where every configuration is trained to its end.
fn search(engine: &Engine, sweep: &SweepRecord) -> Option<wire::SearchStatus> {
    let search = sweep.spec.search.as_deref().filter(|search| **search != Search::of_grid())?;
    let ledger = engine.ledger(sweep.id);
    // Trials of an open sweep are paused at rungs only.
    let at_rungs = if sweep.state == SweepState::Open { ledger.of(TrialState::Paused) } else { 0 };
    Some(wire::SearchStatus {
        sampler: search.sampler.name().to_owned(),
        pruner: search.pruner.name().to_owned(),
        trials_made: ledger.planned.saturating_sub(engine.unmade(sweep.id)),
        trials_max: search.budget.trials.map(u64::from),
        epochs_max: search.budget.epochs,
        at_rungs,
    })
}

/// Most trials of a sweep whose verdict a status tells: that of more is work for a report.
const VERDICT_TRIALS_MAX: u64 = 5_000;

/// A sweep as it was seen in one look at the engine, before what takes some work was told of it.
pub(super) struct StatusLook {
    status: wire::SweepStatus,
    /// The records of an ended sweep, from which its verdict follows.
    records: Option<ReportInput>,
}

/// A look at a sweep; `None` where there is none.
pub(super) fn look(engine: &Engine, id: SweepId, now: Timestamp, logs: &AttemptLogs) -> Option<StatusLook> {
    let status = of(engine, id, now, logs)?;
    let is_judged = engine.sweep(id)?.state.is_ended() && engine.ledger(id).planned <= VERDICT_TRIALS_MAX;
    Some(StatusLook { status, records: is_judged.then(|| report::collect(engine, id, now)).flatten() })
}

impl StatusLook {
    /// The status; of an ended sweep with which hyperparameter matters most, and the warning that belongs to it.
    pub(super) async fn told(self) -> Result<wire::SweepStatus, Status> {
        let Self { mut status, records } = self;
        let Some(records) = records else { return Ok(status) };
        let judged = tokio::task::spawn_blocking(move || verdict::of(&records, Language::English));
        if let Some(verdict) = judged.await.map_err(status::internal)? {
            status.matters_most = Some(verdict.text);
            let warning =
                verdict.warning.map(|text| wire::Warning { kind: "unequal_noise".to_owned(), text });
            status.warnings.extend(warning);
        }
        Ok(status)
    }
}

/// What preparing the data found; absent for sweeps of versions that did not keep it.
fn data(sweep: &SweepRecord) -> Option<wire::DataAccount> {
    let dataset = sweep.told_dataset()?;
    Some(wire::DataAccount::of(dataset.account.as_ref()?, &dataset.classes, dataset.vocabulary))
}

fn earlier_choices(sweep: &SweepRecord) -> Vec<wire::EarlierChoice> {
    let swept = sweep.spec.swept();
    let told = sweep.earlier_choices.iter().map(|one| wire::EarlierChoice {
        label: one.configuration.label(&swept),
        at_ms: one.at.0,
        trials: one.trials,
        accuracy: Some(one.accuracy),
    });
    told.collect()
}

/// As [`of`], without the parts that are of no use in a list.
pub(super) fn for_list(
    engine: &Engine,
    id: SweepId,
    now: Timestamp,
    logs: &AttemptLogs,
) -> Option<wire::SweepStatus> {
    let mut status = of(engine, id, now, logs)?;
    status.running.clear();
    status.data = None;
    status.best.truncate(1);
    if let Some(test) = &mut status.test {
        test.confusion.clear();
    }
    Some(status)
}

fn ledger(ledger: Ledger) -> wire::Ledger {
    wire::Ledger { planned: ledger.planned, reused: ledger.reused, ..Default::default() }
        .with_counts(|state| ledger.of(state))
}

fn running(engine: &Engine, sweep: &SweepRecord, trial: &TrialRecord) -> Option<wire::RunningTrial> {
    let lease = trial.lease?;
    let worker = engine.tables().workers.get(&lease.worker).map(|worker| worker.profile.name.clone());
    let id = trial.spec.id;
    Some(wire::RunningTrial {
        id: Some(id.into()),
        attempt: lease.attempt,
        label: trial.spec.configuration.label(&sweep.spec.swept()),
        worker: worker.unwrap_or_else(|| lease.worker.to_string()),
        evaluating: lease.work == WorkKind::Evaluate,
        epochs_total: trial.spec.configuration.epochs() as u32,
        last: last_epoch(engine, id).map(|epoch| epoch.metric.clone().into()),
        is_away: !engine.is_connected(lease.worker),
    })
}

fn last_epoch(engine: &Engine, id: TrialId) -> Option<&coordinator_core::EpochRecord> {
    engine.tables().epochs_of(id).next_back()
}

/// Workers that get work, and their slots.
fn capacity(engine: &Engine) -> (u32, u32) {
    let working = engine.tables().workers.values().filter(|worker| engine.works(worker));
    working.fold((0, 0), |(workers, slots), worker| (workers + 1, slots + worker.profile.slots))
}

fn lowest(sweep: &SweepRecord, trial: &TrialRecord) -> Option<wire::LowestTrial> {
    let values = trial.spec.configuration.label(&sweep.spec.swept());
    Some(wire::LowestTrial {
        id: Some(trial.spec.id.into()),
        label: format!("{values} replicate={}", trial.spec.replicate).trim_start().to_owned(),
        score: trial.result.as_ref()?.score,
    })
}

/// Of the dataset that the chosen configuration was trained with, else of the first one.
fn rows(sweep: &SweepRecord) -> Option<wire::SplitRows> {
    let [train, validation, test] = sweep.told_dataset()?.rows;
    Some(wire::SplitRows { train, validation, test })
}

/// What a reader must know beside the answer: the report says the same.
fn warnings_of(engine: &Engine, sweep: &SweepRecord, tests: &[&TestMetric]) -> Vec<wire::Warning> {
    let (results, improving) = engine.still_learning(sweep.id);
    let still_learning = warnings::still_learning(improving, results, Language::English);
    let still_learning = still_learning.map(|text| wire::Warning { kind: "still_learning".to_owned(), text });
    let told = sweep.told_dataset();
    let of_the_data = told.and_then(|dataset| Some(dataset.account.as_ref()?.warnings(&dataset.classes)));
    let of_the_data = of_the_data.into_iter().flatten();
    let of_the_data = of_the_data
        .map(|warning| wire::Warning { kind: warning.kind().to_owned(), text: warning.to_string() });
    let uses = sweep.tests_so_far(!tests.is_empty());
    let repeated = warnings::test_used_again(uses, Language::English);
    let repeated = repeated.map(|text| wire::Warning { kind: "test_used_again".to_owned(), text });
    guessing(tests).into_iter().chain(of_the_data).chain(still_learning).chain(repeated).collect()
}

/// That the choice is not shown to know more than the most frequent class.
fn guessing(tests: &[&TestMetric]) -> Option<wire::Warning> {
    let confusion = &tests.iter().find(|test| !test.confusion.is_empty())?.confusion;
    let accuracy = tests.iter().map(|test| test.accuracy).sum::<f64>() / tests.len() as f64;
    let text = warnings::no_better_than_guessing(confusion, accuracy, Language::English)?;
    Some(wire::Warning { kind: "no_better_than_guessing".to_owned(), text })
}

/// The chosen configuration's replicates on the test split, as far as they were measured.
fn tests<'a>(engine: &'a Engine, sweep: &SweepRecord) -> Vec<&'a TestMetric> {
    engine.trials_of_choice(sweep.id).filter_map(|trial| trial.test.as_deref()).collect()
}

/// The mean over the chosen configuration's replicates, confusion counts summed. Calibration and hardest examples belong to
/// single models: the report has them.
fn test(tests: &[&TestMetric]) -> Option<wire::TestMetric> {
    let mean = |figure: TestFigure| {
        let sum: Option<f64> = tests.iter().map(|test| figure.of(test)).sum();
        sum.map(|sum| sum / tests.len() as f64)
    };
    let mut confusion = tests.first()?.confusion.clone();
    for test in &tests[1..] {
        for (row, more) in confusion.iter_mut().flatten().zip(test.confusion.iter().flatten()) {
            *row = row.saturating_add(*more);
        }
    }
    let confusion = confusion.into_iter().map(|counts| wire::ConfusionRow { counts }).collect();
    Some(wire::TestMetric { confusion, ..wire::TestMetric::of_figures(mean) })
}
