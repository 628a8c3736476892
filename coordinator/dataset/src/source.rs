//! The registry of readers: one file for each dataset or format, one arm in each `match` here.

mod archive;
mod column;
mod delimited;
mod dialect;
mod encoding;
mod finite;
mod folder;
mod foreign;
mod imdb;
mod input;
mod json;
mod json_lines;
mod labelled_lines;
mod nsmc;
mod object;
mod parquet;
pub(crate) mod place;
mod quotes;
mod reach;
mod snippets;
mod text_file;
mod texts;
mod unpack;

use std::collections::HashSet;
use std::path::Path;

use sweep_proto::digest::Hasher;
use sweep_proto::sweep_file::DATASETS;
use sweep_proto::{DataSource, Digest, HtmlBreaks, Reading};

use crate::error::{DatasetError, listed, nearest};
use crate::limits::FILES_MAX;
use crate::progress::Progress;
use crate::rows::{Part, Rows};

use delimited::Family;
use labelled_lines::Prefix;
pub(crate) use place::{Found, Piece};
pub use reach::Reach;
pub(crate) use reach::SourcePath;

/// Folders within folders that are looked into: what the reader of folders passes on its way, and reads below each class.
const DEPTH_MAX: u32 = 14;

/// The columns of a table that matter.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// Names of the text's columns; their texts are joined.
    pub(crate) text: Vec<String>,
    /// Name of the label's column.
    pub(crate) label: String,
    /// Labels as they stand in the file with the class names they mean; empty: each is its own name.
    pub(crate) names: &'static [(&'static str, &'static str)],
}

impl Columns {
    /// Every column.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.text.iter().chain([&self.label]).map(String::as_str)
    }
}

/// How a source is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Imdb,
    Nsmc,
    Csv,
    Tsv,
    Json,
    JsonLines,
    FastText,
    Trec,
    Parquet,
    Folder,
}

/// A source whose format and place are known; nothing of it has been read yet.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// A name for people.
    pub(crate) name: String,
    /// Files or folders, each with its format and the part it holds.
    pub(crate) pieces: Vec<Piece>,
    /// The columns, for tables.
    pub(crate) columns: Columns,
    /// How rows are read.
    pub(crate) reading: Reading,
    /// What was passed over when the pieces were found.
    pub(crate) remarks: Vec<String>,
    /// What may make the splits other ones than intended.
    pub(crate) warnings: Vec<String>,
}

impl Format {
    /// Whether columns are named.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Json | Self::JsonLines | Self::Parquet | Self::Trec)
    }

    /// The names of a table's columns; none for what is not a table.
    pub(crate) fn columns(self, path: &SourcePath, reading: &Reading) -> Result<Vec<String>, DatasetError> {
        match self {
            Format::Csv => delimited::columns(path, Family::Csv, reading),
            Format::Tsv => delimited::columns(path, Family::Tsv, reading),
            Format::JsonLines => json_lines::columns(path, reading),
            Format::Json => json::columns(path, reading),
            Format::Parquet => parquet::columns(path),
            Format::Trec => Ok(labelled_lines::TREC_COLUMNS.map(str::to_owned).to_vec()),
            Format::Imdb | Format::Nsmc | Format::FastText | Format::Folder => Ok(Vec::new()),
        }
    }
}

/// Finds a source within what may be reached, downloading it into the cache where it is known by name and has no path.
pub(crate) fn locate(
    source: &DataSource,
    reading: &Reading,
    reach: &Reach,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Located, DatasetError> {
    match source {
        DataSource::Known { name, path } => {
            let pieces = known(name, path.as_deref(), reach, cache, progress)?;
            let columns = Columns { text: Vec::new(), label: String::new(), names: &[] };
            Ok(Located {
                name: name.clone(),
                pieces,
                columns,
                reading: reading.clone(),
                remarks: Vec::new(),
                warnings: Vec::new(),
            })
        }
        DataSource::File { path, validation_path, test_path, text, label } => {
            let Found { mut pieces, mut remarks, mut warnings } =
                place::found(&SourcePath::new(path, reach), Part::Train)?;
            for (own, part) in [(validation_path, Part::Validation), (test_path, Part::Test)] {
                let Some(own) = own else { continue };
                if pieces.iter().any(|piece| piece.part == part) {
                    let split = part.split().name();
                    let reason = format!(
                        "`path` has {split} data of its own; remove `{split}_path`, or name its files"
                    );
                    return Err(DatasetError::broken(own.display(), reason));
                }
                let found = place::found(&SourcePath::new(own, reach), part);
                let found = found.map_err(|error| error.of_part(part))?;
                pieces.extend(found.pieces);
                remarks.extend(found.remarks);
                warnings.extend(found.warnings);
            }
            let is_delimited = |piece: &Piece| matches!(piece.format, Format::Csv | Format::Tsv);
            if (reading.header.is_some() || reading.delimiter.is_some()) && !pieces.iter().any(is_delimited) {
                let key = if reading.header.is_some() { "header" } else { "delimiter" };
                let reason = format!("`{key}` is for delimited text such as CSV; remove it");
                return Err(DatasetError::broken(path.display(), reason));
            }
            let text = std::iter::once(text).chain(&reading.text_joined).cloned().collect();
            let columns = Columns { text, label: label.clone(), names: &[] };
            Ok(Located { name: name_of(path), pieces, columns, reading: reading.clone(), remarks, warnings })
        }
    }
}

/// The pieces of a dataset that is known by name.
fn known(
    name: &str,
    path: Option<&Path>,
    reach: &Reach,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Vec<Piece>, DatasetError> {
    let imdb = |path| Ok(vec![Piece { part: Part::Train, path, format: Format::Imdb }]);
    let nsmc = |folder: &SourcePath| -> Result<Vec<Piece>, DatasetError> {
        let files = nsmc::files(folder)?.into_iter();
        Ok(files.map(|(part, path)| Piece { part, path, format: Format::Nsmc }).collect())
    };
    match (name, path) {
        ("snippets", None) => Ok(Vec::new()),
        ("snippets", Some(_)) => Err(DatasetError::Setting(
            "the dataset \"snippets\" is part of this program; remove `path`, or remove `dataset` to read your own file"
                .into(),
        )),
        ("imdb", Some(path)) => imdb(SourcePath::new(path, reach)),
        ("imdb", None) => imdb(SourcePath::anywhere(imdb::download(cache, progress)?)),
        ("nsmc", Some(path)) => nsmc(&SourcePath::new(path, reach)),
        ("nsmc", None) => nsmc(&SourcePath::anywhere(nsmc::download(cache, progress)?)),
        _ => Err(DatasetError::UnknownDataset {
            name: name.to_owned(),
            hint: nearest(name, DATASETS),
            known: listed(DATASETS),
        }),
    }
}

/// A name for people: that of the file or folder, without the endings of its format.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if stem.is_empty() {
        return "data".to_owned();
    }
    let inner = [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".tar"];
    inner.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(&stem).to_owned()
}

