//! The objectives of a sweep with several: what the configurations of its Pareto front trade off.
//!
//! The first one is an [`Objective`]: it ranks and chooses, whatever stands behind it. Those behind it may also be costs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::metric::figure::Taken;
use crate::metric::{EpochFigure, TestFigure};
use crate::objective::{DIRECTIONS, NoObjective, Objective, shown, twin};

/// Most objectives of a sweep, the first included: of four, most configurations are on the front, and a reader learns nothing.
pub const OBJECTIVES_MAX: usize = 3;

/// One objective of a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrontObjective {
    /// A metric of the validation split, in the epoch whose weights are kept.
    Metric(Objective),
    /// Trained numbers of the model: the same in every replicate.
    Parameters,
    /// Seconds inside the epochs of a trial, training and validation. Pauses, waiting and work that was done again do not count.
    Seconds,
}

/// Names of the costs.
const COSTS: [(&str, FrontObjective); 2] =
    [("parameters", FrontObjective::Parameters), ("seconds", FrontObjective::Seconds)];

impl FrontObjective {
    /// Every objective that may stand behind the first: metrics, then costs.
    pub fn all() -> impl Iterator<Item = Self> {
        Objective::all().map(Self::Metric).chain(COSTS.map(|(_, cost)| cost))
    }

    /// The name in sweep files, rows and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.name(),
            Self::Parameters => COSTS[0].0,
            Self::Seconds => COSTS[1].0,
        }
    }

    /// What people call it: `accuracy`, `parameters`, `training seconds`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.words(),
            Self::Parameters => "parameters",
            Self::Seconds => "training seconds",
        }
    }

    /// `minimize` or `maximize`.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Metric(metric) => metric.direction(),
            Self::Parameters | Self::Seconds => DIRECTIONS[0],
        }
    }

    /// `lower` or `higher`: which of two values is the better one.
    pub fn better(self) -> &'static str {
        if self.direction() == DIRECTIONS[0] { "lower" } else { "higher" }
    }

    /// A number that is lower where the value is better.
    pub fn score(self, value: f64) -> f64 {
        match self {
            Self::Metric(metric) => metric.score(value),
            Self::Parameters | Self::Seconds => value,
        }
    }

    /// The objective of that name.
    ///
    /// # Errors
    /// Why it is not one, and what to write.
    pub fn from_name(name: &str) -> Result<Self, NoObjective> {
        if let Some((_, cost)) = COSTS.into_iter().find(|(known, _)| *known == name) {
            return Ok(cost);
        }
        Objective::from_name(name).map(Self::Metric).map_err(|refused| {
            let help = match twin(name) {
                Some(twin) => format!("write \"{twin}\""),
                None => {
                    format!("write one of {}", Self::all().map(Self::name).collect::<Vec<_>>().join(", "))
                }
            };
            let is_known = EpochFigure::from_name(name).is_some_and(|one| one.taken() != Taken::Run)
                || twin(name).is_some()
                || TestFigure::from_name(name.trim_start_matches("test_")).is_some();
            let message =
                if is_known { refused.message } else { format!("\"{}\" is not an objective", shown(name)) };
            NoObjective { message, help }
        })
    }

    /// Whether a cost has that name.
    pub fn is_cost(name: &str) -> bool {
        COSTS.iter().any(|(known, _)| *known == name)
    }
}

impl fmt::Display for FrontObjective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for FrontObjective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for FrontObjective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_name(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The objectives behind the first: few, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FurtherObjectives([Option<FrontObjective>; OBJECTIVES_MAX - 1]);

impl FurtherObjectives {
    /// In this order; `None` where they are too many, or one stands twice.
    pub fn of(objectives: impl IntoIterator<Item = FrontObjective>) -> Option<Self> {
        let mut further = Self::default();
        for objective in objectives {
            let place = further.0.iter().position(Option::is_none)?;
            if further.iter().any(|one| one == objective) {
                return None;
            }
            further.0[place] = Some(objective);
        }
        Some(further)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = FrontObjective> {
        self.0.into_iter().flatten()
    }

    /// Whether the first objective is the only one.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Serialize for FurtherObjectives {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for FurtherObjectives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<FrontObjective>::deserialize(deserializer)?;
        Self::of(names).ok_or_else(|| de::Error::custom("further objectives: too many, or one stands twice"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objective_has_a_name_and_a_lower_score_where_it_is_better() {
        assert_eq!(FrontObjective::all().count(), 5);
        for objective in FrontObjective::all() {
            assert_eq!(FrontObjective::from_name(objective.name()), Ok(objective));
            let [worse, better] = if objective.better() == "lower" { [0.9, 0.1] } else { [0.1, 0.9] };
            assert!(objective.score(worse) > objective.score(better), "{objective}");
            assert!(!objective.words().contains('_'), "{objective}");
            assert_eq!(
                FrontObjective::is_cost(objective.name()),
                Objective::from_name(objective.name()).is_err()
            );
        }
    }

    #[test]
    fn what_is_not_an_objective_is_refused_with_those_that_are() {
        let refused = |name| FrontObjective::from_name(name).map_err(|error| error.to_string());
        let choices =
            "write one of validation_loss, validation_accuracy, validation_macro_f1, parameters, seconds";
        assert_eq!(
            refused("energy_joules"),
            Err(format!("\"energy_joules\" is not an objective; {choices}"))
        );
        assert_eq!(refused("luck"), Err(format!("\"luck\" is not an objective; {choices}")));
        assert!(refused("test_accuracy").is_err_and(|told| told.ends_with("write \"validation_accuracy\"")));
    }

    #[test]
    fn a_row_holds_their_names_and_few_of_them() {
        let further =
            FurtherObjectives::of([FrontObjective::Seconds, FrontObjective::Parameters]).expect("two");
        let row = serde_json::to_string(&further).expect("a row");
        assert_eq!(row, r#"["seconds","parameters"]"#);
        assert_eq!(serde_json::from_str::<FurtherObjectives>(&row).expect("a row"), further);
        for broken in
            [r#"["seconds","seconds"]"#, r#"["seconds","parameters","validation_loss"]"#, r#"["luck"]"#]
        {
            assert!(serde_json::from_str::<FurtherObjectives>(broken).is_err(), "{broken}");
        }
        assert!(FurtherObjectives::of([]).is_some_and(FurtherObjectives::is_empty));
    }
}
