//! The configurations of a search as its estimators see them, kept up to date from one proposal to the next.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use sweep_proto::Configuration;

use super::kernels::Kernels;
use super::memory::Memory;
use super::mixture::Mixture;
use super::scale::{ABSENT, Scale};
use super::standing::Standing;
use crate::history::{Ended, Seen};
use crate::space::Space;

/// New configurations that are put in their order one by one; more are sorted.
const INSERTED_MAX: usize = 32;

/// What is known of the configurations of a search, each under its number.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    space: Space,
    scales: Vec<Scale>,
    axes: Vec<Along>,
    outcomes: Vec<Outcome>,
    /// The number of the last end that was taken into account.
    known: u64,
    ranking: BTreeSet<(Standing, u32)>,
    /// Configurations without a standing: they run, or failed.
    unranked: BTreeSet<u32>,
    /// What is remembered of either mixture's kernels, along each axis.
    memories: [Vec<Memory>; 2],
}

/// The configurations along one axis.
#[derive(Clone, Debug, Default)]
struct Along {
    places: Vec<f64>,
    /// Those that have a value: places, ascending, with the numbers.
    ascending: Vec<(f64, u32)>,
}

/// What has ended of a configuration.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// Of each replicate that has ended, in their order.
    ends: Vec<(u32, Ended)>,
    standing: Option<Standing>,
}

/// The two mixtures of a proposal: of good configurations, and of all others.
pub(super) struct Mixtures {
    pub(super) below: Mixture,
    pub(super) above: Mixture,
}

/// Observations at one place stand in the order in which they were made.
fn by_place(left: &(f64, u32), right: &(f64, u32)) -> Ordering {
    left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))
}

impl Along {
    fn insert(&mut self, entry: (f64, u32)) {
        if let Err(at) = self.ascending.binary_search_by(|other| by_place(other, &entry)) {
            self.ascending.insert(at, entry);
        }
    }

    fn remove(&mut self, entry: (f64, u32)) {
        if let Ok(at) = self.ascending.binary_search_by(|other| by_place(other, &entry)) {
            self.ascending.remove(at);
        }
    }
}

impl Trials {
    /// Of a search that nothing is known of.
    pub(super) fn new(space: &Space) -> Self {
        let scales: Vec<Scale> = space.axes().iter().map(Scale::of).collect();
        let axes = scales.len();
        Self {
            space: space.clone(),
            scales,
            axes: vec![Along::default(); axes],
            outcomes: Vec::new(),
            known: 0,
            ranking: BTreeSet::new(),
            unranked: BTreeSet::new(),
            memories: [vec![Memory::default(); axes], vec![Memory::default(); axes]],
        }
    }

    /// Whether they are of that space.
    pub(super) fn are_of(&self, space: &Space) -> bool {
        self.space == *space
    }

    /// Forgets the configurations from that number on, of which no trial has ended.
    pub(crate) fn forget_from(&mut self, configurations: u64) {
        while self.outcomes.len() as u64 > configurations {
            self.outcomes.pop();
            let number = self.outcomes.len() as u32;
            self.unranked.remove(&number);
            for along in &mut self.axes {
                if let Some(place) = along.places.pop() {
                    along.remove((place, number));
                }
            }
        }
    }

    /// Takes over what was made and has ended.
    pub(super) fn learn(&mut self, seen: Seen<'_>) {
        if seen.known() < self.known {
            *self = Self::new(&self.space);
        }
        let first = self.outcomes.len() as u32;
        for number in first..seen.configurations() as u32 {
            let Some(configuration) = seen.configuration(number) else { break };
            let places = self.places(configuration);
            self.axes.iter_mut().zip(places).for_each(|(along, place)| along.places.push(place));
            self.outcomes.push(Outcome::default());
            self.unranked.insert(number);
        }
        for along in &mut self.axes {
            let new = (first..).zip(along.places.iter().skip(first as usize));
            let new: Vec<_> =
                new.map(|(number, place)| (*place, number)).filter(|(place, _)| !place.is_nan()).collect();
            if new.len() <= INSERTED_MAX {
                new.into_iter().for_each(|entry| along.insert(entry));
            } else {
                along.ascending.extend(new);
                along.ascending.sort_unstable_by(by_place);
            }
        }
        for (number, replicate, ended) in seen.ended_after(self.known) {
            self.end(number, replicate, ended);
            self.known = ended.number;
        }
    }

