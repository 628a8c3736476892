//! Which candidates are modelled together. Of many, those that may be best: a belief over all of them would take their square in memory.

use std::collections::BTreeSet;

use crate::auto::candidates::Candidates;
use crate::auto::counted::lowest_and_spread;
use crate::auto::model::{Observation, Parameters};
use crate::auto::screening;

/// Most candidates that are modelled together: their belief takes 8 MB, and each trial that finishes a millisecond.
const LISTED_MAX: usize = 1_024;

/// Most observations that count when the belief is made, multiplied by the square of the candidates: that takes a third of a second. Of 1,024 candidates
/// these are 512 observations, of 256 they are 8,192. Those that come later count one by one.
const COST_MAX: usize = 1 << 29;

/// Observations by which candidates are judged one by one.
const SCREENED_BY: usize = 256;

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
pub(crate) struct Evidence<'a> {
    /// What trials have shown, sorted; those that have not finished extrapolated.
    pub(crate) observations: &'a [Observation],
    /// Configurations of trials that run: they will show something.
    pub(crate) running: &'a [usize],
    pub(crate) level: f64,
    pub(crate) margin: f64,
}

impl Listed {
    fn new(candidates: &Candidates, points: Vec<usize>, left_out: f64) -> Self {
        let mut places = vec![None; candidates.len()];
        points.iter().enumerate().for_each(|(place, point)| places[*point] = Some(place));
        Self { points, places, left_out }
    }

    /// All candidates, where they and what was shown are few. Else those by which others are judged and those that run, and the ones that are
    /// most likely to be best; of what was tried and does not count, none.
    pub(crate) fn of(candidates: &Candidates, parameters: &Parameters, evidence: &Evidence<'_>) -> Self {
        let Evidence { observations, running, level, margin } = *evidence;
        let may_be =
            |points: usize, counted: usize| points <= LISTED_MAX && points * points * counted <= COST_MAX;
        if may_be(candidates.len(), observations.len()) {
            return Self::new(candidates, (0..candidates.len()).collect(), 0.0);
        }
        let judges = lowest_and_spread(observations, SCREENED_BY);
        let chances = screening::chances(candidates, parameters, &judges, observations, level, margin);
        let fixed = judges.iter().map(|one| &one.configuration).chain(running);
        let mut points: BTreeSet<usize> = fixed.copied().collect();
        let mut shown = vec![0; candidates.len()];
        observations.iter().for_each(|one| shown[one.configuration] += 1);
        let mut counted: usize = points.iter().map(|one| shown[*one]).sum();
        let mut others: Vec<usize> = (0..candidates.len()).filter(|one| !points.contains(one)).collect();
        others.sort_by(|one, other| chances[*other].total_cmp(&chances[*one]).then(one.cmp(other)));
        let mut left_out = 0.0;
        for one in others {
            if may_be(points.len() + 1, counted + shown[one]) {
                counted += shown[one];
                points.insert(one);
            } else {
                left_out += chances[one];
            }
        }
        Self::new(candidates, points.into_iter().collect(), left_out)
    }

    /// The candidates, in the order of their places.
    pub(crate) fn points(&self) -> &[usize] {
        &self.points
    }

    /// The place of a candidate; `None` where it is not listed.
    pub(crate) fn place(&self, candidate: usize) -> Option<usize> {
        self.places.get(candidate).copied().flatten()
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
    fn observations(tried: &[usize], replicates: u32) -> Vec<Observation> {
        let value = |one: usize| 0.1 * ((one / 40 + one % 40) as f64 / 78.0) - 0.7;
        let observation = |one: usize, replicate| Observation {
            configuration: one,
            replicate,
            value: value(one),
            variance: 0.0,
        };
        tried
            .iter()
            .flat_map(|one| (0..replicates).map(move |replicate| observation(*one, replicate)))
            .collect()
    }

    #[test]
    fn what_may_be_best_is_listed_and_what_was_tried() {
        let candidates = grid();
        let tried: Vec<usize> = vec![0, 39, 45, 410, 820, 1_230, 1_560, 1_599];
        let observations = observations(&tried, 1);
        let running = [1_598];
        let evidence =
            Evidence { observations: &observations, running: &running, level: -0.65, margin: 0.01 };
        let parameters = Parameters::fit(&candidates, &observations, evidence.level);
        let listed = Listed::of(&candidates, &parameters, &evidence);
        assert_eq!(listed.points().len(), LISTED_MAX);
        assert!(tried.iter().chain(&running).all(|one| listed.place(*one).is_some()));
        let near = (0..10).flat_map(|row| (0..10).map(move |column| 40 * row + column));
        assert!(near.into_iter().all(|one| listed.place(one).is_some()), "neighbours of the best one");
        let far = (30..39).flat_map(|row| (30..39).map(move |column| 40 * row + column));
        let far = far.filter(|one| listed.place(*one).is_some()).count();
        assert!(far < 40, "{far} of 81 that are far from it");
        assert!((0.0..0.2).contains(&listed.left_out), "{}", listed.left_out);
        let places: Vec<usize> = listed.points().iter().filter_map(|one| listed.place(*one)).collect();
        assert_eq!(places, (0..LISTED_MAX).collect::<Vec<_>>());
        assert_eq!(listed.place(1_600), None, "a candidate that came in later");
    }

    /// However much was tried, what counts is bounded, and the best of it is listed.
    #[test]
    fn what_counts_is_bounded() {
        let candidates = grid();
        // All but the last columns.
        let tried: Vec<usize> = (0..1_600).filter(|one| one % 40 < 30).collect();
        let observations = observations(&tried, 3);
        let running = [1_199, 1_239];
        let evidence =
            Evidence { observations: &observations, running: &running, level: -0.65, margin: 0.01 };
        let few = crate::auto::counted::spread(&observations, 60);
        let parameters = Parameters::fit(&candidates, &few, evidence.level);
        let listed = Listed::of(&candidates, &parameters, &evidence);
        assert!(listed.points().len() <= LISTED_MAX);
        let counted = observations.iter().filter(|one| listed.place(one.configuration).is_some()).count();
        assert!(
            counted * listed.points().len().pow(2) <= 600_000_000,
            "{counted} of {}",
            listed.points().len()
        );
        assert!([0, 1, 40, 41, 80].iter().chain(&running).all(|one| listed.place(*one).is_some()));
        // What is left out was tried, and nothing is likely to be best that was seen to be bad.
        assert!(listed.left_out < 0.02, "{}", listed.left_out);
    }

    #[test]
    fn few_candidates_are_listed_all() {
        let axes = [AxisKind { is_categorical: true }];
        let points: Vec<Vec<f64>> = (0..5).map(|at| vec![f64::from(at) / 5.0]).collect();
        let candidates = Candidates::new(&axes, &points).unwrap();
        let evidence = Evidence { observations: &[], running: &[], level: 0.0, margin: 0.01 };
        let listed = Listed::of(&candidates, &Parameters::prior(1), &evidence);
        assert_eq!((listed.points(), listed.left_out), (&[0, 1, 2, 3, 4][..], 0.0));
    }
}
