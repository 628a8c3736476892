//! A Korean report says in Korean what the English one says, with the same numbers; what programs read is the same bytes.
#![allow(clippy::unwrap_used, reason = "tests may stop")]

use crate::fixture;

use std::collections::BTreeMap;

use coordinator_core::TrialState;
use coordinator_report::{Language, ReportInput, render_comparison};
use fixture::{axis, files_in, finished, measure_test, push_attempt, push_pending, spec, study};
use sweep_proto::{FailureKind, FrontObjective, Hyperparameter, SweepId, Value};

/// Runs of Latin words that are data: a name, a device, what a worker said.
const LATIN_DATA: [&str; 3] = ["study of three hyperparameters", "test cpu", "the slot was killed at"];

fn text(input: &ReportInput, name: &str, language: Language) -> String {
    String::from_utf8(files_in(input, language).remove(name).unwrap()).unwrap()
}

fn compared(inputs: [&ReportInput; 2], language: Language) -> BTreeMap<String, String> {
    let files = render_comparison(inputs, language).unwrap();
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

/// Sweeps that make the report say different things: much, nothing, a little, and what went wrong.
fn sweeps() -> Vec<ReportInput> {
    let mut waiting = study();
    waiting.trials.truncate(20);
    waiting.sweep.state = coordinator_core::SweepState::Open;
    push_pending(&mut waiting, 7, 0);
    let nothing = fixture::empty(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2));
    let alone = finished(spec(Vec::new(), 1), 3, |_, _| (0.4, 0.8));
    let single =
        finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 1), 1, |at, _| (0.5 + at as f64, 0.7));
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])];
    let mut guesses = finished(spec(axes, 2), 2, |position, _| (0.5 + 0.1 * position as f64, 0.5));
    measure_test(&mut guesses, 0, |_| 0.75);
    for test in guesses.trials.iter_mut().filter_map(|trial| trial.test.as_mut()) {
        test.confusion = vec![vec![30, 0], vec![10, 0]];
    }
    let mut broken = study();
    for (at, state) in [(0, TrialState::Failed), (1, TrialState::Diverged), (2, TrialState::Cancelled)] {
        broken.trials[at].state = state;
        broken.trials[at].result = None;
        let id = broken.trials[at].spec.id;
        push_attempt(
            &mut broken,
            id,
            coordinator_core::AttemptState::Failed,
            Some(FailureKind::Stalled),
            None,
        );
    }
    let mut cut_off = study();
    for result in cut_off.trials.iter_mut().filter_map(|trial| trial.result.as_mut()) {
        result.best_epoch = result.epochs;
    }
    let costs = [FrontObjective::Parameters, FrontObjective::Seconds];
    let [two, three] = [1, 2].map(|further| fixture::several_objectives(3, &costs[..further]));
    let many = fixture::many_configurations(10);
    vec![study(), waiting, nothing, alone, single, guesses, broken, cut_off, many, two, three]
}

/// Two sweeps of which one differs in what is fixed.
fn two_sweeps() -> [ReportInput; 2] {
    let sweep = |id, dropout| {
        let mut spec = spec(vec![axis(Hyperparameter::Units, &[8, 16])], 3);
        spec.fixed.set(Hyperparameter::Dropout, Value::Real(dropout)).unwrap();
        let mut input = finished(spec, 2, |position, replicate| {
            (0.5 + 0.1 * position as f64 + 0.01 * fixture::noise(id + u64::from(replicate)), 0.8)
        });
        input.sweep.id = SweepId(id);
        input
    };
    [sweep(3, 0.0), sweep(4, 0.2)]
}

#[test]
fn what_programs_read_is_the_same_in_each_language() {
    for input in sweeps() {
        let [english, korean] = Language::ALL.map(|language| files_in(&input, language));
        for (name, bytes) in &english {
            let is_read_by_people = ["report.html", "report.md", "report.tex"].contains(&name.as_str());
            assert_eq!(korean[name] != *bytes, is_read_by_people, "{name}");
        }
    }
    let [first, second] = two_sweeps();
    let [english, korean] = Language::ALL.map(|language| compared([&first, &second], language));
    assert_eq!(english["comparison.json"], korean["comparison.json"]);
}

