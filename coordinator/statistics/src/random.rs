//! Numbers that are drawn at random, for what draws trials, replicates, orders or noise.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::distributions::normal_quantile;

/// A number below `count`, which is at least 1. The bias of a remainder is below `count` / 2⁶⁴: for a million trials
/// below 2⁻⁴⁴.
pub fn below(count: usize, random: &mut ChaCha8Rng) -> usize {
    (random.next_u64() % count as u64) as usize
}

/// A standard normal number.
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    // The middle of one of 2⁵³ equal parts of 0..1: never an end.
    normal_quantile(((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn numbers_below_are_equally_likely() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut times = [0_u32; 7];
        (0..70_000).for_each(|_| times[below(7, &mut random)] += 1);
        let chi_squared: f64 =
            times.iter().map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0).sum();
        // 99.9 % of the chi-squared distribution with six degrees of freedom.
        assert!(chi_squared < 22.46, "{times:?}");
        assert_eq!(below(1, &mut random), 0);
    }
}
