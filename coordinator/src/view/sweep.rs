//! A sweep in one look at the engine: the ledger, what runs, what is best so far, when it will end.

use coordinator_core::{Engine, SweepRecord, TrialRecord};
use coordinator_report::Language;
use coordinator_report::sections::warnings;
use sweep_proto::search::hours_of;
use sweep_proto::{Amount, Search, SweepId, TestFigure, TestMetric, Timestamp, WorkKind};

use super::{
    ChoiceBefore, ChoiceTest, LowestTrial, MeanScore, PreparedData, RunningTrial, SweepView, Warning,
};
use crate::attempt_logs::AttemptLogs;
use crate::json::Searching;
use crate::trouble;

/// Most running trials listed: one message holds them, and nobody reads more.
const RUNNING_MAX: usize = 1_000;

/// Configurations listed, best first.
const BEST_MAX: usize = 10;

impl SweepView {
    /// What people see of a sweep; `None` where there is none.
    pub(crate) fn of(engine: &Engine, id: SweepId, now: Timestamp, logs: &AttemptLogs) -> Option<Self> {
        let sweep = engine.sweep(id)?;
        let swept = sweep.spec.swept();
        let best = engine.best_configurations(id, BEST_MAX).into_iter().map(|mean| MeanScore {
            label: mean.configuration.label(&swept),
            completed: u64::from(mean.completed),
            loss: mean.loss,
            accuracy: mean.accuracy,
            objective: sweep.spec.objective.value(mean.score),
        });
        let running = engine.running(id).take(RUNNING_MAX);
        let (workers, slots) = capacity(engine);
        let tests = tests(engine, sweep);
        let owner_label = sweep.owner.as_deref().and_then(|owner| engine.owner_label(owner));
        Some(Self {
            id,
            name: sweep.spec.name.clone(),
            state: sweep.state,
            ledger: engine.ledger(id),
            away: engine.away(id),
            created_at: sweep.created_at,
            ended_at: sweep.ended_at,
            running: running.filter_map(|trial| running_trial(engine, sweep, trial)).collect(),
            best: best.collect(),
            outlook: engine.outlook(id)?,
            running_seconds: engine.ran_ms(id, now) as f64 / 1e3,
            chosen: sweep.chosen.as_ref().map(|chosen| chosen.label(&swept)),
            test: test(&tests),
            workers,
            slots,
            progress: engine.progress(id),
            data: data(sweep),
            replicates: sweep.spec.replicates,
            lowest: engine.lowest_trial(id).and_then(|trial| lowest(sweep, trial)),
            // Of the dataset that the chosen configuration was trained with, else of the first one.
            rows: sweep.told_dataset().map(|dataset| dataset.rows),
            warnings: warnings_of(engine, sweep, &tests),
            held: sweep.held.clone(),
            handed_back: trouble::of(engine, id, logs),
            earlier_choices: earlier_choices(sweep),
            matters_most: None,
            owner: sweep.owner.clone(),
            owner_label: owner_label.map(str::to_owned),
            priority: sweep.spec.priority,
            objective: sweep.spec.objective,
            further_objectives: sweep.spec.further_objectives,
            search: search(engine, sweep),
        })
    }

    /// As [`Self::of`], without the parts that are of no use in a list.
    pub(crate) fn for_list(engine: &Engine, id: SweepId, now: Timestamp, logs: &AttemptLogs) -> Option<Self> {
        let mut view = Self::of(engine, id, now, logs)?;
        view.running.clear();
        view.data = None;
        view.best.truncate(1);
        if let Some(test) = &mut view.test {
            test.confusion.clear();
        }
        Some(view)
    }
}

/// How the sweep is searched; nothing where every configuration is trained to its end.
fn search(engine: &Engine, sweep: &SweepRecord) -> Option<Searching> {
    let search = sweep.spec.search.as_deref().filter(|search| **search != Search::of_grid())?;
    let hours_spent = search.budget.metered_ms().map(|_| hours_of(engine.held_ms(sweep.id)));
    Some(Searching {
        sampler: search.sampler.name().to_owned(),
        pruner: search.pruner.name().to_owned(),
        trials_made: engine.made(sweep.id),
        trials_max: search.budget.trials.map(u64::from),
        epochs_max: search.budget.epochs,
        is_open_ended: sweep.is_open_ended(),
        at_rungs: engine.at_rungs(sweep.id),
        shelved: engine.shelved(sweep.id),
        hours_max: search.budget.hours.map(Amount::get),
        money_max: search.budget.money.map(Amount::get),
        hours_spent,
        money_spent: hours_spent.zip(search.budget.price_per_hour).map(|(hours, price)| hours * price.get()),
        spent: sweep.spent().map(|part| part.name().to_owned()),
    })
}

