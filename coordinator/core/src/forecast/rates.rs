//! Seconds per quantity of work on one kind of device: a few coefficients, fitted to measured epochs.

use sweep_proto::DeviceKind;

use super::work::{QUANTITIES, Work};

/// Seconds per unit of each quantity on one of two busy virtual cores of an AMD EPYC (Zen 4), fitted to the epochs of
/// `tests/all/durations/`. Other processors differ by one factor, which the first measurement tells.
const REFERENCE_CPU: [f64; QUANTITIES] = [1.6e-11, 2.3e-11, 2.0e-10, 1.2e-9, 5.0e-5, 1.2e-6, 1.2e-8, 7.0e-3];
/// The same on a GPU, which launches some eighty kernels for each time step (docs/benchmarks.md).
const REFERENCE_GPU: [f64; QUANTITIES] = [2.0e-13, 2.0e-13, 1.0e-12, 1.0e-11, 4.0e-4, 2.5e-4, 8.0e-9, 6.0e-3];
/// How much the reference's proportions count, in measurements: they decide what nothing was measured of, and little
/// else once a few configurations were.
const REFERENCE_WEIGHT: f64 = 0.1;
/// Rounds of coordinate descent. The problem is strictly convex and has eight variables.
const ROUNDS: usize = 400;
/// Change of a coefficient, relative to the reference, below which the fit has converged.
const CONVERGED: f64 = 1e-9;

/// The measured time of some work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What was done.
    pub work: Work,
    /// How long it took; above zero.
    pub seconds: f64,
}

/// Seconds per unit of each quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    seconds: [f64; QUANTITIES],
    /// Typical error of one measurement, relative to it; `None` where too little was measured to tell.
    pub error: Option<f64>,
}

impl Rates {
    /// Fits the coefficients to what was measured, by least squares of relative errors: none is negative, and what the
    /// measurements leave open has the reference's proportions. Without a measurement there are no rates.
    pub fn fit(kind: DeviceKind, measured: &[Measured]) -> Option<Self> {
        let reference = Self::reference(kind).seconds;
        let usable: Vec<&Measured> = measured
            .iter()
            .filter(|one| one.seconds.is_finite() && one.seconds > 0.0 && dot(&reference, &one.work.0) > 0.0)
            .collect();
        if usable.is_empty() {
            return None;
        }
        // How much slower this device is than the reference.
        let logs = usable.iter().map(|one| (one.seconds / dot(&reference, &one.work.0)).ln());
        let factor = (logs.sum::<f64>() / usable.len() as f64).exp();
        let scaled = reference.map(|one| one * factor);
        // Shares of the measured time, by quantity, if the scaled reference were true.
        let rows: Vec<[f64; QUANTITIES]> = usable
            .iter()
            .map(|one| std::array::from_fn(|at| scaled[at] * one.work.0[at] / one.seconds))
            .collect();
        let multiples = multiples(&rows);
        let seconds = std::array::from_fn(|at| scaled[at] * multiples[at]);
        let squares: f64 = rows.iter().map(|row| (1.0 - dot(&multiples, row)).powi(2)).sum();
        let error = (rows.len() > 2).then(|| (squares / rows.len() as f64).sqrt());
        Some(Self { seconds, error })
    }

    /// The rates of a device that nobody has measured: right in proportion rather than in size.
    pub fn reference(kind: DeviceKind) -> Self {
        let seconds = match kind {
            DeviceKind::Cpu => REFERENCE_CPU,
            DeviceKind::Cuda => REFERENCE_GPU,
        };
        Self { seconds, error: None }
    }

    /// The coefficients, in seconds per unit.
    pub fn per_unit(&self) -> [f64; QUANTITIES] {
        self.seconds
    }

    /// Rates of these coefficients, in seconds per unit; `None` where one is negative or not finite.
    pub fn of_units(seconds: [f64; QUANTITIES]) -> Option<Self> {
        let is_valid = seconds.iter().all(|one| one.is_finite() && *one >= 0.0);
        is_valid.then_some(Self { seconds, error: None })
    }

    /// The share of some work's time that products take.
    pub fn product_share(&self, work: &Work) -> f64 {
        let products = self.seconds[0] * work.0[0] + self.seconds[1] * work.0[1];
        products / self.seconds(work).max(f64::MIN_POSITIVE)
    }

    /// The time of some work.
    pub fn seconds(&self, work: &Work) -> f64 {
        dot(&self.seconds, &work.0)
    }
}

