//! Which column of a table holds what, by its header.

use sweep_proto::{EpochFigure, Hyperparameter, Objective};

use super::Problems;

/// What the loss is called in tables that are not of a report.
const LOSS: &str = "loss";

/// Columns of a report that say which trial a row is of, and more of it.
const OF_REPORTS: [&str; 4] = ["sweep", "trial", "state", "seed"];

/// How long an epoch took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Seconds(usize),
    Milliseconds(usize),
    Untold,
}

/// The places of the columns that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) hyperparameters: Vec<(usize, Hyperparameter)>,
    pub(super) replicate: usize,
    /// `None` in a table of trials without their epochs.
    pub(super) epoch: Option<usize>,
    pub(super) value: Option<usize>,
    pub(super) time: Time,
    pub(super) state: Option<usize>,
    pub(super) count: usize,
    /// Columns that nobody knows.
    pub(super) unknown: Vec<String>,
}

impl Columns {
    /// The columns of a table of epochs.
    ///
    /// # Errors
    /// Where one is missing or stands twice.
    pub fn of_epochs(header: &[String], objective: Objective) -> Result<Self, Problems> {
        let mut columns = Self::of_trials(header)?;
        let place = |name: &str| header.iter().position(|column| column == name);
        columns.epoch = place("epoch");
        let is_loss = objective == Objective::default();
        columns.value = place(objective.name()).or_else(|| place(LOSS).filter(|_| is_loss));
        columns.time = match (place(EpochFigure::Seconds.name()), place("ms")) {
            (Some(seconds), _) => Time::Seconds(seconds),
            (None, Some(ms)) => Time::Milliseconds(ms),
            (None, None) => Time::Untold,
        };
        let known = |column: &&String| {
            let name = column.as_str();
            Hyperparameter::ALL.iter().any(|one| one.name() == name)
                || EpochFigure::from_name(name).is_some()
                || OF_REPORTS.contains(&name)
                || ["replicate", "epoch", LOSS, "ms"].contains(&name)
        };
        columns.unknown = header.iter().filter(|column| !known(column)).cloned().collect();
        let mut problems = Problems::default();
        if columns.epoch.is_none() {
            problems.add(
                "line 1: there is no column `epoch`; give the table a row for each epoch of each trial, with its number from 1, as \
                 `epochs.csv` of a report has them"
                    .to_owned(),
            );
        }
        if columns.value.is_none() {
            let name = objective.name();
            let other = if is_loss { " or `loss`" } else { "" };
            problems.add(format!(
                "line 1: there is no column `{name}`{other}; name the one with the value of each epoch so"
            ));
        }
        if problems.are_none() { Ok(columns) } else { Err(problems) }
    }

    /// The columns of a table of trials.
    ///
    /// # Errors
    /// As [`Self::of_epochs`].
    pub fn of_trials(header: &[String]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        for (at, column) in header.iter().enumerate() {
            if header.iter().take(at).any(|earlier| earlier == column) {
                problems
                    .add(format!("line 1: the column `{}` stands twice; keep one of them", shown(column)));
            }
        }
        let place = |name: &str| header.iter().position(|column| column == name);
        let hyperparameter = |(at, column): (usize, &String)| {
            Hyperparameter::ALL.iter().find(|one| one.name() == column).map(|one| (at, *one))
        };
        let hyperparameters: Vec<(usize, Hyperparameter)> =
            header.iter().enumerate().filter_map(hyperparameter).collect();
        if hyperparameters.is_empty() {
            problems.add(
                "line 1: no column is a hyperparameter; name those that were varied as in sweep files \
                 (`sweep hyperparameters` lists them)"
                    .to_owned(),
            );
        }
        let replicate = place("replicate");
        if replicate.is_none() {
            problems.add(
                "line 1: there is no column `replicate`; number the trials of a configuration from 0, the same number having the \
                 same seed everywhere"
                    .to_owned(),
            );
        }
        match replicate.filter(|_| problems.are_none()) {
            Some(replicate) => Ok(Self {
                hyperparameters,
                replicate,
                epoch: None,
                value: None,
                time: Time::Untold,
                state: place("state"),
                count: header.len(),
                unknown: Vec::new(),
            }),
            None => Err(problems),
        }
    }
}

/// A name or a cell as messages show it: without its end, where it is long.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
