//! The languages of a report. The English sentence is the message: it stands where it is said, and a catalogue translates it whole.
//!
//! The language goes from hand to hand; there is no global one. `format!` checks the English when it is compiled, and
//! `tests/all/language.rs` that every message of the sources has its translation, with the same placeholders. Our own few lines,
//! because rust-i18n checks neither before it runs and keeps a global language, and Fluent takes the sentence away from its place.

mod korean;
pub(crate) mod objective;

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::str::FromStr;
use std::sync::LazyLock;

use thiserror::Error;

/// An English message and its translation.
type Entry = (&'static str, &'static str);

/// What is shown of a tag that names no language, in characters: longer than any that does.
const TAG_SHOWN_MAX: usize = 35;

/// A language in which people read a report. Names of columns and fields are no prose: they are the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English, in which the messages are written.
    #[default]
    English,
    /// Korean.
    Korean,
}

/// A language that no report is written in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no report in the language \"{tag}\": write {}", known())]
pub struct UnknownLanguage {
    tag: String,
}

fn known() -> String {
    Language::ALL.map(|one| format!("{} ({})", one.tag(), one.name())).join(" or ")
}

impl Language {
    /// Every language.
    pub const ALL: [Language; 2] = [Language::English, Language::Korean];

    /// Its tag of BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Korean => "ko",
        }
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Korean => "한국어",
        }
    }

    /// Every message with its translation; none in English.
    pub fn catalogue(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let parts: &[&[Entry]] = match self {
            Language::English => &[],
            Language::Korean => &korean::PARTS,
        };
        parts.iter().flat_map(|part| part.iter().copied())
    }

    /// A message without placeholders; in English where it has no translation.
    pub fn text(self, message: &'static str) -> &'static str {
        self.translation(message).unwrap_or(message)
    }

    /// A message with one placeholder, for the templates.
    pub fn with(self, message: &'static str, name: &str, value: &str) -> String {
        self.fill(message, &[(name, &value)])
    }

    /// A message whose placeholders, written `{name}`, are replaced by these values.
    pub fn fill(self, message: &'static str, values: &[(&str, &dyn Display)]) -> String {
        fill_in(self.text(message), values)
    }

    fn translation(self, message: &str) -> Option<&'static str> {
        static KOREAN: LazyLock<BTreeMap<&str, &str>> =
            LazyLock::new(|| Language::Korean.catalogue().collect());
        match self {
            Language::English => None,
            Language::Korean => KOREAN.get(message).copied(),
        }
    }
}

/// A text whose placeholders, written `{name}`, are replaced by these values.
fn fill_in(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut written = String::with_capacity(2 * text.len());
    let mut rest = text;
    // A value is written as it is: what looks like a placeholder in it is none.
    while let Some((before, after)) = rest.split_once('{') {
        written.push_str(before);
        let place = after.split_once('}');
        let value = place.and_then(|(name, _)| values.iter().find(|(known, _)| *known == name));
        if let (Some((_, behind)), Some((_, value))) = (place, value) {
            // Writing to a string does not fail.
            let _ = write!(written, "{value}");
            rest = behind;
        } else {
            written.push('{');
            rest = after;
        }
    }
    written.push_str(rest);
    written
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        let unknown = || UnknownLanguage { tag: tag.chars().take(TAG_SHOWN_MAX).collect() };
        Language::ALL.into_iter().find(|one| one.tag() == tag).ok_or_else(unknown)
    }
}

/// A message in a language: text where it has no placeholder, else a string. Each placeholder is `{name}` without a format.
macro_rules! say {
    ($language:expr, $message:literal $(,)?) => { $language.text($message) };
    ($language:expr, $message:literal, $($name:ident = $value:expr),+ $(,)?) => {
        match $language {
            $crate::language::Language::English => format!($message, $($name = $value),+),
            other => other.fill($message, &[$((stringify!($name), &$value as &dyn ::std::fmt::Display)),+]),
        }
    };
}

/// The heads of a table's columns in a language. Titles that start with `#` are of numbers.
macro_rules! heads {
    ($language:expr, $($title:literal),+ $(,)?) => { vec![$($crate::sections::Head::of($language, $title)),+] };
}

pub(crate) use objective::told;
pub(crate) use {heads, say};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_message() {
        let filled = Language::English.fill("{a} and {b}, {c} { {", &[("a", &"{b}"), ("b", &1)]);
        assert_eq!(filled, "{b} and 1, {c} { {");
    }

    #[test]
    fn a_language_is_known_by_its_tag() {
        assert_eq!(Language::ALL.map(|one| one.tag().parse()), Language::ALL.map(Ok));
        let refused = "x".repeat(1_000).parse::<Language>().map_err(|error| error.to_string());
        let shown = "x".repeat(TAG_SHOWN_MAX);
        let told =
            format!("there is no report in the language \"{shown}\": write en (English) or ko (한국어)");
        assert_eq!(refused, Err(told));
        assert!("KO".parse::<Language>().is_err() && "".parse::<Language>().is_err());
    }
}
