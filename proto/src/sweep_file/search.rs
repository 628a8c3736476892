//! What a sweep file says of the whole space: its constraints, its conditions together, and how it is searched.

use std::ops::Range;

use super::grid::Space;
use super::idle;
use super::known::Place;
use super::layout::Layout;
use super::settings::Settings;
use super::source::Source;
use super::steered;
use crate::configuration::Value;
use crate::search::{Amount, Budget, PrunerName, SamplerName, Search};
use crate::space::{self, Axis, CONSTRAINTS_MAX, Constraint, Constraints, Part, SpaceProblem, points};

/// The constraints of a file.
#[derive(Default)]
pub(super) struct Demanded {
    /// Those that could be read.
    pub(super) constraints: Constraints,
    /// Whether these are all.
    pub(super) is_whole: bool,
}

/// Reads the constraints, and reports what does not hold between them and the axes. The grid is looked at where it is new.
pub(super) fn constraints_of(
    source: &mut Source<'_>,
    settings: &Settings,
    space: &Space,
    is_new: bool,
) -> Demanded {
    let mut constraints = Vec::new();
    let mut places = Vec::new();
    let written = settings.placed_list(Place::Grid, "constraints");
    let count = written.len();
    if let Some((_, place)) = written.get(CONSTRAINTS_MAX) {
        let message = format!("there are {count} constraints; a sweep may have at most {CONSTRAINTS_MAX}");
        let help = "remove those that follow from others; levels that none may have need no constraint";
        source.report(place.clone(), message, Some(help.to_owned()));
    }
    for (text, place) in written.into_iter().take(CONSTRAINTS_MAX) {
        match text.parse::<Constraint>() {
            Ok(constraint) => {
                constraints.push(constraint);
                places.push(place);
            }
            Err(error) => {
                let at = within(source, &place, &text, &error.at);
                source.report(at, error.message, Some(error.help));
            }
        }
    }
    let (broken, spans): (Vec<Axis>, Vec<_>) = space.broken.iter().cloned().unzip();
    let axes = [space.axes.clone(), broken].concat();
    let spans = [space.spans.clone(), spans].concat();
    let mut problems = space::problems_beside(&axes, &constraints, &space.unread);
    problems.extend(impossible(&constraints, space, &problems));
    let is_whole = constraints.len() == count && settings.is_wholly_read(Place::Grid, "constraints");
    let is_looked_at = is_new && is_whole && problems.is_empty() && space.unread.is_empty();
    for problem in problems {
        let place = match problem.part {
            Part::Axis(at) => spans.get(at),
            Part::Constraint(at) => places.get(at),
        };
        let place = place.cloned().unwrap_or_else(|| source.end());
        source.report(place, problem.message, Some(problem.help));
    }
    let constraints = Constraints::from(constraints);
    if let Some(place) = places.first().filter(|_| is_looked_at && excludes_everything(&constraints, space)) {
        let message = "no configuration fulfils all constraints together".to_owned();
        let help = "loosen one of them, or add values to sweep".to_owned();
        source.report(place.clone(), message, Some(help));
    }
    Demanded { constraints, is_whole }
}

/// The constraints that nothing can fulfil, whatever the others demand.
fn impossible(constraints: &[Constraint], space: &Space, known: &[SpaceProblem]) -> Vec<SpaceProblem> {
    let problem = |(at, constraint): (usize, &Constraint)| {
        let part = Part::Constraint(at);
        let is_told = known.iter().any(|problem| problem.part == part);
        if is_told || constraint.hyperparameters().iter().any(|one| space.unread.contains(one)) {
            return None;
        }
        let why = constraint.impossibility(&space.axes, &space.fixed)?;
        let message = format!("no configuration fulfils the constraint {constraint}: {why}");
        Some(SpaceProblem { part, message, help: "loosen it, or add values to sweep".to_owned() })
    };
    constraints.iter().enumerate().filter_map(problem).collect()
}

/// Whether a space of levels has no allowed configuration. Of ranges, and of too many levels to look at, that is not known.
fn excludes_everything(constraints: &Constraints, space: &Space) -> bool {
    space::is_quick_to_look_at(&space.axes, constraints)
        && points::allowed(&space.axes, constraints, &space.fixed).is_some_and(|mut one| one.next().is_none())
}

/// The place of a part of a text in quotes: the whole where it is not written out as it reads.
fn within(source: &Source<'_>, place: &Range<usize>, text: &str, part: &Range<usize>) -> Range<usize> {
    let start = place.start + 1;
    if source.slice(start..start + text.len()) == text {
        start + part.start..start + part.end
    } else {
        place.clone()
    }
}

