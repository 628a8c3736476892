//! Which configurations of a sweep with several objectives nothing beats in all of them.

use coordinator_statistics::front::{Point, on_front, shares_on_front};
use coordinator_statistics::summary::summary;
use sweep_proto::{EpochFigure, FrontObjective};

use super::compare::machines;
use super::contest::Contest;
use super::ranking::{Contender, swept_values};
use crate::input::ReportInput;
use crate::model::{CheapestMember, Front, Summary, WeighedConfiguration, WeighedObjective};
use crate::table::{Table, TrialOutcome, TrialRow};

/// The front; `None` of one objective, and where no configuration has a result. `chosen` is the best configuration.
pub(super) fn front(
    input: &ReportInput,
    table: &Table,
    contenders: &[Contender<'_>],
    contest: &Contest,
    chosen: Option<&Contender<'_>>,
) -> Option<Front> {
    let objectives: Vec<FrontObjective> = input.sweep.spec.objectives().collect();
    let first = contenders.first().filter(|_| objectives.len() > 1)?;
    let alike = contenders.iter().enumerate().filter(|(_, one)| one.trials.keys().eq(first.trials.keys()));
    let compared: Vec<Compared<'_>> =
        alike.filter_map(|(at, one)| Compared::of(at, one, &objectives)).collect();
    let means: Vec<Point> = compared.iter().map(|one| one.mean(&objectives)).collect();
    let shares = shares_on_front(&compared.iter().map(|one| one.scores(&objectives)).collect::<Vec<_>>());
    let places = on_front(&means);
    let configuration = |(at, one): (usize, &Compared<'_>)| WeighedConfiguration {
        rank: one.position as u32 + 1,
        label: table.label(one.contender.configuration),
        values: swept_values(table, one.contender.configuration),
        objectives: one.summaries.clone(),
        on_front: places[at],
        bootstrap_share_on_front: shares.as_ref().map(|shares| shares[at]),
    };
    // Above nothing, the interval of a difference ends where noise does.
    let noise = contest.interval_of_gap(0.0).map(|interval| interval.high);
    let has_seconds = objectives.contains(&FrontObjective::Seconds);
    let best = compared
        .iter()
        .position(|one| Some(one.contender.configuration) == chosen.map(|one| one.configuration));
    Some(Front {
        objectives: objectives.iter().copied().map(WeighedObjective::of).collect(),
        compared: compared.len() as u64,
        left_out: (table.configurations.len() - compared.len()) as u64,
        replicates: first.trials.len() as u32,
        noise,
        cheapest: best
            .zip(noise)
            .and_then(|(best, noise)| cheapest(table, &compared, (&means, &places), best, noise)),
        devices: if has_seconds { machines(input).0 } else { Vec::new() },
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

    /// Its mean scores.
    fn mean(&self, objectives: &[FrontObjective]) -> Point {
        point(objectives, |at| self.summaries[at].mean)
    }

    /// The scores of each replicate.
    fn scores(&self, objectives: &[FrontObjective]) -> Vec<Point> {
        let of = |replicate: usize| point(objectives, |at| self.values[at][replicate]);
        (0..self.contender.trials.len()).map(of).collect()
    }
}

/// Scores of values by objective.
fn point(objectives: &[FrontObjective], value: impl Fn(usize) -> f64) -> Point {
    let mut point = Point::default();
    for (at, (score, objective)) in point.iter_mut().zip(objectives).enumerate() {
        *score = objective.score(value(at));
    }
    point
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

/// The member that is the best in the second objective, of those as good as the best within noise.
fn cheapest(
    table: &Table,
    compared: &[Compared<'_>],
    (means, places): (&[Point], &[bool]),
    best: usize,
    noise: f64,
) -> Option<CheapestMember> {
    let is_as_good = |at: &usize| means[*at][0] - means[best][0] <= noise;
    let members = (0..compared.len()).filter(|at| places[*at]).filter(is_as_good);
    let cheapest = members.min_by(|one, other| means[*one][1].total_cmp(&means[*other][1]))?;
    Some(CheapestMember {
        label: table.label(compared[cheapest].contender.configuration),
        is_best: cheapest == best,
        mean: compared[cheapest].summaries[1].mean,
        mean_of_best: compared[best].summaries[1].mean,
    })
}