#[test]
fn the_korean_report_is_the_agreed_one() {
    insta::assert_snapshot!(text(&study(), "report.md", Language::Korean));
}

#[test]
fn the_korean_comparison_is_the_agreed_one() {
    let [first, second] = two_sweeps();
    insta::assert_snapshot!(compared([&first, &second], Language::Korean)["comparison.md"]);
}

/// The elements of a page, with their ids, in order.
fn elements(page: &str) -> Vec<String> {
    let body = page.split("<script").next().unwrap();
    let tags = body.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0);
    let name = |tag: &str| {
        let id = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        format!("{}#{id}", tag.split(' ').next().unwrap())
    };
    tags.map(name).collect()
}

#[test]
fn pages_have_the_same_elements_in_each_language() {
    for input in sweeps() {
        let [english, korean] = Language::ALL.map(|language| text(&input, "report.html", language));
        assert_eq!(elements(&english), elements(&korean));
        assert!(english.contains("<html lang=\"en\">") && korean.contains("<html lang=\"ko\">"));
    }
}

/// The numbers of a line, in order of size: words around them stand in another order in another language.
fn numbers(line: &str) -> Vec<&str> {
    let parts = line.split(|character: char| !(character.is_ascii_digit() || character == '.'));
    let mut numbers: Vec<&str> =
        parts.map(|part| part.trim_matches('.')).filter(|part| !part.is_empty()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_line_has_the_same_numbers_in_each_language() {
    let same = |english: &str, korean: &str| {
        assert_eq!(english.lines().count(), korean.lines().count());
        for (english, korean) in english.lines().zip(korean.lines()) {
            assert_eq!(numbers(english), numbers(korean), "{english}\n{korean}");
            assert_eq!(english.matches(" | ").count(), korean.matches(" | ").count(), "{english}\n{korean}");
        }
    };
    for input in sweeps() {
        let [english, korean] = Language::ALL.map(|language| text(&input, "report.md", language));
        same(&english, &korean);
    }
    let [first, mut second] = two_sweeps();
    second.trials[0].state = TrialState::Failed;
    second.trials[0].result = None;
    second.workers[0].profile.build = "0.0.9".into();
    let [english, korean] = Language::ALL.map(|language| compared([&first, &second], language));
    same(&english["comparison.md"], &korean["comparison.md"]);
}

/// Runs of two and more Latin words outside code.
fn latin_runs(markdown: &str) -> Vec<String> {
    let mut is_fenced = false;
    let mut runs = Vec::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        }
        let outside_code = line.split('`').step_by(2).filter(|_| !is_fenced);
        for part in outside_code {
            let mut run: Vec<&str> = Vec::new();
            for word in part.split(' ').chain([""]) {
                if word.len() > 1 && word.chars().all(|character| character.is_ascii_alphabetic()) {
                    run.push(word);
                    continue;
                }
                if run.len() > 1 {
                    runs.push(run.join(" "));
                }
                run.clear();
            }
        }
    }
    runs
}

#[test]
fn no_english_is_left_in_a_korean_report() {
    assert_eq!(latin_runs("한 the next word `in code here`, a b\n```\nno no\n```\n"), ["the next word"]);
    let mut pages: Vec<String> =
        sweeps().iter().map(|input| text(input, "report.md", Language::Korean)).collect();
    let [first, second] = two_sweeps();
    pages.push(compared([&first, &second], Language::Korean)["comparison.md"].clone());
    let mut runs: Vec<String> = pages.iter().flat_map(|page| latin_runs(page)).collect();
    runs.sort();
    runs.dedup();
    runs.retain(|run| !LATIN_DATA.contains(&run.as_str()));
    assert_eq!(runs, Vec::<String>::new());
}
