//! Gathers the rows of a table into curves.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::state::{State, TrialState};
use sweep_proto::{Axis, Hyperparameter, Objective, Value};

use super::columns::Time;
use super::{Columns, Problems, ROWS_MAX, Recorded, cells};
use crate::replay::Epoch;

/// What an epoch takes where nothing tells.
const UNTOLD_MS: u64 = 1_000;

/// A trial, by its configuration and its replicate.
type Key = (Vec<Value>, u64);

#[derive(Debug, Default)]
struct Trial {
    epochs: BTreeMap<u64, Epoch>,
    state: Option<TrialState>,
}

/// Reads a table row by row.
#[derive(Debug)]
pub struct Reader {
    columns: Columns,
    objective: Objective,
    rows: u64,
    trials: BTreeMap<Key, Trial>,
    problems: Problems,
    /// Columns of a second table, of trials.
    of_trials: Option<Columns>,
}

impl Reader {
    /// A table with these columns, of which nothing was read.
    pub fn new(columns: Columns, objective: Objective) -> Self {
        let (trials, problems) = (BTreeMap::new(), Problems::default());
        Self { columns, objective, rows: 0, trials, problems, of_trials: None }
    }

    /// The next row, which stands in that line.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Problems> {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(Problems::of(format!(
                "it has more than {ROWS_MAX} rows; give a table of fewer trials or epochs"
            )));
        }
        if let Err(problem) = self.read(cells) {
            self.problems.add(format!("line {line}: {problem}"));
        }
        Ok(())
    }

    fn read(&mut self, cells: &[&str]) -> Result<(), String> {
        let columns = &self.columns;
        let (key, state) = trial_of(columns, cells)?;
        let epoch = cells::count("epoch", cell(cells, columns.epoch), 1)?;
        let value = cells::measured(self.objective.name(), cell(cells, columns.value))?;
        let ms = match columns.time {
            Time::Seconds(at) => cells::milliseconds(cell(cells, Some(at)), 1_000.0)?,
            Time::Milliseconds(at) => cells::milliseconds(cell(cells, Some(at)), 1.0)?,
            Time::Untold => UNTOLD_MS,
        };
        let loss = self.objective.score(value);
        let label = || format!("replicate {} of {}", key.1, label(columns, &key.0));
        let trial = self.trials.entry(key.clone()).or_default();
        if trial.state.is_some() && trial.state != state {
            return Err(format!("{} is in two states; give each trial one", label()));
        }
        trial.state = state;
        if trial.epochs.insert(epoch, Epoch { loss, ms }).is_some() {
            return Err(format!(
                "epoch {epoch} of {} stands twice; keep one of them, or name the column of the hyperparameter that tells the two apart",
                label()
            ));
        }
        Ok(())
    }

    /// From now on rows of trials are read that may have no epoch: [`Self::trial`].
    ///
    /// # Errors
    /// Where they have other hyperparameters.
    pub fn begin_trials(&mut self, columns: Columns) -> Result<(), Problems> {
        let names = |columns: &Columns| columns.hyperparameters.iter().map(|one| one.1).collect::<Vec<_>>();
        if names(&columns) != names(&self.columns) {
            return Err(Problems::of(
                "the tables of trials and of epochs have different hyperparameters; give two files of one report".to_owned(),
            ));
        }
        self.of_trials = Some(columns);
        Ok(())
    }

    /// A row of the table of trials. Only those that diverged before their first epoch tell anything more.
    pub fn trial(&mut self, line: u64, cells: &[&str]) {
        let Some(columns) = &self.of_trials else { return };
        match trial_of(columns, cells) {
            Ok((key, Some(TrialState::Diverged))) => {
                self.trials.entry(key).or_default().state = Some(TrialState::Diverged);
            }
            Ok((key, state)) if state != Some(TrialState::Completed) => {
                self.trials.entry(key).or_default().state = state;
            }
            Ok(_) => {}
            Err(problem) => self.problems.add(format!("line {line} of the trials: {problem}")),
        }
    }

    /// The table.
    ///
    /// # Errors
    /// All that is wrong with its rows.
    pub fn finish(mut self) -> Result<Recorded, Problems> {
        let mut notes = Vec::new();
        if !self.columns.unknown.is_empty() {
            notes.push(format!("Columns that were not read: {}.", self.columns.unknown.join(", ")));
        }
        if self.columns.time == Time::Untold {
            notes.push("The table has no times: each epoch counts as one second.".to_owned());
        }
        let mut left_out: BTreeMap<TrialState, usize> = BTreeMap::new();
        let mut diverged = 0;
        let mut whole: BTreeMap<Key, Vec<Epoch>> = BTreeMap::new();
        for (key, trial) in std::mem::take(&mut self.trials) {
            match trial.state {
                None | Some(TrialState::Completed) => {
                    let curve = self.curve(&key, trial.epochs);
                    diverged += usize::from(curve.last().is_some_and(|last| !last.loss.is_finite()));
                    whole.insert(key, curve);
                }
                Some(TrialState::Diverged) => {
                    let mut curve = self.curve(&key, trial.epochs);
                    if curve.last().is_none_or(|last| last.loss.is_finite()) {
                        let ms = curve.last().map_or(UNTOLD_MS, |last| last.ms);
                        curve.push(Epoch { loss: f64::NAN, ms });
                    }
                    diverged += 1;
                    whole.insert(key, curve);
                }
                Some(state) => *left_out.entry(state).or_default() += 1,
            }
        }
        if !self.problems.are_none() {
            return Err(self.problems);
        }
        if whole.is_empty() {
            return Err(Problems::of(
                "no trial has ended with a result; replay the table once some have".to_owned(),
            ));
        }
        notes.extend(told_of_states(&left_out, diverged));
        Ok(recorded(&self.columns, whole, notes))
    }

    /// The epochs of a trial in their order, up to the first that is no number.
    fn curve(&mut self, key: &Key, epochs: BTreeMap<u64, Epoch>) -> Vec<Epoch> {
        let missing = (1..).zip(epochs.keys()).find(|(number, epoch)| number != *epoch);
        if let Some((number, epoch)) = missing {
            let label = label(&self.columns, &key.0);
            self.problems.add(format!(
                "replicate {} of {label} has epoch {epoch} and lacks epoch {number}; give it every epoch from the first on, or leave \
                 the trial out",
                key.1
            ));
        }
        let mut curve: Vec<Epoch> = epochs.into_values().collect();
        if let Some(at) = curve.iter().position(|epoch| !epoch.loss.is_finite()) {
            curve.truncate(at + 1);
            curve[at].loss = f64::NAN;
        }
        curve
    }
}

