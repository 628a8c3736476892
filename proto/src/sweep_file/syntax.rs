//! Syntax errors of TOML in our words: every one of the file, each with a remedy where one is known.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, Error};

use super::source::{Source, quote};

/// A parsed file, and whether what follows from its layout can be believed.
pub(super) struct Document<'t> {
    pub(super) table: Spanned<DeTable<'t>>,
    /// Everything was read, so that what is not there is missing.
    pub(super) complete: bool,
    /// Every key stands in the section in which its author put it.
    pub(super) sections_hold: bool,
}

/// Parses the text, reporting every syntax error and keeping what can be read in spite of them.
pub(super) fn document_of<'t>(source: &mut Source<'_>, text: &'t str) -> Document<'t> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut document = Document { table, complete: errors.is_empty(), sections_hold: true };
    for error in errors {
        if source.is_full() {
            // Looking for the first of each of a million duplicates would take minutes.
            source.omit();
            continue;
        }
        let span = error.span().unwrap_or_else(|| source.end());
        if error.message() == "duplicate key" {
            report_duplicate(source, text, span);
            continue;
        }
        let line = source.line_of(span.start);
        let is_header = source.line_text(line).trim_start().starts_with('[');
        document.sections_hold &= !is_header && error.span().is_some();
        let (message, help) = in_our_words(source, &error, span.clone());
        source.report_syntax(span, message, help);
    }
    document
}

/// A key or a section that stands twice, with the line of the first.
fn report_duplicate(source: &mut Source<'_>, text: &str, span: Range<usize>) {
    let name = source.slice(span.clone());
    let line = source.line_of(span.start);
    let is_header = source.line_text(line).trim_start().starts_with('[');
    let first = if is_header {
        let header = format!("[{name}]");
        (1..line).rev().find(|earlier| source.line_text(*earlier).trim_start().starts_with(&header))
    } else {
        let section_start = text[..span.start].rfind("\n[").map_or(1, |at| source.line_of(at + 1));
        (section_start..line).rev().find(|earlier| {
            let earlier = source.line_text(*earlier).trim_start();
            earlier.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    };
    let shown = if is_header { format!("section [{}]", quote(name)) } else { quote(name) };
    let message = match first {
        Some(first) => format!("{shown} is given twice, first in line {first}"),
        None => format!("{shown} is given twice"),
    };
    let help = if is_header { "put both under one header" } else { "keep one of the two" };
    source.report_syntax(span, message, Some(help.to_owned()));
}

/// What the parser calls things, and what people call them; longer names before those that they hold.
const WORDS: [(&str, &str); 15] = [
    ("multi-line basic string", "text in three quotes"),
    ("multi-line literal string", "text in three quotes"),
    ("basic string", "text in quotes"),
    ("literal string", "text in quotes"),
    ("inline table element", "entry in braces"),
    ("inline table", "group in braces"),
    ("array elements", "items of a list"),
    ("array table", "section's name"),
    ("array", "list"),
    ("table", "section's name"),
    ("integer number", "whole number"),
    ("integer", "whole number"),
    ("float", "number"),
    ("boolean", "true or false"),
    ("string", "text"),
];

/// The parser's message, and what to do about the slips that people make.
fn in_our_words(source: &Source<'_>, error: &Error, span: Range<usize>) -> (String, Option<String>) {
    let line = source.line_text(source.line_of(span.start));
    let message = match error.message() {
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            return (
                "nested too deeply".to_owned(),
                Some("a sweep file has sections and lists, no more".to_owned()),
            );
        }
        other if other.starts_with("string values must be quoted") || other.contains("boolean") => {
            return unquoted(source, span);
        }
        other => WORDS
            .iter()
            .fold(other.replace('`', "\""), |message, (theirs, ours)| message.replace(theirs, ours)),
    };
    let open_above = source.line_of(span.start).saturating_sub(1);
    let help = if error.message().contains("array") && leaves_list_open(source.line_text(open_above)) {
        Some(format!("close the list of line {open_above} with ]"))
    } else if leaves_list_open(line) {
        Some("close the list with ]".to_owned())
    } else if line.trim_start().starts_with('[') && !line.contains(']') {
        Some("close the section's name with ]".to_owned())
    } else if !line.contains('=') && line.contains(':') {
        Some("write name = value, with an equals sign".to_owned())
    } else if line.matches('"').count() % 2 == 1 {
        Some("close the text with \"".to_owned())
    } else if line.contains("==") && !line.contains('"') {
        Some("write name = value, with one equals sign".to_owned())
    } else {
        Some("write one name = value on a line; docs/sweep-file.md shows whole files".to_owned())
    };
    (message, help)
}

/// Text without quotes, or another tool's word for a flag.
fn unquoted(source: &Source<'_>, span: Range<usize>) -> (String, Option<String>) {
    let shown = source.quote(span.clone());
    let line = source.line_text(source.line_of(span.start));
    // In a list or a group the text stands alone.
    let key = line.split_once('=').filter(|(_, value)| value.trim_start().starts_with(shown.as_str()));
    let key = key.map_or_else(String::new, |(key, _)| format!("{} = ", quote(key.trim())));
    let flag = match shown.to_lowercase().as_str() {
        "true" | "yes" | "on" => Some("true"),
        "false" | "no" | "off" => Some("false"),
        _ => None,
    };
    if let Some(flag) = flag {
        let message = format!("{shown} is not a value: a flag is written true or false");
        return (message, Some(format!("write {key}{flag}; text stands in quotes")));
    }
    let text = if shown.ends_with('…') { "...".to_owned() } else { shown.replace(['"', '\\'], "") };
    ("text must stand in quotes".to_owned(), Some(format!("write {key}\"{text}\"")))
}

/// Whether a line opens a list that it does not close.
fn leaves_list_open(line: &str) -> bool {
    line.contains('=') && line.matches('[').count() > line.matches(']').count()
}
