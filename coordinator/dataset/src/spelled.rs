//! Tokens as text again: what a model has read of a row, for people.

use serde_json::Value;
use sweep_proto::encoded::UNKNOWN;
use tokenizers::Tokenizer;

use crate::tokenizer::{TokenizerKind, UNKNOWN_TOKEN, WORD_START};

/// Spells tokens by the tokenizer of an encoded dataset.
#[derive(Debug)]
pub struct Speller {
    tokenizer: Tokenizer,
    kind: TokenizerKind,
}

impl Speller {
    /// From the tokenizer's file, as it stands in the header of an encoded dataset; `None` where it is none of ours.
    pub fn new(file: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(file).ok()?;
        let kinds = [TokenizerKind::Word, TokenizerKind::Character, TokenizerKind::Subword];
        let kind = kinds.into_iter().find(|kind| json["pre_tokenizer"] == kind.pre_tokenizer())?;
        Some(Self { tokenizer: Tokenizer::from_bytes(file.as_bytes()).ok()?, kind })
    }

    /// The text of a row's tokens: lower case, without the spaces around marks, `<unk>` for what the vocabulary lacks.
    pub fn spell(&self, tokens: impl IntoIterator<Item = u32>) -> String {
        let spelling = |token| {
            let known = (token != UNKNOWN).then(|| self.tokenizer.id_to_token(token)).flatten();
            known.unwrap_or_else(|| UNKNOWN_TOKEN.to_owned())
        };
        let spellings: Vec<String> = tokens.into_iter().map(spelling).collect();
        match self.kind {
            TokenizerKind::Word => spellings.join(" "),
            TokenizerKind::Character => spellings.concat(),
            TokenizerKind::Subword => spellings.concat().replace(WORD_START, " ").trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{Cutter, Trained};

    fn spelled(kind: TokenizerKind, text: &str, known: usize) -> String {
        let mut pieces = Vec::new();
        Cutter::new(kind).expect("valid").cut(text, |piece| pieces.push(piece.to_owned())).expect("cut");
        let counts = pieces.iter().take(known).map(|piece| (piece.as_str(), 1)).collect();
        let trained = Trained::new(kind, counts, 1_000).expect("valid");
        let tokens: Vec<u32> = pieces.iter().flat_map(|piece| trained.tokens(piece)).collect();
        Speller::new(&trained.file).expect("one of ours").spell(tokens)
    }

    #[test]
    fn each_kind_of_tokenizer_is_spelled_as_people_write() {
        assert_eq!(spelled(TokenizerKind::Word, "Don't go, Hans!", 9), "don't go , hans !");
        assert_eq!(spelled(TokenizerKind::Word, "known strange", 1), "known <unk>");
        assert_eq!(spelled(TokenizerKind::Character, "a  b한", 9), "a b한");
        // What stands only once earns no token.
        assert_eq!(
            spelled(TokenizerKind::Subword, "정말 정말 재밌다!! 재밌다", 9),
            "정말 정말 재밌다!! 재밌다"
        );
        assert!(Speller::new("{}").is_none() && Speller::new("no JSON").is_none());
    }
}
