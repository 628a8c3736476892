//! The kernels of one axis: a distribution around each observation, as wide as its neighbours are far.
//!
//! Densities and probabilities are those of a kernel divided by the prior's. So the prior has 1 everywhere, an observation without a
//! value on the axis counts with 1, too, and neither product nor sum comes near the ends of what a number can hold.

use sweep_proto::random::Stream;

use super::normal::{draw_within, mass};
use super::scale::{Kind, Scale};

/// Mean and standard deviation of the prior of numbers, a normal distribution within the unit interval.
pub(super) const PRIOR_MEAN: f64 = 0.5;
pub(super) const PRIOR_DEVIATION: f64 = 1.0;

/// The largest number by which the whole axis is divided to get the least deviation ("magic clip").
const DIVISOR_MAX: usize = 100;

/// Deviations from its mean beyond which a kernel adds less to the prior than rounding does.
const FAR: f64 = 10.0;

/// A kernel of numbers; of values that are apart only the place counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kernel {
    pub(super) place: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
    /// The first observation that has it.
    pub(super) first: u32,
}

impl Kernel {
    /// The probability of the unit interval, to which it is truncated.
    pub(super) fn within(&self) -> f64 {
        mass(-self.mean / self.deviation, (1.0 - self.mean) / self.deviation)
    }

    /// The probability of a part of the unit interval, before it is truncated.
    pub(super) fn between(&self, edges: [f64; 2]) -> f64 {
        let [low, high] = edges.map(|edge| (edge - self.mean) / self.deviation);
        if low > FAR || high < -FAR { 0.0 } else { mass(low, high) }
    }
}

/// The prior's probability of a part of the unit interval, before it is truncated.
pub(super) fn prior_between(edges: [f64; 2]) -> f64 {
    let [low, high] = edges.map(|edge| (edge - PRIOR_MEAN) / PRIOR_DEVIATION);
    mass(low, high)
}

/// The prior's probability of the unit interval.
pub(super) fn prior_within() -> f64 {
    prior_between([0.0, 1.0])
}

/// The kernel number of what has no value on the axis: the prior's.
pub(super) const OF_PRIOR: u32 = 0;

/// The kernels of one axis.
#[derive(Clone, Debug)]
pub(super) struct Kernels {
    /// Those that differ, numbered from 1.
    pub(super) distinct: Vec<Kernel>,
    /// The number of each observation's kernel.
    pub(super) of: Vec<u32>,
    /// Observations with a value on the axis.
    present: usize,
}

impl Kernels {
    /// Of the observations with these places, ascending, and with these indices below `count`.
    pub(super) fn new(scale: &Scale, ascending: &[(f64, u32)], count: usize) -> Self {
        let present = ascending.len();
        let mut found = Self { distinct: Vec::new(), of: vec![OF_PRIOR; count], present };
        if let Kind::Apart { count } = scale.kind {
            let kernel = |place: usize| Kernel { place: place as f64, mean: 0.0, deviation: 0.0, first: 0 };
            found.distinct.extend((0..count).map(kernel));
            for (place, index) in ascending {
                found.of[*index as usize] = *place as u32 + 1;
            }
        } else {
            found.add_numbers(scale, ascending);
        }
        found
    }

    fn add_numbers(&mut self, scale: &Scale, ascending: &[(f64, u32)]) {
        // The prior is one of the kernels that the axis is divided among.
        let least = 1.0 / DIVISOR_MAX.min(ascending.len() + 2) as f64;
        let last = ascending.len().saturating_sub(1);
        let mut before = 0.0;
        let mut mean = ascending.first().map_or(0.0, |(place, _)| scale.mean(*place));
        for (at, (place, index)) in ascending.iter().enumerate() {
            let next = match ascending.get(at + 1) {
                Some((next, _)) if next == place => mean,
                Some((next, _)) => scale.mean(*next),
                None => 1.0,
            };
            let (left, right) = (mean - before, next - mean);
            // The ends of the axis are no neighbours, unless there is no other.
            let gap = match at {
                _ if last == 0 => left.max(right),
                0 => right,
                at if at == last => left,
                _ => left.max(right),
            };
            let deviation = gap.clamp(least, 1.0);
            let is_new = self
                .distinct
                .last()
                .is_none_or(|kernel| kernel.place != *place || kernel.deviation != deviation);
            if is_new {
                self.distinct.push(Kernel { place: *place, mean, deviation, first: *index });
            }
            self.of[*index as usize] = self.distinct.len() as u32;
            (before, mean) = (mean, next);
        }
    }

    /// Draws a place from the kernel of an observation; from the prior where there is none.
    pub(super) fn draw(&self, scale: &Scale, observation: Option<usize>, random: &mut Stream) -> f64 {
        let number = observation.map_or(OF_PRIOR, |index| self.of[index]);
        let kernel = number.checked_sub(1).map(|at| self.distinct[at as usize]);
        if let Kind::Apart { count } = scale.kind {
            let own = kernel.filter(|_| random.inside() < self.own_share(count));
            return own.map_or_else(|| random.place(count) as f64, |kernel| kernel.place);
        }
        let (mean, deviation) =
            kernel.map_or((PRIOR_MEAN, PRIOR_DEVIATION), |kernel| (kernel.mean, kernel.deviation));
        scale.place_at(draw_within(mean, deviation, random))
    }

    /// Of values that are apart: how much of an observation's kernel is its own value alone. The rest is spread over all values.
    fn own_share(&self, values: usize) -> f64 {
        1.0 / (1.0 + values as f64 / self.kernel_count())
    }

    /// The probability of a value over the prior's, in the kernel of that value and in those of others.
    pub(super) fn apart(&self, values: usize) -> [f64; 2] {
        let own = self.own_share(values);
        [own * values as f64 + (1.0 - own), 1.0 - own]
    }

    /// One for each observation with a value, and the prior.
    fn kernel_count(&self) -> f64 {
        (self.present + 1) as f64
    }
}
