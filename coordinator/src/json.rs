//! What `--json` prints: stable field names, apart from the wire messages.
//!
//! Losses and accuracies are means over completed replicates; accuracies are fractions in `0..=1`.
//! What does not exist is `null`. Fields are only ever added.

mod data;
mod ledger;
mod of_view;
mod search;
mod standing;
mod test;

use coordinator_core::spans::is_much_longer;
use serde::Serialize;
use sweep_proto::state::{State, Told};
use sweep_proto::{FrontObjective, OBJECTIVES_MAX, Objective, SweepState, WorkerCondition, wire};

pub use data::{Data, DataFile, DataRow, DataSplit};
pub use ledger::{AWAY, Count, Ledger};
pub use search::Searching;
pub use standing::{EarlierChoice, HandBack, Shown, told_objectives};
pub use test::Test;

/// A sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// Its number.
    pub id: u64,
    /// Its name, as in the sweep file.
    pub name: String,
    /// Its name in the list of states: `open`, `paused`, `evaluating`, `finished` or `cancelled`.
    pub state: Told<SweepState>,
    /// Trials by state.
    pub ledger: Ledger,
    /// When it was launched, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// When it ended.
    pub ended_at_ms: Option<u64>,
    /// Trials under a lease: they run now, but for those that are `is_away`.
    pub running: Vec<Running>,
    /// The best configurations so far, at most ten, best first.
    pub best: Vec<Best>,
    /// Estimated seconds until the end; `null` where `outlook` is not `ends`.
    pub eta_seconds: Option<f64>,
    /// Lower end of its interval, which holds the end in nine of ten forecasts.
    pub eta_low_seconds: Option<f64>,
    /// Upper end of its interval.
    pub eta_high_seconds: Option<f64>,
    /// What is to be expected.
    pub outlook: Outlook,
    /// Where `outlook` is `no_worker`: when one was last heard, in milliseconds since the Unix epoch.
    pub no_worker_since_ms: Option<u64>,
    /// Seconds in which trials ran: without those in which the sweep was paused, waited for workers, or its coordinator did not
    /// run. Pauses of up to ten seconds between trials count.
    pub running_seconds: f64,
    /// The chosen configuration, once chosen.
    pub chosen: Option<String>,
    /// The chosen configuration on the test split.
    pub test: Option<Test>,
    /// Workers that are connected.
    pub workers: u32,
    /// Their slots.
    pub slots: u32,
    /// Epochs trained.
    pub epochs_done: u64,
    /// Epochs that all trials have together; `null` where hours or money alone decide how many trials there are.
    pub epochs_planned: Option<u64>,
    /// What preparing the data found; not in lists.
    pub data: Option<Data>,
    /// Replicates planned of each configuration.
    pub replicates: u32,
    /// The metric by which configurations are ranked and chosen.
    pub objective: Objective,
    /// What they are weighed by beside that, on the Pareto front of the report: metrics, `parameters` or `seconds`.
    pub further_objectives: Vec<FrontObjective>,
    /// The completed trial that is the best by the objective. It is one seed of one configuration, where `best` has means.
    pub best_trial: Option<Lowest>,
    /// The same under the name that it had when the loss was the only objective.
    pub lowest: Option<Lowest>,
    /// Rows of each split of the dataset.
    pub rows: Option<Rows>,
    /// What a reader must know beside the answer.
    pub warnings: Vec<Warning>,
    /// Why the coordinator itself holds the sweep, while it does: it is `paused` then.
    pub held: Option<String>,
    /// Attempts of trials that are not over that were handed back in trouble or lost their lease; newest first, at most ten.
    pub handed_back: Vec<HandBack>,
    /// Choices that were measured on the test split before the sweep was extended or retried, oldest first.
    pub earlier_choices: Vec<EarlierChoice>,
    /// Which hyperparameter matters most, or `undecided`, and why; once the sweep has ended, not in lists.
    pub matters_most: Option<String>,
    /// Who launched it: a token, or `this machine`. They may change it, and administrators may.
    pub owner: Option<String>,
    /// What its token is called, for people; while the token is known.
    pub owner_label: Option<String>,
    /// Trials of sweeps with a higher one are handed out first.
    pub priority: u32,
    /// How its space is searched; `null` where every configuration is trained to its end.
    pub search: Option<Searching>,
}

