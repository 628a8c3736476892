//! The normal distribution: its tail, its quantiles, and numbers drawn from it, to the same bits on every machine.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use sweep_proto::random::Stream;

/// The chance of a standard normal number below `x`.
pub(crate) fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The number below which a standard normal number is with a chance in `(0, 1)`, by bisection: it is asked a few times a search.
pub(crate) fn quantile(chance: f64) -> f64 {
    /// Beyond them a chance differs from 0 and 1 by less than the smallest one that is asked for.
    const FAR: f64 = 40.0;
    let (mut low, mut high) = (-FAR, FAR);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if below(middle) < chance {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Two independent standard normal numbers (Box and Muller).
pub(crate) fn pair(random: &mut Stream) -> [f64; 2] {
    let radius = (-2.0 * libm::log(random.inside())).sqrt();
    let (sine, cosine) = libm::sincos(2.0 * PI * random.inside());
    [radius * cosine, radius * sine]
}

/// That many standard normal numbers, one after another.
pub(crate) fn numbers(random: &mut Stream, count: usize) -> Vec<f64> {
    let mut drawn: Vec<f64> = (0..count.div_ceil(2)).flat_map(|_| pair(random)).collect();
    drawn.truncate(count);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables_and_lead_back() {
        // scipy.stats.norm.ppf
        for (chance, expected) in
            [(0.975, 1.959_963_984_540_054), (0.5, 0.0), (1.0 / 30.0, -1.833_914_635_815_914_6)]
        {
            assert!((quantile(chance) - expected).abs() < 1e-9, "{chance}: {}", quantile(chance));
            assert!((below(quantile(chance)) - chance).abs() < 1e-15);
        }
    }

    #[test]
    fn drawn_numbers_have_the_moments_of_the_normal_distribution() {
        let drawn = numbers(&mut Stream::new(1, "normal", 0), 40_001);
        let moment = |power: i32| drawn.iter().map(|one| one.powi(power)).sum::<f64>() / drawn.len() as f64;
        let (mean, square, fourth) = (moment(1), moment(2), moment(4));
        assert_eq!(drawn.len(), 40_001);
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.03 && (fourth - 3.0).abs() < 0.15);
    }
}
