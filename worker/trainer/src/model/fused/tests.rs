//! The fused form agrees with the graph of plain ops: logits, loss and every gradient, on every shape.

use candle_core::Device;
use proptest::prelude::*;
use sweep_proto::Configuration;

use crate::data::Batch;
use crate::kernels::fused::Level;
use crate::model::loss::Scored;
use crate::model::{DropoutKey, Model, ModelShape};
use crate::optimizer::{Gradients, Optimizer};
use sweep_proto::random::Stream;

const VOCABULARY: usize = 23;
const KEY: DropoutKey = DropoutKey { seed: 3, step: 5 };

fn batch(lengths: &[usize], classes: usize) -> Batch {
    let mut stream = Stream::new(11, "fused", 0);
    let mut below = |bound: usize| (stream.unit() * bound as f32) as u32;
    let rows = lengths.iter().enumerate().map(|(row, length)| {
        let tokens = (0..*length).map(|_| below(VOCABULARY)).collect();
        (row, tokens, below(classes))
    });
    Batch::pack(&rows.collect::<Vec<_>>())
}

fn model(configuration: &str, classes: usize) -> Model {
    let configuration: Configuration = serde_json::from_str(configuration).unwrap();
    let shape = ModelShape::of_sizes(&configuration, VOCABULARY, classes).unwrap();
    let model = Model::initial(shape, 9, &Device::Cpu).unwrap();
    // Recurrent and output biases begin as zeros, which would hide where they are added.
    let mut stream = Stream::new(12, "biases", 0);
    for (name, var) in model.parameters().iter().filter(|(name, _)| name.contains("bias")) {
        let values: Vec<f32> = (0..var.elem_count()).map(|_| stream.unit() - 0.5).collect();
        assert!(!values.is_empty(), "{name}");
        var.set(&candle_core::Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    model
}

fn learn(model: &mut Model, batch: &Batch) -> (Scored, Gradients) {
    let (scores, gradients) = model.learn(batch, KEY).unwrap();
    (scores.bring(&batch.labels).unwrap(), gradients)
}

/// The two forms' `tanh` differ by up to 5e-7, which sums and steps add up.
fn assert_close(what: &str, left: &[f32], right: &[f32]) {
    assert_eq!(left.len(), right.len(), "{what}");
    let scale = right.iter().fold(0.2_f32, |high, value| high.max(value.abs()));
    for (place, (left, right)) in left.iter().zip(right).enumerate() {
        assert!((left - right).abs() <= 1e-5 * scale, "{what}[{place}]: {left} and {right}");
    }
}

/// Runs several batches through one model, so that buffers are used again.
fn assert_agreement(configuration: &str, classes: usize, lengths: &[Vec<usize>], level: Level) {
    let mut fused = model(configuration, classes).at_level(level);
    let mut graph = model(configuration, classes).in_graph_form();
    for lengths in lengths {
        let batch = batch(lengths, classes);
        let (ours, theirs) =
            (fused.inference_logits(&batch).unwrap(), graph.inference_logits(&batch).unwrap());
        assert_close("logits", &ours.values, &theirs.values);
        let ((scored, ours), (expected, theirs)) = (learn(&mut fused, &batch), learn(&mut graph, &batch));
        assert!((scored.mean_loss() - expected.mean_loss()).abs() < 2e-6, "{configuration} {lengths:?}");
        for (name, var) in graph.parameters() {
            let elements = var.elem_count();
            let what = format!("{name} of {configuration} at {lengths:?}");
            assert_close(&what, &ours[name].to_dense(elements), &theirs[name].to_dense(elements));
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

fn configuration(
    cell: &str,
    pooling: &str,
    units: usize,
    embedding: usize,
    layers: usize,
    bidirectional: bool,
    dropout: f64,
) -> String {
    serde_json::json!({
        "cell": cell, "pooling": pooling, "units": units, "embedding": embedding,
        "layers": layers, "bidirectional": bidirectional, "dropout": dropout,
    })
    .to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn fused_and_graph_agree(
        lengths in proptest::collection::vec(proptest::collection::vec(1_usize..9, 1..20), 1..4),
        (units, embedding, layers) in (1_usize..40, 1_usize..20, 1_usize..4),
        bidirectional in any::<bool>(),
        (cell, pooling) in (
            prop_oneof![Just("simple_rnn"), Just("lstm"), Just("gru")],
            // Not the maximum: where two states lie within rounding, the forms may choose different ones.
            prop_oneof![Just("last"), Just("mean")],
        ),
        dropout in prop_oneof![Just(0.0), Just(0.3)],
        classes in 2_usize..5,
        portable in any::<bool>(),
    ) {
        let text = configuration(cell, pooling, units, embedding, layers, bidirectional, dropout);
        let level = if portable { Level::Portable } else { Level::Best };
        assert_agreement(&text, classes, &lengths, level);
    }
}

#[test]
fn whole_vectors_and_long_rows_agree() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        for pooling in ["last", "mean"] {
            let text = configuration(cell, pooling, 64, 32, 2, true, 0.0);
            let lengths =
                vec![vec![60, 59, 31, 31, 2, 1, 17, 17, 17, 17, 17, 17, 17, 5], vec![1], vec![3, 3]];
            assert_agreement(&text, 2, &lengths, Level::Best);
        }
    }
}

#[test]
fn maxima_agree() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        for (units, layers, bidirectional) in [(7, 1, false), (20, 2, true)] {
            let text = configuration(cell, "max", units, 6, layers, bidirectional, 0.3);
            assert_agreement(&text, 3, &[vec![8, 7, 7, 3, 1], vec![2], vec![5, 5]], Level::Best);
            assert_agreement(&text, 2, &[vec![4, 1], vec![6, 6, 6]], Level::Portable);
        }
    }
}

#[test]
fn a_spoilt_batch_leaves_nothing_behind() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        let text = configuration(cell, "mean", 20, 6, 2, true, 0.3);
        let (mut model, mut fresh) = (self::model(&text, 2), self::model(&text, 2));
        let table = &model.parameters()["embedding.weight"];
        let sound = table.as_detached_tensor().copy().unwrap();
        table.set(&(&sound * f64::NAN).unwrap()).unwrap();
        let (scored, _) = learn(&mut model, &batch(&[9, 9, 8, 2, 2], 2));
        assert!(scored.mean_loss().is_nan());
        model.parameters()["embedding.weight"].set(&sound).unwrap();
        for lengths in [vec![7, 3, 1], vec![4]] {
            let batch = self::batch(&lengths, 2);
            assert_eq!(
                model.inference_logits(&batch).unwrap().values,
                fresh.inference_logits(&batch).unwrap().values
            );
            let ((_, ours), (_, theirs)) =
                (model.learn(&batch, KEY).unwrap(), fresh.learn(&batch, KEY).unwrap());
            for (name, var) in fresh.parameters() {
                let elements = var.elem_count();
                assert_eq!(ours[name].to_dense(elements), theirs[name].to_dense(elements), "{cell} {name}");
            }
        }
    }
}

