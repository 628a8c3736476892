//! How much work an epoch is: the quantities that its time is a sum over.

use sweep_proto::{Configuration, model_size};

use crate::record::DatasetRecord;

/// Quantities of work; see [`Work`].
pub const QUANTITIES: usize = 8;

/// A training step's products relative to a forward pass: forward, and two products backward.
const TRAINING_PASSES: f64 = 3.0;
/// Heaps' law: a batch of `n` tokens has about `3 n^0.75` distinct ones, at most `n` and the vocabulary.
const HEAPS_FACTOR: f64 = 3.0;
/// See [`HEAPS_FACTOR`].
const HEAPS_EXPONENT: f64 = 0.75;
/// Bytes of an encoded dataset for each token.
const TOKEN_BYTES: u64 = 4;
/// Bytes of an encoded dataset for each row beside its tokens: offset and label.
const ROW_BYTES: u64 = 12;
/// Bytes of an encoded dataset's tokenizer for each token of the vocabulary, about.
const VOCABULARY_BYTES: u64 = 32;

/// Sizes of an encoded dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataSize {
    /// Rows of train, validation and test.
    pub rows: [u64; 3],
    /// Tokens of train, validation and test.
    pub tokens: [u64; 3],
    /// Distinct tokens, padding and unknown included.
    pub vocabulary: u64,
    /// Classes.
    pub classes: u64,
}

impl DataSize {
    /// Sizes of a dataset. Where its record does not count the tokens, they follow from the file's size, about.
    pub fn of_record(record: &DatasetRecord, max_length: u64) -> Self {
        if let Some(account) = &record.account {
            return Self {
                rows: record.rows,
                tokens: account.splits.each_ref().map(|split| split.tokens),
                vocabulary: u64::from(record.vocabulary),
                classes: record.classes.len() as u64,
            };
        }
        let rows = record.rows.iter().fold(0_u64, |sum, rows| sum.saturating_add(*rows));
        let vocabulary = u64::from(record.vocabulary);
        let beside = rows.saturating_mul(ROW_BYTES).saturating_add(vocabulary * VOCABULARY_BYTES);
        let tokens = record.artifact.bytes.saturating_sub(beside) / TOKEN_BYTES;
        let tokens = tokens.clamp(rows, rows.saturating_mul(max_length.max(1)));
        let share = |part: u64| (tokens as f64 * part as f64 / rows.max(1) as f64) as u64;
        Self {
            rows: record.rows,
            tokens: record.rows.map(share),
            vocabulary,
            classes: record.classes.len() as u64,
        }
    }

    /// Batches of training in one epoch.
    pub fn batches(&self, configuration: &Configuration) -> u64 {
        self.rows[0].div_ceil(configuration.batch_size().max(1))
    }
}

/// Work in quantities, each of which takes its own time per unit on a device:
///
/// | place | quantity |
/// |--:|---|
/// | 0 | operations of the recurrent products, and of the projections between layers |
/// | 1 | operations of the first layer's projection, of each distinct token of a batch once |
/// | 2 | values of gates and embeddings |
/// | 3 | numbers that the optimiser moves |
/// | 4 | batches |
/// | 5 | time steps, which follow one another |
/// | 6 | numbers that checkpoints hold |
/// | 7 | epochs |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work(pub(crate) [f64; QUANTITIES]);

impl Work {
    /// One epoch: training, validation, and the checkpoint.
    pub fn of_epoch(configuration: &Configuration, data: &DataSize) -> Self {
        let mut work = Self::pass(configuration, data, 0, TRAINING_PASSES);
        work.add(&Self::pass(configuration, data, 1, 1.0));
        let parameters = model_size::parameters(configuration, data.vocabulary, data.classes) as f64;
        work.0[3] = parameters * data.batches(configuration) as f64;
        work.0[6] = parameters * model_size::checkpoint_copies(configuration) as f64;
        work.0[7] = 1.0;
        work
    }

    /// So many average batches of training alone.
    pub fn of_batches(configuration: &Configuration, data: &DataSize, batches: f64) -> Self {
        let mut work = Self::pass(configuration, data, 0, TRAINING_PASSES);
        let all = data.batches(configuration);
        work.0[3] = model_size::parameters(configuration, data.vocabulary, data.classes) as f64 * all as f64;
        Self(work.0.map(|one| one * batches / all.max(1) as f64))
    }

