//! Which configurations of a sweep with several objectives nothing beats in all of them.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::AttemptRecord;
use coordinator_statistics::front::{Places, Point, beats, draws, on_front, places, shares_on_front};
use coordinator_statistics::means::rounding;
use coordinator_statistics::strata::INTERVAL_REPLICATES_MIN;
use coordinator_statistics::summary::summary;
use sweep_proto::{AttemptId, EpochFigure, FrontObjective, TrialId, WorkKind};

use super::compare::{devices_and_builds, paired};
use super::ranking::{Contender, swept_values};
use crate::input::ReportInput;
use crate::model::comparison::PairedDifference;
use crate::model::{BeatingMember, CheapestMember, Front, Summary, WeighedConfiguration, WeighedObjective};
use crate::table::{Table, TrialOutcome, TrialRow, is_finite};

/// The front; `None` of one objective, and where no configuration has a result. `chosen` is the best configuration.
pub(super) fn front(
    input: &ReportInput,
    table: &Table,
    contenders: &[Contender<'_>],
    chosen: Option<&Contender<'_>>,
) -> Option<Front> {
    let objectives: Vec<FrontObjective> = input.sweep.spec.objectives().collect();
    let first = contenders.first().filter(|_| objectives.len() > 1)?;
    let alike = contenders.iter().enumerate().filter(|(_, one)| one.trials.keys().eq(first.trials.keys()));
    let compared: Vec<Compared<'_>> =
        alike.filter_map(|(at, one)| Compared::of(at, one, &objectives)).collect();
    let means: Vec<Point> = compared.iter().map(|one| one.mean(&objectives)).collect();
    let drawn = draws(compared.len(), first.trials.len());
    let shares = drawn.and_then(|_| {
        shares_on_front(&compared.iter().map(|one| one.scores(&objectives)).collect::<Vec<_>>())
    });
    let members = on_front(&means);
    let configuration = |(at, one): (usize, &Compared<'_>)| WeighedConfiguration {
        rank: one.position as u32 + 1,
        label: table.label(one.contender.configuration),
        values: swept_values(table, one.contender.configuration),
        objectives: one.summaries.clone(),
        on_front: members[at],
        bootstrap_share_on_front: shares.as_ref().map(|shares| shares[at]),
    };
    let has_seconds = objectives.contains(&FrontObjective::Seconds);
    let best = compared
        .iter()
        .position(|one| Some(one.contender.configuration) == chosen.map(|one| one.configuration));
    let beside = best.map(|best| Beside {
        table,
        objectives: &objectives,
        compared: &compared,
        places: places(&means),
        members: &members,
        best,
    });
    Some(Front {
        objectives: objectives.iter().copied().map(WeighedObjective::of).collect(),
        compared: compared.len() as u64,
        left_out: (table.configurations.len() - compared.len()) as u64,
        replicates: first.trials.len() as u32,
        bootstrap_draws: drawn.map(|draws| draws as u32),
        best_is_compared: best.is_some(),
        best_is_beaten_by: beside.as_ref().and_then(Beside::beating),
        cheapest: beside.as_ref().and_then(Beside::cheapest),
        devices: if has_seconds { devices(input, &compared) } else { Vec::new() },
        reused: if has_seconds { reused(&compared) } else { 0 },
        configurations: compared.iter().enumerate().map(configuration).collect(),
    })
}

/// A configuration with its values in every objective.
struct Compared<'s> {
    /// Its position in the ranking.
    position: usize,
    contender: &'s Contender<'s>,
    /// `values[objective][replicate]`.
    values: Vec<Vec<f64>>,
    summaries: Vec<Summary>,
}

impl<'s> Compared<'s> {
    /// `None` where a trial does not tell one of the objectives.
    fn of(position: usize, contender: &'s Contender<'_>, objectives: &[FrontObjective]) -> Option<Self> {
        let of = |objective: &FrontObjective| -> Option<Vec<f64>> {
            contender.trials.values().map(|(trial, outcome)| value(*objective, trial, outcome)).collect()
        };
        let values: Vec<Vec<f64>> = objectives.iter().map(of).collect::<Option<_>>()?;
        let summaries = values.iter().map(|values| summary(values)).collect::<Option<_>>()?;
        Some(Self { position, contender, values, summaries })
    }

    /// Its means, turned so that lower is better.
    fn mean(&self, objectives: &[FrontObjective]) -> Point {
        point(objectives, |at| self.summaries[at].mean)
    }

    /// The same of each replicate.
    fn scores(&self, objectives: &[FrontObjective]) -> Vec<Point> {
        let of = |replicate: usize| point(objectives, |at| self.values[at][replicate]);
        (0..self.contender.trials.len()).map(of).collect()
    }
}

/// Values by objective, turned so that lower is better.
fn point(objectives: &[FrontObjective], value: impl Fn(usize) -> f64) -> Point {
    let mut point = Point::default();
    for (at, (score, objective)) in point.iter_mut().zip(objectives).enumerate() {
        *score = turned(*objective, value(at));
    }
    point
}

/// A value, or a difference of two, as a number that is lower where it is better. Its sign is turned and not how far it is from 1,
/// because of a number near 1 that keeps rounding alone.
fn turned(objective: FrontObjective, value: f64) -> f64 {
    if objective.better() == "lower" { value } else { -value }
}

/// What a trial came to in an objective.
fn value(objective: FrontObjective, trial: &TrialRow, outcome: &TrialOutcome) -> Option<f64> {
    match objective {
        FrontObjective::Parameters => Some(outcome.parameters as f64),
        FrontObjective::Seconds => trial.seconds(),
        FrontObjective::Metric(metric) => match metric.figure() {
            EpochFigure::ValidationLoss => Some(outcome.loss),
            EpochFigure::ValidationAccuracy => Some(outcome.accuracy),
            figure => figure.of(trial.kept_epoch()?),
        },
    }
}

