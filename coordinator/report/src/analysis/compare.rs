//! Two sweeps side by side: configurations matched, seeds paired.
//!
//! A seed moves both trials of a pair alike (initial values, order of batches), so the difference of the two is
//! tested, not the two means. Seeds are counted, not trials, so that it holds whatever a seed does to many
//! configurations alike: Student's t of the differences ("The Probable Error of a Mean", *Biometrika* 6, 1908),
//! corrected over configurations by Holm ("A Simple Sequentially Rejective Multiple Test Procedure", *Scandinavian
//! Journal of Statistics* 6, 1979). That learning procedures are compared over shared sources of variation is the
//! advice of Bouthillier et al., "Accounting for Variance in Machine Learning Benchmarks", *MLSys* 2021.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::{AttemptRecord, TrialState};
use sweep_proto::{Hyperparameter, Objective, SweepSpec, Value};

use super::contest::Contest;
use super::curves;
use super::ranking::{Contender, contenders};
use super::settings;
use crate::input::ReportInput;
use crate::model::comparison::{
    BestConfiguration, ComparedSweep, Comparison, OwnBest, PairedConfiguration, PairedDifference,
};
use crate::model::{CurvePanel, GroupLabel, PanelTitle, SCHEMA_VERSION};
use crate::table::{ONLY_CONFIGURATION, Table};
use coordinator_statistics::distributions::{holm, t_critical, t_two_sided};
use coordinator_statistics::means::mean;
use coordinator_statistics::means::rounding;
use coordinator_statistics::strata::INTERVAL_REPLICATES_MIN;
use coordinator_statistics::summary::standard_deviation;

/// One of the two, with what is known of its configurations.
struct Side<'a> {
    input: &'a ReportInput,
    table: &'a Table,
    contenders: Vec<Contender<'a>>,
}

/// A loss by seed.
type BySeed = BTreeMap<u64, f64>;

/// What two sweeps have in common and where they differ; the same for the same inputs.
pub fn compare(inputs: [&ReportInput; 2]) -> Comparison {
    let objectives = inputs.map(|input| input.sweep.spec.objective);
    let is_one = objectives[0] == objectives[1];
    let objective = if is_one { objectives[0] } else { Objective::default() };
    let tables = inputs.map(|input| Table::by(input, objective));
    let sides = [0, 1].map(|at| Side {
        input: inputs[at],
        table: &tables[at],
        contenders: contenders(&tables[at], &inputs[at].sweep.spec),
    });
    let specs = inputs.map(|input| &input.sweep.spec);
    let under_study = under_study(specs);
    let matched = matched(&sides, &under_study);
    let pairs = pairs(&matched, &swept_in_either(specs));
    let unmatched = [0, 1].map(|at| (sides[at].contenders.len() - matched.len()) as u64);
    let own_bests = inputs.map(|input| if is_one { None } else { own_best(input) });
    let mut sweeps = [compared(&sides[0]), compared(&sides[1])];
    for (sweep, own_best) in sweeps.iter_mut().zip(own_bests) {
        sweep.own_best = own_best;
    }
    Comparison {
        schema_version: SCHEMA_VERSION,
        generated_at_ms: inputs[0].generated_at_ms.max(inputs[1].generated_at_ms),
        build: inputs[0].build.clone(),
        is_same_machine: is_same_machine(&sweeps),
        sweeps,
        objective,
        objectives: (!is_one).then_some(objectives),
        is_same_data: settings::is_same_data(inputs),
        settings: settings::differences(inputs),
        overall: overall(&matched),
        under_study,
        matched: matched.len() as u64,
        pairs,
        unmatched,
        curves: best_curves(&sides),
    }
}

/// The mean of paired differences, the second less the first; `None` of nothing.
pub fn paired(pairs: &[[f64; 2]]) -> Option<PairedDifference> {
    let differences: Vec<f64> = pairs.iter().map(|[first, second]| second - first).collect();
    let centre = mean(differences.iter().copied())?;
    let spread = standard_deviation(&differences);
    let count = differences.len() as f64;
    // Where every seed gives the same difference (a result that was taken over, say), nothing says how sure it is.
    let is_known = |spread: &f64| *spread > rounding(pairs.iter().flatten().copied());
    let error = spread.filter(is_known).map(|spread| spread / count.sqrt());
    Some(PairedDifference {
        seeds: differences.len() as u32,
        mean: centre,
        standard_deviation: spread,
        interval: error
            .filter(|_| differences.len() >= INTERVAL_REPLICATES_MIN)
            .and_then(|error| Some(crate::model::Interval::around(centre, t_critical(count - 1.0)? * error))),
        p: error.and_then(|error| t_two_sided(centre / error, count - 1.0)),
    })
}

