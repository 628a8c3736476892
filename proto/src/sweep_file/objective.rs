//! The objective of a sweep file: a metric's name, or a group of a metric and its direction, or a list of objectives.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::layout::Entry;
use super::source::{Source, quote};
use super::value::{described, span_or};
use crate::front_objective::{FrontObjective, FurtherObjectives, OBJECTIVES_MAX};
use crate::nearest::nearest;
use crate::objective::{DIRECTIONS, NoObjective, Objective};

/// How an objective is written.
const FORM: &str = "write objective = \"validation_accuracy\"";
/// How several are written.
const LIST_FORM: &str = "write objective = [\"validation_accuracy\", \"parameters\"]";

/// The objectives of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Objectives {
    /// The one that ranks and chooses.
    pub(super) first: Objective,
    pub(super) further: FurtherObjectives,
}

/// Reads the objectives, or reports why they are not right.
pub(super) fn objectives_of(source: &mut Source<'_>, entry: &Entry<'_, '_>) -> Option<Objectives> {
    match entry.value.get_ref() {
        DeValue::String(_) | DeValue::Table(_) => {
            let one = item_of(source, entry.value, &entry.key_span, true)?;
            Objectives::of(&[one])
        }
        DeValue::Array(items) => of_list(source, entry, items),
        _ => {
            let shown = described(source, entry.value);
            source.report(
                entry.value.span(),
                format!("objective must name a metric, not {shown}"),
                Some(FORM.to_owned()),
            );
            None
        }
    }
}

impl Objectives {
    /// The first of which is a metric.
    fn of(all: &[FrontObjective]) -> Option<Self> {
        let (FrontObjective::Metric(first), further) = all.split_first()? else { return None };
        let further = FurtherObjectives::of(further.iter().copied())?;
        Some(Self { first: *first, further })
    }
}

/// The objectives of a list, which are few, each once.
fn of_list(source: &mut Source<'_>, entry: &Entry<'_, '_>, items: &DeArray<'_>) -> Option<Objectives> {
    if items.is_empty() {
        let message = "the list of objectives is empty".to_owned();
        source.report(entry.value.span(), message, Some(LIST_FORM.to_owned()));
        return None;
    }
    if let Some(beyond) = items.get(OBJECTIVES_MAX) {
        let message =
            format!("there are {} objectives; a sweep may have at most {OBJECTIVES_MAX}", items.len());
        let help =
            "remove some: with many objectives, most configurations are on the front, which then says little";
        source.report(beyond.span(), message, Some(help.to_owned()));
    }
    let mut found: Vec<Option<FrontObjective>> = Vec::new();
    for (at, item) in items.iter().take(OBJECTIVES_MAX).enumerate() {
        let objective = item_of(source, item, &entry.key_span, at == 0);
        if let Some(again) = objective.filter(|one| found.contains(&Some(*one))) {
            let message = format!("the objective {again} stands twice");
            source.report(item.span(), message, Some("name each objective once".to_owned()));
        }
        found.push(objective);
    }
    let found: Vec<FrontObjective> = found.into_iter().collect::<Option<_>>()?;
    Objectives::of(&found).filter(|_| items.len() <= OBJECTIVES_MAX)
}

/// One objective: a name, or a group of a metric and its direction. The first one is a metric.
fn item_of(
    source: &mut Source<'_>,
    found: &Spanned<DeValue<'_>>,
    key: &Range<usize>,
    is_first: bool,
) -> Option<FrontObjective> {
    match found.get_ref() {
        DeValue::Table(_) => of_group(source, found, key, is_first),
        _ => named(source, found, is_first),
    }
}

/// The objective of a name.
fn named(source: &mut Source<'_>, found: &Spanned<DeValue<'_>>, is_first: bool) -> Option<FrontObjective> {
    let DeValue::String(name) = found.get_ref() else {
        let shown = described(source, found);
        source.report(
            found.span(),
            format!("metric must be text in quotes, not {shown}"),
            Some(FORM.to_owned()),
        );
        return None;
    };
    let read = if is_first {
        Objective::from_name(name).map(FrontObjective::Metric)
    } else {
        FrontObjective::from_name(name)
    };
    let NoObjective { message, help } = match read {
        Ok(objective) => return Some(objective),
        Err(refused) => refused,
    };
    let known = FrontObjective::all().map(FrontObjective::name);
    let near = nearest(name, known.filter(|one| !is_first || !FrontObjective::is_cost(one)));
    // A name that is known elsewhere is not a slip of the pen.
    let near = near.filter(|_| message.starts_with('"')).map(|near| format!("did you mean \"{near}\"?"));
    source.report(found.span(), message, Some(near.unwrap_or(help)));
    None
}

/// The objective of `{ metric = "...", direction = "..." }`.
fn of_group(
    source: &mut Source<'_>,
    found: &Spanned<DeValue<'_>>,
    key: &Range<usize>,
    is_first: bool,
) -> Option<FrontObjective> {
    let group = found.get_ref().as_table()?;
    let mut is_right = true;
    let unknown = group.iter().find(|(key, _)| !matches!(&**key.get_ref(), "metric" | "direction"));
    if let Some((key, _)) = unknown {
        let message = format!("\"{}\" is not a key of an objective", quote(key.get_ref()));
        source.report(key.span(), message, Some("its keys are metric and direction".to_owned()));
        is_right = false;
    }
    let Some(metric) = group.get("metric") else {
        let span = span_or(found.span(), key.clone());
        source.report(span, "the objective names no metric".to_owned(), Some(FORM.to_owned()));
        return None;
    };
    let objective = named(source, metric, is_first)?;
    if let Some(direction) = group.get("direction") {
        is_right &= check_direction(source, objective, direction);
    }
    Some(objective).filter(|_| is_right)
}

/// Whether a direction is that of the objective; reported where it is not.
fn check_direction(source: &mut Source<'_>, objective: FrontObjective, found: &Spanned<DeValue<'_>>) -> bool {
    let own = objective.direction();
    let help = format!("write direction = \"{own}\", or leave it out");
    let message = match found.get_ref() {
        DeValue::String(word) if **word == *own => return true,
        DeValue::String(word) if DIRECTIONS.contains(&&**word) => format!(
            "{objective} is better the {better} it is: {} would choose the worst configuration",
            &**word,
            better = objective.better()
        ),
        _ => format!("direction must be \"minimize\" or \"maximize\", not {}", described(source, found)),
    };
    source.report(found.span(), message, Some(help));
    false
}
