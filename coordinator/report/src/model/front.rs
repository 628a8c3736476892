//! The Pareto front of a sweep with several objectives: what a reader may trade for what.

use serde::Serialize;
use sweep_proto::FrontObjective;

use super::{Summary, Values};

/// The front, and what it was found among.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Front {
    /// The objectives, first the one that ranks and chooses.
    pub objectives: Vec<WeighedObjective>,
    /// Configurations that were compared: they completed the same replicates as the first of the ranking.
    pub compared: u64,
    /// Configurations with trials that did not, or lack epochs: they are not compared.
    pub left_out: u64,
    /// Replicates of each compared configuration.
    pub replicates: u32,
    /// By how much the first objective of any two configurations may differ by seed noise alone, with 95 %; `null` below three
    /// replicates.
    pub noise: Option<f64>,
    /// Of the members that are as good as the best within that noise, the one that is the best in the second objective.
    pub cheapest: Option<CheapestMember>,
    /// Device models that trained the trials, where seconds are an objective: on several, seconds are those of the devices, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// The compared configurations, in ranking order.
    pub configurations: Vec<WeighedConfiguration>,
}

/// One objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WeighedObjective {
    /// A metric of the validation split, `parameters` or `seconds`.
    pub name: FrontObjective,
    /// `minimize` or `maximize`.
    pub direction: &'static str,
}

impl WeighedObjective {
    /// One objective.
    pub fn of(name: FrontObjective) -> Self {
        Self { name, direction: name.direction() }
    }
}

/// A configuration that was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeighedConfiguration {
    /// Its place in the ranking, from 1.
    pub rank: u32,
    /// Its swept values, in words.
    pub label: String,
    /// Its swept values.
    pub values: Values,
    /// What it came to in each objective, in their order: the metric itself, and not a score.
    pub objectives: Vec<Summary>,
    /// Whether no other compared configuration is at least as good in every objective, and better in one.
    pub on_front: bool,
    /// The share of sweeps, drawn from the replicates with replacement, in which it is on the front; `null` below three
    /// replicates, and of very many configurations.
    pub bootstrap_share_on_front: Option<f64>,
}

/// Who is as good as the best for less.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheapestMember {
    /// Its swept values, in words.
    pub label: String,
    /// Whether it is the best configuration itself.
    pub is_best: bool,
    /// Its mean of the second objective.
    pub mean: f64,
    /// That of the best configuration.
    pub mean_of_best: f64,
}

impl Front {
    /// The configurations on the front, in ranking order.
    pub fn members(&self) -> impl Iterator<Item = &WeighedConfiguration> {
        self.configurations.iter().filter(|one| one.on_front)
    }
}
