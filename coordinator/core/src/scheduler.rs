//! Which piece of work is handed out next.
//!
//! Evaluation comes before training; among sweeps the one with the highest priority is next, and among those of one priority the
//! one with the fewest leases, so that each gets its share of the workers; within a sweep all first replicates come before all
//! second ones, so that early answers are broad. A group is filled with the next trials of its sweep that have the same dataset.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;

use sweep_proto::{SweepId, TrialId};

use crate::index::{Index, Phase, Turn};
use crate::tables::Tables;

/// Trials of a sweep that are looked at for one group and do not fit: a grid may change its dataset from trial to trial.
const LOOKAHEAD_MAX: usize = 256;

/// Pieces of work in the order in which they are to be handed out. The caller says of each whether it
/// was granted, so that the sweep's share counts.
pub(crate) struct Queue<'a> {
    tables: &'a Tables,
    index: &'a Index,
    untouched: Peekable<std::collections::btree_set::Iter<'a, Turn>>,
    touched: BTreeSet<Turn>,
    work: BTreeMap<SweepId, Box<dyn Iterator<Item = u32> + 'a>>,
    /// Trials that were looked at for a group and did not fit into it: they are next.
    set_aside: BTreeMap<SweepId, VecDeque<u32>>,
}

impl<'a> Queue<'a> {
    /// All work that the index of these tables knows.
    pub(crate) fn new(tables: &'a Tables, index: &'a Index) -> Self {
        Self {
            tables,
            index,
            untouched: index.ready.iter().peekable(),
            touched: BTreeSet::new(),
            work: BTreeMap::new(),
            set_aside: BTreeMap::new(),
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
            let set_aside = self.set_aside.get_mut(&sweep).and_then(VecDeque::pop_front);
            if let Some(index) = set_aside.or_else(|| self.work_of(phase, sweep).next()) {
                return Some((turn, TrialId { sweep, index }));
            }
        }
    }

    fn work_of(&mut self, phase: Phase, sweep: SweepId) -> &mut (dyn Iterator<Item = u32> + 'a) {
        let (tables, index) = (self.tables, self.index);
        self.work.entry(sweep).or_insert_with(|| {
            let Some((entry, sweep)) = index.sweeps.get(&sweep).zip(tables.sweeps.get(&sweep)) else {
                return Box::new(std::iter::empty());
            };
            match phase {
                Phase::Evaluate => Box::new(entry.evaluable.iter().copied()),
                // All others wait in vain until they have followed, and there may be many of them.
                Phase::Train if sweep.spent().is_some() => {
                    Box::new(entry.handed_out_when_spent(tables, sweep))
                }
                Phase::Train => Box::new(entry.pending.values().map(|(_, index)| *index)),
            }
        })
    }

    /// The next trial of a sweep that fits beside one which waits for training, as far as the queue looks ahead. The sweep's
    /// turn must be held by the caller.
    pub(crate) fn beside(&mut self, sweep: SweepId, fits: impl Fn(TrialId) -> bool) -> Option<TrialId> {
        let fits = |index: &u32| fits(TrialId { sweep, index: *index });
        let mut set_aside = self.set_aside.remove(&sweep).unwrap_or_default();
        let mut found = set_aside.iter().position(&fits).and_then(|place| set_aside.remove(place));
        while found.is_none() && set_aside.len() < LOOKAHEAD_MAX {
            let Some(index) = self.work_of(Phase::Train, sweep).next() else { break };
            if fits(&index) {
                found = Some(index);
            } else {
                set_aside.push_back(index);
            }
        }
        self.set_aside.insert(sweep, set_aside);
        found.map(|index| TrialId { sweep, index })
    }

    /// Pieces were granted: the sweep has more leases.
    pub(crate) fn granted(&mut self, turn: Turn, leases: usize) {
        self.touched.insert(Turn { leases: turn.leases + leases, ..turn });
    }

    /// The piece needed no worker: the sweep is still next.
    pub(crate) fn skipped(&mut self, turn: Turn) {
        self.touched.insert(turn);
    }
}
