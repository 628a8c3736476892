//! Noise that is drawn at random.

use sweep_random::{Form, Stream};

use crate::distributions::normal_quantile;

/// A standard normal number.
pub fn normal<F: Form>(random: &mut Stream<F>) -> f64 {
    normal_quantile(random.inside())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_no_mean_and_a_variance_of_one() {
        let mut random = Stream::of_analysis(1);
        let drawn: Vec<f64> = (0..20_000).map(|_| normal(&mut random)).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|one| one * one).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
