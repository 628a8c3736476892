//! Vectors of neighbouring units' values at the SIMD level of the CPU, and the nonlinearities on them.

use pulp::{Arch, Simd, WithSimd};

/// Numbers of units are rounded up to a multiple of this inside: one AVX-512 register, two of AVX2.
const UNITS_MULTIPLE: usize = 16;

/// Units with those that fill the last vector up; their weights are zero, so they stay zero themselves.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(UNITS_MULTIPLE)
}

/// Which instructions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The widest that this CPU has.
    Best,
    /// Plain numbers, one at a time: what the others are checked against.
    #[cfg(test)]
    Portable,
}

impl Level {
    /// Runs a task on these instructions.
    pub(super) fn run<T: WithSimd>(self, task: T) -> T::Output {
        match self {
            Self::Best => Arch::new().dispatch(task),
            #[cfg(test)]
            Self::Portable => task.with_simd(pulp::Scalar::new()),
        }
    }

    /// Numbers in one vector.
    pub(super) fn lanes(self) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _simd: S) -> usize {
                S::F32_LANES
            }
        }
        self.run(Lanes)
    }
}

/// The vector that begins at a place.
#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&values[at..at + S::F32_LANES]).0[0]
}

/// Puts a vector at a place.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}

/// Brings some neighbouring numbers into the cache while others are worked on; where the CPU has no way to, nothing.
#[inline(always)]
pub(super) fn prefetch(values: &[f32]) {
    /// Numbers in one line of the cache.
    const LINE: usize = 16;
    #[cfg(target_arch = "x86_64")]
    for value in values.iter().step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[allow(unsafe_code, reason = "the instruction has no safe name")]
        // SAFETY: SSE is part of every x86-64 CPU. A prefetch reads nothing that the program sees and never faults.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values.chunks(LINE);
}

/// The hyperbolic tangent as a quotient: numerator and denominator.
///
/// The coefficients are those of Eigen's float `tanh` (Mozilla Public Licence 2.0 library; the numbers come
/// from a minimax fit on ±9). NaN stays NaN.
#[inline(always)]
fn tanh_quotient<S: Simd>(simd: S, value: S::f32s) -> (S::f32s, S::f32s) {
    // Beyond this bound the result is ±1 in single precision.
    const BOUND: f32 = 7.905_311;
    const ABOVE: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const BELOW: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    // Comparisons, not minimum and maximum: those may drop NaN, and a divergence must show.
    let (low, high) = (simd.splat_f32s(-BOUND), simd.splat_f32s(BOUND));
    let value = simd.select_f32s(simd.greater_than_f32s(value, high), high, value);
    let value = simd.select_f32s(simd.less_than_f32s(value, low), low, value);
    let square = simd.mul_f32s(value, value);
    (simd.mul_f32s(value, polynomial(simd, square, &ABOVE)), polynomial(simd, square, &BELOW))
}

/// The hyperbolic tangent, within 5e-7.
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    let (above, below) = tanh_quotient(simd, value);
    simd.div_f32s(above, below)
}

/// Two of them by one division, which costs as much as ten multiplications. The denominators lie between 0.004 and 1, so
/// their products stay normal.
#[inline(always)]
pub(super) fn tanh_of_two<S: Simd>(simd: S, values: [S::f32s; 2]) -> [S::f32s; 2] {
    let (above0, below0) = tanh_quotient(simd, values[0]);
    let (above1, below1) = tanh_quotient(simd, values[1]);
    let inverse = simd.div_f32s(simd.splat_f32s(1.0), simd.mul_f32s(below0, below1));
    [
        simd.mul_f32s(above0, simd.mul_f32s(inverse, below1)),
        simd.mul_f32s(above1, simd.mul_f32s(inverse, below0)),
    ]
}

/// Four of them by one division.
#[inline(always)]
pub(super) fn tanh_of_four<S: Simd>(simd: S, values: [S::f32s; 4]) -> [S::f32s; 4] {
    let (above0, below0) = tanh_quotient(simd, values[0]);
    let (above1, below1) = tanh_quotient(simd, values[1]);
    let (above2, below2) = tanh_quotient(simd, values[2]);
    let (above3, below3) = tanh_quotient(simd, values[3]);
    let (first, last) = (simd.mul_f32s(below0, below1), simd.mul_f32s(below2, below3));
    let inverse = simd.div_f32s(simd.splat_f32s(1.0), simd.mul_f32s(first, last));
    let (of_first, of_last) = (simd.mul_f32s(inverse, last), simd.mul_f32s(inverse, first));
    [
        simd.mul_f32s(above0, simd.mul_f32s(of_first, below1)),
        simd.mul_f32s(above1, simd.mul_f32s(of_first, below0)),
        simd.mul_f32s(above2, simd.mul_f32s(of_last, below3)),
        simd.mul_f32s(above3, simd.mul_f32s(of_last, below2)),
    ]
}

