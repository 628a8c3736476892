//! How a sweep is searched: who proposes configurations, who stops trials, and how much may be spent.

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

/// The most epochs of a budget: beyond what anybody trains.
pub const BUDGET_EPOCHS_MAX: u64 = 1_000_000_000_000;

/// What a search may spend; it ends when the first of them is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Trials: each replicate of a configuration is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u32>,
    /// Epochs of all trials together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
}

impl Budget {
    /// Whether nothing bounds the search.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
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
            budget: Budget { trials: Some(40), epochs: None },
            ..Search::of_grid()
        };
        let text = serde_json::to_string(&search).expect("a row");
        assert_eq!(text, r#"{"sampler":"random","pruner":"none","budget":{"trials":40}}"#);
        assert_eq!(serde_json::from_str::<Search>(&text).expect("a row"), search);
        let unknown = text.replace("random", "guess");
        assert!(serde_json::from_str::<Search>(&unknown).is_err());
    }

    #[test]
    fn names_and_documentation_are_different_everywhere() {
        let names: std::collections::BTreeSet<_> = SamplerName::NAMES.iter().collect();
        assert_eq!(names.len(), SamplerName::ALL.len());
        assert!(SamplerName::ALL.iter().all(|one| one.doc().ends_with('.')));
        assert!(PrunerName::ALL.iter().all(|one| one.doc().ends_with('.')));
    }
}
