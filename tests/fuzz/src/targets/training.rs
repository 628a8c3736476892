//! What a worker's trainer and `sweep predict` read: datasets, weights, checkpoints, model directories.
//!
//! Each target puts its bytes in the place of one file of a tiny finished trial.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sweep_proto::encoded::{EncodedView, Split};
use sweep_proto::{
    Configuration, Digest, EpochMetric, Hyperparameter, StepMetric, SweepId, TrialId, TrialSpec, Value,
};
use worker_trainer::model_directory::{CONFIGURATION_FILE, LABELS_FILE, MODEL_FILE, TOKENIZER_FILE};
use worker_trainer::{DeviceChoice, Ended, Observer, TrainRequest, evaluate, predict, train};

use super::{encoded_dataset, seeds};
use crate::registry::Seed;
use crate::scratch;

/// A tokenizer of three words, as the dataset's encoding would write it.
const TOKENIZER: &str = include_str!("tokenizer.json");

/// The files of a model directory; an input's first byte chooses the one that it stands for.
const MODEL_FILES: [&str; 4] = [CONFIGURATION_FILE, LABELS_FILE, TOKENIZER_FILE, MODEL_FILE];

/// Texts to be classified.
const TEXTS: [&str; 3] = ["a good film", "", "감정 \u{0} bad bad bad"];

/// Nobody wants it to stop.
const GO_ON: fn() -> bool = || false;

/// A tiny trial after its first epoch, and after its last.
struct Finished {
    spec: TrialSpec,
    dataset: Vec<u8>,
    checkpoint: Vec<u8>,
    weights: Vec<u8>,
}

static FINISHED: LazyLock<Finished> = LazyLock::new(|| {
    let dataset = encoded_dataset::sample();
    let spec = spec(&dataset);
    let request = Files::new("finished", &dataset);
    // The first epoch's checkpoint is kept: that of the last would have nothing to go on with.
    let mut first = FirstCheckpoint::default();
    let ended = train(&request.request(&spec, None), &mut first, &|| false).expect("trained");
    let Ended::Completed(completed) = ended else { panic!("{ended:?}") };
    Finished { weights: fs::read(completed.model).expect("weights"), checkpoint: first.0, dataset, spec }
});

/// As small as a model gets, with every kind of layer.
fn spec(dataset: &[u8]) -> TrialSpec {
    let mut configuration = Configuration::default();
    for (one, value) in [
        (Hyperparameter::Units, 2),
        (Hyperparameter::Embedding, 2),
        (Hyperparameter::MaxLength, 4),
        (Hyperparameter::BatchSize, 2),
        (Hyperparameter::Epochs, 2),
    ] {
        configuration.set(one, Value::Integer(value)).expect("in range");
    }
    let id = TrialId { sweep: SweepId(1), index: 0 };
    TrialSpec { id, configuration, replicate: 0, seed: 7, dataset: Digest::of(dataset).into() }
}

/// The files of one call of the trainer.
struct Files {
    dataset: PathBuf,
    directory: PathBuf,
}

impl Files {
    fn new(name: &str, dataset: &[u8]) -> Self {
        let directory = scratch::folder(name);
        let path = directory.join("dataset.sweepds");
        fs::write(&path, dataset).expect("written");
        Self { dataset: path, directory }
    }

    fn request<'a>(&'a self, spec: &'a TrialSpec, checkpoint: Option<&'a Path>) -> TrainRequest<'a> {
        let device = DeviceChoice::Cpu;
        let (dataset, directory) = (&self.dataset, &self.directory);
        TrainRequest { spec, dataset, checkpoint, until_epoch: None, directory, device }
    }
}

/// Keeps the bytes of the first checkpoint.
#[derive(Default)]
struct FirstCheckpoint(Vec<u8>);

impl Observer for FirstCheckpoint {
    fn steps(&mut self, _points: &[StepMetric]) -> io::Result<()> {
        Ok(())
    }

    fn epoch(&mut self, _metric: &EpochMetric, checkpoint: &Path) -> io::Result<()> {
        if self.0.is_empty() {
            self.0 = fs::read(checkpoint)?;
        }
        Ok(())
    }
}

/// The dataset's file, mapped, checked and measured on.
pub(crate) fn mapped_dataset(bytes: &[u8]) {
    let finished = &*FINISHED;
    let dataset = scratch::write("mapped.sweepds", bytes);
    let weights = scratch::write("mapped.safetensors", &finished.weights);
    let measured = evaluate(&finished.spec, &dataset, &weights, DeviceChoice::Cpu, &GO_ON);
    let view = EncodedView::parse(bytes);
    let tests = view.as_ref().map_or(0, |view| view.rows(Split::Test));
    match measured {
        Ok(None) => unreachable!("nothing stops it"),
        Ok(Some(test)) => {
            assert_eq!(test.confusion.iter().flatten().sum::<u64>(), tests as u64);
            assert!(test.loss.is_finite() && (0.0..=1.0).contains(&test.accuracy), "{test:?}");
        }
        Err(error) => {
            let header = view.as_ref().map(|view| (view.header().vocabulary, view.header().classes.len()));
            assert!(tests == 0 || header.ok() != Some((10, 2)), "{error:?}");
        }
    }
}