/// What is to be expected of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// Nothing is to be done: it has ended, or is paused.
    Still,
    /// There is work, and no worker is connected that would do it.
    NoWorker,
    /// There is work, and no coordinator runs but the one that reads this.
    Stopped,
    /// It goes on; too little was measured to tell its end.
    #[default]
    Unmeasured,
    /// It goes on, and ends in `eta_seconds`.
    Ends,
}

impl Outlook {
    /// From its name in messages; of coordinators that do not tell, from what they tell of workers and time.
    fn of(status: &wire::SweepStatus) -> Self {
        match status.outlook.as_str() {
            "still" => Self::Still,
            "no_worker" => Self::NoWorker,
            "ends" => Self::Ends,
            "unmeasured" => Self::Unmeasured,
            _ if !SweepState::from_name(&status.state).is_some_and(SweepState::is_running) => Self::Still,
            _ if status.workers == 0 => Self::NoWorker,
            _ if status.eta_seconds.is_some() => Self::Ends,
            _ => Self::Unmeasured,
        }
    }
}

/// A trial that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Running {
    /// Written `sweep/position`.
    pub trial: String,
    /// The try, from 1.
    pub attempt: u32,
    /// Swept values and replicate, in words.
    pub label: String,
    /// Who runs it.
    pub worker: String,
    /// Whether its worker is not connected.
    pub is_away: bool,
    /// Whether it is measured on the test split and not trained.
    pub evaluating: bool,
    /// Epochs finished.
    pub epoch: u32,
    /// Epochs it has.
    pub epochs: u32,
    /// Of the last finished epoch.
    pub train_loss: Option<f64>,
    /// Of the last finished epoch.
    pub validation_loss: Option<f64>,
    /// Of the last finished epoch.
    pub validation_accuracy: Option<f64>,
}

/// A configuration with its results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Swept values, in words.
    pub label: String,
    /// Completed replicates.
    pub completed: u64,
    /// Validation loss.
    pub validation_loss: Option<f64>,
    /// Validation accuracy.
    pub validation_accuracy: Option<f64>,
    /// The metric that is the sweep's objective.
    pub objective: Option<f64>,
}

/// A completed trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lowest {
    /// Written `sweep/position`.
    pub trial: String,
    /// Swept values and replicate, in words.
    pub label: String,
    /// Validation loss at its best epoch.
    pub validation_loss: Option<f64>,
    /// The metric that is the sweep's objective, at the same epoch.
    pub objective: Option<f64>,
}

/// Rows of each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Trained on.
    pub train: u64,
    /// Behind every validation loss and accuracy.
    pub validation: u64,
    /// Behind the test accuracy.
    pub test: u64,
}

/// What a reader must know beside the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A word for programs: `no_better_than_guessing`, `still_learning`, `in_training`, ...
    pub kind: String,
    /// Sentences for people.
    pub text: String,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: Told<WorkerCondition>,
    /// Its program's version.
    pub build: String,
    /// How many trials it runs at a time.
    pub slots: u32,
    /// Devices.
    pub devices: Vec<String>,
    /// How long ago it was heard, in milliseconds.
    pub last_seen_ms: u64,
    /// Trials that it runs, written `sweep/position`.
    pub trials: Vec<String>,
}