/// Hyperparameters that neither sweeps and that differ: what the two sweeps were made to compare.
fn under_study(specs: [&SweepSpec; 2]) -> Vec<Hyperparameter> {
    let held = |one: Hyperparameter| specs[0].held(one).zip(specs[1].held(one));
    let differs = |one: &Hyperparameter| held(*one).is_some_and(|(first, second)| first != second);
    Hyperparameter::ALL.iter().copied().filter(differs).collect()
}

/// In the order of the first, then those that only the second sweeps.
fn swept_in_either(specs: [&SweepSpec; 2]) -> Vec<Hyperparameter> {
    let mut swept = specs[0].swept();
    for one in specs[1].swept() {
        if !swept.contains(&one) {
            swept.push(one);
        }
    }
    swept
}

/// A configuration of both: its contenders, and in words what is swept.
struct Matched<'s, 'a> {
    first: &'s Contender<'a>,
    second: &'s Contender<'a>,
    table: &'s Table,
}

/// Configurations that are the same but for what is under study, in the ranking of the first.
fn matched<'s, 'a>(sides: &'s [Side<'a>; 2], under_study: &[Hyperparameter]) -> Vec<Matched<'s, 'a>> {
    let key = |side: &'s Side<'a>, contender: &Contender<'a>| -> Vec<Value> {
        let Some(configuration) = side.table.configurations.get(contender.configuration) else {
            return Vec::new();
        };
        let others = Hyperparameter::ALL.iter().filter(|one| !under_study.contains(one));
        others.map(|one| configuration.get(*one)).collect()
    };
    let second: BTreeMap<_, _> =
        sides[1].contenders.iter().map(|contender| (key(&sides[1], contender), contender)).collect();
    let both = |first: &'s Contender<'a>| {
        let second = second.get(&key(&sides[0], first))?;
        Some(Matched { first, second, table: sides[0].table })
    };
    sides[0].contenders.iter().filter_map(both).collect()
}

impl Matched<'_, '_> {
    /// The losses of both by seed, where both have one.
    fn by_seed(&self) -> BTreeMap<u64, [f64; 2]> {
        let losses = |contender: &Contender<'_>| -> BySeed {
            contender.trials.values().map(|(trial, outcome)| (trial.seed, outcome.score)).collect()
        };
        let second = losses(self.second);
        let both = |(seed, first): (u64, f64)| Some((seed, [first, *second.get(&seed)?]));
        losses(self.first).into_iter().filter_map(both).collect()
    }
}

fn pairs(matched: &[Matched<'_, '_>], swept: &[Hyperparameter]) -> Vec<PairedConfiguration> {
    let mut pairs: Vec<PairedConfiguration> = matched
        .iter()
        .filter_map(|one| {
            let losses: Vec<[f64; 2]> = one.by_seed().into_values().collect();
            let of = |at: usize| mean(losses.iter().map(|pair| pair[at]));
            let configuration = one.table.configurations.get(one.first.configuration)?;
            let label = match swept {
                [] => ONLY_CONFIGURATION.to_owned(),
                swept => configuration.label(swept),
            };
            let difference = paired(&losses)?;
            Some(PairedConfiguration { label, validation_loss: [of(0)?, of(1)?], difference, p_holm: None })
        })
        .collect();
    let tested: Vec<f64> = pairs.iter().filter_map(|pair| pair.difference.p).collect();
    let corrected = holm(&tested);
    for (pair, p_holm) in pairs.iter_mut().filter(|pair| pair.difference.p.is_some()).zip(corrected) {
        pair.p_holm = Some(p_holm);
    }
    pairs
}