/// The search of a file that has one; reported where it needs one, and where it would not end.
pub(super) fn search_of(
    source: &mut Source<'_>,
    layout: &Layout<'_, '_>,
    settings: &Settings,
    space: &Space,
) -> Option<Search> {
    let range = space.axes.iter().position(|axis| axis.range().is_some());
    let section =
        layout.sections.iter().find(|(place, _)| *place == Place::Search).map(|(_, span)| span.clone());
    let Some(section) = section else {
        if let Some(at) = range.filter(|_| !layout.malformed.contains(&Place::Search)) {
            let message =
                format!("{} has a range, which only a search can try", space.axes[at].hyperparameter);
            let help = "add the section [search] with trials = 40, or list the values to try";
            source.report(space.spans[at].clone(), message, Some(help.to_owned()));
        }
        return None;
    };
    let default = if range.is_some() { SamplerName::Random } else { SamplerName::Grid };
    let sampler = word(settings, "sampler", default, SamplerName::from_name);
    let pruner = word(settings, "pruner", PrunerName::None, PrunerName::from_name);
    let budget = Budget {
        trials: settings.whole(Place::Search, "trials").and_then(|trials| u32::try_from(trials).ok()),
        epochs: settings.whole(Place::Search, "epochs"),
        hours: amount(settings, "hours"),
        money: amount(settings, "money"),
        price_per_hour: amount(settings, "price_per_hour"),
    };
    if sampler == Some(SamplerName::Grid)
        && let Some(at) = range
    {
        let message =
            format!("the sampler grid tries levels, but {} has a range", space.axes[at].hyperparameter);
        let help = "write sampler = \"random\" under [search], or list the values to try";
        source.report(space.spans[at].clone(), message, Some(help.to_owned()));
    }
    let continuous = space.axes.iter().position(|axis| axis.size().is_none());
    if sampler == Some(SamplerName::ShuffledGrid)
        && let Some(at) = continuous
    {
        let name = space.axes[at].hyperparameter;
        let message = format!(
            "the sampler shuffled_grid tries values that can be counted, but {name} has a range without a step"
        );
        let help = "give the range a step, or write sampler = \"random\" under [search]";
        source.report(space.spans[at].clone(), message, Some(help.to_owned()));
    }
    let has_budget =
        ["trials", "epochs", "hours", "money"].iter().any(|name| settings.was_given(Place::Search, name));
    let is_of_grid = |one| matches!(one, SamplerName::Grid | SamplerName::ShuffledGrid);
    let ends_by_itself = sampler == Some(SamplerName::Auto);
    let has_end = ends_by_itself || range.is_none() && sampler.is_none_or(is_of_grid);
    if !has_end && !has_budget {
        let message = "the search has no end".to_owned();
        source.report(section, message, Some("write trials = 40 under [search]".to_owned()));
    }
    if sampler == Some(SamplerName::Auto) {
        steered::refuse(source, settings, space, pruner);
    }
    if let Some(pruner) = pruner {
        refuse_pruned_front(source, settings, pruner);
        idle::refuse(source, settings, space, pruner);
    }
    let small = |name| settings.whole(Place::Search, name).and_then(|number: u64| u32::try_from(number).ok());
    let (eta, min_epochs) = (small("eta"), small("min_epochs"));
    Some(Search { sampler: sampler?, pruner: pruner?, eta, min_epochs, budget })
}

/// Reports a pruner beside several objectives: it would end trials of configurations that belong to the front.
fn refuse_pruned_front(source: &mut Source<'_>, settings: &Settings, pruner: PrunerName) {
    let objectives = settings.objectives();
    let place = settings.value(Place::Search, "pruner").map(|(_, place)| place);
    let Some(place) = place.filter(|_| pruner != PrunerName::None && !objectives.further.is_empty()) else {
        return;
    };
    let message = format!(
        "the pruner {pruner} looks at {} alone, and would end trials that are on the Pareto front of all objectives",
        objectives.first
    );
    let help = format!("remove the pruner, or write objective = \"{}\"", objectives.first);
    source.report(place, message, Some(help));
}

/// Hours, money or a price, where the file has it.
fn amount(settings: &Settings, name: &str) -> Option<Amount> {
    settings.real(Place::Search, name).and_then(Amount::of)
}

/// The one that a word names, or else the default; `None` where something else was written.
fn word<T>(settings: &Settings, name: &str, default: T, from_name: fn(&str) -> Option<T>) -> Option<T> {
    match settings.value(Place::Search, name) {
        Some((Value::Word(word), _)) => from_name(&word),
        _ => (!settings.was_given(Place::Search, name)).then_some(default),
    }
}