/// The best configuration beside the members.
struct Beside<'s> {
    table: &'s Table,
    objectives: &'s [FrontObjective],
    compared: &'s [Compared<'s>],
    places: Vec<Places>,
    members: &'s [bool],
    best: usize,
}

impl Beside<'_> {
    fn others(&self) -> impl Iterator<Item = usize> {
        (0..self.compared.len()).filter(|at| self.members[*at] && *at != self.best)
    }

    fn label(&self, at: usize) -> String {
        self.table.label(self.compared[at].contender.configuration)
    }

    fn mean(&self, at: usize, objective: usize) -> f64 {
        self.compared[at].summaries[objective].mean
    }

    /// Of the members that beat the best, the one that is the best itself: ties in one objective are broken by the next.
    fn beating(&self) -> Option<BeatingMember> {
        let [beating, best] = [self.beating_at()?, self.best].map(|at| self.places[at]);
        let better = beating.iter().zip(&best).position(|(one, best)| one < best)?;
        Some(BeatingMember {
            label: self.label(self.beating_at()?),
            objective: *self.objectives.get(better)?,
        })
    }

    fn beating_at(&self) -> Option<usize> {
        let best = &self.places[self.best];
        self.others().filter(|at| beats(&self.places[*at], best)).min_by_key(|at| self.places[*at])
    }

    /// The member that is the best in the second objective, of those that are better in it than the best configuration and not
    /// shown to be worse in the first; the best configuration itself where there is none, and `None` of few replicates.
    fn cheapest(&self) -> Option<CheapestMember> {
        if self.compared[self.best].contender.trials.len() < INTERVAL_REPLICATES_MIN {
            return None;
        }
        let candidates = self.others().filter(|at| self.is_better_in_second(*at));
        let candidates = candidates.filter(|at| !self.is_worse_in_first(*at));
        let found = candidates.min_by_key(|at| self.places[*at][1]);
        let at = found.unwrap_or(self.best);
        Some(CheapestMember {
            label: self.label(at),
            is_best: at == self.best,
            mean: self.mean(at, 1),
            mean_of_best: self.mean(self.best, 1),
            first_mean: self.mean(at, 0),
            first_mean_of_best: self.mean(self.best, 0),
            first_difference_interval: found.and_then(|at| self.difference(at, 0)?.interval),
        })
    }

    /// A configuration's value in an objective less that of the best, by replicate.
    fn difference(&self, at: usize, objective: usize) -> Option<PairedDifference> {
        let [best, other] = [self.best, at].map(|at| &self.compared[at].values[objective]);
        paired(&best.iter().zip(other).map(|(best, other)| [*best, *other]).collect::<Vec<_>>())
    }

    /// Numbers of parameters have no noise. Of anything else the difference must be larger than its noise. Shares count whole rows,
    /// so that few replicates may all give the same difference by luck: without an interval, nothing is shown.
    fn is_better_in_second(&self, at: usize) -> bool {
        let objective = self.objectives[1];
        if objective == FrontObjective::Parameters {
            return self.places[at][1] < self.places[self.best][1];
        }
        let interval = self.difference(at, 1).and_then(|difference| difference.interval);
        interval.is_some_and(|one| turned(objective, one.low).max(turned(objective, one.high)) < 0.0)
    }

    /// Whether it is shown to be worse in the first objective, or is worse by the same in every replicate.
    fn is_worse_in_first(&self, at: usize) -> bool {
        let objective = self.objectives[0];
        let Some(difference) = self.difference(at, 0) else { return true };
        if let Some(one) = difference.interval {
            return turned(objective, one.low).min(turned(objective, one.high)) > 0.0;
        }
        turned(objective, difference.mean) > rounding([self.mean(at, 0), self.mean(self.best, 0)])
    }
}

/// Compared trials whose result an earlier sweep gave. Trials of one sweep may take results over from each other, too.
fn reused(compared: &[Compared<'_>]) -> u64 {
    let trials = compared.iter().flat_map(|one| one.contender.trials.values());
    let is_earlier = |trial: &TrialRow| trial.reused_from.is_some_and(|from| from.sweep != trial.id.sweep);
    trials.filter(|(trial, _)| is_earlier(trial)).count() as u64
}

/// The device models that trained the epochs of the compared trials: their seconds are compared, and no others.
fn devices(input: &ReportInput, compared: &[Compared<'_>]) -> Vec<String> {
    let trials = compared.iter().flat_map(|one| one.contender.trials.values());
    let trials: BTreeSet<TrialId> =
        trials.flat_map(|(trial, _)| [Some(trial.id), trial.reused_from]).flatten().collect();
    let mut attempts: BTreeMap<(TrialId, u32), u32> = BTreeMap::new();
    for epoch in input.epochs.iter().filter(|one| trials.contains(&one.trial) && is_finite(&one.metric)) {
        // Where an epoch stands twice, the later attempt's counts.
        let attempt = attempts.entry((epoch.trial, epoch.metric.epoch)).or_default();
        *attempt = epoch.attempt.max(*attempt);
    }
    let counted: BTreeSet<AttemptId> =
        attempts.into_iter().map(|((trial, _), number)| AttemptId { trial, number }).collect();
    let trained = |attempt: &&AttemptRecord| attempt.work == WorkKind::Train && counted.contains(&attempt.id);
    devices_and_builds(input, input.attempts.iter().filter(trained)).0
}
