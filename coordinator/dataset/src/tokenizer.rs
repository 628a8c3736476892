//! How text becomes tokens, all of it as a `tokenizers` file, so that training and prediction cannot differ.

use serde::Serialize;
use serde_json::json;
use sweep_proto::encoded::UNKNOWN;
use tokenizers::tokenizer::{Model, OffsetReferential, OffsetType};
use tokenizers::{NormalizedString, Normalizer, PreTokenizedString, PreTokenizer, Tokenizer};

use crate::bpe::{self, Learned};
use crate::error::DatasetError;

/// The spelling of the padding token.
pub(crate) const PADDING_TOKEN: &str = "<pad>";
/// The spelling of the unknown token.
pub(crate) const UNKNOWN_TOKEN: &str = "<unk>";
/// Marks the beginning of a word in subwords.
pub(crate) const WORD_START: char = '▁';
/// Keeps words with their apostrophes, numbers, and every other mark by itself.
const WORD_PATTERN: &str = r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]";
/// Parts words from runs of marks; either may begin a word. The word-start mark is itself a symbol.
const SUBWORD_PATTERN: &str = r"▁?[\p{L}\p{M}\p{N}]+|▁?[^\p{L}\p{M}\p{N}▁]+|▁";
/// Every character by itself.
const CHARACTER_PATTERN: &str = r"[\s\S]";

/// The unit that text is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TokenizerKind {
    /// Words, numbers and single marks.
    Word,
    /// Characters.
    Character,
    /// Parts of words, learned from the training split.
    Subword,
}

impl TokenizerKind {
    /// The value of the `tokenizer` hyperparameter; `None` for `auto`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Word, Self::Character, Self::Subword].into_iter().find(|kind| kind.name() == name)
    }

    /// The name in sweep files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Character => "character",
            Self::Subword => "subword",
        }
    }

    fn normalizer(self) -> serde_json::Value {
        let (nfc, lowercase) = (json!({"type": "NFC"}), json!({"type": "Lowercase"}));
        if self == Self::Word {
            return json!({"type": "Sequence", "normalizers": [nfc, lowercase]});
        }
        let collapse = json!({"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "});
        let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
        json!({"type": "Sequence", "normalizers": [nfc, lowercase, collapse, strip]})
    }

    pub(crate) fn pre_tokenizer(self) -> serde_json::Value {
        let keep = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": true});
        match self {
            Self::Word => keep(WORD_PATTERN),
            Self::Character => keep(CHARACTER_PATTERN),
            Self::Subword => {
                let mark = json!({
                    "type": "Metaspace", "replacement": WORD_START, "prepend_scheme": "always", "split": true
                });
                json!({"type": "Sequence", "pretokenizers": [mark, keep(SUBWORD_PATTERN)]})
            }
        }
    }
}

/// Cuts texts into pieces: what a model turns into tokens one by one.
pub(crate) struct Cutter(Tokenizer);

impl Cutter {
    /// The cutter of a kind of tokenizer.
    pub(crate) fn new(kind: TokenizerKind) -> Result<Self, DatasetError> {
        let file = tokenizer_file(kind, &Learned::default())?;
        Ok(Self(load(kind, &file)?))
    }

    /// Calls for every piece of a text.
    pub(crate) fn cut(&self, text: &str, mut piece: impl FnMut(&str)) -> Result<(), tokenizers::Error> {
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.0.get_normalizer() {
            normalizer.normalize(&mut normalized)?;
        }
        let mut cut = PreTokenizedString::from(normalized);
        if let Some(pre_tokenizer) = self.0.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut cut)?;
        }
        cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte)
            .iter()
            .for_each(|(part, _, _)| piece(part));
        Ok(())
    }
}

/// A tokenizer with its vocabulary.
pub(crate) struct Trained {
    /// The file of the `tokenizers` library.
    pub(crate) file: String,
    /// Number of tokens, padding and unknown included.
    pub(crate) vocabulary: u32,
    tokenizer: Tokenizer,
}

impl Trained {
    /// Learns a vocabulary of at most `size` tokens from pieces with their counts in the training split.
    pub(crate) fn new(
        kind: TokenizerKind,
        mut counts: Vec<(&str, u64)>,
        size: usize,
    ) -> Result<Self, DatasetError> {
        // Most frequent first, equals by spelling: a total order, whatever order the pieces came in.
        counts.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        let room = size.saturating_sub(2);
        let learned = match kind {
            TokenizerKind::Word | TokenizerKind::Character => Learned {
                tokens: counts.iter().take(room).map(|(piece, _)| (*piece).to_owned()).collect(),
                merges: Vec::new(),
            },
            TokenizerKind::Subword => bpe::learn(&counts, room),
        };
        let file = tokenizer_file(kind, &learned)?;
        let tokenizer = load(kind, &file)?;
        Ok(Self { file, vocabulary: learned.tokens.len() as u32 + 2, tokenizer })
    }

