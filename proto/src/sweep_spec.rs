//! What a user launches: one experiment, checked and complete.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;
use crate::reading::Reading;
use crate::search::Search;
use crate::space::{Axis, Constraint};

/// Most trials of one sweep: far above any real study, low enough to list in memory.
pub const TRIALS_MAX: u64 = 1_000_000;

/// Where the text comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// A dataset known by name: `snippets`, `imdb`, `nsmc`. With a path it is read from there (the
    /// official archive or folder), else it is embedded or downloaded from its official home.
    Known {
        /// The registered name.
        name: String,
        /// A local copy.
        path: Option<PathBuf>,
    },
    /// A user's file, files or folder, the format told by name and content.
    File {
        /// The file, the folder, or a pattern of files.
        path: PathBuf,
        /// A file, folder or pattern that is the validation split; else one is split off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validation_path: Option<PathBuf>,
        /// A file, folder or pattern that is the test split; else one is split off.
        test_path: Option<PathBuf>,
        /// The column of the text: its name, or its number from 1.
        text: String,
        /// The column of the label: its name, or its number from 1.
        label: String,
    },
}

/// The dataset of a sweep, and how it is split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// Where the text comes from.
    pub source: DataSource,
    /// Share of the training rows set aside for validation.
    pub validation_share: f64,
    /// Share of all rows set aside for the test, where the source has no test split of its own.
    pub test_share: f64,
    /// Keep at most this many training rows (before validation is split off), drawn with `seed`.
    pub train_rows: Option<u64>,
    /// Keep at most this many test rows, drawn with `seed`.
    pub test_rows: Option<u64>,
    /// Share of unusable rows above which the dataset is refused.
    pub bad_rows_share_max: f64,
    /// Seed of the splits and draws; it does not change between replicates.
    pub seed: u64,
    /// How the rows are read.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Box<Reading>,
}

impl DataSpec {
    /// Validation share when a sweep file says nothing.
    pub const VALIDATION_SHARE: f64 = 0.1;
    /// Test share when a sweep file says nothing.
    pub const TEST_SHARE: f64 = 0.1;
    /// Share of unusable rows tolerated when a sweep file says nothing.
    pub const BAD_ROWS_SHARE_MAX: f64 = 0.01;

    /// A source with every default.
    pub fn new(source: DataSource) -> Self {
        Self {
            source,
            validation_share: Self::VALIDATION_SHARE,
            test_share: Self::TEST_SHARE,
            train_rows: None,
            test_rows: None,
            bad_rows_share_max: Self::BAD_ROWS_SHARE_MAX,
            seed: 0,
            reading: Box::default(),
        }
    }
}

