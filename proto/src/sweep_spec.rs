//! What a user launches: one experiment, checked and complete.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, Value};
use crate::front_objective::{FrontObjective, FurtherObjectives};
use crate::hyperparameter::Hyperparameter;
use crate::objective::Objective;
use crate::reading::Reading;
use crate::search::{MeteredPart, Search};
use crate::space::{self, Axis, Constraints, points};

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
    #[serde(default, skip_serializing_if = "crate::left_out::is_default")]
    pub constraints: Box<Constraints>,
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
    #[serde(default, skip_serializing_if = "crate::left_out::is_default")]
    pub priority: u32,
    /// By what its configurations are ranked and chosen.
    #[serde(default, skip_serializing_if = "crate::left_out::is_default")]
    pub objective: Objective,
    /// What its configurations are weighed by beside that, on a Pareto front. Nothing is chosen by them.
    #[serde(default, skip_serializing_if = "crate::left_out::is_default")]
    pub further_objectives: FurtherObjectives,
}

/// Which points of a grid are its configurations.
enum Allowed {
    All,
    These(Arc<points::Points>),
    /// Conditions and constraints restrict a search, whose sampler looks at its space, or a grid that is too large to look at.
    NotLookedAt,
}

impl SweepSpec {
    /// Failed attempts per trial when a sweep file says nothing.
    pub const FAILURES_MAX: u32 = 3;
    /// The highest priority: more steps than anybody tells apart.
    pub const PRIORITY_MAX: u32 = 100;

    /// Every objective, first the one that ranks and chooses.
    pub fn objectives(&self) -> impl Iterator<Item = FrontObjective> + use<> {
        std::iter::once(FrontObjective::Metric(self.objective)).chain(self.further_objectives.iter())
    }

    /// Whether all axes have levels, all their combinations are allowed, and all of them are trained.
    pub fn is_whole_grid(&self) -> bool {
        let has_levels = self.axes.iter().all(|axis| axis.range().is_none());
        has_levels && !self.is_restricted() && self.is_of_grid()
    }

    /// Whether conditions or constraints leave out combinations of values.
    pub fn is_restricted(&self) -> bool {
        !self.constraints.is_empty() || self.axes.iter().any(|axis| !axis.when.is_empty())
    }

    /// Number of configurations of the grid, those alone that its conditions and constraints allow; `None` where an axis has a range,
    /// where there are too many to count, and of a search with conditions or constraints.
    pub fn grid_size(&self) -> Option<u64> {
        match self.allowed() {
            Allowed::These(points) => Some(points.len()),
            Allowed::NotLookedAt => None,
            Allowed::All if self.axes.iter().any(|axis| axis.range().is_some()) => None,
            Allowed::All => space::places(&self.axes),
        }
    }

    /// Number of configurations of the space of a grid or a search; `None` where they are not counted. To count those of a restricted
    /// search takes up to half a second each time, since nothing of it is kept.
    pub fn space_size(&self) -> Option<u64> {
        if !self.is_restricted() || self.is_of_grid() {
            return self.grid_size();
        }
        let is_quick = space::is_quick_to_look_at(&self.axes, &self.constraints);
        let allowed = points::allowed(&self.axes, &self.constraints, &self.fixed).filter(|_| is_quick)?;
        Some(allowed.count() as u64)
    }

    fn is_of_grid(&self) -> bool {
        self.search.as_ref().is_none_or(|search| search.is_of_grid())
    }

    fn allowed(&self) -> Allowed {
        if !self.is_restricted() {
            return Allowed::All;
        }
        // A grid was refused at its launch where there is too much to look at.
        let points = self.is_of_grid().then(|| self.constraints.points(&self.axes, &self.fixed)).flatten();
        points.map_or(Allowed::NotLookedAt, Allowed::These)
    }

    /// [`Budget::metered_ms`](crate::search::Budget::metered_ms) of its search; `None` without one.
    pub fn metered_ms(&self) -> Option<(MeteredPart, u64)> {
        self.search.as_deref()?.budget.metered_ms()
    }

    /// Number of trials of the grid: configurations times replicates; `None` where there is no grid, or where it exceeds 64 bits.
    pub fn trial_count(&self) -> Option<u64> {
        self.grid_size()?.checked_mul(u64::from(self.replicates))
    }

    /// The configuration at a position of the grid: mixed radix, the last axis fastest.
    /// `None` past the end.
    pub fn configuration(&self, position: u64) -> Option<Configuration> {
        points::configuration(&self.axes, &self.fixed, self.point(position)?)
    }

    /// The levels at a position of the grid, by their positions in each axis.
    pub fn digits(&self, position: u64) -> Option<Vec<usize>> {
        points::digits(&self.axes, self.point(position)?)
    }

