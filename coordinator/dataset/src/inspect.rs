//! A first look at a dataset: what `sweep data inspect` shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sweep_proto::data_account::BadRows;
use sweep_proto::data_account::FileAccount;
use sweep_proto::sweep_file::DATASETS;
use sweep_proto::{DataAccount, DataSource, DataSpec, Reading};

use crate::auto::{self, Choice};
use crate::corpus::Corpus;
use crate::error::{DatasetError, shortened};
use crate::pieces::Pieces;
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Row, Rows};
use crate::source::{Located, Reach, SourcePath, locate, place};
use crate::split;
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
/// Rows from which words that are unknown can be counted where no sweep would take the data.
const CHOICE_ROWS_MIN: usize = 50;
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
    /// Usable rows of its own validation split; 0 where it has none.
    pub validation_rows: u64,
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
    /// The files and folders that were read, with what their readers have to say.
    pub files: Vec<FileAccount>,
    /// Usable rows that are left out by rule, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// What may make the results mean something else than intended.
    pub warnings: Vec<String>,
    /// The tokenizer that `auto` takes.
    pub tokenizer: String,
    /// Whether the rows are enough to tell that; of too few the tokenizer is the one of words.
    pub tokenizer_is_certain: bool,
    /// What a sweep with the default shares and data hyperparameters would find; `null` where it would be refused.
    pub account: Option<DataAccount>,
    /// Size of that sweep's vocabulary.
    pub vocabulary: Option<u32>,
    /// Why that sweep would be refused.
    pub refused: Option<String>,
    /// Some rows of each class.
    pub samples: Vec<Sample>,
}

/// What a person says about a dataset that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectOptions {
    /// The columns of the text, where they have no usual name.
    pub text: Vec<String>,
    /// The column of the label, where it has no usual name.
    pub label: Option<String>,
    /// The source's own validation split.
    pub validation_path: Option<PathBuf>,
    /// The source's own test split.
    pub test_path: Option<PathBuf>,
    /// How rows are read.
    pub reading: Reading,
}