/// Each seed's mean over the matched configurations: one pair a seed, so that the test counts seeds, not trials.
fn overall(matched: &[Matched<'_, '_>]) -> Option<PairedDifference> {
    let by_seed: Vec<_> = matched.iter().map(Matched::by_seed).filter(|losses| !losses.is_empty()).collect();
    let seeds_of = |losses: &BTreeMap<u64, [f64; 2]>| losses.keys().copied().collect::<BTreeSet<u64>>();
    let common =
        by_seed.iter().map(seeds_of).reduce(|left, right| left.intersection(&right).copied().collect())?;
    let of_seed = |seed: &u64| {
        let of = |at: usize| mean(by_seed.iter().filter_map(|losses| Some(losses.get(seed)?[at])));
        Some([of(0)?, of(1)?])
    };
    paired(&common.iter().filter_map(of_seed).collect::<Vec<_>>())
}

fn compared(side: &Side<'_>) -> ComparedSweep {
    let sweep = &side.input.sweep;
    let contest = Contest::of(&side.contenders, side.table, &sweep.spec);
    let best = side.contenders.first().and_then(|contender| {
        let configuration = side.table.configurations.get(contender.configuration)?;
        let tests = contender.trials.values().filter_map(|(trial, _)| trial.test.as_ref());
        Some(BestConfiguration {
            label: side.table.label(contender.configuration),
            values: configuration.iter().collect(),
            validation_loss: contender.loss,
            validation_loss_interval: contest.interval_of_loss(contender.configuration, &contender.loss),
            validation_accuracy: contender.accuracy,
            test_accuracy: mean(tests.map(|test| test.accuracy)),
        })
    });
    let in_state = |state| side.table.trials.iter().filter(|trial| trial.state == state).count() as u64;
    let (devices, builds) = machines(side.input);
    ComparedSweep {
        sweep: sweep.id.0,
        name: sweep.spec.name.clone(),
        state: sweep.state.name(),
        provisional: !sweep.state.is_ended(),
        trials_planned: coordinator_core::planned_trials(sweep, side.input.trials.iter())
            .unwrap_or(side.table.trials.len() as u64),
        trials_completed: side.table.completed().count() as u64,
        trials_failed: in_state(TrialState::Failed),
        trials_diverged: in_state(TrialState::Diverged),
        devices,
        builds,
        test_split_uses: sweep.tests_so_far(best.as_ref().is_some_and(|best| best.test_accuracy.is_some())),
        best,
        own_best: None,
    }
}

/// What the ranking by a sweep's own objective begins with.
fn own_best(input: &ReportInput) -> Option<OwnBest> {
    let (table, objective) = (Table::new(input), input.sweep.spec.objective);
    let ranked = contenders(&table, &input.sweep.spec);
    let best = ranked.first()?;
    Some(OwnBest { label: table.label(best.configuration), objective, mean: objective.value(best.loss.mean) })
}

/// The device models and the builds of the workers that trained what a sweep holds, reused trials as well.
fn machines(input: &ReportInput) -> (Vec<String>, Vec<String>) {
    devices_and_builds(input, input.attempts.iter())
}

/// The device models and the builds of the workers of these attempts.
pub(super) fn devices_and_builds<'a>(
    input: &ReportInput,
    attempts: impl Iterator<Item = &'a AttemptRecord>,
) -> (Vec<String>, Vec<String>) {
    let busy: BTreeSet<_> = attempts.map(|attempt| attempt.worker).collect();
    let profiles =
        input.workers.iter().filter(|worker| busy.contains(&worker.id)).map(|worker| &worker.profile);
    let devices: BTreeSet<String> = profiles
        .clone()
        .flat_map(|profile| profile.devices.iter().map(|device| device.model.clone()))
        .collect();
    let builds: BTreeSet<String> = profiles.map(|profile| profile.build.clone()).collect();
    (devices.into_iter().collect(), builds.into_iter().collect())
}

/// Numbers are equal to the bit on one device model and one build only.
fn is_same_machine([first, second]: &[ComparedSweep; 2]) -> bool {
    let is_one = |names: &[Vec<String>; 2]| names[0].len() <= 1 && names[0] == names[1];
    is_one(&[first.devices.clone(), second.devices.clone()])
        && is_one(&[first.builds.clone(), second.builds.clone()])
}

fn best_curves(sides: &[Side<'_>; 2]) -> CurvePanel {
    let of = |side: &Side<'_>| {
        let best = side.contenders.first()?;
        let configuration = side.table.label(best.configuration);
        let label = GroupLabel::BestOf { sweep: side.input.sweep.id.0, configuration };
        Some(curves::group_of(label, best))
    };
    CurvePanel {
        hyperparameter: None,
        title: PanelTitle::BestOfEach,
        groups: sides.iter().filter_map(of).collect(),
    }
}
