//! Every configuration of a space of levels and steps, each once: in the order of the grid, or in a shuffled one.

use sweep_proto::random::Stream;

use super::watch::first_new;
use super::{Asked, Found, Kept, Nothing, Sampler, found_none, whole};

/// What may be computed for one proposal, which takes some seconds: an axis or a term of a constraint, at one place. No grid that a
/// sweep file may list has as much.
const COMPUTED_MAX: u64 = 500_000_000;

pub(super) struct Grid {
    pub(super) is_shuffled: bool,
}

impl Sampler for Grid {
    fn ahead(&self) -> u64 {
        64
    }

    fn propose(&self, asked: &Asked<'_>, _: &mut Kept) -> Result<Found, Nothing> {
        whole(asked, || {
            let space = asked.space;
            let (Some(places), Some(mut look)) = (space.places(), space.look()) else {
                return Err(Nothing::Failed(
                    "a grid needs levels, or ranges with a step, and at most 2^64 places; give each range of real numbers a \
                     step, or choose another sampler"
                        .to_owned(),
                ));
            };
            let order = self.is_shuffled.then(|| Shuffle::new(asked.seed, places));
            let last = places.min(asked.from.saturating_add(COMPUTED_MAX / space.terms().max(1)));
            let place = |turn| order.as_ref().map_or(turn, |order| order.place(turn));
            match first_new(asked, asked.from..last, |turn| look.allowed_at(place(turn))) {
                Ok((turn, configuration)) => Ok((configuration, turn + 1)),
                Err(Nothing::Exhausted) if last < places => {
                    Err(Nothing::GaveUp(found_none(last - asked.from, "places of the grid")))
                }
                Err(other) => Err(other),
            }
        })
    }
}

/// Rounds of the Feistel network: from four on its permutations are as good as random ones.
const ROUNDS: usize = 6;

/// A permutation of a number of places, of which each is computed without the others: a Feistel network over the next even
/// number of bits, walked until it ends at a place.
struct Shuffle {
    keys: [u64; ROUNDS],
    places: u64,
    half_bits: u32,
}

impl Shuffle {
    fn new(seed: u64, places: u64) -> Self {
        let mut random = Stream::new(seed, "shuffled grid", 0);
        let bits = 64 - places.saturating_sub(1).leading_zeros();
        Self {
            keys: std::array::from_fn(|_| random.below(u64::MAX)),
            places,
            half_bits: bits.div_ceil(2).max(1),
        }
    }

    fn place(&self, turn: u64) -> u64 {
        let mut place = self.step(turn);
        while place >= self.places {
            place = self.step(place);
        }
        place
    }

    fn step(&self, number: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// The finalizer of SplitMix64.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_shuffle_visits_every_place_once_in_another_order() {
        for places in [1, 2, 3, 17, 64, 1000] {
            let order = Shuffle::new(7, places);
            let all: Vec<u64> = (0..places).map(|turn| order.place(turn)).collect();
            assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), (0..places).collect());
            assert!(places < 64 || all.windows(2).any(|pair| pair[0] > pair[1]));
        }
    }

    #[test]
    fn every_place_is_equally_likely_at_first() {
        let mut times = [0_u32; 10];
        (0..10_000).for_each(|seed| times[Shuffle::new(seed, 10).place(0) as usize] += 1);
        let chi_squared: f64 = times.iter().map(|count| (f64::from(*count) - 1e3).powi(2) / 1e3).sum();
        // 99.9 % of the chi-squared distribution with nine degrees of freedom.
        assert!(chi_squared < 27.88, "{times:?}");
    }
}
