//! The distinct tokens of a batch: each is projected once, and its gradient is summed over where it stands.

use crate::data::Batch;
use crate::error::TrainError;

use super::shard::Shard;

/// The distinct tokens of the last batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    /// In rising order.
    tokens: Vec<u32>,
    /// For each shard, which distinct token stands at each position.
    pub(super) rows: Vec<Vec<u32>>,
    /// Where the places of each distinct token begin, and their end.
    starts: Vec<usize>,
    /// Shard and position of every token, by distinct token, then in the shards' order.
    places: Vec<(u32, u32)>,
    /// Scratch of the vocabulary's size, zero between batches.
    counts: Vec<u32>,
}

impl Distinct {
    pub(super) fn new(vocabulary: usize) -> Self {
        Self { counts: vec![0; vocabulary], ..Self::default() }
    }

    /// In rising order.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where a distinct token stands: shard and position.
    pub(super) fn places(&self, distinct: usize) -> &[(u32, u32)] {
        &self.places[self.starts[distinct]..self.starts[distinct + 1]]
    }

    /// Looks through a batch.
    pub(super) fn find(&mut self, batch: &Batch, shards: &[Shard]) -> Result<(), TrainError> {
        let vocabulary = self.counts.len();
        if let Some(token) = batch.tokens.iter().find(|token| **token as usize >= vocabulary) {
            return Err(TrainError::Rejected(format!(
                "the data holds token {token}, but the model's vocabulary has {vocabulary}"
            )));
        }
        for token in &batch.tokens {
            self.counts[*token as usize] += 1;
        }
        self.tokens.clear();
        self.starts.clear();
        let mut start = 0;
        for (token, count) in self.counts.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            self.tokens.push(token as u32);
            self.starts.push(start);
            start += *count as usize;
            // From here on: its place among the distinct tokens, counted from one.
            *count = self.tokens.len() as u32;
        }
        self.starts.push(start);
        self.places.clear();
        self.places.resize(start, (0, 0));
        let mut next = self.starts.clone();
        self.rows.resize(shards.len(), Vec::new());
        for ((shard, rows), place) in shards.iter().zip(&mut self.rows).zip(0..) {
            rows.clear();
            for (token, position) in shard.tokens(batch).zip(0..) {
                let distinct = self.counts[token as usize] - 1;
                rows.push(distinct);
                self.places[next[distinct as usize]] = (place, position);
                next[distinct as usize] += 1;
            }
        }
        for token in &self.tokens {
            self.counts[*token as usize] = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fused::shard::deal;

    #[test]
    fn every_place_of_a_token_is_found_batch_after_batch() {
        let mut distinct = Distinct::new(10);
        for _ in 0..2 {
            let batch = Batch::pack(&[(0, vec![7, 3, 7], 0), (1, vec![3, 7], 0)]);
            let shards = deal(&batch.layout);
            distinct.find(&batch, &shards).unwrap();
            assert_eq!(distinct.tokens(), [3, 7]);
            assert_eq!(distinct.rows, [vec![1, 0, 1], vec![0, 1]]);
            assert_eq!(distinct.places(0), [(0, 1), (1, 0)]);
            assert_eq!(distinct.places(1), [(0, 0), (0, 2), (1, 1)]);
        }
        let batch = Batch::pack(&[(0, vec![10], 0)]);
        let error = distinct.find(&batch, &deal(&batch.layout)).unwrap_err();
        assert!(error.to_string().contains("token 10"), "{error}");
    }
}
