//! The hyperparameters of a sweep file: single values, and lists and groups, which are swept.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::group;
use super::known::{Known, Place};
use super::layout::{Entry, Layout};
use super::search::Demanded;
use super::source::Source;
use super::value::{Expected, described, fitting, span_or, value_of};
use crate::configuration::{Configuration, Value};
use crate::grouped::grouped;
use crate::hyperparameter::Hyperparameter;
use crate::space::{self, Axis};
use crate::sweep_spec::TRIALS_MAX;

/// The fixed values and the axes, in the order of the file.
#[derive(Default)]
pub(super) struct Space {
    pub(super) fixed: Configuration,
    pub(super) axes: Vec<Axis>,
    /// Where the value of each axis stands.
    pub(super) spans: Vec<Range<usize>>,
    /// Axes whose values could not be read, with their places; their conditions are there.
    pub(super) broken: Vec<(Axis, Range<usize>)>,
    /// Hyperparameters of which some value could not be read: nothing else is said of their values.
    pub(super) unread: Vec<Hyperparameter>,
}

/// Reads every hyperparameter of a layout.
pub(super) fn space_of(source: &mut Source<'_>, layout: &Layout<'_, '_>) -> Space {
    let mut space = Space::default();
    let mut seen: BTreeMap<Hyperparameter, &Entry<'_, '_>> = BTreeMap::new();
    for entry in &layout.entries {
        let Known::Hyperparameter(hyperparameter) = entry.known else { continue };
        match seen.get(&hyperparameter) {
            Some(first) if !complete_each_other(first, entry) => {
                let line = source.line_of(first.key_span.start);
                let message = format!(
                    "{hyperparameter} is given twice: here {} and {} in line {line}",
                    entry.place.described(),
                    first.place.described(),
                );
                source.report(entry.key_span.clone(), message, Some("keep one of the two".to_owned()));
            }
            _ => {
                seen.insert(hyperparameter, entry);
            }
        }
        space.add(source, hyperparameter, entry);
    }
    space
}

/// Whether one of two is swept under a condition and the other the value it has else.
fn complete_each_other(first: &Entry<'_, '_>, second: &Entry<'_, '_>) -> bool {
    let is_conditional = |entry: &Entry<'_, '_>| {
        entry.value.get_ref().as_table().is_some_and(|table| table.contains_key("when"))
    };
    let is_single = |entry: &Entry<'_, '_>| {
        let value = entry.value.get_ref();
        !value.is_array() && !value.is_table()
    };
    (is_conditional(first) && is_single(second)) || (is_single(first) && is_conditional(second))
}

impl Space {
    fn push(&mut self, axis: Axis, entry: &Entry<'_, '_>) {
        self.axes.push(axis);
        self.spans.push(span_or(entry.value.span(), entry.key_span.clone()));
    }

    fn add(&mut self, source: &mut Source<'_>, hyperparameter: Hyperparameter, entry: &Entry<'_, '_>) {
        let default = Value::from(hyperparameter.row().default).quoted();
        let kind = hyperparameter.row().kind;
        let expected = Expected { name: hyperparameter.name(), kind, default: &default };
        match entry.value.get_ref() {
            DeValue::Array(items) => {
                if items.is_empty() {
                    let help =
                        format!("give it at least one value, or leave it out for the default {default}");
                    source.report(
                        entry.value.span(),
                        format!("{hyperparameter} has an empty list"),
                        Some(help),
                    );
                    self.unread.push(hyperparameter);
                    return;
                }
                let levels = levels_of(source, expected, items);
                if levels.len() < items.len() {
                    self.unread.push(hyperparameter);
                }
                self.push(Axis::of_levels(hyperparameter, levels), entry);
            }
            DeValue::Table(table) => match group::axis_of(source, expected, hyperparameter, (entry, table)) {
                Ok(axis) => self.push(axis, entry),
                Err(axis) => {
                    self.broken.push((axis, span_or(entry.value.span(), entry.key_span.clone())));
                    self.unread.push(hyperparameter);
                }
            },
            _ if entry.place == Place::Grid => {
                let shown = described(source, entry.value);
                let home = Place::from(hyperparameter.row().section).name();
                let message = format!("{hyperparameter} must be a list or a range under [grid], not {shown}");
                // A remedy can be typed as it stands: a value of another kind, or one shown shortened, is none.
                let help = match fitting(kind, entry.value.get_ref()) {
                    Some(_) if !shown.ends_with('…') => {
                        format!("write {hyperparameter} = [{shown}], or move it under [{home}]")
                    }
                    _ => format!("write {hyperparameter} = [{default}], with the values to sweep"),
                };
                source.report(entry.value.span(), message, Some(help));
                self.unread.push(hyperparameter);
            }
            _ => match value_of(source, expected, entry.value) {
                Some(value) => {
                    // The value was checked against the same kind just above.
                    let set = self.fixed.set(hyperparameter, value);
                    debug_assert_eq!(set, Ok(()));
                }
                None => self.unread.push(hyperparameter),
            },
        }
    }
}

