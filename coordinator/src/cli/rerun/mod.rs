//! Trains trials of a signed report again and compares, for `sweep verify --rerun`.

mod choice;
mod compare;
mod conduct;
mod plan;
mod records;
mod told;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use sweep_proto::{Hyperparameter, SweepSpec, TrialState, sweep_file};

use self::compare::{BEST_LOSS_DIFFERENCE_MAX, Compared};
use self::conduct::{Conductor, Trained};
use self::records::{Records, Trial};
use super::client::Client;
use super::exit::Failure;
use super::output;
pub(super) use plan::NAME_PREFIX;

pub(super) use self::told::told;

/// Most trials of one rerun: each may be a sweep of its own.
pub(super) const RERUNS_MAX: i64 = 256;

/// What came of training trials again.
#[derive(Debug, Serialize)]
pub(super) struct Rerun {
    /// From which the trials were drawn.
    seed: u64,
    /// How many were asked for.
    asked: u32,
    /// How many could be drawn: completed trials that differ in their keys or in how far they may train.
    candidates: usize,
    /// The sweeps that trained them.
    sweeps: Vec<u64>,
    /// Largest relative difference of the best validation loss between different devices or builds.
    best_loss_difference_max: f64,
    /// Whether every comparison holds.
    holds: bool,
    /// Each trial that was trained again, the drawn ones and those that their sweeps train before them.
    trials: Vec<Compared>,
}

impl Rerun {
    /// # Errors
    /// Where a comparison does not hold, with how many.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let bad: Vec<&str> =
            self.trials.iter().filter(|one| !one.verdict.holds()).map(|one| one.trial.as_str()).collect();
        if bad.is_empty() {
            return Ok(());
        }
        let (few, all) = (bad.len(), self.trials.len());
        Err(Failure::failed(format!(
            "{few} of {all} trials that were trained again do not give what the report says: {}",
            bad.join(", ")
        ))
        .hint("docs/report.md says what a difference can come from"))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'r> {
    /// The folder of a report whose files and records hold.
    pub(super) folder: &'r Path,
    /// The sweep of the report.
    pub(super) sweep: u64,
    /// How many trials.
    pub(super) count: u32,
    /// From which they are drawn; drawn itself where left out.
    pub(super) seed: Option<u64>,
}

/// Draws trials of the report, trains them again on the coordinator's workers, and compares.
///
/// # Errors
/// Where they cannot be trained; that they differ is no error but part of the answer.
pub(super) async fn rerun(request: Request<'_>, client: Client) -> Result<Rerun, Failure> {
    let Request { folder, sweep, count, seed } = request;
    let mut records = records::read(folder)?;
    let spec = sweep_file::parse("the report's sweep file", &records.sweep_file)
        .map_err(|problems| Failure::failed(problems.to_string()))?;
    let seed = seed.map_or_else(choice::draw_seed, Ok);
    let seed = seed.map_err(|error| Failure::failed(format!("the system has no randomness: {error}")))?;
    let (candidates, chosen) = draw(&spec, &records, count, seed)?;
    let plans = plan::plans(&spec, sweep, &records, &chosen)?;
    let parts: Vec<usize> = plans.iter().flat_map(|plan| plan.trials.iter().copied()).collect();
    let mut with_epochs: Vec<&mut Trial> = records
        .trials
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| parts.contains(at))
        .map(|(_, one)| one)
        .collect();
    records::read_epochs(folder, &mut with_epochs)?;
    let numbers: Vec<String> =
        chosen.iter().map(|at| format!("{sweep}/{}", records.trials[*at].number)).collect();
    output::note(&format!("drawn with --seed {seed}: {}", numbers.join(", ")));
    let trained = Conductor::new(client)?.train(&plans, &records).await?;
    let mut trials = Vec::with_capacity(parts.len());
    for (plan, trained) in plans.iter().zip(&trained) {
        trials.extend(compared(sweep, &records, (&plan.trials, &chosen), trained)?);
    }
    Ok(Rerun {
        seed,
        asked: count,
        candidates,
        sweeps: trained.iter().map(|one| one.sweep).collect(),
        best_loss_difference_max: BEST_LOSS_DIFFERENCE_MAX,
        holds: trials.iter().all(|one| one.verdict.holds()),
        trials,
    })
}

