//! Blocks of units that the compiler keeps in SIMD registers, and their nonlinearities.
//!
//! Values are copied into small local arrays first: the compiler sees that those do not overlap and
//! vectorises the arithmetic between. No fused multiply-add is used, so that every SIMD level gives the
//! same bits here.

/// Units handled at once: one AVX-512 register, two of AVX2.
pub(super) const LANES: usize = 16;

/// Some neighbouring units' values.
pub(super) type Lanes = [f32; LANES];

/// The values from `at`; zeros behind the end.
#[inline(always)]
pub(super) fn load(values: &[f32], at: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    if let Some(full) = values.get(at..at + LANES) {
        lanes.copy_from_slice(full);
    } else if let Some(rest) = values.get(at..) {
        lanes[..rest.len()].copy_from_slice(rest);
    }
    lanes
}

/// Puts values at `at`; those behind the end are dropped.
#[inline(always)]
pub(super) fn store(values: &mut [f32], at: usize, lanes: &Lanes) {
    if let Some(full) = values.get_mut(at..at + LANES) {
        full.copy_from_slice(lanes);
    } else if let Some(rest) = values.get_mut(at..) {
        let count = rest.len();
        rest.copy_from_slice(&lanes[..count]);
    }
}

/// The hyperbolic tangent, within 5e-7, as a quotient of polynomials.
///
/// The coefficients are those of Eigen's float `tanh` (Mozilla Public Licence 2.0 library; the numbers come
/// from a minimax fit on ±9). NaN stays NaN.
#[inline(always)]
pub(super) fn tanh(value: f32) -> f32 {
    // Beyond this bound the result is ±1 in single precision.
    const BOUND: f32 = 7.905_311;
    let x = value.clamp(-BOUND, BOUND);
    let square = x * x;
    let mut above = -2.760_768_5e-16_f32;
    above = above * square + 2.000_188e-13;
    above = above * square - 8.604_672e-11;
    above = above * square + 5.122_297e-8;
    above = above * square + 1.485_722_4e-5;
    above = above * square + 6.372_619_3e-4;
    above = above * square + 4.893_524_6e-3;
    let mut below = 1.198_258_4e-6_f32;
    below = below * square + 1.185_347_1e-4;
    below = below * square + 2.268_434_6e-3;
    below = below * square + 4.893_525e-3;
    x * above / below
}

/// The logistic function, within 3e-7.
#[inline(always)]
pub(super) fn sigmoid(value: f32) -> f32 {
    0.5 * tanh(0.5 * value) + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonlinearities_are_close_to_the_exact_ones() {
        for step in -200_000..=200_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x);
            assert!((f64::from(tanh(x)) - exact.tanh()).abs() < 5e-7, "tanh {x}");
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs() < 3e-7, "sigmoid {x}");
        }
        assert!(tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert!((tanh(f32::INFINITY) - 1.0).abs() < 1e-6 && (sigmoid(f32::NEG_INFINITY)).abs() < 1e-6);
        assert!(tanh(0.0) == 0.0);
    }

    #[test]
    fn blocks_at_the_end_are_cut() {
        let values: Vec<f32> = (0..20).map(|one| one as f32).collect();
        let lanes = load(&values, 16);
        assert_eq!(lanes[..5], [16.0, 17.0, 18.0, 19.0, 0.0]);
        let mut out = vec![0.0; 20];
        store(&mut out, 16, &lanes);
        assert_eq!(out[15..], [0.0, 16.0, 17.0, 18.0, 19.0]);
    }
}
