//! Trains one configuration on an encoded dataset and prints each epoch: `train_file DATASET [name=value …]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for measuring; it may end with a panic")]

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sweep_proto::{
    Configuration, Digest, EpochMetric, Hyperparameter, StepMetric, SweepId, TrialId, TrialSpec,
};
use worker_trainer::{DeviceChoice, Ended, Observer, TrainRequest, evaluate, train};

struct Printer;

impl Observer for Printer {
    fn steps(&mut self, _points: &[StepMetric]) -> io::Result<()> {
        Ok(())
    }

    fn epoch(&mut self, metric: &EpochMetric, _checkpoint: &Path) -> io::Result<()> {
        println!("{metric:?}");
        Ok(())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dataset = arguments.next().expect("the encoded dataset's path");
    let mut configuration = Configuration::default();
    for argument in arguments {
        let (name, value) = argument.split_once('=').expect("name=value");
        let value =
            serde_json::from_str(value).unwrap_or_else(|_| sweep_proto::Value::Word(value.to_owned()));
        configuration
            .set(Hyperparameter::from_name(name).expect("a hyperparameter"), value)
            .expect("a value");
    }
    let bytes = std::fs::read(&dataset).unwrap();
    let id = TrialId { sweep: SweepId(1), index: 0 };
    let spec = TrialSpec { id, configuration, replicate: 0, seed: 1, dataset: Digest::of(&bytes).into() };
    let directory = tempfile::tempdir().unwrap();
    let request = TrainRequest {
        spec: &spec,
        dataset: dataset.as_ref(),
        checkpoint: None,
        until_epoch: None,
        directory: directory.path(),
        device: DeviceChoice::Cpu,
    };
    let never = AtomicBool::new(false);
    let ended = train(&request, &mut Printer, &never).unwrap();
    println!("{ended:?}");
    if let Ended::Completed(completed) = ended {
        println!(
            "{:?}",
            evaluate(&spec, dataset.as_ref(), &completed.model, DeviceChoice::Cpu, &never).unwrap()
        );
    }
}
