//! A folder with one sub-folder per class and one text per file, or one file per class and one text per line; or with
//! `train`, `validation` and `test` above those.

use std::collections::BTreeSet;

use sweep_proto::Reading;

use super::SourcePath;
use super::input::sorted_entries;
use super::json_lines::each_line;
use super::text_file::TextFile;
use super::texts::Texts;
use crate::error::{DatasetError, listed};
use crate::limits::FILES_MAX;
use crate::progress::Progress;
use crate::rows::{Part, Place, Rows};

/// Folders inside a class that are read, each below the other.
const DEPTH_MAX: usize = 8;
/// Folders that hold nothing but the next one, which are passed on the way to the classes.
const WRAPPERS_MAX: usize = 3;
/// Folders of texts without a label.
const UNLABELLED: [&str; 4] = ["unsup", "unlabeled", "unlabelled", "unsupervised"];
/// Files that describe the data.
const DESCRIPTIONS: [&str; 5] = ["readme", "license", "licence", "citation", "changes"];
/// Files of a folder by whose names it is told whether it holds texts.
const FILES_LOOKED_AT: usize = 1_000;
/// Endings of texts that are files of their own.
const TEXT_ENDINGS: [&str; 7] = ["txt", "text", "eml", "story", "review", "htm", "html"];
/// Folders that a refusal lists.
const FOLDERS_SHOWN: usize = 5;
/// Most files of a folder that may be one file per class, and fewest lines of each: more and shorter ones are texts.
const CLASS_FILES_MAX: usize = 20;
const CLASS_LINES_MIN: usize = 5;

/// Reads every file of every class.
pub(crate) fn read(
    path: &SourcePath,
    part: Part,
    reading: &Reading,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let (root, folders) = inner(path)?;
    let parts: Vec<_> = folders.iter().map(|folder| Part::from_folder(&folder.file_name())).collect();
    let mut gathered = Texts::default();
    rows.enter(part, &root.file_name());
    if folders.is_empty() {
        read_class_files(&root, &root.file_name(), part, reading, rows, progress)?;
        return Ok(());
    }
    pass_over_files(&root, rows)?;
    let known = parts.iter().flatten().count();
    let has_parts = known == parts.len() || (known > 1 && parts.contains(&Some(Part::Train)));
    if has_parts {
        for (folder, own_part) in folders.iter().zip(&parts) {
            let Some(own_part) = *own_part else {
                rows.note(format!("the folder \"{}\" is passed over: it is not a split", folder.file_name()));
                continue;
            };
            let home = format!("{}/{}", root.file_name(), folder.file_name());
            rows.enter(own_part, &home);
            read_part(folder, &home, own_part, reading, &mut gathered, rows, progress)?;
        }
    } else {
        check_classes(&root, &folders)?;
        let names: Vec<String> = folders.iter().map(SourcePath::file_name).collect();
        let shown = listed(names.iter().map(String::as_str));
        progress.stage(&format!("reading the folders {shown} as classes"), None, false);
        for class in &folders {
            read_class(
                class,
                &class.file_name(),
                &class.file_name(),
                &root.file_name(),
                part,
                0,
                &mut gathered,
                rows,
            )?;
        }
    }
    gathered.finish(path, reading.encoding.as_deref(), rows)
}

/// The folder that holds the classes or the splits, and its sub-folders.
fn inner(path: &SourcePath) -> Result<(SourcePath, Vec<SourcePath>), DatasetError> {
    let mut root = path.clone();
    for _ in 0..=WRAPPERS_MAX {
        let folders = folders_of(&root)?;
        let is_part = |folder: &SourcePath| Part::from_folder(&folder.file_name()).is_some();
        let [only] = folders.as_slice() else { return Ok((root, folders)) };
        if is_part(only) || folders_of(only)?.is_empty() {
            return Ok((root, folders));
        }
        root = only.clone();
    }
    let folders = folders_of(&root)?;
    Ok((root, folders))
}