impl Located {
    /// Reads every row.
    pub(crate) fn read(&self, progress: &dyn Progress) -> Result<Rows, DatasetError> {
        let has_breaks =
            self.pieces.iter().all(|piece| piece.format == Format::Imdb) && !self.pieces.is_empty();
        let breaks = if has_breaks { HtmlBreaks::Space } else { HtmlBreaks::Keep };
        let mut rows = Rows::reading(&self.name, &self.reading, breaks);
        if self.pieces.is_empty() {
            progress.stage("reading snippets", None, false);
            rows.enter(Part::Train, &self.name);
            snippets::read(&mut rows)?;
        }
        for piece in &self.pieces {
            self.read_piece(piece, &mut rows, progress)?;
        }
        for remark in &self.remarks {
            rows.note(remark);
        }
        for warning in &self.warnings {
            rows.warn(warning);
        }
        rows.finish()?;
        Ok(rows)
    }

    /// Bytes of all files together; what cannot be looked at counts nothing, and reading tells why.
    pub(crate) fn bytes(&self) -> u64 {
        // The files of one archive are opened with it.
        let mut opened = HashSet::new();
        let pieces = self.pieces.iter().filter(|piece| opened.insert(piece.path.opened()));
        pieces.map(|piece| bytes_below(&piece.path, 0)).sum()
    }

    fn read_piece(
        &self,
        piece: &Piece,
        rows: &mut Rows,
        progress: &dyn Progress,
    ) -> Result<(), DatasetError> {
        let Piece { part, path, format } = piece;
        let (part, columns, reading) = (*part, &self.columns, &self.reading);
        let bytes = path.metadata().ok().filter(|facts| facts.is_file);
        if bytes.is_some() {
            rows.enter(part, &path.file_name());
        }
        progress.stage(&format!("reading {}", path.file_name()), bytes.map(|one| one.len), true);
        match format {
            Format::Imdb => imdb::read(path, reading, rows, progress),
            Format::Nsmc => nsmc::read(path, reading, part, rows, progress),
            Format::Csv => delimited::read(path, Family::Csv, columns, reading, part, rows, progress),
            Format::Tsv => delimited::read(path, Family::Tsv, columns, reading, part, rows, progress),
            Format::Json => json::read(path, columns, reading, part, rows, progress),
            Format::JsonLines => json_lines::read(path, columns, reading, part, rows, progress),
            Format::FastText => {
                labelled_lines::read(path, Prefix::FastText, columns, reading, part, rows, progress)
            }
            Format::Trec => labelled_lines::read(path, Prefix::Trec, columns, reading, part, rows, progress),
            Format::Parquet => parquet::read(path, columns, part, rows, progress),
            Format::Folder => folder::read(path, part, reading, rows, progress),
        }
    }

    /// A digest of what tells a changed source from an unchanged one without reading it: how it is read, and path, size
    /// and time of change of every file.
    pub(crate) fn stamp(&self) -> Result<Digest, DatasetError> {
        let mut hasher = Hasher::default();
        let mut files = 0;
        hasher.update(format!("{:?} {:?} {:?}", self.name, self.columns, self.reading).as_bytes());
        if self.pieces.is_empty() {
            hasher.update(snippets::digest().as_bytes());
        }
        for Piece { part, path, format } in &self.pieces {
            hasher.update(format!("{part:?} {format:?}").as_bytes());
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
            let located = locate(
                &source,
                &Reading::default(),
                &Reach::everywhere(),
                Path::new("/nowhere"),
                &NoProgress,
            );
            assert!(!matches!(located, Err(DatasetError::UnknownDataset { .. })), "{name}");
        }
    }
}
