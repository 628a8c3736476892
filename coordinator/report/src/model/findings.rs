//! What the analysis concludes, as values: sections say them in a language, `report.json` and `comparison.json` in English.

use sweep_proto::{Hyperparameter, Objective};

/// The rule for the strongest hyperparameter of a sweep with this objective, which `analysis/strongest.rs` applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictRule(pub Objective);

/// Why the rule for the strongest hyperparameter gave its verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum VerdictReason {
    /// Nothing was swept.
    NothingSwept,
    /// This one alone was swept.
    OnlySwept(Hyperparameter),
    /// Not two hyperparameters have a result.
    TooFewTrials,
    /// One replicate, which does not tell seed noise.
    OneReplicate,
    /// Conditions or constraints left out combinations of levels.
    NoWholeGrid,
    /// A search tried some configurations of its space.
    Searched,
    /// Trials that were planned have no result.
    ResultsMissing {
        /// How many.
        missing: u64,
        /// Of how many.
        planned: u64,
        /// Whether several replicates were planned.
        by_seed: bool,
    },
    /// All trials have the same score by this objective.
    AllEqual(Objective),
    /// Both conditions of the rule were looked at.
    Judged {
        /// The one with the largest share.
        leading: Hyperparameter,
        /// Whether its effect is significant.
        is_there: bool,
        /// The probability of so large an effect without any, corrected.
        p_holm: f64,
        /// Degrees of freedom of its interaction with the seed.
        error_degrees_of_freedom: u64,
        /// The probability that it is the strongest.
        probability: f64,
        /// What would decide.
        needed: ReplicatesNeeded,
    },
}

/// Replicates with which the rule would about be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicatesNeeded {
    /// It is met.
    None,
    /// So many of each configuration.
    About(u32),
    /// They cannot be told, or are more than anybody runs.
    Unknown,
}

/// What followed from an attempt without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The test split was measured by a later attempt.
    MeasuredAgain,
    /// The test split is not measured for the trial.
    NotMeasured,
    /// A later attempt completed the trial.
    CompletedAgain,
    /// The trial diverged, in this epoch where it is known.
    Diverged(Option<u32>),
    /// No try is left.
    TriesSpent,
    /// The budget was spent before it began again.
    BudgetSpent,
    /// The sweep was cancelled.
    SweepCancelled,
    /// A pruner stopped the trial.
    StoppedEarly,
    /// The trial is still open.
    ToBeTriedAgain,
}

/// What a panel of curves shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PanelTitle {
    /// The levels of a hyperparameter.
    Levels(Hyperparameter),
    /// All trials, where nothing is swept.
    AllTrials,
    /// The best and the worst configuration.
    Extremes {
        /// The best.
        best: String,
        /// The worst.
        worst: String,
    },
    /// The first configurations of the ranking.
    First {
        /// How many.
        shown: u32,
        /// Of how many.
        ranked: u32,
    },
    /// The best configuration of each of two sweeps.
    BestOfEach,
}

/// What a curve is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupLabel {
    /// The trials at a level.
    Level(String),
    /// The trials of a configuration.
    Configuration(String),
    /// The best configuration.
    Best,
    /// The worst.
    Worst,
    /// The best configuration of a sweep.
    BestOf {
        /// The sweep's number.
        sweep: u64,
        /// The configuration.
        configuration: String,
    },
}

/// How a setting stands in a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// With one value.
    Held(String),
    /// Swept over these levels.
    Swept(String),
}

/// Which setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A field of the description of the data.
    Data(String),
    /// A hyperparameter, or another key of the sweep file.
    Key(String),
}
