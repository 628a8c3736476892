//! The one list of hyperparameters: name, section, kind and range, default, documentation.
//!
//! Parsing, validation, command-line help, report columns and `docs/hyperparameters.md` all derive
//! from this table. Adding a hyperparameter is one row here and its use in the trainer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::configuration::Value;

/// The section of a sweep file in which a hyperparameter stands when it has one value.
/// Any of them may also stand, as a list, under `[grid]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// `[data]`: how text becomes tokens.
    Data,
    /// `[model]`: what is trained.
    Model,
    /// `[train]`: how it is trained.
    Train,
}

impl Section {
    /// Every section, in the order of the sweep file.
    pub const ALL: [Section; 3] = [Section::Data, Section::Model, Section::Train];

    /// The section's name as it stands in a sweep file.
    pub fn name(self) -> &'static str {
        match self {
            Section::Data => "data",
            Section::Model => "model",
            Section::Train => "train",
        }
    }
}

/// The type of a hyperparameter and the values it may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number in `min..=max`.
    Integer {
        /// Smallest allowed value.
        min: u64,
        /// Largest allowed value.
        max: u64,
    },
    /// A finite real number in `min..=max`, or `min<..=max` where `above_min`.
    Real {
        /// Lower bound.
        min: f64,
        /// Largest allowed value.
        max: f64,
        /// Whether the lower bound itself is excluded.
        above_min: bool,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Integer { min, max } => write!(formatter, "a whole number from {min} to {max}"),
            Kind::Real { min, max, above_min: true } => {
                write!(formatter, "a number above {min} and up to {max}")
            }
            Kind::Real { min, max, above_min: false } => {
                write!(formatter, "a number from {min} to {max}")
            }
            Kind::Flag => formatter.write_str("true or false"),
            Kind::Choice(words) => {
                formatter.write_str("one of ")?;
                for (position, word) in words.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(formatter, "{separator}\"{word}\"")?;
                }
                Ok(())
            }
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name in sweep files, reports and on the wire.
    pub name: &'static str,
    /// Where the single value stands in a sweep file.
    pub section: Section,
    /// Type and range.
    pub kind: Kind,
    /// The value when a sweep file says nothing.
    pub default: Default,
    /// What it does, in one or two sentences for `--help` and the reference.
    pub doc: &'static str,
}

/// A default value that can stand in a constant table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// A whole number.
    Integer(u64),
    /// A real number.
    Real(f64),
    /// A flag.
    Flag(bool),
    /// A word of a choice.
    Choice(&'static str),
}

impl From<Default> for Value {
    fn from(default: Default) -> Self {
        match default {
            Default::Integer(number) => Value::Integer(number),
            Default::Real(number) => Value::Real(number),
            Default::Flag(flag) => Value::Flag(flag),
            Default::Choice(word) => Value::Word(word.to_owned()),
        }
    }
}

