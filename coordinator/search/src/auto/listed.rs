//! Which candidates are modelled together. Of many, those that may be best: a belief over all of them would take their square in memory.

use crate::auto::belief::Belief;
use crate::auto::candidates::Candidates;
use crate::auto::model::{Observation, Parameters};
use crate::auto::stop;

/// Most candidates that are modelled together: their belief takes 8 MB, and each trial that finishes a millisecond.
const LISTED_MAX: usize = 1_024;

/// Candidates that are looked at together to find the ones that may be best.
const LOOKED_AT: usize = 256;

/// Some candidates, each at a place of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    points: Vec<usize>,
    places: Vec<Option<usize>>,
    /// The sum of the chances of all others to be better than the one that would be named, by more than the margin.
    pub(crate) left_out: f64,
}

/// What the list follows from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// What trials have shown, those that have not finished extrapolated.
    pub(crate) observations: &'a [Observation],
    /// Configurations with a trial, in their order.
    pub(crate) tried: &'a [usize],
    pub(crate) level: f64,
    pub(crate) replicates: u32,
    pub(crate) margin: f64,
}

impl Listed {
    fn new(candidates: &Candidates, mut points: Vec<usize>, left_out: f64) -> Self {
        points.sort_unstable();
        let mut places = vec![None; candidates.len()];
        points.iter().enumerate().for_each(|(place, point)| places[*point] = Some(place));
        Self { points, places, left_out }
    }

    /// The candidates that may be best, and all that were tried.
    pub(crate) fn of(candidates: &Candidates, parameters: &Parameters, shown: &Shown<'_>) -> Self {
        if candidates.len() <= LISTED_MAX {
            return Self::new(candidates, (0..candidates.len()).collect(), 0.0);
        }
        let others: Vec<usize> =
            (0..candidates.len()).filter(|one| shown.tried.binary_search(one).is_err()).collect();
        let mut rated: Vec<(f64, usize)> = Vec::with_capacity(others.len());
        for part in others.chunks(LOOKED_AT) {
            let together = Self::new(candidates, [shown.tried, part].concat(), 0.0);
            let chances = together.chances(candidates, parameters, shown);
            let chance = |one: &usize| together.place(*one).map_or(0.0, |place| chances[place]);
            rated.extend(part.iter().map(|one| (chance(one), *one)));
        }
        rated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let kept = LISTED_MAX.saturating_sub(shown.tried.len()).min(rated.len());
        let left_out = rated[kept..].iter().map(|(chance, _)| chance).sum();
        let kept = rated[..kept].iter().map(|(_, one)| *one);
        Self::new(candidates, shown.tried.iter().copied().chain(kept).collect(), left_out)
    }

    /// The chance of each to be better by more than the margin than the one of the lowest mean among those tried.
    fn chances(&self, candidates: &Candidates, parameters: &Parameters, shown: &Shown<'_>) -> Vec<f64> {
        let belief = Belief::prior(candidates, &self.points, parameters, shown.replicates, shown.level);
        let updated = belief.updated(&self.placed(shown.observations));
        let named = updated.as_ref().and_then(|updated| {
            let places = shown.tried.iter().filter_map(|one| self.place(*one));
            places.min_by(|one, other| updated.mean[*one].total_cmp(&updated.mean[*other]))
        });
        match (updated, named) {
            (Some(updated), Some(named)) => stop::chances(&updated, named, shown.margin),
            // Where nothing was tried, each is as good as the others.
            _ => vec![0.0; self.points.len()],
        }
    }

    /// The candidates, in the order of their places.
    pub(crate) fn points(&self) -> &[usize] {
        &self.points
    }

    /// The place of a candidate; `None` where it is not listed.
    pub(crate) fn place(&self, candidate: usize) -> Option<usize> {
        self.places[candidate]
    }

    /// Observations of listed candidates, by their places.
    pub(crate) fn placed(&self, observations: &[Observation]) -> Vec<Observation> {
        let placed =
            |one: &Observation| Some(Observation { configuration: self.place(one.configuration)?, ..*one });
        observations.iter().filter_map(placed).collect()
    }
}