    fn point(&self, position: u64) -> Option<u64> {
        match self.allowed() {
            Allowed::All => Some(position),
            Allowed::These(points) => points.get(position),
            Allowed::NotLookedAt => None,
        }
    }

    /// The position of a configuration in the grid, the inverse of [`Self::configuration`]. Of a search with conditions or
    /// constraints it is the [`place`](Self::place).
    pub fn position(&self, configuration: &Configuration) -> Option<u64> {
        match self.allowed() {
            Allowed::These(points) => points.position(points::point(&self.axes, &self.fixed, configuration)?),
            Allowed::All | Allowed::NotLookedAt => self.place(configuration),
        }
    }

    /// The place of a configuration of the space among all combinations of levels, those included that are forbidden. It has the order
    /// of [`Self::position`], and nothing is looked at for it. `None` outside the levels, and where a restricted space has ranges or is
    /// too large to be counted.
    pub fn place(&self, configuration: &Configuration) -> Option<u64> {
        let has_range = || self.axes.iter().any(|axis| axis.range().is_some());
        let is_counted = || !has_range() && space::is_quick_to_look_at(&self.axes, &self.constraints);
        let has_order = !self.is_restricted() || is_counted();
        has_order.then(|| points::point(&self.axes, &self.fixed, configuration)).flatten()
    }

    /// Whether a configuration lies in the search space: each active axis contains its value, all else is fixed, and every
    /// constraint holds.
    pub fn allows(&self, configuration: &Configuration) -> bool {
        let is_allowed = |(hyperparameter, value): (Hyperparameter, Value)| {
            let axis = self.axes.iter().find(|axis| axis.hyperparameter == hyperparameter);
            match axis.filter(|axis| axis.is_active(configuration)) {
                Some(axis) => axis.contains(&value),
                None => self.fixed.get(hyperparameter) == value,
            }
        };
        configuration.iter().all(is_allowed)
            && self.constraints.iter().all(|constraint| constraint.holds(configuration))
    }

