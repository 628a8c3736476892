//! Which piece of work is handed out next.
//!
//! Evaluation comes before training; among sweeps the one with the highest priority is next, and among those of one priority the
//! one with the fewest leases, so that each gets its share of the workers; within a sweep all first replicates come before all
//! second ones, so that early answers are broad.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use sweep_proto::{SweepId, TrialId};

use crate::index::{Index, Phase, Turn};

/// Pieces of work in the order in which they are to be handed out. The caller says of each whether it
/// was granted, so that the sweep's share counts.
pub(crate) struct Queue<'a> {
    index: &'a Index,
    untouched: Peekable<std::collections::btree_set::Iter<'a, Turn>>,
    touched: BTreeSet<Turn>,
    work: BTreeMap<SweepId, Box<dyn Iterator<Item = u32> + 'a>>,
}

impl<'a> Queue<'a> {
    /// All work that the index knows.
    pub(crate) fn new(index: &'a Index) -> Self {
        Self {
            index,
            untouched: index.ready.iter().peekable(),
            touched: BTreeSet::new(),
            work: BTreeMap::new(),
        }
    }

    /// The next piece of work, of the sweep whose turn it is. The sweep's turn must be given back by
    /// [`Self::granted`] or [`Self::skipped`], or else it gets no further one.
    pub(crate) fn next(&mut self) -> Option<(Turn, TrialId)> {
        loop {
            let turn = match (self.untouched.peek(), self.touched.first()) {
                (Some(fresh), Some(seen)) if *fresh > seen => self.touched.pop_first()?,
                (Some(_), _) => *self.untouched.next()?,
                (None, _) => self.touched.pop_first()?,
            };
            let Turn { phase, sweep, .. } = turn;
            if let Some(index) = self.work_of(phase, sweep).next() {
                return Some((turn, TrialId { sweep, index }));
            }
        }
    }

    fn work_of(&mut self, phase: Phase, sweep: SweepId) -> &mut (dyn Iterator<Item = u32> + 'a) {
        let index = self.index;
        self.work.entry(sweep).or_insert_with(|| match (index.sweeps.get(&sweep), phase) {
            (None, _) => Box::new(std::iter::empty()),
            (Some(entry), Phase::Evaluate) => Box::new(entry.evaluable.iter().copied()),
            (Some(entry), Phase::Train) => Box::new(entry.pending.iter().map(|(_, index)| *index)),
        })
    }

    /// The piece was granted: the sweep has one more lease.
    pub(crate) fn granted(&mut self, turn: Turn) {
        self.touched.insert(Turn { leases: turn.leases + 1, ..turn });
    }

    /// The piece needed no worker: the sweep is still next.
    pub(crate) fn skipped(&mut self, turn: Turn) {
        self.touched.insert(turn);
    }
}
