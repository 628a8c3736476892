//! What a path of a sweep file stands for: files and folders, each with its format and the part that it holds.

use super::archive::{self, Contents};
use super::foreign;
use super::input::{open, sorted_entries};
use super::labelled_lines::Prefix;
use super::nsmc;
use super::unpack::{inner_name, unpacked, without_ending};
use super::{Format, SourcePath};
use crate::error::{DatasetError, listed};
use crate::limits::SHARDS_MAX;
use crate::rows::Part;

use std::io::Read;

/// A file or folder of a source.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The part that it holds; a folder's own parts go before.
    pub(crate) part: Part,
    /// Where it is.
    pub(crate) path: SourcePath,
    /// How it is laid out.
    pub(crate) format: Format,
}

/// Bytes of a file's head by which its format is told.
const HEAD_BYTES: u64 = 1 << 16;

/// What a path names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The files and folders that are read.
    pub(crate) pieces: Vec<Piece>,
    /// What was passed over.
    pub(crate) remarks: Vec<String>,
    /// What may make the splits other ones than intended.
    pub(crate) warnings: Vec<String>,
}

impl Found {
    fn one(path: SourcePath, part: Part, format: Format) -> Self {
        Self { pieces: vec![Piece { part, path, format }], ..Found::default() }
    }
}

/// Everything that a path names: itself, the files that match it as a pattern, the tables in a folder or in an archive, or
/// files inside of an archive.
pub(crate) fn found(path: &SourcePath, part: Part) -> Result<Found, DatasetError> {
    if path.metadata().is_err() {
        if let Some((archive, inner)) = archive_of(path) {
            return inside(&archive, &inner, part);
        }
        if path.shown().to_string_lossy().contains(['*', '?', '[']) {
            return matching(path, part);
        }
    }
    if path.is_file() && archive::is_archive(&path.file_name()) {
        return whole_archive(path, part);
    }
    let format = Format::of_path(path)?;
    if format != Format::Folder {
        return Ok(Found::one(path.clone(), part, format));
    }
    if path.join(nsmc::TRAINING_FILE).is_file() {
        let files = nsmc::files(path)?.into_iter();
        let pieces = files.map(|(part, path)| Piece { part, path, format: Format::Nsmc }).collect();
        return Ok(Found { pieces, ..Found::default() });
    }
    match tables_of(path, part)? {
        Some(found) => Ok(found),
        None => Ok(Found::one(path.clone(), part, Format::Folder)),
    }
}

/// The archive that a path leads into, and the rest of the path.
fn archive_of(path: &SourcePath) -> Option<(SourcePath, String)> {
    let shown = path.shown();
    let is_archive = |above: &&std::path::Path| {
        above.file_name().is_some_and(|name| archive::is_archive(&name.to_string_lossy()))
    };
    let above = shown.ancestors().skip(1).find(is_archive)?;
    let archive = path.at(above);
    let rest = shown.strip_prefix(above).ok()?.to_string_lossy().into_owned();
    archive.is_file().then_some((archive, rest))
}

/// The files inside of an archive that have a name, or match it as a pattern.
fn inside(archive: &SourcePath, name: &str, part: Part) -> Result<Found, DatasetError> {
    let refused = |reason: String| DatasetError::broken(archive.display(), reason);
    let Contents::Files(names) = archive::contents(archive)? else {
        return Err(refused("it is the archive of \"imdb\"; name it alone".to_owned()));
    };
    let pattern = glob::Pattern::new(name)
        .map_err(|error| refused(format!("\"{name}\" is not a pattern of files: {error}")))?;
    let chosen: Vec<&String> = names.iter().filter(|one| *one == name || pattern.matches(one)).collect();
    if chosen.is_empty() {
        let shown = listed(names.iter().map(String::as_str));
        return Err(refused(format!("it has no file \"{name}\"; its files are {shown}")));
    }
    check_count(archive, chosen.len(), "files match this pattern")?;
    let pieces = chosen.into_iter().map(|name| {
        let path = archive.inside(name);
        Ok(Piece { part, format: Format::of_path(&path)?, path })
    });
    Ok(Found { pieces: pieces.collect::<Result<_, DatasetError>>()?, ..Found::default() })
}

