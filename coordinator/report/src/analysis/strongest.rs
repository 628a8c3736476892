//! Which hyperparameter matters most: named only where seeds cannot explain it, else undecided.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweep_proto::SweepSpec;

use super::balanced::{Balanced, column_means};
use super::distributions::{f_critical, normal_quantile, scale_nodes};
use super::noise::Noise;
use crate::model::{Factor, MainEffects, ReplicatesNeeded, Strongest, VerdictReason, VerdictRule};
use crate::table::{Table, mean};

/// The probability of the order from which on it is decided: the best of several is looked at, on both sides.
const PROBABILITY_MIN: f64 = 0.975;
/// The corrected probability below which an effect counts as there.
const SIGNIFICANCE: f64 = 0.05;
/// Replicates that nobody runs.
const REPLICATES_MAX: f64 = 1_000.0;
/// Draws of all effects: the probability of an order is known to ± 0.0022 where it decides (two standard errors).
const DRAWS: usize = 20_000;
/// Level means that are drawn in all: fewer draws where there are thousands of levels.
const DRAWN_MAX: usize = 20_000_000;

/// Applies the rule.
pub fn strongest(
    table: &Table,
    spec: &SweepSpec,
    effects: &MainEffects,
    balanced: Option<&Balanced>,
    noise: Option<&Noise>,
) -> Strongest {
    let mut factors: Vec<&Factor> = effects.factors.iter().collect();
    let size = |factor: &Factor| factor.share.or(factor.range).unwrap_or(f64::NEG_INFINITY);
    // A stable sort: equal shares stay in the order of the sweep file.
    factors.sort_by(|left, right| size(right).total_cmp(&size(left)));
    let measured = |at: usize| factors.get(at).copied().filter(|factor| size(factor) > f64::NEG_INFINITY);
    // One alone leads nobody.
    let (leading, runner_up) = (measured(0).filter(|_| factors.len() > 1), measured(1));
    let finding = match (leading, runner_up) {
        (Some(leading), Some(_)) => match (balanced, noise) {
            (Some(balanced), Some(noise)) => judge(table, balanced, noise, leading, &factors),
            (Some(_), None) if spec.replicates < 2 => Finding::undecided(VerdictReason::OneReplicate),
            _ => Finding::undecided(missing(table, spec)),
        },
        _ if factors.is_empty() => Finding::undecided(VerdictReason::NothingSwept),
        _ if factors.len() == 1 => Finding::undecided(VerdictReason::OnlySwept(factors[0].hyperparameter)),
        _ => Finding::undecided(VerdictReason::TooFewTrials),
    };
    Strongest {
        verdict: match leading {
            Some(leading) if finding.decided => leading.hyperparameter.name().to_owned(),
            _ => "undecided".to_owned(),
        },
        decided: finding.decided,
        leading: leading.map(|factor| factor.hyperparameter),
        runner_up: runner_up.map(|factor| factor.hyperparameter),
        probability: finding.probability,
        replicates_needed: finding.replicates_needed,
        rule: VerdictRule,
        reason: finding.reason,
    }
}

/// What the rule gives, with its numbers.
struct Finding {
    decided: bool,
    probability: Option<f64>,
    replicates_needed: Option<u32>,
    reason: VerdictReason,
}

impl Finding {
    fn undecided(reason: VerdictReason) -> Self {
        Self { decided: false, probability: None, replicates_needed: None, reason }
    }
}

fn judge(
    table: &Table,
    balanced: &Balanced,
    noise: &Noise,
    leading: &Factor,
    factors: &[&Factor],
) -> Finding {
    let Some(test) = &leading.test else {
        return Finding::undecided(VerdictReason::AllEqual);
    };
    let means: Vec<Vec<f64>> = factors
        .iter()
        .map(|factor| column_means(&balanced.level_means(table, factor.hyperparameter)))
        .collect();
    let Order { first: probability, before_second } = probability_of_first(&means, noise);
    let (is_there, is_first) = (test.p_holm <= SIGNIFICANCE, probability >= PROBABILITY_MIN);
    let decided = is_there && is_first;
    let needed =
        (!decided).then(|| replicates_needed(leading, factors.len(), noise, before_second)).flatten();
    let reason = VerdictReason::Judged {
        leading: leading.hyperparameter,
        is_there,
        p_holm: test.p_holm,
        probability,
        needed: match needed {
            Some(count) => ReplicatesNeeded::About(count),
            None if decided => ReplicatesNeeded::None,
            None => ReplicatesNeeded::Unknown,
        },
    };
    Finding { decided, probability: Some(probability), replicates_needed: needed, reason }
}

