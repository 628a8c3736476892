//! Which hyperparameter matters most: named only where seeds cannot explain it, else undecided.

use std::collections::BTreeSet;

use sweep_proto::{Hyperparameter, SweepSpec};

use super::balanced::{Balanced, between_groups};
use super::statistics::{standard_deviation, t_975};
use crate::model::{Factor, MainEffects, Strongest};
use crate::table::{Table, mean};

/// Standard errors of a difference that a range of marginal means must exceed. With few residual degrees
/// of freedom and four levels the studentised range at 5 % is near this; with many it is well below.
const RANGE_STANDARD_ERRORS: f64 = 4.0;

/// The rule, as the report states it.
pub const RULE: &str = "A hyperparameter is named only where every configuration completed the same two or more \
    replicates, and (1) the range of its marginal mean losses exceeds 4 standard errors of a difference between two of \
    them, with seed noise taken from the residual of configurations by replicates; and (2) compared within each \
    replicate, its main-effect sum of squares exceeds the runner-up's by a paired t above the 97.5 % quantile of \
    Student's t. Otherwise the answer is \"undecided\".";

/// Applies the rule.
pub fn strongest(table: &Table, spec: &SweepSpec, effects: &MainEffects) -> Strongest {
    let mut factors: Vec<&Factor> = effects.factors.iter().filter(|factor| factor.levels.len() > 1).collect();
    let size = |factor: &Factor| factor.share.or(factor.range).unwrap_or(f64::NEG_INFINITY);
    // A stable sort: equal shares stay in the order of the sweep file.
    factors.sort_by(|left, right| size(right).total_cmp(&size(left)));
    let measured = |at: usize| factors.get(at).copied().filter(|factor| size(factor) > f64::NEG_INFINITY);
    let (leading, runner_up) = (measured(0), measured(1));
    let verdict = match (leading, runner_up) {
        (Some(leading), Some(runner_up)) => judge(table, spec, effects, leading, runner_up),
        _ if factors.len() < 2 => {
            Err("fewer than two hyperparameters were swept: there is nothing to compare".to_owned())
        }
        _ => Err("too few trials completed".to_owned()),
    };
    let decided = verdict.is_ok();
    Strongest {
        verdict: match leading {
            Some(leading) if decided => leading.hyperparameter.name().to_owned(),
            _ => "undecided".to_owned(),
        },
        decided,
        leading: leading.map(|factor| factor.hyperparameter),
        runner_up: runner_up.map(|factor| factor.hyperparameter),
        rule: RULE,
        reason: verdict.unwrap_or_else(|reason| reason),
    }
}

/// `Ok` names why the leading one is named, `Err` why it is not.
fn judge(
    table: &Table,
    spec: &SweepSpec,
    effects: &MainEffects,
    leading: &Factor,
    runner_up: &Factor,
) -> Result<String, String> {
    let (name, other) = (leading.hyperparameter, runner_up.hyperparameter);
    let balanced = Balanced::new(table, spec).ok_or_else(|| missing(table, spec))?;
    let variance = effects.variance.as_ref().ok_or("all trials have the same validation loss")?;
    let replicates = balanced.replicates.len();
    let Some(noise) = variance.residual_mean_square else {
        return Err(if spec.replicates > 1 {
            missing(table, spec)
        } else {
            "one replicate cannot tell an effect from the luck of its seed: run more replicates".to_owned()
        });
    };
    let per_level = (balanced.configurations.len() * replicates) as f64 / leading.levels.len() as f64;
    let standard_error = (2.0 * noise / per_level).sqrt();
    let range = balanced_range(&balanced, table, name);
    let needed = RANGE_STANDARD_ERRORS * standard_error;
    let first =
        format!("the marginal mean losses of {name} range over {range:.4}, seed noise explains {needed:.4}");
    if range <= needed {
        return Err(format!("{first}: more replicates are needed"));
    }
    let differences = replicate_differences(&balanced, table, name, other);
    let difference = mean(differences.iter().copied()).unwrap_or_default();
    let error = standard_deviation(&differences).unwrap_or(f64::INFINITY) / (replicates as f64).sqrt();
    let critical = t_975(replicates - 1);
    let second = format!(
        "its sum of squares within a replicate exceeds that of {other} by {difference:.4} on average, and \
         {replicates} replicates can tell {:.4}",
        critical * error
    );
    if difference > critical * error {
        Ok(format!("{first}; {second}"))
    } else {
        Err(format!("{first}, but {second}: more replicates are needed"))
    }
}

/// Why configurations cannot be compared: results that were planned are not there.
fn missing(table: &Table, spec: &SweepSpec) -> String {
    let planned = spec.trial_count().unwrap_or(u64::MAX);
    let there: BTreeSet<_> =
        table.completed().map(|(trial, _)| (trial.configuration, trial.replicate)).collect();
    let missing = planned.saturating_sub(there.len() as u64);
    let have = if missing == 1 { "has" } else { "have" };
    let (what, how) =
        if spec.replicates > 1 { ("replicates", "seed by seed") } else { ("trials", "with each other") };
    format!(
        "{what} are missing: {missing} of {planned} trials {have} no result, so configurations cannot be compared {how}"
    )
}

fn balanced_range(balanced: &Balanced, table: &Table, hyperparameter: Hyperparameter) -> f64 {
    let groups = balanced.levels_of(table, hyperparameter);
    let means = balanced.configuration_means();
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let of_level =
        |level| mean(means.iter().zip(&groups).filter(|(_, group)| **group == level).map(|(one, _)| *one));
    let marginal: Vec<f64> = (0..count).filter_map(of_level).collect();
    let largest = marginal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = marginal.iter().copied().fold(f64::INFINITY, f64::min);
    largest - smallest
}

/// For each replicate: the main-effect sum of squares of one hyperparameter less that of another.
fn replicate_differences(
    balanced: &Balanced,
    table: &Table,
    one: Hyperparameter,
    other: Hyperparameter,
) -> Vec<f64> {
    let (groups, other_groups) = (balanced.levels_of(table, one), balanced.levels_of(table, other));
    (0..balanced.replicates.len())
        .map(|position| {
            let scores = balanced.replicate(position);
            between_groups(&scores, &groups) - between_groups(&scores, &other_groups)
        })
        .collect()
}