/// What an archive stands for that is named as a whole: its one file, or its tables.
fn whole_archive(path: &SourcePath, part: Part) -> Result<Found, DatasetError> {
    let names = match archive::contents(path)? {
        Contents::Reviews => return Ok(Found::one(path.clone(), part, Format::Imdb)),
        Contents::Files(names) => names,
    };
    if let [only] = names.as_slice() {
        // A ZIP archive of one file is that file.
        let is_zip = archive::is_zip(&path.file_name());
        let path = if is_zip { path.clone() } else { path.inside(only) };
        return Ok(Found::one(path.clone(), part, Format::of_path(&path)?));
    }
    let files = names.iter().map(|name| path.inside(name)).collect();
    let several = || archive::several(path, &names);
    tables(path, files, part, several)?.ok_or_else(several)
}

/// The files that match a pattern, in the order of their names. Only the last component may be one.
fn matching(path: &SourcePath, part: Part) -> Result<Found, DatasetError> {
    let name = path.file_name();
    let refused = |reason: String| Err(DatasetError::broken(path.display(), reason));
    let pattern = match glob::Pattern::new(&name) {
        Ok(pattern) => pattern,
        Err(error) => return refused(format!("it is not a pattern of files: {error}")),
    };
    let mut files = sorted_entries(&path.parent())?;
    files.retain(|file| pattern.matches(&file.file_name()));
    check_count(path, files.len(), "files match this pattern")?;
    let mut found = Found::default();
    for file in files {
        // What matches and cannot be read is refused by its name: a link that leads out, or nowhere.
        if file.metadata().map_err(DatasetError::io(&file, "open it"))?.is_dir {
            found.remarks.push(format!(
                "the folder \"{}\" matches the pattern and is passed over: a pattern names files",
                file.file_name()
            ));
            continue;
        }
        let format = Format::of_path(&file)?;
        found.pieces.push(Piece { part, path: file, format });
    }
    if found.pieces.is_empty() {
        return refused(
            "no file matches this pattern; a pattern is allowed in the last part of a path".to_owned(),
        );
    }
    Ok(found)
}

/// The tables of a folder that has no sub-folder of texts.
fn tables_of(folder: &SourcePath, part: Part) -> Result<Option<Found>, DatasetError> {
    let entries = sorted_entries(folder)?;
    let mut folders = Vec::new();
    for entry in &entries {
        if entry.is_folder()? {
            folders.push(entry);
        }
    }
    match folders.as_slice() {
        [] => {}
        // A repository of a dataset keeps its tables in a folder of their own.
        [only] if only.file_name() == "data" => return tables_of(only, part),
        _ => return Ok(None),
    }
    tables(folder, entries, part, || {
        let reason = "it has tables of several formats; name the file, or a pattern of files";
        DatasetError::broken(folder.display(), reason)
    })
}

/// Refuses more files than a source may have, before one is opened.
fn check_count(place: &SourcePath, count: usize, what: &str) -> Result<(), DatasetError> {
    if count > SHARDS_MAX {
        return Err(DatasetError::broken(place.display(), format!("more than {SHARDS_MAX} {what}")));
    }
    Ok(())
}