/// The multiples `u >= 0` that minimise `sum (1 - row u)^2 + REFERENCE_WEIGHT sum (u - 1)^2`.
fn multiples(rows: &[[f64; QUANTITIES]]) -> [f64; QUANTITIES] {
    let mut gram = [[0.0; QUANTITIES]; QUANTITIES];
    let mut sums = [0.0; QUANTITIES];
    for row in rows {
        for (left, one) in row.iter().enumerate() {
            sums[left] += one;
            row.iter().zip(&mut gram[left]).for_each(|(other, sum)| *sum += one * other);
        }
    }
    let mut multiples = [1.0; QUANTITIES];
    for _ in 0..ROUNDS {
        let mut change = 0.0_f64;
        for at in 0..QUANTITIES {
            let others = dot(&gram[at], &multiples) - gram[at][at] * multiples[at];
            let best = (REFERENCE_WEIGHT + sums[at] - others) / (REFERENCE_WEIGHT + gram[at][at]);
            let best = best.max(0.0);
            change = change.max((best - multiples[at]).abs());
            multiples[at] = best;
        }
        if change < CONVERGED {
            break;
        }
    }
    multiples
}

fn dot(left: &[f64; QUANTITIES], right: &[f64; QUANTITIES]) -> f64 {
    left.iter().zip(right).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweep_proto::{Configuration, Hyperparameter, Value};

    use super::super::work::DataSize;
    use super::*;

    const DATA: DataSize = DataSize {
        rows: [8_586, 954, 1_060],
        tokens: [180_000, 20_000, 22_000],
        vocabulary: 10_000,
        classes: 2,
    };

    fn work(units: u64, embedding: u64, batch: u64) -> Work {
        let values = [
            (Hyperparameter::Units, units),
            (Hyperparameter::Embedding, embedding),
            (Hyperparameter::BatchSize, batch),
        ];
        let configuration = values.into_iter().fold(Configuration::default(), |one, (name, value)| {
            one.with(name, Value::Integer(value)).expect("in range")
        });
        Work::of_epoch(&configuration, &DATA)
    }

    fn grid() -> Vec<Work> {
        const LEVELS: [u64; 3] = [16, 64, 256];
        let pairs = LEVELS.into_iter().flat_map(|units| LEVELS.map(|embedding| (units, embedding)));
        pairs.flat_map(|(units, embedding)| LEVELS.map(|batch| work(units, embedding, batch))).collect()
    }

    #[test]
    fn one_measurement_scales_the_reference() {
        let one = Measured { work: work(64, 64, 64), seconds: 12.0 };
        let rates = Rates::fit(DeviceKind::Cpu, &[one]).expect("measured");
        assert!((rates.seconds(&one.work) - 12.0).abs() < 1e-6);
        let twice = Rates::fit(DeviceKind::Cpu, &[Measured { seconds: 24.0, ..one }]).expect("measured");
        let other = work(256, 128, 32);
        assert!((twice.seconds(&other) / rates.seconds(&other) - 2.0).abs() < 1e-6);
        assert_eq!(rates.error, None, "one measurement tells no error");
    }

    #[test]
    fn nothing_usable_gives_no_rates() {
        let work = work(64, 64, 64);
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rates::fit(DeviceKind::Cuda, &[Measured { work, seconds }]), None);
        }
        assert_eq!(Rates::fit(DeviceKind::Cpu, &[]), None);
    }

    proptest! {
        /// Times of a machine that does each quantity at a pace of its own are found, also with one measurement off by a tenth.
        /// The reference still counts: proportions that are far from it cost some of the accuracy.
        #[test]
        fn times_of_another_machine_are_found_from_a_few_configurations(
            multiples in prop::array::uniform8(0.3_f64..3.0), off in 0_usize..27,
        ) {
            let truth: [f64; QUANTITIES] = std::array::from_fn(|at| REFERENCE_CPU[at] * multiples[at]);
            let grid = grid();
            let measured: Vec<_> = grid
                .iter()
                .enumerate()
                .map(|(at, work)| Measured {
                    work: *work,
                    seconds: dot(&truth, &work.0) * if at == off { 1.1 } else { 1.0 },
                })
                .collect();
            let rates = Rates::fit(DeviceKind::Cpu, &measured).expect("measured");
            for work in &grid {
                let relative = rates.seconds(work) / dot(&truth, &work.0);
                prop_assert!((0.45..1.5).contains(&relative), "{relative}");
            }
            prop_assert!(rates.error.is_some_and(|error| error < 0.25));
        }

        /// Whatever is measured, no work takes negative time, and scaling all times scales the rates.
        #[test]
        fn rates_are_never_negative(seconds in prop::collection::vec(1e-6_f64..1e4, 27), factor in 1e-3_f64..1e3) {
            let grid = grid();
            let fit = |factor: f64| {
                let measured = grid.iter().zip(&seconds).map(|(work, one)| Measured { work: *work, seconds: one * factor });
                Rates::fit(DeviceKind::Cpu, &measured.collect::<Vec<_>>()).expect("measured")
            };
            let (one, other) = (fit(1.0), fit(factor));
            for work in &grid {
                prop_assert!(one.seconds(work) >= 0.0);
                prop_assert!((other.seconds(work) - factor * one.seconds(work)).abs() <= 1e-6 * factor * one.seconds(work) + 1e-12);
            }
        }
    }
}
