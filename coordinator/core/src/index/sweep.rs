//! The indices of one sweep: its trials by what they wait for, and what is counted of them.

use std::collections::BTreeSet;

use coordinator_search::pruner::Standings;
use sweep_proto::{ConfigurationIndex, SweepId, SweepSpec, TrialId};

use super::courses::Courses;
use super::held::Held;
use super::{Stock, Turn};
use crate::configurations::{Configurations, Rows};
use crate::limits::ROWS_PER_TRIAL_OF_SLICE;
use crate::packed::Packed;
use crate::progress::Progress;
use crate::record::{SweepRecord, SweepState, TrialRecord, TrialState};
use crate::rungs::RungBudget;
use crate::search;
use crate::source::Tally;
use crate::spans::Spans;
use crate::standings::{shown, standings_of};
use crate::tables::Tables;

/// A score as a whole number in the order of [`f64::total_cmp`], in two halves: beside a trial's index it takes 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScoreKey {
    upper: i32,
    lower: u32,
}

impl ScoreKey {
    pub(crate) fn of(score: f64) -> Self {
        let bits = score.to_bits().cast_signed();
        // The magnitude of negative numbers counts downwards.
        let number = bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed();
        Self { upper: (number >> 32) as i32, lower: number as u32 }
    }
}

/// Standings that are being made, of which nobody asks yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unfinished {
    standings: Standings,
    /// The first trial that they do not count.
    next: u32,
}

/// The indices of one sweep. Trials are named by their index in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SweepIndex {
    /// Pending trials, in the order in which they are handed out: replicate by replicate, so that
    /// early answers are broad.
    pub(crate) pending: Packed<(u32, u32)>,
    /// Trials with a live lease of either kind.
    pub(crate) leased: BTreeSet<u32>,
    /// Trials that are paused because their sweep is, or was.
    pub(crate) paused: Packed<u32>,
    /// Trials that wait at rungs.
    pub(crate) at_rungs: BTreeSet<u32>,
    /// Trials that were pruned because its budget was spent, and that keep their checkpoints.
    pub(crate) shelved: BTreeSet<u32>,
    /// What becomes of its trials where it has a budget of hours or money.
    pub(crate) courses: Courses,
    /// What its trials have shown, where a pruner asks.
    pub(crate) standings: Option<Standings>,
    /// Those of a sweep that goes on after its end, until all its trials are counted.
    pub(super) unfinished: Option<Unfinished>,
    /// Trials whose test measurement the sweep waits for.
    pub(crate) outstanding: BTreeSet<u32>,
    /// Those of `outstanding` that nobody measures now.
    pub(crate) evaluable: BTreeSet<u32>,
    /// Completed trials that were trained for this sweep.
    pub(crate) trained: Packed<u32>,
    /// Trials by state, in the order of [`TrialState::ALL`].
    pub(crate) counts: [u64; TrialState::COUNT],
    /// Completed trials that another one stands in for.
    pub(crate) reused: u64,
    /// Whether somebody has deleted it: no answer is told of it any more.
    pub(super) is_deleted: bool,
    /// Its trials whose results others have taken over.
    pub(crate) origins: BTreeSet<u32>,
    /// Trials that the sweep has once all are made; none where it was deleted.
    pub(super) target: u64,
    /// Epochs that trials have brought, and that open ones may still bring.
    pub(crate) epochs: u64,
    /// For how long its attempts held their slots; nothing where it was deleted.
    pub(crate) held: Held,
    /// When its attempts ran.
    pub(crate) ran: Spans,
    /// Trials with a result by their score, lowest first.
    pub(crate) scored: Packed<(ScoreKey, u32)>,
    /// Those of them whose last epoch was the best.
    pub(crate) still_learning: u64,
    /// Bytes of the checkpoints and models that its trials brought.
    pub(crate) artifact_bytes: u64,
    /// Its trials' configurations, with their sums.
    pub(crate) configurations: Configurations,
    /// How far its trials have come.
    pub(crate) progress: Progress,
    /// Epochs of its trials as they are configured.
    pub(crate) epochs_configured: u64,
    /// Epochs that open trials may bring beyond the rungs to which they may train now.
    pub(crate) epochs_beyond_rungs: u64,
    /// Ended trials of a searched sweep by the numbers of their ends.
    pub(crate) ended: Packed<(u64, u32)>,
    /// Its entry in [`Index::ready`].
    pub(super) ready: Option<Turn>,
    /// Its entry in [`Index::starving`].
    pub(super) starving: Option<Turn>,
}

