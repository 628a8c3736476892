//! Points of an Owen-scrambled Sobol sequence, one after another: what a constraint forbids or stands for a known configuration
//! is left out.

use sobol_burley::{NUM_DIMENSIONS, sample};
use sweep_proto::random::Stream;

use super::{Asked, Found, Kept, Nothing, Sampler, among_points, few_places, left, whole};

/// Points of one scrambling; the next ones are of another.
const POINTS: u64 = 1 << 16;

pub(super) struct Sobol;

impl Sampler for Sobol {
    fn ahead(&self) -> u64 {
        64
    }

    fn propose(&self, asked: &Asked<'_>, _: &mut Kept) -> Result<Found, Nothing> {
        whole(asked, || {
            let dimensions = asked.space.axes().len() as u32;
            if dimensions > NUM_DIMENSIONS {
                return Err(Nothing::Failed(format!(
                    "a Sobol sequence has at most {NUM_DIMENSIONS} dimensions, and {dimensions} hyperparameters are swept; sweep \
                     fewer, or choose the sampler random"
                )));
            }
            // Each configuration took at least one point, so those before are used or left out for good.
            let first = asked.seen.configurations().max(asked.from);
            let found = among_points(asked, first, |number| {
                let scrambling =
                    Stream::new(asked.seed, "sobol sampler", number / POINTS).below(1 << 32) as u32;
                let coordinate = |axis| f64::from(sample((number % POINTS) as u32, axis, scrambling));
                let point: Vec<f64> = (0..dimensions).map(coordinate).collect();
                asked.space.configuration(&point)
            })?;
            // Where every point was new, and where there are few places, the number of configurations says enough.
            let says_enough =
                |number| number == asked.seen.configurations() || few_places(asked.space).is_some();
            match found {
                Some((number, configuration)) if says_enough(number) => Ok((configuration, asked.from)),
                Some((number, configuration)) => Ok((configuration, number + 1)),
                None => Ok((left(asked, 0)?, asked.from)),
            }
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
