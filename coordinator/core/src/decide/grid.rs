//! A grid's checks, and the trials that it consists of.

use std::collections::BTreeSet;

use sweep_proto::search::{PrunerName, SamplerName};
use sweep_proto::space;
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::trial::replicate_seed;
use sweep_proto::{
    Axis, Configuration, ConfigurationIndex, Domain, Hyperparameter, Objective, Search, SweepId, SweepSpec,
    TrialId, TrialSpec, Value,
};

use crate::command::Rejection;
use crate::record::{DatasetRecord, TrialRecord};
use crate::{search, source};

/// Checks a spec and gives its levels the types of their hyperparameters, so that equal levels are
/// equal values and each configuration names its position.
pub(crate) fn checked(mut spec: SweepSpec) -> Result<SweepSpec, Rejection> {
    if spec.replicates == 0 {
        return Err(Rejection::Invalid("a sweep needs at least one replicate".into()));
    }
    if spec.failures_max == 0 {
        return Err(Rejection::Invalid("failures_max must be at least 1: each trial needs one try".into()));
    }
    let mut swept = BTreeSet::new();
    for axis in &mut spec.axes {
        if !swept.insert(axis.hyperparameter) {
            return Err(Rejection::Invalid(format!("{} is swept twice", axis.hyperparameter)));
        }
        *axis = checked_axis(axis)?;
    }
    if let Some(problem) = space::problems(&spec.axes, &spec.constraints).into_iter().next() {
        return Err(Rejection::Invalid(problem.message));
    }
    check_search(&spec)?;
    check_effort(&spec)?;
    if spec.grid_size() == Some(0) {
        return Err(Rejection::Invalid("no configuration of the grid fulfils its constraints".into()));
    }
    let count = match search::of(&spec) {
        Some(_) => Some(source::of_spec(&spec).target()),
        None => spec.trial_count(),
    };
    match count {
        Some(0) => Err(Rejection::Invalid(
            "the search has no trial: give [search] a budget of trials, or of at least the epochs of one trial".into(),
        )),
        Some(count) if count <= TRIALS_MAX => Ok(spec),
        Some(count) => Err(Rejection::Invalid(format!(
            "{count} trials are more than the {TRIALS_MAX} that one sweep may have"
        ))),
        None => Err(Rejection::Invalid("the grid has more points than 64 bits count".into())),
    }
}

/// What is not a grid needs a sampler, and how far a trial trains is decided in one place.
fn check_search(spec: &SweepSpec) -> Result<(), Rejection> {
    let range = spec.axes.iter().find(|axis| axis.range().is_some());
    let is_of_grid = spec.search.as_ref().is_none_or(|search| search.sampler == SamplerName::Grid);
    if let Some(axis) = range.filter(|_| is_of_grid) {
        let problem = format!("{} has a range, which only a search can try", axis.hyperparameter);
        return Err(Rejection::Invalid(problem));
    }
    let needs_price =
        |search: &Search| search.budget.money.is_some() && search.budget.price_per_hour.is_none();
    if spec.search.as_deref().is_some_and(needs_price) {
        return Err(Rejection::Invalid(
            "a budget of money needs price_per_hour: what one slot costs for an hour".into(),
        ));
    }
    let has_rungs = spec.search.as_ref().is_some_and(|search| search.pruner == PrunerName::Asha);
    if has_rungs && spec.axes.iter().any(|axis| axis.hyperparameter == Hyperparameter::Epochs) {
        let problem = "epochs is swept, but the pruner asha decides how far each trial trains";
        return Err(Rejection::Invalid(problem.into()));
    }
    if search::is_steered(spec) { check_steered(spec) } else { Ok(()) }
}

/// What the model of a steered search is of.
fn check_steered(spec: &SweepSpec) -> Result<(), Rejection> {
    let refused = |problem: String| Err(Rejection::Invalid(problem));
    let auto = SamplerName::Auto;
    if spec.search.as_ref().is_some_and(|search| search.pruner != PrunerName::None) {
        return refused(format!("the sampler {auto} pauses trials itself, and takes no pruner"));
    }
    if spec.objective != Objective::default() || !spec.further_objectives.is_empty() {
        return refused(format!("the sampler {auto} models {} alone", Objective::default()));
    }
    for swept in [Hyperparameter::Epochs, Hyperparameter::Patience] {
        if spec.axes.iter().any(|axis| axis.hyperparameter == swept) {
            return refused(format!(
                "{swept} is swept, but the sampler {auto} decides how far each trial trains"
            ));
        }
    }
    Ok(())
}

/// A grid that is restricted is looked at point by point.
pub(crate) fn check_effort(spec: &SweepSpec) -> Result<(), Rejection> {
    let is_looked_at = spec.is_restricted() && search::of(spec).is_none();
    match space::too_much_to_look_at(&spec.axes, &spec.constraints) {
        Some(problem) if is_looked_at => Err(Rejection::Invalid(problem)),
        _ => Ok(()),
    }
}

/// Checks an axis and gives its levels the type of the hyperparameter.
pub(crate) fn checked_axis(axis: &Axis) -> Result<Axis, Rejection> {
    let hyperparameter = axis.hyperparameter;
    let Domain::Levels(given) = &axis.domain else { return Ok(axis.clone()) };
    let mut levels: Vec<Value> = Vec::with_capacity(given.len());
    let mut seen = BTreeSet::new();
    for level in given {
        let level = level.clone().coerced(hyperparameter);
        level.check(hyperparameter).map_err(|error| Rejection::Invalid(error.to_string()))?;
        if !seen.insert(level.clone()) {
            return Err(Rejection::Invalid(format!(
                "{hyperparameter} has the level {} twice",
                level.quoted()
            )));
        }
        levels.push(level);
    }
    if levels.is_empty() {
        return Err(Rejection::Invalid(format!("{hyperparameter} is swept over no level at all")));
    }
    Ok(Axis { domain: Domain::Levels(levels), ..axis.clone() })
}

/// Checks that every data variant of a spec has its dataset.
pub(crate) fn check_datasets(spec: &SweepSpec, datasets: &[DatasetRecord]) -> Result<(), Rejection> {
    for variant in spec.data_variants() {
        if !datasets.iter().any(|dataset| dataset.variant == variant) {
            let values: Vec<_> = variant.iter().map(|(one, value)| format!("{one}={value}")).collect();
            return Err(Rejection::Invalid(format!("no dataset was prepared for {}", values.join(" "))));
        }
    }
    Ok(())
}

/// The trial at an index of a sweep, as it begins.
pub(crate) fn new_trial(
    id: TrialId,
    (configuration, configuration_index): (Configuration, ConfigurationIndex),
    replicate: u32,
    sweep_seed: u64,
    datasets: &[DatasetRecord],
) -> Result<TrialRecord, Rejection> {
    let variant = configuration.data_variant();
    let dataset = datasets.iter().find(|dataset| dataset.variant == variant);
    let dataset = dataset.ok_or_else(|| Rejection::Invalid(format!("trial {id} has no dataset")))?;
    let spec = TrialSpec {
        id,
        configuration,
        replicate,
        seed: replicate_seed(sweep_seed, replicate),
        dataset: dataset.artifact.digest.into(),
    };
    Ok(TrialRecord::new(spec, configuration_index))
}

/// The id of the n-th trial of a sweep. [`TRIALS_MAX`] is far below 32 bits.
pub(crate) fn trial_id(sweep: SweepId, index: usize) -> TrialId {
    TrialId { sweep, index: index as u32 }
}
