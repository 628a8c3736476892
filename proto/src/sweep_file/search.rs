//! What a sweep file says of the whole space: its constraints, its conditions together, and how it is searched.

use std::ops::Range;

use super::grid::Space;
use super::known::Place;
use super::layout::Layout;
use super::settings::Settings;
use super::source::Source;
use crate::configuration::Value;
use crate::search::{Budget, PrunerName, SamplerName, Search};
use crate::space::{self, Constraint, Constraints, Part};

/// Reads the constraints, and reports what does not hold between them and the axes.
pub(super) fn constraints_of(source: &mut Source<'_>, settings: &Settings, space: &Space) -> Constraints {
    let mut constraints = Vec::new();
    let mut places = Vec::new();
    for (text, place) in settings.placed_list(Place::Grid, "constraints") {
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
    let problems = if space.lacks_axes { Vec::new() } else { space::problems(&space.axes, &constraints) };
    for problem in problems {
        let place = match problem.part {
            Part::Axis(at) => space.spans.get(at),
            Part::Constraint(at) => places.get(at),
        };
        let place = place.cloned().unwrap_or_else(|| source.end());
        source.report(place, problem.message, Some(problem.help));
    }
    constraints.into()
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
    let sampler = word(settings, "sampler").map_or(Some(default), |name| SamplerName::from_name(&name));
    let pruner = word(settings, "pruner").map_or(Some(PrunerName::None), |name| PrunerName::from_name(&name));
    let budget = Budget {
        trials: settings.whole(Place::Search, "trials").and_then(|trials| u32::try_from(trials).ok()),
        epochs: settings.whole(Place::Search, "epochs"),
    };
    let small = |name| settings.whole(Place::Search, name).and_then(|number: u64| u32::try_from(number).ok());
    let (eta, min_epochs) = (small("eta"), small("min_epochs"));
    let search = Search { sampler: sampler?, pruner: pruner?, eta, min_epochs, budget };
    if search.sampler == SamplerName::Grid
        && let Some(at) = range
    {
        let message =
            format!("the sampler grid tries levels, but {} has a range", space.axes[at].hyperparameter);
        let help = "write sampler = \"random\" under [search], or list the values to try";
        source.report(space.spans[at].clone(), message, Some(help.to_owned()));
    }
    let has_budget = ["trials", "epochs"].iter().any(|name| settings.was_given(Place::Search, name));
    let has_end = range.is_none() && matches!(search.sampler, SamplerName::Grid | SamplerName::ShuffledGrid);
    if !has_end && !has_budget {
        let message = "the search has no end".to_owned();
        source.report(section, message, Some("write trials = 40 under [search]".to_owned()));
    }
    Some(search)
}

fn word(settings: &Settings, name: &str) -> Option<String> {
    match settings.value(Place::Search, name) {
        Some((Value::Word(word), _)) => Some(word),
        _ => None,
    }
}
