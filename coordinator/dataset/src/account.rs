//! Accounts for a dataset: what its splits share, and what encoding loses.

use std::borrow::Cow;
use std::collections::HashMap;

use sweep_proto::DataAccount;
use sweep_proto::data_account::SplitAccount;
use sweep_proto::encoded::UNKNOWN;

use crate::pieces::Pieces;
use crate::rows::Rows;
use crate::split::Splits;

/// What is known of a dataset before it is encoded.
pub(crate) fn of(rows: &Rows, splits: &Splits) -> DataAccount {
    DataAccount {
        version: DataAccount::VERSION,
        files: rows.files(),
        bad_rows: rows.bad.clone(),
        left_out: rows.left_out.clone(),
        lost_classes: rows.lost_classes(),
        splits: compared(splits, rows.classes.len()),
        tokenizer: String::new(),
        told: rows.warnings.clone(),
    }
}

/// The splits in numbers: their rows, and texts that stand in the training split, too.
fn compared(splits: &Splits, classes: usize) -> [SplitAccount; 3] {
    // The label of the first training row of each text.
    let mut known: HashMap<Cow<'_, str>, u32> = HashMap::with_capacity(splits[0].len());
    let mut accounts: [SplitAccount; 3] = Default::default();
    for (place, (rows, account)) in splits.iter().zip(&mut accounts).enumerate() {
        account.rows = rows.len() as u64;
        account.class_rows = vec![0; classes];
        for row in rows {
            account.class_rows[row.label as usize] += 1;
            let text = evenly_spaced(&row.text);
            if let Some(label) = known.get(&text) {
                account.in_training += 1;
                account.other_label += u64::from(*label != row.label);
            } else if place == 0 {
                known.insert(text, row.label);
            }
        }
    }
    accounts
}

/// Counts texts that stand in the training split as the model reads them, too: those that differ only in what the tokenizer takes
/// away, such as case or the spaces around punctuation. Texts of which nothing is left are not compared.
pub(crate) fn compare_as_read(splits: &Splits, pieces: &Pieces, accounts: &mut [SplitAccount; 3]) {
    let mut known: HashMap<Cow<'_, str>, u32> = HashMap::with_capacity(splits[0].len());
    let mut read: HashMap<&[u32], u32> = HashMap::with_capacity(splits[0].len());
    for (place, (rows, account)) in splits.iter().zip(accounts).enumerate() {
        account.word_for_word = Some(account.in_training);
        (account.in_training, account.other_label) = (0, 0);
        for (row, cut) in rows.iter().zip(&pieces.splits[place]) {
            let text = evenly_spaced(&row.text);
            let as_read = (!cut.is_empty()).then_some(cut.as_slice());
            let first = known.get(&text).or_else(|| read.get(as_read?)).copied();
            if let Some(label) = first {
                account.in_training += 1;
                account.other_label += u64::from(label != row.label);
            }
            if place == 0 {
                known.entry(text).or_insert(first.unwrap_or(row.label));
                as_read.map(|cut| *read.entry(cut).or_insert(first.unwrap_or(row.label)));
            }
        }
    }
}

/// A text with single spaces for every run of white space: what differs in no more is the same text.
fn evenly_spaced(text: &str) -> Cow<'_, str> {
    let is_even = !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ")
        && text.chars().all(|character| character == ' ' || !character.is_whitespace());
    if is_even {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Tokens of one split in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenCounts {
    truncated: u64,
    tokens: u64,
    unknown: u64,
}

impl TokenCounts {
    /// Counts the kept tokens of a row.
    pub(crate) fn count(&mut self, kept: &[u32], is_truncated: bool) {
        self.truncated += u64::from(is_truncated);
        self.tokens += kept.len() as u64;
        self.unknown += kept.iter().filter(|token| **token == UNKNOWN).count() as u64;
    }

    /// Writes the numbers into a split's account.
    pub(crate) fn tell(self, split: &mut SplitAccount) {
        split.truncated = self.truncated;
        split.tokens = self.tokens;
        split.unknown_tokens = self.unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    #[test]
    fn texts_that_stand_in_two_splits_are_counted_but_for_white_space() {
        let row = |text: &str, label| Row { text: text.into(), label };
        let splits = [
            vec![row("a b", 0), row("a  b", 1), row("c", 1)],
            vec![row("a\tb", 0), row("d", 0)],
            vec![row("a b", 1), row("d", 1), row("c", 1)],
        ];
        let counted = compared(&splits, 2).map(|one| (one.rows, one.in_training, one.other_label));
        assert_eq!(counted, [(3, 1, 1), (2, 1, 0), (3, 2, 1)]);
        assert_eq!(compared(&splits, 2)[2].class_rows, [0, 3]);
    }

    #[test]
    fn texts_that_differ_in_what_the_tokenizer_takes_away_are_counted_as_read() {
        let row = |text: &str, label| Row { text: text.into(), label };
        let splits = [
            vec![row("A good film, really.", 0), row("a good film , really .", 1), row("!", 1)],
            vec![row("a bad film", 0)],
            vec![row("a GOOD film,really.", 1), row("a good book", 1), row("A good film, really.", 0)],
        ];
        let counted = |kind| {
            let mut accounts = compared(&splits, 2);
            let pieces = Pieces::cut(kind, &splits, &crate::progress::NoProgress).expect("cut");
            compare_as_read(&splits, &pieces, &mut accounts);
            accounts.map(|one| (one.in_training, one.other_label, one.word_for_word))
        };
        let by_words = counted(crate::tokenizer::TokenizerKind::Word);
        assert_eq!(by_words, [(1, 1, Some(0)), (0, 0, Some(0)), (2, 1, Some(1))]);
        // Other tokenizers read what this one takes away: there they are other texts.
        let by_subwords = counted(crate::tokenizer::TokenizerKind::Subword);
        assert_eq!(by_subwords[2].0, 1, "{by_subwords:?}");
    }

    #[test]
    fn white_space_is_evened() {
        for (text, even) in [("a b", "a b"), ("a \u{a0}b", "a b"), ("a\nb  c", "a b c"), ("", "")] {
            assert_eq!(evenly_spaced(text), even);
        }
    }
}