#[test]
fn a_token_that_the_model_does_not_know_is_an_error() {
    let mut model = model(&configuration("lstm", "last", 8, 4, 1, false, 0.0), 2);
    let batch = Batch::pack(&[(0, vec![VOCABULARY as u32], 0)]);
    let error = model.inference_logits(&batch).unwrap_err();
    assert!(error.to_string().contains("token 23"), "{error}");
}

#[test]
fn what_is_not_finite_reaches_loss_and_gradients() {
    for cell in ["simple_rnn", "lstm", "gru"] {
        let mut model = model(&configuration(cell, "max", 8, 4, 1, false, 0.0), 2);
        let table = &model.parameters()["embedding.weight"];
        let not_a_number = (table.as_detached_tensor() * f64::NAN).unwrap();
        table.set(&not_a_number).unwrap();
        let (scored, gradients) = learn(&mut model, &batch(&[3, 2], 2));
        assert!(scored.mean_loss().is_nan(), "{cell}");
        let name = "rnn.weight_hh_l0";
        let elements = model.parameters()[name].elem_count();
        assert!(gradients[name].to_dense(elements).iter().any(|value| value.is_nan()), "{cell}");
    }
}

#[test]
fn threads_change_no_bit() {
    let trained = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut all = Vec::new();
            for (cell, layers) in [("simple_rnn", 2), ("lstm", 1), ("gru", 2)] {
                let text = configuration(cell, "mean", 40, 24, layers, true, 0.2);
                let mut model = model(&text, 3);
                let mut optimizer =
                    Optimizer::new(&serde_json::from_str(&text).unwrap(), model.parameters()).unwrap();
                for lengths in [vec![30, 22, 9, 9, 9, 4, 1], vec![8; 33], vec![2]] {
                    let (_, gradients) = model.learn(&batch(&lengths, 3), KEY).unwrap();
                    optimizer.step(model.parameters(), &gradients).unwrap();
                }
                for var in model.parameters().values() {
                    all.extend(var.flatten_all().unwrap().to_vec1::<f32>().unwrap());
                }
            }
            all
        })
    };
    let alone = trained(1);
    for threads in [2, 3] {
        assert!(alone == trained(threads), "{threads} threads");
    }
}
