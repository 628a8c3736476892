//! What can be wrong with a dataset, said so that a person can mend it.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::source::SourcePath;

/// Why a dataset cannot be prepared.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The name is not registered.
    #[error("no dataset is named \"{name}\"{hint}; known are {known}; for your own file give `path = ...`")]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// The nearest known name, as a question, or nothing.
        hint: String,
        /// All known names.
        known: String,
    },
    /// The file's name tells no known format.
    #[error("{}: cannot tell its format; name it .csv, .tsv, .jsonl or .parquet, or give a folder with one sub-folder per class", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}{remedy}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
        /// What to do, with its separator, or nothing.
        remedy: &'static str,
    },
    /// The path lies outside the folders that may be read.
    #[error("{}: {OutOfReach}", path.display())]
    OutOfReach {
        /// The file or folder.
        path: PathBuf,
    },
    /// A named column is not there.
    #[error("{}: no column is named \"{column}\"{hint}; its columns are {known}; set `{key} = \"...\"` under [data]", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// `text` or `label`.
        key: &'static str,
        /// The nearest column, as a question, or nothing.
        hint: String,
        /// The columns that are there.
        known: String,
    },
    /// The source as a whole cannot be read.
    #[error("{place}: {reason}")]
    Broken {
        /// File, and line where there is one.
        place: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Too many rows are unusable.
    #[error(
        "{name}: {bad} of {total} rows are unusable ({share:.1} %, allowed are {allowed:.1} %):\n{listed}  mend these rows, or raise `bad_rows_share_max` under [data] to skip them"
    )]
    TooManyBadRows {
        /// The dataset.
        name: String,
        /// Unusable rows.
        bad: u64,
        /// All rows.
        total: u64,
        /// Unusable rows in percent.
        share: f64,
        /// Allowed percentage.
        allowed: f64,
        /// The first few, one a line.
        listed: String,
    },
    /// The rows are fine but too few, or of one class, or of too many.
    #[error("{name}: {reason}")]
    Unsuitable {
        /// The dataset.
        name: String,
        /// What is missing and what to do.
        reason: String,
    },
    /// A share or size of the data section makes no sense.
    #[error("{0}")]
    Setting(String),
    /// A dataset could not be fetched from its home.
    #[error("cannot download {url}: {reason}; fetch it elsewhere and give `path = ...` under [data]")]
    Download {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The tokenizer library refused. This is a fault of this program.
    #[error("cannot build the {kind} tokenizer: {reason}")]
    Tokenizer {
        /// Which tokenizer.
        kind: &'static str,
        /// The library's answer.
        reason: String,
    },
}

/// Why a path that others named is not opened. It does not say whether anything is there.
#[derive(Clone, Copy, Debug, Error)]
#[error(
    "it is not in a folder that the coordinator shows to other machines, or leads out of it; \
     the coordinator's operator can name one with `sweep serve --corpora DIR`"
)]
pub(crate) struct OutOfReach;

/// What has a path that messages can name.
pub(crate) trait Shown {
    /// The path.
    fn shown(&self) -> &Path;
}

impl Shown for Path {
    fn shown(&self) -> &Path {
        self
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> &Path {
        self
    }
}

impl Shown for SourcePath {
    fn shown(&self) -> &Path {
        self.shown()
    }
}

impl DatasetError {
    /// An error of the operating system without a special remedy.
    pub(crate) fn io(
        path: &(impl Shown + ?Sized),
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.shown().to_owned();
        move |source| {
            if source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<OutOfReach>) {
                return Self::OutOfReach { path };
            }
            let remedy = match source.kind() {
                std::io::ErrorKind::NotFound => "; check `path` under [data]",
                std::io::ErrorKind::StorageFull => "; free some disk space or move the cache",
                _ => "",
            };
            Self::Io { path, action, source, remedy }
        }
    }

    /// A source that cannot be read as what it should be.
    pub(crate) fn broken(place: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Self::Broken { place: place.to_string(), reason: reason.into() }
    }

    /// A dataset whose rows cannot make a classifier.
    pub(crate) fn unsuitable(name: &str, reason: impl Into<String>) -> Self {
        Self::Unsuitable { name: name.to_owned(), reason: reason.into() }
    }
}

/// `, did you mean "x"?` for the nearest of the known names, or nothing where none is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|one| (strsim::damerau_levenshtein(&name.to_lowercase(), &one.to_lowercase()), one))
        .filter(|(distance, one)| *distance <= (one.chars().count() / 3).max(2))
        .min()
        .map(|(_, one)| format!(", did you mean \"{one}\"?"))
        .unwrap_or_default()
}

/// The names in quotes, at most twenty of them.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<_> = names.into_iter().collect();
    let mut text: Vec<_> =
        names.iter().take(SHOWN).map(|name| format!("\"{}\"", shortened(name, 60))).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// At most so many characters of a text, without control characters: messages end up in terminals.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    let mut short: String = text
        .chars()
        .take(characters)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(characters).is_some() {
        short.push('…');
    }
    short
}
