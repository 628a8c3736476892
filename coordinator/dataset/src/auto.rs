//! What the tokenizer `auto` takes: words, unless too many words of the validation texts would be unknown.

use std::collections::HashSet;

use sweep_proto::Configuration;

use crate::pieces::Pieces;
use crate::tokenizer::TokenizerKind;

/// Share of unknown words above which texts are cut into subwords. A few thousand English sentences have under a fifth,
/// Korean ones a third, texts without spaces between words more than half.
const UNKNOWN_SHARE_MAX: f64 = 0.25;

/// The choice, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// The tokenizer.
    pub(crate) kind: TokenizerKind,
    /// Share of the words of the validation texts that a vocabulary of the default size does not have.
    pub(crate) unknown_share: f64,
}

/// Chooses by the training and validation texts as words; the test texts have no say. The vocabulary is of the default
/// size: variants that differ in size alone have the same tokenizer.
pub(crate) fn choose(words: &Pieces) -> Choice {
    let room = Configuration::default().vocabulary().saturating_sub(2) as usize;
    let counts = words.train_counts();
    let mut known: Vec<u32> = (0..counts.len() as u32).filter(|piece| counts[*piece as usize] > 0).collect();
    // As a vocabulary is made: the most frequent words, equals by spelling.
    known.sort_unstable_by_key(|piece| {
        let piece = *piece as usize;
        (std::cmp::Reverse(counts[piece]), words.table[piece].as_str())
    });
    known.truncate(room);
    let known: HashSet<u32> = known.into_iter().collect();
    let validation = || words.splits[1].iter().flatten();
    let unknown = validation().filter(|piece| !known.contains(piece)).count();
    let unknown_share = unknown as f64 / validation().count().max(1) as f64;
    let kind = if unknown_share > UNKNOWN_SHARE_MAX { TokenizerKind::Subword } else { TokenizerKind::Word };
    Choice { kind, unknown_share }
}

impl Choice {
    /// What is told where subwords were taken.
    pub(crate) fn remark(self) -> Option<String> {
        (self.kind == TokenizerKind::Subword).then(|| {
            format!(
                "`tokenizer = \"auto\"` takes subwords: as words, {:.0} % of the validation tokens would be unknown",
                100.0 * self.unknown_share
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::Hyperparameter;

    use super::*;

    /// The reference of the hyperparameters, which `sweep hyperparameters` and the docs print, says the share in words.
    #[test]
    #[allow(clippy::float_cmp, reason = "both are constants")]
    fn the_reference_says_what_is_done() {
        assert_eq!(UNKNOWN_SHARE_MAX, 0.25);
        let told = Hyperparameter::Tokenizer.row().doc;
        assert!(told.contains("more than a quarter") && told.ends_with("then subword."), "{told}");
    }

    use crate::progress::NoProgress;
    use crate::rows::Row;

    fn chosen(text: impl Fn(usize) -> String) -> Choice {
        let rows =
            |range: std::ops::Range<usize>| range.map(|row| Row { text: text(row), label: 0 }).collect();
        // The test texts are all unknown, and must not matter.
        let test = vec![Row { text: "xyzzy ".repeat(500), label: 0 }];
        let splits = [rows(0..400), rows(400..450), test];
        choose(&Pieces::cut(TokenizerKind::Word, &splits, &NoProgress).expect("cut"))
    }

    /// Words of some syllables, drawn by a fixed rule.
    fn words(row: usize, syllables: &[&str], count: usize, space: &str) -> String {
        let drawn = |at: usize| {
            // The finalizer of SplitMix64: neighbouring numbers give unlike ones.
            let mixed = (row as u64 * 1_000 + at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (mixed >> 40) as usize
        };
        let syllable = |at: usize| syllables[drawn(at) % syllables.len()];
        let word =
            |at: usize| format!("{}{}{}", syllable(3 * at), syllable(3 * at + 1), syllable(3 * at + 2));
        (0..count).map(word).collect::<Vec<_>>().join(space)
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_subwords_by_what_is_measured() {
        let thai = ["หนัง", "เรื่อง", "นี้", "ดี", "มาก", "ไม่", "สนุก", "เลย", "ชอบ", "น่า", "เบื่อ"];
        let khmer = ["ភាព", "យន្ត", "នេះ", "ល្អ", "ណាស់", "មិន", "ចូល", "ចិត្ត"];
        let burmese = ["ဒီ", "ရုပ်", "ရှင်", "က", "ကောင်း", "တယ်", "မ", "ဘူး"];
        let lao = ["ຮູບ", "ເງົາ", "ເລື່ອງ", "ນີ້", "ດີ", "ຫຼາຍ", "ບໍ່", "ມ່ວນ"];
        let chinese = ["这", "部", "电", "影", "非常", "好", "看", "太", "无聊", "了"];
        for script in [&thai[..], &khmer, &burmese, &lao, &chinese] {
            let choice = chosen(|row| words(row, script, 6, ""));
            assert_eq!(choice.kind, TokenizerKind::Subword, "{script:?} {choice:?}");
            assert!(choice.remark().is_some_and(|remark| remark.contains("takes subwords")));
        }
    }

    #[test]
    fn texts_of_known_words_stay_words_whatever_the_script() {
        let english = ["a", "good", "bad", "film", "with", "acting", "story", "and", "the"];
        let korean = ["정말", "재밌는", "영화", "너무", "지루해", "별로", "최고"];
        for words in [&english[..], &korean] {
            let choice = chosen(|row| {
                (0..8).map(|at| words[(row * 7 + at * 3) % words.len()]).collect::<Vec<_>>().join(" ")
            });
            assert_eq!((choice.kind, choice.remark()), (TokenizerKind::Word, None), "{words:?}");
        }
    }
}