/// What preparing the data found; nothing for sweeps of versions that did not keep it.
fn data(sweep: &SweepRecord) -> Option<PreparedData> {
    let dataset = sweep.told_dataset()?;
    Some(PreparedData {
        account: dataset.account.clone()?,
        classes: dataset.classes.clone(),
        vocabulary: dataset.vocabulary,
    })
}

fn earlier_choices(sweep: &SweepRecord) -> Vec<ChoiceBefore> {
    let swept = sweep.spec.swept();
    let told = sweep.earlier_choices.iter().map(|one| ChoiceBefore {
        label: one.configuration.label(&swept),
        at: one.at,
        trials: one.trials,
        accuracy: one.accuracy,
    });
    told.collect()
}

fn running_trial(engine: &Engine, sweep: &SweepRecord, trial: &TrialRecord) -> Option<RunningTrial> {
    let lease = trial.lease?;
    let worker = engine.tables().workers.get(&lease.worker).map(|worker| worker.profile.name.clone());
    let id = trial.spec.id;
    Some(RunningTrial {
        id,
        attempt: lease.attempt,
        label: trial.spec.configuration.label(&sweep.spec.swept()),
        worker: worker.unwrap_or_else(|| lease.worker.to_string()),
        evaluating: lease.work == WorkKind::Evaluate,
        epochs: trial.spec.configuration.epochs() as u32,
        last: engine.tables().epochs_of(id).next_back().map(|epoch| epoch.metric.clone()),
        is_away: !engine.is_connected(lease.worker),
    })
}

/// Workers that get work, and their slots.
fn capacity(engine: &Engine) -> (u32, u32) {
    let working = engine.tables().workers.values().filter(|worker| engine.works(worker));
    working.fold((0, 0), |(workers, slots), worker| (workers + 1, slots + worker.profile.slots))
}

fn lowest(sweep: &SweepRecord, trial: &TrialRecord) -> Option<LowestTrial> {
    let values = trial.spec.configuration.label(&sweep.spec.swept());
    Some(LowestTrial {
        id: trial.spec.id,
        label: format!("{values} replicate={}", trial.spec.replicate).trim_start().to_owned(),
        loss: trial.result.as_ref()?.score,
        objective: sweep.spec.objective.value(trial.score()?),
    })
}

/// What a reader must know beside the answer: the report says the same.
fn warnings_of(engine: &Engine, sweep: &SweepRecord, tests: &[&TestMetric]) -> Vec<Warning> {
    let (results, improving) = engine.still_learning(sweep.id);
    let still_learning = warnings::still_learning(improving, results, Language::English);
    let still_learning = still_learning.map(|text| Warning { kind: "still_learning", text });
    let told = sweep.told_dataset();
    let of_the_data = told.and_then(|dataset| Some(dataset.account.as_ref()?.warnings(&dataset.classes)));
    let of_the_data = of_the_data.into_iter().flatten();
    let of_the_data = of_the_data.map(|warning| Warning { kind: warning.kind(), text: warning.to_string() });
    let uses = sweep.tests_so_far(!tests.is_empty());
    let repeated = warnings::test_used_again(uses, Language::English);
    let repeated = repeated.map(|text| Warning { kind: "test_used_again", text });
    guessing(tests).into_iter().chain(of_the_data).chain(still_learning).chain(repeated).collect()
}

/// That the choice is not shown to know more than the most frequent class.
fn guessing(tests: &[&TestMetric]) -> Option<Warning> {
    let confusion = &tests.iter().find(|test| !test.confusion.is_empty())?.confusion;
    let accuracy = tests.iter().map(|test| test.accuracy).sum::<f64>() / tests.len() as f64;
    let text = warnings::no_better_than_guessing(confusion, accuracy, Language::English)?;
    Some(Warning { kind: "no_better_than_guessing", text })
}

/// The chosen configuration's replicates on the test split, as far as they were measured.
fn tests<'a>(engine: &'a Engine, sweep: &SweepRecord) -> Vec<&'a TestMetric> {
    engine.trials_of_choice(sweep.id).filter_map(|trial| trial.test.as_deref()).collect()
}

/// The mean over the chosen configuration's replicates, confusion counts summed. Calibration and hardest examples belong to
/// single models: the report has them.
fn test(tests: &[&TestMetric]) -> Option<ChoiceTest> {
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
    Some(ChoiceTest { figures: TestFigure::ALL.map(mean), confusion })
}
