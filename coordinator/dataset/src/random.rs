//! Random draws that depend on a seed and a purpose only.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweep_proto::Digest;

/// A generator for one purpose: other purposes never see its numbers.
pub(crate) fn generator(seed: u64, purpose: &str) -> ChaCha20Rng {
    let key = Digest::of(format!("dataset/{purpose}/{seed}").as_bytes());
    ChaCha20Rng::from_seed(*key.as_bytes())
}

/// A number below `bound`, every one equally likely: draws from the uneven rest are thrown away.
fn below(generator: &mut ChaCha20Rng, bound: u64) -> u64 {
    let rest = u64::MAX - u64::MAX % bound;
    loop {
        let draw = generator.next_u64();
        if draw < rest {
            return draw % bound;
        }
    }
}

/// Brings a slice into random order (Fisher and Yates, in Durstenfeld's form).
pub(crate) fn shuffle<T>(generator: &mut ChaCha20Rng, items: &mut [T]) {
    for end in (1..items.len()).rev() {
        let other = below(generator, end as u64 + 1) as usize;
        items.swap(end, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_purpose_fix_the_order() {
        let order = |seed, purpose| {
            let mut items: Vec<u32> = (0..100).collect();
            shuffle(&mut generator(seed, purpose), &mut items);
            items
        };
        assert_eq!(order(1, "test"), order(1, "test"));
        assert_ne!(order(1, "test"), order(2, "test"));
        assert_ne!(order(1, "test"), order(1, "validation"));
        let mut sorted = order(1, "test");
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
