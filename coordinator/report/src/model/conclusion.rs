//! What a reader may do with the answer, as values; `report.json` has the English sentences.

use sweep_proto::{FrontObjective, Hyperparameter};

use super::{BeatingMember, CheapestMember, Front, Interval, SearchEnd};

/// The answer in a few sentences.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The swept values of the chosen configuration, in words; empty where nothing was swept.
    pub label: String,
    /// What it is worth.
    pub worth: Worth,
    /// How its search came to its end, where that was steered.
    pub search_end: Option<SearchEnd>,
    /// What else may be worth using; `None` of one objective.
    pub front: Option<FrontNote>,
    /// What is to be done about the hyperparameters.
    pub next: NextStep,
}

/// What the Pareto front offers beside the chosen configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontNote {
    /// The objectives, first the one that chooses.
    pub objectives: Vec<FrontObjective>,
    /// Configurations on the front beside the chosen one.
    pub others: u64,
    /// Configurations that were compared.
    pub compared: u64,
    /// Configurations that were not.
    pub left_out: u64,
    /// Where the chosen one is.
    pub chosen: ChosenPlace,
    /// Who is not shown to be worse, for less; `None` where replicates are too few to say.
    pub cheapest: Option<CheapestMember>,
}

/// Where the chosen configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenPlace {
    /// On the front.
    OnFront,
    /// Behind a member of it.
    BeatenBy(BeatingMember),
    /// It was not compared.
    NotCompared,
}

impl FrontNote {
    /// Of a front, beside the configuration of that label; `None` where no two were compared.
    pub fn of(front: &Front, chosen: &str) -> Option<Self> {
        if front.compared <= 1 {
            return None;
        }
        let place = match &front.best_is_beaten_by {
            _ if !front.best_is_compared => ChosenPlace::NotCompared,
            Some(by) => ChosenPlace::BeatenBy(by.clone()),
            None => ChosenPlace::OnFront,
        };
        Some(Self {
            objectives: front.objectives.iter().map(|one| one.name).collect(),
            others: front.members().filter(|one| one.label != chosen).count() as u64,
            compared: front.compared,
            left_out: front.left_out,
            chosen: place,
            cheapest: front.cheapest.clone(),
        })
    }
}

/// What the chosen configuration is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Worth {
    /// Trials are open: it is the best so far, with this validation accuracy.
    SoFar {
        /// A fraction.
        accuracy: f64,
    },
    /// The sweep was cancelled: it is the best of the trials that had completed, with this validation accuracy.
    UpToCancel {
        /// A fraction.
        accuracy: f64,
    },
    /// It was measured on the test split.
    Tested {
        /// A fraction.
        accuracy: f64,
        /// Under other seeds and on other rows; `None` where seeds are too few to say.
        interval: Option<Interval>,
    },
    /// It is right on the test split more often than whoever reads nothing, but not by more than luck would give.
    NotShownBetter {
        /// A fraction.
        accuracy: f64,
        /// That of always saying the most frequent class.
        baseline: f64,
    },
    /// It does no better on the test split than whoever reads nothing.
    NoBetter {
        /// A fraction.
        accuracy: f64,
        /// That of always saying the most frequent class.
        baseline: f64,
    },
    /// It was not measured on the test split; this is its validation accuracy.
    NotTested {
        /// A fraction.
        accuracy: f64,
    },
}

/// What is to be done about the hyperparameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// This one matters most.
    Tune(Hyperparameter),
    /// One replicate tells nothing of them.
    SeveralSeeds,
    /// So many replicates of each configuration would tell which one matters most.
    Replicate(u32),
    /// A search does not tell which one matters most; a grid around the best configuration would.
    Grid,
    /// Which one matters most is open, and so is what would tell.
    Undecided,
    /// There are no two to compare.
    Nothing,
}
