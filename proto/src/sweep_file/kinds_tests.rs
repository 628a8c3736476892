//! Values of every wrong kind at every key, and torn ones: they are told in a person's words, with a remedy that can be typed.

use toml::de::DeTable;

use super::known::{Known, Place, Shape, known_at};
use super::{Problem, parse, parse_grid};

/// One value of each kind that TOML has, and what is neither usual nor short.
const VALUES: [&str; 18] = [
    "{}",
    "{ a = 1 }",
    "{ a = { b = [] }, c = 2 }",
    "[]",
    "[[]]",
    "[{}]",
    "[[32, 64]]",
    "[1, \"a\", true, 2.5]",
    "7",
    "-7",
    "0x1f",
    "100000000000000000000000000000000000000000000000000000000000000000001",
    "2.5",
    "nan",
    "\"much\"",
    "true",
    "2026-01-01",
    "\"\"\"a text of some length, so that it is shortened where a message shows it\"\"\"",
];

/// Values that TOML does not have, as they are mistyped.
const TORN: [&str; 22] = [
    "[32",
    "[32 64]",
    "[32,,64]",
    "[32 = 64]",
    "[32}",
    "{",
    "{ a }",
    "{ a = 1",
    "{ a = 1,, b = 2 }",
    "{ a = 1 b = 2 }",
    "{ = 1 }",
    "}",
    "tru",
    "1.",
    "1__0",
    "+0x10",
    "0b2",
    "+-1",
    "'a",
    "\"a",
    "\"\"\"a",
    "\"\\q\"",
];

/// What programs call the kinds of values.
const TYPES: [&str; 18] = [
    "array", "arrays", "table", "tables", "string", "strings", "integer", "integers", "float", "floats",
    "boolean", "bool", "datetime", "inline", "struct", "map", "sequence", "null",
];

/// A sweep file whose key of that place has a value; the other keys are as few as there can be.
fn file(place: Place, key: &str, value: &str) -> String {
    let mut lines = Vec::new();
    for at in [Place::Top].into_iter().chain(Place::SECTIONS) {
        let usual: &[(&str, &str)] = match at {
            Place::Top => &[("name", "\"x\"")],
            Place::Data => &[("path", "\"x.csv\""), ("text", "\"a\""), ("label", "\"b\"")],
            _ => &[],
        };
        if at != Place::Top {
            lines.push(format!("[{}]\n", at.name()));
        }
        for (name, usual) in usual.iter().filter(|(name, _)| at != place || *name != key) {
            lines.push(format!("{name} = {usual}\n"));
        }
        if at == place {
            lines.push(format!("{key} = {value}\n"));
        }
    }
    lines.concat()
}

fn problems(text: &str) -> Vec<Problem> {
    parse("x.toml", text).map_or_else(|errors| errors.problems, |_| Vec::new())
}

/// Every key of every place.
fn keys() -> impl Iterator<Item = (Place, &'static str)> {
    let places = [Place::Top].into_iter().chain(Place::SECTIONS);
    places.flat_map(|place| place.names().into_iter().map(move |name| (place, name)))
}

fn assert_in_a_persons_words(problem: &Problem, text: &str) {
    let said = format!("{} {}", problem.message, problem.help.as_deref().unwrap_or_default());
    let words = said.to_lowercase();
    let named = words.split(|one: char| !one.is_alphanumeric()).find(|word| TYPES.contains(word));
    assert_eq!(named, None, "a type is named in {said:?} of\n{text}");
}

/// The value of a remedy that tells what to write.
fn written<'h>(help: &'h str, key: &str) -> Option<&'h str> {
    let value = help.strip_prefix(&format!("write {key} = "))?;
    Some(value.split(", or move it under").next()?.split(", with the values").next().unwrap_or(value))
}

#[test]
fn a_value_of_a_wrong_kind_is_told_in_a_persons_words_and_its_remedy_can_be_typed() {
    let (mut told, mut typed) = (0, 0);
    for ((place, key), value) in keys().flat_map(|key| VALUES.map(|value| (key, value))) {
        let text = file(place, key, value);
        for problem in problems(&text) {
            assert_in_a_persons_words(&problem, &text);
            told += 1;
            let Some(help) = &problem.help else { panic!("no remedy: {problem} of\n{text}") };
            let Some(remedy) = written(help, key) else { continue };
            assert!(DeTable::parse(&format!("{key} = {remedy}")).is_ok(), "{help:?} is no TOML, for\n{text}");
            let again = problems(&file(place, key, remedy));
            let is_of_wrong_kind = |one: &&Problem| {
                ["must be text", "must be a list", "must be a whole", "reads as a sweep's number"]
                    .iter()
                    .any(|sign| one.message.contains(sign))
            };
            let wrong = again.iter().find(is_of_wrong_kind);
            assert!(wrong.is_none(), "{help:?} leads to {:?} in\n{text}", wrong.map(|one| &one.message));
            typed += 1;
        }
    }
    assert!(told > 800 && typed > 150, "{told} problems, {typed} remedies: the keys are not all tried");
}

#[test]
fn a_wrong_value_is_a_problem_at_every_key() {
    for (place, key) in keys() {
        let takes_a_group = match known_at(place, key) {
            Some(Known::Setting(setting)) => matches!(setting.shape, Shape::Table),
            _ => false,
        };
        let wrong = if takes_a_group { "[[]]" } else { "{ a = 1 }" };
        let text = file(place, key, wrong);
        assert!(problems(&text).iter().any(|one| one.message.contains(key)), "not refused:\n{text}");
    }
}

#[test]
fn sections_of_a_wrong_kind_are_told_alike() {
    for section in Place::SECTIONS.map(Place::name) {
        for value in VALUES.into_iter().filter(|value| !value.starts_with('{')) {
            let text = format!("name = \"x\"\n{section} = {value}\n");
            let problems = problems(&text);
            // One word may stand in the place of that section.
            let is_word = section == Place::Search.name() && value.starts_with('"');
            let told = if is_word {
                "sampler must be one of".into()
            } else {
                format!("{section} must be a section")
            };
            assert!(problems.iter().any(|one| one.message.contains(&told)), "{text}");
            problems.iter().for_each(|problem| assert_in_a_persons_words(problem, &text));
        }
        for text in [format!("[[{section}]]\n"), format!("[{section}.units]\na = 1\n"), format!("[{section}")]
        {
            let text = format!("name = \"x\"\n{text}");
            let problems = problems(&text);
            assert!(!problems.is_empty(), "{text}");
            problems.iter().for_each(|problem| assert_in_a_persons_words(problem, &text));
        }
    }
}

#[test]
fn torn_values_are_told_alike() {
    for ((place, key), value) in keys().flat_map(|key| TORN.map(|value| (key, value))) {
        let text = file(place, key, value);
        let problems = problems(&text);
        assert!(!problems.is_empty(), "read as if it were whole:\n{text}");
        problems.iter().for_each(|problem| assert_in_a_persons_words(problem, &text));
    }
    for value in VALUES.into_iter().chain(TORN) {
        let text = format!("units = {value}\n");
        let errors = parse_grid("more.toml", &text).map_or_else(|errors| errors.problems, |_| Vec::new());
        errors.iter().for_each(|problem| assert_in_a_persons_words(problem, &text));
    }
}
