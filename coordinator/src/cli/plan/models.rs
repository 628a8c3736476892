//! The models of a grid: their trained numbers and the memory of a trial.

use serde::Serialize;
use sweep_proto::model_size::{self, SlotData};
use sweep_proto::{Configuration, Domain, Hyperparameter, SweepSpec};

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

/// The grid of the axes alone that decide how large models are and how long an epoch takes.
pub(super) fn sizing(spec: &SweepSpec) -> SweepSpec {
    let mut sized = spec.clone();
    sized.axes.retain(|axis| SIZING.contains(&axis.hyperparameter));
    sized.search = None;
    for axis in &mut sized.axes {
        // Every value counts that some configuration may have.
        axis.when.clear();
        if let Some(range) = axis.range() {
            axis.domain = Domain::Levels(range.spread(VALUES_OF_A_RANGE));
        }
    }
    let is_kept = |one: &Hyperparameter| sized.axes.iter().any(|axis| axis.hyperparameter == *one);
    let kept = spec.constraints.iter().filter(|constraint| constraint.hyperparameters().iter().all(is_kept));
    let kept: Vec<_> = kept.cloned().collect();
    *sized.constraints = kept.into();
    if sized.grid_size().is_none_or(|size| size == 0) {
        *sized.constraints = Vec::new().into();
    }
    sized
}

/// The models of different size: all of them, or the extremes of parameters and of memory; and how
/// many there are.
pub(super) fn models(spec: &SweepSpec, sizes: &Sizes) -> (Vec<PlannedModel>, u64) {
    let sized = sizing(spec);
    let total = sized.grid_size().unwrap_or(0);
    let mut swept = sized.swept();
    if swept.is_empty() {
        swept = vec![Hyperparameter::Cell, Hyperparameter::Units, Hyperparameter::Embedding];
    }
    let all =
        (0..total).filter_map(|position| sized.configuration(position)).map(|configuration| PlannedModel {
            parameters: parameters(&configuration, sizes),
            memory_bytes: memory_bytes(&configuration, sizes),
            label: configuration.label(&swept),
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
    fn of_a_large_grid_the_extremes_are_shown() {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16, 32, 64]\nembedding = [8, 16, 32, 64]\nbatch_size = [32, 64]\n";
        let spec = sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file");
        let (models, total) = models(&spec, &Sizes::new(&spec, None));
        assert_eq!(total, 32);
        let labels: Vec<_> = models.iter().map(|model| model.label.as_str()).collect();
        assert_eq!(labels, ["units=8 embedding=8 batch_size=32", "units=64 embedding=64 batch_size=64"]);
    }
}
