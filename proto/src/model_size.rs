//! How large a model is before it is built: trained numbers, and memory of one trial.

use crate::configuration::Configuration;
use crate::hyperparameter::Hyperparameter;

/// Trained numbers of the model of a configuration: embedding `[vocabulary, embedding]`, each
/// recurrent layer and direction with PyTorch's two biases, and the output layer.
///
/// Binary tasks have one output (the logit of class 1), others one per class. Sizes may come from a damaged
/// file: what exceeds 64 bits is the largest number.
pub fn parameters(configuration: &Configuration, vocabulary: u64, classes: u64) -> u64 {
    let units = configuration.integer(Hyperparameter::Units);
    let embedding = configuration.integer(Hyperparameter::Embedding);
    let directions = if configuration.flag(Hyperparameter::Bidirectional) { 2 } else { 1 };
    let gates = gates(configuration.word(Hyperparameter::Cell));
    let recurrent: u64 = (0..configuration.integer(Hyperparameter::Layers))
        .map(|layer| {
            let input = if layer == 0 { embedding } else { units * directions };
            directions * gates * units * (input + units + 2)
        })
        .sum();
    let outputs = outputs(classes);
    let output_layer = outputs.saturating_mul(units * directions + 1);
    vocabulary.saturating_mul(embedding).saturating_add(recurrent).saturating_add(output_layer)
}

/// Rows of gate weights per unit: 1 for SimpleRNN, 3 for GRU, 4 for LSTM.
pub fn gates(cell: &str) -> u64 {
    match cell {
        "lstm" => 4,
        "gru" => 3,
        _ => 1,
    }
}

/// Outputs of the last layer: one logit for two classes, else one per class.
pub fn outputs(classes: u64) -> u64 {
    if classes == 2 { 1 } else { classes }
}

/// How many times a checkpoint holds the model's numbers: its weights, the best weights, the optimiser's moments.
pub fn checkpoint_copies(configuration: &Configuration) -> u64 {
    let moments = match configuration.word(Hyperparameter::Optimizer) {
        "sgd" => 0,
        "rmsprop" => 1,
        _ => 2,
    };
    2 + moments
}

/// A rough upper estimate of the bytes that training one trial needs: weights, gradients, two
/// optimiser moments and the best weights (4 bytes each), and the activations of one batch at full
/// length with room for their gradients.
pub fn memory_bytes(configuration: &Configuration, vocabulary: u64, classes: u64) -> u64 {
    let weights = parameters(configuration, vocabulary, classes).saturating_mul(5);
    let directions = if configuration.flag(Hyperparameter::Bidirectional) { 2 } else { 1 };
    let per_token = configuration.integer(Hyperparameter::Embedding)
        + configuration.integer(Hyperparameter::Units)
            * directions
            * configuration.integer(Hyperparameter::Layers)
            * (2 * gates(configuration.word(Hyperparameter::Cell)) + 2);
    let tokens =
        configuration.integer(Hyperparameter::BatchSize) * configuration.integer(Hyperparameter::MaxLength);
    weights.saturating_add(2 * per_token * tokens).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Value;

    #[test]
    fn a_small_lstm_has_the_count_that_pytorch_gives() {
        // sum(p.numel()) of Embedding(100, 8), LSTM(8, 4, 2, bidirectional=True), Linear(8, 1):
        // 800 + 2*(4*4*8 + 4*4*4 + 32) + 2*(4*4*8 + 4*4*4 + 32) + 9 = 1705
        let configuration = [
            (Hyperparameter::Units, Value::Integer(4)),
            (Hyperparameter::Embedding, Value::Integer(8)),
            (Hyperparameter::Layers, Value::Integer(2)),
            (Hyperparameter::Bidirectional, Value::Flag(true)),
        ]
        .into_iter()
        .fold(Configuration::default(), |one, (name, value)| one.with(name, value).expect("valid"));
        assert_eq!(parameters(&configuration, 100, 2), 1705);
        assert_eq!(parameters(&configuration, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(memory_bytes(&configuration, 1 << 62, 2), u64::MAX);
    }
}
