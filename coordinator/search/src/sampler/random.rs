//! Uniformly random configurations, none of them twice.

use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use super::{Asked, Nothing, PLACES_MAX, Sampler, left, whole};
use crate::proposal::Proposal;
use crate::space::Space;

/// Draws before a configuration counts as not to be found: constraints that leave a thousandth of a space pass.
const DRAWS_MAX: usize = 20_000;

/// Draws of a configuration that only a forecast asks for.
const SOME_DRAWS_MAX: usize = 100;

pub(super) struct Random;

impl Sampler for Random {
    fn ahead(&self) -> u64 {
        64
    }

    fn propose(&self, asked: &Asked<'_>) -> Result<Proposal, Nothing> {
        whole(asked, |made| {
            let mut random = Stream::new(asked.seed, "random sampler", made);
            let places = asked.space.places().filter(|places| *places <= PLACES_MAX);
            // Where few places are left, looking at all of them is quicker than to draw one of these.
            let draws = places.map_or(DRAWS_MAX, |places| DRAWS_MAX.min(64 + places as usize));
            for _ in 0..draws {
                let drawn = draw(asked.space, &mut random);
                if let Some(configuration) = drawn.filter(|drawn| !asked.seen.has(drawn)) {
                    return Ok(configuration);
                }
            }
            let places = places.ok_or_else(|| {
                Nothing::Failed(format!(
                    "of {DRAWS_MAX} random configurations, each breaks a constraint or was tried before: relax the constraints"
                ))
            })?;
            left(asked, places, random.below(places.max(1)))
        })
    }
}

/// Some configuration of a space, for forecasts; the same for the same number.
pub fn some_configuration(space: &Space, seed: u64, number: u64) -> Option<Configuration> {
    let mut random = Stream::new(seed, "some configuration", number);
    (0..SOME_DRAWS_MAX).find_map(|_| draw(space, &mut random))
}

/// A configuration at a random point, where no constraint forbids it.
fn draw(space: &Space, random: &mut Stream) -> Option<Configuration> {
    let point: Vec<f64> = space.axes().iter().map(|_| random.inside()).collect();
    space.configuration(&point)
}
