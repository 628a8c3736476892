//! The trainer agrees with PyTorch; `tests/golden/make.py` says how the numbers were made.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde::Deserialize;
use sweep_proto::Configuration;

use crate::data::Batch;
use crate::kernels::fused::Level;
use crate::model::loss::Scored;
use crate::model::{DropoutKey, Model, ModelShape, Named};
use crate::optimizer::Optimizer;

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<u32>>,
    vocabulary: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    configuration: Configuration,
    classes: usize,
    labels: Vec<u32>,
    weights: BTreeMap<String, Vec<f32>>,
    logits: Vec<f32>,
    loss: f64,
    gradients: BTreeMap<String, Vec<f32>>,
    losses: Vec<f64>,
    trained: BTreeMap<String, Vec<f32>>,
}

const KEY: DropoutKey = DropoutKey { seed: 0, step: 1 };

fn golden() -> Golden {
    serde_json::from_str(include_str!("../tests/golden/golden.json")).unwrap()
}

fn model_of(case: &Case, vocabulary: usize) -> Model {
    model_on(case, vocabulary, &Device::Cpu)
}

fn model_on(case: &Case, vocabulary: usize, device: &Device) -> Model {
    let shape = ModelShape::of_sizes(&case.configuration, vocabulary, case.classes).unwrap();
    let mut weights = Named::new();
    for parameter in shape.parameters() {
        let values = case.weights[&parameter.name].clone();
        let tensor = Tensor::from_vec(values, parameter.dimensions.as_slice(), &Device::Cpu).unwrap();
        weights.insert(parameter.name, tensor);
    }
    assert_eq!(weights.len(), case.weights.len());
    Model::with_weights(shape, &weights, device).unwrap()
}

fn batch_of(case: &Case, rows: &[Vec<u32>]) -> Batch {
    let rows: Vec<_> = rows
        .iter()
        .zip(&case.labels)
        .enumerate()
        .map(|(row, (tokens, label))| (row, tokens.clone(), *label))
        .collect();
    Batch::pack(&rows)
}

fn assert_close(what: &str, case: &Case, left: &[f32], right: &[f32], bound: f32) {
    assert_eq!(left.len(), right.len(), "{what}");
    for (place, (left, right)) in left.iter().zip(right).enumerate() {
        let label = case.configuration.label(sweep_proto::Hyperparameter::ALL);
        assert!((left - right).abs() <= bound, "{what}[{place}]: {left} and {right} in {label}");
    }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn forward_loss_gradients_and_ten_steps_are_those_of_pytorch() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 12);
    for case in &golden.cases {
        check(case, &golden.rows, model_of(case, golden.vocabulary));
        check(case, &golden.rows, model_of(case, golden.vocabulary).at_level(Level::Portable));
        check(case, &golden.rows, model_of(case, golden.vocabulary).in_graph_form());
    }
}

/// Every golden on a GPU, as [`forward_loss_gradients_and_ten_steps_are_those_of_pytorch`] on the CPU.
#[cfg(feature = "cuda")]
pub(crate) fn check_on(device: &Device) {
    let golden = golden();
    for case in &golden.cases {
        check(case, &golden.rows, model_on(case, golden.vocabulary, device));
    }
}

fn check(case: &Case, rows: &[Vec<u32>], mut model: Model) {
    let batch = batch_of(case, rows);
    let mut optimizer = Optimizer::new(&case.configuration, model.parameters()).unwrap();
    for (step, expected) in case.losses.iter().enumerate() {
        let logits = model.inference_logits(&batch).unwrap();
        let (scores, gradients) = model.learn(&batch, KEY).unwrap();
        let scored = scores.bring(&batch.labels).unwrap();
        assert!(
            (scored.mean_loss() - expected).abs() < 2e-5,
            "step {step}: {} {expected}",
            scored.mean_loss()
        );
        if step == 0 {
            assert!((scored.mean_loss() - case.loss).abs() < 1e-6);
            let outputs = case.logits.len() / rows.len();
            for (row, found) in batch.rows.iter().zip(logits.rows()) {
                assert_close("logits", case, found, &case.logits[row * outputs..(row + 1) * outputs], 2e-6);
            }
            for (name, var) in model.parameters() {
                let found = gradients[name].to_dense(var.elem_count());
                assert_close(name, case, &found, &case.gradients[name], 2e-6);
            }
        }
        optimizer.step(model.parameters(), &gradients).unwrap();
    }
    for (name, var) in model.parameters() {
        assert_close(name, case, &numbers(var), &case.trained[name], 1e-4);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let golden = golden();
    for case in &golden.cases {
        let (mut model, batch) = (model_of(case, golden.vocabulary), batch_of(case, &golden.rows));
        let (_, gradients) = model.learn(&batch, KEY).unwrap();
        for (name, var) in model.parameters().clone() {
            // Along the gradient itself, the derivative of the loss is the gradient's squared norm.
            let gradient = gradients[&name].to_dense(var.elem_count());
            let squared = gradient.iter().map(|one| f64::from(*one).powi(2)).sum::<f64>();
            let gradient = Tensor::from_vec(gradient, var.shape(), &Device::Cpu).unwrap();
            let step = 1e-2 / squared.sqrt().max(1e-6);
            let start = var.as_detached_tensor().copy().unwrap();
            let mut moved = [0.0, 0.0];
            for (loss_there, sign) in moved.iter_mut().zip([1.0, -1.0]) {
                var.set(&(&start + (&gradient * (sign * step)).unwrap()).unwrap()).unwrap();
                let logits = model.inference_logits(&batch).unwrap();
                *loss_there = Scored::new(&logits.values, logits.outputs, &batch.labels).mean_loss();
            }
            var.set(&start).unwrap();
            let slope = (moved[0] - moved[1]) / (2.0 * step);
            assert!((slope - squared).abs() <= 2e-2 * squared + 1e-6, "{name}: {slope} and {squared}");
        }
    }
}

#[test]
fn batch_mates_do_not_change_a_row() {
    let golden = golden();
    for case in &golden.cases {
        let mut model = model_of(case, golden.vocabulary);
        let together = batch_of(case, &golden.rows);
        let logits = model.inference_logits(&together).unwrap();
        for (row, found) in together.rows.iter().zip(logits.rows()) {
            let alone = Batch::pack(&[(0, golden.rows[*row].clone(), case.labels[*row])]);
            let expected = model.inference_logits(&alone).unwrap();
            assert_close("alone", case, found, &expected.values, 1e-6);
        }
    }
}
