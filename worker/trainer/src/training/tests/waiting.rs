//! Steps whose results wait on their device: few transfers, the bits of steps that are brought one by one, the same divergence.

use std::time::{Duration, Instant};

use super::*;
use crate::data::{Batch, training_batches};
use crate::model::DropoutKey;
use crate::training::waiting::STEPS_MAX;
use crate::transfer::counting::transfers;

/// Batches of an epoch: no whole number of blocks.
const BATCHES: usize = 60;

/// Two rows a batch, every part of the form that may ask a device for something, and clipping at most steps.
fn bench(values: &[(Hyperparameter, Value)]) -> Bench {
    let every_part = rich()
        .with(Hyperparameter::Pooling, word("max"))
        .and_then(|one| one.with(Hyperparameter::BatchSize, Value::Integer(2)))
        .and_then(|one| one.with(Hyperparameter::GradientClip, Value::Real(0.5)));
    let configuration =
        values.iter().fold(every_part.unwrap(), |one, (name, value)| one.with(*name, value.clone()).unwrap());
    Bench::new(configuration)
}

fn wild() -> Bench {
    bench(&[
        (Hyperparameter::LearningRate, Value::Real(100.0)),
        (Hyperparameter::Optimizer, word("sgd")),
        (Hyperparameter::GradientClip, Value::Real(0.0)),
        (Hyperparameter::WeightDecay, Value::Real(10.0)),
    ])
}