impl SweepIndex {
    /// Trials that there are.
    pub(crate) fn made(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Trials that are yet to be made.
    pub(crate) fn unmade(&self) -> u64 {
        self.target.saturating_sub(self.made())
    }

    /// What the source of its sweep depends on.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            made: self.made(),
            epochs: self.epochs,
            epochs_configured: self.epochs_configured,
            open: self.open_trials(),
            epochs_beyond_rungs: self.epochs_beyond_rungs,
        }
    }

    /// The number of the last trial that has ended; 0 where none has, and of a grid.
    pub(crate) fn ended_last(&self) -> u64 {
        self.ended.last().map_or(0, |(number, _)| *number)
    }

    /// The number of the chosen configuration of its sweep.
    pub(crate) fn chosen(&self, tables: &Tables, sweep: &SweepRecord) -> Option<ConfigurationIndex> {
        self.configurations.number(Rows { tables, sweep: sweep.id }, sweep.chosen.as_ref()?)
    }

    /// Trials that wait for a worker, or for their sweep to go on.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len() + self.paused.len()
    }

    /// Whether more trials are to be made where that many wait.
    pub(super) fn lacks(&self, sweep: &SweepRecord, waiting: usize, stock: Stock) -> bool {
        // Those of a searched sweep are proposed.
        waiting < stock.0 && self.unmade() > 0 && sweep.search.is_none()
    }

    /// Whether trials have yet to follow what was decided of their sweep.
    pub(super) fn is_behind(&self, tables: &Tables, sweep: &SweepRecord, stock: Stock) -> bool {
        if sweep.is_deleted() {
            // What others rest on stays, and the sweep's row with it.
            return self.made() == 0 || self.made() > self.origins.len() as u64;
        }
        let waits = !self.paused.is_empty() || !self.pending.is_empty() || !self.at_rungs.is_empty();
        match sweep.state {
            SweepState::Open | SweepState::Paused
                if self.unfinished.is_some() || !self.courses.ended_at_rungs.is_empty() =>
            {
                true
            }
            SweepState::Open | SweepState::Paused if sweep.spent().is_some() => {
                let is_next = sweep.state == SweepState::Open && self.is_stuck();
                is_next || self.wait_otherwise(tables, sweep)
            }
            SweepState::Open | SweepState::Paused if sweep.is_reviving() => true,
            SweepState::Open => {
                !self.paused.is_empty()
                    || self.lacks(sweep, self.pending.len(), stock)
                    || self.moves_rungs(sweep)
            }
            SweepState::Paused => !self.pending.is_empty() || self.lacks(sweep, self.paused.len(), stock),
            SweepState::Cancelled => waits || !self.shelved.is_empty(),
            SweepState::Evaluating | SweepState::Finished => false,
        }
    }

    /// Trials of a sweep whose budget is spent that wait, not at rungs, and are to become something else: all but those that outlast
    /// it, and these, too, where the sweep was paused or goes on.
    pub(crate) fn waits_otherwise(&self, sweep: &SweepRecord) -> impl Iterator<Item = u32> {
        let (finalist, state) = (sweep.finalist(), sweep.state);
        let ends = move |trial: &u32| !self.outlasts_budget(finalist, *trial);
        let pending = self.pending.values().map(|(_, trial)| *trial);
        let pending = pending.filter(move |one| state == SweepState::Paused || ends(one));
        let paused = self.paused.values().copied();
        pending.chain(paused.filter(move |one| state == SweepState::Open || ends(one)))
    }

    /// Whether a trial that waits is handed out although the budget of its sweep is spent: the finalist, and what only lacks its result.
    pub(crate) fn outlasts_budget(&self, finalist: Option<u32>, trial: u32) -> bool {
        finalist == Some(trial) || self.courses.untold.contains(&trial)
    }

    /// Pending trials of a sweep that are handed out although its budget is spent, the finalist first.
    pub(crate) fn handed_out_when_spent(
        &self,
        tables: &Tables,
        sweep: &SweepRecord,
    ) -> impl Iterator<Item = u32> {
        let finalist = self.told_finalist(tables, sweep).filter(|trial| trial.state == TrialState::Pending);
        let finalist = finalist.map(|trial| trial.spec.id.index);
        finalist.into_iter().chain(self.courses.untold_pending.iter().map(|(_, trial)| *trial))
    }

    /// The finalist of a sweep, unless it only lacks its result.
    fn told_finalist<'t>(&self, tables: &'t Tables, sweep: &SweepRecord) -> Option<&'t TrialRecord> {
        let finalist = sweep.finalist().filter(|trial| !self.courses.untold.contains(trial))?;
        tables.trials.get(&TrialId { sweep: sweep.id, index: finalist })
    }

    /// Whether there are such trials as [`Self::waits_otherwise`] gives, from counts alone: it is asked at each change of a trial.
    fn wait_otherwise(&self, tables: &Tables, sweep: &SweepRecord) -> bool {
        let finalist = self.told_finalist(tables, sweep);
        let finalists = |state| usize::from(finalist.is_some_and(|trial| trial.state == state));
        let pending = self.courses.untold_pending.len() + finalists(TrialState::Pending);
        let paused = self.courses.untold_paused() + finalists(TrialState::Paused);
        match sweep.state {
            SweepState::Open => !self.paused.is_empty() || self.pending.len() > pending,
            _ => !self.pending.is_empty() || self.paused.len() > paused,
        }
    }

    /// Trials that were cancelled or shelved.
    pub(crate) fn stopped(&self) -> u64 {
        self.counts[TrialState::Cancelled as usize].saturating_add(self.shelved.len() as u64)
    }

    /// Trials that have not ended, or go on with their sweep after its budget was spent.
    pub(crate) fn open_in(&self, sweep: &SweepRecord) -> u64 {
        self.open_trials() + if sweep.is_reviving() { self.stopped() } else { 0 }
    }

    /// Trials that wait at rungs once all have followed what was decided of their sweep.
    pub(crate) fn at_rungs_of(&self, sweep: &SweepRecord) -> u64 {
        let at_rungs = self.at_rungs.len() as u64;
        if !sweep.is_reviving() {
            return at_rungs - self.courses.ended_at_rungs.len() as u64;
        }
        (at_rungs + self.shelved.len() as u64).saturating_sub(self.courses.train_on.len() as u64)
    }

    /// Whether trials that wait at rungs are to be promoted or pruned.
    fn moves_rungs(&self, sweep: &SweepRecord) -> bool {
        if search::is_steered(&sweep.spec) {
            return sweep.conclusion.is_some() && !self.at_rungs.is_empty();
        }
        if self.is_stuck() {
            return true;
        }
        let Some(standings) = self.standings.as_ref().filter(|_| !self.at_rungs.is_empty()) else {
            return false;
        };
        let budget = RungBudget::of(&sweep.spec);
        let room = budget.as_ref().map_or(u64::MAX, |budget| budget.for_promotions(self.tally()));
        let has_room = |rung| budget.as_ref().is_none_or(|budget| budget.step(rung) <= room);
        standings.promotable_from(has_room).next().is_some()
    }

    /// Whether trials wait at rungs and no other could still end or come to one.
    pub(crate) fn is_stuck(&self) -> bool {
        let open = self.open_trials() + self.unmade();
        open > 0 && open == self.at_rungs.len() as u64
    }

    /// Trials that there are and have not ended.
    pub(crate) fn open_trials(&self) -> u64 {
        TrialState::ALL
            .iter()
            .zip(self.counts)
            .filter(|(state, _)| !state.is_terminal())
            .map(|(_, count)| count)
            .sum()
    }

    /// Standings are kept while trials may still train: dropped where the sweep has ended, made again where it goes on. Of many
    /// trials they are made in slices.
    pub(super) fn follow_standings(&mut self, tables: &Tables, sweep: &SweepRecord, slice: usize) {
        let fresh = standings_of(sweep);
        if fresh.is_some() == (self.standings.is_some() || self.unfinished.is_some()) {
            return;
        }
        self.standings = None;
        self.unfinished = fresh.map(|standings| Unfinished { standings, next: 0 });
        self.show_more(tables, sweep.id, slice);
    }

    /// Trials that standings which are being made do not count yet.
    pub(crate) fn uncounted(&self) -> u64 {
        self.unfinished.as_ref().map_or(0, |unfinished| self.made().saturating_sub(unfinished.next.into()))
    }

    /// Lets standings that are being made count the next trials, with about as many rows as a slice may have.
    pub(super) fn show_more(&mut self, tables: &Tables, id: SweepId, slice: usize) {
        let Some(Unfinished { mut standings, next }) = self.unfinished.take() else { return };
        let mut rows = slice.saturating_mul(ROWS_PER_TRIAL_OF_SLICE);
        let left = TrialId { sweep: id, index: next }..=TrialId { sweep: id, index: u32::MAX };
        for (count, trial) in tables.trials.range(left).enumerate() {
            let index = trial.spec.id.index;
            if count >= slice || rows == 0 {
                self.unfinished = Some(Unfinished { standings, next: index });
                return;
            }
            rows = rows.saturating_sub(tables.epochs_recorded(trial.spec.id) as usize);
            standings.set(index, shown(tables, trial));
        }
        self.standings = Some(standings);
    }

    /// A trial or its epochs have changed: so has what it has shown, and what becomes of it.
    pub(super) fn show(&mut self, tables: &Tables, trial: &TrialRecord) {
        self.courses.follow(tables, trial);
        let index = trial.spec.id.index;
        let counted = self.unfinished.as_mut().filter(|unfinished| index < unfinished.next);
        let standings = self.standings.as_mut().or(counted.map(|unfinished| &mut unfinished.standings));
        if let Some(standings) = standings {
            standings.set(index, shown(tables, trial));
        }
    }

    pub(super) fn remove(&mut self, trial: &TrialRecord, recorded: u32) {
        let index = trial.spec.id.index;
        if !self.is_deleted {
            self.configurations.remove(trial);
        }
        self.progress.remove(Progress::of(trial, recorded));
        self.epochs_configured -= trial.spec.configuration.epochs();
        self.epochs_beyond_rungs -= epochs_beyond_rung(trial);
        match trial.state {
            TrialState::Pending => _ = self.pending.remove(&(trial.spec.replicate, index)),
            TrialState::Paused => _ = self.paused.remove(&index).is_some() || self.at_rungs.remove(&index),
            TrialState::Completed => _ = self.trained.remove(&index),
            TrialState::Pruned => _ = self.shelved.remove(&index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.remove(&index);
        }
        if let Some((result, score)) = trial.result.as_ref().zip(trial.score()) {
            self.scored.remove(&(ScoreKey::of(score), index));
            self.still_learning -= u64::from(result.was_still_learning());
        }
        if let Some(number) = trial.ended_number {
            self.ended.remove(&(number, index));
        }
        self.counts[trial.state as usize] -= 1;
        self.reused -= u64::from(trial.reused_from.is_some());
        self.epochs -= epochs(trial);
        self.artifact_bytes -= artifact_bytes(trial);
    }

    pub(super) fn insert(&mut self, spec: Option<&SweepSpec>, trial: &TrialRecord, recorded: u32) {
        let index = trial.spec.id.index;
        if !self.is_deleted {
            self.configurations.insert(spec, trial);
        }
        self.progress.add(Progress::of(trial, recorded));
        self.epochs_configured += trial.spec.configuration.epochs();
        self.epochs_beyond_rungs += epochs_beyond_rung(trial);
        match trial.state {
            TrialState::Pending => _ = self.pending.insert((trial.spec.replicate, index)),
            TrialState::Paused if trial.rung().is_some() => _ = self.at_rungs.insert(index),
            TrialState::Paused => _ = self.paused.insert(index),
            TrialState::Completed if trial.reused_from.is_none() => _ = self.trained.insert(index),
            TrialState::Pruned if trial.is_shelved() => _ = self.shelved.insert(index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.insert(index);
        }
        if let Some((result, score)) = trial.result.as_ref().zip(trial.score()) {
            self.scored.insert((ScoreKey::of(score), index));
            self.still_learning += u64::from(result.was_still_learning());
        }
        if let Some(number) = trial.ended_number {
            self.ended.insert((number, index));
        }
        self.counts[trial.state as usize] += 1;
        self.reused += u64::from(trial.reused_from.is_some());
        self.epochs += epochs(trial);
        self.artifact_bytes += artifact_bytes(trial);
    }
}

/// Epochs that a trial has brought where it has ended, or may bring. A failed one counts with one at least, so that a search whose
/// trials all fail spends its budget of epochs, too.
pub(crate) fn epochs(trial: &TrialRecord) -> u64 {
    match &trial.result {
        _ if !trial.state.is_terminal() => trial.spec.configuration.epochs(),
        Some(result) if trial.reused_from.is_none() => u64::from(result.epochs),
        _ if trial.state == TrialState::Failed => u64::from(trial.until_epoch.unwrap_or(1).max(1)),
        _ if trial.state == TrialState::Pruned => u64::from(trial.until_epoch.unwrap_or(0)),
        _ => u64::from(trial.diverged_epoch.unwrap_or(0)),
    }
}

/// Epochs that an open trial may bring beyond the rung to which it may train now.
pub(crate) fn epochs_beyond_rung(trial: &TrialRecord) -> u64 {
    let until = trial.until_epoch.filter(|_| !trial.state.is_terminal());
    until.map_or(0, |until| trial.spec.configuration.epochs().saturating_sub(u64::from(until)))
}

/// Bytes of what a trial has brought.
fn artifact_bytes(trial: &TrialRecord) -> u64 {
    let checkpoints = trial.checkpoint.iter().chain(&trial.underway).map(|one| one.artifact.bytes);
    let is_here = trial.reused_from.is_none() && !trial.model_is_removed;
    let model = trial.result.iter().filter(|_| is_here).map(|result| result.model.bytes);
    // A worker names the sizes: no sum of them must overflow.
    checkpoints.chain(model).map(|bytes| bytes.min(1 << 40)).sum()
}

#[cfg(test)]
mod tests {
    use super::ScoreKey;

    #[test]
    fn scores_are_in_the_order_of_numbers() {
        let scores =
            [f64::NEG_INFINITY, -1.5, -0.0, 0.0, f64::MIN_POSITIVE, 0.25, 1e9, f64::INFINITY, f64::NAN];
        for pair in scores.windows(2) {
            assert!(ScoreKey::of(pair[0]) < ScoreKey::of(pair[1]), "{pair:?}");
        }
    }
}
