//! How a sweep is searched: who proposes configurations, who stops trials, and how much may be spent.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A list of named ways to do something: the names of sweep files and rows, and their documentation.
macro_rules! named {
    ($(#[$about:meta])* $list:ident { $($variant:ident $name:literal $doc:literal)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $list {
            $(#[doc = $doc] $variant,)*
        }

        impl $list {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name in sweep files, rows and reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it does, in a sentence.
            pub fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }

            /// The one of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl fmt::Display for $list {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }

        impl Serialize for $list {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $list {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| de::Error::unknown_variant(&name, Self::NAMES))
            }
        }
    };
}

named! {
    /// Who proposes configurations.
    SamplerName {
        Grid "grid" "Every configuration of the grid, in its order."
        ShuffledGrid "shuffled_grid" "Every configuration of the grid, in an order that the sweep's seed shuffles."
        Random "random" "Configurations drawn at random, each level and each part of a range equally likely."
        Sobol "sobol" "Points of a scrambled Sobol sequence, which cover the space more evenly than random ones."
        Tpe "tpe" "Configurations that resemble the best ones so far more than the rest (TPE, tree-structured Parzen estimators)."
        Auto "auto" "A model of all scores chooses each trial by what it teaches, pauses trials that cannot win, and stops when it is sure."
    }
}

named! {
    /// Who ends trials before they have trained all their epochs.
    PrunerName {
        None "none" "Every trial trains until it has its epochs or patience ends it."
        Median "median" "A trial is pruned that is worse than the median of what the others had reached by that epoch."
        Asha "asha" "Trials wait after min_epochs epochs, eta times as many, and so on; the best one in eta goes on from its checkpoint."
    }
}

named! {
    /// A part of a budget that is spent while attempts hold their slots.
    MeteredPart {
        Hours "hours" "Hours for which attempts held their slots."
        Money "money" "The price of these hours."
    }
}

/// The most epochs of a budget: beyond what anybody trains.
pub const BUDGET_EPOCHS_MAX: u64 = 1_000_000_000_000;

/// The largest amount: hours of a budget, its money, or a price. Its milliseconds are counted by 64 bits.
pub const AMOUNT_MAX: f64 = 1e9;

/// The least amount that somebody may ask for: four milliseconds of an hour. Rows of earlier programs may hold less.
pub const AMOUNT_MIN: f64 = 1e-6;

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;

/// Hours, money or a price: above 0 and at most [`AMOUNT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Amount(f64);

impl Amount {
    /// The amount of a number; `None` where it is none.
    pub fn of(number: f64) -> Option<Self> {
        (number > 0.0 && number <= AMOUNT_MAX).then_some(Self(number))
    }

    /// The amount that a command or a request asks for.
    ///
    /// # Errors
    /// What a number must be that is too small, too large or none.
    pub fn asked(number: f64) -> Result<Self, String> {
        let asked = Self::of(number).filter(|amount| amount.0 >= AMOUNT_MIN);
        asked.ok_or_else(|| format!("it must be a number from {AMOUNT_MIN} to {AMOUNT_MAX}, not {number}"))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Amount {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        Self::of(number).ok_or_else(|| format!("{number} is not above 0 and at most {AMOUNT_MAX}"))
    }
}

impl From<Amount> for f64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

// It is never NaN.
impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a search may spend; it ends when the first of them is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Trials: each replicate of a configuration is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u32>,
    /// Epochs of all trials together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// Hours for which all attempts together hold their slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Amount>,
    /// What these hours may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Amount>,
    /// What one of these hours costs, in the currency of `money`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_per_hour: Option<Amount>,
}

impl Budget {
    /// Whether nothing bounds the search.
    pub fn is_unlimited(&self) -> bool {
        let Self { trials, epochs, hours, money, price_per_hour: _ } = self;
        trials.is_none() && epochs.is_none() && hours.is_none() && money.is_none()
    }

    /// What is wrong with money that buys next to no time at its price; `None` where nothing is.
    pub fn too_little_money(&self) -> Option<String> {
        let (money, price) = self.money.zip(self.price_per_hour)?;
        let is_little = money.get() / price.get() < AMOUNT_MIN;
        is_little
            .then(|| format!("{money} of money at {price} an hour is less than {AMOUNT_MIN} hours of a slot"))
    }

    /// Milliseconds for which attempts may hold their slots, and which part of the budget says so: the smaller of hours and money.
    /// Money without a price bounds nothing.
    pub fn metered_ms(&self) -> Option<(MeteredPart, u64)> {
        let ms = |hours: f64| (hours * HOUR_MS) as u64;
        let of_hours = self.hours.map(|hours| (MeteredPart::Hours, ms(hours.get())));
        let of_money = self.money.zip(self.price_per_hour);
        let of_money = of_money.map(|(money, price)| (MeteredPart::Money, ms(money.get() / price.get())));
        of_hours.into_iter().chain(of_money).min_by_key(|(_, ms)| *ms)
    }
}

