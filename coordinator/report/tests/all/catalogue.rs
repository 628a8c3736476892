//! Every message that the sources say has a Korean translation with the same placeholders, and the catalogue holds no other.
#![allow(clippy::unwrap_used, reason = "tests may stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use coordinator_report::Language;
use coordinator_report::render::html::{SCRIPT, SPOKEN};
use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

/// Particles that take another form after a vowel: what is put in before them is not known.
const PARTICLES: [&str; 11] = ["을", "를", "은", "는", "이", "가", "과", "와", "로", "으로", "이나"];

/// The files below a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn literal(tree: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = tree else { return None };
    syn::parse_str::<LitStr>(&literal.to_string()).ok().map(|text| text.value())
}

/// The messages of `say!`, `told!` and `heads!` in Rust, however deep they stand in other macros.
fn said_in_rust(tokens: TokenStream, messages: &mut BTreeSet<String>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else { continue };
        said_in_rust(group.stream(), messages);
        let [TokenTree::Ident(name), TokenTree::Punct(mark)] = &trees[at.saturating_sub(2)..at] else {
            continue;
        };
        let mut literals = group.stream().into_iter().filter_map(|tree| literal(&tree));
        match (name.to_string().as_str(), mark.as_char()) {
            ("say" | "told", '!') => messages.extend(literals.next()),
            ("heads", '!') => messages.extend(literals.map(|title| title.trim_start_matches('#').to_owned())),
            _ => {}
        }
    }
}

/// The messages that follow these openings, as plain string literals, in a template or a script.
fn said_after(openings: &[&str], text: &str) -> BTreeSet<String> {
    let after = |opening| text.split(opening).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    openings.iter().flat_map(after).collect()
}

/// Every message that the report says.
fn said() -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for file in files(&crate_folder().join("src"), "rs") {
        said_in_rust(fs::read_to_string(file).unwrap().parse().unwrap(), &mut messages);
    }
    for file in files(&crate_folder().join("templates"), "html") {
        let text = fs::read_to_string(file).unwrap();
        messages.extend(said_after(&["language.text(\"", "language.with(\""], &text));
    }
    messages.extend(SPOKEN.map(str::to_owned));
    messages
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names
        .filter(|name| name.chars().all(|character| character.is_ascii_lowercase() || character == '_'))
        .collect()
}

/// The numbers of a message, in order of size: words around them stand in another order in another language.
fn numbers(text: &str) -> Vec<&str> {
    let parts = text.split(|character: char| !(character.is_ascii_digit() || character == '.'));
    let mut numbers: Vec<&str> =
        parts.map(|part| part.trim_matches('.')).filter(|part| !part.is_empty()).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether what follows a placeholder is a particle by itself, and not the beginning of a word. After a bracket, a particle
/// goes with the word before it.
fn hangs_on_a_value(translation: &str) -> bool {
    translation.split('}').skip(1).any(|rest| {
        let word: String = rest
            .trim_start_matches(['"', '\''])
            .chars()
            .take_while(|character| character.is_alphanumeric())
            .collect();
        PARTICLES.contains(&word.as_str())
    })
}

/// What is wrong with a catalogue for these messages.
fn problems<'a>(
    messages: &BTreeSet<String>,
    catalogue: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut known = BTreeMap::new();
    for (message, translation) in catalogue {
        if known.insert(message, translation).is_some() {
            problems.push(format!("twice: {message}"));
        }
        if !messages.contains(message) {
            problems.push(format!("said nowhere: {message}"));
        }
        if placeholders(message) != placeholders(translation) {
            problems.push(format!("other placeholders: {message}"));
        }
        if numbers(message) != numbers(translation) {
            problems.push(format!("other numbers: {message}"));
        }
        if hangs_on_a_value(translation) {
            problems.push(format!("a particle hangs on a value: {translation}"));
        }
    }
    let missing = messages.iter().filter(|message| !known.contains_key(message.as_str()));
    problems.extend(missing.map(|message| format!("not translated: {message}")));
    problems
}

#[test]
fn every_message_has_a_translation_and_every_translation_a_message() {
    let messages = said();
    assert!(messages.len() > 300, "only {} messages were found", messages.len());
    assert_eq!(problems(&messages, Language::Korean.catalogue()), Vec::<String>::new());
}

#[test]
fn the_script_says_what_the_page_translates() {
    assert_eq!(said_after(&["say(\""], SCRIPT), SPOKEN.map(str::to_owned).into());
}

#[test]
fn every_kind_of_mistake_is_found() {
    let mut messages = BTreeSet::new();
    let source = r##"fn f() { vec![say!(l, "a {b}", b = g(say!(l, "inner")))]; heads!(l, "one", "#two"); other!("no") }"##;
    said_in_rust(source.parse().unwrap(), &mut messages);
    messages.extend(said_after(&["language.text(\""], "<p>{{ language.text(\"page\") }}</p>"));
    assert_eq!(messages, ["a {b}", "inner", "one", "two", "page"].map(str::to_owned).into());
    let catalogue =
        [("a {b}", "{c}"), ("inner", "{x}는 2"), ("one", "하나"), ("one", "하나"), ("gone", "없음")];
    let mut found = problems(&messages, catalogue.into_iter());
    found.sort();
    let expected = [
        "a particle hangs on a value: {x}는 2",
        "not translated: page",
        "not translated: two",
        "other numbers: inner",
        "other placeholders: a {b}",
        "other placeholders: inner",
        "said nowhere: gone",
        "twice: one",
    ];
    assert_eq!(found, expected);
    assert!(!hangs_on_a_value("{x}의 {y}개 이상, {z} 이내") && hangs_on_a_value("\"{x}\"이 맞습니다"));
}
