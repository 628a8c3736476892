//! The same work as `throughput`, written with candle-nn's layers: `candle_nn UNITS BATCH EMBEDDING LENGTH SECONDS` prints
//! one JSON line. Its cross-entropy takes a logarithm of a logistic function, so the loss is written out here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for measuring; it may end with a panic")]

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::rnn::{LSTMConfig, RNN, lstm};
use candle_nn::{AdamW, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, embedding, linear};

const VOCABULARY: usize = 10_000;

fn main() {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse().expect("a whole number")).collect();
    let [units, batch_size, size, length, seconds] = numbers[..] else {
        eprintln!("give UNITS BATCH EMBEDDING LENGTH SECONDS");
        return;
    };
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let table = embedding(VOCABULARY, size, builder.pp("embedding")).unwrap();
    let layer = lstm(size, units, LSTMConfig::default(), builder.pp("lstm")).unwrap();
    let output = linear(units, 1, builder.pp("output")).unwrap();
    let settings = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(variables.all_vars(), settings).unwrap();

    let mut place = 0_usize;
    let mut step = || {
        let token = |at: usize| ((at * 104_729) % VOCABULARY) as u32;
        let tokens: Vec<u32> = (place..place + batch_size * length).map(token).collect();
        place += batch_size * length;
        let labels: Vec<f32> = (0..batch_size).map(|row| (row % 2) as f32).collect();
        let tokens = Tensor::from_vec(tokens, (batch_size, length), &Device::Cpu).unwrap();
        let labels = Tensor::from_vec(labels, batch_size, &Device::Cpu).unwrap();
        let states = layer.seq(&table.forward(&tokens).unwrap()).unwrap();
        let logits = output.forward(states.last().unwrap().h()).unwrap().squeeze(1).unwrap();
        let positive = logits.relu().unwrap();
        let rest = (logits.abs().unwrap().neg().unwrap().exp().unwrap() + 1.0).unwrap().log().unwrap();
        let losses = ((positive - (&logits * labels).unwrap()).unwrap() + rest).unwrap();
        let loss = losses.mean_all().unwrap();
        optimizer.backward_step(&loss).unwrap();
        loss.to_scalar::<f32>().unwrap()
    };
    step();
    let (started, mut steps) = (Instant::now(), 0);
    while steps < 3 || started.elapsed().as_secs_f64() < seconds as f64 {
        step();
        steps += 1;
    }
    let rate = (steps * batch_size) as f64 / started.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = peak.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    println!("{}", serde_json::json!({ "examples_per_second": rate, "peak_memory_bytes": kilobytes * 1024 }));
}
