//! What happens in a steered search, and what is answered: the log of such a search consists of these events, in the order in which they
//! were decided.

use serde::{Deserialize, Serialize};
use sweep_proto::Configuration;
use sweep_proto::state::TrialState;

use crate::proposal::Proposal;

/// One thing that has happened. Trials are named by their numbers, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum SearchEvent {
    /// Further trials are wanted; none: what would be named is.
    Asked {
        /// How many.
        count: u32,
        /// Slots that work on the sweep, these included.
        workers: u32,
    },
    /// A trial was made, or goes on from where it was paused.
    Given {
        /// The trial.
        trial: u32,
    },
    /// A trial has measured an epoch.
    Shown {
        /// The trial.
        trial: u32,
        /// Which epoch, from 1.
        epoch: u32,
        /// Its score, lower being better.
        score: f64,
        /// Whether it was the trial's last one.
        is_last: bool,
    },
    /// A trial waits with what it has shown, and may go on.
    Paused {
        /// The trial.
        trial: u32,
    },
    /// A trial has ended.
    Ended {
        /// The trial.
        trial: u32,
        /// How.
        state: TrialState,
    },
    /// A trial trains on from an earlier epoch than its last one, or after it had ended.
    Rewound {
        /// The trial.
        trial: u32,
        /// How many of its epochs still count.
        epochs: u32,
    },
}

impl SearchEvent {
    /// The trial to which it has happened.
    pub fn trial(&self) -> Option<u32> {
        match self {
            Self::Asked { .. } => None,
            Self::Given { trial }
            | Self::Shown { trial, .. }
            | Self::Paused { trial }
            | Self::Ended { trial, .. }
            | Self::Rewound { trial, .. } => Some(*trial),
        }
    }
}

/// Which configuration a search names, and how sure it is of that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// The configuration; `None` where no trial has shown enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration>,
    /// How probable it is that no other one is better by more than the margin; `None` where too few trials have finished to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// By how much the named one's score may be above another without that counting, as a part of the other; `None` with the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Configurations that cannot be told from the named one, without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tied: Vec<Configuration>,
}

/// The answer to the question for further trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The number of the event that asked.
    pub asked: u64,
    /// Trials that are made, or go on where they are paused. Fewer than were asked for where there is nothing else to hand out before
    /// something is shown.
    pub proposals: Vec<Proposal>,
    /// Where the search has come to its end: what it names.
    pub end: Option<Named>,
    /// Whether it has come to its end because it is sure.
    pub is_sure: bool,
}

/// What a steered search answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steering {
    /// The answer to the question that waits for one.
    pub chosen: Option<Chosen>,
    /// Trials that should wait, each after the epoch by which that was judged.
    pub pauses: Vec<(u32, u32)>,
}
