//! The configurations among which a search chooses: points of the unit cube, and what its axes mean.

use sweep_proto::Configuration;

use crate::auto::scale::Scale;
use crate::space::Space;

/// Most configurations: beyond them ranges are sampled, not listed.
pub const CANDIDATES_MAX: usize = 4_096;

/// Most configurations with those that have come in: trials of an earlier form of a space may be of any.
const ALL_MAX: usize = 4 * CANDIDATES_MAX;

/// An axis with more levels than this computes each similarity when it is asked for.
const TABULATED_LEVELS_MAX: usize = 256;

/// Distance at which levels of an axis still tell much about each other, as a part of the axis.
const LENGTH: f64 = 0.6;

/// The coordinate of a candidate on an axis that is not varied in it: a level of its own, apart from all others.
pub const ABSENT: f64 = -1.0;

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

pub(crate) fn error(what: String, remedy: &'static str) -> CandidateError {
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
        } else if self.kind.is_categorical || [one, other].map(|level| self.places[level]).contains(&ABSENT) {
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
    /// Candidates at these points, one coordinate for each axis: in `[0, 1]`, or [`ABSENT`].
    ///
    /// # Errors
    /// Where there are none or too many, or a point is not of the unit cube.
    pub fn new(axes: &[AxisKind], points: &[Vec<f64>]) -> Result<Self, CandidateError> {
        if points.is_empty() || points.len() > CANDIDATES_MAX {
            let remedy = if points.is_empty() {
                "loosen its constraints until something is left"
            } else {
                "give it at most 4096: fewer levels, or tighter constraints"
            };
            return Err(error(format!("the search has {} candidates", points.len()), remedy));
        }
        Self::of_points(axes, points)
    }

    fn of_points(axes: &[AxisKind], points: &[Vec<f64>]) -> Result<Self, CandidateError> {
        let is_in_cube = |point: &&Vec<f64>| {
            point.len() == axes.len() && point.iter().all(|one| (0.0..=1.0).contains(one) || *one == ABSENT)
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

    /// The same candidates, and further ones at these points behind them.
    ///
    /// # Errors
    /// Where there are too many together, or a point is not of the unit cube.
    pub(crate) fn with(&self, points: &[Vec<f64>]) -> Result<Self, CandidateError> {
        let kinds: Vec<AxisKind> = self.axes.iter().map(|axis| axis.kind).collect();
        let point = |one| (0..self.axes()).map(|axis| self.place(one, axis)).collect();
        let all: Vec<Vec<f64>> = (0..self.len()).map(point).chain(points.iter().cloned()).collect();
        if all.len() > ALL_MAX {
            let what = format!("the search has {} candidates, with those that were tried before", all.len());
            return Err(error(what, "launch a new sweep over the space as it is now"));
        }
        Self::of_points(&kinds, &all)
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

    /// The coordinate of a candidate on an axis, see [`Self::new`].
    pub fn place(&self, candidate: usize, axis: usize) -> f64 {
        self.axes[axis].places[self.levels[candidate][axis] as usize]
    }

    /// How far along an axis a candidate is from the middle; 0 where the axis has no order, or is not varied.
    pub(crate) fn offset(&self, candidate: usize, axis: usize) -> f64 {
        let place = self.place(candidate, axis);
        if self.axes[axis].kind.is_categorical || place == ABSENT { 0.0 } else { place - 0.5 }
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
        let squared = |uses: u32| f64::from(uses) * f64::from(uses);
        levels.map(|(level, uses)| squared(uses[*level as usize])).sum()
    }

    /// Sum of distances along all axes; different categories are one axis apart, and so is where an axis is not varied from where it is.
    pub(crate) fn distance(&self, one: usize, other: usize) -> f64 {
        let along = |(at, axis): (usize, &Levels)| {
            let places = [self.place(one, at), self.place(other, at)];
            let apart = (places[0] - places[1]).abs();
            let has_order = !axis.kind.is_categorical && !places.contains(&ABSENT);
            if has_order { apart } else { f64::from(u8::from(apart > 0.0)) }
        };
        self.axes.iter().enumerate().map(along).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two numeric axes the second one is not varied in the first two candidates.
    #[test]
    fn where_an_axis_is_not_varied_is_apart_from_all_its_levels() {
        let points =
            [[0.0, ABSENT], [1.0, ABSENT], [0.0, 0.0], [0.0, 0.5], [0.0, 1.0]].map(|one| one.to_vec());
        let candidates = Candidates::new(&[AxisKind { is_categorical: false }; 2], &points).unwrap();
        assert_eq!(candidates.similarity(1, 0, 1), 1.0, "neither has it");
        assert!((2..5).all(|one| candidates.similarity(1, 0, one) == 0.0));
        assert!(candidates.similarity(1, 2, 3) > 0.5);
        assert!((2..5).all(|one| candidates.distance(0, one) == 1.0));
        assert_eq!([0, 2, 3].map(|one| candidates.offset(one, 1)), [0.0, -0.5, 0.0]);
        let more = candidates.with(&[vec![0.5, ABSENT]]).unwrap();
        assert_eq!(
            (more.place(5, 1), more.similarity(1, 5, 0), more.similarity(1, 5, 4)),
            (ABSENT, 1.0, 0.0)
        );
        assert!(Candidates::new(&[AxisKind { is_categorical: false }], &[vec![-0.5]]).is_err());
    }

    #[test]
    fn more_may_come_in_than_there_may_be_from_the_start() {
        let points =
            |count: usize| -> Vec<Vec<f64>> { (0..count).map(|at| vec![at as f64 / count as f64]).collect() };
        let axes = [AxisKind { is_categorical: false }];
        let problem = |made: Result<Candidates, CandidateError>| made.unwrap_err().to_string();
        assert!(problem(Candidates::new(&axes, &points(CANDIDATES_MAX + 1))).contains("at most 4096"));
        let all = Candidates::new(&axes, &points(CANDIDATES_MAX)).unwrap();
        let more = all.with(&points(3 * CANDIDATES_MAX)).unwrap();
        assert_eq!(more.len(), ALL_MAX);
        assert!(problem(more.with(&points(1))).contains("launch a new sweep"));
    }

    #[test]
    fn an_axis_of_one_level_tells_nothing_apart() {
        let points = [[0.0, 0.5], [1.0, 0.5]].map(|one| one.to_vec());
        let candidates = Candidates::new(&[AxisKind { is_categorical: false }; 2], &points).unwrap();
        assert_eq!((candidates.similarity(1, 0, 1), candidates.distance(0, 1)), (1.0, 1.0));
        assert!(candidates.similarity(0, 0, 1) < 1.0);
    }
}
