//! The dataset of a sweep file: where the text comes from, and how it is split.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::known::{DATASETS, Place};
use super::layout::Layout;
use super::settings::Settings;
use super::source::{Source, quote};
use crate::configuration::Value;
use crate::nearest::nearest;
use crate::reading::{HtmlBreaks, Reading};
use crate::sweep_spec::{DataSource, DataSpec};

/// Column names of a folder with one sub-folder per class, which has no columns to name.
const FOLDER_COLUMNS: (&str, &str) = ("text", "label");
/// Endings of the file formats whose columns must be named.
const COLUMN_FORMATS: [&str; 8] = ["csv", "tsv", "tab", "jsonl", "ndjson", "json", "parquet", "pq"];
/// Endings of compressed files, which stand behind that of the format.
const COMPRESSED: [&str; 7] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip"];

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
    data.reading = Box::new(reading_of(source, settings));
    check_shares(source, &data, settings);
    Some(data)
}

/// How the rows are read.
fn reading_of(source: &mut Source<'_>, settings: &Settings) -> Reading {
    let text = |name| match settings.value(Place::Data, name) {
        Some((Value::Word(text), _)) => Some(text),
        _ => None,
    };
    let reading = Reading {
        text_joined: settings.list(Place::Data, "text"),
        header: settings.flag(Place::Data, "header"),
        delimiter: text("delimiter"),
        encoding: text("encoding"),
        html_breaks: text("html_breaks").and_then(|word| HtmlBreaks::from_name(&word)),
        labels: settings.table(Place::Data, "labels"),
        labels_dropped: settings.list(Place::Data, "labels_dropped").into_iter().collect(),
    };
    if let Some(both) = reading.labels_dropped.iter().find(|label| reading.labels.contains_key(*label))
        && let Some((_, span)) = settings.key_span(Place::Data, "labels_dropped")
    {
        let message = format!("the label \"{}\" stands in labels, too", quote(both));
        source.report(span, message, Some("name it in one of the two".to_owned()));
    }
    if let (Some(delimiter), Some((_, span))) = (&reading.delimiter, settings.value(Place::Data, "delimiter"))
        && delimiter != "tab"
        && (delimiter.len() != 1 || delimiter.starts_with(['"', ' ']))
    {
        let message =
            format!("delimiter must be one ASCII character or \"tab\", not \"{}\"", quote(delimiter));
        source.report(span, message, Some("remove it to have the delimiter recognised".to_owned()));
    }
    reading
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
    for name in ["validation_path", "test_path", "text", "label", "header", "delimiter"] {
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
    let validation_path = texts.remove("validation_path").map(|(path, span)| (PathBuf::from(path), span));
    let test_path = texts.remove("test_path").map(|(path, span)| (PathBuf::from(path), span));
    let both = [("test", &test_path), ("validation", &validation_path)];
    for (split, own) in both {
        if let Some((own, span)) = own
            && *own == path
        {
            let message =
                format!("{split}_path is the same file as path: every {split} row would be trained on");
            let help = format!("name another file, or remove {split}_path to have a {split} split drawn");
            source.report(span.clone(), message, Some(help));
            return None;
        }
    }
    if let (Some((validation_path, span)), Some((test_path, _))) = (&validation_path, &test_path)
        && validation_path == test_path
    {
        let message =
            "validation_path is the same file as test_path: what chooses would also be the test".to_owned();
        let help = "name another file, or remove validation_path to have a validation split drawn".to_owned();
        source.report(span.clone(), message, Some(help));
        return None;
    }
    let [validation_path, test_path] = [validation_path, test_path].map(|own| own.map(|(path, _)| path));
    let ((text, _), (label, label_span)) = (text?, label?);
    if text == label {
        let message = format!("text and label are the same column \"{}\"", quote(&label));
        source.report(label_span, message, Some("name the column that holds the class".to_owned()));
        return None;
    }
    if let Some(twice) = settings.list(Place::Data, "text").iter().find(|column| **column == label) {
        let message = format!("text and label are the same column \"{}\"", quote(twice));
        source.report(label_span, message, Some("name the column that holds the class".to_owned()));
        return None;
    }
    Some(DataSource::File { path, validation_path, test_path, text, label })
}

/// Whether the path's ending is that of a format with named columns.
fn has_columns(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let inner = COMPRESSED.into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    Path::new(inner)
        .extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| COLUMN_FORMATS.contains(&ending))
}

/// Refuses shares that leave nothing to train on.
fn check_shares(source: &mut Source<'_>, data: &DataSpec, settings: &Settings) {
    let has_own_test = match &data.source {
        DataSource::Known { name, .. } => name != "snippets",
        DataSource::File { test_path, validation_path, .. } => {
            test_path.is_some() || validation_path.is_some()
        }
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
