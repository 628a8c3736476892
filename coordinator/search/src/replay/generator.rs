//! Makes tables of learning curves whose truth is known: curves that fall at different speeds and rise again, seeds that all
//! configurations of a replicate share in part, and effects of several kinds.
//!
//! Their sizes follow recorded curves of a text classifier: the best epoch moves with the learning rate, the noise grows with the speed, and
//! about a half of it is the replicate's.

use sweep_proto::random::Stream;
use sweep_proto::{Axis, Hyperparameter, Value};

use super::Epoch;
use super::judge::{Judge, least_difference};
use super::table::{CurveTable, TableError};
use crate::auto::{AxisKind, CandidateError, Candidates};
use crate::space::Space;

/// Levels of units, batch size, embedding size and learning rate.
pub const LEVELS: [usize; 4] = [4, 4, 4, 3];
/// Replicates that searchers see.
pub const REPLICATES: usize = 3;
/// Epochs of each trial.
pub const EPOCHS: usize = 8;
/// The loss of guessing between two classes.
pub const CHANCE_LOSS: f64 = std::f64::consts::LN_2;
/// Further replicates by which configurations are judged.
const JUDGES: usize = 200;
/// The critical value of a two-sided test at 5 %, with as many degrees of freedom as a table of noise has.
const CRITICAL: f64 = 1.97;
/// The lowest loss of a configuration without any effect.
const BASE: f64 = 0.5;

/// Kinds of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Effects of 9 to 13 %, and seed noise of 1.5 %.
    Small,
    /// The learning rate has three times the effect of the others.
    Large,
    /// Who learns fast ends worse.
    Crossing,
    /// Effects of three hyperparameters together, which no two tell.
    Interact,
    /// Seed noise of 3 % and effects of 6 to 10 %.
    Noisy,
    /// Nothing has an effect.
    Null,
}

impl Kind {
    /// All kinds, with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("small", Self::Small),
        ("large", Self::Large),
        ("crossing", Self::Crossing),
        ("interact", Self::Interact),
        ("noisy", Self::Noisy),
        ("null", Self::Null),
    ];

    fn sizes(self) -> Sizes {
        let usual = Sizes {
            effect: 0.01,
            rate: 1.0,
            pairs: 0.3,
            rough: 0.0,
            speeds: [0.15, -0.30, 0.20, 0.25],
            noise: 0.012,
            fast_is_worse: 0.0,
        };
        match self {
            Self::Small => usual,
            Self::Large => {
                Sizes { effect: 0.03, rate: 3.0, speeds: [0.15, -0.35, 0.25, 0.8], noise: 0.014, ..usual }
            }
            Self::Crossing => Sizes {
                effect: 0.02,
                speeds: [0.25, -0.5, 0.25, 0.9],
                noise: 0.014,
                fast_is_worse: 0.035,
                ..usual
            },
            Self::Interact => Sizes { effect: 0.008, pairs: 2.0, rough: 1.0, noise: 0.010, ..usual },
            Self::Noisy => Sizes { noise: 0.03, ..usual },
            Self::Null => Sizes { effect: 0.0, speeds: [0.0; 4], ..usual },
        }
    }
}

/// Sizes of effects on the logarithm of the lowest loss, and on the speed.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    effect: f64,
    /// Effect of the learning rate, as a multiple of the others'.
    rate: f64,
    /// Interactions of two, as a multiple.
    pairs: f64,
    /// A part of each configuration alone, as a multiple.
    rough: f64,
    speeds: [f64; 4],
    noise: f64,
    fast_is_worse: f64,
}

/// A table and what is known of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// What searchers see.
    pub table: CurveTable,
    /// Its configurations.
    pub candidates: Candidates,
    /// What they do not see.
    pub judge: Judge,
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// Its curves are none.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Its configurations are none.
    #[error(transparent)]
    Candidates(#[from] CandidateError),
}

/// Standard normal numbers, one at a time.
struct Normal {
    random: Stream,
    kept: Option<f64>,
}

impl Normal {
    fn next(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let [one, other] = crate::normal::pair(&mut self.random);
        self.kept = Some(other);
        one
    }
}

/// What a table's configurations are like.
struct Model {
    /// The logarithm of the lowest loss, above that of the base.
    floors: Vec<f64>,
    /// Epochs are multiplied by it.
    speeds: Vec<f64>,
    noise: f64,
}

/// The space of a table's configurations, in their order.
pub fn space() -> Space {
    let sizes = |hyperparameter| {
        let levels = [16, 32, 64, 128].map(Value::Integer).to_vec();
        Axis::of_levels(hyperparameter, levels)
    };
    let rates = [3e-4, 1e-3, 3e-3].map(Value::Real).to_vec();
    Space::over(vec![
        sizes(Hyperparameter::Units),
        sizes(Hyperparameter::BatchSize),
        sizes(Hyperparameter::Embedding),
        Axis::of_levels(Hyperparameter::LearningRate, rates),
    ])
}

