//! The Pareto front of a sweep with several objectives: what a reader may trade for what.

use serde::Serialize;
use sweep_proto::FrontObjective;
use sweep_proto::left_out::is_default;

use super::{Interval, Summary, Values};

/// The front, and what it was found among.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Front {
    /// The objectives, first the one that ranks and chooses.
    pub objectives: Vec<WeighedObjective>,
    /// Configurations that were compared: they completed the same replicates as the first of the ranking.
    pub compared: u64,
    /// Configurations that are not compared: some of their trials of these replicates have no result, or no epochs.
    pub left_out: u64,
    /// Replicates of each compared configuration.
    pub replicates: u32,
    /// Drawn sweeps behind the shares; `null` where there are none.
    pub bootstrap_draws: Option<u32>,
    /// Whether the best configuration is among the compared ones.
    pub best_is_compared: bool,
    /// A member that is at least as good as the best configuration in every objective and better in one; `null` where the best is a
    /// member itself, or is not compared.
    pub best_is_beaten_by: Option<BeatingMember>,
    /// Of the members that are not shown to be worse than the best configuration in the first objective, and better in the second,
    /// the one that is the best in the second; `null` below three replicates, and where the best is not compared.
    pub cheapest: Option<CheapestMember>,
    /// Device models that trained the compared trials, where seconds are an objective: on several, seconds are those of the devices,
    /// too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Compared trials whose result an earlier sweep gave, where seconds are an objective: their seconds were measured there.
    #[serde(skip_serializing_if = "is_default")]
    pub reused: u64,
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
    /// The share of sweeps, drawn from the replicates with replacement, in which it is on the front; `null` below ten
    /// replicates, and of very many configurations.
    pub bootstrap_share_on_front: Option<f64>,
}

/// Who beats the best configuration: it ties in the first objective, by which alone the best is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BeatingMember {
    /// Its swept values, in words.
    pub label: String,
    /// The first objective in which it is better.
    pub objective: FrontObjective,
}

/// Who is better in the second objective, and not shown to be worse in the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheapestMember {
    /// Its swept values, in words.
    pub label: String,
    /// Whether it is the best configuration itself, because no other one is.
    pub is_best: bool,
    /// Its mean of the second objective.
    pub mean: f64,
    /// That of the best configuration.
    pub mean_of_best: f64,
    /// Its mean of the first objective.
    pub first_mean: f64,
    /// That of the best configuration.
    pub first_mean_of_best: f64,
    /// The 95 % interval of its difference from the best configuration in the first objective, over the replicates of these two;
    /// `null` where all replicates give the same difference.
    pub first_difference_interval: Option<Interval>,
}

impl Front {
    /// The configurations on the front, in ranking order.
    pub fn members(&self) -> impl Iterator<Item = &WeighedConfiguration> {
        self.configurations.iter().filter(|one| one.on_front)
    }
}
