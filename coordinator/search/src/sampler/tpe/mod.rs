//! TPE, tree-structured Parzen estimators (Bergstra et al. 2011): estimates the density of good configurations and that of bad ones, draws
//! candidates from the first, and proposes the candidate with the highest ratio of the two.
//!
//! The densities are those of Optuna 5 (Watanabe 2023, arXiv 2304.11127): each observation is a product of kernels over all axes, as wide
//! as its neighbours are far; there is a prior; old observations weigh less. Configurations that run count among the bad ones
//! ("constant liar"), so that workers do not all try the same.
//!
//! What differs from Optuna: where the conditions of an axis do not hold, an observation has the prior there, so a conditional space has one joint
//! density. Levels that are numbers are ordered. The replicates of a configuration are one observation with their mean score. A candidate that was
//! made before or breaks a constraint is drawn again.

mod kernels;
mod memory;
mod mixture;
mod normal;
mod scale;
mod standing;
mod trials;

use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use super::random::new_configuration;
use super::watch::first_new;
use super::{Asked, Found, Kept, Nothing, Sampler, whole};
use mixture::{CANDIDATES, Each};
use scale::ABSENT;
use trials::Mixtures;
pub(super) use trials::Trials;

/// Ranked configurations from which on candidates are drawn from a density; until then configurations are random.
const RANDOM_FIRST: usize = 10;

/// One good configuration for this number of ranked ones.
const ONE_IN: usize = 10;

/// The most configurations that are good.
const GOOD_MAX: usize = 25;

/// Most draws from the density of good configurations for one proposal. If they find no new configuration, it is drawn at random.
const DRAWS_MAX: u64 = 2_000;

pub(super) struct Tpe;

impl Sampler for Tpe {
    fn ahead(&self) -> u64 {
        1
    }

    fn propose(&self, asked: &Asked<'_>, kept: &mut Kept) -> Result<Found, Nothing> {
        whole(asked, || {
            let mut random = Stream::new(asked.seed, "tpe sampler", asked.seen.configurations());
            let trials = kept.trials(asked);
            let ranked = trials.ranked();
            let mixtures =
                if ranked < RANDOM_FIRST { None } else { trials.mixtures(asked.seen, good(ranked)) };
            let chosen = match mixtures {
                Some(mixtures) => best(asked, trials, &mixtures, &mut random)?,
                None => None,
            };
            let configuration = match chosen {
                Some(configuration) => configuration,
                None => new_configuration(asked, &mut random)?,
            };
            Ok((configuration, asked.from))
        })
    }
}

/// Number of good ones among ranked configurations.
fn good(ranked: usize) -> usize {
    ranked.div_ceil(ONE_IN).min(GOOD_MAX)
}

impl Kept {
    /// The trials that a search has had, as they are known now.
    fn trials(&mut self, asked: &Asked<'_>) -> &mut Trials {
        let kept = self.0.take().filter(|trials| trials.are_of(asked.space));
        let trials = self.0.insert(kept.unwrap_or_else(|| Box::new(Trials::new(asked.space))));
        trials.learn(asked.seen);
        trials
    }
}

/// The best candidate, the first among equal ones; `None` where none is new.
fn best(
    asked: &Asked<'_>,
    trials: &mut Trials,
    mixtures: &Mixtures,
    random: &mut Stream,
) -> Result<Option<Configuration>, Nothing> {
    let candidates = candidates(asked, trials, mixtures, random)?;
    let mut places: Vec<Each> = vec![[ABSENT; CANDIDATES]; asked.space.axes().len()];
    for (at, candidate) in candidates.iter().enumerate() {
        let along = places.iter_mut().zip(trials.places(candidate));
        along.for_each(|(along, place)| along[at] = place);
    }
    let (scales, [of_below, of_above]) = trials.memories();
    let below = mixtures.below.relative_densities(scales, &places, of_below);
    let above = mixtures.above.relative_densities(scales, &places, of_above);
    // Either is divided by the prior's density, which their ratio does not hold.
    let ratios = below.iter().zip(above).map(|(below, above)| below / above);
    let mut best: Option<(f64, Configuration)> = None;
    for (ratio, candidate) in ratios.zip(candidates) {
        if best.as_ref().is_none_or(|(highest, _)| ratio > *highest) {
            best = Some((ratio, candidate));
        }
    }
    Ok(best.map(|(_, configuration)| configuration))
}

/// New configurations that were drawn from the density of the good.
fn candidates(
    asked: &Asked<'_>,
    trials: &Trials,
    mixtures: &Mixtures,
    random: &mut Stream,
) -> Result<Vec<Configuration>, Nothing> {
    let scales = trials.scales();
    let mut draw = || {
        let places = mixtures.below.draw(scales, random);
        let point: Vec<f64> =
            scales.iter().zip(places).map(|(scale, place)| scale.coordinate(place)).collect();
        asked.space.configuration(&point)
    };
    let mut found = Vec::with_capacity(CANDIDATES);
    let mut draws = 0;
    while found.len() < CANDIDATES {
        match first_new(asked, draws..DRAWS_MAX, |_| draw()) {
            Ok((at, configuration)) => {
                found.push(configuration);
                draws = at + 1;
            }
            Err(Nothing::Exhausted) => break,
            Err(other) => return Err(other),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
