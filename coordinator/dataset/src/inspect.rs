//! A first look at a dataset: what `sweep data inspect` shows.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sweep_proto::DataSource;
use sweep_proto::data_account::BadRows;
use sweep_proto::sweep_file::DATASETS;

use crate::error::{DatasetError, shortened};
use crate::progress::Progress;
use crate::rows::{Row, Rows};
use crate::source::{Format, Located, Reach, SourcePath, locate};
use crate::summary::Lengths;
use crate::tokenizer::{Cutter, TokenizerKind, refused};

/// Rows shown of each class.
const SAMPLES_PER_CLASS: usize = 2;
/// Rows shown in all.
const SAMPLES_MAX: usize = 10;
/// Characters shown of a row.
const SAMPLE_CHARACTERS: usize = 300;
/// Tokens shown of a row.
const SAMPLE_TOKENS: usize = 40;
/// Names that text columns usually have.
const TEXT_NAMES: [&str; 8] =
    ["text", "review", "document", "sentence", "content", "comment", "tweet", "body"];
/// Names that label columns usually have.
const LABEL_NAMES: [&str; 8] =
    ["label", "sentiment", "class", "category", "target", "polarity", "rating", "stars"];

/// A class and its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassRows {
    /// The class's name.
    pub class: String,
    /// Rows to train, choose and, where the source has no test split of its own, test with.
    pub rows: u64,
    /// Rows of the source's own test split.
    pub test_rows: u64,
}

/// One row, as it is and as it is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Its class.
    pub class: String,
    /// Its text, at most 300 characters of it.
    pub text: String,
    /// Its first tokens, before any vocabulary; of subwords, the words that are cut further.
    pub tokens: Vec<String>,
}

/// A dataset at first sight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Its name.
    pub dataset: String,
    /// The column of the text, for tables.
    pub text_column: Option<String>,
    /// The column of the label, for tables.
    pub label_column: Option<String>,
    /// Usable rows, those of its own test split included.
    pub rows: u64,
    /// Usable rows of its own test split; 0 where it has none.
    pub test_rows: u64,
    /// The classes in the order of their labels.
    pub classes: Vec<ClassRows>,
    /// Length of the texts in words, as white space parts them.
    pub words: Lengths,
    /// Length of the texts in characters.
    pub characters: Lengths,
    /// Unusable rows.
    pub bad_rows: BadRows,
    /// The tokenizer that `auto` takes.
    pub tokenizer: String,
    /// Some rows of each class.
    pub samples: Vec<Sample>,
}

/// Looks at a dataset: a known name, a file, a folder per class, or a copy of a known dataset (told by
/// its layout). For tables the columns may be left out where they have usual names.
///
/// # Errors
/// [`DatasetError`], as when preparing; but bad rows, few rows and single classes are shown, not refused.
pub fn inspect(
    name_or_path: &str,
    text: Option<&str>,
    label: Option<&str>,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Inspection, DatasetError> {
    let source = source(name_or_path, text, label)?;
    let located = locate(&source, &Reach::everywhere(), cache, progress)?;
    let rows = located.read(progress)?;
    look(&located, &rows)
}

fn source(name_or_path: &str, text: Option<&str>, label: Option<&str>) -> Result<DataSource, DatasetError> {
    let path = PathBuf::from(name_or_path);
    let known = |name: &str, path| DataSource::Known { name: name.to_owned(), path };
    let looks_like_a_name = !name_or_path.contains(['/', '\\', '.']);
    if DATASETS.contains(&name_or_path) || (looks_like_a_name && !path.exists()) {
        return Ok(known(name_or_path, None));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    #[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the name is in lower case")]
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        return Ok(known("imdb", Some(path)));
    }
    if path.join("ratings_train.txt").is_file() {
        return Ok(known("nsmc", Some(path)));
    }
    if path.join("aclImdb").is_dir() || path.join("train/pos").is_dir() && path.join("test/neg").is_dir() {
        return Ok(known("imdb", Some(path)));
    }
    let readable = SourcePath::anywhere(&path);
    let format = Format::of_path(&readable)?;
    let columns = format.columns(&readable)?;
    let choose = |given: Option<&str>, usual: [&str; 8]| {
        let found = usual.into_iter().find_map(|name| columns.iter().find(|one| one.to_lowercase() == name));
        given.map_or_else(|| found.map_or_else(|| usual[0].to_owned(), Clone::clone), str::to_owned)
    };
    let (text, label) = (choose(text, TEXT_NAMES), choose(label, LABEL_NAMES));
    Ok(DataSource::File { path, test_path: None, text, label })
}

fn look(located: &Located, rows: &Rows) -> Result<Inspection, DatasetError> {
    let all = || rows.train.iter().chain(&rows.test);
    let count =
        |rows: &[Row], class: usize| rows.iter().filter(|row| row.label as usize == class).count() as u64;
    let classes = rows.classes.iter().enumerate().map(|(class, name)| ClassRows {
        class: name.clone(),
        rows: count(&rows.train, class),
        test_rows: count(&rows.test, class),
    });
    let kind = TokenizerKind::suited_to(rows.train.iter().map(|row| row.text.as_str()));
    let column = |name: &String| (!name.is_empty()).then(|| name.clone());
    Ok(Inspection {
        dataset: rows.name.clone(),
        text_column: column(&located.columns.text).filter(|_| located.format != Format::Folder),
        label_column: column(&located.columns.label).filter(|_| located.format != Format::Folder),
        rows: all().count() as u64,
        test_rows: rows.test.len() as u64,
        classes: classes.collect(),
        words: Lengths::of(all().map(|row| row.text.split_whitespace().count() as u64).collect()),
        characters: Lengths::of(all().map(|row| row.text.chars().count() as u64).collect()),
        bad_rows: rows.bad.clone(),
        tokenizer: kind.name().to_owned(),
        samples: samples(rows, kind)?,
    })
}

fn samples(rows: &Rows, kind: TokenizerKind) -> Result<Vec<Sample>, DatasetError> {
    let cutter = Cutter::new(kind)?;
    let mut shown = vec![0; rows.classes.len()];
    let mut samples = Vec::new();
    for row in &rows.train {
        let class = row.label as usize;
        if samples.len() == SAMPLES_MAX {
            break;
        }
        if shown[class] == SAMPLES_PER_CLASS {
            continue;
        }
        shown[class] += 1;
        let mut tokens = Vec::new();
        cutter
            .cut(&row.text, |piece| tokens.push(piece.to_owned()))
            .map_err(|error| refused(kind, &error))?;
        tokens.truncate(SAMPLE_TOKENS);
        let text = shortened(&row.text, SAMPLE_CHARACTERS);
        samples.push(Sample { class: rows.classes[class].clone(), text, tokens });
    }
    Ok(samples)
}
