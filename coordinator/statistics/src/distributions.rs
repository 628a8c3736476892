//! The distributions behind intervals and tests: quantiles and tails, and the studentised range.

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, StudentsT};
use statrs::function::erf::{erfc, erfc_inv};

/// The confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// The quantile of Student's t at `probability`; `None` without degrees of freedom.
pub fn t_quantile(probability: f64, degrees_of_freedom: f64) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some(t.inverse_cdf(probability)).filter(|quantile| quantile.is_finite())
}

/// The factor of a standard error that makes a two-sided interval of [`CONFIDENCE`].
pub fn t_critical(degrees_of_freedom: f64) -> Option<f64> {
    t_quantile(f64::midpoint(CONFIDENCE, 1.0), degrees_of_freedom)
}

/// The probability that |t| is at least that large.
pub fn t_two_sided(t: f64, degrees_of_freedom: f64) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some((2.0 * student.sf(t.abs())).clamp(0.0, 1.0)).filter(|p| p.is_finite())
}

/// The probability that F is at least that large.
pub fn f_tail(f: f64, numerator: f64, denominator: f64) -> Option<f64> {
    if f == f64::INFINITY {
        return Some(0.0);
    }
    Some(FisherSnedecor::new(numerator, denominator).ok()?.sf(f)).filter(|p| p.is_finite())
}

/// The probability that χ² is at least that large.
pub fn chi_squared_tail(chi_squared: f64, degrees_of_freedom: f64) -> Option<f64> {
    let tail = ChiSquared::new(degrees_of_freedom).ok()?.sf(chi_squared.max(0.0));
    Some(tail).filter(|p| p.is_finite())
}

/// The F that is exceeded with that probability.
pub fn f_critical(probability: f64, numerator: f64, denominator: f64) -> Option<f64> {
    let critical = FisherSnedecor::new(numerator, denominator).ok()?.inverse_cdf(1.0 - probability);
    Some(critical).filter(|f| f.is_finite())
}

/// The density of the standard normal distribution.
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The probability that a standard normal number is above `z`.
pub fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The `z` below which a standard normal number lies with that probability.
pub fn normal_quantile(probability: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * probability)
}

/// Scales √(ν / χ²) by which a standard deviation, estimated with ν degrees of freedom, may be wrong: as many
/// equally probable ones as the heavy tail of few degrees of freedom needs.
pub fn scale_nodes(degrees_of_freedom: f64) -> Vec<f64> {
    let Ok(chi_squared) = ChiSquared::new(degrees_of_freedom) else { return Vec::new() };
    let count = match degrees_of_freedom {
        ..30.0 => 200,
        30.0..1_000.0 => 40,
        _ => 10,
    };
    (0..count)
        .map(|at| (f64::from(at) + 0.5) / f64::from(count))
        .map(|probability| (degrees_of_freedom / chi_squared.inverse_cdf(probability)).sqrt())
        .collect()
}

/// Steps of the trapezoidal rule over a normal number; its error is far below that of [`scale_nodes`].
const STEPS: u32 = 64;
/// Standard deviations beyond which a normal number adds nothing that a double could hold beside one.
const FAR: f64 = 8.0;

/// The probability that the studentised range of `groups` means is at most `range`.
///
/// Tukey's distribution as an integral over the smallest mean and the scale; see Lund and Lund, "Probabilities
/// and Upper Quantiles for the Studentized Range", *Applied Statistics* 32 (1983).
fn studentised_range_below(range: f64, groups: u32, scales: &[f64]) -> f64 {
    let step = 2.0 * FAR / f64::from(STEPS);
    let others = f64::from(groups - 1);
    let of_scale = |scale: &f64| -> f64 {
        // A scale says by how much the standard deviation may be underestimated: the range shrinks by it.
        let reach = range / scale;
        (0..=STEPS)
            .map(|at| f64::from(at).mul_add(step, -FAR))
            .map(|z| {
                let between = (normal_tail(z) - normal_tail(z + reach)).clamp(0.0, 1.0);
                f64::from(groups) * normal_density(z) * between.powf(others) * step
            })
            .sum()
    };
    scales.iter().map(of_scale).sum::<f64>() / scales.len().max(1) as f64
}

/// The studentised range that is exceeded with probability 1 - [`CONFIDENCE`]; `None` below two groups or
/// without degrees of freedom.
pub fn studentised_range_critical(groups: u32, degrees_of_freedom: f64) -> Option<f64> {
    let scales = scale_nodes(degrees_of_freedom);
    if groups < 2 || scales.is_empty() {
        return None;
    }
    let excess = |range: f64| studentised_range_below(range, groups, &scales) - CONFIDENCE;
    let (mut low, mut high) = (0.0, 4.0);
    let (mut below, mut above) = (-CONFIDENCE, excess(high));
    while above < 0.0 {
        (low, below, high) = (high, above, high * 2.0);
        above = excess(high);
        if high > 1e6 {
            return None;
        }
    }
    // Regula falsi of the Illinois kind: as sure as halving, in a fifth of the steps.
    let mut side = 0;
    for _ in 0..60 {
        let middle = (low * above - high * below) / (above - below);
        let found = excess(middle);
        if found.abs() < 1e-9 || high - low < 1e-9 * high {
            return Some(middle);
        }
        if found < 0.0 {
            (low, below) = (middle, found);
            above *= if side < 0 { 0.5 } else { 1.0 };
            side = -1;
        } else {
            (high, above) = (middle, found);
            below *= if side > 0 { 0.5 } else { 1.0 };
            side = 1;
        }
    }
    Some(f64::midpoint(low, high))
}

/// Probabilities corrected for their number, in their order: Holm, "A Simple Sequentially Rejective Multiple
/// Test Procedure", *Scandinavian Journal of Statistics* 6 (1979).
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|left, right| probabilities[*left].total_cmp(&probabilities[*right]));
    let mut corrected = vec![1.0; probabilities.len()];
    let mut largest = 0.0_f64;
    for (rank, at) in order.iter().enumerate() {
        largest = largest.max(probabilities[*at] * (probabilities.len() - rank) as f64);
        corrected[*at] = largest.min(1.0);
    }
    corrected
}
