//! A constraint: an inequality between sums and products of hyperparameters, such as `units * layers <= 512`.

mod bounds;
mod parse;

use std::fmt;
use std::ops;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;

/// Longest constraint, in characters: a few lines of a terminal.
pub const EXPRESSION_CHARS_MAX: usize = 200;
/// Most numbers, hyperparameters and parentheses of a constraint: it bounds how deeply one nests.
pub const TERMS_MAX: usize = 40;

/// An inequality that every configuration of a sweep fulfils.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    left: Expression,
    comparison: Comparison,
    right: Expression,
}

/// Why a constraint is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ConstraintError {
    /// The bytes of the text that are wrong.
    pub at: ops::Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// How the two sides of a constraint compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Comparison {
    /// Longer signs before those that they begin with.
    const ALL: [(&'static str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(sign, _)| sign)
    }

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            // Sums and products of whole numbers are exact; of others, whoever writes == means it.
            Self::Equal => left.total_cmp(&right).is_eq(),
        }
    }
}

/// A number, a hyperparameter, or two expressions with a sign between them.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Number(f64),
    Hyperparameter(Hyperparameter),
    Pair(Box<(Expression, Expression)>, Sign),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
    Times,
}

impl Sign {
    fn symbol(self) -> char {
        match self {
            Self::Plus => '+',
            Self::Minus => '-',
            Self::Times => '*',
        }
    }
}

impl Expression {
    fn value(&self, of: &dyn Fn(Hyperparameter) -> f64) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Hyperparameter(hyperparameter) => of(*hyperparameter),
            Self::Pair(sides, sign) => {
                let (left, right) = (sides.0.value(of), sides.1.value(of));
                match sign {
                    Sign::Plus => left + right,
                    Sign::Minus => left - right,
                    Sign::Times => left * right,
                }
            }
        }
    }

    fn collect(&self, into: &mut Vec<Hyperparameter>) {
        match self {
            Self::Number(_) => {}
            Self::Hyperparameter(one) if into.contains(one) => {}
            Self::Hyperparameter(one) => into.push(*one),
            Self::Pair(sides, _) => {
                sides.0.collect(into);
                sides.1.collect(into);
            }
        }
    }

    fn terms(&self) -> u64 {
        match self {
            Self::Number(_) | Self::Hyperparameter(_) => 1,
            Self::Pair(sides, _) => sides.0.terms() + sides.1.terms(),
        }
    }

    /// In parentheses where it is a sum, or on the right side of a minus.
    fn write_within(&self, formatter: &mut fmt::Formatter<'_>, is_right: bool, outer: Sign) -> fmt::Result {
        let needs = match self {
            Self::Pair(_, Sign::Times) => outer == Sign::Times && is_right,
            Self::Pair(..) => outer == Sign::Times || is_right,
            _ => false,
        };
        if needs { write!(formatter, "({self})") } else { write!(formatter, "{self}") }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Hyperparameter(hyperparameter) => write!(formatter, "{hyperparameter}"),
            Self::Pair(sides, sign) => {
                sides.0.write_within(formatter, false, *sign)?;
                write!(formatter, " {} ", sign.symbol())?;
                sides.1.write_within(formatter, true, *sign)
            }
        }
    }
}

impl Constraint {
    /// Whether a configuration fulfils it.
    pub fn holds(&self, configuration: &Configuration) -> bool {
        self.holds_for(&|one| number_of(&configuration.get(one)))
    }

    /// Whether it holds where hyperparameters have these numbers.
    pub fn holds_for(&self, number_of: &dyn Fn(Hyperparameter) -> f64) -> bool {
        self.comparison.holds(self.left.value(number_of), self.right.value(number_of))
    }

    /// How many numbers and hyperparameters it computes with.
    pub fn terms(&self) -> u64 {
        self.left.terms() + self.right.terms()
    }

    /// The hyperparameters that it names, each once.
    pub fn hyperparameters(&self) -> Vec<Hyperparameter> {
        let mut named = Vec::new();
        self.left.collect(&mut named);
        self.right.collect(&mut named);
        named
    }
}

