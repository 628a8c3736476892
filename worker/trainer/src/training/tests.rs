//! Whole trials on small datasets: bits, resuming, damage, divergence, learning.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sweep_proto::encoded::EncodedView;
use sweep_proto::metric::{CONFIDENCE_BINS, HARDEST_MAX};
use sweep_proto::{
    ConfidenceBin, Configuration, Digest, FailureKind, Hyperparameter, StepMetric, SweepId, TrialId, Value,
    model_size,
};

mod group;
mod waiting;

use super::*;
use crate::testing::{VOCABULARY, sample_bytes};

fn configuration(values: &[(Hyperparameter, Value)]) -> Configuration {
    let base = [
        (Hyperparameter::Units, Value::Integer(8)),
        (Hyperparameter::Embedding, Value::Integer(6)),
        (Hyperparameter::BatchSize, Value::Integer(16)),
        (Hyperparameter::Epochs, Value::Integer(4)),
        (Hyperparameter::LearningRate, Value::Real(0.02)),
    ];
    base.iter()
        .chain(values)
        .fold(Configuration::default(), |one, (name, value)| one.with(*name, value.clone()).unwrap())
}

fn word(text: &str) -> Value {
    Value::Word(text.to_owned())
}

#[derive(Default)]
struct Recorder {
    /// For each epoch that began, whether an earlier attempt had begun it.
    begins: Vec<bool>,
    epochs: Vec<EpochMetric>,
    steps: Vec<StepMetric>,
    checkpoints: Vec<Vec<u8>>,
}

impl Observer for Recorder {
    fn epoch_begins(&mut self, is_resumed: bool) {
        self.begins.push(is_resumed);
    }

    fn steps(&mut self, points: &[StepMetric]) -> io::Result<()> {
        self.steps.extend_from_slice(points);
        Ok(())
    }

    fn epoch(&mut self, metric: &EpochMetric, checkpoint: &Path) -> io::Result<()> {
        self.epochs.push(metric.clone());
        self.checkpoints.push(fs::read(checkpoint)?);
        Ok(())
    }
}

struct Bench {
    directory: tempfile::TempDir,
    spec: TrialSpec,
}

impl Bench {
    fn new(configuration: Configuration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bytes = sample_bytes(120, 3);
        fs::write(directory.path().join("dataset"), &bytes).unwrap();
        let id = TrialId { sweep: SweepId(1), index: 0 };
        let spec =
            TrialSpec { id, configuration, replicate: 0, seed: 11, dataset: Digest::of(&bytes).into() };
        Self { directory, spec }
    }

    fn train(
        &self,
        checkpoint: Option<&[u8]>,
        stop: &dyn StopSignal,
    ) -> (Result<Ended, TrainError>, Recorder) {
        self.train_on(DeviceChoice::Cpu, checkpoint, stop)
    }

    fn train_on(
        &self,
        device: DeviceChoice,
        checkpoint: Option<&[u8]>,
        stop: &dyn StopSignal,
    ) -> (Result<Ended, TrainError>, Recorder) {
        self.run(device, None, checkpoint, stop)
    }

    /// Trains until an epoch is complete.
    fn train_until(&self, until_epoch: u32, checkpoint: Option<&[u8]>) -> (Ended, Recorder) {
        let stop = AtomicBool::new(false);
        let (ended, recorder) = self.run(DeviceChoice::Cpu, Some(until_epoch), checkpoint, &stop);
        (ended.unwrap(), recorder)
    }

    fn run(
        &self,
        device: DeviceChoice,
        until_epoch: Option<u32>,
        checkpoint: Option<&[u8]>,
        stop: &dyn StopSignal,
    ) -> (Result<Ended, TrainError>, Recorder) {
        let work = self.directory.path().join("work");
        fs::create_dir_all(&work).unwrap();
        let start = self.directory.path().join("start.safetensors");
        checkpoint.into_iter().for_each(|bytes| fs::write(&start, bytes).unwrap());
        let mut recorder = Recorder::default();
        let request = TrainRequest {
            spec: &self.spec,
            dataset: &self.directory.path().join("dataset"),
            checkpoint: checkpoint.map(|_| start.as_path()),
            until_epoch,
            directory: &work,
            device,
        };
        (train(&request, &mut recorder, stop), recorder)
    }

    fn completed(&self, checkpoint: Option<&[u8]>) -> (Completed, Vec<u8>, Recorder) {
        let (ended, recorder) = self.train(checkpoint, &AtomicBool::new(false));
        let Ended::Completed(completed) = ended.unwrap() else { panic!("not completed") };
        let model = fs::read(&completed.model).unwrap();
        (completed, model, recorder)
    }
}

