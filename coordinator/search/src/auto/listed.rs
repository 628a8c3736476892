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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auto::candidates::AxisKind;

    /// 40 × 40 candidates.
    fn grid() -> Candidates {
        let axes = [AxisKind { is_categorical: false }; 2];
        let place = |number: usize| number as f64 / 39.0;
        let points: Vec<Vec<f64>> = (0..1_600).map(|at| vec![place(at / 40), place(at % 40)]).collect();
        Candidates::new(&axes, &points).unwrap()
    }

    /// Lowest at the corner of candidate 0.
    fn observations(tried: &[usize]) -> Vec<Observation> {
        let value = |one: usize| 0.1 * ((one / 40 + one % 40) as f64 / 78.0) - 0.7;
        let observation = |one: &usize| Observation {
            configuration: *one,
            replicate: 0,
            value: value(*one),
            variance: 0.0,
        };
        tried.iter().map(observation).collect()
    }

    #[test]
    fn what_may_be_best_is_listed_and_what_was_tried() {
        let candidates = grid();
        let tried: Vec<usize> = vec![0, 39, 45, 410, 820, 1_230, 1_560, 1_599];
        let observations = observations(&tried);
        let shown =
            Shown { observations: &observations, tried: &tried, level: -0.65, replicates: 2, margin: 0.01 };
        let parameters = Parameters::fit(&candidates, &observations, shown.level);
        let listed = Listed::of(&candidates, &parameters, &shown);
        assert_eq!(listed.points().len(), LISTED_MAX);
        assert!(tried.iter().all(|one| listed.place(*one).is_some()));
        let near = (0..10).flat_map(|row| (0..10).map(move |column| 40 * row + column));
        assert!(near.into_iter().all(|one| listed.place(one).is_some()), "neighbours of the best one");
        let far = (30..39).flat_map(|row| (30..39).map(move |column| 40 * row + column));
        let far = far.filter(|one| listed.place(*one).is_some()).count();
        assert!(far < 40, "{far} of 81 that are far from it");
        assert!((0.0..0.2).contains(&listed.left_out), "{}", listed.left_out);
        let places: Vec<usize> = listed.points().iter().filter_map(|one| listed.place(*one)).collect();
        assert_eq!(places, (0..LISTED_MAX).collect::<Vec<_>>());
        assert_eq!(listed.placed(&observations).len(), tried.len());
    }

    #[test]
    fn few_candidates_are_listed_all() {
        let axes = [AxisKind { is_categorical: true }];
        let points: Vec<Vec<f64>> = (0..5).map(|at| vec![f64::from(at) / 5.0]).collect();
        let candidates = Candidates::new(&axes, &points).unwrap();
        let shown = Shown { observations: &[], tried: &[], level: 0.0, replicates: 1, margin: 0.01 };
        let listed = Listed::of(&candidates, &Parameters::prior(1), &shown);
        assert_eq!((listed.points(), listed.left_out), (&[0, 1, 2, 3, 4][..], 0.0));
    }
}
