//! The hyperparameters of a sweep file: single values, and lists, which are swept.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::known::{Known, Place};
use super::layout::{Entry, Layout};
use super::source::Source;
use super::value::{Expected, described, fitting, value_of};
use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;
use crate::space::Axis;
use crate::sweep_spec::TRIALS_MAX;

/// The fixed values and the axes, in the order of the file.
#[derive(Default)]
pub(super) struct Space {
    pub(super) fixed: Configuration,
    pub(super) axes: Vec<Axis>,
}

/// Reads every hyperparameter of a layout.
pub(super) fn space_of(source: &mut Source<'_>, layout: &Layout<'_, '_>) -> Space {
    let mut space = Space::default();
    let mut seen: BTreeMap<Hyperparameter, (Place, Range<usize>)> = BTreeMap::new();
    for entry in &layout.entries {
        let Known::Hyperparameter(hyperparameter) = entry.known else { continue };
        if let Some((place, span)) = seen.get(&hyperparameter) {
            let line = source.line_of(span.start);
            let message = format!(
                "{hyperparameter} is given twice: here {} and {} in line {line}",
                entry.place.described(),
                place.described(),
            );
            source.report(entry.key_span.clone(), message, Some("keep one of the two".to_owned()));
        } else {
            seen.insert(hyperparameter, (entry.place, entry.key_span.clone()));
        }
        space.add(source, hyperparameter, entry);
    }
    space
}

impl Space {
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
                    return;
                }
                let levels = levels_of(source, expected, items);
                self.axes.push(Axis::of_levels(hyperparameter, levels));
            }
            _ if entry.place == Place::Grid => {
                let shown = described(source, entry.value);
                let home = Place::from(hyperparameter.row().section).name();
                let message = format!("{hyperparameter} must be a list under [grid], not {shown}");
                // A remedy can be typed as it stands: a value of another kind, or one shown shortened, is none.
                let help = match fitting(kind, entry.value.get_ref()) {
                    Some(_) if !shown.ends_with('…') => {
                        format!("write {hyperparameter} = [{shown}], or move it under [{home}]")
                    }
                    _ => format!("write {hyperparameter} = [{default}], with the values to sweep"),
                };
                source.report(entry.value.span(), message, Some(help));
            }
            _ => {
                if let Some(value) = value_of(source, expected, entry.value) {
                    // The value was checked against the same kind just above.
                    let set = self.fixed.set(hyperparameter, value);
                    debug_assert_eq!(set, Ok(()));
                }
            }
        }
    }
}

/// The distinct levels of a list; duplicates and wrong values are reported and left out.
fn levels_of(source: &mut Source<'_>, expected: Expected<'_>, items: &[Spanned<DeValue<'_>>]) -> Vec<Value> {
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

/// Refuses a grid with more than [`TRIALS_MAX`] trials.
pub(super) fn check_size(source: &mut Source<'_>, layout: &Layout<'_, '_>, axes: &[Axis], replicates: u32) {
    let configurations =
        axes.iter().try_fold(1_u128, |size, axis| size.checked_mul(axis.levels().len().max(1) as u128));
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
    let factors: Vec<String> =
        axes.iter().map(|axis| format!("{} {}", axis.levels().len(), axis.hyperparameter)).collect();
    let message =
        format!("the grid has {size}; one sweep may have at most {}", grouped(u128::from(TRIALS_MAX)));
    let help = format!("shorten the longest lists; the grid is {}", factors.join(" × "));
    let first_list = layout.entries.iter().find(|entry| entry.value.get_ref().is_array());
    let grid = layout.sections.iter().find(|(place, _)| *place == Place::Grid).map(|(_, span)| span.clone());
    let place =
        grid.or_else(|| first_list.map(|entry| entry.key_span.clone())).unwrap_or_else(|| source.end());
    source.report(place, message, Some(help));
}

/// A number with its thousands apart, as TOML writes it: `1_000_000`.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
