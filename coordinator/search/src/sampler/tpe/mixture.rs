//! A Parzen estimator over all axes: one product of kernels for each observation, and the prior.

use sweep_proto::random::Stream;

use super::kernels::{Kernel, Kernels, OF_PRIOR, PRIOR_DEVIATION, PRIOR_MEAN, prior_between, prior_within};
use super::memory::Memory;
use super::normal::exponentials;
use super::scale::{Kind, Scale};

/// Candidates that are compared for one proposal.
pub(super) const CANDIDATES: usize = 24;

/// Something of each candidate.
pub(super) type Each = [f64; CANDIDATES];

/// A mixture of products of kernels. Observations of weight 0 are none.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    weights: Vec<f64>,
    prior: f64,
    axes: Vec<Kernels>,
}

/// An axis whose kernels are tabulated at the candidates: the prior's row, then one for each kernel.
struct Tabulated<'a> {
    of: &'a [u32],
    rows: Vec<Each>,
}

/// An axis of real numbers, on which nearly every observation has a kernel of its own.
struct Line<'a> {
    of: &'a [u32],
    /// Of each kernel the mean, half the inverse of the variance, and the logarithm of its height over the prior's.
    kernels: Vec<[f64; 3]>,
    places: Each,
    /// The exponent of the prior, by which densities are divided.
    prior: Each,
    /// 1 for candidates that have a value on the axis, else 0.
    present: Each,
}

impl Mixture {
    /// Of observations with these weights, beside a prior of weight 1.
    pub(super) fn new(weights: Vec<f64>, axes: Vec<Kernels>) -> Self {
        let sum: f64 = weights.iter().sum::<f64>() + 1.0;
        let weights = weights.into_iter().map(|weight| weight / sum).collect();
        Self { weights, prior: 1.0 / sum, axes }
    }

    /// Draws a place on each axis.
    pub(super) fn draw(&self, scales: &[Scale], random: &mut Stream) -> Vec<f64> {
        let mut rest = random.inside();
        let observation = self.weights.iter().position(|weight| {
            rest -= weight;
            rest < 0.0
        });
        let axes = self.axes.iter().zip(scales);
        axes.map(|(kernels, scale)| kernels.draw(scale, observation, random)).collect()
    }

    /// The density at each candidate over the prior's; `candidates` has their places along each axis.
    pub(super) fn relative_densities(
        &self,
        scales: &[Scale],
        candidates: &[Each],
        memory: &mut [Memory],
    ) -> Each {
        let (mut tabulated, mut lines) = (Vec::new(), Vec::new());
        for (((kernels, scale), places), memory) in self.axes.iter().zip(scales).zip(candidates).zip(memory) {
            let of = kernels.of.as_slice();
            match scale.kind {
                Kind::Line => lines.push(line(kernels, places, memory)),
                Kind::Apart { count } => {
                    tabulated.push(Tabulated { of, rows: rows_apart(kernels, count, places) });
                }
                Kind::Cells { .. } | Kind::LogCells { .. } => {
                    tabulated.push(Tabulated { of, rows: rows_of_cells(kernels, scale, places, memory) });
                }
            }
        }
        let mut sums = [self.prior; CANDIDATES];
        for (index, weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let mut products = [*weight; CANDIDATES];
            for Tabulated { of, rows } in &tabulated {
                times(&mut products, &rows[of[index] as usize]);
            }
            if !lines.is_empty() {
                let mut exponents = [0.0; CANDIDATES];
                lines.iter().for_each(|line| line.add_exponents(index, &mut exponents));
                exponentials(&mut exponents);
                times(&mut products, &exponents);
            }
            for (sum, product) in sums.iter_mut().zip(products) {
                *sum += product;
            }
        }
        sums
    }
}

fn times(products: &mut Each, factors: &Each) {
    for (product, factor) in products.iter_mut().zip(factors) {
        *product *= factor;
    }
}

impl Line<'_> {
    fn add_exponents(&self, index: usize, exponents: &mut Each) {
        let number = self.of[index];
        if number == OF_PRIOR {
            return;
        }
        let [mean, half_precision, height] = self.kernels[number as usize - 1];
        for (candidate, exponent) in exponents.iter_mut().enumerate() {
            let distance = self.places[candidate] - mean;
            let relative = height + self.prior[candidate] - distance * distance * half_precision;
            *exponent += self.present[candidate] * relative;
        }
    }
}

fn line<'a>(kernels: &'a Kernels, places: &Each, memory: &mut Memory) -> Line<'a> {
    let prior_height = libm::log(PRIOR_DEVIATION * prior_within());
    let of_kernel = |kernel: &Kernel| {
        let half_precision = 0.5 / (kernel.deviation * kernel.deviation);
        [kernel.mean, half_precision, prior_height - memory.log_height(kernel)]
    };
    let present = places.map(|place| if place.is_nan() { 0.0 } else { 1.0 });
    let places = places.map(|place| if place.is_nan() { PRIOR_MEAN } else { place });
    let exponent = |place: f64| {
        let distance = (place - PRIOR_MEAN) / PRIOR_DEVIATION;
        0.5 * distance * distance
    };
    Line {
        of: &kernels.of,
        kernels: kernels.distinct.iter().map(of_kernel).collect(),
        places,
        prior: places.map(exponent),
        present,
    }
}

fn rows_apart(kernels: &Kernels, values: usize, places: &Each) -> Vec<Each> {
    let [own, other] = kernels.apart(values);
    let row = |kernel: &Kernel| {
        places.map(|place| match place {
            place if place.is_nan() => 1.0,
            place if place == kernel.place => own,
            _ => other,
        })
    };
    [[1.0; CANDIDATES]].into_iter().chain(kernels.distinct.iter().map(row)).collect()
}

fn rows_of_cells(kernels: &Kernels, scale: &Scale, places: &Each, memory: &mut Memory) -> Vec<Each> {
    let edges = places.map(|place| scale.edges(place));
    let priors = edges.map(|edges| prior_between(edges) / prior_within());
    let row = |kernel: &Kernel| {
        let mut row = [1.0; CANDIDATES];
        let present = places.iter().enumerate().filter(|(_, place)| !place.is_nan());
        if let Some(kept) = memory.masses(scale, kernel) {
            present.for_each(|(at, place)| row[at] = kept[*place as usize] / priors[at]);
        } else {
            let within = kernel.within();
            present.for_each(|(at, _)| row[at] = kernel.between(edges[at]) / within / priors[at]);
        }
        row
    };
    [[1.0; CANDIDATES]].into_iter().chain(kernels.distinct.iter().map(row)).collect()
}
