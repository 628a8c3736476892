//! Set-up: what was launched, on what data, by which machines.

use sweep_proto::DataSource;

use super::{Block, Section, TextTable, format};
use crate::model::{ReportModel, SetUp, Values};

pub(super) fn section(model: &ReportModel) -> Section {
    let set_up = &model.set_up;
    let mut blocks = vec![Block::Table(facts(model))];
    if !set_up.axes.is_empty() {
        let rows = set_up.axes.iter().map(|axis| {
            let levels: Vec<_> = axis.levels.iter().map(ToString::to_string).collect();
            vec![axis.hyperparameter.name().to_owned(), levels.join(", ")]
        });
        blocks.push(Block::Table(
            TextTable::new("Swept", &["hyperparameter", "levels"]).with_rows(rows, "report.json"),
        ));
    }
    let fixed = set_up.fixed.iter().map(|(name, value)| vec![name.to_string(), value.to_string()]);
    blocks.push(Block::Table(
        TextTable::new("Held", &["hyperparameter", "value"]).with_rows(fixed, "report.json"),
    ));
    blocks.push(Block::Table(datasets(set_up)));
    blocks.push(Block::Table(workers(set_up)));
    Section { id: "set-up", title: "Set-up", blocks }
}

fn facts(model: &ReportModel) -> TextTable {
    let set_up = &model.set_up;
    let rows = [
        ("sweep", format!("{} ({})", set_up.name, set_up.sweep)),
        ("state", set_up.state.to_owned()),
        ("launched", format::time(set_up.created_at_ms)),
        ("ended", set_up.ended_at_ms.map_or_else(|| format::NONE.to_owned(), format::time)),
        ("dataset", source(&set_up.data.source)),
        (
            "training rows kept at most",
            set_up.data.train_rows.map_or_else(|| "all".to_owned(), format::count),
        ),
        ("test rows kept at most", set_up.data.test_rows.map_or_else(|| "all".to_owned(), format::count)),
        ("validation share", format::percent(set_up.data.validation_share)),
        ("seed of the splits", set_up.data.seed.to_string()),
        ("seed of the sweep", set_up.seed.to_string()),
        ("replicates", set_up.replicates.to_string()),
        ("failures allowed per trial", set_up.failures_max.to_string()),
        ("reuse of earlier results", if set_up.reuse { "allowed" } else { "forbidden" }.to_owned()),
        ("numerics version", set_up.numerics_version.to_string()),
        ("report made", format!("{} by version {}", format::time(model.generated_at_ms), model.build)),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    TextTable::new("The sweep", &["what", "value"]).with_rows(rows.into_iter(), "report.json")
}

fn source(source: &DataSource) -> String {
    match source {
        DataSource::Known { name, path: None } => name.clone(),
        DataSource::Known { name, path: Some(path) } => format!("{name}, read from {}", path.display()),
        DataSource::File { path, text, label, .. } => {
            format!("{} (text: {text}, label: {label})", path.display())
        }
    }
}

fn datasets(set_up: &SetUp) -> TextTable {
    let head =
        ["encoded with", "classes", "#vocabulary", "#train", "#validation", "#test", "#size", "sha-256"];
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
    TextTable::new("Encoded datasets (rows per split)", &head).with_rows(rows, "report.json")
}

fn variant(values: &Values) -> String {
    values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn workers(set_up: &SetUp) -> TextTable {
    let rows = set_up.workers.iter().map(|one| {
        vec![
            one.name.clone(),
            one.build.clone(),
            one.state.to_owned(),
            one.slots.to_string(),
            one.attempts.to_string(),
            one.devices.join(", "),
        ]
    });
    let head = ["worker", "build", "state", "#slots", "#attempts", "devices"];
    TextTable::new("Workers", &head).with_rows(rows, "report.json")
}
