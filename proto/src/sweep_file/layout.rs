//! The sections and keys of a sweep file, in the order of the file; unknown and misplaced ones refused.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::known::{Known, Place, all_names, known_at, places_of};
use super::source::{Source, quote};
use super::value::{described, span_or};
use crate::nearest::nearest;

/// The key of a search that one word in the place of its section gives.
const SAMPLER: &str = "sampler";

/// A key that is known where it stands.
pub(super) struct Entry<'a, 't> {
    pub(super) place: Place,
    pub(super) known: Known,
    pub(super) key_span: Range<usize>,
    pub(super) value: &'a Spanned<DeValue<'t>>,
}

/// What stands in a sweep file, with everything unknown reported and left out.
pub(super) struct Layout<'a, 't> {
    /// The known keys, in the order of the file.
    pub(super) entries: Vec<Entry<'a, 't>>,
    /// Where each section that the file has begins.
    pub(super) sections: Vec<(Place, Range<usize>)>,
    /// Sections that are written as something else; reported, and nothing of theirs is missing.
    pub(super) malformed: Vec<Place>,
}

/// Reads the layout of a whole sweep file.
pub(super) fn of_file<'a, 't>(source: &mut Source<'_>, document: &'a DeTable<'t>) -> Layout<'a, 't> {
    let mut layout = Layout { entries: Vec::new(), sections: Vec::new(), malformed: Vec::new() };
    for (key, value) in document {
        let section = Place::SECTIONS.into_iter().find(|place| place.name() == &**key.get_ref());
        match (section, value.get_ref()) {
            (Some(place), DeValue::Table(table)) => {
                layout.sections.push((place, span_or(value.span(), key.span())));
                layout.add_all(source, place, table);
            }
            // One word is the whole search.
            (Some(Place::Search), DeValue::String(_)) => {
                layout.sections.push((Place::Search, span_or(value.span(), key.span())));
                let known = known_at(Place::Search, SAMPLER);
                let entry = |known| Entry { place: Place::Search, known, key_span: key.span(), value };
                layout.entries.extend(known.map(entry));
            }
            (Some(place), _) => {
                let shown = described(source, value);
                let message = format!("{} must be a section, not {shown}", place.name());
                let help = format!("write [{}] on a line of its own, and its keys below", place.name());
                source.report(key.span(), message, Some(help));
                layout.malformed.push(place);
            }
            (None, DeValue::Table(_)) if known_at(Place::Top, key.get_ref()).is_none() => {
                report_unknown_section(source, key);
            }
            (None, _) => layout.add(source, Place::Top, key, value),
        }
    }
    layout.sort();
    layout
}

/// Reads lines as they stand under `[grid]`, with or without that header.
pub(super) fn of_grid<'a, 't>(source: &mut Source<'_>, document: &'a DeTable<'t>) -> Layout<'a, 't> {
    let mut layout = Layout { entries: Vec::new(), sections: Vec::new(), malformed: Vec::new() };
    for (key, value) in document {
        match value.get_ref() {
            DeValue::Table(table) if &**key.get_ref() == Place::Grid.name() => {
                layout.add_all(source, Place::Grid, table);
            }
            _ => layout.add(source, Place::Grid, key, value),
        }
    }
    layout.sort();
    layout
}

impl<'a, 't> Layout<'a, 't> {
    fn add_all(&mut self, source: &mut Source<'_>, place: Place, table: &'a DeTable<'t>) {
        for (key, value) in table {
            self.add(source, place, key, value);
        }
    }

    fn add(
        &mut self,
        source: &mut Source<'_>,
        place: Place,
        key: &Spanned<std::borrow::Cow<'t, str>>,
        value: &'a Spanned<DeValue<'t>>,
    ) {
        match known_at(place, key.get_ref()) {
            Some(known) => self.entries.push(Entry { place, known, key_span: key.span(), value }),
            None => report_unknown_key(source, place, key),
        }
    }

    /// The parser's table is sorted by name; the order of the file is the order of the places.
    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| entry.key_span.start);
    }
}

fn report_unknown_key(source: &mut Source<'_>, place: Place, key: &Spanned<std::borrow::Cow<'_, str>>) {
    let name: &str = key.get_ref();
    let homes = places_of(name);
    if !homes.is_empty() {
        let described: Vec<String> = homes
            .iter()
            .map(|home| match home {
                Place::Grid => "as a list under [grid]".to_owned(),
                other => other.described(),
            })
            .collect();
        let message = format!("{name} does not belong {}", place.described());
        source.report(key.span(), message, Some(format!("it belongs {}", described.join(", or "))));
        return;
    }
    let help = match nearest(name, place.names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => match nearest(name, all_names()) {
            Some(near) => {
                let home = places_of(near).first().map_or_else(String::new, |home| home.described());
                format!("did you mean \"{near}\"? It belongs {home}")
            }
            None => format!("what may stand here: {}", place.names().join(", ")),
        },
    };
    source.report(
        key.span(),
        format!("\"{}\" is not a known key {}", quote(name), place.described()),
        Some(help),
    );
}

fn report_unknown_section(source: &mut Source<'_>, key: &Spanned<std::borrow::Cow<'_, str>>) {
    let name: &str = key.get_ref();
    let help = match nearest(name, Place::SECTIONS.map(Place::name)) {
        Some(near) => format!("did you mean [{near}]?"),
        None => "the sections are [data], [model], [grid], [search] and [train]".to_owned(),
    };
    source.report(key.span(), format!("\"{}\" is not a known section", quote(name)), Some(help));
}
