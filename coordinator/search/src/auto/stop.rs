//! When a search may end: how probable it is that the configuration that it would name is as good as the best one, within a margin.

use sweep_proto::random::Stream;

use crate::auto::belief::Updated;
use crate::auto::linear::{Cholesky, Matrix};
use crate::auto::normal;

/// Draws from the joint belief.
const DRAWS: usize = 2_048;

/// Candidates are left out of the draws as long as the chances that they are better add up to at most this; the sum counts as a
/// failure.
const LEFT_OUT: f64 = 0.002;

/// A candidate is tied with the named one if it is at least this probable that it is within the margin of it or better.
const TIED: f64 = 0.05;

/// Added to variances, so that candidates that are known to be alike can be drawn.
const JITTER: f64 = 1e-10;

/// How the named configuration stands against all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The named configuration.
    pub named: usize,
    /// Most by which the logarithm of a lower score may be below the named one's before that counts.
    pub margin: f64,
    /// The probability that no configuration is better by more than the margin.
    pub probability: f64,
    /// Configurations that may be as good, in their order: the named one is among them.
    pub tied: Vec<usize>,
}

/// The chance of each candidate to be better than the named one by more than `margin`.
pub(crate) fn chances(belief: &Updated<'_>, named: usize, margin: f64) -> Vec<f64> {
    let covariances = belief.covariances(named);
    let variances = belief.variances();
    let own = variances[named];
    let chance = |at: usize| {
        if at == named {
            return if margin >= 0.0 { 0.0 } else { 1.0 };
        }
        let gap = (own + variances[at] - 2.0 * covariances[at]).max(1e-12);
        normal::below((belief.mean[named] - margin - belief.mean[at]) / gap.sqrt())
    };
    (0..variances.len()).map(chance).collect()
}

/// Draws from joint beliefs, always from the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    seed: u64,
    numbers: Vec<Vec<f64>>,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, numbers: Vec::new() }
    }

    /// How the named configuration stands. Where it is not `sure` for one reason alone, nothing is drawn: the probability is an upper bound then.
    pub(crate) fn standing(
        &mut self,
        belief: &Updated<'_>,
        named: usize,
        margin: f64,
        sure: f64,
    ) -> Standing {
        let chances = chances(belief, named, margin);
        let worst = chances.iter().copied().fold(0.0, f64::max);
        let probability =
            if 1.0 - worst < sure { 1.0 - worst } else { self.probability(belief, named, margin, &chances) };
        // As good within the margin: not worse by more than it.
        let level = self::chances(belief, named, -margin);
        let tied = level.iter().enumerate().filter(|(at, chance)| *at == named || **chance >= TIED);
        Standing { named, margin, probability, tied: tied.map(|(at, _)| at).collect() }
    }

    fn probability(&mut self, belief: &Updated<'_>, named: usize, margin: f64, chances: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..chances.len()).filter(|at| *at != named).collect();
        order.sort_by(|one, other| chances[*other].total_cmp(&chances[*one]).then(one.cmp(other)));
        let mut left_out = 0.0;
        while let Some(last) = order.last() {
            if left_out + chances[*last] > LEFT_OUT {
                break;
            }
            left_out += chances[*last];
            order.pop();
        }
        let count = order.len();
        // What matters is by how much each is lower than the named one.
        let with_named = belief.covariances(named);
        let own = with_named[named];
        let mut gaps = Matrix::zeros(count, count);
        for (row, one) in order.iter().enumerate() {
            let covariances = belief.covariances(*one);
            for (column, other) in order.iter().enumerate().skip(row) {
                gaps.row_mut(row)[column] = covariances[*other] - with_named[*one] - with_named[*other] + own;
            }
            gaps.row_mut(row)[row] += JITTER;
        }
        let Some(factor) = Cholesky::of(gaps) else { return 0.0 };
        self.draw(count);
        let mut is_beaten = [false; DRAWS];
        let mut sums = vec![0.0; DRAWS];
        for (row, one) in order.iter().enumerate() {
            let far = belief.mean[named] - margin - belief.mean[*one];
            sums.fill(0.0);
            for (numbers, weight) in self.numbers.iter().zip(&factor.lower().row(row)[..=row]) {
                sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += weight * number);
            }
            is_beaten.iter_mut().zip(&sums).for_each(|(beaten, sum)| *beaten |= *sum < far);
        }
        let beaten = is_beaten.iter().filter(|one| **one).count();
        (1.0 - beaten as f64 / DRAWS as f64 - left_out).max(0.0)
    }

    /// Makes sure that there are numbers for so many candidates.
    fn draw(&mut self, candidates: usize) {
        for candidate in self.numbers.len()..candidates {
            let mut random = Stream::new(self.seed, "auto stop", candidate as u64);
            self.numbers.push(normal::numbers(&mut random, DRAWS));
        }
    }
}
