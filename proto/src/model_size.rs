//! How large a model is before it is built: trained numbers, and memory of one trial.

use crate::configuration::Configuration;

/// Trained numbers of the model of a configuration: embedding `[vocabulary, embedding]`, each
/// recurrent layer and direction with PyTorch's two biases, and the output layer.
///
/// Binary tasks have one output (the logit of class 1), others one per class. Sizes may come from a damaged
/// file: what exceeds 64 bits is the largest number.
pub fn parameters(configuration: &Configuration, vocabulary: u64, classes: u64) -> u64 {
    let units = configuration.units();
    let embedding = configuration.embedding();
    let directions = if configuration.bidirectional() { 2 } else { 1 };
    let gates = gates(configuration.cell());
    let recurrent: u64 = (0..configuration.layers())
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
    let moments = match configuration.optimizer() {
        "sgd" => 0,
        "rmsprop" => 1,
        _ => 2,
    };
    2 + moments
}

/// Bytes of a number.
const NUMBER_BYTES: f64 = 4.0;
/// Resident bytes of a slot's process before it has data or a model: the program, its libraries and threads.
const PROGRAM_BYTES: f64 = 12.5e6;
/// Tokens of a batch of evaluation, at most.
const EVALUATION_TOKENS_MAX: f64 = 8_192.0;
/// Rows of a batch of evaluation, at most.
const EVALUATION_ROWS_MAX: f64 = 512.0;
/// Units are filled up to a multiple of this.
const UNITS_MULTIPLE: u64 = 16;
/// Buffers are a sixteenth larger than what they first had to hold.
const BUFFER_ROOM: f64 = 17.0 / 16.0;
/// How often a checkpoint's numbers stand in memory while it is written: as bytes, which grow as they are collected, and as
/// the file.
const CHECKPOINT_IN_MEMORY: f64 = 2.25;
/// Heaps' law: `n` tokens have about `3 n^0.75` distinct ones.
const HEAPS: (f64, f64) = (3.0, 0.75);

/// What a slot's memory depends on beside the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotData {
    /// Distinct tokens, padding and unknown included.
    pub vocabulary: u64,
    /// Classes.
    pub classes: u64,
    /// Tokens of the largest batch of training.
    pub batch_tokens: u64,
    /// Tokens of the longest text.
    pub longest: u64,
    /// Bytes of the encoded dataset, which is mapped.
    pub dataset_bytes: u64,
}

/// Peak resident memory in bytes of a slot that trains one trial on the CPU: the program, the mapped dataset, weights with
/// their best values and the optimiser's moments, the copies of all of them while a checkpoint is written, and what the
/// largest batch leaves behind for its gradients. docs/benchmarks.md holds it against slots that were measured.
pub fn slot_bytes(configuration: &Configuration, data: &SlotData) -> u64 {
    let parameters = parameters(configuration, data.vocabulary, data.classes) as f64;
    let copies = checkpoint_copies(configuration) as f64;
    let embedding = data.vocabulary as f64 * configuration.embedding() as f64;
    // Weights, best weights, moments and a snapshot; a checkpoint underway, and the values of its largest tensor.
    let numbers = parameters * (copies + 1.0 + CHECKPOINT_IN_MEMORY * copies) + embedding;
    let bytes = PROGRAM_BYTES
        + data.dataset_bytes as f64
        + NUMBER_BYTES * (numbers + BUFFER_ROOM * activations(configuration, data));
    // Casts of floats saturate.
    bytes as u64
}

/// Numbers that the buffers of one pass hold: of the largest batch of training, or of one of evaluation.
fn activations(configuration: &Configuration, data: &SlotData) -> f64 {
    let longest = data.longest as f64;
    let trained = data.batch_tokens as f64;
    let evaluated = (EVALUATION_ROWS_MAX * longest).min(EVALUATION_TOKENS_MAX.max(longest));
    let units = configuration.units().next_multiple_of(UNITS_MULTIPLE) as f64;
    let directions = if configuration.bidirectional() { 2.0 } else { 1.0 };
    let (layers, word) = (configuration.layers() as f64, configuration.cell());
    let gates = gates(word) as f64;
    // Kept for the gradients at each position: the gates, the state before, and of an LSTM the memory before and its tanh.
    let kept = match word {
        "lstm" => 7.0,
        "gru" => 5.0,
        _ => 2.0,
    };
    let distinct = |tokens: f64| (HEAPS.0 * tokens.powf(HEAPS.1)).min(tokens).min(data.vocabulary as f64);
    // Embedded and projected once for each distinct token; layers above project each position, with room that all of them
    // share, and pass states up and their gradients down.
    let projected = |tokens: f64| {
        let first = distinct(tokens) * (configuration.embedding() as f64 + gates * units);
        let passed = 2.0 * (layers - 1.0) * directions;
        let above = if layers > 1.0 { tokens * units * (gates + passed) } else { 0.0 };
        first + above
    };
    let training = trained * units * directions * layers * kept + projected(trained);
    let evaluation = evaluated * units * directions * layers + projected(evaluated);
    // The same buffers serve both, each as large as either needs it.
    training.max(evaluation).max(trained * units * directions * layers * kept + projected(evaluated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Value;
    use crate::hyperparameter::Hyperparameter;

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
        let endless = SlotData {
            vocabulary: 1 << 62,
            classes: 2,
            batch_tokens: 1 << 60,
            longest: 1 << 40,
            dataset_bytes: 1,
        };
        assert_eq!(slot_bytes(&configuration, &endless), u64::MAX);
    }
}
