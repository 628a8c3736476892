//! Uniformly random configurations, none of them twice.

use sweep_proto::Configuration;
use sweep_proto::random::Stream;

use super::{Asked, Found, Kept, Nothing, Sampler, among_points, few_places, left, whole};
use crate::space::Space;

/// Draws of a configuration that only a forecast asks for.
const SOME_DRAWS_MAX: usize = 100;

pub(super) struct Random;

impl Sampler for Random {
    fn ahead(&self) -> u64 {
        64
    }

    fn propose(&self, asked: &Asked<'_>, _: &mut Kept) -> Result<Found, Nothing> {
        whole(asked, || {
            let made = asked.seen.configurations();
            let mut random = Stream::new(asked.seed, "random sampler", made);
            // Each configuration is drawn by itself.
            Ok((new_configuration(asked, &mut random)?, asked.from))
        })
    }
}

/// A configuration that was not made, each equally likely.
pub(super) fn new_configuration(asked: &Asked<'_>, random: &mut Stream) -> Result<Configuration, Nothing> {
    if let Some((_, configuration)) = among_points(asked, 0, |_| draw(asked.space, random))? {
        return Ok(configuration);
    }
    let places = few_places(asked.space).unwrap_or(0);
    left(asked, random.below(places.max(1)))
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