/// Looks at a dataset: [`inspect_with`], of which only the columns are told.
///
/// # Errors
/// As [`inspect_with`].
pub fn inspect(
    name_or_path: &str,
    text: Option<&str>,
    label: Option<&str>,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Inspection, DatasetError> {
    let options = InspectOptions {
        text: text.map(str::to_owned).into_iter().collect(),
        label: label.map(str::to_owned),
        ..InspectOptions::default()
    };
    inspect_with(name_or_path, &options, cache, progress)
}

/// Looks at a dataset: a known name, or what a sweep file's `path` may name. For tables the columns may be left out
/// where they have usual names.
///
/// # Errors
/// [`DatasetError`], as when preparing; but bad rows, few rows and single classes are shown, not refused.
pub fn inspect_with(
    name_or_path: &str,
    options: &InspectOptions,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Inspection, DatasetError> {
    let mut reading = options.reading.clone();
    let source = source(name_or_path, options, &mut reading)?;
    let located = locate(&source, &reading, &Reach::everywhere(), cache, progress)?;
    progress.found(located.bytes());
    let rows = located.read(progress)?;
    let data = DataSpec { reading: Box::new(reading), ..DataSpec::new(source.clone()) };
    let mut inspection = look(&located, &rows, source)?;
    match Corpus::preview(rows, &data, progress) {
        Ok(summary) => {
            let warnings = summary.account.warnings(&summary.classes);
            inspection.warnings = warnings.iter().map(ToString::to_string).collect();
            (inspection.account, inspection.vocabulary) = (Some(summary.account), Some(summary.vocabulary));
        }
        Err(error) => inspection.refused = Some(error.for_options()),
    }
    Ok(inspection)
}

fn source(
    name_or_path: &str,
    options: &InspectOptions,
    reading: &mut Reading,
) -> Result<DataSource, DatasetError> {
    let path = PathBuf::from(name_or_path);
    let looks_like_a_name = !name_or_path.contains(['/', '\\', '.', '*']);
    if DATASETS.contains(&name_or_path) || (looks_like_a_name && !path.exists()) {
        return Ok(DataSource::Known { name: name_or_path.to_owned(), path: None });
    }
    let pieces = place::found(&SourcePath::anywhere(&path), Part::Train)?.pieces;
    let table = pieces.iter().find(|piece| piece.format.is_table());
    let columns = match table {
        Some(piece) if options.text.is_empty() || options.label.is_none() => {
            piece.format.columns(&piece.path, reading)?
        }
        _ => Vec::new(),
    };
    let usual = |usual: [&str; 8]| {
        let found = usual.into_iter().find_map(|name| columns.iter().find(|one| one.to_lowercase() == name));
        found.map_or_else(|| usual[0].to_owned(), Clone::clone)
    };
    let mut texts = options.text.iter().cloned();
    let text = texts.next().unwrap_or_else(|| usual(TEXT_NAMES));
    reading.text_joined = texts.collect();
    let label = options.label.clone().unwrap_or_else(|| usual(LABEL_NAMES));
    let (validation_path, test_path) = (options.validation_path.clone(), options.test_path.clone());
    Ok(DataSource::File { path, validation_path, test_path, text, label })
}

fn look(located: &Located, rows: &Rows, source: DataSource) -> Result<Inspection, DatasetError> {
    let all = || rows.train.iter().chain(&rows.validation).chain(&rows.test);
    let count =
        |rows: &[Row], class: usize| rows.iter().filter(|row| row.label as usize == class).count() as u64;
    let classes = rows.classes.iter().enumerate().map(|(class, name)| ClassRows {
        class: name.clone(),
        rows: count(&rows.train, class) + count(&rows.validation, class),
        test_rows: count(&rows.test, class),
    });
    let (choice, tokenizer_is_certain) = choice(rows, source)?;
    let is_table = located.pieces.iter().any(|piece| piece.format.is_table());
    let column = |name: String| (is_table && !name.is_empty()).then_some(name);
    Ok(Inspection {
        dataset: rows.name.clone(),
        text_column: column(located.columns.text.join("\" and \"")),
        label_column: column(located.columns.label.clone()),
        rows: all().count() as u64,
        validation_rows: rows.validation.len() as u64,
        test_rows: rows.test.len() as u64,
        classes: classes.collect(),
        words: Lengths::of(all().map(|row| row.text.split_whitespace().count() as u64).collect()),
        characters: Lengths::of(all().map(|row| row.text.chars().count() as u64).collect()),
        bad_rows: rows.bad.clone(),
        files: rows.files(),
        left_out: rows.left_out.clone(),
        warnings: rows.warnings.iter().cloned().chain(choice.remark()).collect(),
        tokenizer: choice.kind.name().to_owned(),
        tokenizer_is_certain,
        account: None,
        vocabulary: None,
        refused: None,
        samples: samples(rows, choice.kind)?,
    })
}

/// What `auto` takes, as a sweep with default shares would choose, and whether it rests on enough rows. Of rows that no
/// sweep would take every tenth stands for the validation texts.
fn choice(rows: &Rows, source: DataSource) -> Result<(Choice, bool), DatasetError> {
    let mut copy = rows.clone();
    let mut splits = match split::split(&mut copy, &DataSpec::new(source)) {
        Ok(splits) => splits,
        Err(_) if rows.train.len() < CHOICE_ROWS_MIN => {
            return Ok((Choice { kind: TokenizerKind::Word, unknown_share: 0.0 }, false));
        }
        Err(_) => {
            let part = |is_held_out: bool| {
                let chosen = rows.train.iter().enumerate().filter(|(at, _)| (at % 10 == 0) == is_held_out);
                chosen.map(|(_, row)| row.clone()).collect()
            };
            [part(false), part(true), Vec::new()]
        }
    };
    splits[2].clear();
    Ok((auto::choose(&Pieces::cut(TokenizerKind::Word, &splits, &NoProgress)?), true))
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
