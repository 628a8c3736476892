//! What a sweep optimises: a figure of the validation split, towards the values that the table of metrics calls better.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::front_objective::FrontObjective;
use crate::metric::figure::{Better, Taken, Unit};
use crate::metric::{EpochFigure, EpochMetric, TestFigure};

/// The figure by which a sweep's configurations are ranked and chosen. A trial counts with its value in the epoch whose weights are
/// kept, which is the epoch of the lowest validation loss whatever the objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Objective(EpochFigure);

impl Default for Objective {
    fn default() -> Self {
        Self(EpochFigure::ValidationLoss)
    }
}

/// Why a name is not an objective, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}; {help}")]
pub struct NoObjective {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Objective {
    /// Every objective, in the order of the table of metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        EpochFigure::ALL.into_iter().filter(|figure| figure.taken() == Taken::Validation).map(Self)
    }

    /// The figure.
    pub fn figure(self) -> EpochFigure {
        self.0
    }

    /// The name in sweep files, rows and messages.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The name without its split: `loss`, `accuracy`, `macro_f1`.
    fn bare_name(self) -> &'static str {
        self.name().trim_start_matches(VALIDATION)
    }

    /// What people call it: `loss`, `accuracy`, `macro F1`.
    pub fn words(self) -> &'static str {
        let on_test = TestFigure::from_name(self.bare_name());
        on_test.map_or(self.name(), TestFigure::words)
    }

    /// `minimize` or `maximize`.
    pub fn direction(self) -> &'static str {
        match self.0.row().better {
            Better::Lower => DIRECTIONS[0],
            Better::Higher => DIRECTIONS[1],
        }
    }

    /// `lowest` or `highest`: what the best value is.
    pub fn best_is(self) -> &'static str {
        match self.0.row().better {
            Better::Lower => "lowest",
            Better::Higher => "highest",
        }
    }

    /// Whether people read it in per cent.
    pub fn is_fraction(self) -> bool {
        self.0.row().unit == Unit::Fraction
    }

    /// The score of a value: a number that is lower where the value is better. Of a figure that is better the higher it is, how far it
    /// is from 1, the best one: of the accuracy, the share of errors.
    pub fn score(self, value: f64) -> f64 {
        match self.0.row().better {
            Better::Lower => value,
            Better::Higher => 1.0 - value,
        }
    }

    /// The value of a score: the inverse of [`Self::score`].
    pub fn value(self, score: f64) -> f64 {
        // It is its own inverse.
        self.score(score)
    }

    /// The score of an epoch.
    pub fn score_of(self, epoch: &EpochMetric) -> Option<f64> {
        self.0.of(epoch).map(|value| self.score(value))
    }

    /// The objective of that name.
    ///
    /// # Errors
    /// Why a choice by it would not be an honest one, or that there is no such figure.
    pub fn from_name(name: &str) -> Result<Self, NoObjective> {
        let told = |message: String| NoObjective { message, help: remedy(name) };
        match EpochFigure::from_name(name) {
            Some(figure) if figure.taken() == Taken::Validation => Ok(Self(figure)),
            Some(figure) if figure.taken() == Taken::Training => Err(told(format!(
                "{figure} is measured on the training examples, where a model that only memorises them is the best",
                figure = figure.name()
            ))),
            Some(figure) => Err(told(format!(
                "{figure} is a cost of training and says nothing about what the model has learned",
                figure = figure.name()
            ))),
            None if name == FrontObjective::Parameters.name() => Err(told(format!(
                "{name} is the size of the model and says nothing about what it has learned"
            ))),
            None if Self::all().any(|one| one.bare_name() == name) => {
                let is_of_training = EpochFigure::from_name(&format!("train_{name}")).is_some();
                let splits = if is_of_training { "every split" } else { "the validation and the test split" };
                Err(told(format!(
                    "{name} is measured on {splits}, and a sweep is ranked by the validation split"
                )))
            }
            None if of_test(name).is_some() => Err(told(format!(
                "{name} is measured on the test split, which is for measuring the chosen configuration: a configuration that is \
                 chosen by it has a test result that is too good"
            ))),
            None => Err(told(format!("\"{}\" is not a metric of the validation split", shown(name)))),
        }
    }
}

/// How directions are written.
pub const DIRECTIONS: [&str; 2] = ["minimize", "maximize"];

/// With what the names of figures of the validation split begin.
const VALIDATION: &str = "validation_";

