//! A folder with one sub-folder per class and one text per file, or with `train` and `test` above those.

use std::io::Read;

use super::SourcePath;
use super::input::{open, sorted_entries};
use crate::error::DatasetError;
use crate::limits::{FILES_MAX, TEXT_BYTES_MAX};
use crate::rows::{Part, Place, Rows};

/// Reads every file of every class.
pub(crate) fn read(path: &SourcePath, part: Part, rows: &mut Rows) -> Result<(), DatasetError> {
    let folders: Vec<_> = sorted_entries(path)?.into_iter().filter(SourcePath::is_dir).collect();
    if folders.is_empty() {
        let reason =
            "it has no sub-folder; put the texts of each class into a sub-folder of the class's name";
        return Err(DatasetError::broken(path.display(), reason));
    }
    let parts: Vec<_> = folders.iter().map(|folder| Part::from_folder(&folder.file_name())).collect();
    for (folder, own_part) in folders.iter().zip(&parts) {
        match own_part {
            Some(own_part) if parts.iter().all(Option::is_some) => {
                rows.enter(*own_part, &format!("{}/{}", path.file_name(), folder.file_name()));
                for class in sorted_entries(folder)?.into_iter().filter(SourcePath::is_dir) {
                    read_class(&class, *own_part, rows)?;
                }
            }
            _ => {
                rows.enter(part, &path.file_name());
                read_class(folder, part, rows)?;
            }
        }
    }
    Ok(())
}

fn read_class(folder: &SourcePath, part: Part, rows: &mut Rows) -> Result<(), DatasetError> {
    let class = folder.file_name();
    let (folders, files): (Vec<_>, Vec<_>) =
        sorted_entries(folder)?.into_iter().partition(SourcePath::is_dir);
    if !folders.is_empty() {
        rows.note(format!("{class} has {} sub-folders, whose files are not read", folders.len()));
    }
    for entry in files {
        if rows.total() >= FILES_MAX {
            return Err(DatasetError::broken(folder.display(), "it has more than five million files"));
        }
        let file = format!("{class}/{}", entry.file_name());
        read_file(&entry, Place { file: &file, line: 1 }, part, &class, rows)?;
    }
    Ok(())
}

/// Reads one text, which is a whole file.
pub(crate) fn read_file(
    path: &SourcePath,
    place: Place<'_>,
    part: Part,
    class: &str,
    rows: &mut Rows,
) -> Result<(), DatasetError> {
    let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
    if !metadata.is_file {
        return rows.reject(place, "it is not a regular file");
    }
    if metadata.len > TEXT_BYTES_MAX as u64 {
        return rows.reject(place, "the text is longer than 1 MiB");
    }
    if metadata.len == 0 {
        return rows.reject(place, "the text is empty");
    }
    let mut text = Vec::new();
    // The file may grow while it is read: one byte more than allowed is enough to see that.
    let bound = TEXT_BYTES_MAX as u64 + 1;
    open(path)?.take(bound).read_to_end(&mut text).map_err(DatasetError::io(path, "read it"))?;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    rows.push(place, part, class.as_bytes(), text)
}
