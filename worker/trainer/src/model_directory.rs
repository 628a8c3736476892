//! The directory of a finished model, and predicting with it.
//!
//! | file | content |
//! |---|---|
//! | `model.safetensors` | the weights under PyTorch's names, as training wrote them |
//! | `configuration.json` | the `Configuration` as JSON: `{"units": 64, "cell": "lstm", …}` |
//! | `tokenizer.json` | the dataset's tokenizer, JSON of the `tokenizers` library, truncation and padding unset |
//! | `labels.json` | the class names in label order: `["negative", "positive"]` |
//! | `metadata.json` | anything for people and tools; not read here |
//!
//! The vocabulary's size is that of `embedding.weight`. A text is cut to `max_length` tokens at the
//! configuration's `truncation_side`; a text without tokens becomes the one token "unknown".

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::json;
use sweep_proto::Configuration;
use sweep_proto::encoded::{PADDING, UNKNOWN};
use tokenizers::Tokenizer;

use crate::data::Batch;
use crate::device::DeviceChoice;
use crate::error::TrainError;
use crate::model::{Model, ModelShape, loss};
use crate::request::Prediction;
use crate::training::load_model;

/// The weights' file.
pub const MODEL_FILE: &str = "model.safetensors";
/// The configuration's file.
pub const CONFIGURATION_FILE: &str = "configuration.json";
/// The tokenizer's file.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The class names' file.
pub const LABELS_FILE: &str = "labels.json";
/// The file of facts for people and tools.
pub const METADATA_FILE: &str = "metadata.json";

/// Largest text file read from a model directory, in bytes: a tokenizer with a million tokens fits.
const TEXT_FILE_BYTES_MAX: u64 = 256 << 20;
/// Largest header of a safetensors file that is read to learn the vocabulary's size, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Texts classified at once: bounds memory.
const TEXTS_AT_ONCE: usize = 64;

/// Classifies texts with the model in a directory; see the module's documentation for its files.
///
/// # Errors
/// [`TrainError`] names the file that is missing, damaged or does not fit the others.
pub fn predict(
    directory: &Path,
    texts: &[String],
    device: DeviceChoice,
) -> Result<Vec<Prediction>, TrainError> {
    for name in [CONFIGURATION_FILE, LABELS_FILE, TOKENIZER_FILE, MODEL_FILE] {
        check_regular(&directory.join(name))?;
    }
    let configuration: Configuration = read_json(&directory.join(CONFIGURATION_FILE))?;
    let labels: Vec<String> = read_json(&directory.join(LABELS_FILE))?;
    let tokenizer = read_tokenizer(&directory.join(TOKENIZER_FILE))?;
    let weights = directory.join(MODEL_FILE);
    let shape = ModelShape::of_sizes(&configuration, vocabulary_of(&weights)?, labels.len())?;
    let encoder = Encoder { tokenizer, configuration, vocabulary: shape.vocabulary };
    let mut model = load_model(shape, &weights, device)?;
    let mut predictions = Vec::with_capacity(texts.len());
    for texts in texts.chunks(TEXTS_AT_ONCE) {
        predictions.extend(predict_batch(&mut model, &encoder, texts, &labels)?);
    }
    Ok(predictions)
}

fn predict_batch(
    model: &mut Model,
    encoder: &Encoder,
    texts: &[String],
    labels: &[String],
) -> Result<Vec<Prediction>, TrainError> {
    let mut rows = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        rows.push((place, encoder.tokens(text)?, 0));
    }
    let batch = Batch::pack(&rows);
    let logits = model.inference_logits(&batch)?;
    let predictions =
        batch.rows.iter().zip(logits.rows()).map(|(place, row)| Ok((*place, prediction(row, labels)?)));
    let mut predictions: Vec<(usize, Prediction)> = predictions.collect::<Result<_, TrainError>>()?;
    predictions.sort_by_key(|(place, _)| *place);
    Ok(predictions.into_iter().map(|(_, prediction)| prediction).collect())
}

fn prediction(logits: &[f32], labels: &[String]) -> Result<Prediction, TrainError> {
    let probabilities = loss::probabilities(logits);
    if !probabilities.iter().all(|probability| probability.is_finite()) {
        return Err(TrainError::NotFinite { what: "the probability of a class" });
    }
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    Ok(Prediction {
        label: labels.get(best).cloned().unwrap_or_default(),
        probability: probabilities[best],
        probabilities: labels.iter().cloned().zip(probabilities).collect(),
    })
}

/// Text to tokens, as the dataset's encoding did it.
struct Encoder {
    tokenizer: Tokenizer,
    configuration: Configuration,
    vocabulary: usize,
}

impl Encoder {
    fn tokens(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| TrainError::Rejected(format!("a text cannot be cut into tokens: {error}")))?;
        let known = |token: &u32| *token != PADDING && (*token as usize) < self.vocabulary;
        let mut tokens: Vec<u32> =
            encoding.get_ids().iter().map(|token| if known(token) { *token } else { UNKNOWN }).collect();
        let most = self.configuration.max_length() as usize;
        if tokens.len() > most {
            if self.configuration.truncation_side() == "left" {
                tokens.drain(..tokens.len() - most);
            } else {
                tokens.truncate(most);
            }
        }
        if tokens.is_empty() {
            tokens.push(UNKNOWN);
        }
        Ok(tokens)
    }
}

