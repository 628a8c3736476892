//! A recorded table as searches see it, and the judge that they do not see.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{Configuration, Hyperparameter, Value};

use super::{Known, Problems, Recorded};
use crate::replay::{CurveTable, Epoch, Judge, Paired, Places, least_difference};
use crate::space::Space;

/// Most places of the grid that a table is of: all of them are looked at.
const PLACES_MAX: u64 = 1 << 20;

/// Replicates from which on half of them judge, unless somebody says otherwise.
const REPLICATES_TO_SPLIT: usize = 4;

/// A score counts as at least this part of that of guessing: a loss of nothing has no logarithm.
const LEAST: f64 = 1e-6;

/// A table that searches are played on, and all that is known of it.
#[derive(Clone, Debug)]
pub struct World {
    /// What searches see.
    pub table: CurveTable,
    /// Where they search.
    pub space: Space,
    /// The configurations of the space, by their indices in the table.
    pub configurations: Vec<Configuration>,
    /// The same the other way round.
    pub places: Places,
    /// Judges what they name.
    pub judge: Judge,
    /// Replicates that only the judge sees; 0: it judges by those that searches see.
    pub judges: usize,
    /// The score of a model that guesses.
    pub chance: f64,
    /// The configuration of the lowest mean over all that searches may see: what the whole grid names.
    pub named_by_grid: usize,
    /// Standard deviation of the logarithm of a score over seeds, without what all configurations of a replicate share; `None` where
    /// nothing tells it.
    pub noise: Option<f64>,
    /// What whoever reads the results should know of the table.
    pub notes: Vec<String>,
}

impl World {
    /// Splits a table into what searches see and what judges them: the last `judges` replicates, by default half of them where there are
    /// four or more. `critical` gives the critical value of a two-sided test for degrees of freedom.
    ///
    /// # Errors
    /// Where nothing is left to search, or to judge by.
    pub fn new(
        recorded: &Recorded,
        known: &Known,
        judges: Option<usize>,
        critical: &dyn Fn(usize) -> f64,
    ) -> Result<Self, Problems> {
        let usual = if recorded.replicates >= REPLICATES_TO_SPLIT { recorded.replicates / 2 } else { 0 };
        let judges = judges.unwrap_or(usual);
        if judges >= recorded.replicates {
            return Err(Problems::of(format!(
                "{judges} replicates are to judge, and the table has {}; leave at least one for the searches",
                recorded.replicates
            )));
        }
        let seen = recorded.replicates - judges;
        let (space, configurations) = space_of(recorded, known)?;
        let classes = known.classes.unwrap_or(2).max(2) as f64;
        let is_loss = known.objective() == sweep_proto::Objective::default();
        let chance = if is_loss { libm::log(classes) } else { 1.0 - 1.0 / classes };
        let curves = |replicates: std::ops::Range<usize>| {
            let curve = move |configuration: &Configuration, replicate| {
                let values: Vec<Value> =
                    recorded.axes.iter().map(|axis| configuration.get(axis.hyperparameter)).collect();
                recorded.curves.get(&(values, replicate)).map(|curve| floored(curve, LEAST * chance))
            };
            let of =
                move |one| replicates.clone().map(move |replicate| curve(one, replicate).unwrap_or_default());
            configurations.iter().flat_map(of).collect::<Vec<_>>()
        };
        let table = |replicates: std::ops::Range<usize>| {
            let count = replicates.len();
            CurveTable::new(count, curves(replicates)).map_err(|error| Problems::of(error.to_string()))
        };
        let shown = table(0..seen)?;
        let paired = table(0..recorded.replicates)?.paired(chance);
        let judging = if judges == 0 { shown.clone() } else { table(seen..recorded.replicates)? };
        let truth = means(&judging, chance);
        let degrees_of_freedom = paired.degrees_of_freedom;
        let tied = paired
            .deviation
            .map_or(0.0, |deviation| least_difference(deviation, seen, critical(degrees_of_freedom)));
        let named_by_grid = lowest(&means(&shown, chance)).ok_or_else(|| {
            Problems::of(
                "no trial of the replicates that searches see has ended; let fewer replicates judge"
                    .to_owned(),
            )
        })?;
        let judge = Judge::new(truth, tied);
        let mut notes = recorded.notes.clone();
        notes.extend(told_of_cover(&shown, &judging, judges));
        if known.classes.is_none() {
            notes.push(
                "Nothing tells how many classes the data has: guessing counts as between two.".to_owned(),
            );
        }
        let noise = paired.deviation;
        let places = places_of(&configurations);
        Ok(Self {
            table: shown,
            space,
            configurations,
            places,
            judge,
            judges,
            chance,
            named_by_grid,
            noise,
            notes,
        })
    }