    /// A measurement on the test split.
    pub fn of_evaluation(configuration: &Configuration, data: &DataSize) -> Self {
        Self::pass(configuration, data, 2, 1.0)
    }

    /// One pass over a split, `passes` as expensive as forward alone.
    fn pass(configuration: &Configuration, data: &DataSize, split: usize, passes: f64) -> Self {
        let (rows, tokens) = (data.rows[split] as f64, data.tokens[split] as f64);
        if rows == 0.0 {
            return Self::default();
        }
        let units = configuration.units() as f64;
        let (embedding, layers) = (configuration.embedding() as f64, configuration.layers() as f64);
        let directions = if configuration.bidirectional() { 2.0 } else { 1.0 };
        let gates = model_size::gates(configuration.cell()) as f64;
        let batch = (configuration.batch_size() as f64).min(rows);
        let batches = rows / batch;
        let length = tokens / rows;
        let outputs = gates * units * directions;
        let inputs = layers * units + (layers - 1.0) * units * directions;
        let in_batch = batch * length;
        let distinct = (HEAPS_FACTOR * in_batch.powf(HEAPS_EXPONENT)).min(in_batch);
        let distinct = distinct.min(data.vocabulary as f64) * batches;
        Self([
            passes * tokens * 2.0 * outputs * inputs,
            passes * distinct * 2.0 * outputs * embedding,
            passes * (tokens * outputs * layers + distinct * embedding),
            0.0,
            batches,
            passes * batches * length * layers * directions,
            0.0,
            0.0,
        ])
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweep_proto::{Hyperparameter, Value};

    use super::*;

    const DATA: DataSize = DataSize {
        rows: [8_586, 954, 1_060],
        tokens: [180_000, 20_000, 22_000],
        vocabulary: 10_000,
        classes: 2,
    };

    fn with(configuration: &Configuration, one: Hyperparameter, value: u64) -> Configuration {
        configuration.clone().with(one, Value::Integer(value)).expect("in range")
    }

    proptest! {
        /// No quantity shrinks where the model, the text or the data grow, and none is negative or no number.
        #[test]
        fn more_of_anything_is_no_less_work(
            units in 1_u64..512, embedding in 1_u64..512, batch in 1_u64..512, layers in 1_u64..4, more in 1_u64..300,
        ) {
            let base = [
                (Hyperparameter::Units, units),
                (Hyperparameter::Embedding, embedding),
                (Hyperparameter::BatchSize, batch),
                (Hyperparameter::Layers, layers),
            ]
            .iter()
            .fold(Configuration::default(), |one, (name, value)| with(&one, *name, *value));
            let before = Work::of_epoch(&base, &DATA);
            prop_assert!(before.0.iter().all(|one| one.is_finite() && *one >= 0.0));
            let grown = [
                Work::of_epoch(&with(&base, Hyperparameter::Units, units + more), &DATA),
                Work::of_epoch(&with(&base, Hyperparameter::Embedding, embedding + more), &DATA),
                Work::of_epoch(&with(&base, Hyperparameter::Layers, layers + 1), &DATA),
                Work::of_epoch(&base, &DataSize { rows: DATA.rows.map(|one| one + more), tokens: DATA.tokens.map(|one| one + 40 * more), ..DATA }),
            ];
            for after in grown {
                prop_assert!(after.0.iter().zip(before.0).all(|(after, before)| *after >= before * (1.0 - 1e-12)));
            }
        }
    }

    #[test]
    fn tokens_follow_from_the_size_of_an_encoded_file() {
        let artifact = sweep_proto::ArtifactRef {
            digest: sweep_proto::Digest::of(b"x"),
            bytes: 4 * 2_000 + 12 * 100 + 32 * 50,
        };
        let record = DatasetRecord {
            variant: Configuration::default().data_variant(),
            artifact,
            classes: vec!["no".into(), "yes".into()],
            vocabulary: 50,
            rows: [80, 10, 10],
            account: None,
        };
        assert_eq!(DataSize::of_record(&record, 200).tokens, [1_600, 200, 200]);
        assert_eq!(
            DataSize::of_record(&record, 5).tokens,
            [400, 50, 50],
            "no row is longer than the maximum"
        );
    }
}