/// Coordinates of all configurations, from −1 to 1, the last axis fastest.
fn grid() -> Vec<[f64; 4]> {
    let count = LEVELS.iter().product();
    let coordinates = |mut place: usize| {
        let mut point = [0.0; 4];
        for (coordinate, levels) in point.iter_mut().zip(LEVELS).rev() {
            *coordinate = 2.0 * (place % levels) as f64 / (levels - 1) as f64 - 1.0;
            place /= levels;
        }
        point
    };
    (0..count).map(coordinates).collect()
}

impl Model {
    fn new(kind: Kind, random: &mut Normal) -> Self {
        let sizes = kind.sizes();
        let points = grid();
        let mut floors = vec![0.0; points.len()];
        for axis in 0..4 {
            let size = sizes.effect * if axis == 3 { sizes.rate } else { 1.0 };
            let (slope, bend) = (random.next(), 0.6 * random.next());
            for (floor, point) in floors.iter_mut().zip(&points) {
                *floor += size * (slope * point[axis] + bend * (point[axis] * point[axis] - 0.5));
            }
        }
        for first in 0..4 {
            for second in first + 1..4 {
                let size = 0.5 * sizes.pairs * sizes.effect * random.next();
                floors
                    .iter_mut()
                    .zip(&points)
                    .for_each(|(floor, point)| *floor += size * point[first] * point[second]);
            }
        }
        if sizes.rough > 0.0 {
            floors.iter_mut().for_each(|floor| *floor += sizes.rough * sizes.effect * random.next());
        }
        let speed = |point: &[f64; 4]| {
            let logarithm: f64 = point.iter().zip(sizes.speeds).map(|(place, size)| place * size).sum();
            0.5 * libm::exp(logarithm)
        };
        let speeds: Vec<f64> = points.iter().map(speed).collect();
        floors
            .iter_mut()
            .zip(&speeds)
            .for_each(|(floor, speed)| *floor += sizes.fast_is_worse * libm::log(*speed));
        Self { floors, speeds, noise: sizes.noise }
    }

    /// Losses of one replicate of all configurations.
    fn draw(&self, random: &mut Normal) -> Vec<[f64; EPOCHS]> {
        let shared = 0.55 * self.noise * random.next();
        let mut curve = |floor: &f64, speed: &f64| {
            // Who learns faster varies more.
            let own = 0.75 * self.noise * libm::pow(speed / 0.5, 0.4) * random.next();
            let low = BASE * libm::exp(floor + shared + own);
            let speed = speed * libm::exp(0.10 * random.next());
            std::array::from_fn(|epoch| {
                let progress = speed * (epoch + 1) as f64;
                let falling = (CHANCE_LOSS - low) * libm::exp(-libm::pow(1.2 * progress, 1.6));
                let overfit = 0.12 * libm::pow((progress - 1.4).max(0.0), 1.2);
                (low + falling + overfit) * libm::exp(0.4 * self.noise * random.next())
            })
        };
        self.floors.iter().zip(&self.speeds).map(|(floor, speed)| curve(floor, speed)).collect()
    }
}

/// The table of a seed.
///
/// # Errors
/// Where its numbers are no table, which would be a defect of the generator.
pub fn make(kind: Kind, seed: u64) -> Result<Made, GeneratorError> {
    let mut random = Normal { random: Stream::new(seed, "generated table", kind as u64), kept: None };
    let model = Model::new(kind, &mut random);
    let shown: Vec<Vec<[f64; EPOCHS]>> = (0..REPLICATES).map(|_| model.draw(&mut random)).collect();
    let points = grid();
    let mut curves = Vec::with_capacity(points.len() * REPLICATES);
    for (configuration, point) in points.iter().enumerate() {
        let [units, batch, embedding, _] = *point;
        let seconds = 2.0 * libm::exp(0.5 * units - 0.4 * batch + 0.3 * embedding);
        for replicate in &shown {
            let mut epoch = |loss: &f64| {
                let ms = (1_000.0 * seconds * libm::exp(0.05 * random.next())) as u64;
                Epoch { loss: *loss, ms }
            };
            curves.push(replicate[configuration].iter().map(&mut epoch).collect());
        }
    }
    let mut truth = vec![0.0; points.len()];
    for _ in 0..JUDGES {
        for (sum, curve) in truth.iter_mut().zip(model.draw(&mut random)) {
            *sum += curve.iter().copied().fold(f64::INFINITY, f64::min) / JUDGES as f64;
        }
    }
    if kind == Kind::Null {
        let mean = truth.iter().sum::<f64>() / truth.len() as f64;
        truth.fill(mean);
    }
    let table = CurveTable::new(REPLICATES, curves)?;
    let deviation = table.paired(CHANCE_LOSS).deviation.unwrap_or(0.0);
    let judge = Judge::new(truth, least_difference(deviation, REPLICATES, CRITICAL));
    let unit = |point: &[f64; 4]| point.iter().map(|one| f64::midpoint(*one, 1.0)).collect();
    let points: Vec<Vec<f64>> = points.iter().map(unit).collect();
    let axes = [AxisKind { is_categorical: false }; 4];
    Ok(Made { table, candidates: Candidates::new(&axes, &points)?, judge })
}
