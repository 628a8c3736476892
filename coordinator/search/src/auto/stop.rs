//! When a search may end: how probable it is that the configuration that it would name is as good as the best one, within a margin.

use sweep_proto::random::Stream;

use crate::auto::belief::Updated;
use crate::auto::linear::{Cholesky, Matrix, subtract};
use crate::normal;

/// Draws from the joint belief.
const DRAWS: usize = 2_048;

/// Candidates are left out of the draws as long as the chances that they are better add up to at most this; the sum counts as a
/// failure.
const LEFT_OUT: f64 = 0.002;

/// The most dangerous rivals, who are drawn first: most often they show that the named one is not sure.
const FEW: usize = 16;

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
    /// The probability that no configuration is better by more than the margin; `None` where too few trials have finished to tell.
    pub probability: Option<f64>,
    /// Configurations that may be as good, in their order: the named one is among them, where there is a probability.
    pub tied: Vec<usize>,
}

/// Rivals that are drawn together, which takes 40 milliseconds: the chances of all others count as failures.
const RIVALS_MAX: usize = 256;

/// The chance that a difference is positive: its mean, and its variance.
pub(crate) fn chance(mean: f64, variance: f64) -> f64 {
    normal::below(mean / variance.max(1e-12).sqrt())
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
        self::chance(
            belief.mean[named] - margin - belief.mean[at],
            own + variances[at] - 2.0 * covariances[at],
        )
    };
    (0..variances.len()).map(chance).collect()
}

/// Draws from joint beliefs, always from the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    seed: u64,
    /// A row of them for each candidate, from the most dangerous one on.
    numbers: Matrix,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, numbers: Matrix::zeros(0, DRAWS) }
    }

    /// How the named configuration stands. Where that it is not `sure` shows early, the probability is an upper bound.
    pub(crate) fn standing(
        &mut self,
        belief: &Updated<'_>,
        named: usize,
        margin: f64,
        sure: f64,
    ) -> Standing {
        let chances = chances(belief, named, margin);
        // As good within the margin: not worse by more than it.
        let as_good = self::chances(belief, named, -margin);
        let tied = as_good.iter().enumerate().filter(|(at, chance)| *at == named || **chance >= TIED);
        Standing {
            named,
            margin,
            probability: Some(self.probability(belief, named, margin, &chances, sure)),
            tied: tied.map(|(at, _)| at).collect(),
        }
    }

    fn probability(
        &mut self,
        belief: &Updated<'_>,
        named: usize,
        margin: f64,
        chances: &[f64],
        sure: f64,
    ) -> f64 {
        let mut rivals: Vec<usize> = (0..chances.len()).filter(|at| *at != named).collect();
        rivals.sort_by(|one, other| chances[*other].total_cmp(&chances[*one]).then(one.cmp(other)));
        let worst = rivals.first().map_or(0.0, |worst| chances[*worst]);
        if 1.0 - worst < sure {
            return 1.0 - worst;
        }
        let mut left_out = 0.0;
        while let Some(last) = rivals.last()
            && (left_out + chances[*last] <= LEFT_OUT || rivals.len() > RIVALS_MAX)
        {
            left_out += chances[*last];
            rivals.pop();
        }
        if 1.0 - left_out < sure {
            return (1.0 - left_out).max(0.0);
        }
        let most = self.unbeaten(belief, named, margin, &rivals[..rivals.len().min(FEW)], sure);
        if most < sure || rivals.len() <= FEW {
            return (most - left_out).max(0.0);
        }
        (self.unbeaten(belief, named, margin, &rivals, sure) - left_out).max(0.0)
    }

    /// The share of draws in which none of these rivals is better; an upper bound where that falls below `sure`.
    fn unbeaten(
        &mut self,
        belief: &Updated<'_>,
        named: usize,
        margin: f64,
        rivals: &[usize],
        sure: f64,
    ) -> f64 {
        let count = rivals.len();
        if count == 0 {
            return 1.0;
        }
        // What matters is by how much each is lower than the named one.
        let with_named = belief.covariances(named);
        let own = with_named[named];
        let mut gaps = Matrix::zeros(count, count);
        for (row, one) in rivals.iter().enumerate() {
            let covariances = belief.covariances(*one);
            for (column, other) in rivals.iter().enumerate().skip(row) {
                gaps.row_mut(row)[column] = covariances[*other] - with_named[*one] - with_named[*other] + own;
            }
            gaps.row_mut(row)[row] += JITTER;
        }
        let Some(factor) = Cholesky::of(gaps) else { return 0.0 };
        self.draw(count);
        let mut is_beaten = [false; DRAWS];
        let mut gains = vec![0.0; DRAWS];
        let mut unbeaten = 1.0;
        for (row, one) in rivals.iter().enumerate() {
            // By how much the rival has to gain on what is expected of it.
            let needed = belief.mean[*one] - belief.mean[named] + margin;
            gains.fill(0.0);
            subtract(&mut gains, &factor.lower().row(row)[..=row], &self.numbers, 0);
            is_beaten.iter_mut().zip(&gains).for_each(|(beaten, gain)| *beaten |= *gain > needed);
            unbeaten = is_beaten.iter().filter(|one| !**one).count() as f64 / DRAWS as f64;
            if unbeaten < sure {
                break;
            }
        }
        unbeaten
    }

    /// Makes sure that there are numbers for `candidates` candidates.
    fn draw(&mut self, candidates: usize) {
        for candidate in self.numbers.rows()..candidates {
            let mut random = Stream::new(self.seed, "auto stop", candidate as u64);
            self.numbers.push(&normal::numbers(&mut random, DRAWS));
        }
    }
}
