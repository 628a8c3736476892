//! The models of a grid: their trained numbers and the memory of a trial.

use std::collections::BTreeSet;

use serde::Serialize;
use sweep_proto::model_size::{self, SlotData};
use sweep_proto::{Configuration, Constraint, Domain, Hyperparameter, SweepSpec};

use super::data::Sizes;

/// Most models listed one by one; of more, the smallest and the largest.
const MODELS_MAX: usize = 24;
/// The hyperparameters on which a model's size, a trial's memory or the time of an epoch depends.
const SIZING: [Hyperparameter; 11] = [
    Hyperparameter::Units,
    Hyperparameter::BatchSize,
    Hyperparameter::Embedding,
    Hyperparameter::Cell,
    Hyperparameter::Layers,
    Hyperparameter::Bidirectional,
    Hyperparameter::Optimizer,
    Hyperparameter::Tokenizer,
    Hyperparameter::Vocabulary,
    Hyperparameter::MaxLength,
    Hyperparameter::TruncationSide,
];

/// Most points of a restricted space that are looked at: a second of looking.
const POINTS_MAX: u64 = 300_000;
/// Values of a range whose models are looked at, its ends among them.
const VALUES_OF_A_RANGE: u64 = 8;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct PlannedModel {
    /// Trained numbers.
    pub(super) parameters: u64,
    /// Peak resident bytes of the slot that trains it, predicted.
    pub(super) memory_bytes: u64,
    /// The values that decide the size.
    pub(super) label: String,
}

/// The configurations of a sweep that differ in what decides how large models are and how long an epoch takes.
pub(super) struct Sizing {
    /// The axes that decide it.
    pub(super) swept: Vec<Hyperparameter>,
    of: Differing,
}

enum Differing {
    /// All points of a grid.
    Grid(Box<SweepSpec>),
    /// Those that conditions and constraints leave.
    Listed(Vec<Configuration>),
}

/// What is differently sized in a sweep. Of a range it is some values.
pub(super) fn sizing(spec: &SweepSpec) -> Sizing {
    let is_sizing = |one: &Hyperparameter| SIZING.contains(one);
    let swept = spec.swept().into_iter().filter(is_sizing).collect();
    if let Some(listed) = spec.is_restricted().then(|| allowed(spec)).flatten() {
        return Sizing { swept, of: Differing::Listed(listed) };
    }
    let mut sized = of_levels(spec, &SIZING.into_iter().collect(), VALUES_OF_A_RANGE);
    // Every value counts that some configuration may have.
    sized.axes.iter_mut().for_each(|axis| axis.when.clear());
    *sized.constraints = Vec::new().into();
    Sizing { swept, of: Differing::Grid(Box::new(sized)) }
}

/// The grid of some axes alone, with some values of each range; what is demanded of others alone is left out.
fn of_levels(spec: &SweepSpec, kept: &BTreeSet<Hyperparameter>, values: u64) -> SweepSpec {
    let mut sized = spec.clone();
    sized.axes.retain(|axis| kept.contains(&axis.hyperparameter));
    sized.search = None;
    for axis in &mut sized.axes {
        if let Some(range) = axis.range() {
            axis.domain = Domain::Levels(range.spread(values));
        }
    }
    let concerns = |one: &&Constraint| one.hyperparameters().iter().any(|one| kept.contains(one));
    *sized.constraints = spec.constraints.iter().filter(concerns).cloned().collect::<Vec<_>>().into();
    sized
}

/// The differently sized configurations that conditions and constraints leave; `None` where there are too many points to look at, or
/// where none of the values that are looked at is allowed.
fn allowed(spec: &SweepSpec) -> Option<Vec<Configuration>> {
    let kept = connected(spec);
    let ranges =
        spec.axes.iter().filter(|axis| axis.range().is_some() && kept.contains(&axis.hyperparameter));
    // Few ranges are looked at more closely: a constraint may cut them anywhere.
    let values = match ranges.count() {
        0 | 1 => 8 * VALUES_OF_A_RANGE,
        2 => 2 * VALUES_OF_A_RANGE,
        _ => VALUES_OF_A_RANGE,
    };
    let sized = of_levels(spec, &kept, values);
    let count = sized.grid_size().filter(|count| *count <= POINTS_MAX)?;
    let mut seen = BTreeSet::new();
    for position in 0..count {
        let configuration = sized.configuration(position)?;
        let mut one = spec.fixed.clone();
        for hyperparameter in SIZING {
            one.set(hyperparameter, configuration.get(hyperparameter)).ok()?;
        }
        seen.insert(one);
    }
    (!seen.is_empty()).then(|| seen.into_iter().collect())
}

/// The axes that decide a size, with all on which their values depend through conditions and constraints.
fn connected(spec: &SweepSpec) -> BTreeSet<Hyperparameter> {
    let conditions = spec.axes.iter().flat_map(|axis| {
        axis.when.iter().map(|condition| vec![axis.hyperparameter, condition.hyperparameter])
    });
    let constraints = spec.constraints.iter().map(Constraint::hyperparameters);
    let links: Vec<Vec<Hyperparameter>> = conditions.chain(constraints).collect();
    let mut kept: BTreeSet<Hyperparameter> = SIZING.into_iter().collect();
    loop {
        let before = kept.len();
        for link in &links {
            if link.iter().any(|one| kept.contains(one)) {
                kept.extend(link.iter().copied());
            }
        }
        if kept.len() == before {
            return kept;
        }
    }
}

