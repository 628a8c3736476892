//! One TOML value, checked against the kind that its key takes.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::layout::Entry;
use super::source::{Source, quote};
use crate::configuration::Value;
use crate::hyperparameter::Kind;
use crate::nearest::nearest;
use crate::text::is_steering;

/// Largest number of a column: more than any table that is read has.
const COLUMNS_MAX: i128 = 10_000;
/// Most texts of a list or table: ten times the classes that a dataset may have.
const ITEMS_MAX: usize = 10_000;

/// The type and range of a key, and what holds without it: what an error has to tell.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) default: &'a str,
}

/// Reads a number, flag or word of the expected kind and range, or reports why it is none.
pub(super) fn value_of(
    source: &mut Source<'_>,
    expected: Expected<'_>,
    found: &Spanned<DeValue<'_>>,
) -> Option<Value> {
    let value = fitting(expected.kind, found.get_ref());
    if value.is_none() {
        let Expected { name, kind, .. } = expected;
        let shown = described(source, found);
        let help = remedy(expected, found);
        source.report(found.span(), format!("{name} must be {kind}, not {shown}"), Some(help));
    }
    value
}

/// The value of a kind, where what was found is one within its range.
pub(super) fn fitting(kind: Kind, found: &DeValue<'_>) -> Option<Value> {
    match (kind, found) {
        (Kind::Integer { min, max }, DeValue::Integer(number)) => whole(number.as_str(), number.radix())
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| (min..=max).contains(number))
            .map(Value::Integer),
        (Kind::Real { .. }, DeValue::Integer(number)) => whole(number.as_str(), number.radix())
            .map(|number| number as f64)
            .filter(|number| in_range(kind, *number))
            .map(Value::Real),
        (Kind::Real { .. }, DeValue::Float(number)) => number
            .as_str()
            .parse::<f64>()
            .ok()
            .filter(|number| in_range(kind, *number))
            // Adding zero makes -0.0 the same level as 0.0.
            .map(|number| Value::Real(number + 0.0)),
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Kind::Choice(words), DeValue::String(word)) => {
            words.iter().find(|known| **known == *word).map(|known| Value::Word((*known).to_owned()))
        }
        _ => None,
    }
}

/// Reads text that is not blank, not longer than `chars_max` characters, and printable, or reports
/// why it is not.
pub(super) fn text_of(
    source: &mut Source<'_>,
    name: &str,
    chars_max: usize,
    found: &Spanned<DeValue<'_>>,
) -> Option<String> {
    if !found.get_ref().is_str() {
        let shown = described(source, found);
        let prefix = if name == "name" && found.get_ref().is_integer() { "sweep-" } else { "" };
        let help = format!("write {name} = \"{prefix}{}\"", in_quotes(found, &shown));
        source.report(found.span(), format!("{name} must be text in quotes, not {shown}"), Some(help));
        return None;
    }
    if found.get_ref().as_str().is_some_and(|text| text.trim().is_empty()) {
        source.report(found.span(), format!("{name} is empty"), Some(format!("give {name} some text")));
        return None;
    }
    item_of(source, Item { name, example: None }, chars_max, found)
}

/// A text of a list or a group.
#[derive(Clone, Copy)]
struct Item<'a> {
    name: &'a str,
    /// What such a text looks like, where not every text will do.
    example: Option<&'a str>,
}

/// As [`text_of`], of a list or a group.
fn item_of(
    source: &mut Source<'_>,
    Item { name, example }: Item<'_>,
    chars_max: usize,
    found: &Spanned<DeValue<'_>>,
) -> Option<String> {
    let span = found.span();
    let written = example.map(|example| format!("write a text such as \"{example}\", or remove it"));
    let DeValue::String(text) = found.get_ref() else {
        let shown = described(source, found);
        let quoted = || format!("put text in quotes there: \"{}\"", in_quotes(found, &shown));
        let help = written.unwrap_or_else(quoted);
        source.report(span, format!("{name} holds {shown}, which is not text in quotes"), Some(help));
        return None;
    };
    let length = text.chars().count();
    if text.trim().is_empty() {
        let help = written.unwrap_or_else(|| "write some text there, or remove it".to_owned());
        source.report(span, format!("{name} holds an empty text"), Some(help));
    } else if length > chars_max {
        let message = format!("{name} has {length} characters, more than {chars_max}");
        source.report(span, message, Some(format!("shorten it to {chars_max} characters")));
    } else if let Some(control) = text.chars().find(|one| is_steering(*one)) {
        let message =
            format!("{name} holds the control character U+{:04X}, which cannot be shown", u32::from(control));
        source.report(
            span,
            message,
            Some("remove it, also where it is written as an escape like \\n".to_owned()),
        );
    } else {
        return Some(text.clone().into_owned());
    }
    None
}

