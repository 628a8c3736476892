//! A value for every hyperparameter, each in the type of its kind: none can be missing or of another kind.

use std::cmp::Ordering;

use crate::configuration::{Configuration, Value};
use crate::hyperparameter::{Hyperparameter, Kind, hyperparameters};

/// How a value of one kind is kept and told.
trait Stored: Copy {
    /// Its type for those who use it.
    type Told;

    /// A value of this kind and within its range; `None` for any other.
    fn of(value: &Value, kind: Kind) -> Option<Self>;

    fn told(self) -> Self::Told;

    fn value(self) -> Value;
}

impl Stored for u32 {
    type Told = u64;

    fn of(value: &Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Integer(number), Kind::Integer { min, max }) if (min..=max).contains(number) => {
                Self::try_from(*number).ok()
            }
            _ => None,
        }
    }

    fn told(self) -> u64 {
        u64::from(self)
    }

    fn value(self) -> Value {
        Value::Integer(u64::from(self))
    }
}

/// A finite number. Unlike `f64` it has a total order.
#[derive(Clone, Copy, Debug)]
struct Real(f64);

impl Stored for Real {
    type Told = f64;

    fn of(value: &Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Real(number), Kind::Real { min, max, above_min }) => {
                let is_high_enough = *number > min || (!above_min && *number >= min);
                (number.is_finite() && is_high_enough && *number <= max).then_some(Self(*number))
            }
            _ => None,
        }
    }

    fn told(self) -> f64 {
        self.0
    }

    fn value(self) -> Value {
        Value::Real(self.0)
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Real {}

impl Stored for bool {
    type Told = bool;

    fn of(value: &Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Flag(flag), Kind::Flag) => Some(*flag),
            _ => None,
        }
    }

    fn told(self) -> bool {
        self
    }

    fn value(self) -> Value {
        Value::Flag(self)
    }
}

/// A word of the table, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word(&'static &'static str);

impl Stored for Word {
    type Told = &'static str;

    fn of(value: &Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Word(word), Kind::Choice(words)) => words.iter().find(|known| *known == word).map(Self),
            _ => None,
        }
    }

    fn told(self) -> &'static str {
        self.0
    }

    fn value(self) -> Value {
        Value::Word((*self.0).to_owned())
    }
}

macro_rules! stored {
    (Integer) => {
        u32
    };
    (Real) => {
        Real
    };
    (Flag) => {
        bool
    };
    (Choice) => {
        Word
    };
}

macro_rules! told {
    (Integer) => { u64 };
    (Real) => { f64 };
    (Flag) => { bool };
    (Choice) => { &'static str };
}

macro_rules! default {
    (Real $default:expr) => {
        Real($default)
    };
    (Choice $default:expr) => {
        Word(&$default)
    };
    ($kind:ident $default:expr) => {
        $default
    };
}

macro_rules! values {
    ($($variant:ident $name:ident { $section:ident, $kind:ident $range:tt = $default:expr, $doc:literal })*) => {
        /// The values, in table order.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct Values {
            $($name: stored!($kind),)*
        }

        impl Default for Values {
            fn default() -> Self {
                Self { $($name: default!($kind $default),)* }
            }
        }

        impl Values {
            pub(crate) fn get(&self, hyperparameter: Hyperparameter) -> Value {
                match hyperparameter {
                    $(Hyperparameter::$variant => self.$name.value(),)*
                }
            }

            /// Whether the value is one of the hyperparameter: it is kept then.
            pub(crate) fn set(&mut self, hyperparameter: Hyperparameter, value: &Value) -> bool {
                let kind = hyperparameter.row().kind;
                match hyperparameter {
                    $(Hyperparameter::$variant => match Stored::of(value, kind) {
                        Some(value) => self.$name = value,
                        None => return false,
                    },)*
                }
                true
            }
        }

        impl Configuration {
            $(#[doc = $doc]
            pub fn $name(&self) -> told!($kind) {
                self.values().$name.told()
            })*
        }
    };
}

hyperparameters!(values);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_room_where_they_are_kept() {
        for hyperparameter in Hyperparameter::ALL {
            if let Kind::Integer { max, .. } = hyperparameter.row().kind {
                assert!(u32::try_from(max).is_ok(), "{hyperparameter} may be {max}");
            }
        }
    }

    #[test]
    fn values_take_little_memory() {
        assert!(size_of::<Values>() <= 112, "{} bytes", size_of::<Values>());
    }
}
