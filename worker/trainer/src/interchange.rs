//! Weights that this trainer writes are those of candle-nn: its own layers read the file and compute the same.

use candle_core::{DType, Device, Tensor};
use candle_nn::rnn::{GRUConfig, LSTMConfig};
use candle_nn::{Module, RNN, VarBuilder, embedding, gru, linear, lstm};
use sweep_proto::Configuration;

use crate::data::Batch;
use crate::model::{Model, ModelShape};
use crate::testing::{VOCABULARY, sample_rows};
use crate::weights_file;

const UNITS: usize = 5;
const EMBEDDING: usize = 3;

/// The last state `[1, units]` of one row `[1, time, embedding]`, by candle-nn.
fn last_state(cell: &str, inputs: &Tensor, weights: VarBuilder<'_>) -> Tensor {
    let last = match cell {
        "lstm" => {
            let layer = lstm(EMBEDDING, UNITS, LSTMConfig::default(), weights).unwrap();
            layer.seq(inputs).unwrap().last().map(|state| state.h().clone())
        }
        "gru" => {
            let layer = gru(EMBEDDING, UNITS, GRUConfig::default(), weights).unwrap();
            layer.seq(inputs).unwrap().last().map(|state| state.h().clone())
        }
        other => panic!("candle-nn has no {other}"),
    };
    last.unwrap()
}

#[test]
fn candle_nn_reads_the_weights_file_and_computes_the_same_logits() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("model.safetensors");
    for cell in ["lstm", "gru"] {
        let text =
            format!(r#"{{"cell": "{cell}", "units": {UNITS}, "embedding": {EMBEDDING}, "pooling": "last"}}"#);
        let configuration: Configuration = serde_json::from_str(&text).unwrap();
        let shape = ModelShape::of_sizes(&configuration, VOCABULARY as usize, 2).unwrap();
        let mut model = Model::initial(shape, 7, &Device::Cpu).unwrap();
        weights_file::write(&file, &model.weights().unwrap(), ("format", "pt".to_owned())).unwrap();

        let bytes = std::fs::read(&file).unwrap();
        let weights = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu).unwrap();
        let embed = embedding(VOCABULARY as usize, EMBEDDING, weights.pp("embedding")).unwrap();
        let output = linear(UNITS, 1, weights.pp("output")).unwrap();
        for (row, tokens) in sample_rows(20, 3, "interchange").rows.into_iter().enumerate() {
            let ids = Tensor::new(tokens.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let state = last_state(cell, &embed.forward(&ids).unwrap(), weights.pp("rnn"));
            let theirs = output.forward(&state).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let batch = Batch::pack(&[(0, tokens, 0)]);
            let ours = model.inference_logits(&batch).unwrap().values;
            assert!((ours[0] - theirs[0]).abs() < 1e-6, "{cell}, row {row}: {} and {}", ours[0], theirs[0]);
        }
    }
}
