//! Sweeps and workers as people see them, made from the engine: messages, pages and JSON over HTTP are made from these.

mod message;
mod sweep;
mod worker;

use coordinator_core::view::Ledger;
use coordinator_core::{Outlook, Progress};
use sweep_proto::{
    DataAccount, EpochMetric, FurtherObjectives, Objective, SweepId, SweepState, TestFigure, Timestamp,
    TrialId, WorkerCondition, WorkerId, WorkerProfile,
};

use crate::json::Searching;
use crate::trouble::HandBack;

/// A sweep.
#[derive(Clone, Debug)]
pub(crate) struct SweepView {
    pub(crate) id: SweepId,
    pub(crate) name: String,
    pub(crate) state: SweepState,
    pub(crate) ledger: Ledger,
    /// Of the leased trials, those whose worker is not connected.
    pub(crate) away: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// Trials under a lease, in order; none in a list.
    pub(crate) running: Vec<RunningTrial>,
    /// Configurations by their mean scores, best first; one in a list.
    pub(crate) best: Vec<MeanScore>,
    pub(crate) outlook: Outlook,
    /// Seconds in which trials ran.
    pub(crate) running_seconds: f64,
    /// The chosen configuration, in words.
    pub(crate) chosen: Option<String>,
    pub(crate) test: Option<ChoiceTest>,
    /// Workers that get work, and their slots.
    pub(crate) workers: u32,
    pub(crate) slots: u32,
    /// Epochs trained and planned.
    pub(crate) progress: Progress,
    /// What preparing the data found; not in a list.
    pub(crate) data: Option<PreparedData>,
    pub(crate) replicates: u32,
    pub(crate) lowest: Option<LowestTrial>,
    /// Rows of the training, validation and test split.
    pub(crate) rows: Option<[u64; 3]>,
    pub(crate) warnings: Vec<Warning>,
    /// Why the coordinator itself holds it.
    pub(crate) held: Option<String>,
    pub(crate) handed_back: Vec<HandBack>,
    pub(crate) earlier_choices: Vec<ChoiceBefore>,
    /// Which hyperparameter matters most; of an ended sweep, where somebody has judged it.
    pub(crate) matters_most: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) owner_label: Option<String>,
    pub(crate) priority: u32,
    /// What configurations are ranked by.
    pub(crate) objective: Objective,
    /// What they are weighed by beside that.
    pub(crate) further_objectives: FurtherObjectives,
    pub(crate) search: Option<Searching>,
}

/// A trial under a lease.
#[derive(Clone, Debug)]
pub(crate) struct RunningTrial {
    pub(crate) id: TrialId,
    pub(crate) attempt: u32,
    /// Swept values, in words.
    pub(crate) label: String,
    /// The worker's name.
    pub(crate) worker: String,
    /// Whether its worker is not connected.
    pub(crate) is_away: bool,
    /// Whether it is measured on the test split.
    pub(crate) evaluating: bool,
    pub(crate) epochs: u32,
    /// Its last epoch.
    pub(crate) last: Option<EpochMetric>,
}

/// A configuration with its means over completed replicates.
#[derive(Clone, Debug)]
pub(crate) struct MeanScore {
    pub(crate) label: String,
    pub(crate) completed: u64,
    /// Validation loss.
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
    /// The metric that is the objective.
    pub(crate) objective: f64,
}

/// The completed trial that is the best by the objective.
#[derive(Clone, Debug)]
pub(crate) struct LowestTrial {
    pub(crate) id: TrialId,
    pub(crate) label: String,
    /// Validation loss.
    pub(crate) loss: f64,
    /// The metric that is the objective.
    pub(crate) objective: f64,
}

/// The chosen configuration on the test split: means over its replicates, as far as they were measured.
#[derive(Clone, Debug)]
pub(crate) struct ChoiceTest {
    pub(crate) figures: [Option<f64>; TestFigure::COUNT],
    /// Summed over replicates; empty in a list.
    pub(crate) confusion: Vec<Vec<u64>>,
}

/// What preparing the data found.
#[derive(Clone, Debug)]
pub(crate) struct PreparedData {
    pub(crate) account: DataAccount,
    pub(crate) classes: Vec<String>,
    /// Distinct tokens.
    pub(crate) vocabulary: u32,
}

/// What a reader must know beside the answer.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    /// A word for programs.
    pub(crate) kind: &'static str,
    /// Sentences for people.
    pub(crate) text: String,
}

/// A choice that was measured on the test split before the last one.
#[derive(Clone, Debug)]
pub(crate) struct ChoiceBefore {
    pub(crate) label: String,
    pub(crate) at: Timestamp,
    /// Completed trials that it was chosen from.
    pub(crate) trials: u64,
    pub(crate) accuracy: f64,
}

/// A worker.
#[derive(Clone, Debug)]
pub(crate) struct WorkerView {
    pub(crate) id: WorkerId,
    pub(crate) profile: WorkerProfile,
    pub(crate) condition: WorkerCondition,
    /// How long ago it was heard.
    pub(crate) last_seen_ms: u64,
    /// What it runs.
    pub(crate) trials: Vec<TrialId>,
}