    /// Epochs of all trials of the grid together, as configured.
    pub fn grid_epochs(&self) -> Option<u64> {
        let count = self.trial_count()?;
        let Some(axis) = self.axes.iter().find(|axis| axis.hyperparameter == Hyperparameter::Epochs) else {
            return Some(count.saturating_mul(self.fixed.epochs()));
        };
        if let Allowed::These(points) = self.allowed() {
            return Some(points.epochs().saturating_mul(u64::from(self.replicates)));
        }
        let levels = axis.levels().iter().filter_map(|level| match level {
            Value::Integer(epochs) => Some(*epochs),
            _ => None,
        });
        // Each level stands in the same number of trials.
        Some((count / (axis.levels().len() as u64).max(1)).saturating_mul(levels.sum()))
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
            Some(axis) => axis.levels().first().filter(|_| !axis.varies()).cloned(),
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
    use crate::space::{Condition, Constraint};

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
            objective: Objective::default(),
            further_objectives: FurtherObjectives::default(),
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

    proptest! {
        /// A grid with conditions and constraints has each allowed configuration once, in the order of its positions.
        #[test]
        fn a_restricted_grid_enumerates_each_allowed_configuration_once(
            sizes in [1_usize..5, 1_usize..5, 1_usize..5], bound in 0_u64..30, values in proptest::collection::btree_set(1_u64..5, 0..4),
        ) {
            let mut spec = spec(sizes);
            // Batches vary with some units alone.
            let values: Vec<Value> = values.into_iter().map(Value::Integer).collect();
            spec.axes[1].when = vec![Condition { hyperparameter: Hyperparameter::Units, values }];
            let constraint: Constraint = format!("units * batch_size + max_length <= {bound}").parse().expect("a constraint");
            let batch = Value::Integer(3);
            spec.fixed.set(Hyperparameter::BatchSize, batch).expect("a batch");
            *spec.constraints = vec![constraint].into();
            let size = spec.grid_size().expect("a size");
            let all: Vec<_> = (0..size).map(|at| spec.configuration(at).expect("within")).collect();
            prop_assert_eq!(spec.configuration(size), None);
            for (at, configuration) in all.iter().enumerate() {
                prop_assert!(spec.allows(configuration));
                prop_assert_eq!(spec.position(configuration), Some(at as u64));
            }
            // What is allowed is there: each combination by itself, held against the definition.
            let mut expected = std::collections::BTreeSet::new();
            for (units, batch, length) in combinations(sizes) {
                let active = spec.axes[1].when[0].values.contains(&Value::Integer(units));
                let batch = if active { batch } else { 3 };
                if units * batch + length <= bound {
                    expected.insert((units, batch, length));
                }
            }
            let found: std::collections::BTreeSet<_> =
                all.iter().map(|one| (one.units(), one.batch_size(), one.max_length())).collect();
            prop_assert_eq!(found.len() as u64, size);
            prop_assert_eq!(found, expected);
            let again = serde_json::from_str::<SweepSpec>(&serde_json::to_string(&spec).expect("a row")).expect("a row");
            prop_assert_eq!(again, spec);
        }
    }

    fn combinations(sizes: [usize; 3]) -> Vec<(u64, u64, u64)> {
        let [units, batches, lengths] = sizes.map(|size| size as u64);
        (1..=units)
            .flat_map(|one| {
                (1..=batches).flat_map(move |two| (1..=lengths).map(move |three| (one, two, three)))
            })
            .collect()
    }

    #[test]
    fn a_grid_that_has_grown_is_counted_anew() {
        let mut spec = spec([2, 2, 2]);
        *spec.constraints = vec!["units + batch_size <= 3".parse().expect("a constraint")].into();
        assert_eq!(spec.grid_size(), Some(6));
        let copy = spec.clone();
        spec.axes[0].grow(&Axis::of_levels(Hyperparameter::Units, vec![Value::Integer(3)])).expect("grows");
        assert_eq!((spec.grid_size(), copy.grid_size()), (Some(6), Some(6)));
        spec.axes[2]
            .grow(&Axis::of_levels(Hyperparameter::MaxLength, vec![Value::Integer(3)]))
            .expect("grows");
        assert_eq!((spec.grid_size(), copy.grid_size()), (Some(9), Some(6)));
    }

    #[test]
    fn epochs_of_a_restricted_grid_are_those_of_its_configurations() {
        let mut spec = spec([2, 2, 2]);
        spec.axes.push(Axis::of_levels(Hyperparameter::Epochs, [3, 5].map(Value::Integer).into()));
        *spec.constraints = vec!["units * epochs <= 6".parse().expect("a constraint")].into();
        assert_eq!(spec.grid_epochs(), Some(2 * 4 * (3 + 5 + 3)), "of two units, five epochs are too many");
    }

    #[test]
    fn copies_share_the_points_that_one_of_them_has_found() {
        let mut spec = spec([2, 2, 2]);
        *spec.constraints = vec!["units + batch_size <= 3".parse().expect("a constraint")].into();
        let of = |spec: &SweepSpec| match spec.allowed() {
            Allowed::These(points) => points,
            _ => panic!("a restricted grid"),
        };
        let mut grown = spec.clone();
        grown.axes[2]
            .grow(&Axis::of_levels(Hyperparameter::MaxLength, vec![Value::Integer(3)]))
            .expect("grows");
        let (before, after) = (of(&spec), of(&grown));
        assert!(Arc::ptr_eq(&before, &of(&spec.clone())), "they are kept beside those of the extension");
        spec.axes = grown.axes;
        assert!(Arc::ptr_eq(&after, &of(&spec)), "somebody else has looked at the extension");
    }

    #[test]
    fn a_search_keeps_no_points_and_has_the_order_of_the_grid() {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16, 32]\nlayers = [1, 2]\n\
                    dropout = { levels = [0.1, 0.3], when = { layers = 2 } }\nconstraints = [\"units * layers <= 32\"]\n";
        let grid = crate::sweep_file::parse("x.toml", text).expect("a grid");
        let search = format!("{text}[search]\nsampler = \"random\"\ntrials = 40\n");
        let search = crate::sweep_file::parse("x.toml", &search).expect("a search");
        let size = grid.grid_size().expect("few");
        assert_eq!((size, search.grid_size(), search.space_size()), (7, None, Some(7)));
        let all: Vec<_> = (0..size).filter_map(|position| grid.configuration(position)).collect();
        let places: Vec<_> = all.iter().map(|one| search.position(one).expect("in the space")).collect();
        assert_eq!(all.len(), 7);
        assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
        assert_eq!(places, all.iter().filter_map(|one| grid.place(one)).collect::<Vec<_>>());
        assert_eq!((grid.constraints.grids_kept(), search.constraints.grids_kept()), (1, 0));
    }

    #[test]
    fn data_variants_are_the_product_of_the_swept_data_hyperparameters() {
        let variants = spec([2, 2, 3]).data_variants();
        assert_eq!(variants.len(), 3);
        let lengths: Vec<_> = variants.iter().map(|one| one[&Hyperparameter::MaxLength].clone()).collect();
        assert_eq!(lengths, [Value::Integer(1), Value::Integer(2), Value::Integer(3)]);
    }
}
