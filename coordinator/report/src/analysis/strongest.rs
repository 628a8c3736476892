//! Which hyperparameter matters most: named only where seeds cannot explain it, else undecided.

use std::collections::BTreeSet;

use sweep_proto::SweepSpec;
use sweep_proto::random::Stream;

use super::balanced::Balanced;
use crate::model::{
    Factor, FactorTest, MainEffects, ReplicatesNeeded, Strongest, VerdictReason, VerdictRule,
};
use crate::table::Table;
use coordinator_statistics::distributions::{f_critical, normal_quantile, scale_nodes};
use coordinator_statistics::means::column_means;
use coordinator_statistics::means::mean;
use coordinator_statistics::random::normal;
use coordinator_statistics::strata::Strata;

/// The probability of the order from which on it is decided: the best of several is looked at, on both sides.
const PROBABILITY_MIN: f64 = 0.975;
/// The corrected probability up to which an effect is significant.
const SIGNIFICANCE: f64 = 0.05;
/// Largest number of replicates that we suggest.
const REPLICATES_MAX: usize = 1_000;
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
    strata: Option<&Strata>,
) -> Strongest {
    let mut factors: Vec<&Factor> = effects.factors.iter().collect();
    let size = |factor: &Factor| factor.share.or(factor.range).unwrap_or(f64::NEG_INFINITY);
    // A stable sort: equal shares stay in the order of the sweep file.
    factors.sort_by(|left, right| size(right).total_cmp(&size(left)));
    let measured = |at: usize| factors.get(at).copied().filter(|factor| size(factor) > f64::NEG_INFINITY);
    // One alone leads nobody.
    let (leading, runner_up) = (measured(0).filter(|_| factors.len() > 1), measured(1));
    // Which one comes first in a search follows from what was tried, so none is named.
    let is_named = |factor: &Factor| (!is_searched(spec)).then_some(factor.hyperparameter);
    let finding = match (leading, runner_up) {
        (Some(leading), Some(_)) => match (balanced, strata.filter(|strata| strata.replicates > 1)) {
            (Some(balanced), Some(strata)) => judge(table, spec, balanced, strata, leading, &factors),
            // More replicates would decide nothing of these.
            _ if is_searched(spec) => Finding::undecided(VerdictReason::Searched),
            _ if !spec.is_whole_grid() => Finding::undecided(VerdictReason::NoWholeGrid),
            (Some(_), None) if spec.replicates < 2 => Finding::undecided(VerdictReason::OneReplicate),
            _ => Finding::undecided(missing(table, spec)),
        },
        // Few trials of it may share their values.
        _ if is_searched(spec) && spec.swept().len() > 1 => Finding::undecided(VerdictReason::Searched),
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
        leading: leading.and_then(is_named),
        runner_up: runner_up.and_then(is_named),
        probability: finding.probability,
        replicates_needed: finding.replicates_needed,
        rule: VerdictRule(spec.objective),
        reason: finding.reason,
    }
}

