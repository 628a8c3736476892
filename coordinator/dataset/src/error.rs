//! What can be wrong with a dataset, said so that a person can mend it.

use std::path::{Path, PathBuf};

use sweep_proto::text::is_steering;
use thiserror::Error;

use crate::rows::Part;
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
    #[error("{}: cannot tell its format; name it .csv, .tsv, .jsonl, .json or .parquet, or give a folder with one sub-folder per class", path.display())]
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
        /// The columns that are there, and what else may be the matter.
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
        "{name}: {bad} of {total} rows are unusable ({share:.1} %, allowed are {allowed:.1} %):\n{listed}  {remedy}"
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
        /// What to do.
        remedy: String,
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

/// Settings of a sweep file with the options of `sweep data inspect` that say the same.
const OPTIONS: [(&str, &str); 11] = [
    ("text", "--text"),
    ("label", "--label"),
    ("encoding", "--encoding"),
    ("header", "--header"),
    ("delimiter", "--delimiter"),
    ("html_breaks", "--html-breaks"),
    ("validation_path", "--validation-path"),
    ("test_path", "--test-path"),
    ("path", "the path"),
    ("labels", "--labels"),
    ("labels_dropped", "--labels-dropped"),
];

impl DatasetError {
    /// The message with remedies as options of `sweep data inspect` in place of lines of a sweep file.
    pub fn for_options(&self) -> String {
        let message = self.to_string();
        let mut told = String::with_capacity(message.len());
        // What stands between backquotes is a key, or a key with its value.
        for (place, piece) in message.split('`').enumerate() {
            if place % 2 == 0 {
                told.push_str(piece);
                continue;
            }
            told.push('`');
            told.push_str(&option(piece).unwrap_or_else(|| piece.to_owned()));
            told.push('`');
        }
        told.replace("under [data.labels]", "with --labels LABEL=CLASS").replace(" under [data]", "")
    }

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
                std::io::ErrorKind::NotFound => missing_remedy(&path),
                std::io::ErrorKind::PermissionDenied => {
                    "; the user that runs the coordinator may not read it: change its permissions, or run as its owner"
                }
                std::io::ErrorKind::StorageFull => "; free some disk space or move the cache",
                _ => "",
            };
            Self::Io { path, action, source, remedy }
        }
    }

    /// The error of a path that a key of its own names: its remedy names that key.
    pub(crate) fn of_part(mut self, part: Part) -> Self {
        if let Self::Io { remedy, .. } = &mut self
            && *remedy == CHECK_PATH
        {
            *remedy = match part {
                Part::Train => CHECK_PATH,
                Part::Validation => CHECK_VALIDATION_PATH,
                Part::Test => CHECK_TEST_PATH,
            };
        }
        self
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

/// The option that says the same as a key, or a line, of a sweep file.
fn option(setting: &str) -> Option<String> {
    let (key, value) = setting.split_once(" = ").map_or((setting, None), |(key, value)| (key, Some(value)));
    let (_, option) = OPTIONS.into_iter().find(|(known, _)| *known == key)?;
    // The path is an argument of its own.
    if key == "path"
        && let Some(value) = value
    {
        return Some(value.to_owned());
    }
    let value = value.filter(|value| *value != "...").map(|value| {
        let bare = value.trim_matches('"');
        let is_plain = !bare.is_empty()
            && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if bare == "..." {
            "VALUE".to_owned()
        } else if is_plain {
            bare.to_owned()
        } else {
            value.to_owned()
        }
    });
    Some(value.map_or_else(|| option.to_owned(), |value| format!("{option} {value}")))
}

/// The remedies for a path that is not there and looks like one, by the key that names it.
const CHECK_PATH: &str = "; check `path` under [data]";
const CHECK_VALIDATION_PATH: &str = "; check `validation_path` under [data]";
const CHECK_TEST_PATH: &str = "; check `test_path` under [data]";

/// What to do about a path that is not there: people write what a shell or a browser would understand.
fn missing_remedy(path: &Path) -> &'static str {
    let text = path.to_string_lossy();
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    if parts.clone().any(|part| part.starts_with('~')) {
        "; ~ is not expanded here: write the whole path of the home folder"
    } else if parts.clone().any(|part| part.starts_with('$')) {
        "; variables such as $HOME are not expanded here: write the whole path"
    } else if text.contains("://")
        || parts.any(|part| matches!(&*part, "http:" | "https:" | "s3:" | "gs:" | "ftp:" | "hf:"))
    {
        "; addresses are not fetched: download the file, and write its path"
    } else {
        CHECK_PATH
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

/// The beginning of a text, up to a maximum number of characters, without control or bidirectional characters.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    let mut short: String = text
        .chars()
        .take(characters)
        .map(|character| if is_steering(character) { ' ' } else { character })
        .collect();
    if text.chars().nth(characters).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_options_where_an_option_was_typed() {
        let told = |reason: &str| DatasetError::broken("a.csv", reason).for_options();
        assert_eq!(
            told("set `encoding = \"windows-1251\"` or `encoding = \"koi8-u\"` under [data]"),
            "a.csv: set `--encoding windows-1251` or `--encoding koi8-u`"
        );
        assert_eq!(
            told("set `header = false`, `text = 2` and `label = \"the class\"` under [data]"),
            "a.csv: set `--header false`, `--text 2` and `--label \"the class\"`"
        );
        assert_eq!(
            told("name one of them: `path = \"a.zip/a b.csv\"` under [data]"),
            "a.csv: name one of them: `\"a.zip/a b.csv\"`"
        );
        assert_eq!(told("check `path`"), "a.csv: check `the path`");
        assert_eq!(told("name it under [data.labels]"), "a.csv: name it with --labels LABEL=CLASS");
        assert_eq!(told("run `git lfs pull`"), "a.csv: run `git lfs pull`");
    }

    #[test]
    fn what_a_shell_or_a_browser_would_understand_is_told_to_be_none_of_it_here() {
        let told = |path: &str| {
            let error = std::io::Error::from(std::io::ErrorKind::NotFound);
            DatasetError::io(&Path::new("/sweeps").join(path), "open it")(error).to_string()
        };
        for (path, remedy) in [
            ("~/data.csv", "~ is not expanded"),
            ("~me/data.csv", "~ is not expanded"),
            ("$HOME/data.csv", "$HOME are not expanded"),
            ("${DATA}/data.csv", "not expanded"),
            ("https://example.org/reviews.csv", "download the file"),
            ("s3://bucket/reviews.csv", "download the file"),
            ("data.csv", "check `path`"),
        ] {
            assert!(told(path).contains(remedy), "{path}: {}", told(path));
        }
    }
}