    /// A table of which everything is known but what its notes would say; searches never see what its judge goes by.
    ///
    /// # Errors
    /// Where no trial has ended.
    pub fn judged(
        table: CurveTable,
        (space, configurations): (Space, Vec<Configuration>),
        judge: Judge,
        chance: f64,
    ) -> Result<Self, Problems> {
        let named_by_grid = lowest(&means(&table, chance))
            .ok_or_else(|| Problems::of("no trial of the table has ended; record one that has".to_owned()))?;
        let noise = table.paired(chance).deviation;
        let notes = Vec::new();
        let places = places_of(&configurations);
        Ok(Self {
            table,
            space,
            configurations,
            places,
            judge,
            judges: 0,
            chance,
            named_by_grid,
            noise,
            notes,
        })
    }

    /// The values of the axes of a configuration.
    pub fn label(&self, configuration: usize) -> String {
        let swept: Vec<Hyperparameter> = self.space.axes().iter().map(|axis| axis.hyperparameter).collect();
        self.configurations.get(configuration).map(|one| one.label(&swept)).unwrap_or_default()
    }
}

fn places_of(configurations: &[Configuration]) -> Places {
    Places::new(configurations.iter().cloned().zip(0..).collect())
}

/// A curve whose losses have logarithms.
fn floored(curve: &[Epoch], least: f64) -> Vec<Epoch> {
    let epoch = |one: &Epoch| Epoch {
        loss: if one.loss.is_finite() { one.loss.max(least) } else { f64::NAN },
        ..*one
    };
    curve.iter().map(epoch).collect()
}

/// The mean score of each configuration as if all its replicates were there; infinite where none is.
fn means(table: &CurveTable, chance: f64) -> Vec<f64> {
    let rows: Vec<_> = (0..table.configurations()).map(|one| table.counted_scores(one, chance)).collect();
    Paired::of(&rows).means.into_iter().map(|mean| mean.unwrap_or(f64::INFINITY)).collect()
}

fn lowest(scores: &[f64]) -> Option<usize> {
    let finite = scores.iter().enumerate().filter(|(_, score)| score.is_finite());
    finite.min_by(|one, other| one.1.total_cmp(other.1)).map(|(at, _)| at)
}

/// The space of the sweep where the table is of one and covers nothing else, and else that of all levels that the table has.
fn space_of(recorded: &Recorded, known: &Known) -> Result<(Space, Vec<Configuration>), Problems> {
    if recorded.axes.is_empty() {
        return Err(Problems::of(
            "all its trials have one configuration; a replay needs at least two to choose from".to_owned(),
        ));
    }
    let values = |configuration: &Configuration| -> Vec<Value> {
        recorded.axes.iter().map(|axis| configuration.get(axis.hyperparameter)).collect()
    };
    let present: BTreeSet<&Vec<Value>> = recorded.curves.keys().map(|(values, _)| values).collect();
    let of_sweep = known.spec.as_ref().map(Space::of);
    let mut found = None;
    for space in of_sweep.into_iter().chain([Space::over(recorded.axes.clone())]) {
        let Some(configurations) = listed(&space) else { continue };
        let places: BTreeMap<Vec<Value>, usize> = configurations.iter().map(values).zip(0..).collect();
        let covers = present.iter().all(|values| places.contains_key(*values));
        if covers && places.len() == configurations.len() {
            found = Some((space, configurations));
            break;
        }
    }
    let few = |of: String| {
        Problems::of(format!(
            "it holds {} of the {of} combinations of its levels; searches need most of a grid to choose from: give the table of a \
             sweep without a search",
            present.len()
        ))
    };
    let (space, configurations) = found.ok_or_else(|| few(format!("more than {PLACES_MAX}")))?;
    if 2 * present.len() < configurations.len() {
        return Err(few(configurations.len().to_string()));
    }
    Ok((space, configurations))
}

/// The configurations of a space, where it has few enough places.
fn listed(space: &Space) -> Option<Vec<Configuration>> {
    let places = space.places().filter(|places| *places <= PLACES_MAX)?;
    let mut look = space.look()?;
    Some((0..places).filter_map(|place| look.allowed_at(place)).collect())
}

/// What is said of trials that are missing, and of who judges.
fn told_of_cover(shown: &CurveTable, judging: &CurveTable, judges: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let all = shown.configurations() * shown.replicates();
    if shown.trials() < all {
        notes.push(format!(
            "{} of the {all} trials that searches may ask for are not in the table: they fail at once and cost nothing. Means are \
             compared as if all replicates were there.",
            all - shown.trials()
        ));
    }
    let unjudged = (0..judging.configurations()).filter(|one| judging.scores(*one).is_empty());
    let unjudged = unjudged.count();
    if judges > 0 && unjudged > 0 {
        notes.push(format!("{unjudged} configurations have no replicate that judges: naming one counts as the worst that can be."));
    }
    notes
}