/// Horner's scheme, the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, at: S::f32s, coefficients: &[f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = simd.mul_add_e_f32s(sum, at, simd.splat_f32s(*coefficient));
    }
    sum
}

/// Half of a value: the logistic function is `(1 + tanh(value / 2)) / 2`.
#[inline(always)]
pub(super) fn halved<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(0.5), value)
}

/// The logistic function of a value, within 3e-7, from the `tanh` of its half.
#[inline(always)]
pub(super) fn logistic<S: Simd>(simd: S, tanh_of_half: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(half, tanh_of_half, half)
}

/// `1 - value`, times `factor`.
#[inline(always)]
pub(super) fn times_rest<S: Simd>(simd: S, factor: S::f32s, value: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(factor, value, factor)
}

/// `1 - value²`, times `factor`: what a `tanh` of this value passes back.
#[inline(always)]
pub(super) fn through_tanh<S: Simd>(simd: S, factor: S::f32s, value: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(simd.mul_f32s(factor, value), value, factor)
}

/// `value (1 - value)`, times `factor`: what a logistic function of this value passes back.
#[inline(always)]
pub(super) fn through_sigmoid<S: Simd>(simd: S, factor: S::f32s, value: S::f32s) -> S::f32s {
    times_rest(simd, simd.mul_f32s(factor, value), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to a `tanh`, beside other values at the other places, and the logistic function.
    struct Ways<'a> {
        inputs: &'a [f32],
        tanh: &'a mut [Vec<f32>; 7],
        logistic: &'a mut [f32],
    }

    impl WithSimd for Ways<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for at in (0..self.inputs.len()).step_by(S::F32_LANES) {
                let value = load::<S>(self.inputs, at);
                let (half, one) = (halved(simd, value), simd.splat_f32s(1.0));
                let results = [
                    tanh(simd, value),
                    tanh_of_two(simd, [value, half])[0],
                    tanh_of_two(simd, [half, value])[1],
                    tanh_of_four(simd, [value, half, one, half])[0],
                    tanh_of_four(simd, [one, value, half, half])[1],
                    tanh_of_four(simd, [half, one, value, one])[2],
                    tanh_of_four(simd, [half, half, half, value])[3],
                ];
                for (out, result) in self.tanh.iter_mut().zip(results) {
                    store::<S>(out, at, result);
                }
                store::<S>(self.logistic, at, logistic(simd, tanh(simd, half)));
            }
        }
    }

    fn all_ways(level: Level, inputs: &[f32]) -> ([Vec<f32>; 7], Vec<f32>) {
        let mut tanh = [(); 7].map(|()| vec![0.0; inputs.len()]);
        let mut logistic = vec![0.0; inputs.len()];
        level.run(Ways { inputs, tanh: &mut tanh, logistic: &mut logistic });
        (tanh, logistic)
    }

    #[test]
    fn nonlinearities_are_close_to_the_exact_ones() {
        let inputs: Vec<f32> = (-200_000..200_000).map(|step| step as f32 * 1e-4).collect();
        for level in [Level::Best, Level::Portable] {
            let (tanh, logistic) = all_ways(level, &inputs);
            for (place, x) in inputs.iter().enumerate() {
                let exact = f64::from(*x);
                for way in &tanh {
                    assert!((f64::from(way[place]) - exact.tanh()).abs() < 5e-7, "tanh {x}");
                }
                let expected = 1.0 / (1.0 + (-exact).exp());
                assert!((f64::from(logistic[place]) - expected).abs() < 3e-7, "logistic {x}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_stays_visible() {
        for level in [Level::Best, Level::Portable] {
            let mut inputs = [0.0_f32; 16];
            inputs[..3].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
            let (tanh, logistic) = all_ways(level, &inputs);
            assert!(logistic[0].is_nan() && logistic[2].abs() < 1e-6 && logistic[3] == 0.5);
            for way in &tanh {
                assert!(way[0].is_nan() && (way[1] - 1.0).abs() < 1e-6 && way[3] == 0.0);
            }
        }
    }
}