    fn end(&mut self, number: u32, replicate: u32, ended: Ended) {
        let Some(outcome) = self.outcomes.get_mut(number as usize) else { return };
        let at = outcome.ends.partition_point(|(one, _)| *one < replicate);
        // Most have one replicate, and there are many of them.
        outcome.ends.reserve_exact(1);
        outcome.ends.insert(at, (replicate, ended));
        let standing = Standing::of(&outcome.ends);
        let before = std::mem::replace(&mut outcome.standing, standing);
        if let Some(standing) = before {
            self.ranking.remove(&(standing, number));
        }
        if let Some(standing) = outcome.standing {
            self.ranking.insert((standing, number));
            self.unranked.remove(&number);
        }
    }

    /// Along each axis the place of a configuration.
    pub(super) fn places(&self, configuration: &Configuration) -> Vec<f64> {
        let axes = self.space.axes().iter().zip(&self.scales);
        let place = |(axis, scale): (&sweep_proto::Axis, &Scale)| {
            let is_active = axis.is_active(configuration);
            if is_active { scale.place(axis, &configuration.get(axis.hyperparameter)) } else { ABSENT }
        };
        axes.map(place).collect()
    }

    pub(super) fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// Number of configurations that have a standing.
    pub(super) fn ranked(&self) -> usize {
        self.ranking.len()
    }

    /// Good configurations, at most that many, in the order of their numbers. None that has diverged is good.
    pub(super) fn good(&self, most: usize) -> Vec<u32> {
        let ranked = self.ranking.iter().filter(|(standing, _)| *standing != Standing::Diverged);
        let mut good: Vec<u32> = ranked.take(most).map(|(_, number)| *number).collect();
        good.sort_unstable();
        good
    }

    /// The weight of each configuration among the bad: all but the good and those that have failed, with those that run.
    pub(super) fn bad(&self, seen: Seen<'_>, good: &[u32]) -> Vec<f64> {
        let has_failed = |number: &u32| {
            let ended = self.outcomes.get(*number as usize).map_or(0, |outcome| outcome.ends.len());
            ended >= seen.trials_of(*number) as usize
        };
        let failed = self.unranked.iter().copied().filter(has_failed);
        let left_out: BTreeSet<u32> = good.iter().copied().chain(failed).collect();
        let count = self.outcomes.len() - left_out.len();
        let mut left_out = left_out.into_iter().peekable();
        let mut turn = 0;
        let weight = |number| {
            if left_out.next_if_eq(&number).is_some() {
                return 0.0;
            }
            turn += 1;
            age_weight(turn - 1, count)
        };
        (0..self.outcomes.len() as u32).map(weight).collect()
    }

    /// The mixtures of the best `most` configurations and of all others, those that run included; `None` where none is good.
    pub(super) fn mixtures(&self, seen: Seen<'_>, most: usize) -> Option<Mixtures> {
        let good = self.good(most);
        if good.is_empty() {
            return None;
        }
        let weights = self.bad(seen, &good);
        let below = self.axes.iter().zip(&self.scales).map(|(along, scale)| {
            let place = |(index, number): (u32, &u32)| (along.places[*number as usize], index);
            let mut places: Vec<(f64, u32)> =
                (0..).zip(&good).map(place).filter(|(place, _)| !place.is_nan()).collect();
            places.sort_unstable_by(by_place);
            Kernels::new(scale, &places, good.len())
        });
        let above = self.axes.iter().zip(&self.scales).map(|(along, scale)| {
            let is_other = |(_, number): &&(f64, u32)| weights[*number as usize] > 0.0;
            let places: Vec<(f64, u32)> = along.ascending.iter().filter(is_other).copied().collect();
            Kernels::new(scale, &places, weights.len())
        });
        let (below, above) = (below.collect(), above.collect());
        let of_good = (0..good.len()).map(|turn| age_weight(turn, good.len())).collect();
        Some(Mixtures { below: Mixture::new(of_good, below), above: Mixture::new(weights, above) })
    }

    /// What is remembered of the kernels below and above.
    pub(super) fn memories(&mut self) -> (&[Scale], &mut [Vec<Memory>; 2]) {
        (&self.scales, &mut self.memories)
    }
}

/// Newest observations, of weight 1.
const WHOLE: usize = 25;

/// The weight of an observation by its turn among `count`, oldest first: the newest ones have weight 1, the others less with their age.
pub(super) fn age_weight(turn: usize, count: usize) -> f64 {
    let old = count.saturating_sub(WHOLE);
    if turn >= old {
        return 1.0;
    }
    let first = 1.0 / count as f64;
    if old == 1 { first } else { first + turn as f64 * ((1.0 - first) / (old - 1) as f64) }
}