/// What to write between the quotes where a single value lacks them; where it is longer than a line, or no single
/// value, the place is left open.
fn in_quotes(found: &Spanned<DeValue<'_>>, shown: &str) -> String {
    let is_single = !found.get_ref().is_array() && !found.get_ref().is_table();
    if is_single && !shown.ends_with('…') { shown.replace(['"', '\\'], "") } else { "...".to_owned() }
}

/// Reads a column: text, or a whole number from 1.
pub(super) fn column_of(
    source: &mut Source<'_>,
    name: &str,
    chars_max: usize,
    found: &Spanned<DeValue<'_>>,
) -> Option<String> {
    match found.get_ref() {
        DeValue::Integer(_) => column_number(source, name, found),
        _ => text_of(source, name, chars_max, found),
    }
}

/// The number of a column as text.
fn column_number(source: &mut Source<'_>, name: &str, found: &Spanned<DeValue<'_>>) -> Option<String> {
    let DeValue::Integer(number) = found.get_ref() else { return None };
    let number = whole(number.as_str(), number.radix()).filter(|number| (1..=COLUMNS_MAX).contains(number));
    if number.is_none() {
        let message = format!("{name} must be the number of a column, not {}", described(source, found));
        source.report(found.span(), message, Some("columns are counted from 1".to_owned()));
    }
    number.map(|number| number.to_string())
}

/// Reads a list of columns: the first, and the others.
pub(super) fn columns_of(
    source: &mut Source<'_>,
    name: &str,
    chars_max: usize,
    found: &Spanned<DeValue<'_>>,
) -> Option<(String, Vec<String>)> {
    let columns = list_of(source, name, found, |source, item| match item.get_ref() {
        DeValue::Integer(_) => column_number(source, name, item),
        _ => item_of(source, Item { name, example: None }, chars_max, item),
    })?;
    let mut columns: Vec<String> = columns.into_iter().collect::<Option<_>>()?;
    if let Some(twice) = columns.iter().enumerate().find(|(at, one)| columns[..*at].contains(one)) {
        let message = format!("{name} lists the column \"{}\" twice", quote(twice.1));
        source.report(found.span(), message, Some("name each column once".to_owned()));
        return None;
    }
    if columns.is_empty() {
        let help = format!("write {name} = \"the column\"");
        source.report(found.span(), format!("{name} lists no column"), Some(help));
        return None;
    }
    let rest = columns.split_off(1);
    columns.pop().map(|first| (first, rest))
}

/// The texts of a list with their places; `None` for each that is wrong.
pub(super) type PlacedTexts = Vec<Option<(String, Range<usize>)>>;

/// Reads a list of texts, each with its place. Those that are none are reported, and `None` stands for each.
pub(super) fn texts_of(
    source: &mut Source<'_>,
    (name, example): (&str, Option<&str>),
    chars_max: usize,
    found: &Spanned<DeValue<'_>>,
) -> Option<PlacedTexts> {
    if !found.get_ref().is_array() {
        let shown = described(source, found);
        let item = match found.get_ref() {
            DeValue::String(_) if !shown.ends_with('…') => shown.clone(),
            _ => format!("\"{}\"", example.unwrap_or("...")),
        };
        let help = format!("write {name} = [{item}]");
        source.report(found.span(), format!("{name} must be a list of texts, not {shown}"), Some(help));
        return None;
    }
    list_of(source, name, found, |source, item| {
        Some((item_of(source, Item { name, example }, chars_max, item)?, item.span()))
    })
}

