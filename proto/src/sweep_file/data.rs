//! The dataset of a sweep file: where the text comes from, and how it is split.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::known::{DATASETS, Place};
use super::layout::Layout;
use super::nearest::nearest;
use super::settings::Settings;
use super::source::{Source, quote};
use crate::sweep_spec::{DataSource, DataSpec};

/// Column names of a folder with one sub-folder per class, which has no columns to name.
const FOLDER_COLUMNS: (&str, &str) = ("text", "label");
/// Endings of the file formats whose columns must be named.
const COLUMN_FORMATS: [&str; 4] = ["csv", "tsv", "jsonl", "parquet"];

/// Reads the data section; `None` where it names no usable source, which is then reported.
pub(super) fn data_of(
    source: &mut Source<'_>,
    layout: &Layout<'_, '_>,
    settings: &Settings,
) -> Option<DataSpec> {
    let mut texts = settings.texts_of(Place::Data);
    let data_source = data_source_of(source, layout, settings, &mut texts);
    let mut data = DataSpec::new(data_source?);
    let real = |name, default| settings.real(Place::Data, name).unwrap_or(default);
    data.validation_share = real("validation_share", data.validation_share);
    data.test_share = real("test_share", data.test_share);
    data.bad_rows_share_max = real("bad_rows_share_max", data.bad_rows_share_max);
    data.train_rows = settings.whole(Place::Data, "train_rows");
    data.test_rows = settings.whole(Place::Data, "test_rows");
    data.seed = settings.whole(Place::Data, "seed").unwrap_or(data.seed);
    check_shares(source, &data, settings);
    Some(data)
}

type Texts = BTreeMap<&'static str, (String, Range<usize>)>;

fn data_source_of(
    source: &mut Source<'_>,
    layout: &Layout<'_, '_>,
    settings: &Settings,
    texts: &mut Texts,
) -> Option<DataSource> {
    let given = |name| settings.was_given(Place::Data, name);
    let path = texts.remove("path");
    if !given("dataset") {
        if layout.malformed.contains(&Place::Data) {
            return None;
        }
        if !given("path") {
            let header = layout.sections.iter().find(|(place, _)| *place == Place::Data);
            let span = header.map_or_else(|| source.end(), |(_, span)| span.clone());
            let help = "under [data] write dataset = \"snippets\" (or \"imdb\", \"nsmc\"), or path = \"reviews.csv\"";
            source.report(span, "no dataset is named".to_owned(), Some(help.to_owned()));
            return None;
        }
        return file_of(source, settings, path?, texts);
    }
    for name in ["test_path", "text", "label"] {
        if let Some((_, span)) = settings.key_span(Place::Data, name) {
            let help =
                "a named dataset knows its columns and its test split; remove this line, or remove dataset";
            let message = format!("{name} is for data of your own and does not go with dataset");
            source.report(span, message, Some(help.to_owned()));
        }
    }
    let (name, span) = texts.remove("dataset")?;
    if !DATASETS.contains(&name.as_str()) {
        let help = match nearest(&name, DATASETS) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if name.contains(['.', '/', '\\']) => {
                "for data of your own write path = \"...\" instead".to_owned()
            }
            None => format!("known are {}; for data of your own write path = \"...\"", DATASETS.join(", ")),
        };
        source.report(span, format!("no dataset is called \"{}\"", quote(&name)), Some(help));
        return None;
    }
    Some(DataSource::Known { name, path: path.map(|(path, _)| PathBuf::from(path)) })
}

/// A user's own file or folder, by the ending of its path.
fn file_of(
    source: &mut Source<'_>,
    settings: &Settings,
    (path, path_span): (String, Range<usize>),
    texts: &mut Texts,
) -> Option<DataSource> {
    let path = PathBuf::from(path);
    if has_columns(&path) {
        let missing: Vec<&str> =
            ["text", "label"].into_iter().filter(|name| !settings.was_given(Place::Data, name)).collect();
        if !missing.is_empty() {
            let message = format!("the file's column of {} is not named", missing.join(" and of "));
            let lines: Vec<String> =
                missing.iter().map(|name| format!("{name} = \"the column of the {name}\"")).collect();
            source.report(path_span, message, Some(format!("add under [data]: {}", lines.join(" and "))));
            return None;
        }
    }
    let mut column = |name: &'static str, default: &str| match texts.remove(name) {
        Some(given) => Some(given),
        None if settings.was_given(Place::Data, name) => None,
        None => Some((default.to_owned(), 0..0)),
    };
    let (text, label) = (column("text", FOLDER_COLUMNS.0), column("label", FOLDER_COLUMNS.1));
    let test_path = texts.remove("test_path").map(|(path, span)| (PathBuf::from(path), span));
    if let Some((test_path, span)) = &test_path
        && *test_path == path
    {
        let message = "test_path is the same file as path: every test row would be trained on".to_owned();
        let help = "name another file, or remove test_path to have a test split drawn".to_owned();
        source.report(span.clone(), message, Some(help));
        return None;
    }
    let test_path = test_path.map(|(path, _)| path);
    let ((text, _), (label, label_span)) = (text?, label?);
    if text == label {
        let message = format!("text and label are the same column \"{}\"", quote(&label));
        source.report(label_span, message, Some("name the column that holds the class".to_owned()));
        return None;
    }
    Some(DataSource::File { path, test_path, text, label })
}

/// Whether the path's ending is that of a format with named columns.
fn has_columns(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| COLUMN_FORMATS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Refuses shares that leave nothing to train on.
fn check_shares(source: &mut Source<'_>, data: &DataSpec, settings: &Settings) {
    let has_own_test = match &data.source {
        DataSource::Known { name, .. } => name != "snippets",
        DataSource::File { test_path, .. } => test_path.is_some(),
    };
    if has_own_test || data.validation_share + data.test_share < 1.0 {
        return;
    }
    let named =
        ["test_share", "validation_share"].into_iter().find_map(|name| settings.value(Place::Data, name));
    let message = format!(
        "validation_share {} and test_share {} leave nothing to train on",
        data.validation_share, data.test_share
    );
    let span = named.map_or_else(|| source.end(), |(_, span)| span);
    source.report(span, message, Some("their sum must be below 1; 0.1 each is usual".to_owned()));
}