/// On a GPU: only a build for one has these, and `deploy/gpu/check` runs them where there is one.
#[cfg(feature = "cuda")]
mod gpu {
    use super::*;

    fn completed(bench: &Bench, device: DeviceChoice) -> (Vec<u8>, Recorder) {
        let (ended, recorder) = bench.train_on(device, None, &AtomicBool::new(false));
        let Ended::Completed(completed) = ended.unwrap() else { panic!("not completed") };
        (fs::read(&completed.model).unwrap(), recorder)
    }

    #[test]
    fn forward_loss_gradients_and_ten_steps_are_those_of_pytorch() {
        crate::golden::check_on(&candle_core::Device::new_cuda(0).unwrap());
    }

    #[test]
    fn the_same_trial_gives_the_same_bits() {
        for cell in ["simple_rnn", "lstm", "gru"] {
            let bench = Bench::new(rich().with(Hyperparameter::Cell, word(cell)).unwrap());
            let (model, recorder) = completed(&bench, DeviceChoice::Cuda(0));
            for again in 0..3 {
                let (model_again, recorder_again) = completed(&bench, DeviceChoice::Cuda(0));
                assert_eq!(figures(&recorder_again.epochs), figures(&recorder.epochs), "{cell}, run {again}");
                assert!(model_again == model, "{cell}, run {again}: other weights");
            }
        }
    }

    #[test]
    fn a_trial_learns_what_it_learns_on_the_cpu() {
        for cell in ["simple_rnn", "lstm", "gru"] {
            let bench = Bench::new(rich().with(Hyperparameter::Cell, word(cell)).unwrap());
            let (_, gpu) = completed(&bench, DeviceChoice::Cuda(0));
            let (_, cpu) = completed(&bench, DeviceChoice::Cpu);
            for (gpu, cpu) in gpu.epochs.iter().zip(&cpu.epochs) {
                let difference = (gpu.validation_loss - cpu.validation_loss).abs();
                assert!(difference < 1e-3, "{cell}: {gpu:?} and {cpu:?}");
            }
        }
    }
}

fn rich() -> Configuration {
    configuration(&[
        (Hyperparameter::Layers, Value::Integer(2)),
        (Hyperparameter::Bidirectional, Value::Flag(true)),
        (Hyperparameter::Dropout, Value::Real(0.3)),
    ])
}

#[test]
fn every_cell_and_pooling_learns_by_heart() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        for pooling in ["last", "mean", "max"] {
            let configuration = configuration(&[
                (Hyperparameter::Cell, word(cell)),
                (Hyperparameter::Pooling, word(pooling)),
                (Hyperparameter::BatchSize, Value::Integer(120)),
                (Hyperparameter::Epochs, Value::Integer(200)),
            ]);
            let (completed, _, recorder) = Bench::new(configuration).completed(None);
            let last = recorder.epochs.last().unwrap();
            assert!(last.train_loss < 0.05 && last.train_accuracy == 1.0, "{cell} {pooling}: {last:?}");
            assert!(completed.epochs == 200 && !completed.early_stopped);
        }
    }
}

#[test]
fn the_same_trial_gives_the_same_bits_and_so_does_resuming_at_each_epoch() {
    for optimizer in ["adam", "adamw", "rmsprop", "sgd"] {
        let bench = Bench::new(rich().with(Hyperparameter::Optimizer, word(optimizer)).unwrap());
        let (completed, model, recorder) = bench.completed(None);
        assert_eq!(
            recorder.steps.iter().map(|one| one.sequence).collect::<Vec<_>>(),
            (0..32).collect::<Vec<_>>()
        );
        let (again, model_again, recorder_again) = bench.completed(None);
        assert_eq!((&again, &model_again), (&completed, &model));
        assert_eq!(recorder_again.checkpoints, recorder.checkpoints);
        for checkpoint in &recorder.checkpoints {
            let (resumed, resumed_model, rest) = bench.completed(Some(checkpoint));
            assert_eq!((&resumed, &resumed_model), (&completed, &model));
            if let Some(step) = rest.steps.first() {
                assert_eq!(step.sequence, 0);
                assert_eq!(rest.epochs.last().unwrap().validation_loss, recorder.epochs[3].validation_loss);
            }
        }
    }
}

/// Stops after that many batches of training, validation and evaluation.
fn after(batches: u32) -> impl Fn() -> bool {
    let asked = AtomicU32::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) >= batches
}

/// What does not depend on the time that it took.
fn figures(epochs: &[EpochMetric]) -> Vec<(u32, f64, f64, f64, f64)> {
    let of = |one: &EpochMetric| {
        (one.epoch, one.train_loss, one.train_accuracy, one.validation_loss, one.validation_accuracy)
    };
    epochs.iter().map(of).collect()
}

