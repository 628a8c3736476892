//! Training speed on made-up text: `throughput [name=value …]` prints one JSON line.
//!
//! `units`, `batch_size`, `embedding` and every other hyperparameter; `length=100` tokens a row; `tokens=uniform|zipf`;
//! `lengths=full|varying`; `trials=2` side by side (set `RAYON_NUM_THREADS=1` for one thread each); `rows` of one epoch; `seconds` to measure for.
//! `device=cpu|cuda:0|auto`; a GPU needs a build with `--features cuda`.
//! `dataset=FILE` trains on an encoded dataset instead of made-up text.
//! `limit=768` measures a product of square matrices of that size instead: its operations per second on one thread.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for measuring; it may end with a panic")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweep_proto::encoded::{EncodedHeader, EncodedRows, SplitSize, encode};
use sweep_proto::{
    Configuration, Digest, EpochMetric, Hyperparameter, StepMetric, SweepId, TrialId, TrialSpec, Value,
};
use worker_trainer::measure::MeasuredProduct;
use worker_trainer::{DeviceChoice, Observer, TrainRequest, train};

const VOCABULARY: u32 = 10_000;

/// Collects the rate of every epoch after the first, and ends when all trials have measured for long enough.
struct Meter<'a> {
    rates: Vec<f64>,
    memory_bytes: u64,
    seconds: f64,
    began: Option<Instant>,
    /// Trials that have not measured for long enough yet.
    measuring: &'a AtomicUsize,
    has_measured: bool,
    stop: &'a AtomicBool,
}

impl Observer for Meter<'_> {
    fn steps(&mut self, _points: &[StepMetric]) -> io::Result<()> {
        Ok(())
    }

    fn epoch(&mut self, metric: &EpochMetric, _checkpoint: &Path) -> io::Result<()> {
        self.memory_bytes = self.memory_bytes.max(metric.peak_memory_bytes);
        match self.began {
            None => self.began = Some(Instant::now()),
            Some(_) => self.rates.push(metric.examples_per_second),
        }
        let measured = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        if !self.has_measured && measured.as_secs_f64() >= self.seconds && self.rates.len() >= 2 {
            self.has_measured = true;
            // The others go on, so that all measure beside each other; the last one ends them.
            if self.measuring.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Rows of tokens from 2 on, drawn as the caller wishes.
fn rows(count: usize, length: usize, zipf: bool, varying: bool) -> EncodedRows {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut cumulative = Vec::new();
    let mut total = 0.0;
    for rank in 1..VOCABULARY - 1 {
        total += if zipf { 1.0 / f64::from(rank) } else { 1.0 };
        cumulative.push(total);
    }
    let mut unit = move || f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0);
    let mut rows = EncodedRows::default();
    for _ in 0..count {
        // About log-normal with a mean of half the length.
        let spread = 1.2 * (unit() + unit() + unit() + unit() - 2.0);
        let drawn = (length as f64 * 0.45 * spread.exp()) as usize;
        let length = if varying { drawn.clamp(length.min(5), length) } else { length };
        let token = |at: f64| 2 + cumulative.partition_point(|sum| *sum < at * total) as u32;
        rows.rows.push((0..length).map(|_| token(unit()).min(VOCABULARY - 1)).collect());
        rows.labels.push(u32::from(unit() < 0.5));
    }
    rows
}

/// Writes an encoded dataset with this training split.
fn made_up(directory: &Path, train: &EncodedRows, length: usize) -> PathBuf {
    let header = EncodedHeader {
        dataset: "made up".into(),
        classes: vec!["no".into(), "yes".into()],
        vocabulary: VOCABULARY,
        max_length: length as u32,
        truncation_side: "right".into(),
        tokenizer: "{}".into(),
        splits: [SplitSize::default(); 3],
    };
    let few = || rows(2, 5, false, false);
    let file = directory.join("dataset");
    std::fs::write(&file, encode(header, &[train.clone(), few(), few()])).unwrap();
    file
}

fn limit(size: usize, seconds: f64) {
    let mut product = MeasuredProduct::new(size);
    let mut rates = Vec::new();
    let started = Instant::now();
    while rates.is_empty() || started.elapsed().as_secs_f64() < seconds {
        let at = Instant::now();
        let operations = (0..5).map(|_| product.multiply()).sum::<f64>();
        rates.push(operations / at.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    println!("{}", serde_json::json!({ "examples_per_second": rate, "peak_memory_bytes": 0 }));
}

fn main() {
    let mut configuration = Configuration::default();
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').expect("name=value");
        if let Some(hyperparameter) = Hyperparameter::from_name(name) {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::Word(value.to_owned()));
            configuration.set(hyperparameter, value).expect("a value");
        } else {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    configuration.set(Hyperparameter::Epochs, Value::Integer(1_000)).expect("a value");
    configuration.set(Hyperparameter::Patience, Value::Integer(0)).expect("a value");
    let option = |name: &str, default: &str| options.get(name).cloned().unwrap_or_else(|| default.to_owned());
    let number = |name: &str, default: usize| option(name, &default.to_string()).parse().expect("a number");
    if let Some(size) = options.get("limit") {
        return limit(size.parse().expect("a size"), option("seconds", "5").parse().expect("seconds"));
    }
    let (length, trials) = (number("length", 100), number("trials", 1));
    let batch_size = configuration.batch_size() as usize;
    let count = number("rows", 12 * batch_size);
    let (zipf, varying) = (option("tokens", "uniform") == "zipf", option("lengths", "full") == "varying");
    let directory = tempfile::tempdir().unwrap();
    let dataset = match options.get("dataset") {
        Some(file) => PathBuf::from(file),
        None => made_up(directory.path(), &rows(count, length, zipf, varying), length),
    };
    let bytes = std::fs::read(&dataset).unwrap();

    let id = TrialId { sweep: SweepId(1), index: 0 };
    let digest = Digest::of(&bytes);
    let device: DeviceChoice = option("device", "cpu").parse().expect("a device");
    let seconds = option("seconds", "5").parse().expect("seconds");
    let (stop, measuring) = (AtomicBool::new(false), AtomicUsize::new(trials));
    let run = |trial: usize| {
        let spec = TrialSpec {
            id,
            configuration: configuration.clone(),
            replicate: 0,
            seed: trial as u64,
            dataset: digest.into(),
        };
        let directory = tempfile::tempdir().unwrap();
        let request = TrainRequest {
            spec: &spec,
            dataset: &dataset,
            checkpoint: None,
            until_epoch: None,
            directory: directory.path(),
            device,
        };
        let (measuring, stop) = (&measuring, &stop);
        let (rates, has_measured) = (Vec::new(), false);
        let mut meter = Meter { rates, memory_bytes: 0, seconds, began: None, measuring, has_measured, stop };
        train(&request, &mut meter, stop).unwrap();
        meter.rates.sort_by(f64::total_cmp);
        (meter.rates[meter.rates.len() / 2], meter.memory_bytes)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let run = &run;
        let started: Vec<_> = (0..trials).map(|trial| scope.spawn(move || run(trial))).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let rate: f64 = results.iter().map(|(rate, _)| rate).sum();
    let memory = results.iter().map(|(_, memory)| *memory).max().unwrap_or(0);
    println!(
        "{}",
        serde_json::json!({ "examples_per_second": rate, "trials": trials, "peak_memory_bytes": memory })
    );
}
