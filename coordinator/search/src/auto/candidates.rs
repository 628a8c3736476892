//! The configurations among which a search chooses: points of the unit cube, and what its axes mean.

use sweep_proto::{Axis, Configuration, Domain, Hyperparameter, Range, Value};

use crate::space::Space;

/// Most configurations: beyond them ranges are sampled, not listed.
pub const CANDIDATES_MAX: usize = 4_096;

/// An axis with more levels than this computes each similarity when it is asked for.
const TABULATED_LEVELS_MAX: usize = 256;

/// Distance at which levels of an axis still tell much about each other, as a part of the axis.
const LENGTH: f64 = 0.6;

/// What a model should know of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisKind {
    /// Whether levels are equal or different, and nothing between.
    pub is_categorical: bool,
}

/// Why points are no candidates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct CandidateError {
    what: String,
    remedy: &'static str,
}

fn error(what: String, remedy: &'static str) -> CandidateError {
    CandidateError { what, remedy }
}

#[derive(Clone, Debug, PartialEq)]
struct Levels {
    kind: AxisKind,
    /// Distinct places, in their order.
    places: Vec<f64>,
    /// Similarity of each two levels, where there are few.
    table: Vec<f64>,
}

/// The configurations of a search, by their indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    axes: Vec<Levels>,
    /// Level of each candidate on each axis.
    levels: Vec<Vec<u32>>,
}

/// Matérn's function with ν = 5/2.
fn matern(distance: f64) -> f64 {
    let scaled = 5.0_f64.sqrt() * distance;
    (1.0 + scaled + 5.0 / 3.0 * distance * distance) * libm::exp(-scaled)
}

impl Levels {
    fn new(kind: AxisKind, mut places: Vec<f64>) -> Self {
        places.sort_by(f64::total_cmp);
        places.dedup();
        let mut levels = Self { kind, places, table: Vec::new() };
        let count = levels.places.len();
        if count <= TABULATED_LEVELS_MAX {
            levels.table = (0..count * count).map(|at| levels.computed(at / count, at % count)).collect();
        }
        levels
    }

    fn computed(&self, one: usize, other: usize) -> f64 {
        if one == other {
            1.0
        } else if self.kind.is_categorical {
            0.0
        } else {
            matern((self.places[one] - self.places[other]).abs() / LENGTH)
        }
    }

    fn similarity(&self, one: usize, other: usize) -> f64 {
        if self.table.is_empty() {
            self.computed(one, other)
        } else {
            self.table[one * self.places.len() + other]
        }
    }
}

impl Candidates {
    /// Candidates at these points, one coordinate in `[0, 1]` for each axis.
    ///
    /// # Errors
    /// Where there are none or too many, or a point is not of the unit cube.
    pub fn new(axes: &[AxisKind], points: &[Vec<f64>]) -> Result<Self, CandidateError> {
        if points.is_empty() || points.len() > CANDIDATES_MAX {
            return Err(error(
                format!("the search has {} candidates", points.len()),
                "give it at least one and at most 4096: fewer levels, or a constraint",
            ));
        }
        let is_in_cube = |point: &&Vec<f64>| {
            point.len() == axes.len() && point.iter().all(|one| (0.0..=1.0).contains(one))
        };
        if let Some(at) = points.iter().position(|point| !is_in_cube(&point)) {
            return Err(error(
                format!("candidate {at} is not a point of the unit cube of {} axes", axes.len()),
                "give it one coordinate between 0 and 1 for each axis",
            ));
        }
        let of_axis = |(at, kind): (usize, &AxisKind)| {
            Levels::new(*kind, points.iter().map(|point| point[at]).collect())
        };
        let axes: Vec<Levels> = axes.iter().enumerate().map(of_axis).collect();
        let level = |(axis, place): (&Levels, &f64)| axis.places.partition_point(|one| one < place) as u32;
        let levels = points.iter().map(|point| axes.iter().zip(point).map(level).collect()).collect();
        Ok(Self { axes, levels })
    }