#[test]
fn a_stop_at_any_batch_loses_none_and_changes_no_bit() {
    for optimizer in ["adam", "sgd"] {
        let bench = Bench::new(rich().with(Hyperparameter::Optimizer, word(optimizer)).unwrap());
        let (completed, model, whole) = bench.completed(None);
        assert_eq!(whole.begins, vec![false; whole.epochs.len()]);
        let losses = |steps: &[StepMetric]| steps.iter().map(|one| (one.step, one.loss)).collect::<Vec<_>>();
        let mut stopped = 0;
        for batches in 1.. {
            let (ended, first) = bench.train(None, &after(batches));
            let Ended::Stopped { checkpoint: Some(halt) } = ended.unwrap() else { break };
            let checkpoint = fs::read(&halt.path).unwrap();
            let (resumed, resumed_model, rest) = bench.completed(Some(&checkpoint));
            assert_eq!((&resumed, &resumed_model), (&completed, &model), "{halt:?}");
            let epochs = [first.epochs, rest.epochs].concat();
            assert_eq!(figures(&epochs), figures(&whole.epochs), "{halt:?}");
            assert_eq!(losses(&[first.steps, rest.steps].concat()), losses(&whole.steps), "{halt:?}");
            let resumed_at = rest.begins.iter().position(|is_resumed| *is_resumed);
            assert_eq!(resumed_at, (halt.batches > 0).then_some(0), "{halt:?}");
            stopped += 1;
        }
        // Four epochs of eight batches, each with its validation.
        assert!(stopped > 32, "{stopped}");
    }
}

#[test]
fn a_pause_after_an_epoch_changes_no_bit() {
    for optimizer in ["adam", "sgd"] {
        let bench = Bench::new(
            rich()
                .with(Hyperparameter::Optimizer, word(optimizer))
                .and_then(|one| one.with(Hyperparameter::Epochs, Value::Integer(5)))
                .unwrap(),
        );
        let (completed, model, whole) = bench.completed(None);
        assert_eq!(whole.epochs.len(), 5);
        for until in 1..5 {
            let (ended, first) = bench.train_until(until, None);
            assert_eq!(ended, Ended::Reached { epoch: until });
            let checkpoint = first.checkpoints.last().unwrap();
            let (again, nothing) = bench.train_until(until, Some(checkpoint));
            assert_eq!((again, nothing.epochs.len()), (Ended::Reached { epoch: until }, 0), "it is there");
            let (resumed, resumed_model, rest) = bench.completed(Some(checkpoint));
            assert_eq!((&resumed, &resumed_model), (&completed, &model), "{until} + {}", 5 - until);
            assert_eq!(figures(&[first.epochs, rest.epochs].concat()), figures(&whole.epochs));
        }
        for until in [5, 6] {
            assert!(matches!(bench.train_until(until, None).0, Ended::Completed(_)), "its end comes first");
        }
    }
}

#[test]
fn a_stop_says_how_far_it_came() {
    let bench = Bench::new(rich());
    let halt = |checkpoint: Option<&[u8]>, batches: u32| {
        let (ended, _) = bench.train(checkpoint, &after(batches));
        let Ended::Stopped { checkpoint } = ended.unwrap() else { panic!("not stopped") };
        checkpoint.map(|one| (one.epoch, one.batches, fs::read(one.path).unwrap()))
    };
    assert_eq!(halt(None, 0), None, "nothing was done");
    let (epoch, batches, bytes) = halt(None, 3).unwrap();
    assert_eq!((epoch, batches), (0, 3));
    assert_eq!(halt(Some(&bytes), 0), Some((0, 3, bytes.clone())), "nothing more was done");
    let (epoch, batches, _) = halt(Some(&bytes), 2).unwrap();
    assert_eq!((epoch, batches), (0, 5));
    let (epoch, batches, bytes) = halt(None, 8).unwrap();
    assert_eq!((epoch, batches), (0, 8), "only the validation was left");
    assert_eq!(halt(Some(&bytes), 2).map(|one| (one.0, one.1)), Some((1, 1)));
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let bench = Bench::new(configuration(&[(Hyperparameter::Epochs, Value::Integer(2))]));
    let checkpoint = bench.completed(None).2.checkpoints.remove(0);
    let refused = |bench: &Bench, bytes: &[u8]| {
        let (ended, _) = bench.train(Some(bytes), &AtomicBool::new(true));
        ended.is_err_and(|error| {
            matches!(error, TrainError::Weights { .. }) && error.kind() == FailureKind::Data
        })
    };
    for cut in [0, 7, 8, 100, checkpoint.len() - 1] {
        assert!(refused(&bench, &checkpoint[..cut]), "{cut}");
    }
    let mut infinite = checkpoint.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(refused(&bench, &infinite));
    let mut long = checkpoint.clone();
    long.extend_from_slice(&[0; 8]);
    assert!(refused(&bench, &long));
    // Every byte of the header, which names shapes, offsets and counters: an error or a harmless change.
    for at in 0..checkpoint.len().min(2_500) {
        let mut bytes = checkpoint.clone();
        bytes[at] ^= 0x15;
        let _ = bench.train(Some(&bytes), &AtomicBool::new(true));
    }
    let other = Bench::new(configuration(&[(Hyperparameter::Epochs, Value::Integer(3))]));
    assert!(refused(&other, &checkpoint));
}

