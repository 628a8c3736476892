//! Extend: more levels, more axes or more replicates for a sweep that exists.

use sweep_proto::{Axis, Configuration, SweepId, SweepSpec, Timestamp, TrialId};

use super::{Outcome, grid, known_sweep};
use crate::command::{Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptState, DatasetRecord, SweepRecord, SweepState, TrialState};

pub(crate) fn extend(
    engine: &Engine,
    now: Timestamp,
    id: SweepId,
    axes: &[Axis],
    replicates: Option<u32>,
    datasets: &[DatasetRecord],
) -> Outcome {
    let sweep = known_sweep(engine, id)?;
    if sweep.state == SweepState::Cancelled {
        return Err(Rejection::WrongState { sweep: id, state: sweep.state, verb: "extended" });
    }
    let spec = extended_spec(&sweep.spec, axes, replicates)?;
    let datasets = merged_datasets(&sweep.datasets, datasets)?;
    grid::check_datasets(&spec, &datasets)?;

    let mut draft = Draft::new(engine, now);
    revoke_evaluation(&mut draft, id);
    let paused = sweep.state == SweepState::Paused;
    let first = engine.index.sweeps.get(&id).map_or(0, |index| index.counts.iter().sum::<u64>() as usize);
    let fresh =
        grid::points(&spec).filter(|(point, replicate)| !is_present(&sweep.spec, &spec, point, *replicate));
    for (offset, (configuration, replicate)) in fresh.enumerate() {
        let trial_id = grid::trial_id(id, first + offset);
        let mut trial = grid::new_trial(trial_id, configuration, replicate, spec.seed, &datasets)?;
        if paused {
            trial.state = TrialState::Paused;
        }
        draft.add_trial(trial, spec.reuse);
    }
    draft.set_sweep(SweepRecord {
        state: if paused { SweepState::Paused } else { SweepState::Open },
        spec,
        datasets,
        chosen: None,
        ended_at: None,
        ..sweep.clone()
    });
    Ok(draft.finish(Reply::Done))
}

/// The choice is open again, so what is being measured for the old one is called back.
fn revoke_evaluation(draft: &mut Draft<'_>, sweep: SweepId) {
    let engine = draft.engine;
    let leased = engine.index.sweeps.get(&sweep).into_iter().flat_map(|index| &index.leased);
    for index in leased {
        let trial = TrialId { sweep, index: *index };
        if draft.trial(trial).is_some_and(|trial| trial.state == TrialState::Completed) {
            draft.take_back(trial, AttemptState::Revoked);
        }
    }
}

fn extended_spec(spec: &SweepSpec, axes: &[Axis], replicates: Option<u32>) -> Result<SweepSpec, Rejection> {
    let mut extended = spec.clone();
    if let Some(replicates) = replicates {
        if replicates < spec.replicates {
            let problem = format!(
                "the sweep has {} replicates already; extending cannot lower them to {replicates}",
                spec.replicates
            );
            return Err(Rejection::Invalid(problem));
        }
        extended.replicates = replicates;
    }
    for axis in axes {
        let hyperparameter = axis.hyperparameter;
        let added = grid::checked_axis(axis)?.levels;
        if let Some(present) = extended.axes.iter_mut().find(|one| one.hyperparameter == hyperparameter) {
            present.levels.extend(added);
        } else {
            // What ran so far ran with the fixed value, so that is the new axis' first level.
            let mut levels = vec![spec.fixed.get(hyperparameter).clone()];
            levels.extend(added);
            extended.axes.push(Axis { hyperparameter, levels });
        }
    }
    let extended = grid::checked(extended)?;
    if extended.trial_count() == spec.trial_count() {
        return Err(Rejection::Invalid("nothing new: the sweep has all these trials already".into()));
    }
    Ok(extended)
}

fn merged_datasets(
    present: &[DatasetRecord],
    given: &[DatasetRecord],
) -> Result<Vec<DatasetRecord>, Rejection> {
    let mut merged = present.to_vec();
    for dataset in given {
        match merged.iter().find(|one| one.variant == dataset.variant) {
            None => merged.push(dataset.clone()),
            Some(known) if known.artifact.digest == dataset.artifact.digest => {}
            Some(known) => {
                let problem = format!(
                    "the dataset changed since the sweep was launched: it was {}, it is {}; launch a new sweep",
                    known.artifact.digest.short(),
                    dataset.artifact.digest.short()
                );
                return Err(Rejection::Invalid(problem));
            }
        }
    }
    Ok(merged)
}

/// Whether a point of the extended grid belongs to the old one, too.
fn is_present(old: &SweepSpec, new: &SweepSpec, point: &Configuration, replicate: u32) -> bool {
    let mut added = new.axes.iter().skip(old.axes.len()).map(|axis| axis.hyperparameter);
    replicate < old.replicates
        && old.position(point).is_some()
        && added.all(|one| old.fixed.get(one) == point.get(one))
}