/// How many trials can be drawn, and the positions of those that are.
fn draw(spec: &SweepSpec, records: &Records, count: u32, seed: u64) -> Result<(usize, Vec<usize>), Failure> {
    let completed: Vec<(usize, &Trial)> = records
        .trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| trial.state == TrialState::Completed.name())
        .collect();
    let names: Vec<String> = completed.iter().map(|(_, trial)| name_in_draw(spec, trial)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let candidates = choice::choose(&names, usize::MAX, seed).len();
    if candidates == 0 {
        return Err(Failure::failed("no trial completed in the report, so none can be trained again"));
    }
    if count as usize > candidates {
        output::note(&format!(
            "the report has {candidates} completed trials, fewer than {count}: all are trained again"
        ));
    }
    let drawn = choice::choose(&names, count as usize, seed);
    Ok((candidates, drawn.into_iter().map(|at| completed[at].0).collect()))
}

/// What a trial is drawn by: its key, which does not tell how far it may train, and that where the sweep varies it.
fn name_in_draw(spec: &SweepSpec, trial: &Trial) -> String {
    let is_varied = spec.axes.iter().any(|axis| axis.hyperparameter == Hyperparameter::Epochs);
    let epochs = trial.cells.get(Hyperparameter::Epochs.name()).filter(|_| is_varied);
    epochs.map_or_else(|| trial.key.clone(), |epochs| format!("{} {epochs}", trial.key))
}

/// The trials of a plan beside what its sweep gave.
fn compared(
    sweep: u64,
    records: &Records,
    (parts, chosen): (&[usize], &[usize]),
    trained: &Trained,
) -> Result<Vec<Compared>, Failure> {
    // The trials of one configuration, whose keys may be told in another form than the report's.
    let now: BTreeMap<u32, &Trial> = trained.trials.iter().map(|trial| (trial.replicate, trial)).collect();
    let compare = |at: &usize| {
        let reported = &records.trials[*at];
        let missing = || Failure::failed(format!("sweep {} lost trial {}", trained.sweep, reported.number));
        let now = now.get(&reported.replicate).ok_or_else(missing)?;
        Ok(compare::compare((sweep, reported), (trained.sweep, now), chosen.contains(at)))
    };
    parts.iter().map(compare).collect()
}

#[cfg(test)]
mod tests {
    use sweep_proto::{Digest, SweepId, TrialId, TrialSpec};

    use super::*;

    /// The completed trials of a sweep file, as its report tells them.
    fn records(spec: &SweepSpec) -> Records {
        let trials = (0..spec.grid_size().expect("a grid")).map(|position| {
            let configuration = spec.configuration(position).expect("in the grid");
            let cells =
                configuration.iter().map(|(one, value)| (one.to_string(), value.to_string())).collect();
            let id = TrialId { sweep: SweepId(9), index: position as u32 };
            let dataset = Digest::of(b"data").into();
            let trial = TrialSpec { id, configuration, replicate: 0, seed: spec.seed, dataset };
            let state = TrialState::Completed.name().into();
            Trial { number: position, key: trial.key().to_string(), state, cells, ..Trial::default() }
        });
        Records { trials: trials.collect(), sweep_file: String::new() }
    }

    fn drawn(grid: &str) -> (usize, Vec<usize>) {
        let file = format!("name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\n{grid}\n");
        let spec = sweep_file::parse("x", &file).expect("a sweep");
        draw(&spec, &records(&spec), 9, 7).expect("drawn")
    }

    #[test]
    fn trials_that_differ_only_in_their_epochs_are_all_drawn() {
        assert_eq!(drawn("units = [8, 16]\nepochs = [1, 2, 3]"), (6, (0..6).collect()));
        assert_eq!(drawn("units = [8, 16]"), (2, vec![0, 1]));
    }
}