/// Refuses folders of something else than texts, such as a tree of sources: at least two of them must hold texts mostly.
fn check_classes(root: &SourcePath, folders: &[SourcePath]) -> Result<(), DatasetError> {
    let mut with_texts = 0;
    for folder in folders {
        let mut counts = (0, 0);
        count_texts(folder, 0, &mut counts)?;
        let (texts, files) = counts;
        with_texts += usize::from(2 * texts > files);
        if with_texts == 2 {
            return Ok(());
        }
    }
    let names: Vec<String> = folders.iter().map(SourcePath::file_name).collect();
    let shown = listed(names.iter().take(FOLDERS_SHOWN).map(String::as_str));
    let reason = format!(
        "of its {} sub-folders ({shown}) {with_texts} hold mostly texts (files such as .txt, or without an ending), and \
         classes need at least two; name the folder whose sub-folders are the classes",
        folders.len()
    );
    Err(DatasetError::broken(root.display(), reason))
}

/// Counts the texts, and all files, among the first files of a folder, those of its sub-folders included.
fn count_texts(folder: &SourcePath, depth: usize, counts: &mut (usize, usize)) -> Result<(), DatasetError> {
    for entry in sorted_entries(folder)? {
        if counts.1 >= FILES_LOOKED_AT {
            break;
        }
        if entry.is_folder()? {
            if depth < DEPTH_MAX {
                count_texts(&entry, depth + 1, counts)?;
            }
            continue;
        }
        counts.0 += usize::from(is_text_name(&entry.file_name()));
        counts.1 += 1;
    }
    Ok(())
}

/// Whether a file is named as a text: by its ending, without one, or with a number for one, as in collections of news.
fn is_text_name(name: &str) -> bool {
    let Some((_, ending)) = name.rsplit_once('.') else { return true };
    TEXT_ENDINGS.iter().any(|text| ending.eq_ignore_ascii_case(text))
        || ending.bytes().all(|byte| byte.is_ascii_digit())
}

fn folders_of(path: &SourcePath) -> Result<Vec<SourcePath>, DatasetError> {
    let mut folders = Vec::new();
    for entry in sorted_entries(path)? {
        if entry.is_folder()? && entry.file_name() != "__MACOSX" {
            folders.push(entry);
        }
    }
    Ok(folders)
}

/// Tells of the files that stand beside the folders of classes or splits.
fn pass_over_files(root: &SourcePath, rows: &mut Rows) -> Result<(), DatasetError> {
    let names: Vec<String> =
        sorted_entries(root)?.iter().filter(|entry| !entry.is_dir()).map(SourcePath::file_name).collect();
    if !names.is_empty() {
        let shown = listed(names.iter().take(3).map(String::as_str));
        rows.note(format!("{} files beside its folders are passed over ({shown})", names.len()));
    }
    Ok(())
}

fn read_part(
    folder: &SourcePath,
    home: &str,
    part: Part,
    reading: &Reading,
    gathered: &mut Texts,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let classes = folders_of(folder)?;
    if classes.is_empty() {
        return read_class_files(folder, home, part, reading, rows, progress);
    }
    pass_over_files(folder, rows)?;
    for class in &classes {
        let name = class.file_name();
        if UNLABELLED.contains(&name.as_str()) && classes.len() > 1 {
            let files = sorted_entries(class)?.len();
            rows.note(format!("the folder \"{name}\" is passed over: its {files} texts have no label"));
            continue;
        }
        read_class(class, &name, &name, home, part, 0, gathered, rows)?;
    }
    Ok(())
}

/// Reads the files of a class, those of its sub-folders included.
#[expect(clippy::too_many_arguments, reason = "the recursion carries where it is and where its rows go")]
fn read_class(
    folder: &SourcePath,
    class: &str,
    shown: &str,
    home: &str,
    part: Part,
    depth: usize,
    gathered: &mut Texts,
    rows: &mut Rows,
) -> Result<(), DatasetError> {
    for entry in sorted_entries(folder)? {
        let file = format!("{shown}/{}", entry.file_name());
        if gathered.len() + rows.total() >= FILES_MAX {
            return Err(DatasetError::broken(folder.display(), "it has more than five million files"));
        }
        let is_folder = entry.is_folder()?;
        if is_folder && depth < DEPTH_MAX {
            rows.note("texts in sub-folders of the classes are read, too");
            read_class(&entry, class, &file, home, part, depth + 1, gathered, rows)?;
        } else if is_folder {
            rows.note(format!("the folder \"{file}\" is passed over: it lies too deep"));
        } else {
            gathered.add_file(&entry, home, file, part, class, rows)?;
        }
    }
    Ok(())
}

