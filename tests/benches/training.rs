//! Training steps and inference of single models, and the matrix product on one thread that limits them:
//! `RAYON_NUM_THREADS=1 cargo bench --package sweep-tests --bench training`, or 2.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]
#![allow(clippy::expect_used, reason = "a benchmark may end with a panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sweep_proto::Configuration;
use worker_trainer::measure::{MeasuredProduct, MeasuredStep};

const VOCABULARY: usize = 10_000;

/// Rows of tokens that are all over the vocabulary; each `shorter` tokens shorter than the one before.
fn rows(count: usize, length: usize, shorter: usize) -> Vec<Vec<u32>> {
    let token = |row: usize, step: usize| ((row * 7_919 + step * 104_729) % VOCABULARY) as u32;
    let row =
        |row: usize| (0..length.saturating_sub(row * shorter).max(1)).map(|step| token(row, step)).collect();
    (0..count).map(row).collect()
}

fn step(configuration: &str, rows: Vec<Vec<u32>>) -> MeasuredStep {
    let configuration: Configuration = serde_json::from_str(configuration).expect("a configuration");
    MeasuredStep::new(&configuration, VOCABULARY, rows).expect("a model")
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    group.sample_size(10);
    for (units, batch_size, embedding) in [(32, 64, 32), (64, 32, 64), (128, 128, 128)] {
        for cell in ["lstm", "gru", "simple_rnn"] {
            let text = format!(r#"{{"cell": "{cell}", "units": {units}, "embedding": {embedding}}}"#);
            group.throughput(Throughput::Elements(batch_size as u64));
            let name = format!("{cell}, {units} units, batch {batch_size}, embedding {embedding}");
            let mut measured = step(&text, rows(batch_size, 100, 0));
            group.bench_function(&name, |bench| bench.iter(|| measured.train().expect("a step")));
        }
    }
    let layers = r#"{"units": 64, "embedding": 64, "layers": 2, "bidirectional": true, "pooling": "max"}"#;
    let mut measured = step(layers, rows(64, 100, 1));
    group.throughput(Throughput::Elements(64));
    group.bench_function("two layers both ways, max, rows of 37 to 100", |bench| {
        bench.iter(|| measured.train().expect("a step"));
    });
    let mut measured = step(r#"{"units": 64, "embedding": 64}"#, rows(32, 100, 0)).in_graph_form();
    group.throughput(Throughput::Elements(32));
    group.bench_function("lstm, 64 units, batch 32, embedding 64, in graph form", |bench| {
        bench.iter(|| measured.train().expect("a step"));
    });
    group.finish();
}

fn inference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inference");
    group.sample_size(10);
    for units in [64, 256] {
        let text = format!(r#"{{"units": {units}, "embedding": {units}}}"#);
        let mut measured = step(&text, rows(256, 100, 0));
        group.throughput(Throughput::Elements(256));
        group.bench_function(format!("lstm, {units} units"), |bench| {
            bench.iter(|| black_box(measured.infer().expect("logits")));
        });
    }
    group.finish();
}

fn limit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limit");
    let mut measured = MeasuredProduct::new(768);
    group.throughput(Throughput::Elements(measured.multiply() as u64));
    group.bench_function("matrix product, operations", |bench| bench.iter(|| measured.multiply()));
    group.finish();
}

criterion_group!(all, limit, steps, inference);
criterion_main!(all);