/// The items of a list, `None` for each that is wrong.
fn list_of<T>(
    source: &mut Source<'_>,
    name: &str,
    found: &Spanned<DeValue<'_>>,
    mut item: impl FnMut(&mut Source<'_>, &Spanned<DeValue<'_>>) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    let items = found.get_ref().as_array()?;
    if items.len() > ITEMS_MAX {
        let message = format!("{name} lists more than {ITEMS_MAX} texts");
        source.report(found.span(), message, Some("shorten the list".to_owned()));
        return None;
    }
    Some(items.iter().map(|one| item(source, one)).collect())
}

/// Reads a table from texts to texts, in its own section or in one line.
pub(super) fn table_of(
    source: &mut Source<'_>,
    name: &str,
    chars_max: usize,
    entry: &Entry<'_, '_>,
) -> Option<BTreeMap<String, String>> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        let shown = described(source, entry.value);
        let help = format!("write {name} = {{ \"0\" = \"negative\", \"1\" = \"positive\" }}");
        let message = format!("{name} must name the class of each label, not {shown}");
        source.report(entry.value.span(), message, Some(help));
        return None;
    };
    if table.is_empty() || table.len() > ITEMS_MAX {
        let what = if table.is_empty() { "is empty" } else { "has more than 10,000 entries" };
        let help = "write a line for each label: \"0\" = \"negative\"".to_owned();
        source.report(entry.key_span.clone(), format!("{name} {what}"), Some(help));
        return None;
    }
    if let Some((key, _)) = table.iter().find(|(key, _)| key.get_ref().chars().any(is_steering)) {
        let message = format!("{name} holds a control character in \"{}\"", quote(key.get_ref()));
        source.report(key.span(), message, Some("remove it".to_owned()));
        return None;
    }
    let read: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let text = item_of(source, Item { name, example: None }, chars_max, value)?;
            Some((key.get_ref().clone().into_owned(), text))
        })
        .collect();
    read.into_iter().collect()
}

/// A value as a message shows it: as written, or what it is where that is long.
pub(super) fn described(source: &Source<'_>, found: &Spanned<DeValue<'_>>) -> String {
    match found.get_ref() {
        DeValue::Table(_) if source.slice(found.span()).starts_with('{') => "a group in braces".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        _ => source.quote(found.span()),
    }
}

/// A whole number of TOML; `None` beyond 128 bits.
fn whole(digits: &str, radix: u32) -> Option<i128> {
    i128::from_str_radix(digits, radix).ok()
}

fn in_range(kind: Kind, number: f64) -> bool {
    let Kind::Real { min, max, above_min } = kind else { return false };
    number.is_finite() && number <= max && (number > min || (!above_min && number >= min))
}

/// What to write instead.
fn remedy(expected: Expected<'_>, found: &Spanned<DeValue<'_>>) -> String {
    let is_number = matches!(expected.kind, Kind::Integer { .. } | Kind::Real { .. });
    let default = if is_number && expected.default.parse::<f64>().is_err() {
        // What holds without the key is not a value that it may have.
        format!("write such a number, or remove {} (default: {})", expected.name, expected.default)
    } else {
        format!("the default is {}", expected.default)
    };
    match (expected.kind, found.get_ref()) {
        (_, DeValue::Array(_)) => "a list holds single values and no lists: [32, 64]".to_owned(),
        (Kind::Integer { .. }, DeValue::String(text)) if text.parse::<u64>().is_ok() => {
            format!("write {} without quotes", quote(text))
        }
        (Kind::Real { .. }, DeValue::String(text)) if text.parse::<f64>().is_ok() => {
            format!("write {} without quotes", quote(text))
        }
        (Kind::Integer { min, max }, DeValue::Float(number)) => match number.as_str().parse::<f64>() {
            Ok(real) if real.fract() == 0.0 && real >= min as f64 && real <= max as f64 => {
                format!("write {real:.0}, without point and exponent")
            }
            _ => default,
        },
        (Kind::Flag, DeValue::String(text)) if matches!(&**text, "true" | "false") => {
            format!("write {} without quotes", &**text)
        }
        (Kind::Choice(words), DeValue::String(text)) => match nearest(text, words.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => default,
        },
        _ => default,
    }
}

/// The span of a key or value that lies in the text even where the parser gave none.
pub(super) fn span_or(span: Range<usize>, fallback: Range<usize>) -> Range<usize> {
    if span.is_empty() { fallback } else { span }
}
