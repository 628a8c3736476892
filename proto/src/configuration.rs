//! Values of hyperparameters, and the configuration: one complete choice of all of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::hyperparameter::{Hyperparameter, Kind};
use crate::values::Values;

/// The value of one hyperparameter. Real values are finite by construction of a [`Configuration`].
#[derive(Clone, Debug)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number.
    Real(f64),
    /// A flag.
    Flag(bool),
    /// A word of a choice.
    Word(String),
}

/// Why a value is refused for a hyperparameter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{hyperparameter} must be {expected}, not {found}")]
pub struct ValueError {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// What would have been right, in words.
    pub expected: String,
    /// What was given, as written.
    pub found: String,
}

impl Value {
    /// Checks this value against the hyperparameter's kind and range.
    pub fn check(&self, hyperparameter: Hyperparameter) -> Result<(), ValueError> {
        if Values::default().set(hyperparameter, self) { Ok(()) } else { Err(self.refused(hyperparameter)) }
    }

    fn refused(&self, hyperparameter: Hyperparameter) -> ValueError {
        let expected = hyperparameter.row().kind.to_string();
        ValueError { hyperparameter, expected, found: self.quoted() }
    }

    /// This value in the type of the hyperparameter: a whole number written for a real one becomes real.
    #[must_use]
    pub fn coerced(self, hyperparameter: Hyperparameter) -> Self {
        match (hyperparameter.row().kind, self) {
            (Kind::Real { .. }, Value::Integer(number)) => Value::Real(number as f64),
            (_, value) => value,
        }
    }

    /// The value of a hyperparameter as it is displayed; `None` for any other text.
    pub fn read(hyperparameter: Hyperparameter, text: &str) -> Option<Self> {
        let value = match hyperparameter.row().kind {
            Kind::Integer { .. } => Self::Integer(text.parse().ok()?),
            Kind::Real { .. } => Self::Real(text.parse().ok()?),
            Kind::Flag => Self::Flag(text.parse().ok()?),
            Kind::Choice(_) => Self::Word(text.to_owned()),
        };
        (value.to_string() == text && value.check(hyperparameter).is_ok()).then_some(value)
    }

    /// The value as it stands in a sweep file.
    pub fn quoted(&self) -> String {
        match self {
            Value::Word(word) => format!("\"{word}\""),
            other => other.to_string(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Integer(_) => 0,
            Value::Real(_) => 1,
            Value::Flag(_) => 2,
            Value::Word(_) => 3,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
            (Value::Real(left), Value::Real(right)) => left.total_cmp(right),
            (Value::Flag(left), Value::Flag(right)) => left.cmp(right),
            (Value::Word(left), Value::Word(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(number) => write!(formatter, "{number}"),
            // `{:?}` keeps a real number distinct from a whole one and round-trips exactly.
            Value::Real(number) => write!(formatter, "{number:?}"),
            Value::Flag(flag) => write!(formatter, "{flag}"),
            Value::Word(word) => formatter.write_str(word),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Integer(number) => serializer.serialize_u64(*number),
            Value::Real(number) => serializer.serialize_f64(*number),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Word(word) => serializer.serialize_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl Visitor<'_> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, true, false or a word")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Flag(flag))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Integer(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
                Ok(u64::try_from(number).map_or(Value::Real(number as f64), Value::Integer))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Real(number))
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Value, E> {
                Ok(Value::Word(word.to_owned()))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

/// One point of the search space: a checked value for every hyperparameter, without the seed. Copies share their
/// values, so that the replicates of a configuration take the memory of one.
///
/// Beside [`get`](Self::get) each hyperparameter has a method of its name, in the type of its kind:
/// `configuration.epochs()` is a `u64`, `configuration.cell()` a word.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configuration(Arc<Values>);

impl Configuration {
    /// Sets one hyperparameter, after checking the value.
    pub fn set(&mut self, hyperparameter: Hyperparameter, value: Value) -> Result<(), ValueError> {
        let value = value.coerced(hyperparameter);
        let is_set = Arc::make_mut(&mut self.0).set(hyperparameter, &value);
        if is_set { Ok(()) } else { Err(value.refused(hyperparameter)) }
    }

    /// This configuration with one value replaced.
    pub fn with(mut self, hyperparameter: Hyperparameter, value: Value) -> Result<Self, ValueError> {
        self.set(hyperparameter, value)?;
        Ok(self)
    }

    /// The value of a hyperparameter.
    pub fn get(&self, hyperparameter: Hyperparameter) -> Value {
        self.0.get(hyperparameter)
    }

    /// All values in table order.
    pub fn iter(&self) -> impl Iterator<Item = (Hyperparameter, Value)> {
        Hyperparameter::ALL.iter().map(|one| (*one, self.get(*one)))
    }

    /// All values, each in the type of its kind.
    pub(crate) fn values(&self) -> &Values {
        &self.0
    }

    /// Only the hyperparameters that decide how a dataset is encoded.
    #[must_use]
    pub fn data_variant(&self) -> BTreeMap<Hyperparameter, Value> {
        Hyperparameter::of_data().map(|one| (one, self.get(one))).collect()
    }

    /// `name=value` of the given hyperparameters, joined by spaces: how people see a configuration.
    pub fn label(&self, of: &[Hyperparameter]) -> String {
        of.iter().map(|one| format!("{one}={}", self.get(*one))).collect::<Vec<_>>().join(" ")
    }
}

impl Serialize for Configuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<Hyperparameter, Value>::deserialize(deserializer)?;
        let mut configuration = Configuration::default();
        for (hyperparameter, value) in values {
            configuration.set(hyperparameter, value).map_err(de::Error::custom)?;
        }
        Ok(configuration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_json() {
        let configuration = Configuration::default()
            .with(Hyperparameter::LearningRate, Value::Integer(1))
            .and_then(|one| one.with(Hyperparameter::Cell, Value::Word("gru".into())))
            .expect("valid values");
        let json = serde_json::to_string(&configuration).expect("serialises");
        assert_eq!(serde_json::from_str::<Configuration>(&json).expect("parses"), configuration);
    }

    #[test]
    fn copies_share_their_values_until_one_changes() {
        let first = Configuration::default();
        let mut second = first.clone();
        assert!(Arc::ptr_eq(&first.0, &second.0));
        second.set(Hyperparameter::Units, Value::Integer(7)).expect("a valid value");
        assert_eq!((first.units(), second.units()), (64, 7), "the other one stays as it was");
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        let error =
            Configuration::default().with(Hyperparameter::Units, Value::Integer(0)).expect_err("zero");
        assert_eq!(error.to_string(), "units must be a whole number from 1 to 8192, not 0");
        let error = Configuration::default()
            .with(Hyperparameter::LearningRate, Value::Real(f64::NAN))
            .expect_err("NaN");
        assert_eq!(error.to_string(), "learning_rate must be a number above 0 and up to 100, not NaN");
    }
}