/// Rows of `embedding.weight`, from the weights file's header alone: eight bytes of its length
/// (little-endian), then JSON.
fn vocabulary_of(path: &Path) -> Result<usize, TrainError> {
    use std::io::Read as _;
    let unreadable = |source| TrainError::File { action: "read", path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    let length = u64::from_le_bytes(length);
    if length > HEADER_BYTES_MAX {
        return Err(not_understood(path, format!("its header of {length} bytes is too large")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).map_err(unreadable)?;
    let header: serde_json::Value =
        serde_json::from_slice(&header).map_err(|error| not_understood(path, error.to_string()))?;
    match header["embedding.weight"]["shape"][0].as_u64() {
        Some(vocabulary) if vocabulary > u64::from(UNKNOWN) => Ok(vocabulary as usize),
        _ => Err(not_understood(path, "it has no matrix \"embedding.weight\"".into())),
    }
}

/// The tokenizer, without its way back from tokens to text: nothing here decodes, and the library panics where
/// the JSON of a decoder breaks off.
fn read_tokenizer(path: &Path) -> Result<Tokenizer, TrainError> {
    let mut file: serde_json::Map<String, serde_json::Value> = read_json(path)?;
    file.insert("decoder".to_owned(), serde_json::Value::Null);
    if let Some(foreign) = file.get("normalizer").and_then(foreign_normalizer) {
        let kind = foreign["type"].as_str().unwrap_or("without a type").escape_debug().to_string();
        return Err(not_understood(path, format!("no dataset of a sweep has the normalizer {kind}")));
    }
    let file = serde_json::to_vec(&file).map_err(|error| not_understood(path, error.to_string()))?;
    Tokenizer::from_bytes(file).map_err(|error| not_understood(path, error.to_string()))
}

/// The first normalizer that the encoding of datasets (`coordinator/dataset`) does not write: the library has others, some of which
/// take tables or patterns that a stranger may have made to harm.
fn foreign_normalizer(normalizer: &serde_json::Value) -> Option<&serde_json::Value> {
    let known = [
        serde_json::Value::Null,
        json!({"type": "NFC"}),
        json!({"type": "Lowercase"}),
        json!({"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}),
        json!({"type": "Strip", "strip_left": true, "strip_right": true}),
    ];
    let several = normalizer["normalizers"].as_array().filter(|_| normalizer["type"] == "Sequence");
    let each = several.map_or(std::slice::from_ref(normalizer), Vec::as_slice);
    each.iter().find(|one| !known.contains(one))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, TrainError> {
    serde_json::from_str(&read_text(path)?).map_err(|error| not_understood(path, error.to_string()))
}

/// Refuses anything but a regular file: opening a pipe would block until something writes to it.
fn check_regular(path: &Path) -> Result<(), TrainError> {
    let unreadable = |source| TrainError::File { action: "read", path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.is_file() {
        return Ok(());
    }
    Err(not_understood(path, "it is not a regular file".to_owned()))
}

fn read_text(path: &Path) -> Result<String, TrainError> {
    let unreadable = |source| TrainError::File { action: "read", path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > TEXT_FILE_BYTES_MAX {
        return Err(not_understood(
            path,
            format!("it has {length} bytes; {TEXT_FILE_BYTES_MAX} is the most"),
        ));
    }
    fs::read_to_string(path).map_err(unreadable)
}

fn not_understood(path: &Path, reason: String) -> TrainError {
    TrainError::ModelFile { path: path.to_owned(), reason }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn tokenizer_with(normalizer: &serde_json::Value) -> Result<Tokenizer, TrainError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKENIZER_FILE);
        let model = json!({"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"});
        let file = json!({
            "version": "1.0", "added_tokens": [], "normalizer": normalizer, "pre_tokenizer": null,
            "post_processor": null, "decoder": null, "model": model
        });
        fs::write(&path, file.to_string()).unwrap();
        read_tokenizer(&path)
    }

    #[test]
    fn only_normalizers_of_our_own_are_taken() {
        let (nfc, lowercase) = (json!({"type": "NFC"}), json!({"type": "Lowercase"}));
        let collapse = json!({"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "});
        let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
        let sequence = |all: &[&serde_json::Value]| json!({"type": "Sequence", "normalizers": all});
        for ours in [
            serde_json::Value::Null,
            sequence(&[&nfc, &lowercase]),
            sequence(&[&nfc, &lowercase, &collapse, &strip]),
        ] {
            assert!(tokenizer_with(&ours).is_ok(), "{ours}");
        }
        let slow = json!({"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": " "});
        for foreign in [
            json!({"type": "NFKC"}),
            json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
            sequence(&[&nfc, &slow]),
            sequence(&[&sequence(&[&nfc])]),
        ] {
            let error = tokenizer_with(&foreign).unwrap_err().to_string();
            assert!(error.contains("normalizer"), "{foreign}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in [CONFIGURATION_FILE, LABELS_FILE, MODEL_FILE] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let pipe = folder.path().join(TOKENIZER_FILE);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = predict(folder.path(), &["a".to_owned()], DeviceChoice::Cpu).unwrap_err().to_string();
        assert!(error.contains(TOKENIZER_FILE) && error.contains("not a regular file"), "{error}");
    }
}
