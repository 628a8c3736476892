//! The values of the keys that are not hyperparameters, each checked by the table of settings.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::known::{Known, Place, Setting, Shape};
use super::layout::Layout;
use super::objective::{Objectives, objectives_of};
use super::source::Source;
use super::value::{Expected, PlacedTexts, column_of, columns_of, table_of, text_of, texts_of, value_of};
use crate::configuration::Value;

/// Longest name of a sweep, in characters: what still fits a line of a report.
pub const NAME_CHARS_MAX: usize = 100;
/// Longest path or column name, in characters: the limit of common file systems for a path.
pub const TEXT_CHARS_MAX: usize = 4_096;

/// The settings of a sweep file that were given, and the values of those that were right.
#[derive(Default)]
pub(super) struct Settings {
    given: BTreeMap<(Place, &'static str), Range<usize>>,
    values: BTreeMap<(Place, &'static str), (Value, Range<usize>)>,
    lists: BTreeMap<(Place, &'static str), Vec<String>>,
    spans: BTreeMap<(Place, &'static str), Vec<Range<usize>>>,
    tables: BTreeMap<(Place, &'static str), BTreeMap<String, String>>,
    /// Lists of which something could not be read.
    partly_read: BTreeSet<(Place, &'static str)>,
    objectives: Objectives,
}

/// Reads every setting of a layout.
pub(super) fn settings_of(source: &mut Source<'_>, layout: &Layout<'_, '_>) -> Settings {
    let mut settings = Settings::default();
    for entry in &layout.entries {
        let Known::Setting(setting) = entry.known else { continue };
        let Setting { name, place, default, .. } = *setting;
        settings.given.insert((place, name), entry.key_span.clone());
        let value = match setting.shape {
            Shape::Text => {
                let chars_max = if name == "name" { NAME_CHARS_MAX } else { TEXT_CHARS_MAX };
                text_of(source, name, chars_max, entry.value).map(Value::Word)
            }
            Shape::Value(_) if entry.value.get_ref().is_array() => {
                let message = format!("{name} takes a single value, not a list");
                let help = "only hyperparameters can be swept; docs/hyperparameters.md lists them";
                source.report(entry.value.span(), message, Some(help.to_owned()));
                None
            }
            Shape::Value(kind) => value_of(source, Expected { name, kind, default }, entry.value),
            Shape::Column { many } if many && entry.value.get_ref().is_array() => {
                columns_of(source, name, TEXT_CHARS_MAX, entry.value).map(|(first, rest)| {
                    settings.lists.insert((place, name), rest);
                    Value::Word(first)
                })
            }
            Shape::Column { .. } => column_of(source, name, TEXT_CHARS_MAX, entry.value).map(Value::Word),
            Shape::Texts { example } => {
                match texts_of(source, (name, example), TEXT_CHARS_MAX, entry.value) {
                    Some(items) => settings.add_texts((place, name), items),
                    None => _ = settings.partly_read.insert((place, name)),
                }
                None
            }
            Shape::Objective => {
                settings.objectives = objectives_of(source, entry).unwrap_or_default();
                None
            }
            Shape::Table => {
                if let Some(table) = table_of(source, name, TEXT_CHARS_MAX, entry) {
                    settings.tables.insert((place, name), table);
                }
                None
            }
        };
        if let Some(value) = value {
            settings.values.insert((place, name), (value, entry.value.span()));
        }
    }
    settings
}

impl Settings {
    /// Whether the file has this key, right or wrong.
    pub(super) fn was_given(&self, place: Place, name: &str) -> bool {
        self.key_span(place, name).is_some()
    }

    /// The key as it stands in the table, and where it stands in the file.
    pub(super) fn key_span(&self, place: Place, name: &str) -> Option<(&'static str, Range<usize>)> {
        let mut given = self.given.iter();
        given.find(|((at, key), _)| *at == place && *key == name).map(|((_, key), span)| (*key, span.clone()))
    }

    /// The value of a key, and where it stands.
    pub(super) fn value(&self, place: Place, name: &str) -> Option<(Value, Range<usize>)> {
        let mut values = self.values.iter();
        values.find(|((at, key), _)| *at == place && *key == name).map(|(_, value)| value.clone())
    }

    /// The texts of a place by name.
    pub(super) fn texts_of(&self, place: Place) -> BTreeMap<&'static str, (String, Range<usize>)> {
        let here = self.values.iter().filter(|((at, _), _)| *at == place);
        here.filter_map(|((_, key), (value, span))| match value {
            Value::Word(text) => Some((*key, (text.clone(), span.clone()))),
            _ => None,
        })
        .collect()
    }

    /// The texts of a list; of a list of columns those after the first. Empty where the file has none.
    pub(super) fn list(&self, place: Place, name: &'static str) -> Vec<String> {
        self.lists.get(&(place, name)).cloned().unwrap_or_default()
    }

    fn add_texts(&mut self, key: (Place, &'static str), items: PlacedTexts) {
        if items.iter().any(Option::is_none) {
            self.partly_read.insert(key);
        }
        let (texts, spans) = items.into_iter().flatten().unzip();
        self.lists.insert(key, texts);
        self.spans.insert(key, spans);
    }

    /// Whether all of a list was read, or there is none.
    pub(super) fn is_wholly_read(&self, place: Place, name: &'static str) -> bool {
        !self.partly_read.contains(&(place, name))
    }

    /// The texts of a list that were read, each with its place.
    pub(super) fn placed_list(&self, place: Place, name: &'static str) -> Vec<(String, Range<usize>)> {
        let spans = self.spans.get(&(place, name)).cloned().unwrap_or_default();
        self.list(place, name).into_iter().zip(spans).collect()
    }

    /// A table of texts; empty where the file has none.
    pub(super) fn table(&self, place: Place, name: &'static str) -> BTreeMap<String, String> {
        self.tables.get(&(place, name)).cloned().unwrap_or_default()
    }

    /// The objectives; the default one where the file has none that can be read.
    pub(super) fn objectives(&self) -> Objectives {
        self.objectives
    }

    /// A whole number, where the file has one.
    pub(super) fn whole(&self, place: Place, name: &str) -> Option<u64> {
        if let Some((Value::Integer(number), _)) = self.value(place, name) { Some(number) } else { None }
    }

    /// A real number, where the file has one.
    pub(super) fn real(&self, place: Place, name: &str) -> Option<f64> {
        if let Some((Value::Real(number), _)) = self.value(place, name) { Some(number) } else { None }
    }

    /// A flag, where the file has one.
    pub(super) fn flag(&self, place: Place, name: &str) -> Option<bool> {
        if let Some((Value::Flag(flag), _)) = self.value(place, name) { Some(flag) } else { None }
    }
}