impl From<wire::SweepStatus> for Sweep {
    fn from(mut status: wire::SweepStatus) -> Self {
        let objective = Objective::from_name(&status.objective);
        if objective.is_err() {
            // Of a later coordinator, which knows a metric that this program cannot name: losses are told.
            status.best.iter_mut().for_each(|best| best.objective = None);
            status.lowest.iter_mut().for_each(|lowest| lowest.objective = None);
        }
        let lowest = status.lowest.take().map(Lowest::from);
        let outlook = Outlook::of(&status);
        let told = |seconds: Option<f64>| seconds.and_then(finite).filter(|_| outlook == Outlook::Ends);
        let search = status.search.map(Searching::from);
        let is_open_ended = search.as_ref().is_some_and(|search| search.is_open_ended);
        Self {
            id: status.id,
            name: status.name,
            state: Told::of(&status.state),
            ledger: status.ledger.map(Ledger::from).unwrap_or_default().with_search(search.as_ref()),
            created_at_ms: status.created_at_ms,
            ended_at_ms: (status.ended_at_ms > 0).then_some(status.ended_at_ms),
            running: status.running.into_iter().map(Running::from).collect(),
            best: status.best.into_iter().map(Best::from).collect(),
            eta_seconds: told(status.eta_seconds),
            eta_low_seconds: told(status.eta_low_seconds),
            eta_high_seconds: told(status.eta_high_seconds),
            outlook,
            no_worker_since_ms: status.no_worker_since_ms,
            running_seconds: finite(status.running_seconds).unwrap_or(0.0),
            chosen: status.chosen,
            test: status.test.map(|test| Test::of_message(&test, status.rows.map_or(0, |rows| rows.test))),
            workers: status.workers,
            slots: status.slots,
            epochs_done: status.epochs_done,
            epochs_planned: (!is_open_ended).then_some(status.epochs_planned),
            data: status.data.map(Data::from),
            replicates: status.replicates,
            objective: objective.unwrap_or_default(),
            // Those that only a later coordinator knows are left out.
            further_objectives: status
                .further_objectives
                .iter()
                .filter_map(|name| FrontObjective::from_name(name).ok())
                .take(OBJECTIVES_MAX)
                .collect(),
            best_trial: lowest.clone(),
            lowest,
            rows: status.rows.map(Rows::from),
            warnings: status.warnings.into_iter().map(Warning::from).collect(),
            held: status.held,
            handed_back: status.handed_back.into_iter().map(HandBack::from).collect(),
            matters_most: status.matters_most,
            owner: (!status.owner.is_empty()).then_some(status.owner),
            owner_label: (!status.owner_label.is_empty()).then_some(status.owner_label),
            priority: status.priority,
            search,
            earlier_choices: status.earlier_choices.into_iter().map(EarlierChoice::from).collect(),
        }
    }
}

impl Sweep {
    /// Who launched it, with the label of their token where one is known: `submitter token 8c66b746d11fd4f1 (alice)`.
    pub fn owned_by(&self) -> Option<String> {
        let owner = self.owner.as_ref()?;
        Some(self.owner_label.as_ref().map_or_else(|| owner.clone(), |label| format!("{owner} ({label})")))
    }

    /// How many replicates stand behind a mean: `2 of 3 replicates`.
    pub fn replicates_of(&self, best: &Best) -> String {
        match (best.completed, u64::from(self.replicates)) {
            (1, 1) => "1 replicate".to_owned(),
            // Coordinators of earlier versions do not tell how many are planned.
            (completed, planned) if completed >= planned => format!("{completed} replicates"),
            (completed, planned) => format!("{completed} of {planned} replicates"),
        }
    }

    /// The lowest single trial, where it is to be told beside the best configuration: it has another value.
    pub fn lowest_beside_best(&self) -> Option<&Lowest> {
        let shown = |objective: Option<f64>| objective.map(|one| format!("{one:.4}"));
        let best = self.best.first().and_then(|best| shown(best.objective));
        self.lowest.as_ref().filter(|lowest| shown(lowest.objective) != best)
    }

    /// Seconds from launch to end, where that is much longer than trials ran: then both are to be told.
    pub fn longer_calendar_seconds(&self) -> Option<f64> {
        let calendar = self.ended_at_ms?.saturating_sub(self.created_at_ms) as f64 / 1e3;
        Some(calendar).filter(|calendar| is_much_longer(*calendar, self.running_seconds))
    }

    /// Whether nothing more will happen to it.
    pub fn has_ended(&self) -> bool {
        self.state.known().is_some_and(SweepState::is_ended)
    }

    /// Whether it has ended, and was not cancelled: its choice is final.
    pub fn has_finished(&self) -> bool {
        self.state == SweepState::Finished
    }
}

impl From<wire::RunningTrial> for Running {
    fn from(trial: wire::RunningTrial) -> Self {
        let last = trial.last;
        Self {
            trial: trial.id.map(|id| format!("{}/{}", id.sweep, id.index)).unwrap_or_default(),
            attempt: trial.attempt,
            label: trial.label,
            worker: trial.worker,
            is_away: trial.is_away,
            evaluating: trial.evaluating,
            epoch: last.as_ref().map_or(0, |metric| metric.epoch),
            epochs: trial.epochs_total,
            train_loss: last.as_ref().and_then(|metric| finite(metric.train_loss)),
            validation_loss: last.as_ref().and_then(|metric| finite(metric.validation_loss)),
            validation_accuracy: last.as_ref().and_then(|metric| finite(metric.validation_accuracy)),
        }
    }
}

impl From<wire::ConfigurationStatus> for Best {
    fn from(status: wire::ConfigurationStatus) -> Self {
        Self {
            label: status.label,
            completed: status.completed,
            validation_loss: finite(status.score),
            validation_accuracy: finite(status.accuracy),
            objective: finite(status.objective.unwrap_or(status.score)),
        }
    }
}

