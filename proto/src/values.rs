//! A value for every hyperparameter, each in the type of its kind: none can be missing or of another kind.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

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

/// Numbers are equal where their bits are.
impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

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

/// A word of a choice, by its place among those of the hyperparameter of that number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Word<const OF: usize>(u8);

impl<const OF: usize> Word<OF> {
    fn words() -> &'static [&'static str] {
        match Hyperparameter::ALL.get(OF).map(|one| one.row().kind) {
            Some(Kind::Choice(words)) => words,
            _ => &[],
        }
    }

    fn named(word: &str) -> Option<Self> {
        let place = Self::words().iter().position(|known| *known == word)?;
        u8::try_from(place).ok().map(Self)
    }
}

impl<const OF: usize> Stored for Word<OF> {
    type Told = &'static str;

    fn of(value: &Value, _: Kind) -> Option<Self> {
        match value {
            Value::Word(word) => Self::named(word),
            _ => None,
        }
    }

    fn told(self) -> &'static str {
        Self::words().get(usize::from(self.0)).copied().unwrap_or_default()
    }

    fn value(self) -> Value {
        Value::Word(self.told().to_owned())
    }
}

/// Words are in alphabetical order, wherever they stand in the table.
impl<const OF: usize> Ord for Word<OF> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.told().cmp(other.told())
    }
}

impl<const OF: usize> PartialOrd for Word<OF> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! stored {
    (Integer $variant:ident) => {
        u32
    };
    (Real $variant:ident) => {
        Real
    };
    (Flag $variant:ident) => {
        bool
    };
    (Choice $variant:ident) => {
        Word<{ Hyperparameter::$variant as usize }>
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
        Word::named($default).unwrap_or(Word(0))
    };
    ($kind:ident $default:expr) => {
        $default
    };
}

macro_rules! values {
    ($($variant:ident $name:ident { $section:ident, $kind:ident $range:tt = $default:expr, $doc:literal })*) => {
        /// The values, in table order.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct Values {
            $($name: stored!($kind $variant),)*
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
        assert!(size_of::<Values>() <= 72, "{} bytes", size_of::<Values>());
    }

    #[test]
    fn every_word_is_kept_as_itself_and_words_are_in_alphabetical_order() {
        let choice = |hyperparameter: &Hyperparameter| match hyperparameter.row().kind {
            Kind::Choice(words) => Some((*hyperparameter, words)),
            _ => None,
        };
        for (hyperparameter, words) in Hyperparameter::ALL.iter().filter_map(choice) {
            let with = |word: &str| {
                let mut values = Values::default();
                assert!(values.set(hyperparameter, &Value::Word(word.into())), "{hyperparameter} = {word}");
                values
            };
            let default = Value::from(hyperparameter.row().default);
            assert_eq!(Values::default().get(hyperparameter), default);
            for one in words {
                assert_eq!(with(one).get(hyperparameter), Value::Word((*one).into()));
                assert!(words.iter().all(|other| with(one).cmp(&with(other)) == one.cmp(other)));
            }
        }
    }
}
