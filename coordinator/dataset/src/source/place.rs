//! What a path of a sweep file stands for: files and folders, each with its format and the part that it holds.

use super::foreign;
use super::input::{open, sorted_entries};
use super::labelled_lines::Prefix;
use super::nsmc;
use super::unpack::{inner_name, unpacked};
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

/// Everything that a path names: itself, the files that match it as a pattern, or the tables in a folder.
pub(crate) fn pieces(path: &SourcePath, part: Part) -> Result<Vec<Piece>, DatasetError> {
    let piece = |path: SourcePath, part, format| Piece { part, path, format };
    if path.metadata().is_err() && path.shown().to_string_lossy().contains(['*', '?', '[']) {
        let files = matching(path)?;
        return files
            .into_iter()
            .map(|file| Format::of_path(&file).map(|format| piece(file, part, format)))
            .collect();
    }
    let format = Format::of_path(path)?;
    if format != Format::Folder {
        return Ok(vec![piece(path.clone(), part, format)]);
    }
    if path.join(nsmc::TRAINING_FILE).is_file() {
        let files = nsmc::files(path)?;
        return Ok(files.into_iter().map(|(part, path)| piece(path, part, Format::Nsmc)).collect());
    }
    let tables = tables(path)?;
    if tables.is_empty() {
        return Ok(vec![piece(path.clone(), part, Format::Folder)]);
    }
    let own_part = |file: &SourcePath| Part::from_file(&file.file_name().to_lowercase());
    let has_parts = tables.iter().any(|(file, _)| own_part(file) == Some(Part::Train));
    let part_of = |file: &SourcePath| if has_parts { own_part(file).unwrap_or(part) } else { part };
    Ok(tables.into_iter().map(|(file, format)| piece(file.clone(), part_of(&file), format)).collect())
}

/// The files that match a pattern, in the order of their names. Only the last component may be one.
fn matching(path: &SourcePath) -> Result<Vec<SourcePath>, DatasetError> {
    let name = path.file_name();
    let refused = |reason: String| Err(DatasetError::broken(path.display(), reason));
    let pattern = match glob::Pattern::new(&name) {
        Ok(pattern) => pattern,
        Err(error) => return refused(format!("it is not a pattern of files: {error}")),
    };
    let mut files = sorted_entries(&path.parent())?;
    files.retain(|file| pattern.matches(&file.file_name()) && file.is_file());
    if files.is_empty() {
        return refused(
            "no file matches this pattern; a pattern is allowed in the last part of a path".to_owned(),
        );
    }
    if files.len() > SHARDS_MAX {
        return refused(format!("more than {SHARDS_MAX} files match this pattern"));
    }
    Ok(files)
}

/// The tables of a folder that has no sub-folder of texts: files of one format, such as the shards of a dataset.
fn tables(folder: &SourcePath) -> Result<Vec<(SourcePath, Format)>, DatasetError> {
    let entries = sorted_entries(folder)?;
    let mut folders = entries.iter().filter(|entry| entry.is_dir());
    // A repository of a dataset keeps its tables in a folder of their own.
    if let (Some(only), None) = (folders.next(), folders.next())
        && only.file_name() == "data"
    {
        return tables(only);
    }
    if entries.iter().any(SourcePath::is_dir) {
        return Ok(Vec::new());
    }
    let is_table = |format: &Format| {
        matches!(format, Format::Csv | Format::Tsv | Format::JsonLines | Format::Json | Format::Parquet)
    };
    let mut tables: Vec<(SourcePath, Format)> = Vec::new();
    for entry in entries {
        let format = Format::of_name(&entry.file_name().to_lowercase());
        if let Some(format) = format.filter(is_table) {
            tables.push((entry, format));
        }
    }
    if tables.len() > SHARDS_MAX {
        let reason = format!("it has more than {SHARDS_MAX} tables");
        return Err(DatasetError::broken(folder.display(), reason));
    }
    let Some((_, format)) = tables.first() else { return Ok(tables) };
    let format = *format;
    if tables.iter().any(|(_, other)| *other != format) {
        let names: Vec<String> = tables.iter().map(|(file, _)| file.file_name()).collect();
        let names = listed(names.iter().map(String::as_str));
        let reason =
            format!("it has tables of several formats ({names}); name the file, or a pattern of files");
        return Err(DatasetError::broken(folder.display(), reason));
    }
    Ok(tables)
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
        if [".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending)) {
            return Ok(Format::Imdb);
        }
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
