//! The data: where every row went, what the splits share, and what of that changes the meaning of the answer.

use sweep_proto::data_account::SplitAccount;
use sweep_proto::encoded::Split;
use sweep_proto::{DataAccount, DataWarning};

use super::{Block, TextTable, format};
use crate::language::{Language, heads, say};
use crate::model::{Dataset, ReportModel, SetUp};

/// What a reader of the answer must know of the data.
pub(super) fn warnings(model: &ReportModel, language: Language) -> impl Iterator<Item = Block> {
    model.data_warnings.iter().map(move |warning| Block::Warning(said(warning, language)))
}

fn said(warning: &DataWarning, language: Language) -> String {
    match warning {
        DataWarning::InTraining { split, rows, of } => say!(
            language,
            "{rows} of {of} {split} texts ({share}) also stand in the training split: accuracy on them measures memory.",
            rows = format::count(*rows),
            of = format::count(*of),
            split = name(*split, language),
            share = format::percent(*rows as f64 / (*of).max(1) as f64)
        ),
        DataWarning::FewRows { split, rows } => say!(
            language,
            "The {split} split has only {rows} rows: single rows move its accuracy.",
            split = name(*split, language),
            rows = rows
        ),
        DataWarning::UnknownTokens { split, share, tokenizer } => say!(
            language,
            "{share} of the {split} tokens are not in the vocabulary (tokenizer: {tokenizer}). The tokenizer `subword` or a \
             larger vocabulary reads more.",
            share = format::percent(*share),
            split = name(*split, language),
            tokenizer = tokenizer
        ),
        DataWarning::Unusable { rows, of } => say!(
            language,
            "{rows} of {of} rows ({share}) could not be used: the result is of the others.",
            rows = format::count(*rows),
            of = format::count(*of),
            share = format::percent(*rows as f64 / (*of).max(1) as f64)
        ),
        DataWarning::UnevenlyUnusable { class, share, overall } => say!(
            language,
            "{share} of the rows of the class \"{class}\" could not be used, of all rows {overall}: the classes are no longer \
             those of the data.",
            share = format::percent(*share),
            class = class,
            overall = format::percent(*overall)
        ),
        DataWarning::LostClasses { named, count } => say!(
            language,
            "No row of these labels could be used, and they are not among the classes: {labels}.",
            labels = listed(named, *count, language)
        ),
        DataWarning::WithoutRows { split, named, count } => say!(
            language,
            "The {split} split has no row of these classes: {labels}.",
            split = name(*split, language),
            labels = listed(named, *count, language)
        ),
        DataWarning::Majority { class, share } => say!(
            language,
            "{share} of the test rows are of the class \"{class}\": compare accuracy with that, and read macro F1.",
            share = format::percent(*share),
            class = class
        ),
        DataWarning::Truncated { split, share } => say!(
            language,
            "{share} of the {split} texts are longer than the maximum length and were cut.",
            share = format::percent(*share),
            split = name(*split, language)
        ),
        DataWarning::Told { text } => text.clone(),
        DataWarning::TwoLabels { rows } => say!(
            language,
            "{rows} rows repeat a training text under another label.",
            rows = format::count(*rows)
        ),
    }
}

fn name(split: Split, language: Language) -> &'static str {
    language.text(split.name())
}

/// Names in quotes, and how many more there are.
fn listed(named: &[String], count: usize, language: Language) -> String {
    let names = named.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    match count - named.len() {
        0 => names,
        more => say!(language, "{names} and {more} more", names = names, more = more),
    }
}

/// What was read, what was lost, what the splits share; nothing for sweeps that did not keep it.
pub(super) fn blocks(set_up: &SetUp, language: Language) -> Vec<Block> {
    let Some(account) = set_up.datasets.first().and_then(|dataset| dataset.account.as_ref()) else {
        return Vec::new();
    };
    let mut blocks =
        vec![Block::Table(files(account, language)), Block::Table(splits(&set_up.datasets, language))];
    let lost = account.bad_rows.count > 0 || !account.left_out.is_empty();
    blocks.extend(lost.then(|| Block::Table(lost_rows(account, language))));
    let classes = set_up.datasets.first().map(|dataset| dataset.classes.as_slice()).unwrap_or_default();
    blocks.push(Block::Table(class_rows(account, classes, language)));
    blocks
}