/// A number as constraints compute with it; what is not a number was refused when the constraint was read.
pub(super) fn number_of(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Flag(_) | Value::Word(_) => f64::NAN,
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.left, self.comparison.sign(), self.right)
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        parse::constraint(text)
    }
}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(text: &str, units: u64, layers: u64) -> bool {
        let configuration = Configuration::default()
            .with(Hyperparameter::Units, Value::Integer(units))
            .and_then(|one| one.with(Hyperparameter::Layers, Value::Integer(layers)))
            .expect("valid values");
        text.parse::<Constraint>().expect("a constraint").holds(&configuration)
    }

    #[test]
    fn a_constraint_computes_as_school_does() {
        assert!(holds("units * layers <= 512", 256, 2));
        assert!(!holds("units*layers<512", 256, 2));
        assert!(holds("2 + 3 * layers == 8", 1, 2));
        assert!(holds("(2 + 3) * layers == 10", 1, 2));
        assert!(holds("units - layers - 1 == 5", 8, 2));
        assert!(holds("units - (layers - 1) == 7", 8, 2));
        assert!(holds("units >= 8", 8, 1) && !holds("units > 8", 8, 1));
        assert!(holds("1e2 > units", 99, 1) && holds("0.5 * units >= dropout", 1, 1));
    }

    #[test]
    fn what_is_not_a_constraint_is_told_with_its_place_and_a_remedy() {
        let refused = |text: &str, place: &str, says: &str| {
            let error = text.parse::<Constraint>().expect_err(says);
            assert_eq!(text.get(error.at.clone()), Some(place), "{error:?}");
            assert!(error.message.contains(says), "{error:?}");
            assert!(!error.help.is_empty());
        };
        refused("", "", "is empty");
        refused("units", "", "compares nothing");
        refused("units <", "", "ends where");
        refused("units < 5 < 6", "<", "compares twice");
        refused("unit < 5", "unit", "is not a hyperparameter");
        refused("cell < 5", "cell", "is not a number");
        refused("bidirectional == 1", "bidirectional", "is not a number");
        refused("1 < 2", "1 < 2", "names no hyperparameter");
        refused("units / 2 < 3", "/", "cannot stand here");
        refused("units < 3)", ")", "cannot stand here");
        refused("(units < 3", "<", "is not closed");
        refused("units 5 < 3", "5", "cannot stand here");
        refused("units < 1e999", "1e999", "is not a finite number");
        refused("units < 1.2.3", "1.2.3", "is not a finite number");
        refused("유닛 < 3", "유", "cannot stand here");
        refused("units = 3", "=", "cannot stand here");
        let long = format!("units < {}1", "1 + ".repeat(60));
        refused(&long, &long, "characters");
        let deep = format!("units < {}1{}", "(".repeat(90), ")".repeat(90));
        assert!(deep.parse::<Constraint>().expect_err("too deep").message.contains("more than 40"));
        let many = format!("units < {}1", "1+".repeat(50));
        assert!(many.parse::<Constraint>().expect_err("too many").message.contains("more than 40"));
    }

    #[test]
    fn a_misspelt_hyperparameter_is_told_with_the_one_that_was_meant() {
        for (text, meant) in
            [("units * layer <= 8", "layers"), ("Units < 8", "units"), ("lr < 1e-2", "learning_rate")]
        {
            let error = text.parse::<Constraint>().expect_err(text);
            assert_eq!(error.help, format!("did you mean \"{meant}\"?"), "{text}");
        }
        let error = "frobnicate < 8".parse::<Constraint>().expect_err("unknown");
        assert_eq!(error.help, "docs/hyperparameters.md lists them");
    }

    fn expression() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![
            (0_u32..1_000).prop_map(|one| Expression::Number(f64::from(one) / 8.0)),
            proptest::sample::select(vec![
                Hyperparameter::Units,
                Hyperparameter::Layers,
                Hyperparameter::Dropout
            ])
            .prop_map(Expression::Hyperparameter),
        ];
        leaf.prop_recursive(3, 12, 2, |inner| {
            let sign = proptest::sample::select(vec![Sign::Plus, Sign::Minus, Sign::Times]);
            (inner.clone(), inner, sign)
                .prop_map(|(left, right, sign)| Expression::Pair(Box::new((left, right)), sign))
        })
    }

    proptest! {
        #[test]
        fn a_constraint_reads_as_it_is_written(left in expression(), right in expression(), at in 0_usize..5) {
            let constraint = Constraint { left, comparison: Comparison::ALL[at].1, right };
            prop_assume!(!constraint.hyperparameters().is_empty());
            let text = constraint.to_string();
            prop_assume!(text.len() <= EXPRESSION_CHARS_MAX);
            prop_assert_eq!(text.parse::<Constraint>(), Ok(constraint), "{}", text);
        }

        #[test]
        fn no_text_is_too_much(text in "[a-z0-9+*<>=(). -]{0,40}|\\PC{0,60}") {
            if let Err(error) = text.parse::<Constraint>() {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} of {:?}", error, text);
            }
        }
    }
}
