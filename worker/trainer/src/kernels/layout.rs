//! How the rows of a batch lie in memory: time-major, without padding.
//!
//! Rows are sorted by length, longest first. All rows' values of step 0 come first, then those of step 1
//! of the rows that are long enough, and so on (the layout of PyTorch's `PackedSequence`). So step `t`
//! touches one contiguous block, and padding does not exist.

use std::ops::Range;

/// One step in the order in which a direction reads, by packed positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its positions, in row order.
    pub(crate) now: Range<usize>,
    /// Those of the step read before, of as many rows as had one.
    pub(crate) before: Range<usize>,
    /// Those of the step read after it, of as many rows as have one.
    pub(crate) after: Range<usize>,
}

/// The packed layout of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackedLayout {
    lengths: Vec<usize>,
    starts: Vec<usize>,
}

impl PackedLayout {
    /// The layout of rows of these lengths, longest first, each at least 1.
    pub(crate) fn new(lengths: Vec<usize>) -> Self {
        debug_assert!(lengths.is_sorted_by(|left, right| left >= right), "longest first");
        let steps = lengths.first().copied().unwrap_or(0);
        let mut starts = Vec::with_capacity(steps + 1);
        let (mut start, mut rows) = (0, lengths.len());
        for step in 0..steps {
            while rows > 0 && lengths[rows - 1] <= step {
                rows -= 1;
            }
            starts.push(start);
            start += rows;
        }
        starts.push(start);
        Self { lengths, starts }
    }

    /// Number of rows in the batch.
    pub(crate) fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// Lengths, longest first.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Number of steps: the length of the longest row.
    pub(crate) fn steps(&self) -> usize {
        self.starts.len() - 1
    }

    /// Packed positions in all: the sum of the lengths.
    pub(crate) fn positions(&self) -> usize {
        self.starts[self.steps()]
    }

    /// The packed positions of one step, in row order.
    pub(crate) fn step(&self, step: usize) -> Range<usize> {
        self.starts[step]..self.starts[step + 1]
    }

    /// The packed position of a row's value at a step.
    pub(crate) fn position(&self, step: usize, row: usize) -> usize {
        self.starts[step] + row
    }

    /// Where a direction finds the state before a step: the positions of the neighbouring step. There may
    /// be fewer than at the step itself: the rows behind have no state yet.
    pub(crate) fn before(&self, step: usize, reverse: bool) -> Range<usize> {
        let neighbour = if reverse { Some(step + 1) } else { step.checked_sub(1) };
        match neighbour.filter(|neighbour| *neighbour < self.steps()) {
            None => 0..0,
            Some(neighbour) => {
                let block = self.step(neighbour);
                let rows = block.len().min(self.step(step).len());
                block.start..block.start + rows
            }
        }
    }

    /// The step that a direction reads at its `turn`, where there are so many.
    pub(crate) fn turn(&self, turn: usize, reverse: bool) -> Option<Turn> {
        let step = if reverse { self.steps().checked_sub(turn + 1)? } else { turn };
        (step < self.steps()).then(|| Turn {
            now: self.step(step),
            before: self.before(step, reverse),
            after: self.before(step, !reverse),
        })
    }

    /// Steps in the order in which a direction reads them.
    pub(crate) fn reading_order(&self, reverse: bool) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let steps = self.steps();
        (0..steps).map(move |step| if reverse { steps - 1 - step } else { step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_shrink_as_rows_end() {
        let layout = PackedLayout::new(vec![3, 2, 2, 1]);
        assert_eq!((layout.rows(), layout.steps(), layout.positions()), (4, 3, 8));
        assert_eq!([layout.step(0), layout.step(1), layout.step(2)], [0..4, 4..7, 7..8]);
        assert_eq!(layout.position(1, 2), 6);
        assert_eq!(
            [layout.before(0, false), layout.before(1, false), layout.before(2, false)],
            [0..0, 0..3, 4..5]
        );
        assert_eq!(
            [layout.before(0, true), layout.before(1, true), layout.before(2, true)],
            [4..7, 7..8, 0..0]
        );
        assert_eq!(layout.reading_order(true).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(layout.turn(1, false), Some(Turn { now: 4..7, before: 0..3, after: 7..8 }));
        assert_eq!(layout.turn(2, true), Some(Turn { now: 0..4, before: 4..7, after: 0..0 }));
        assert_eq!((layout.turn(3, false), layout.turn(3, true)), (None, None));
    }
}