/// A trial's best weights, measured.
pub(crate) fn weights(bytes: &[u8]) {
    let finished = &*FINISHED;
    let dataset = scratch::write("weights.sweepds", &finished.dataset);
    let weights = scratch::write("weights.safetensors", bytes);
    match evaluate(&finished.spec, &dataset, &weights, DeviceChoice::Cpu, &GO_ON) {
        Ok(None) => unreachable!("nothing stops it"),
        Ok(Some(test)) => {
            // What is not finite could neither be told to the agent nor be stored.
            assert!(test.loss.is_finite(), "{test:?}");
            assert!([test.accuracy, test.macro_f1].iter().all(|share| (0.0..=1.0).contains(share)));
            assert_eq!(test.confusion.iter().flatten().sum::<u64>(), 2);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A checkpoint to go on from, and the answer to a stop before the first batch.
pub(crate) fn checkpoint(bytes: &[u8]) {
    let finished = &*FINISHED;
    let files = Files::new("checkpoint", &finished.dataset);
    let path = files.directory.join("fetched.safetensors");
    fs::write(&path, bytes).expect("written");
    let request = files.request(&finished.spec, Some(&path));
    match train(&request, &mut FirstCheckpoint::default(), &|| true) {
        Ok(Ended::Stopped { checkpoint }) => {
            let halt = checkpoint.expect("it began with one");
            assert!(halt.epoch < 2 && halt.path == path, "{halt:?}");
        }
        Ok(Ended::Reached { epoch }) => unreachable!("nothing says until which epoch: {epoch}"),
        Ok(Ended::Completed(completed)) => {
            assert!((1..=completed.epochs).contains(&completed.best_epoch), "{completed:?}");
            assert!(completed.epochs >= 2 && completed.score.is_finite(), "{completed:?}");
        }
        Ok(Ended::Diverged { message, .. }) => panic!("diverged without a step: {message}"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A model directory, one of its files replaced.
pub(crate) fn model_directory(bytes: &[u8]) {
    let Some((chosen, bytes)) = bytes.split_first() else { return };
    let directory = scratch::folder("model");
    let chosen = MODEL_FILES[usize::from(*chosen) % MODEL_FILES.len()];
    for name in MODEL_FILES {
        let sound = sound_model_file(name);
        fs::write(directory.join(name), if name == chosen { bytes } else { &sound }).expect("written");
    }
    let texts = TEXTS.map(str::to_owned);
    match predict(&directory, &texts, DeviceChoice::Cpu) {
        Ok(predictions) => {
            assert_eq!(predictions.len(), texts.len());
            for prediction in predictions {
                let all: Vec<f64> = prediction.probabilities.iter().map(|(_, share)| *share).collect();
                assert!(all.iter().all(|one| (0.0..=1.0).contains(one)), "{prediction:?}");
                assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{prediction:?}");
                assert!(all.contains(&prediction.probability));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn sound_model_file(name: &str) -> Vec<u8> {
    match name {
        CONFIGURATION_FILE => serde_json::to_vec(&FINISHED.spec.configuration).expect("JSON"),
        LABELS_FILE => br#"["no","yes"]"#.to_vec(),
        TOKENIZER_FILE => TOKENIZER.into(),
        _ => FINISHED.weights.clone(),
    }
}

/// Datasets that fit the trial, and one that is empty.
pub(crate) fn dataset_seeds() -> Vec<Seed> {
    encoded_dataset::examples()
}

/// The trial's weights.
pub(crate) fn weights_seeds() -> Vec<Seed> {
    seeds([("best.safetensors", FINISHED.weights.clone())])
}

/// The trial's first checkpoint, and one from the middle of its first epoch.
pub(crate) fn checkpoint_seeds() -> Vec<Seed> {
    let finished = &*FINISHED;
    let files = Files::new("underway", &finished.dataset);
    let asked = AtomicU32::new(0);
    let one_batch = || asked.fetch_add(1, Ordering::Relaxed) >= 1;
    let ended = train(&files.request(&finished.spec, None), &mut FirstCheckpoint::default(), &one_batch);
    let Ok(Ended::Stopped { checkpoint: Some(halt) }) = ended else { panic!("{ended:?}") };
    let underway = fs::read(halt.path).expect("written");
    seeds([("first_epoch.safetensors", finished.checkpoint.clone()), ("mid_epoch.safetensors", underway)])
}

/// Each file of the directory.
pub(crate) fn model_seeds() -> Vec<Seed> {
    let all = MODEL_FILES.into_iter().zip(0..);
    seeds(all.map(|(name, place)| (name, [vec![place], sound_model_file(name)].concat())))
}
