//! The registry of readers: one file for each dataset or format, one arm in each `match` here.

mod delimited;
mod finite;
mod folder;
mod imdb;
mod input;
mod json_lines;
mod nsmc;
mod parquet;
mod quotes;
mod reach;
mod snippets;

use std::path::Path;

use sweep_proto::digest::Hasher;
use sweep_proto::sweep_file::DATASETS;
use sweep_proto::{DataSource, Digest};

use crate::error::{DatasetError, listed, nearest};
use crate::limits::FILES_MAX;
use crate::progress::Progress;
use crate::rows::{Part, Rows};

pub use reach::Reach;
pub(crate) use reach::SourcePath;

/// Folders within folders that are looked into. No known layout is deeper: aclImdb / train / pos / file.
const DEPTH_MAX: u32 = 5;

/// The columns of a table that matter.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// Name of the text's column.
    pub(crate) text: String,
    /// Name of the label's column.
    pub(crate) label: String,
    /// Labels as they stand in the file with the class names they mean; empty: each is its own name.
    pub(crate) names: &'static [(&'static str, &'static str)],
}

/// How a source is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Snippets,
    Imdb,
    Nsmc,
    Csv,
    Tsv,
    JsonLines,
    Parquet,
    Folder,
}

/// A source whose format and place are known; nothing of it has been read yet.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// A name for people.
    pub(crate) name: String,
    /// How it is laid out.
    pub(crate) format: Format,
    /// Files or folders, each with the part it holds.
    pub(crate) paths: Vec<(Part, SourcePath)>,
    /// The columns, for tables.
    pub(crate) columns: Columns,
}

impl Format {
    /// The format of a user's file, told by its name.
    pub(crate) fn of_path(path: &SourcePath) -> Result<Self, DatasetError> {
        let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
        if metadata.is_dir {
            return Ok(Format::Folder);
        }
        if !metadata.is_file {
            return Err(DatasetError::broken(path.display(), "this is neither a file nor a folder"));
        }
        let extension = path.shown().extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "csv" => Ok(Format::Csv),
            "tsv" | "tab" => Ok(Format::Tsv),
            "jsonl" | "ndjson" => Ok(Format::JsonLines),
            "parquet" | "pq" => Ok(Format::Parquet),
            _ => Err(DatasetError::UnknownFormat { path: path.shown().to_owned() }),
        }
    }

    /// The names of a table's columns; none for what is not a table.
    pub(crate) fn columns(self, path: &SourcePath) -> Result<Vec<String>, DatasetError> {
        match self {
            Format::Csv => delimited::columns(path, delimited::Dialect::Csv),
            Format::Tsv => delimited::columns(path, delimited::Dialect::Tsv),
            Format::JsonLines => json_lines::columns(path),
            Format::Parquet => parquet::columns(path),
            Format::Snippets | Format::Imdb | Format::Nsmc | Format::Folder => Ok(Vec::new()),
        }
    }
}