/// The list itself: hands every row to the macro that is named.
macro_rules! hyperparameters {
    ($consume:ident) => {
        $consume! {
            Units units { Model, Integer { min: 1, max: 8_192 } = 64,
                "Width of the recurrent state of each layer and direction." }
            BatchSize batch_size { Train, Integer { min: 1, max: 65_536 } = 64,
                "Examples per optimiser step." }
            Embedding embedding { Model, Integer { min: 1, max: 8_192 } = 64,
                "Width of the vector that stands for a token." }
            Cell cell { Model, Choice ["simple_rnn", "lstm", "gru"] = "lstm",
                "The recurrent cell: simple_rnn is h = tanh(W x + U h + b); lstm and gru as in PyTorch." }
            Layers layers { Model, Integer { min: 1, max: 8 } = 1,
                "Recurrent layers, each reading the outputs of the one below." }
            Bidirectional bidirectional { Model, Flag {} = false,
                "Also read the text backwards and join both states." }
            Pooling pooling { Model, Choice ["last", "mean", "max"] = "last",
                "How the states of all time steps become one: the last valid one, their mean, their maximum." }
            Dropout dropout { Model, Real { min: 0.0, max: 0.95, above_min: false } = 0.0,
                "Share of values dropped between layers and before the output layer while training." }
            Epochs epochs { Train, Integer { min: 1, max: 10_000 } = 10,
                "Passes over the training split." }
            Optimizer optimizer { Train, Choice ["adam", "adamw", "rmsprop", "sgd"] = "adam",
                "The update rule, with PyTorch's definitions; sgd has no momentum." }
            LearningRate learning_rate { Train, Real { min: 0.0, max: 100.0, above_min: true } = 1e-3,
                "Step size of the optimiser." }
            WeightDecay weight_decay { Train, Real { min: 0.0, max: 10.0, above_min: false } = 0.0,
                "L2 term added to the gradient; for adamw the decoupled decay." }
            GradientClip gradient_clip { Train, Real { min: 0.0, max: 1e6, above_min: false } = 1.0,
                "Largest global norm of the gradient; larger gradients are scaled down to it. 0 turns clipping off." }
            Patience patience { Train, Integer { min: 0, max: 10_000 } = 0,
                "Stop a trial after this many epochs without a lower validation loss. 0 turns early stopping off." }
            Tokenizer tokenizer { Data, Choice ["auto", "word", "character", "subword"] = "auto",
                "How text is cut into tokens; auto takes word, unless more than a quarter of the words of the validation texts would be unknown: then subword." }
            Vocabulary vocabulary { Data, Integer { min: 16, max: 1_000_000 } = 10_000,
                "Largest number of distinct tokens, padding and unknown included; from the training split only." }
            MaxLength max_length { Data, Integer { min: 1, max: 4_096 } = 200,
                "Tokens kept of each text." }
            TruncationSide truncation_side { Data, Choice ["right", "left"] = "right",
                "The end at which a text longer than max_length is cut." }
        }
    };
}
pub(crate) use hyperparameters;

macro_rules! kind {
    (Choice $words:tt) => {
        Kind::Choice(&$words)
    };
    (Flag {}) => {
        Kind::Flag
    };
    ($kind:ident $range:tt) => {
        Kind::$kind $range
    };
}

macro_rules! table {
    ($($variant:ident $name:ident { $section:ident, $kind:ident $range:tt = $default:expr, $doc:literal })*) => {
        /// One named knob of a trial. Its order is the order of report columns.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Hyperparameter {
            $(#[doc = $doc] $variant,)*
        }

        impl Hyperparameter {
            /// Every hyperparameter, in table order.
            pub const ALL: &'static [Hyperparameter] = &[$(Hyperparameter::$variant,)*];

            /// This hyperparameter's row of the table.
            pub fn row(self) -> Row {
                match self {
                    $(Hyperparameter::$variant => Row {
                        name: stringify!($name),
                        section: Section::$section,
                        kind: kind!($kind $range),
                        default: Default::$kind($default),
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

hyperparameters!(table);

impl Hyperparameter {
    /// The name in sweep files, reports and on the wire.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The hyperparameter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|hyperparameter| hyperparameter.name() == name)
    }

    /// The hyperparameters that decide how a dataset is encoded: one encoded dataset for each
    /// distinct combination of their values.
    pub fn of_data() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|hyperparameter| hyperparameter.row().section == Section::Data)
    }
}

impl fmt::Display for Hyperparameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Hyperparameter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Hyperparameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("no hyperparameter is named \"{name}\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for hyperparameter in Hyperparameter::ALL {
            assert_eq!(Hyperparameter::from_name(hyperparameter.name()), Some(*hyperparameter));
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for hyperparameter in Hyperparameter::ALL {
            let default = Value::from(hyperparameter.row().default);
            assert_eq!(default.check(*hyperparameter), Ok(()));
        }
    }
}