/// Reads a folder in which each file is a class and each line a text.
fn read_class_files(
    folder: &SourcePath,
    home: &str,
    part: Part,
    reading: &Reading,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let refused = |what: &str| {
        let reason = format!(
            "it has no sub-folder, and {what}; put the texts of each class into a sub-folder of the class's name, or all \
             texts of a class into one file of the class's name, one text a line"
        );
        Err(DatasetError::broken(folder.display(), reason))
    };
    let is_description = |file: &SourcePath| {
        let name = file.file_name().to_lowercase();
        DESCRIPTIONS.iter().any(|one| name.starts_with(one))
    };
    let (descriptions, files): (Vec<_>, Vec<_>) =
        sorted_entries(folder)?.into_iter().partition(is_description);
    if files.len() < 2 {
        return refused("no two files of texts");
    }
    if files.len() > CLASS_FILES_MAX {
        return refused("too many files to be one for each class");
    }
    let names: Vec<String> = files.iter().map(SourcePath::file_name).collect();
    let Some(classes) = class_names(&names) else {
        return refused("the names of its files are not those of classes");
    };
    rows.note("each file is a class, and each line a text");
    for description in descriptions {
        rows.note(format!("the file \"{}\" is passed over: it describes the data", description.file_name()));
    }
    for (file, class) in files.iter().zip(&classes) {
        let source = TextFile::open(file, reading)?;
        let mut lines = 0;
        each_line(file, &source, progress, |_, _| {
            lines += 1;
            Ok(lines < CLASS_LINES_MIN)
        })?;
        if lines < CLASS_LINES_MIN {
            return refused(&format!(
                "its file {} has too few lines to be all texts of a class",
                file.file_name()
            ));
        }
        rows.enter(part, home);
        source.tell(rows);
        let shown = file.file_name();
        each_line(file, &source, progress, |line, text| {
            rows.push(Place { file: &shown, line }, part, class.as_bytes(), text)?;
            Ok(true)
        })?;
    }
    Ok(())
}

/// The classes that the names of files tell: `neg.txt` and `pos.txt`, or `polarity.neg` and `polarity.pos`. Names with
/// digits are numbered texts.
fn class_names(files: &[String]) -> Option<Vec<String>> {
    let parts = |name: &String| {
        let inner = name.strip_suffix(".gz").unwrap_or(name);
        inner
            .rsplit_once('.')
            .map_or((inner.to_owned(), String::new()), |(stem, end)| (stem.to_owned(), end.to_owned()))
    };
    let parts: Vec<_> = files.iter().map(parts).collect();
    let stems: BTreeSet<_> = parts.iter().map(|(stem, _)| stem).collect();
    let ends: BTreeSet<_> = parts.iter().map(|(_, end)| end).collect();
    let classes: Vec<String> = if stems.len() == 1 && ends.len() == files.len() {
        parts.into_iter().map(|(_, end)| end).collect()
    } else if ends.len() == 1 && stems.len() == files.len() {
        parts.into_iter().map(|(stem, _)| stem).collect()
    } else {
        return None;
    };
    let are_names =
        classes.iter().all(|class| !class.is_empty() && !class.bytes().any(|byte| byte.is_ascii_digit()));
    are_names.then_some(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_their_classes() {
        let names =
            |files: &[&str]| class_names(&files.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["neg.txt", "pos.txt"]), Some(vec!["neg".to_owned(), "pos".to_owned()]));
        assert_eq!(
            names(&["rt-polarity.neg", "rt-polarity.pos"]),
            Some(vec!["neg".to_owned(), "pos".to_owned()])
        );
        assert_eq!(names(&["001.txt", "002.txt"]), None);
        assert_eq!(names(&["a.txt", "b.csv"]), None);
    }
}
