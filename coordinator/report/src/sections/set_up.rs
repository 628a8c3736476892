//! Set-up: what was launched, on what data, by which machines.

use sweep_proto::{Budget, DataSource, Search};

use super::{Block, Head, Section, TextTable, format, names};
use crate::language::{Language, heads, say};
use crate::model::{ReportModel, SetUp, Values};

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let set_up = &model.set_up;
    let mut blocks = vec![Block::Table(facts(model, language))];
    if !set_up.axes.is_empty() {
        let rows = set_up.axes.iter().map(|axis| {
            let words = axis.words();
            let words = axis.conditions().map_or(words.clone(), |conditions| {
                say!(language, "{values}, where {conditions}", values = words, conditions = conditions)
            });
            vec![axis.hyperparameter.name().to_owned(), words]
        });
        blocks.push(Block::Table(
            TextTable::new(say!(language, "Swept"), heads!(language, "hyperparameter", "levels")).with_rows(
                rows,
                "report.json",
                language,
            ),
        ));
    }
    if !set_up.constraints.is_empty() {
        let constraints = set_up.constraints.join("; ");
        blocks.push(Block::Text(say!(
            language,
            "Every configuration fulfils: {constraints}",
            constraints = constraints
        )));
    }
    blocks.extend(set_up.search.as_ref().map(|search| Block::Text(searched(search, language))));
    let fixed = set_up.fixed.iter().map(|(name, value)| vec![name.to_string(), value.to_string()]);
    blocks.push(Block::Table(
        TextTable::new(say!(language, "Held"), heads!(language, "hyperparameter", "value")).with_rows(
            fixed,
            "report.json",
            language,
        ),
    ));
    blocks.push(Block::Table(datasets(set_up, language)));
    blocks.extend(super::data::blocks(set_up, language));
    blocks.push(Block::Table(workers(set_up, language)));
    Section { id: "set-up", title: say!(language, "Set-up"), blocks }
}

/// How the space was searched, in a sentence.
fn searched(search: &Search, language: Language) -> String {
    let Search { sampler, pruner, budget, eta, min_epochs } = search;
    let settings = [("eta", *eta), ("min_epochs", *min_epochs)];
    let settings = settings.iter().filter_map(|(name, number)| Some(format!(", {name} = {}", (*number)?)));
    let pruner = format!("{pruner}{}", settings.collect::<String>());
    let Budget { trials, epochs, hours, money, price_per_hour } = budget;
    let limits = [
        ("trials", trials.map(|trials| trials.to_string())),
        ("epochs", epochs.map(|epochs| epochs.to_string())),
        ("hours", hours.map(|hours| hours.to_string())),
        ("money", money.map(|money| money.to_string())),
        ("price_per_hour", price_per_hour.map(|price| price.to_string())),
    ];
    let limits: Vec<_> =
        limits.into_iter().filter_map(|(name, most)| Some(format!("{name} = {}", most?))).collect();
    let budget = if limits.is_empty() { format::NONE.to_owned() } else { limits.join(", ") };
    say!(
        language,
        "Search: sampler {sampler}; pruner {pruner}; budget {budget}.",
        sampler = sampler,
        pruner = pruner,
        budget = budget
    )
}

fn facts(model: &ReportModel, language: Language) -> TextTable {
    let set_up = &model.set_up;
    let rows_max = |rows: Option<u64>| rows.map_or_else(|| say!(language, "all").to_owned(), format::count);
    let rows = [
        (say!(language, "sweep"), format!("{} ({})", set_up.name, set_up.sweep)),
        (say!(language, "state"), names::name(set_up.state, language).to_owned()),
        (say!(language, "launched"), format::time(set_up.created_at_ms)),
        (say!(language, "ended"), set_up.ended_at_ms.map_or_else(|| format::NONE.to_owned(), format::time)),
        (say!(language, "dataset"), source(&set_up.data.source, language)),
        (say!(language, "test data"), test_source(&set_up.data.source, language)),
        (say!(language, "training rows kept at most"), rows_max(set_up.data.train_rows)),
        (say!(language, "test rows kept at most"), rows_max(set_up.data.test_rows)),
        (say!(language, "validation share"), format::percent(set_up.data.validation_share)),
        (say!(language, "seed of the splits"), set_up.data.seed.to_string()),
        (say!(language, "seed of the sweep"), set_up.seed.to_string()),
        (say!(language, "replicates"), set_up.replicates.to_string()),
        (say!(language, "failures allowed per trial"), set_up.failures_max.to_string()),
        (
            say!(language, "reuse of earlier results"),
            if set_up.reuse { say!(language, "allowed") } else { say!(language, "forbidden") }.to_owned(),
        ),
        (say!(language, "numerics version"), set_up.numerics_version.to_string()),
        (
            say!(language, "report made"),
            say!(
                language,
                "{time} by version {build}",
                time = format::time(model.generated_at_ms),
                build = model.build
            ),
        ),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    TextTable::new(say!(language, "The sweep"), heads!(language, "what", "value")).with_rows(
        rows.into_iter(),
        "report.json",
        language,
    )
}

fn source(source: &DataSource, language: Language) -> String {
    match source {
        DataSource::Known { name, path: None } => name.clone(),
        DataSource::Known { name, path: Some(path) } => {
            say!(language, "{name}, read from {path}", name = name, path = path.display())
        }
        DataSource::File { path, text, label, .. } => say!(
            language,
            "{path} (text: {text}, label: {label})",
            path = path.display(),
            text = text,
            label = label
        ),
    }
}

/// The user's own test file, or how test rows came about.
fn test_source(source: &DataSource, language: Language) -> String {
    match source {
        DataSource::File { test_path: Some(path), .. } => path.display().to_string(),
        _ => say!(language, "of the dataset itself, or drawn from its rows").to_owned(),
    }
}

fn datasets(set_up: &SetUp, language: Language) -> TextTable {
    let mut head =
        heads!(language, "encoded with", "classes", "#vocabulary", "#train", "#validation", "#test", "#size");
    head.push(Head::text("sha-256"));
    let rows = set_up.datasets.iter().map(|one| {
        vec![
            variant(&one.variant),
            one.classes.join(", "),
            format::count(u64::from(one.vocabulary)),
            format::count(one.train_rows),
            format::count(one.validation_rows),
            format::count(one.test_rows),
            format::bytes(one.bytes),
            one.digest.clone(),
        ]
    });
    TextTable::new(say!(language, "Encoded datasets (rows per split)"), head).with_rows(
        rows,
        "report.json",
        language,
    )
}

pub(super) fn variant(values: &Values) -> String {
    values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn workers(set_up: &SetUp, language: Language) -> TextTable {
    let rows = set_up.workers.iter().map(|one| {
        vec![
            one.name.clone(),
            one.build.clone(),
            names::name(one.state, language).to_owned(),
            one.slots.to_string(),
            one.attempts.to_string(),
            one.devices.join(", "),
        ]
    });
    let head = heads!(language, "worker", "build", "state", "#slots", "#attempts", "devices");
    TextTable::new(say!(language, "Workers"), head).with_rows(rows, "report.json", language)
}