fn files(account: &DataAccount, language: Language) -> TextTable {
    let rows = account.files.iter().map(|file| {
        let split = Split::ALL.into_iter().find(|split| split.name() == file.split);
        vec![
            file.file.clone(),
            split.map_or_else(|| file.split.clone(), |split| name(split, language).to_owned()),
            format::count(file.rows),
            format::count(file.unusable),
            file.notes.join("; "),
        ]
    });
    let caption =
        say!(language, "Files read. Training rows are split further where no file is given for a split.");
    let head = heads!(language, "file", "split", "#usable rows", "#unusable rows", "notes");
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}

/// Texts and tokens of each split, for each way of encoding.
fn splits(datasets: &[Dataset], language: Language) -> TextTable {
    let mut rows = Vec::new();
    for dataset in datasets {
        let Some(account) = &dataset.account else { continue };
        for (split, one) in Split::ALL.into_iter().zip(&account.splits) {
            let SplitAccount { rows: count, in_training, other_label, .. } = one;
            rows.push(vec![
                super::set_up::variant(&dataset.variant),
                name(split, language).to_owned(),
                format::count(*count),
                format::count(*in_training),
                format::count(*other_label),
                format::percent(one.unknown_share()),
                format::percent(one.truncated_share()),
            ]);
        }
    }
    let caption = say!(
        language,
        "Texts and tokens of each split. Texts in training: rows whose text, as the tokenizer reads it, also stands in the \
         training split; for the training split itself, repeated texts."
    );
    let head = heads!(
        language,
        "encoded with",
        "split",
        "#rows",
        "#texts in training",
        "#under another label",
        "#unknown tokens",
        "#texts cut"
    );
    TextTable::new(caption, head).with_rows(rows.into_iter(), "report.json", language)
}

/// Rows that no split has, by reason.
fn lost_rows(account: &DataAccount, language: Language) -> TextTable {
    let first = |reason: &str| {
        let rows = account.bad_rows.first.iter().filter(|row| row.reason == reason);
        rows.map(|row| format!("{}:{}", row.file, row.line)).collect::<Vec<_>>().join(", ")
    };
    let unusable = account.bad_rows.reasons.iter().map(|(reason, rows)| {
        vec![say!(language, "unusable").to_owned(), reason.clone(), format::count(*rows), first(reason)]
    });
    let left_out = account.left_out.iter().map(|(reason, rows)| {
        vec![say!(language, "left out").to_owned(), reason.clone(), format::count(*rows), String::new()]
    });
    let rows: Vec<_> = unusable.chain(left_out).collect();
    let head = heads!(language, "rows", "reason", "#count", "first of them");
    TextTable::new(say!(language, "Rows that no split has"), head).with_rows(
        rows.into_iter(),
        "report.json",
        language,
    )
}

/// Rows of each class in each split, and those that could not be used.
fn class_rows(account: &DataAccount, classes: &[String], language: Language) -> TextTable {
    let of = |split: usize, class: usize| {
        format::count(account.splits[split].class_rows.get(class).copied().unwrap_or_default())
    };
    let unusable = |class: &String| account.bad_rows.classes.get(class).copied().unwrap_or_default();
    let kept = classes.iter().enumerate().map(|(at, class)| {
        vec![class.clone(), of(0, at), of(1, at), of(2, at), format::count(unusable(class))]
    });
    let none = || format::count(0);
    let lost = account
        .lost_classes
        .iter()
        .map(|class| vec![class.clone(), none(), none(), none(), format::count(unusable(class))]);
    let rows: Vec<_> = kept.chain(lost).collect();
    let head = heads!(language, "label", "#train", "#validation", "#test", "#unusable rows");
    TextTable::new(say!(language, "Rows of each class"), head).with_rows(
        rows.into_iter(),
        "report.json",
        language,
    )
}
