//! `sweep-worker predict`: classifies texts with a fetched model.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use sweep_proto::text::{inert_json, inert_line};
use thiserror::Error;
use worker_trainer::{DeviceChoice, Prediction, TrainError};

/// Texts that are classified together: bounds memory, and results of a long input come early.
const TEXTS_PER_BATCH: usize = 256;

/// Longest text in bytes: far more than any model reads.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What stands for standard input in the place of texts.
const INPUT: &str = "-";

/// Why texts could not be classified.
#[derive(Debug, Error)]
pub enum PredictError {
    /// The model.
    #[error("the model cannot be used")]
    Model(#[source] TrainError),
    /// A text.
    #[error("line {line} has more than {TEXT_BYTES_MAX} bytes; write one text per line")]
    TooLong {
        /// Counted from 1.
        line: usize,
    },
    /// `-` beside other texts.
    #[error("`{INPUT}` stands for the lines of standard input and cannot stand beside other texts")]
    InputAmongTexts,
    /// The texts cannot be read, or what was found not be written.
    #[error("standard input or output failed")]
    Stream(#[from] io::Error),
}

/// Classifies the texts, or each line of `input` where there are none, and writes a line for each.
///
/// # Errors
/// [`PredictError`]. An output that nobody reads any more is no error.
pub fn predict(
    model: &Path,
    device: DeviceChoice,
    texts: &[String],
    input: impl BufRead,
    mut output: impl Write,
    as_json: bool,
) -> Result<(), PredictError> {
    let mut classify = |texts: &[String]| {
        let predictions = worker_trainer::predict(model, texts, device).map_err(PredictError::Model)?;
        for (text, prediction) in texts.iter().zip(&predictions) {
            write_line(&mut output, text, prediction, as_json)?;
        }
        output.flush()?;
        Ok(())
    };
    let done = if reads_input(texts)? {
        classify_lines(input, &mut classify)
    } else {
        texts.chunks(TEXTS_PER_BATCH).try_for_each(&mut classify)
    };
    match done {
        Err(PredictError::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether texts come from standard input: where none is given, or `-` in their place.
fn reads_input(texts: &[String]) -> Result<bool, PredictError> {
    match texts {
        [] => Ok(true),
        [only] if only == INPUT => Ok(true),
        several if several.iter().any(|text| text == INPUT) => Err(PredictError::InputAmongTexts),
        _ => Ok(false),
    }
}

fn classify_lines(
    mut input: impl BufRead,
    classify: &mut impl FnMut(&[String]) -> Result<(), PredictError>,
) -> Result<(), PredictError> {
    let mut batch = Vec::with_capacity(TEXTS_PER_BATCH);
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        let count = (&mut input).take(TEXT_BYTES_MAX + 1).read_until(b'\n', &mut line)?;
        number += 1;
        if count as u64 > TEXT_BYTES_MAX {
            return Err(PredictError::TooLong { line: number });
        }
        if count > 0 {
            batch.push(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
        }
        if !batch.is_empty() && (count == 0 || batch.len() == TEXTS_PER_BATCH) {
            classify(&batch)?;
            batch.clear();
        }
        if count == 0 {
            return Ok(());
        }
    }
}

fn write_line(output: &mut impl Write, text: &str, prediction: &Prediction, as_json: bool) -> io::Result<()> {
    if as_json {
        let by_name: serde_json::Map<String, serde_json::Value> =
            prediction.probabilities.iter().map(|(label, share)| (label.clone(), (*share).into())).collect();
        let line = serde_json::json!({
            "text": text,
            "label": prediction.label,
            "probability": prediction.probability,
            "probabilities": by_name,
        });
        return writeln!(output, "{}", inert_json(&line.to_string()));
    }
    // Texts are other people's, and so are the names of classes in a model's folder: nothing of them steers a terminal.
    let (label, text) = (inert_line(&prediction.label), inert_line(text));
    writeln!(output, "{label}\t{:.4}\t{text}", prediction.probability)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8]) -> Result<Vec<Vec<String>>, PredictError> {
        let mut batches = Vec::new();
        classify_lines(input, &mut |batch: &[String]| {
            batches.push(batch.to_vec());
            Ok(())
        })?;
        Ok(batches)
    }

    #[test]
    fn every_line_is_a_text_whatever_its_end() {
        assert_eq!(
            lines_of(b"one\r\n\ntwo").expect("read"),
            [vec!["one".to_owned(), String::new(), "two".into()]]
        );
        assert!(lines_of(b"").expect("read").is_empty());
        let many = "x\n".repeat(TEXTS_PER_BATCH + 1);
        let sizes: Vec<usize> = lines_of(many.as_bytes()).expect("read").iter().map(Vec::len).collect();
        assert_eq!(sizes, [TEXTS_PER_BATCH, 1]);
    }

    #[test]
    fn an_endless_line_is_refused_by_number() {
        let mut input = b"short\n".to_vec();
        input.resize(TEXT_BYTES_MAX as usize + 100, b'x');
        assert!(matches!(lines_of(&input), Err(PredictError::TooLong { line: 2 })));
    }

    #[test]
    fn a_dash_is_standard_input_and_stands_alone() {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(reads_input(&texts(&[])).expect("none"));
        assert!(reads_input(&texts(&["-"])).expect("a dash"));
        assert!(!reads_input(&texts(&["- a list", "--"])).expect("texts"));
        assert!(matches!(reads_input(&texts(&["-", "good"])), Err(PredictError::InputAmongTexts)));
    }

    #[test]
    fn each_probability_has_the_name_of_its_class() {
        let probabilities = vec![("no".to_owned(), 0.25), ("yes".to_owned(), 0.75)];
        let prediction = Prediction { label: "yes".into(), probability: 0.75, probabilities };
        let mut output = Vec::new();
        write_line(&mut output, "fine", &prediction, true).expect("write");
        let line: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
        assert_eq!(line["probabilities"], serde_json::json!({ "no": 0.25, "yes": 0.75 }));
        assert_eq!((&line["label"], &line["text"]), (&"yes".into(), &"fine".into()));
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        let prediction = Prediction { label: "yes".into(), probability: 0.75, probabilities: Vec::new() };
        let mut output = Vec::new();
        write_line(&mut output, "a\x1b[2Jb", &prediction, false).expect("write");
        assert_eq!(String::from_utf8_lossy(&output), "yes\t0.7500\ta\u{fffd}[2Jb\n");
    }

    #[test]
    fn names_of_classes_of_a_strange_model_steer_nothing() {
        let hostile = "\u{1b}]0;gone\u{7}\u{9b}2J\u{202e}yes\r\n\u{e0041}";
        let probabilities = vec![(hostile.to_owned(), 0.75)];
        let prediction = Prediction { label: hostile.into(), probability: 0.75, probabilities };
        for as_json in [false, true] {
            let mut output = Vec::new();
            write_line(&mut output, hostile, &prediction, as_json).expect("write");
            let line = String::from_utf8(output).expect("UTF-8");
            let steers = |one: char| !matches!(one, '\n' | '\t') && sweep_proto::text::is_steering(one);
            assert!(!line.contains(steers), "{line:?}");
            assert_eq!(line.lines().count(), 1, "{line:?}");
            if as_json {
                let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
                assert_eq!((&line["label"], &line["text"]), (&hostile.into(), &hostile.into()));
                assert_eq!(line["probabilities"], serde_json::json!({ hostile: 0.75 }));
            }
        }
    }
}
