//! What preparing the data found, as lines of text.

use super::super::output::plain;
use super::status::percent;
use coordinator::json::{Data, DataFile, DataSplit};

/// Files that are named one by one.
const FILES_SHOWN: usize = 5;
/// Reasons of unusable rows that are told.
const REASONS_SHOWN: usize = 3;

/// The data in lines that begin with `data`.
pub(crate) fn lines(data: &Data) -> Vec<String> {
    told(data).into_iter().map(|line| format!("data      {line}")).collect()
}

/// What was read, what was lost, what the splits share.
pub(crate) fn told(data: &Data) -> Vec<String> {
    let mut lines: Vec<String> = data.files.iter().take(FILES_SHOWN).flat_map(file).collect();
    if data.files.len() > FILES_SHOWN {
        lines.push(format!("and {} more files", data.files.len() - FILES_SHOWN));
    }
    lines.extend(unusable(data));
    lines.extend(
        data.left_out.iter().map(|(reason, rows)| format!("{rows} rows left out: {}", plain(reason))),
    );
    lines.push(format!("splits: {}", data.splits.iter().map(split).collect::<Vec<_>>().join("; ")));
    lines.extend(shared(data));
    lines.push(tokens(data));
    lines
}

fn file(file: &DataFile) -> Vec<String> {
    let DataFile { file, split, rows, unusable, notes } = file;
    let lost = if *unusable > 0 { format!(", {unusable} unusable") } else { String::new() };
    let mut lines = vec![format!("{}: {rows} rows for {}{lost}", plain(file), plain(split))];
    lines.extend(notes.iter().map(|note| format!("{}: {}", plain(file), plain(note))));
    lines
}

fn unusable(data: &Data) -> Vec<String> {
    if data.unusable == 0 {
        return Vec::new();
    }
    let mut reasons: Vec<_> = data.unusable_reasons.iter().collect();
    reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    let told: Vec<_> = reasons
        .iter()
        .take(REASONS_SHOWN)
        .map(|(reason, rows)| format!("{} ({rows})", plain(reason)))
        .collect();
    let mut lines = vec![format!("{} unusable rows: {}", data.unusable, told.join(", "))];
    if !data.unusable_classes.is_empty() {
        let classes: Vec<_> =
            data.unusable_classes.iter().map(|(class, rows)| format!("{} ({rows})", plain(class))).collect();
        lines.push(format!("unusable rows by class: {}", classes.join(", ")));
    }
    if let Some(first) = data.unusable_first.first() {
        lines.push(format!(
            "the first of them: {}:{}: {}",
            plain(&first.file),
            first.line,
            plain(&first.reason)
        ));
    }
    lines
}

fn split(split: &DataSplit) -> String {
    format!("{} {} rows", plain(&split.split), split.rows)
}

/// Texts that stand in more than one place.
fn shared(data: &Data) -> Vec<String> {
    let told = data.splits.iter().filter(|split| split.in_training > 0).map(|split| {
        let share = percent(Some(split.in_training as f64 / split.rows.max(1) as f64));
        let labels = match split.other_label {
            0 => String::new(),
            rows => format!(", {rows} of them under another label"),
        };
        if split.split == "train" {
            format!("{} repeated texts in the training split ({share}){labels}", split.in_training)
        } else {
            let name = plain(&split.split);
            format!("{} {name} texts also stand in the training split ({share}){labels}", split.in_training)
        }
    });
    told.collect()
}

fn tokens(data: &Data) -> String {
    let shares = |of: fn(&DataSplit) -> f64| {
        let told: Vec<_> = data.splits.iter().map(|split| percent(Some(of(split)))).collect();
        told.join(" / ")
    };
    format!(
        "{} tokens, vocabulary {}; unknown {}; texts cut {} (train / validation / test)",
        plain(&data.tokenizer),
        data.vocabulary,
        shares(|split| split.unknown_token_share),
        shares(|split| split.truncated_share)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use coordinator::json::DataRow;

    #[test]
    fn every_row_is_accounted_for_in_lines() {
        let split = |split: &str, rows, in_training| DataSplit {
            split: split.into(),
            rows,
            in_training,
            other_label: u64::from(split == "test"),
            unknown_token_share: 0.061,
            ..DataSplit::default()
        };
        let file = |file: &str, split: &str, rows, unusable| DataFile {
            file: file.into(),
            split: split.into(),
            rows,
            unusable,
            notes: Vec::new(),
        };
        let data = Data {
            files: vec![file("train.csv", "train", 1_200, 3), file("test.csv", "test", 200, 0)],
            unusable: 3,
            unusable_reasons: [("the text is empty".into(), 2), ("the label is missing".into(), 1)].into(),
            unusable_classes: [("spam".into(), 2)].into(),
            unusable_first: vec![DataRow {
                file: "train.csv".into(),
                line: 9,
                reason: "the text is empty".into(),
            }],
            left_out: [("not drawn: `train_rows`".into(), 100)].into(),
            splits: vec![split("train", 1_000, 4), split("validation", 100, 0), split("test", 200, 20)],
            tokenizer: "word".into(),
            vocabulary: 900,
            ..Data::default()
        };
        assert_eq!(
            lines(&data).join("\n"),
            "data      train.csv: 1200 rows for train, 3 unusable\n\
             data      test.csv: 200 rows for test\n\
             data      3 unusable rows: the text is empty (2), the label is missing (1)\n\
             data      unusable rows by class: spam (2)\n\
             data      the first of them: train.csv:9: the text is empty\n\
             data      100 rows left out: not drawn: `train_rows`\n\
             data      splits: train 1000 rows; validation 100 rows; test 200 rows\n\
             data      4 repeated texts in the training split (0.4 %)\n\
             data      20 test texts also stand in the training split (10.0 %), 1 of them under another label\n\
             data      word tokens, vocabulary 900; unknown 6.1 % / 6.1 % / 6.1 %; texts cut 0.0 % / 0.0 % / 0.0 % \
             (train / validation / test)"
        );
    }
}