/// Whether a sampler or a budget chose which configurations are trained.
pub(super) fn is_searched(spec: &SweepSpec) -> bool {
    spec.search.as_ref().is_some_and(|search| !search.is_of_grid())
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
    spec: &SweepSpec,
    balanced: &Balanced,
    strata: &Strata,
    leading: &Factor,
    factors: &[&Factor],
) -> Finding {
    let Some(test) = &leading.test else {
        return Finding::undecided(VerdictReason::AllEqual(spec.objective));
    };
    let spreads: Option<Vec<Spread>> = factors
        .iter()
        .map(|factor| {
            let axis = spec.swept().iter().position(|one| *one == factor.hyperparameter)?;
            Some(Spread {
                means: column_means(&balanced.level_means(table, factor.hyperparameter)),
                variance: strata.variance_of_level(axis)?,
                scales: scale_nodes(strata.main(axis)?.error_degrees_of_freedom as f64),
            })
        })
        .collect();
    let Some(spreads) = spreads else {
        return Finding::undecided(missing(table, spec));
    };
    let Order { first: probability, before_second } = probability_of_first(&spreads);
    let (is_there, is_first) = (test.p_holm <= SIGNIFICANCE, probability >= PROBABILITY_MIN);
    let decided = is_there && is_first;
    let needed = (!decided)
        .then(|| replicates_needed(test, factors.len(), strata.replicates, before_second))
        .flatten();
    let reason = VerdictReason::Judged {
        leading: leading.hyperparameter,
        is_there,
        p_holm: test.p_holm,
        error_degrees_of_freedom: test.error_degrees_of_freedom,
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

/// The level means of a hyperparameter, and how surely they are known.
struct Spread {
    means: Vec<f64>,
    /// Of one of them, less what all share.
    variance: f64,
    /// Scales by which the standard deviation may be wrong, equally probable.
    scales: Vec<f64>,
}

/// How probable it is that the first list of level means spreads the most.
///
/// Draws expected level means around the measured ones (normal, with the variance of the hyperparameter's own
/// interaction with the seed, itself drawn) and takes out of each spread what measurement and draw add to it,
/// which is more for more levels. The numbers drawn are the same for every report.
fn probability_of_first(spreads: &[Spread]) -> Order {
    let mut random = Stream::of_analysis(0);
    let levels: usize = spreads.iter().map(|one| one.means.len()).sum();
    let draws = DRAWS.min(DRAWN_MAX / levels.max(1)).max(1);
    let (mut first, mut before_second) = (0_usize, 0_usize);
    for _ in 0..draws {
        let mut spread_of = |one: &Spread| {
            let scale = one.scales.get(random.place(one.scales.len().max(1))).unwrap_or(&1.0);
            let variance = one.variance * scale * scale;
            let mut drawn = |mean: &f64| variance.sqrt().mul_add(normal(&mut random), *mean);
            let drawn: Vec<f64> = one.means.iter().map(&mut drawn).collect();
            let count = drawn.len() as f64;
            mean_square(&drawn) - 2.0 * variance * (count - 1.0) / count
        };
        let leading = spread_of(&spreads[0]);
        // Every list draws its numbers, whether or not it still matters.
        let others: Vec<f64> = spreads[1..].iter().map(&mut spread_of).collect();
        first += usize::from(others.iter().all(|other| leading > *other));
        before_second += usize::from(others.first().is_some_and(|second| leading > *second));
    }
    let share = |count: usize| count as f64 / draws as f64;
    Order { first: share(first), before_second: share(before_second) }
}

/// The mean squared distance from the mean.
fn mean_square(numbers: &[f64]) -> f64 {
    let centre = mean(numbers.iter().copied()).unwrap_or_default();
    mean(numbers.iter().map(|one| (one - centre).powi(2))).unwrap_or_default()
}

/// Replicates with which both conditions would about hold if the effects are as they look: F grows with their
/// number, and so do the degrees of freedom of its error; the standardised distance of two effects grows with the root.
fn replicates_needed(test: &FactorTest, factors: usize, now: usize, probability: f64) -> Option<u32> {
    let f = test.f?;
    let holds = |replicates: usize| {
        let degrees = test.degrees_of_freedom as f64;
        let error = degrees * (replicates - 1) as f64;
        let critical = f_critical(SIGNIFICANCE / factors as f64, degrees, error);
        critical.is_some_and(|critical| f * replicates as f64 / now as f64 >= critical)
    };
    let distance = normal_quantile(probability.min(1.0 - f64::EPSILON));
    let for_order = if distance > 0.0 {
        now as f64 * (normal_quantile(PROBABILITY_MIN) / distance).powi(2)
    } else {
        f64::INFINITY
    };
    if for_order > REPLICATES_MAX as f64 || !holds(REPLICATES_MAX) {
        return None;
    }
    // The first that holds: more replicates hold, too.
    let (mut below, mut enough) = (now, REPLICATES_MAX);
    while enough - below > 1 {
        let middle = usize::midpoint(below, enough);
        if holds(middle) {
            enough = middle;
        } else {
            below = middle;
        }
    }
    Some((enough as u32).max(for_order.ceil() as u32).max(now as u32 + 1))
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