/// The distinct levels of a list; duplicates and wrong values are reported and left out.
pub(super) fn levels_of(
    source: &mut Source<'_>,
    expected: Expected<'_>,
    items: &[Spanned<DeValue<'_>>],
) -> Vec<Value> {
    let mut first_spans: BTreeMap<Value, Range<usize>> = BTreeMap::new();
    let mut levels = Vec::new();
    for item in items {
        let Some(value) = value_of(source, expected, item) else { continue };
        if let Some(first) = first_spans.get(&value) {
            let message = format!(
                "{} lists {} twice, first in line {}",
                expected.name,
                value.quoted(),
                source.line_of(first.start)
            );
            let help = "remove one; to train a configuration several times set replicates under [train]";
            source.report(item.span(), message, Some(help.to_owned()));
        } else {
            first_spans.insert(value.clone(), item.span());
            levels.push(value);
        }
    }
    levels
}

/// Refuses a grid with more than [`TRIALS_MAX`] trials, or with too many points to look at.
pub(super) fn check_size(
    source: &mut Source<'_>,
    layout: &Layout<'_, '_>,
    space: &Space,
    limits: &Limits<'_>,
) {
    let axes = &space.axes;
    if axes.iter().any(|axis| axis.range().is_some()) {
        return;
    }
    let Limits { replicates, demanded: Demanded { constraints, is_whole } } = *limits;
    let points =
        axes.iter().try_fold(1_u128, |size, axis| size.checked_mul(axis.levels().len().max(1) as u128));
    let is_restricted = !is_whole || !constraints.is_empty() || axes.iter().any(|axis| !axis.when.is_empty());
    let has_empty_axis = axes.iter().any(|axis| axis.levels().is_empty());
    let too_much = is_restricted.then(|| space::too_much_to_look_at(axes, constraints)).flatten();
    if let Some(message) = too_much.filter(|_| !has_empty_axis) {
        let help = format!("shorten the longest lists; the grid is {}", factors(axes));
        source.report(place_of_grid(source, layout), message, Some(help));
        return;
    }
    if !is_whole {
        // What could not be read may leave fewer.
        return;
    }
    let configurations = if is_restricted && !has_empty_axis {
        constraints.points(axes, &space.fixed).map(|points| u128::from(points.len()))
    } else {
        points
    };
    let trials = configurations.and_then(|size| size.checked_mul(u128::from(replicates)));
    if trials.is_some_and(|trials| trials <= u128::from(TRIALS_MAX)) {
        return;
    }
    let size = match (configurations, trials) {
        (Some(configurations), Some(trials)) if replicates > 1 => format!(
            "{} trials ({} configurations times {replicates} replicates)",
            grouped(trials),
            grouped(configurations)
        ),
        (_, Some(trials)) => format!("{} trials", grouped(trials)),
        _ => "more than 10^38 trials".to_owned(),
    };
    let message =
        format!("the grid has {size}; one sweep may have at most {}", grouped(u128::from(TRIALS_MAX)));
    let help = format!("shorten the longest lists; the grid is {}", factors(axes));
    source.report(place_of_grid(source, layout), message, Some(help));
}

/// What the size of a grid depends on beside its axes.
pub(super) struct Limits<'a> {
    pub(super) replicates: u32,
    pub(super) demanded: &'a Demanded,
}

/// The sizes of the axes: `3 units × 2 embedding`.
fn factors(axes: &[Axis]) -> String {
    let factors: Vec<String> =
        axes.iter().map(|axis| format!("{} {}", axis.levels().len(), axis.hyperparameter)).collect();
    factors.join(" × ")
}

/// Where the grid stands: its section, or else its first list.
fn place_of_grid(source: &Source<'_>, layout: &Layout<'_, '_>) -> Range<usize> {
    let first_list = layout.entries.iter().find(|entry| entry.value.get_ref().is_array());
    let grid = layout.sections.iter().find(|(place, _)| *place == Place::Grid).map(|(_, span)| span.clone());
    grid.or_else(|| first_list.map(|entry| entry.key_span.clone())).unwrap_or_else(|| source.end())
}