/// Which trial a row is of, and its state where it is told.
fn trial_of(columns: &Columns, cells: &[&str]) -> Result<(Key, Option<TrialState>), String> {
    if cells.len() != columns.count {
        return Err(format!(
            "it has {} cells, the header {}; give each row as many",
            cells.len(),
            columns.count
        ));
    }
    let value = |(at, hyperparameter): &(usize, Hyperparameter)| {
        cells::value(*hyperparameter, cell(cells, Some(*at)))
    };
    let values = columns.hyperparameters.iter().map(value).collect::<Result<_, _>>()?;
    let replicate = cells::count("replicate", cell(cells, Some(columns.replicate)), 0)?;
    let state = cell(cells, columns.state).trim();
    let state = if state.is_empty() { None } else { Some(TrialState::from_name(state).ok_or(state)) };
    let state = state.transpose().map_err(|state| {
        format!(
            "state is `{}`; write one of {}",
            super::columns::shown(state),
            TrialState::ALL.map(TrialState::name).join(", ")
        )
    })?;
    Ok(((values, replicate), state))
}

fn cell<'c>(cells: &[&'c str], at: Option<usize>) -> &'c str {
    at.and_then(|at| cells.get(at)).copied().unwrap_or_default()
}

fn label(columns: &Columns, values: &[Value]) -> String {
    /// More say nothing to a person.
    const SHOWN_MAX: usize = 8;
    let named = columns.hyperparameters.iter().zip(values);
    let parts: Vec<String> =
        named.take(SHOWN_MAX).map(|((_, one), value)| format!("{}={value}", one.name())).collect();
    parts.join(" ")
}

/// What became of trials that have no whole curve.
fn told_of_states(left_out: &BTreeMap<TrialState, usize>, diverged: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        let counts: Vec<String> =
            left_out.iter().map(|(state, count)| format!("{count} {}", state.words())).collect();
        notes.push(format!(
            "Left out, because nobody knows how they would have ended: {} trials ({}). A search that asks for one is told that it \
             failed.",
            left_out.values().sum::<usize>(),
            counts.join(", ")
        ));
    }
    if left_out.contains_key(&TrialState::Pruned) {
        notes.push(
            "A pruner has ended trials of this sweep: those that are left are the better ones, so all searches look better than \
             they are. A sweep without a pruner makes a fair table."
                .to_owned(),
        );
    }
    if diverged > 0 {
        notes.push(format!("{diverged} trials diverged: they count as no better than guessing."));
    }
    notes
}

/// The axes are what varies.
fn recorded(columns: &Columns, whole: BTreeMap<Key, Vec<Epoch>>, notes: Vec<String>) -> Recorded {
    let mut levels: Vec<BTreeSet<&Value>> = vec![BTreeSet::new(); columns.hyperparameters.len()];
    for (values, _) in whole.keys() {
        levels.iter_mut().zip(values).for_each(|(levels, value)| {
            levels.insert(value);
        });
    }
    let varies: Vec<bool> = levels.iter().map(|levels| levels.len() > 1).collect();
    let mut axes = Vec::new();
    let mut fixed = BTreeMap::new();
    for (levels, (_, hyperparameter)) in levels.iter().zip(&columns.hyperparameters) {
        if levels.len() > 1 {
            axes.push(Axis::of_levels(*hyperparameter, levels.iter().copied().cloned().collect()));
        } else if let Some(value) = levels.first() {
            fixed.insert(*hyperparameter, (*value).clone());
        }
    }
    let numbers: BTreeSet<u64> = whole.keys().map(|(_, replicate)| *replicate).collect();
    let places: BTreeMap<u64, usize> = numbers.into_iter().zip(0..).collect();
    let curves = whole.into_iter().map(|((values, replicate), curve)| {
        let values = values.into_iter().zip(&varies).filter(|(_, varies)| **varies).map(|(value, _)| value);
        ((values.collect(), places.get(&replicate).copied().unwrap_or_default()), curve)
    });
    Recorded { axes, fixed, curves: curves.collect(), replicates: places.len(), notes }
}
