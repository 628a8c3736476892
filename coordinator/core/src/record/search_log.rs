//! What is durable of a steered search beside its trials: the events of its log, and how it ended.

use coordinator_search::{Named, SearchEvent};
use serde::{Deserialize, Serialize};
use sweep_proto::SweepId;

/// An event of the log of a steered search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchEventRecord {
    /// The sweep.
    pub sweep: SweepId,
    /// Its number in the log: from 1, without a gap.
    pub number: u64,
    /// What has happened.
    pub event: SearchEvent,
}

/// How far the questions of a steered search have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingRecord {
    /// The number of the event that asks for trials and waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<u64>,
    /// Trials that are wanted beside those that were asked for.
    #[serde(default, skip_serializing_if = "sweep_proto::left_out::is_default")]
    pub owed: u32,
    /// Whether nothing came of the last answer, and nothing has happened since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dry: bool,
}

/// Why a steered search has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConclusionReason {
    /// It is sure enough of what it names.
    Sure,
    /// Its budget is spent.
    Budget,
    /// Every trial of its space was tried.
    Exhausted,
}

impl ConclusionReason {
    /// Its name in rows and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Budget => "budget",
            Self::Exhausted => "exhausted",
        }
    }
}

/// What a steered search has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    /// Why it has come to its end.
    pub reason: ConclusionReason,
    /// What it names.
    #[serde(flatten)]
    pub named: Named,
}