impl Sizing {
    pub(super) fn len(&self) -> u64 {
        match &self.of {
            Differing::Grid(grid) => grid.grid_size().unwrap_or(0),
            Differing::Listed(listed) => listed.len() as u64,
        }
    }

    pub(super) fn configurations(&self) -> Box<dyn Iterator<Item = Configuration> + '_> {
        match &self.of {
            Differing::Grid(grid) => {
                Box::new((0..self.len()).filter_map(|position| grid.configuration(position)))
            }
            Differing::Listed(listed) => Box::new(listed.iter().cloned()),
        }
    }
}

/// The models of different size: all of them, or the extremes of parameters and of memory; and how
/// many there are.
pub(super) fn models(spec: &SweepSpec, sizes: &Sizes) -> (Vec<PlannedModel>, u64) {
    let sizing = sizing(spec);
    let total = sizing.len();
    let named = if sizing.swept.is_empty() {
        vec![Hyperparameter::Cell, Hyperparameter::Units, Hyperparameter::Embedding]
    } else {
        sizing.swept.clone()
    };
    let all = sizing.configurations().map(|configuration| PlannedModel {
        parameters: parameters(&configuration, sizes),
        memory_bytes: memory_bytes(&configuration, sizes),
        label: configuration.label(&named),
    });
    if total <= MODELS_MAX as u64 {
        return (all.collect(), total);
    }
    (extremes_of(all), total)
}

/// Trained numbers of a configuration's model.
pub(super) fn parameters(configuration: &Configuration, sizes: &Sizes) -> u64 {
    let size = sizes.size(configuration);
    model_size::parameters(configuration, size.vocabulary, size.classes)
}

/// Peak resident bytes of a slot that trains a configuration.
pub(super) fn memory_bytes(configuration: &Configuration, sizes: &Sizes) -> u64 {
    let size = sizes.size(configuration);
    let data = SlotData {
        vocabulary: size.vocabulary,
        classes: size.classes,
        batch_tokens: sizes.batch_tokens(configuration),
        longest: sizes.longest(configuration),
        dataset_bytes: sizes.bytes(configuration),
    };
    model_size::slot_bytes(configuration, &data)
}

/// The smallest and largest model by parameters and by memory, without repetition, smallest first.
fn extremes_of(models: impl Iterator<Item = PlannedModel>) -> Vec<PlannedModel> {
    let by_memory = |one: &PlannedModel| (one.memory_bytes, one.parameters);
    let mut kept: Vec<PlannedModel> = Vec::new();
    for model in models {
        if kept.is_empty() {
            kept = vec![model; 4];
            continue;
        }
        let better = [
            model < kept[0],
            model > kept[1],
            by_memory(&model) < by_memory(&kept[2]),
            by_memory(&model) > by_memory(&kept[3]),
        ];
        for (place, _) in kept.iter_mut().zip(better).filter(|(_, better)| *better) {
            place.clone_from(&model);
        }
    }
    kept.sort();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_range_the_smallest_and_the_largest_model_are_known_and_constraints_hold() {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = { min = 8, max = 64, step = 8 }\nlayers = [1, 2]\n\
            constraints = [\"units * layers <= 64\"]\n[search]\ntrials = 40\n";
        let spec = sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file");
        let (models, total) = models(&spec, &Sizes::new(&spec, None));
        assert_eq!((total, models.len()), (12, 12));
        assert!(models.iter().all(|model| model.label != "units=64 layers=2"), "a constraint excludes it");
    }

    #[test]
    fn models_that_conditions_and_constraints_exclude_are_not_told() {
        let of = |grid: &str| {
            let text = format!(
                "name = \"x\"\n[data]\ndataset = \"snippets\"\n[model]\nembedding = 8\n[grid]\n{grid}\n"
            );
            let spec = sweep_proto::sweep_file::parse("test.toml", &text).expect("a valid file");
            let (models, total) = models(&spec, &Sizes::new(&spec, None));
            assert_eq!(models.len() as u64, total);
            models.into_iter().map(|model| model.label).collect::<Vec<_>>()
        };
        let conditional = "units = [8, 16]\nembedding = { levels = [32], when = { units = 16 } }";
        assert_eq!(of(conditional), ["units=8 embedding=8", "units=16 embedding=32"]);
        // Through dropout, which decides no size, units and layers depend on each other.
        let through = "units = [8, 16]\nlayers = [1, 2]\ndropout = [0.1, 0.5]\n\
            constraints = [\"dropout * units <= 2\", \"dropout * 10 >= 4 * layers - 3\"]";
        assert_eq!(of(through), ["units=8 layers=1", "units=16 layers=1"]);
    }

    #[test]
    fn of_a_large_grid_the_extremes_are_shown() {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16, 32, 64]\nembedding = [8, 16, 32, 64]\nbatch_size = [32, 64]\n";
        let spec = sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file");
        let (models, total) = models(&spec, &Sizes::new(&spec, None));
        assert_eq!(total, 32);
        let labels: Vec<_> = models.iter().map(|model| model.label.as_str()).collect();
        assert_eq!(labels, ["units=8 embedding=8 batch_size=32", "units=64 embedding=64 batch_size=64"]);
    }
}