/// One experiment: a search space, a dataset, replicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSpec {
    /// The user's name for it.
    pub name: String,
    /// The dataset.
    pub data: DataSpec,
    /// The values of everything that is not swept.
    pub fixed: Configuration,
    /// What is swept. Empty: one configuration.
    pub axes: Vec<Axis>,
    /// What every configuration fulfils.
    #[serde(default, skip_serializing_if = "<[Constraint]>::is_empty")]
    pub constraints: Box<[Constraint]>,
    /// How the space is searched. `None`: its levels are a grid, and every point of it is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Box<Search>>,
    /// How often each configuration is trained, each time with another seed.
    pub replicates: u32,
    /// The seed from which the replicates' seeds are derived.
    pub seed: u64,
    /// Attempts of one trial that may fail before the trial is failed.
    pub failures_max: u32,
    /// Whether finished trials of earlier sweeps with the same key stand in for new ones.
    pub reuse: bool,
    /// Its trials are handed out before those of sweeps with a lower one; at most [`SweepSpec::PRIORITY_MAX`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl SweepSpec {
    /// Failed attempts per trial when a sweep file says nothing.
    pub const FAILURES_MAX: u32 = 3;
    /// The highest priority: more steps than anybody tells apart.
    pub const PRIORITY_MAX: u32 = 100;

    /// Number of configurations of the grid; `None` where an axis has a range, or where it exceeds 64 bits.
    pub fn grid_size(&self) -> Option<u64> {
        let levels = |axis: &Axis| axis.range().is_none().then_some(axis.levels().len() as u64);
        self.axes.iter().try_fold(1_u64, |size, axis| size.checked_mul(levels(axis)?))
    }

    /// Number of trials of the grid: configurations times replicates; `None` where there is no grid, or where it exceeds 64 bits.
    pub fn trial_count(&self) -> Option<u64> {
        self.grid_size()?.checked_mul(u64::from(self.replicates))
    }

    /// The configuration at a position of the grid: mixed radix, the last axis fastest.
    /// `None` past the end.
    pub fn configuration(&self, position: u64) -> Option<Configuration> {
        let mut rest = position;
        let mut configuration = self.fixed.clone();
        for axis in self.axes.iter().rev() {
            let levels = axis.levels().len() as u64;
            let level = axis.levels().get((rest % levels.max(1)) as usize)?;
            rest /= levels;
            configuration.set(axis.hyperparameter, level.clone()).ok()?;
        }
        (rest == 0).then_some(configuration)
    }

    /// The position of a configuration in the grid, the inverse of [`Self::configuration`].
    pub fn position(&self, configuration: &Configuration) -> Option<u64> {
        self.axes.iter().try_fold(0_u64, |position, axis| {
            let value = configuration.get(axis.hyperparameter);
            let level = axis.levels().iter().position(|level| *level == value)?;
            position.checked_mul(axis.levels().len() as u64)?.checked_add(level as u64)
        })
    }

    /// The sweep of one configuration alone, trained anew.
    #[must_use]
    pub fn of_configuration(&self, configuration: Configuration, replicates: u32) -> Self {
        Self {
            axes: Vec::new(),
            constraints: Box::default(),
            search: None,
            fixed: configuration,
            replicates,
            reuse: false,
            ..self.clone()
        }
    }

    /// The axes along which configurations differ: those of more than one value, in the order of the sweep file.
    pub fn swept_axes(&self) -> impl Iterator<Item = &Axis> {
        self.axes.iter().filter(|axis| axis.varies())
    }

    /// The swept hyperparameters, in the order of the sweep file.
    pub fn swept(&self) -> Vec<Hyperparameter> {
        self.swept_axes().map(|axis| axis.hyperparameter).collect()
    }

    /// The value that all configurations have; `None` where it is swept.
    pub fn held(&self, hyperparameter: Hyperparameter) -> Option<Value> {
        match self.axes.iter().find(|axis| axis.hyperparameter == hyperparameter) {
            None => Some(self.fixed.get(hyperparameter)),
            Some(axis) => axis.levels().first().filter(|_| axis.levels().len() == 1).cloned(),
        }
    }

    /// Every distinct way in which this sweep needs its dataset encoded.
    pub fn data_variants(&self) -> Vec<BTreeMap<Hyperparameter, Value>> {
        let mut variants = vec![self.fixed.data_variant()];
        for axis in &self.axes {
            if !variants[0].contains_key(&axis.hyperparameter) {
                continue;
            }
            variants = variants
                .iter()
                .flat_map(|variant| {
                    axis.levels().iter().map(|level| {
                        let mut variant = variant.clone();
                        variant.insert(axis.hyperparameter, level.clone());
                        variant
                    })
                })
                .collect();
        }
        variants
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(sizes: [usize; 3]) -> SweepSpec {
        let axis = |hyperparameter, size: usize| {
            Axis::of_levels(hyperparameter, (1..=size as u64).map(Value::Integer).collect())
        };
        SweepSpec {
            name: "grid".into(),
            data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
            fixed: Configuration::default(),
            axes: vec![
                axis(Hyperparameter::Units, sizes[0]),
                axis(Hyperparameter::BatchSize, sizes[1]),
                axis(Hyperparameter::MaxLength, sizes[2]),
            ],
            replicates: 2,
            seed: 0,
            failures_max: 3,
            reuse: true,
            priority: 0,
            constraints: Box::default(),
            search: None,
        }
    }

    proptest! {
        #[test]
        fn a_grid_position_and_its_configuration_name_each_other(
            sizes in [1_usize..6, 1_usize..6, 1_usize..6],
            position in 0_u64..300,
        ) {
            let spec = spec(sizes);
            let size = spec.grid_size().expect("small");
            match spec.configuration(position) {
                Some(configuration) => {
                    prop_assert!(position < size);
                    prop_assert_eq!(spec.position(&configuration), Some(position));
                }
                None => prop_assert!(position >= size),
            }
        }
    }

    #[test]
    fn data_variants_are_the_product_of_the_swept_data_hyperparameters() {
        let variants = spec([2, 2, 3]).data_variants();
        assert_eq!(variants.len(), 3);
        let lengths: Vec<_> = variants.iter().map(|one| one[&Hyperparameter::MaxLength].clone()).collect();
        assert_eq!(lengths, [Value::Integer(1), Value::Integer(2), Value::Integer(3)]);
    }
}