/// Files of one format in a folder or an archive, such as the shards of a dataset: each part by the file's name where one is of the
/// training part. Nothing where none of them is a table.
fn tables(
    place: &SourcePath,
    files: Vec<SourcePath>,
    part: Part,
    several: impl Fn() -> DatasetError,
) -> Result<Option<Found>, DatasetError> {
    let mut tables: Vec<(SourcePath, Format)> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    for file in files {
        let name = file.file_name().to_lowercase();
        match Format::of_name(without_ending(&name)) {
            Some(format) => tables.push((file, format)),
            None => others.push(file.file_name()),
        }
    }
    let Some((_, format)) = tables.first() else { return Ok(None) };
    check_count(place, tables.len(), "tables are there")?;
    if tables.iter().any(|(_, other)| other != format) {
        return Err(several());
    }
    let own_part = |file: &SourcePath| Part::from_file(&file.file_name().to_lowercase());
    let has_parts = tables.iter().any(|(file, _)| own_part(file) == Some(Part::Train));
    let mut found = Found::default();
    let unnamed = tables.iter().map(|(file, _)| file).filter(|file| has_parts && own_part(file).is_none());
    let unnamed: Vec<String> = unnamed.map(|file| file.file_name().clone()).collect();
    if !unnamed.is_empty() && part == Part::Train {
        let shown = listed(unnamed.iter().take(3).map(String::as_str));
        found.warnings.push(format!(
            "{} tables beside those of the splits have no split in their names, so their rows are training rows ({shown})",
            unnamed.len()
        ));
    }
    for (path, _) in tables {
        let part = if has_parts { own_part(&path).unwrap_or(part) } else { part };
        // Of JSON the first bytes tell whether it is one object a line.
        found.pieces.push(Piece { part, format: Format::of_path(&path)?, path });
    }
    if !others.is_empty() {
        let shown = listed(others.iter().take(3).map(String::as_str));
        found.remarks.push(format!("{} files beside the tables are passed over ({shown})", others.len()));
    }
    Ok(Some(found))
}

impl Format {
    /// The format of a user's file, told by its name, and by its first bytes where the name tells none.
    pub(crate) fn of_path(path: &SourcePath) -> Result<Self, DatasetError> {
        let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
        if metadata.is_dir {
            return Ok(Format::Folder);
        }
        if !metadata.is_file {
            return Err(DatasetError::broken(path.display(), "this is neither a file nor a folder"));
        }
        let name = path.file_name().to_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
        if let Some(what) = foreign::by_extension(extension) {
            return Err(DatasetError::broken(path.display(), what));
        }
        match Self::of_name(&inner_name(path)?.to_lowercase()) {
            Some(Format::Json) => {
                let head = head(path)?;
                Ok(if is_one_object_a_line(&head) { Format::JsonLines } else { Format::Json })
            }
            Some(format) => Ok(format),
            None => Self::of_head(path),
        }
    }

    /// The format that a name in lower case tells.
    fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Format::Csv),
            "tsv" | "tab" => Some(Format::Tsv),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "json" => Some(Format::Json),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// The format that the first bytes of a text file tell.
    fn of_head(path: &SourcePath) -> Result<Self, DatasetError> {
        let head = head(path)?;
        if let Some(what) = foreign::by_head(&head) {
            return Err(DatasetError::broken(path.display(), what));
        }
        match Prefix::of(head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head)) {
            Some(Prefix::FastText) => return Ok(Format::FastText),
            Some(Prefix::Trec) => return Ok(Format::Trec),
            None => {}
        }
        if head.trim_ascii_start().starts_with(b"{") && is_one_object_a_line(&head) {
            return Ok(Format::JsonLines);
        }
        let mut lines =
            head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).peekable();
        if lines.peek().is_some() && lines.take(20).all(|line| line.contains(&b'\t')) {
            return Ok(Format::Tsv);
        }
        Err(DatasetError::UnknownFormat { path: path.shown().to_owned() })
    }
}

/// The first bytes of what a file unpacks to.
fn head(path: &SourcePath) -> Result<Vec<u8>, DatasetError> {
    let mut head = Vec::new();
    let file = unpacked(path, open(path)?)?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(DatasetError::io(path, "read it"))?;
    Ok(head)
}

/// Whether JSON is one object a line: the first line is a whole object, and the next one begins another.
fn is_one_object_a_line(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return false };
    let is_object = first.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
    is_object && lines.next().is_some_and(|next| next.starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_a_line_are_told_from_a_document() {
        assert!(is_one_object_a_line(b"{\"a\": 1}\n{\"a\": 2}\n"));
        for document in [&b"[{\"a\": 1},\n{\"a\": 2}]"[..], b"{\"a\": {\"0\": 1}}", b"{\n\"a\": 1\n}", b""] {
            assert!(!is_one_object_a_line(document));
        }
    }
}
