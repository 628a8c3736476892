//! Spaces and recorded results that follow from a configuration alone.

use coordinator_search::replay::{Epoch, Setup, Table};
use coordinator_search::{History, Lead, Request, Space};
use sweep_proto::{
    Axis, Condition, Configuration, Constraint, DataSource, DataSpec, Digest, Hyperparameter, Range,
    SamplerName, SweepSpec, Value,
};

pub(crate) fn spec(axes: Vec<Axis>, constraints: &[&str]) -> SweepSpec {
    SweepSpec {
        name: "search".into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default(),
        axes,
        constraints: Box::new(
            constraints.iter().map(|text| text.parse::<Constraint>().unwrap()).collect::<Vec<_>>().into(),
        ),
        search: None,
        replicates: 1,
        seed: 0,
        failures_max: 3,
        reuse: true,
        priority: 0,
        objective: sweep_proto::Objective::default(),
        further_objectives: sweep_proto::FurtherObjectives::default(),
    }
}

pub(crate) fn levels(hyperparameter: Hyperparameter, levels: &[u64]) -> Axis {
    Axis::of_levels(hyperparameter, levels.iter().copied().map(Value::Integer).collect())
}

pub(crate) fn integers(
    hyperparameter: Hyperparameter,
    min: u64,
    max: u64,
    log: bool,
    step: Option<u64>,
) -> Axis {
    let bounds = [min, max].map(Value::Integer);
    Axis::of_range(hyperparameter, Range::new(hyperparameter, bounds, log, step.map(Value::Integer)).unwrap())
}

pub(crate) fn reals(
    hyperparameter: Hyperparameter,
    min: f64,
    max: f64,
    log: bool,
    step: Option<f64>,
) -> Axis {
    let bounds = [min, max].map(Value::Real);
    Axis::of_range(hyperparameter, Range::new(hyperparameter, bounds, log, step.map(Value::Real)).unwrap())
}

/// An axis that is active only with two layers or more.
pub(crate) fn deep(axis: Axis) -> Axis {
    let values = vec![Value::Integer(2), Value::Integer(3)];
    Axis { when: vec![Condition { hyperparameter: Hyperparameter::Layers, values }], ..axis }
}

/// 3 × 3 layers and units, of which a constraint leaves some, and three dropouts where there is more than one layer.
pub(crate) fn finite() -> Space {
    Space::of(&finite_spec())
}

fn finite_spec() -> SweepSpec {
    use Hyperparameter::{Dropout, Layers, Units};
    let axes = vec![
        levels(Layers, &[1, 2, 3]),
        integers(Units, 8, 24, false, Some(8)),
        deep(reals(Dropout, 0.1, 0.3, false, Some(0.1))),
    ];
    spec(axes, &["units * layers <= 48"])
}

/// A space of ranges, without an end.
pub(crate) fn endless() -> Space {
    Space::of(&endless_spec())
}

/// A space of two ranges.
pub(crate) fn ranges() -> Space {
    Space::of(&ranges_spec())
}

fn ranges_spec() -> SweepSpec {
    use Hyperparameter::{LearningRate, Units};
    spec(vec![integers(Units, 8, 256, true, None), reals(LearningRate, 1e-4, 1e-2, true, None)], &[])
}

/// A range beside few numbers, a short range of integers, words and a flag.
pub(crate) fn mixed() -> Space {
    Space::of(&mixed_spec())
}

fn mixed_spec() -> SweepSpec {
    use Hyperparameter::{BatchSize, Bidirectional, Layers, LearningRate, Optimizer};
    let axis = |of: Hyperparameter, texts: &[&str]| {
        Axis::of_levels(of, texts.iter().map(|text| Value::read(of, text).unwrap()).collect())
    };
    let axes = vec![
        reals(LearningRate, 1e-4, 1e-2, true, None),
        levels(BatchSize, &[16, 32, 64]),
        integers(Layers, 1, 3, true, None),
        axis(Optimizer, &["adam", "sgd"]),
        axis(Bidirectional, &["false", "true"]),
    ];
    spec(axes, &[])
}

/// Whether a configuration is one of these spaces.
pub(crate) fn is_of(space: &Space, configuration: &Configuration) -> bool {
    let specs = [finite_spec(), endless_spec(), ranges_spec(), mixed_spec()];
    specs.iter().any(|spec| Space::of(spec) == *space && spec.allows(configuration))
}

/// A question to a sampler that nobody calls off.
pub(crate) fn request(setup: &Setup, history: History, lead: Lead, count: u64) -> Request {
    let begun = Request::begun(setup.sampler, setup.seed, setup.space.clone(), setup.replicates, lead);
    Request { history, count, ..begun }
}

fn endless_spec() -> SweepSpec {
    use Hyperparameter::{Dropout, Layers, LearningRate, Units};
    let axes = vec![
        levels(Layers, &[1, 2]),
        integers(Units, 8, 256, true, None),
        reals(LearningRate, 3e-4, 1e-2, true, None),
        deep(reals(Dropout, 0.0, 0.5, false, None)),
    ];
    spec(axes, &["units * layers <= 300"])
}

/// Curves that follow from the trial: some are short, some end in the same moment.
pub(crate) struct Curves;

impl Table for Curves {
    fn curve(&self, configuration: &Configuration, replicate: u32) -> Option<Vec<Epoch>> {
        let digest = Digest::of(format!("{configuration:?} {replicate}").as_bytes());
        let bytes = digest.as_bytes();
        // Some trials were never recorded.
        (bytes[0] > 12).then(|| {
            let epochs = 1 + usize::from(bytes[1] % 4);
            let loss = |at: &u8| f64::from(*at) / 256.0;
            bytes[2..2 + epochs].iter().map(|at| Epoch { loss: loss(at), ms: 100 }).collect()
        })
    }
}

pub(crate) fn setup(sampler: SamplerName, seed: u64, space: Space, trials: u64) -> Setup {
    Setup { sampler, seed, space, replicates: 2, workers: 3, trials }
}
