//! Points of an Owen-scrambled Sobol sequence, one after another: what a constraint forbids or stands for a known configuration
//! is left out.

use sobol_burley::{NUM_DIMENSIONS, sample};
use sweep_proto::random::Stream;

use super::{Asked, Nothing, PLACES_MAX, Sampler, left, whole};
use crate::proposal::Proposal;

/// Points of one scrambling; the next ones are of another.
const POINTS: u64 = 1 << 16;

/// Points in a row that may be left out.
const LEFT_OUT_MAX: u64 = 20_000;

pub(super) struct Sobol;

impl Sampler for Sobol {
    fn ahead(&self) -> u64 {
        64
    }

    fn propose(&self, asked: &Asked<'_>) -> Result<Proposal, Nothing> {
        whole(asked, |made| {
            let dimensions = asked.space.axes().len() as u32;
            if dimensions > NUM_DIMENSIONS {
                return Err(Nothing::Failed(format!("a Sobol sequence has at most {NUM_DIMENSIONS} axes")));
            }
            let places = asked.space.places().filter(|places| *places <= PLACES_MAX);
            let most = places.map_or(LEFT_OUT_MAX, |places| LEFT_OUT_MAX.min(64 + places));
            // Each configuration took at least one point, so those before are used or left out for good.
            for number in made..made + most {
                let scrambling =
                    Stream::new(asked.seed, "sobol sampler", number / POINTS).below(1 << 32) as u32;
                let coordinate = |axis| f64::from(sample((number % POINTS) as u32, axis, scrambling));
                let point: Vec<f64> = (0..dimensions).map(coordinate).collect();
                let configuration = asked.space.configuration(&point);
                if let Some(configuration) = configuration.filter(|one| !asked.seen.has(one)) {
                    return Ok(configuration);
                }
            }
            let places = places.ok_or_else(|| {
                Nothing::Failed(format!(
                    "of {LEFT_OUT_MAX} points of the sequence, each breaks a constraint or was tried before: relax the constraints"
                ))
            })?;
            left(asked, places, 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sixteenth_of_an_axis_has_one_of_sixteen_points() {
        for axis in 0..8 {
            let mut parts = [0; 16];
            (0..16).for_each(|number| parts[(sample(number, axis, 7) * 16.0) as usize] += 1);
            assert_eq!(parts, [1; 16], "axis {axis}");
        }
    }
}