    /// The candidates of a space of levels and steps, and the configuration of each.
    ///
    /// # Errors
    /// Where the space has a continuous axis, no configuration, or too many.
    pub fn of(space: &Space) -> Result<(Self, Vec<Configuration>), CandidateError> {
        let remedy = "give each range a step or levels, and loosen the constraints where nothing is left";
        let (Some(places), Some(mut look)) = (space.places(), space.look()) else {
            return Err(error("the search has a range without a step".to_owned(), remedy));
        };
        let configurations: Vec<Configuration> =
            (0..places).filter_map(|place| look.allowed_at(place)).take(CANDIDATES_MAX + 1).collect();
        let axes: Vec<Scale> = space.axes().iter().map(Scale::of).collect();
        let point = |one: &Configuration| axes.iter().map(|axis| axis.place(one)).collect();
        let points: Vec<Vec<f64>> = configurations.iter().map(point).collect();
        let kinds: Vec<AxisKind> = axes.iter().map(Scale::kind).collect();
        Ok((Self::new(&kinds, &points)?, configurations))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// There is at least one.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// How many axes they have.
    pub fn axes(&self) -> usize {
        self.axes.len()
    }

    /// The coordinate of a candidate on an axis.
    pub fn place(&self, candidate: usize, axis: usize) -> f64 {
        self.axes[axis].places[self.levels[candidate][axis] as usize]
    }

    /// How far along an axis a candidate is from the middle; 0 where the axis has no order.
    pub(crate) fn offset(&self, candidate: usize, axis: usize) -> f64 {
        if self.axes[axis].kind.is_categorical { 0.0 } else { self.place(candidate, axis) - 0.5 }
    }

    /// How much two candidates tell about each other along an axis, from 0 to 1.
    pub(crate) fn similarity(&self, axis: usize, one: usize, other: usize) -> f64 {
        let level = |candidate: usize| self.levels[candidate][axis] as usize;
        self.axes[axis].similarity(level(one), level(other))
    }

    /// How often each level of each axis has one of these points.
    pub(crate) fn uses(&self, points: &[usize]) -> Vec<Vec<u32>> {
        let mut uses: Vec<Vec<u32>> = self.axes.iter().map(|axis| vec![0; axis.places.len()]).collect();
        for point in points {
            for (uses, level) in uses.iter_mut().zip(&self.levels[*point]) {
                uses[*level as usize] += 1;
            }
        }
        uses
    }

    /// How crowded a candidate's levels are: the squares of their uses.
    pub(crate) fn crowding(&self, candidate: usize, uses: &[Vec<u32>]) -> f64 {
        let levels = self.levels[candidate].iter().zip(uses);
        levels.map(|(level, uses)| f64::from(uses[*level as usize]).powi(2)).sum()
    }

    /// Sum of distances along all axes; different categories are one axis apart.
    pub(crate) fn distance(&self, one: usize, other: usize) -> f64 {
        let along = |(at, axis): (usize, &Levels)| {
            let apart = (self.place(one, at) - self.place(other, at)).abs();
            if axis.kind.is_categorical { f64::from(u8::from(apart > 0.0)) } else { apart }
        };
        self.axes.iter().enumerate().map(along).sum()
    }
}

/// How the values of a hyperparameter are laid out on its axis.
struct Scale {
    hyperparameter: Hyperparameter,
    /// Numbers from the least to the greatest, or categories in their order.
    ends: Option<[f64; 2]>,
    is_logarithmic: bool,
    categories: Vec<Value>,
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        _ => None,
    }
}

impl Scale {
    fn of(axis: &Axis) -> Self {
        let values: Vec<Value> = match &axis.domain {
            Domain::Levels(levels) => levels.clone(),
            Domain::Range(_) => (0..axis.size().unwrap_or(0)).filter_map(|at| axis.nth(at)).collect(),
        };
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        let is_logarithmic = match &axis.domain {
            Domain::Range(Range::Integer(bounds)) => bounds.log,
            Domain::Range(Range::Real(bounds)) => bounds.log,
            Domain::Levels(_) => numbers.as_deref().is_some_and(are_even_in_logarithms),
        };
        let ends = numbers.map(|numbers| {
            let scaled = numbers.iter().map(|one| if is_logarithmic { libm::log(*one) } else { *one });
            scaled.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], one| [low.min(one), high.max(one)])
        });
        let categories = if ends.is_some() { Vec::new() } else { values };
        Self { hyperparameter: axis.hyperparameter, ends, is_logarithmic, categories }
    }

    fn place_of(&self, value: &Value) -> f64 {
        let Some(([low, high], number)) = self.ends.zip(number(value)) else {
            let at = self.categories.iter().position(|one| one == value).unwrap_or(0);
            return at as f64 / self.categories.len().max(1) as f64;
        };
        let scaled = if self.is_logarithmic { libm::log(number) } else { number };
        let place = if high > low { (scaled - low) / (high - low) } else { 0.5 };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn place(&self, configuration: &Configuration) -> f64 {
        self.place_of(&configuration.get(self.hyperparameter))
    }

    fn kind(&self) -> AxisKind {
        AxisKind { is_categorical: self.ends.is_none() }
    }
}

/// Whether steps between levels are more alike as factors than as differences.
fn are_even_in_logarithms(numbers: &[f64]) -> bool {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() < 3 || sorted[0] <= 0.0 {
        return false;
    }
    let unevenness = |values: &[f64]| {
        let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        steps.iter().map(|step| (step / mean - 1.0).powi(2)).sum::<f64>()
    };
    let logarithms: Vec<f64> = sorted.iter().map(|one| libm::log(*one)).collect();
    unevenness(&logarithms) < unevenness(&sorted)
}