#[test]
fn divergence_names_its_epoch_and_patience_ends_a_trial() {
    let wild = configuration(&[
        (Hyperparameter::LearningRate, Value::Real(100.0)),
        (Hyperparameter::Optimizer, word("sgd")),
        (Hyperparameter::GradientClip, Value::Real(0.0)),
        (Hyperparameter::WeightDecay, Value::Real(10.0)),
        (Hyperparameter::Epochs, Value::Integer(50)),
    ]);
    let (ended, _) = Bench::new(wild).train(None, &AtomicBool::new(false));
    let Ended::Diverged { epoch, message } = ended.unwrap() else { panic!("not diverged") };
    assert!(epoch >= 1 && message.contains("inf") || message.contains("NaN"), "{message}");
    let still = configuration(&[
        (Hyperparameter::LearningRate, Value::Real(0.3)),
        (Hyperparameter::Patience, Value::Integer(2)),
        (Hyperparameter::Epochs, Value::Integer(200)),
    ]);
    let (completed, _, _) = Bench::new(still).completed(None);
    assert!(completed.early_stopped && completed.epochs == completed.best_epoch + 2, "{completed:?}");
}

#[test]
fn the_count_of_parameters_is_the_one_that_was_promised() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        for layers in 1..4 {
            for bidirectional in [false, true] {
                for classes in [2, 3] {
                    let configuration = configuration(&[
                        (Hyperparameter::Cell, word(cell)),
                        (Hyperparameter::Layers, Value::Integer(layers)),
                        (Hyperparameter::Bidirectional, Value::Flag(bidirectional)),
                    ]);
                    let shape = ModelShape::of_sizes(&configuration, VOCABULARY as usize, classes).unwrap();
                    let promised =
                        model_size::parameters(&configuration, u64::from(VOCABULARY), classes as u64);
                    assert_eq!(shape.parameter_count(), promised);
                }
            }
        }
    }
}

#[test]
fn the_best_weights_are_measured_on_the_test_split() {
    let bench = Bench::new(configuration(&[(Hyperparameter::Epochs, Value::Integer(20))]));
    let (completed, _, _) = bench.completed(None);
    let dataset = bench.directory.path().join("dataset");
    let measure = |path: &Path, stop: bool| {
        evaluate(&bench.spec, path, &completed.model, DeviceChoice::Cpu, &AtomicBool::new(stop))
    };
    assert_eq!(measure(&dataset, true).unwrap(), None, "it was told to stop");
    let metric = measure(&dataset, false).unwrap().unwrap();
    let rows = EncodedView::parse(fs::read(&dataset).unwrap()).unwrap().rows(Split::Test) as u64;
    assert_eq!(metric.confusion.iter().flatten().sum::<u64>(), rows);
    assert!(metric.accuracy > 0.8, "{metric:?}");
    let correct: u64 = metric.confusion.iter().enumerate().map(|(class, counts)| counts[class]).sum();
    let counted = |of: fn(&ConfidenceBin) -> u64| metric.calibration.iter().map(of).sum::<u64>();
    assert_eq!((counted(|bin| bin.rows), counted(|bin| bin.correct)), (rows, correct));
    for (at, bin) in metric.calibration.iter().enumerate().filter(|(_, bin)| bin.rows > 0) {
        let mean = bin.confidence * CONFIDENCE_BINS as f64 / bin.rows as f64;
        assert!((at as f64..=at as f64 + 1.0).contains(&mean), "bin {at}: {bin:?}");
    }
    assert_eq!(metric.hardest.len() as u64, rows.min(HARDEST_MAX as u64));
    assert!(metric.hardest.is_sorted_by(|one, next| one.loss >= next.loss));
    assert!(metric.hardest.iter().all(|one| one.row < rows && one.truth < 2 && one.predicted < 2));
    let missing = measure(Path::new("absent"), false);
    assert_eq!(missing.unwrap_err().kind(), FailureKind::Data);
}