/// Prepares the trial in graph form, the form of GPUs, and does something with it.
fn in_graph_form<R>(bench: &Bench, act: impl FnOnce(&mut Trial<'_>) -> R) -> R {
    let path = bench.directory.path().join("dataset");
    let dataset = open_dataset(&path).unwrap();
    let request = TrainRequest {
        spec: &bench.spec,
        dataset: &path,
        checkpoint: None,
        until_epoch: None,
        directory: bench.directory.path(),
        device: DeviceChoice::Cpu,
    };
    let mut trial = Trial::prepare(request, &dataset).unwrap();
    trial.model = trial.model.in_graph_form();
    act(&mut trial)
}

/// What one pass over the training rows gave.
struct Passed {
    end: PassEnd,
    /// Step and loss of each step metric.
    losses: Vec<(u64, f64)>,
    transfers: usize,
    weights: Vec<u32>,
}

fn pass(bench: &Bench, stop: &dyn StopSignal) -> Passed {
    in_graph_form(bench, |trial| {
        let batch_size = bench.spec.configuration.batch_size() as usize;
        let pass = epoch::Pass { dataset: trial.dataset, batch_size, seed: bench.spec.seed, epoch: 1 };
        let mut recorder = Recorder::default();
        let mut steps = Steps::new(&mut recorder);
        let before = transfers();
        let (model, optimizer) = (&mut trial.model, &mut trial.optimizer);
        let end = pass.run(model, optimizer, &mut steps, stop, Underway::default()).unwrap();
        let transfers = transfers() - before;
        let losses = recorder.steps.iter().map(|one| (one.step, one.loss)).collect();
        Passed { end, losses, transfers, weights: bits(&trial.model) }
    })
}

fn bits(model: &Model) -> Vec<u32> {
    let tensors: Vec<_> = model.parameters().values().map(candle_core::Var::as_tensor).collect();
    crate::transfer::bring::<f32>(&tensors).unwrap().into_iter().map(f32::to_bits).collect()
}

/// The same pass as it was when each step waited for its loss and its norm: what it found, and how it diverged.
fn one_by_one(bench: &Bench, batches: usize) -> (Vec<(u64, f64)>, Option<String>, Vec<u32>) {
    in_graph_form(bench, |trial| {
        let (seed, view) = (bench.spec.seed, trial.dataset.view());
        let mut losses = Vec::new();
        for rows in training_batches(view, 2, seed, 1).iter().take(batches) {
            let batch = Batch::of_split(view, Split::Train, rows);
            let step = trial.optimizer.steps() + 1;
            let (scores, gradients) = trial.model.learn(&batch, DropoutKey { seed, step }).unwrap();
            let loss = scores.bring(&batch.labels).unwrap().mean_loss();
            if !loss.is_finite() {
                return (losses, Some(format!("the training loss is {loss} at step {step}")), Vec::new());
            }
            let norm = trial.optimizer.step(trial.model.parameters(), &gradients).unwrap().bring().unwrap();
            if !norm.is_finite() {
                return (losses, Some(format!("the gradient's norm is {norm} at step {step}")), Vec::new());
            }
            losses.push((step, loss));
        }
        (losses, None, bits(&trial.model))
    })
}

#[test]
fn a_block_of_steps_comes_in_one_transfer_and_to_the_bits_of_single_steps() {
    for (cell, optimizer) in [("lstm", "adam"), ("gru", "adamw"), ("simple_rnn", "sgd")] {
        let bench =
            bench(&[(Hyperparameter::Cell, word(cell)), (Hyperparameter::Optimizer, word(optimizer))]);
        let passed = pass(&bench, &|| false);
        let PassEnd::Trained(trained) = &passed.end else { panic!("not trained") };
        assert_eq!(trained.batches as usize, BATCHES);
        assert_eq!(passed.transfers, BATCHES.div_ceil(STEPS_MAX), "{cell}");
        let (losses, diverged, weights) = one_by_one(&bench, BATCHES);
        assert_eq!((passed.losses, diverged), (losses, None), "{cell}");
        assert!(passed.weights == weights, "other weights of {cell}");
    }
}

#[test]
fn a_stop_waits_for_the_steps_that_were_begun() {
    let bench = bench(&[]);
    for batches in [0, 1, STEPS_MAX - 1, STEPS_MAX, STEPS_MAX + 1] {
        let passed = pass(&bench, &after(batches as u32));
        let PassEnd::Stopped(underway) = &passed.end else { panic!("not stopped") };
        assert_eq!((underway.batches as usize, passed.losses.len()), (batches, batches));
        let (losses, _, weights) = one_by_one(&bench, batches);
        assert_eq!(passed.losses, losses);
        assert!(passed.weights == weights, "other weights after {batches}");
    }
}

#[test]
fn a_step_that_diverges_is_named_when_its_block_comes_and_nothing_is_kept_of_it() {
    let bench = wild();
    let (losses, message, _) = one_by_one(&bench, BATCHES);
    let message = message.expect("it diverges");
    assert!(losses.len() < STEPS_MAX - 1, "in the middle of a block: {message}");
    let passed = pass(&bench, &|| false);
    let PassEnd::Diverged(found) = &passed.end else { panic!("not diverged") };
    assert_eq!((found, &passed.losses), (&message, &losses));
    // A stop in between changes nothing of it.
    let stopped = pass(&bench, &after(losses.len() as u32 + 3));
    let PassEnd::Diverged(found) = &stopped.end else { panic!("not diverged") };
    assert_eq!((found, &stopped.losses), (&message, &losses));
    let mut recorder = Recorder::default();
    let ended = in_graph_form(&bench, |trial| trial.turn(&mut Steps::new(&mut recorder), &|| false));
    assert_eq!(ended.unwrap(), Some(Ended::Diverged { epoch: 1, message }));
    assert!(recorder.epochs.is_empty() && !bench.directory.path().join(CHECKPOINT_FILE).exists());
}

/// How many step metrics came at a time.
#[derive(Default)]
struct Groups(Vec<usize>);

impl Observer for Groups {
    fn steps(&mut self, points: &[StepMetric]) -> io::Result<()> {
        self.0.push(points.len());
        Ok(())
    }

    fn epoch(&mut self, _metric: &EpochMetric, _checkpoint: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_step_metrics_of_a_block_are_passed_on_together() {
    let mut groups = Groups::default();
    let bench = bench(&[]);
    in_graph_form(&bench, |trial| {
        let pass = epoch::Pass { dataset: trial.dataset, batch_size: 2, seed: bench.spec.seed, epoch: 1 };
        let mut steps = Steps::new(&mut groups);
        // Nothing was passed on for long.
        steps.passed_on =
            Instant::now().checked_sub(Duration::from_secs(5)).expect("this machine runs for longer");
        let (model, optimizer) = (&mut trial.model, &mut trial.optimizer);
        pass.run(model, optimizer, &mut steps, &|| false, Underway::default()).unwrap();
    });
    assert_eq!(groups.0.first(), Some(&STEPS_MAX), "the first of them keeps none of the others waiting");
    assert_eq!(groups.0.iter().sum::<usize>(), BATCHES);
}
