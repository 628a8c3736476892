//! The sweeps that train chosen trials again: one for each of their configurations.

use std::collections::BTreeMap;

use sweep_proto::trial::replicate_seed;
use sweep_proto::{Configuration, SweepId, SweepSpec, TrialId, TrialSpec, TrialState, Value};

use super::records::{Records, Trial};
use crate::cli::exit::Failure;
use crate::cli::output::plain;

/// How the name of a sweep begins that trains trials of another one again. It is the sweep's number that follows.
pub(crate) const NAME_PREFIX: &str = "verify-rerun-";

/// A sweep to launch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Its name: `verify-rerun-SWEEP-TRIAL`, after its chosen trial with the highest replicate.
    pub(super) name: String,
    /// Its sweep file.
    pub(super) toml: String,
    /// How many trials it trains.
    pub(super) replicates: u32,
    /// Positions of the trials of the report that it trains again, the chosen ones among them.
    pub(super) trials: Vec<usize>,
}

/// The sweeps that train the chosen trials again. A sweep file names the seed of all its replicates, so that the replicates before a
/// chosen one are trained with it; those that completed in the report are part of the plan, and are compared as well.
///
/// # Errors
/// Where a trial's key is not that of its settings to this program.
pub(super) fn plans(
    spec: &SweepSpec,
    sweep: u64,
    records: &Records,
    chosen: &[usize],
) -> Result<Vec<Plan>, Failure> {
    let mut groups: BTreeMap<Configuration, Vec<usize>> = BTreeMap::new();
    for at in chosen {
        groups.entry(configuration(spec, sweep, &records.trials[*at])?).or_default().push(*at);
    }
    let mut plans = Vec::with_capacity(groups.len());
    for (fixed, mut group) in groups {
        group.sort_by_key(|at| records.trials[*at].replicate);
        let Some(last) = group.last().map(|at| &records.trials[*at]) else { continue };
        let replicates = last.replicate.saturating_add(1);
        let name = format!("{NAME_PREFIX}{sweep}-{}", last.number);
        let is_part = |trial: &Trial| {
            trial.state == TrialState::Completed.name()
                && trial.replicate < replicates
                && is_alike(spec, trial, last)
        };
        let trials = (0..records.trials.len()).filter(|at| is_part(&records.trials[*at])).collect();
        let file = SweepSpec { name: name.clone(), ..spec.of_configuration(fixed, replicates) };
        plans.push(Plan { name, toml: file.to_toml(), replicates, trials });
    }
    plans.sort_by_key(|plan| plan.trials.first().copied());
    Ok(plans)
}

fn is_alike(spec: &SweepSpec, left: &Trial, right: &Trial) -> bool {
    let mut names = spec.axes.iter().map(|axis| axis.hyperparameter.name());
    names.all(|name| left.cells.get(name) == right.cells.get(name))
}

/// The configuration of a trial, from the swept values that its row tells, held against its key.
fn configuration(spec: &SweepSpec, sweep: u64, trial: &Trial) -> Result<Configuration, Failure> {
    let mut configuration = spec.fixed.clone();
    let mut known = true;
    for axis in &spec.axes {
        let told = trial.cells.get(axis.hyperparameter.name());
        let value = told.and_then(|told| Value::read(axis.hyperparameter, told));
        known &= value.is_some_and(|value| configuration.set(axis.hyperparameter, value).is_ok());
    }
    let id = TrialId { sweep: SweepId(sweep), index: u32::try_from(trial.number).unwrap_or(u32::MAX) };
    let seed = replicate_seed(spec.seed, trial.replicate);
    let keys = trial.dataset.parse::<sweep_proto::Digest>().ok().map(|dataset| {
        let dataset = dataset.into();
        let trial =
            TrialSpec { id, configuration: configuration.clone(), replicate: trial.replicate, seed, dataset };
        // A report of an earlier program tells the earlier form.
        [trial.key(), trial.key_with_epochs()].map(|key| key.to_string())
    });
    if known && keys.as_ref().is_some_and(|keys| keys.contains(&trial.key)) {
        return Ok(configuration);
    }
    Err(Failure::failed(format!(
        "trial {sweep}/{} cannot be trained again: its settings have the key {} to this program, but {} in the report",
        trial.number,
        keys.as_ref().map_or("of no dataset", |[key, _]| key),
        plain(&trial.key)
    ))
    .hint("a program with other numerics or defaults made the report: verify it with the version that report.json names"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sweep_proto::{Digest, sweep_file};

    use super::*;

    const FILE: &str = "name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\nunits = [8, 16]\ndropout = [0, 0.25]\n\
        [train]\nreplicates = 3\n";

    /// Every trial of the file, as its report tells them.
    fn records(spec: &SweepSpec) -> Records {
        let mut trials = Vec::new();
        for position in 0..4 {
            let configuration = spec.configuration(position).expect("in the grid");
            for replicate in 0..spec.replicates {
                let number = trials.len() as u32;
                let trial = TrialSpec {
                    id: TrialId { sweep: SweepId(9), index: number },
                    configuration: configuration.clone(),
                    replicate,
                    seed: replicate_seed(spec.seed, replicate),
                    dataset: Digest::of(b"data").into(),
                };
                let cells =
                    configuration.iter().map(|(one, value)| (one.to_string(), value.to_string())).collect();
                trials.push(Trial {
                    number: number.into(),
                    key: trial.key().to_string(),
                    dataset: trial.dataset.to_string(),
                    replicate,
                    state: TrialState::Completed.name().into(),
                    cells,
                    ..Trial::default()
                });
            }
        }
        Records { trials, sweep_file: FILE.into() }
    }

    #[test]
    fn a_sweep_trains_the_chosen_replicates_of_a_configuration_and_those_before() {
        let spec = sweep_file::parse("x", FILE).expect("a sweep");
        let mut records = records(&spec);
        records.trials[3].state = "failed".into();
        let plans = plans(&spec, 9, &records, &[1, 0, 5]).expect("planned");
        let told: Vec<_> =
            plans.iter().map(|plan| (plan.name.as_str(), plan.replicates, &plan.trials)).collect();
        assert_eq!(told, [("verify-rerun-9-1", 2, &vec![0, 1]), ("verify-rerun-9-5", 3, &vec![4, 5])]);
        for (plan, of) in plans.iter().zip([0, 1]) {
            let written = sweep_file::parse("plan", &plan.toml).expect("a sweep file");
            assert_eq!((written.reuse, written.axes.len(), written.seed), (false, 0, spec.seed));
            assert_eq!(Some(written.fixed), spec.configuration(of));
        }
        let names: BTreeSet<_> = plans.iter().map(|plan| &plan.name).collect();
        assert_eq!(names.len(), plans.len());
    }

    #[test]
    fn a_key_of_other_numerics_is_refused_before_anything_is_trained() {
        let spec = sweep_file::parse("x", FILE).expect("a sweep");
        let mut records = records(&spec);
        records.trials[2].key = Digest::of(b"other").to_string();
        let failure = plans(&spec, 9, &records, &[2]).expect_err("refused");
        assert!(failure.message.contains("trial 9/2") && failure.hint.is_some(), "{failure}");
    }
}