/// Hours of milliseconds.
pub fn hours_of(ms: u64) -> f64 {
    ms as f64 / HOUR_MS
}

/// The search of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Who proposes configurations.
    pub sampler: SamplerName,
    /// Who ends trials early.
    pub pruner: PrunerName,
    /// How many trials there are for one that `asha` promotes; `None`: [`ETA`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<u32>,
    /// Epochs that every trial may train before a pruner looks at it; `None`: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_epochs: Option<u32>,
    /// What it may spend.
    #[serde(default)]
    pub budget: Budget,
}

/// How many trials there are for one that `asha` promotes, unless a sweep says otherwise.
pub const ETA: u32 = 3;

/// The least and the largest such number: of one trial, one promoted would be all.
pub const ETA_BOUNDS: [u64; 2] = [2, 100];

/// The most epochs before which a pruner may be told to wait.
pub const MIN_EPOCHS_MAX: u64 = 10_000;

impl Search {
    /// Whether every configuration of a grid is trained, and none is left out.
    pub fn is_of_grid(&self) -> bool {
        self.sampler == SamplerName::Grid && self.budget.is_unlimited()
    }

    /// Whether one model chooses, pauses and promotes all trials, and ends the search: there are no proposals of a sampler, and there
    /// is no pruner.
    pub fn is_steered(&self) -> bool {
        self.sampler == SamplerName::Auto
    }

    /// The whole grid, without a pruner: what a sweep without a search does.
    pub fn of_grid() -> Self {
        Self {
            sampler: SamplerName::Grid,
            pruner: PrunerName::None,
            eta: None,
            min_epochs: None,
            budget: Budget::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_survives_its_row() {
        let search = Search {
            sampler: SamplerName::Random,
            budget: Budget { trials: Some(40), ..Budget::default() },
            ..Search::of_grid()
        };
        let text = serde_json::to_string(&search).expect("a row");
        assert_eq!(text, r#"{"sampler":"random","pruner":"none","budget":{"trials":40}}"#);
        assert_eq!(serde_json::from_str::<Search>(&text).expect("a row"), search);
        let unknown = text.replace("random", "guess");
        assert!(serde_json::from_str::<Search>(&unknown).is_err());
    }

    #[test]
    fn the_smaller_of_hours_and_money_is_what_bounds() {
        let budget = |hours, money, price_per_hour| {
            let [hours, money, price_per_hour] = [hours, money, price_per_hour].map(Amount::of);
            Budget { hours, money, price_per_hour, ..Budget::default() }.metered_ms()
        };
        assert_eq!(budget(0.0, 0.0, 2.0), None);
        assert_eq!(budget(1.5, 0.0, 0.0), Some((MeteredPart::Hours, 5_400_000)));
        assert_eq!(budget(1.5, 2.0, 0.0), Some((MeteredPart::Hours, 5_400_000)), "without a price");
        assert_eq!(budget(1.5, 2.0, 2.0), Some((MeteredPart::Money, 3_600_000)));
        assert_eq!(budget(0.5, 2.0, 2.0), Some((MeteredPart::Hours, 1_800_000)));
        assert_eq!(budget(0.0, 1e9, 1e-300), Some((MeteredPart::Money, u64::MAX)), "beyond all counting");
    }

    #[test]
    fn an_amount_is_above_zero_and_finite_in_rows_too() {
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(Amount::of(number), None);
        }
        assert_eq!(serde_json::from_str::<Amount>("2.5").expect("an amount").get(), 2.5);
        assert!(serde_json::from_str::<Amount>("1e-300").is_ok(), "a row of an earlier program");
        for wrong in [1e-300, -1.0, 0.0, 1e10, f64::NAN] {
            let error = Amount::asked(wrong).expect_err("no such amount");
            assert!(error.starts_with("it must be a number from 0.000001 to 1000000000, not "), "{error}");
        }
        assert_eq!(Amount::asked(1e-6).map(Amount::get), Ok(1e-6));
        assert!(serde_json::from_str::<Amount>("0").is_err());
        let budget = Budget { hours: Amount::of(2.0), ..Budget::default() };
        let text = serde_json::to_string(&budget).expect("a row");
        assert_eq!(text, r#"{"hours":2.0}"#);
        assert_eq!(serde_json::from_str::<Budget>(&text).expect("a row"), budget);
        assert!(!budget.is_unlimited());
    }

    #[test]
    fn names_and_documentation_are_different_everywhere() {
        let names: std::collections::BTreeSet<_> = SamplerName::NAMES.iter().collect();
        assert_eq!(names.len(), SamplerName::ALL.len());
        assert!(SamplerName::ALL.iter().all(|one| one.doc().ends_with('.')));
        assert!(PrunerName::ALL.iter().all(|one| one.doc().ends_with('.')));
    }
}
