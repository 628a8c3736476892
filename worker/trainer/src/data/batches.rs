//! Which rows make up a batch, in which order, and how a batch is packed.

use std::sync::Arc;

use sweep_proto::encoded::{EncodedView, Split};

use crate::kernels::PackedLayout;
use sweep_proto::random::Stream;

/// Batches whose rows are sorted by length together: similar lengths meet, yet epochs differ.
const WINDOW_BATCHES: usize = 50;
/// Most rows of one batch without gradients: enough to fill matrix products.
const EVALUATION_ROWS_MAX: usize = 512;
/// Most tokens of one batch without gradients: bounds its memory.
const EVALUATION_TOKENS_MAX: usize = 8_192;

/// Rows packed for the kernels: longest first, time-major, without padding.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// Tokens in packed order.
    pub(crate) tokens: Vec<u32>,
    /// Where each row's tokens lie.
    pub(crate) layout: Arc<PackedLayout>,
    /// Labels in batch order.
    pub(crate) labels: Vec<u32>,
    /// Which row of the input stands at each place of the batch.
    pub(crate) rows: Vec<usize>,
}

impl Batch {
    /// Packs rows, each with at least one token. Sorting is stable, so equal lengths keep their order.
    pub(crate) fn pack(rows: &[(usize, Vec<u32>, u32)]) -> Self {
        let mut order: Vec<&(usize, Vec<u32>, u32)> = rows.iter().collect();
        order.sort_by_key(|(_, tokens, _)| std::cmp::Reverse(tokens.len()));
        let layout = PackedLayout::new(order.iter().map(|(_, tokens, _)| tokens.len()).collect());
        let mut tokens = Vec::with_capacity(layout.positions());
        for step in 0..layout.steps() {
            let present = layout.step(step).len();
            tokens.extend(order[..present].iter().map(|(_, tokens, _)| tokens[step]));
        }
        Self {
            tokens,
            layout: Arc::new(layout),
            labels: order.iter().map(|(_, _, label)| *label).collect(),
            rows: order.iter().map(|(row, _, _)| *row).collect(),
        }
    }

    /// Packs rows of a split.
    pub(crate) fn of_split<B: AsRef<[u8]>>(view: &EncodedView<B>, split: Split, rows: &[u32]) -> Self {
        let read = |row: &u32| {
            let row = *row as usize;
            (row, view.tokens(split, row).collect(), view.label(split, row))
        };
        Self::pack(&rows.iter().map(read).collect::<Vec<_>>())
    }
}

/// The training rows of one epoch, batch by batch: fixed by seed and epoch.
///
/// Rows are shuffled, cut into windows, sorted by length inside each window, cut into batches, and the
/// batches shuffled. Every row occurs once; only one batch may be smaller than `batch_size`.
pub(crate) fn training_batches<B: AsRef<[u8]>>(
    view: &EncodedView<B>,
    batch_size: usize,
    seed: u64,
    epoch: u32,
) -> Vec<Vec<u32>> {
    let mut rows: Vec<u32> = (0..view.rows(Split::Train) as u32).collect();
    let mut stream = Stream::new(seed, "training order", u64::from(epoch));
    stream.shuffle(&mut rows);
    let mut batches = Vec::with_capacity(rows.len().div_ceil(batch_size));
    for window in rows.chunks_mut(batch_size.saturating_mul(WINDOW_BATCHES)) {
        window.sort_by_key(|row| view.length(Split::Train, *row as usize));
        batches.extend(window.chunks(batch_size).map(<[u32]>::to_vec));
    }
    stream.shuffle(&mut batches);
    batches
}

/// All rows of a split in large batches of similar length.
pub(crate) fn evaluation_batches<B: AsRef<[u8]>>(view: &EncodedView<B>, split: Split) -> Vec<Vec<u32>> {
    let length = |row: &u32| view.length(split, *row as usize);
    let mut rows: Vec<u32> = (0..view.rows(split) as u32).collect();
    rows.sort_by_key(length);
    let mut batches = Vec::new();
    let mut batch: Vec<u32> = Vec::new();
    for row in rows {
        // Sorted upwards: this row is the longest so far.
        let full =
            batch.len() >= EVALUATION_ROWS_MAX || (batch.len() + 1) * length(&row) > EVALUATION_TOKENS_MAX;
        if full && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
        }
        batch.push(row);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sample_view, sorted};

    #[test]
    fn every_row_occurs_once_in_each_epoch_in_another_order() {
        let view = sample_view(203, 1);
        let epochs: Vec<_> = (1..4).map(|epoch| training_batches(&view, 8, 7, epoch)).collect();
        for batches in &epochs {
            assert_eq!(sorted(batches.concat()), (0..203).collect::<Vec<_>>());
            assert_eq!(batches.iter().filter(|batch| batch.len() < 8).count(), 1);
        }
        assert_ne!(epochs[0], epochs[1]);
        assert_eq!(training_batches(&view, 8, 7, 1), epochs[0]);
        assert_ne!(training_batches(&view, 8, 8, 1), epochs[0]);
        assert_eq!(training_batches(&view, 65_536, 7, 1).len(), 1);
    }

    #[test]
    fn evaluation_covers_a_split_once() {
        let view = sample_view(203, 1);
        assert_eq!(
            sorted(evaluation_batches(&view, Split::Validation).concat()),
            (0..view.rows(Split::Validation) as u32).collect::<Vec<_>>()
        );
        assert_eq!(evaluation_batches(&view, Split::Test).concat().len(), view.rows(Split::Test));
    }

    #[test]
    fn a_batch_holds_its_rows_longest_first() {
        let rows = [(0, vec![1, 2], 0), (1, vec![3, 4, 5], 1), (2, vec![6], 1), (3, vec![7, 8], 0)];
        let batch = Batch::pack(&rows);
        assert_eq!(batch.rows, [1, 0, 3, 2]);
        assert_eq!(batch.tokens, [3, 1, 7, 6, 4, 2, 8, 5]);
        assert_eq!(batch.labels, [1, 0, 0, 1]);
    }
}
