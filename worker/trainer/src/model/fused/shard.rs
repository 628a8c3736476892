//! The parts into which a batch's rows are dealt.
//!
//! Their number does not depend on threads, so neither does the order in which gradients are summed: a trial gives the
//! same bits on any number of threads.

use crate::data::Batch;
use crate::kernels::PackedLayout;

/// Parts of a batch, at most: as many threads can share one trial.
const SHARDS: usize = 2;

/// Every `stride`-th row of a batch from `first` on, so that long rows are shared out evenly.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) layout: PackedLayout,
    first: usize,
    stride: usize,
}

/// Deals the rows of a batch.
pub(super) fn deal(layout: &PackedLayout) -> Vec<Shard> {
    let stride = SHARDS.min(layout.rows());
    let shard = |first| {
        let lengths = layout.lengths().iter().skip(first).step_by(stride).copied().collect();
        Shard { layout: PackedLayout::new(lengths), first, stride }
    };
    (0..stride).map(shard).collect()
}

impl Shard {
    /// The batch's row of one of the shard's rows.
    pub(super) fn batch_row(&self, row: usize) -> usize {
        row * self.stride + self.first
    }

    /// The batch's position of each of the shard's positions.
    pub(super) fn batch_positions(&self, batch: &PackedLayout) -> impl Iterator<Item = usize> {
        (0..self.layout.steps()).flat_map(move |step| {
            let start = batch.step(step).start;
            (0..self.layout.step(step).len()).map(move |row| start + self.batch_row(row))
        })
    }

    /// The shard's tokens in its packed order.
    pub(super) fn tokens(&self, batch: &Batch) -> impl Iterator<Item = u32> {
        self.batch_positions(&batch.layout).map(|position| batch.tokens[position])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hold_every_token_once_and_long_rows_evenly() {
        let rows =
            [(0, vec![1, 2, 3], 0), (1, vec![4, 5], 0), (2, vec![6, 7], 0), (3, vec![8], 0), (4, vec![9], 0)];
        let batch = Batch::pack(&rows);
        let shards = deal(&batch.layout);
        assert_eq!(shards[0].layout.lengths(), [3, 2, 1]);
        assert_eq!(shards[1].layout.lengths(), [2, 1]);
        assert_eq!(shards[0].tokens(&batch).collect::<Vec<_>>(), [1, 6, 9, 2, 7, 3]);
        assert_eq!(shards[1].tokens(&batch).collect::<Vec<_>>(), [4, 8, 5]);
        assert_eq!(deal(&PackedLayout::new(vec![7])).len(), 1);
    }
}