impl From<wire::LowestTrial> for Lowest {
    fn from(lowest: wire::LowestTrial) -> Self {
        Self {
            trial: lowest.id.map(|id| format!("{}/{}", id.sweep, id.index)).unwrap_or_default(),
            label: lowest.label,
            validation_loss: finite(lowest.score),
            objective: finite(lowest.objective.unwrap_or(lowest.score)),
        }
    }
}

impl From<wire::SplitRows> for Rows {
    fn from(rows: wire::SplitRows) -> Self {
        Self { train: rows.train, validation: rows.validation, test: rows.test }
    }
}

impl From<wire::Warning> for Warning {
    fn from(warning: wire::Warning) -> Self {
        Self { kind: warning.kind, text: warning.text }
    }
}

impl From<wire::WorkerStatus> for Worker {
    fn from(worker: wire::WorkerStatus) -> Self {
        let profile = worker.profile.unwrap_or_default();
        Self {
            id: worker.id,
            name: profile.name,
            state: Told::of(&worker.state),
            build: profile.build,
            slots: profile.slots,
            devices: profile.devices.iter().map(device).collect(),
            last_seen_ms: worker.last_seen_ms,
            trials: worker.trials,
        }
    }
}

fn device(device: &wire::Device) -> String {
    let kind = if device.kind() == wire::DeviceKind::Cuda { "cuda" } else { "cpu" };
    format!("{kind}:{} {}", device.ordinal, device.model)
}

/// A number as it is printed: there is none for what is not finite, and zero has no sign.
fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number + 0.0)
}

#[cfg(test)]
mod tests {
    use sweep_proto::TrialState;

    use super::*;

    fn sweep(completed: u64, replicates: u32, score: f64, lowest: f64) -> Sweep {
        Sweep::from(wire::SweepStatus {
            best: vec![wire::ConfigurationStatus { completed, score, ..Default::default() }],
            replicates,
            lowest: Some(wire::LowestTrial { score: lowest, ..Default::default() }),
            ..Default::default()
        })
    }

    #[test]
    fn the_best_so_far_says_how_many_replicates_stand_behind_it() {
        let told = |completed, replicates| {
            let sweep = sweep(completed, replicates, 0.479, 0.4546);
            sweep.replicates_of(&sweep.best[0])
        };
        assert_eq!(
            [told(1, 1), told(2, 3), told(3, 3), told(2, 0)],
            ["1 replicate", "2 of 3 replicates", "3 replicates", "2 replicates"]
        );
    }

    #[test]
    fn the_lowest_trial_stands_beside_the_best_configuration_where_it_differs() {
        assert_eq!(
            sweep(2, 3, 0.479, 0.4546).lowest_beside_best().and_then(|one| one.validation_loss),
            Some(0.4546)
        );
        assert!(sweep(1, 1, 0.4546, 0.4546).lowest_beside_best().is_none());
    }

    #[test]
    fn an_objective_that_only_a_later_coordinator_knows_is_not_told_as_a_loss() {
        let told = |objective: &str| {
            let best = wire::ConfigurationStatus { score: 0.5, objective: Some(0.9), ..Default::default() };
            let status =
                wire::SweepStatus { best: vec![best], objective: objective.to_owned(), ..Default::default() };
            let sweep = Sweep::from(status);
            (sweep.objective.name(), sweep.best[0].objective)
        };
        assert_eq!(told("validation_macro_f1"), ("validation_macro_f1", Some(0.9)));
        assert_eq!(told("validation_luck"), ("validation_loss", Some(0.5)));
        assert_eq!(told(""), ("validation_loss", Some(0.5)));
    }

    #[test]
    fn cancelled_trials_have_not_ended_but_been_stopped() {
        let ledger = Ledger::new(192).with(TrialState::Completed, 40).with(TrialState::Cancelled, 152);
        assert_eq!(ledger.ended(), 40);
    }

    #[test]
    fn what_is_not_a_number_becomes_null() {
        let best =
            Best::from(wire::ConfigurationStatus { score: f64::NAN, accuracy: 0.5, ..Default::default() });
        let json = serde_json::to_string(&best).expect("serialises");
        assert_eq!(
            json,
            r#"{"label":"","completed":0,"validation_loss":null,"validation_accuracy":0.5,"objective":null}"#
        );
        assert!(finite(-0.0).is_some_and(f64::is_sign_positive), "zero has a sign");
    }
}
