//! ZIP and tar archives: the names of the files in them, and each file by its name.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};

use tar::Archive;
use zip::ZipArchive;

use super::foreign::SPREADSHEET;
use super::input::open;
use super::unpack::{Packing, damaged, packing_of, spill, stream};
use super::{SourcePath, imdb};
use crate::error::{DatasetError, listed};
use crate::limits::{FILES_MAX, UNPACKED_BYTES_MAX};

/// Endings of tar archives, compressed or not.
const TAR_ENDINGS: [&str; 10] =
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.zstd", ".tzst"];
/// Names that a refusal lists.
const NAMES_SHOWN: usize = 5;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Files, by name and in the order of their names.
    Files(Vec<String>),
    /// The reviews of the Large Movie Review Dataset, in folders of parts and classes.
    Reviews,
}

/// Whether a name is that of a ZIP archive.
pub(crate) fn is_zip(name: &str) -> bool {
    name.to_lowercase().ends_with(".zip")
}

/// Whether a name is that of an archive of either kind.
pub(crate) fn is_archive(name: &str) -> bool {
    let name = name.to_lowercase();
    is_zip(&name) || TAR_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// What an archive holds, but for hidden files and what systems add.
///
/// # Errors
/// An archive that is damaged, or that is an office document.
pub(crate) fn contents(path: &SourcePath) -> Result<Contents, DatasetError> {
    let mut file = open(path)?;
    let mut names = if has_zip(path, &mut file)? {
        zip_names(path, file)?
    } else {
        let mut names = Vec::new();
        let mut has_reviews = false;
        each_of_tar(path, file, |name, _| {
            has_reviews = imdb::is_review(name);
            names.push(name.to_owned());
            Ok(!has_reviews)
        })?;
        if has_reviews {
            return Ok(Contents::Reviews);
        }
        names
    };
    names.retain(|name| is_data(name));
    names.sort();
    Ok(Contents::Files(names))
}

/// The one file of a ZIP archive that holds data.
///
/// # Errors
/// None, or several.
pub(crate) fn only_file(path: &SourcePath) -> Result<String, DatasetError> {
    let Contents::Files(mut names) = contents(path)? else {
        return Err(several(path, &[]));
    };
    match (names.pop(), names.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            names.push(last);
            Err(several(path, &names))
        }
        (None, _) => Err(DatasetError::broken(path.display(), "it is an archive without a file")),
    }
}

/// The refusal of an archive of which it is not clear what is meant.
pub(crate) fn several(path: &SourcePath, names: &[String]) -> DatasetError {
    let shown = listed(names.iter().take(NAMES_SHOWN).map(String::as_str));
    let example = names.first().map(|name| path.shown().join(name).display().to_string()).unwrap_or_default();
    let reason = format!(
        "it is an archive of {} files ({shown}) that are not tables of one kind; name one of them, or a pattern: \
         `path = \"{example}\"` under [data]",
        names.len()
    );
    DatasetError::broken(path.display(), reason)
}

/// A file of an archive as a temporary file at its start.
///
/// # Errors
/// No such file, a password, or a damaged archive.
pub(crate) fn extracted(path: &SourcePath, mut file: File, name: &str) -> Result<File, DatasetError> {
    if !has_zip(path, &mut file)? {
        let mut found = None;
        each_of_tar(path, file, |one, reader| {
            if one == name {
                found = Some(spill(path, "tar", reader)?);
            }
            Ok(found.is_none())
        })?;
        return found.ok_or_else(|| absent(path, name));
    }
    let mut archive = zip(path, file)?;
    let place = (0..archive.len()).find(|place| name_at(&archive, *place) == name);
    let place = place.ok_or_else(|| absent(path, name))?;
    let member = archive.by_index(place).map_err(|error| damaged(path, "ZIP", &error.into()))?;
    if member.encrypted() {
        let reason = "it is a ZIP archive with a password; unpack it first";
        return Err(DatasetError::broken(path.display(), reason));
    }
    spill(path, "ZIP", member)
}

fn absent(path: &SourcePath, name: &str) -> DatasetError {
    let reason = format!("the archive has no file \"{name}\"; `path` under [data] names it");
    DatasetError::broken(path.opened().display(), reason)
}

fn is_data(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    !name.starts_with("__MACOSX/") && !file.is_empty() && !file.starts_with('.')
}

/// Whether a file is a ZIP archive, whatever its name; one that is named so and is none is damaged.
fn has_zip(path: &SourcePath, file: &mut File) -> Result<bool, DatasetError> {
    let is_named = path.opened().file_name().is_some_and(|name| is_zip(&name.to_string_lossy()));
    Ok(is_named || packing_of(path, file)? == Some(Packing::Zip))
}

fn zip_names(path: &SourcePath, file: File) -> Result<Vec<String>, DatasetError> {
    let archive = zip(path, file)?;
    let names: Vec<String> = (0..archive.len()).map(|place| name_at(&archive, place)).collect();
    let office = |folder: &str| names.iter().any(|name| name.starts_with(folder));
    if office("xl/") || names.iter().any(|name| name == "content.xml") {
        return Err(DatasetError::broken(path.display(), SPREADSHEET));
    }
    if office("word/") {
        let reason = "it is a document; export the rows as CSV or JSON Lines";
        return Err(DatasetError::broken(path.display(), reason));
    }
    Ok(names)
}

fn zip(path: &SourcePath, file: File) -> Result<ZipArchive<BufReader<File>>, DatasetError> {
    ZipArchive::new(BufReader::new(file)).map_err(|error| {
        let reason =
            format!("it is not a complete ZIP archive ({error}), as after a broken download; fetch it again");
        DatasetError::broken(path.display(), reason)
    })
}

/// The name of a file in an archive; empty where it is not valid text.
fn name_at(archive: &ZipArchive<BufReader<File>>, place: usize) -> String {
    archive.name_for_index(place).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default()
}

/// Calls for every file of a tar archive with its name and its bytes, until the call answers `false`.
fn each_of_tar(
    path: &SourcePath,
    mut file: File,
    mut call: impl FnMut(&str, &mut dyn Read) -> Result<bool, DatasetError>,
) -> Result<(), DatasetError> {
    let broken = |error: std::io::Error| damaged(path, "tar", &error);
    let reader: Box<dyn Read> = match packing_of(path, &mut file)? {
        Some(packing) => stream(path, packing, file)?,
        None => Box::new(BufReader::new(file)),
    };
    let mut archive = Archive::new(reader.take(UNPACKED_BYTES_MAX));
    let mut files = 0;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        files += 1;
        if files > FILES_MAX {
            return Err(DatasetError::broken(path.display(), "the archive has more than five million files"));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !call(name.strip_prefix("./").unwrap_or(&name), &mut entry)? {
            return Ok(());
        }
    }
    Ok(())
}