/// The figure of the test split of that name, with or without what its column begins with.
fn of_test(name: &str) -> Option<TestFigure> {
    TestFigure::from_name(name.strip_prefix("test_").unwrap_or(name))
}

/// The objective that is measured on the validation split as the named figure is elsewhere.
pub(crate) fn twin(name: &str) -> Option<Objective> {
    let bare = name.strip_prefix("test_").or_else(|| name.strip_prefix("train_")).unwrap_or(name);
    Objective::all().find(|one| one.bare_name() == bare)
}

/// The objective to write for a name, or all.
fn remedy(name: &str) -> String {
    match twin(name) {
        Some(twin) => format!("write objective = \"{twin}\""),
        // What it costs may be weighed against what it has learned.
        None if FrontObjective::is_cost(name) => {
            format!("name a validation metric first: objective = [\"{}\", \"{name}\"]", Objective::default())
        }
        None => format!("choose by {}", Objective::all().map(Objective::name).collect::<Vec<_>>().join(", ")),
    }
}

/// A name as a message shows it, in a bounded length.
pub(crate) fn shown(name: &str) -> String {
    crate::text::inert_line(&name.chars().take(48).collect::<String>())
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_name(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> EpochMetric {
        EpochMetric {
            epoch: 1,
            train_loss: 0.5,
            train_accuracy: 0.75,
            validation_loss: 0.6,
            validation_accuracy: 0.7,
            validation_macro_f1: 0.65,
            seconds: 1.0,
            examples_per_second: 100.0,
            peak_memory_bytes: 1,
            energy_joules: None,
        }
    }

    #[test]
    fn every_epoch_has_a_score_and_a_better_value_has_a_lower_one() {
        assert_eq!(Objective::all().next(), Some(Objective::default()));
        assert_eq!(Objective::all().count(), 3);
        for objective in Objective::all() {
            // An epoch that lacks the figure would have no place in the ranking.
            assert!(objective.score_of(&epoch()).is_some(), "{objective}");
            let worse_first = if objective.direction() == "minimize" { [0.9, 0.1] } else { [0.1, 0.9] };
            assert!(objective.score(worse_first[0]) > objective.score(worse_first[1]), "{objective}");
            assert_eq!(Objective::from_name(objective.name()), Ok(objective));
            assert!(!objective.words().contains('_'), "{objective}");
        }
        assert_eq!(Objective::default().score_of(&epoch()), Some(0.6));
    }

    #[test]
    fn what_does_not_choose_honestly_is_refused_with_the_figure_that_does() {
        let refused = |name| Objective::from_name(name).map_err(|error| error.to_string());
        let of_test = "test_accuracy is measured on the test split, which is for measuring the chosen configuration: a configuration \
                       that is chosen by it has a test result that is too good; write objective = \"validation_accuracy\"";
        assert_eq!(refused("test_accuracy"), Err(of_test.to_owned()));
        assert!(refused("auc").is_err_and(|told| {
            told.ends_with("choose by validation_loss, validation_accuracy, validation_macro_f1")
        }));
        assert!(
            refused("train_loss").is_err_and(|told| told.ends_with("write objective = \"validation_loss\""))
        );
        assert!(refused("seconds").is_err_and(|told| told.starts_with("seconds is a cost of training")));
        for cost in ["seconds", "parameters"] {
            let help =
                format!("name a validation metric first: objective = [\"validation_loss\", \"{cost}\"]");
            assert!(refused(cost).is_err_and(|told| told.ends_with(&help)), "{cost}");
        }
        let bare = "accuracy is measured on every split, and a sweep is ranked by the validation split; write objective = \
                    \"validation_accuracy\"";
        assert_eq!(refused("accuracy"), Err(bare.to_owned()));
        assert!(refused("macro_f1").is_err_and(|told| {
            told.starts_with("macro_f1 is measured on the validation and the test split, and a sweep")
        }));
        assert!(refused("luck\u{1b}").is_err_and(|told| !told.contains('\u{1b}')));
        for figure in TestFigure::ALL {
            assert!(Objective::from_name(figure.column()).is_err(), "{}", figure.column());
        }
    }

    #[test]
    fn a_row_holds_its_name() {
        for objective in Objective::all() {
            let row = serde_json::to_string(&objective).expect("a row");
            assert_eq!(row, format!("\"{}\"", objective.name()));
            assert_eq!(serde_json::from_str::<Objective>(&row).expect("a row"), objective);
        }
        assert!(serde_json::from_str::<Objective>("\"test_loss\"").is_err());
    }
}