/// The probabilities of an order.
struct Order {
    /// That the first list of level means spreads the most.
    first: f64,
    /// That it spreads more than the second.
    before_second: f64,
}

/// How probable it is that the first list of level means spreads the most.
///
/// Draws expected level means around the measured ones (normal, with the residual variance, itself drawn) and takes
/// out of each spread what measurement and draw add to it, which is more for more levels. The numbers drawn are
/// the same for every report.
fn probability_of_first(means: &[Vec<f64>], noise: &Noise) -> Order {
    let scales = scale_nodes(noise.degrees_of_freedom());
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let levels: usize = means.iter().map(Vec::len).sum();
    let draws = DRAWS.min(DRAWN_MAX / levels.max(1)).max(1);
    let (mut first, mut before_second) = (0_usize, 0_usize);
    for draw in 0..draws {
        let scale = scales.get(draw % scales.len().max(1)).copied().unwrap_or(1.0);
        let mut spread_of = |levels: &Vec<f64>| {
            let variance = noise.variance_of_part(levels.len()) * scale * scale;
            let mut drawn = |mean: &f64| variance.sqrt().mul_add(normal(&mut random), *mean);
            let drawn: Vec<f64> = levels.iter().map(&mut drawn).collect();
            let added = 2.0 * variance * (levels.len() as f64 - 1.0) / levels.len() as f64;
            mean_square(&drawn) - added
        };
        let leading = spread_of(&means[0]);
        // Every list draws its numbers, whether or not it still matters.
        let others: Vec<f64> = means[1..].iter().map(&mut spread_of).collect();
        first += usize::from(others.iter().all(|other| leading > *other));
        before_second += usize::from(others.first().is_some_and(|second| leading > *second));
    }
    let share = |count: usize| count as f64 / draws as f64;
    Order { first: share(first), before_second: share(before_second) }
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    // The middle of one of 2⁵³ equal parts of 0..1: never an end.
    normal_quantile(((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
}

/// The mean squared distance from the mean.
fn mean_square(numbers: &[f64]) -> f64 {
    let centre = mean(numbers.iter().copied()).unwrap_or_default();
    mean(numbers.iter().map(|one| (one - centre).powi(2))).unwrap_or_default()
}

/// Replicates with which both conditions would about hold if the effects are as they look: F grows with their
/// number, the standardised distance of two effects with its root.
fn replicates_needed(leading: &Factor, factors: usize, noise: &Noise, probability: f64) -> Option<u32> {
    let test = leading.test.as_ref()?;
    let now = noise.replicates as f64;
    let critical = f_critical(
        SIGNIFICANCE / factors as f64,
        test.degrees_of_freedom as f64,
        noise.degrees_of_freedom(),
    )?;
    let for_effect = now * critical / test.f?;
    let distance = normal_quantile(probability.min(1.0 - f64::EPSILON));
    let for_order = if distance > 0.0 {
        now * (normal_quantile(PROBABILITY_MIN) / distance).powi(2)
    } else {
        f64::INFINITY
    };
    let needed = for_effect.max(for_order).max(now + 1.0).ceil();
    (needed <= REPLICATES_MAX).then_some(needed as u32)
}

/// Why configurations cannot be compared: results that were planned are not there.
fn missing(table: &Table, spec: &SweepSpec) -> VerdictReason {
    let planned = spec.trial_count().unwrap_or(u64::MAX);
    let there: BTreeSet<_> =
        table.completed().map(|(trial, _)| (trial.configuration, trial.replicate)).collect();
    VerdictReason::ResultsMissing {
        missing: planned.saturating_sub(there.len() as u64),
        planned,
        by_seed: spec.replicates > 1,
    }
}