    /// The tokens of one piece.
    pub(crate) fn tokens(&self, piece: &str) -> Vec<u32> {
        match self.tokenizer.get_model().tokenize(piece) {
            Ok(tokens) => tokens.iter().map(|token| token.id).collect(),
            Err(_) => vec![UNKNOWN],
        }
    }
}

/// Numbers tokens in their order when written, whatever map type the JSON library is built with.
#[derive(Serialize)]
#[serde(tag = "type")]
enum ModelFile<'a> {
    WordLevel {
        #[serde(serialize_with = "numbered")]
        vocab: Vec<&'a str>,
        unk_token: &'a str,
    },
    #[serde(rename = "BPE")]
    Bpe {
        unk_token: &'a str,
        fuse_unk: bool,
        byte_fallback: bool,
        ignore_merges: bool,
        #[serde(serialize_with = "numbered")]
        vocab: Vec<&'a str>,
        merges: &'a [(String, String)],
    },
}

#[derive(Serialize)]
struct TokenizerFile<'a> {
    version: &'a str,
    added_tokens: [(); 0],
    normalizer: serde_json::Value,
    pre_tokenizer: serde_json::Value,
    post_processor: Option<()>,
    decoder: Option<()>,
    model: ModelFile<'a>,
}

fn numbered<S: serde::Serializer>(tokens: &[&str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tokens.iter().zip(0_u32..))
}

fn tokenizer_file(kind: TokenizerKind, learned: &Learned) -> Result<String, DatasetError> {
    let own = [PADDING_TOKEN, UNKNOWN_TOKEN].into_iter();
    let vocab: Vec<&str> = own.chain(learned.tokens.iter().map(String::as_str)).collect();
    let model = match kind {
        TokenizerKind::Word | TokenizerKind::Character => {
            ModelFile::WordLevel { vocab, unk_token: UNKNOWN_TOKEN }
        }
        TokenizerKind::Subword => ModelFile::Bpe {
            unk_token: UNKNOWN_TOKEN,
            fuse_unk: true,
            byte_fallback: false,
            ignore_merges: false,
            vocab,
            merges: &learned.merges,
        },
    };
    let file = TokenizerFile {
        version: "1.0",
        added_tokens: [],
        normalizer: kind.normalizer(),
        pre_tokenizer: kind.pre_tokenizer(),
        post_processor: None,
        decoder: None,
        model,
    };
    serde_json::to_string(&file).map_err(|error| refused(kind, &error))
}

fn load(kind: TokenizerKind, file: &str) -> Result<Tokenizer, DatasetError> {
    Tokenizer::from_bytes(file.as_bytes()).map_err(|error| refused(kind, &error))
}

/// The error for what the library refuses.
pub(crate) fn refused(kind: TokenizerKind, error: &impl ToString) -> DatasetError {
    DatasetError::Tokenizer { kind: kind.name(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(kind: TokenizerKind, text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        Cutter::new(kind).expect("valid").cut(text, |piece| pieces.push(piece.to_owned())).expect("cut");
        pieces
    }

    #[test]
    fn words_keep_apostrophes_and_single_marks() {
        let pieces = cut(TokenizerKind::Word, "Don't GO!! It’s 10/10,\tnaïve <pad>");
        assert_eq!(pieces, ["don't", "go", "!", "!", "it’s", "10", "/", "10", ",", "naïve", "<", "pad", ">"]);
        assert_eq!(cut(TokenizerKind::Word, "e\u{301}"), ["é"], "composed");
    }

    #[test]
    fn characters_collapse_white_space() {
        assert_eq!(cut(TokenizerKind::Character, " a \n\t B한"), ["a", " ", "b", "한"]);
    }

    #[test]
    fn subwords_mark_where_words_begin() {
        let pieces = cut(TokenizerKind::Subword, "정말  재밌다!!! 10점 ㅋㅋ");
        assert_eq!(pieces, ["▁정말", "▁재밌다", "!!!", "▁10점", "▁ㅋㅋ"]);
        let decomposed = "\u{1112}\u{1161}\u{11AB}";
        assert_eq!(cut(TokenizerKind::Subword, decomposed), ["▁한"]);
    }

    #[test]
    fn a_vocabulary_is_ordered_by_count_then_spelling() {
        let counts = vec![("b", 2), ("c", 9), ("a", 2), ("rare", 1)];
        let trained = Trained::new(TokenizerKind::Word, counts, 5).expect("valid");
        assert_eq!(trained.vocabulary, 5);
        assert_eq!(
            ["c", "a", "b", "rare", "<new>"].map(|piece| trained.tokens(piece)),
            [vec![2], vec![3], vec![4], vec![UNKNOWN], vec![UNKNOWN]]
        );
    }
}
