//! What was launched, on what, by whom: copied from the records, sorted, with nothing computed.

use std::collections::BTreeMap;

use sweep_proto::text::inert_line;
use sweep_proto::trial::{NUMERICS_VERSION, replicate_seed};
use sweep_proto::{DataAccount, DataWarning, Hyperparameter, Search, sweep_file};

use crate::input::ReportInput;
use crate::model::{Dataset, Levels, SetUp, Worker};

/// Replicates whose seeds are listed; far above any real study.
const REPLICATE_SEEDS_MAX: u32 = 1_000;

/// The set-up of the sweep.
pub fn set_up(input: &ReportInput) -> SetUp {
    let sweep = &input.sweep;
    let spec = &sweep.spec;
    let held = Hyperparameter::ALL.iter().filter_map(|one| Some((*one, spec.held(*one)?)));
    SetUp {
        sweep: sweep.id.0,
        name: spec.name.clone(),
        state: sweep.state.name(),
        created_at_ms: sweep.created_at.0,
        ended_at_ms: sweep.ended_at.map(|at| at.0),
        data: spec.data.clone(),
        fixed: held.collect(),
        axes: spec.swept_axes().map(Levels::of).collect(),
        constraints: spec.constraints.iter().map(ToString::to_string).collect(),
        search: spec.search.as_deref().filter(|search| **search != Search::of_grid()).cloned(),
        spent: sweep.spent(),
        leaves_out: !spec.is_whole_grid(),
        replicates: spec.replicates,
        seed: spec.seed,
        replicate_seeds: (0..spec.replicates.min(REPLICATE_SEEDS_MAX))
            .map(|one| replicate_seed(spec.seed, one))
            .collect(),
        failures_max: spec.failures_max,
        reuse: spec.reuse,
        numerics_version: NUMERICS_VERSION,
        datasets: datasets(input),
        workers: workers(input),
        sweep_file: spec.to_toml(),
        file_text: sweep.file_text.clone(),
        space_was_extended: space_was_extended(input),
    }
}

/// Whether a sampler proposed from another space before. A larger budget, and a grid, leave each trial as it is.
fn space_was_extended(input: &ReportInput) -> bool {
    let spec = &input.sweep.spec;
    let is_proposed = spec.search.as_ref().is_some_and(|search| !search.is_of_grid());
    let launched = sweep_file::parse_launched(&input.sweep.file_text).ok().filter(|_| is_proposed);
    launched.is_some_and(|launched| (&launched.axes, launched.replicates) != (&spec.axes, spec.replicates))
}

fn datasets(input: &ReportInput) -> Vec<Dataset> {
    input
        .sweep
        .datasets
        .iter()
        .map(|dataset| Dataset {
            variant: dataset.variant.clone(),
            digest: dataset.artifact.digest.to_string(),
            bytes: dataset.artifact.bytes,
            classes: dataset.classes.iter().map(|class| inert_line(class)).collect(),
            vocabulary: dataset.vocabulary,
            train_rows: dataset.rows[0],
            validation_rows: dataset.rows[1],
            test_rows: dataset.rows[2],
            account: dataset.account.clone().map(DataAccount::made_inert),
        })
        .collect()
}

/// What was found in the data that the answer is about.
pub fn data_warnings(input: &ReportInput) -> Vec<DataWarning> {
    let told = input.sweep.told_dataset();
    let warnings = told.and_then(|dataset| {
        let classes: Vec<String> = dataset.classes.iter().map(|class| inert_line(class)).collect();
        Some(dataset.account.clone()?.made_inert().warnings(&classes))
    });
    warnings.unwrap_or_default()
}

fn workers(input: &ReportInput) -> Vec<Worker> {
    let mut attempts: BTreeMap<_, u64> = BTreeMap::new();
    for attempt in input.attempts.iter().filter(|attempt| attempt.id.trial.sweep == input.sweep.id) {
        *attempts.entry(attempt.worker).or_default() += 1;
    }
    let mut workers: Vec<_> = input.workers.iter().collect();
    workers.sort_by_key(|worker| (worker.registered_at, worker.id));
    workers
        .into_iter()
        .map(|worker| Worker {
            id: worker.id.to_string(),
            name: worker.profile.name.clone(),
            build: worker.profile.build.clone(),
            state: worker.state.name(),
            slots: worker.profile.slots,
            devices: worker.profile.devices.iter().map(ToString::to_string).collect(),
            attempts: attempts.get(&worker.id).copied().unwrap_or_default(),
        })
        .collect()
}