/// Finds a source within what may be reached, downloading it into the cache where it is known by name and has no path.
pub(crate) fn locate(
    source: &DataSource,
    reach: &Reach,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Located, DatasetError> {
    match source {
        DataSource::Known { name, path } => {
            let located = |format, paths| Located {
                name: name.clone(),
                format,
                paths,
                columns: Columns { text: String::new(), label: String::new(), names: &[] },
            };
            match (name.as_str(), path) {
                ("snippets", None) => Ok(located(Format::Snippets, Vec::new())),
                ("snippets", Some(_)) => Err(DatasetError::Setting(
                    "the dataset \"snippets\" is part of this program; remove `path`, or remove `dataset` to read your own file"
                        .into(),
                )),
                ("imdb", Some(path)) => Ok(located(Format::Imdb, vec![(Part::Train, SourcePath::new(path, reach))])),
                ("imdb", None) => {
                    let path = SourcePath::anywhere(imdb::download(cache, progress)?);
                    Ok(located(Format::Imdb, vec![(Part::Train, path)]))
                }
                ("nsmc", Some(path)) => {
                    Ok(located(Format::Nsmc, nsmc::files(&SourcePath::new(path, reach))?))
                }
                ("nsmc", None) => {
                    let folder = SourcePath::anywhere(nsmc::download(cache, progress)?);
                    Ok(located(Format::Nsmc, nsmc::files(&folder)?))
                }
                _ => Err(DatasetError::UnknownDataset {
                    name: name.clone(),
                    hint: nearest(name, DATASETS),
                    known: listed(DATASETS),
                }),
            }
        }
        DataSource::File { path, test_path, text, label } => {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let path = SourcePath::new(path, reach);
            let format = Format::of_path(&path)?;
            let mut paths = vec![(Part::Train, path)];
            if let Some(test_path) = test_path {
                let test_path = SourcePath::new(test_path, reach);
                if Format::of_path(&test_path)? != format {
                    let reason = "`test_path` must have the same format as `path`";
                    return Err(DatasetError::broken(test_path.display(), reason));
                }
                paths.push((Part::Test, test_path));
            }
            let columns = Columns { text: text.clone(), label: label.clone(), names: &[] };
            Ok(Located { name, format, paths, columns })
        }
    }
}

impl Located {
    /// Reads every row.
    pub(crate) fn read(&self, progress: &dyn Progress) -> Result<Rows, DatasetError> {
        let mut rows = Rows::new(&self.name);
        let columns = &self.columns;
        if self.format == Format::Snippets {
            progress.stage("reading snippets", None, false);
            rows.enter(Part::Train, &self.name);
            snippets::read(&mut rows)?;
        }
        for (part, path) in &self.paths {
            let bytes = path.metadata().ok().filter(|facts| facts.is_file);
            if bytes.is_some() {
                rows.enter(*part, &path.file_name());
            }
            progress.stage(&format!("reading {}", path.file_name()), bytes.map(|one| one.len), true);
            match self.format {
                Format::Snippets => {}
                Format::Imdb => imdb::read(path, &mut rows, progress)?,
                Format::Nsmc => nsmc::read(path, *part, &mut rows, progress)?,
                Format::Csv => {
                    delimited::read(path, delimited::Dialect::Csv, columns, *part, &mut rows, progress)?;
                }
                Format::Tsv => {
                    delimited::read(path, delimited::Dialect::Tsv, columns, *part, &mut rows, progress)?;
                }
                Format::JsonLines => json_lines::read(path, columns, *part, &mut rows, progress)?,
                Format::Parquet => parquet::read(path, columns, *part, &mut rows, progress)?,
                Format::Folder => folder::read(path, *part, &mut rows)?,
            }
        }
        rows.sort_classes();
        Ok(rows)
    }

    /// Bytes of all files together; what cannot be looked at counts nothing, and reading tells why.
    pub(crate) fn bytes(&self) -> u64 {
        self.paths.iter().map(|(_, path)| bytes_below(path, 0)).sum()
    }

    /// A digest of what tells a changed source from an unchanged one without reading it: path, size and
    /// time of change of every file.
    pub(crate) fn stamp(&self) -> Result<Digest, DatasetError> {
        let mut hasher = Hasher::default();
        let mut files = 0;
        let columns = (&self.columns.text, &self.columns.label);
        hasher.update(format!("{:?} {:?} {columns:?}", self.format, self.name).as_bytes());
        if self.format == Format::Snippets {
            hasher.update(snippets::digest().as_bytes());
        }
        for (part, path) in &self.paths {
            hasher.update(format!("{part:?}").as_bytes());
            stamp_path(path, 0, &mut files, &mut hasher)?;
        }
        Ok(hasher.finish())
    }
}

fn bytes_below(path: &SourcePath, depth: u32) -> u64 {
    match path.metadata() {
        Ok(facts) if facts.is_dir && depth < DEPTH_MAX => {
            let entries = input::sorted_entries(path).unwrap_or_default();
            entries.iter().map(|entry| bytes_below(entry, depth + 1)).sum()
        }
        Ok(facts) if facts.is_file => facts.len,
        _ => 0,
    }
}

fn stamp_path(
    path: &SourcePath,
    depth: u32,
    files: &mut u64,
    hasher: &mut Hasher,
) -> Result<(), DatasetError> {
    *files += 1;
    if *files > FILES_MAX || depth > DEPTH_MAX {
        return Ok(());
    }
    let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
    let changed = metadata.modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let nanoseconds = changed.map_or(0, |time| time.as_nanos());
    let size = if metadata.is_dir { 0 } else { metadata.len };
    hasher.update(format!("{} {size} {nanoseconds}\n", path.display()).as_bytes());
    if !metadata.is_dir {
        return Ok(());
    }
    for entry in input::sorted_entries(path)? {
        stamp_path(&entry, depth + 1, files, hasher)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;

    #[test]
    fn every_name_that_a_sweep_file_may_give_has_a_reader() {
        for name in DATASETS {
            let source = DataSource::Known { name: name.to_owned(), path: Some("/nowhere".into()) };
            let located = locate(&source, &Reach::everywhere(), Path::new("/nowhere"), &NoProgress);
            assert!(!matches!(located, Err(DatasetError::UnknownDataset { .. })), "{name}");
        }
    }
}
