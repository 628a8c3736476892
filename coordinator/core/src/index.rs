//! Indices derived from the tables, so that no decision has to search: always equal to a rebuild.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coordinator_search::pruner::{Shown, Standings};
use sweep_proto::{
    AttemptId, ConfigurationIndex, FailureKind, LeaseToken, SweepId, SweepSpec, TrialId, WorkKind, WorkerId,
};

use crate::configurations::Configurations;
use crate::limits::{ATTEMPTS_MAX, STOCK_TRIALS};
use crate::named::Named;
use crate::origins::Origins;
use crate::progress::Progress;
use crate::record::{AttemptRecord, AttemptState, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::search;
use crate::source::{self, Tally};
use crate::spans::Spans;
use crate::standings::{shown, standings_of};
use crate::tables::Tables;

/// Where a sweep stands in the queue for workers: evaluation first, then the highest priority, then the fewest leases, then the
/// oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) phase: Phase,
    pub(crate) priority: Reverse<u32>,
    pub(crate) leases: usize,
    pub(crate) sweep: SweepId,
}

/// What a sweep has to hand out. Evaluation comes first: it is short, and a sweep's answer waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Trials to measure on the test split.
    Evaluate,
    /// Trials to train.
    Train,
}

/// All indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// Per sweep.
    pub(crate) sweeps: BTreeMap<SweepId, SweepIndex>,
    /// Sweeps that have work to hand out.
    pub(crate) ready: BTreeSet<Turn>,
    /// Sweeps whose trials have yet to follow what was decided of them.
    pub(crate) behind: BTreeSet<SweepId>,
    /// Sweeps that want proposals.
    pub(crate) wanting: BTreeSet<SweepId>,
    /// Searched sweeps of which workers could train more than their lead allows, in the order of their turns.
    pub(crate) starving: BTreeSet<Turn>,
    /// The trial of each live lease.
    pub(crate) live: BTreeMap<LeaseToken, TrialId>,
    /// The attempt of each token ever granted.
    pub(crate) attempts: BTreeMap<LeaseToken, AttemptId>,
    /// The live leases of each worker that has any.
    pub(crate) leases: BTreeMap<WorkerId, BTreeSet<LeaseToken>>,
    /// Attempts that name each worker, where there are any.
    pub(crate) worked: BTreeMap<WorkerId, u64>,
    /// Which results stand in for others.
    pub(crate) origins: Origins,
    /// Which blobs rows name.
    pub(crate) named: Named,
    /// The sweeps of each name.
    pub(crate) names: BTreeMap<String, BTreeSet<SweepId>>,
    /// How many trials of a sweep are made ahead.
    pub(crate) stock: Stock,
}

/// See [`STOCK_TRIALS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stock(pub(crate) usize);

impl Default for Stock {
    fn default() -> Self {
        Self(STOCK_TRIALS)
    }
}

/// A score as a whole number in the order of [`f64::total_cmp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScoreKey(i64);

impl ScoreKey {
    pub(crate) fn of(score: f64) -> Self {
        let bits = score.to_bits().cast_signed();
        // The magnitude of negative numbers counts downwards.
        Self(bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed())
    }
}

/// The indices of one sweep. Trials are named by their index in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SweepIndex {
    /// Pending trials, in the order in which they are handed out: replicate by replicate, so that
    /// early answers are broad.
    pub(crate) pending: BTreeSet<(u32, u32)>,
    /// Trials with a live lease of either kind.
    pub(crate) leased: BTreeSet<u32>,
    /// Trials that are paused because their sweep is, or was.
    pub(crate) paused: BTreeSet<u32>,
    /// Trials that wait at rungs.
    pub(crate) at_rungs: BTreeSet<u32>,
    /// What its trials have shown, where a pruner asks.
    pub(crate) standings: Option<Standings>,
    /// Trials whose test measurement the sweep waits for.
    pub(crate) outstanding: BTreeSet<u32>,
    /// Those of `outstanding` that nobody measures now.
    pub(crate) evaluable: BTreeSet<u32>,
    /// Completed trials that were trained for this sweep.
    pub(crate) trained: BTreeSet<u32>,
    /// Trials by state, in the order of [`TrialState::ALL`].
    pub(crate) counts: [u64; TrialState::COUNT],
    /// Completed trials that another one stands in for.
    pub(crate) reused: u64,
    /// Whether somebody has deleted it: no answer is told of it any more.
    is_deleted: bool,
    /// Its trials whose results others have taken over.
    pub(crate) origins: BTreeSet<u32>,
    /// Trials that the sweep has once all are made; none where it was deleted.
    target: u64,
    /// Epochs that trials have brought, and that open ones may still bring.
    pub(crate) epochs: u64,
    /// When its attempts ran.
    pub(crate) ran: Spans,
    /// Trials with a result by their score, lowest first.
    pub(crate) scored: BTreeSet<(ScoreKey, u32)>,
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
    /// Ended trials of a searched sweep by the numbers of their ends.
    pub(crate) ended: BTreeMap<u64, u32>,
    /// Its entry in [`Index::ready`].
    ready: Option<Turn>,
    /// Its entry in [`Index::starving`].
    starving: Option<Turn>,
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
        Tally { made: self.made(), epochs: self.epochs, epochs_configured: self.epochs_configured }
    }

    /// The number of the last trial that has ended; 0 where none has, and of a grid.
    pub(crate) fn ended_last(&self) -> u64 {
        self.ended.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The number of the chosen configuration of its sweep.
    pub(crate) fn chosen(&self, sweep: &SweepRecord) -> Option<ConfigurationIndex> {
        self.configurations.number(sweep.chosen.as_ref()?)
    }

    /// Trials that wait for a worker, or for their sweep to go on.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len() + self.paused.len()
    }

    /// Whether more trials are to be made where that many wait.
    fn lacks(&self, sweep: &SweepRecord, waiting: usize, stock: Stock) -> bool {
        // Those of a searched sweep are proposed.
        waiting < stock.0 && self.unmade() > 0 && sweep.search.is_none()
    }

    /// Whether trials have yet to follow what was decided of their sweep.
    fn is_behind(&self, sweep: &SweepRecord, stock: Stock) -> bool {
        if sweep.is_deleted() {
            // What others rest on stays, and the sweep's row with it.
            return self.made() == 0 || self.made() > self.origins.len() as u64;
        }
        match sweep.state {
            SweepState::Open => {
                !self.paused.is_empty() || self.lacks(sweep, self.pending.len(), stock) || self.moves_rungs()
            }
            SweepState::Paused => !self.pending.is_empty() || self.lacks(sweep, self.paused.len(), stock),
            SweepState::Cancelled => {
                !self.paused.is_empty() || !self.pending.is_empty() || !self.at_rungs.is_empty()
            }
            SweepState::Evaluating | SweepState::Finished => false,
        }
    }

    /// Whether trials that wait at rungs are to be promoted or pruned.
    fn moves_rungs(&self) -> bool {
        let promotes = |standings: &Standings| standings.promotable().next().is_some();
        self.is_stuck() || self.standings.as_ref().is_some_and(promotes)
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

    /// A trial or its epochs have changed: so has what it has shown.
    fn show(&mut self, tables: &Tables, trial: &TrialRecord) {
        if let Some(standings) = &mut self.standings {
            standings.set(trial.spec.id.index, shown(tables, trial));
        }
    }

    fn remove(&mut self, trial: &TrialRecord, recorded: u32) {
        let index = trial.spec.id.index;
        if !self.is_deleted {
            self.configurations.remove(trial);
        }
        self.progress.remove(Progress::of(trial, recorded));
        self.epochs_configured -= trial.spec.configuration.epochs();
        match trial.state {
            TrialState::Pending => _ = self.pending.remove(&(trial.spec.replicate, index)),
            TrialState::Paused => _ = self.paused.remove(&index) || self.at_rungs.remove(&index),
            TrialState::Completed => _ = self.trained.remove(&index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.remove(&index);
        }
        if let Some(result) = &trial.result {
            self.scored.remove(&(ScoreKey::of(result.score), index));
            self.still_learning -= u64::from(result.was_still_learning());
        }
        if let Some(number) = trial.ended_number {
            self.ended.remove(&number);
        }
        self.counts[trial.state as usize] -= 1;
        self.reused -= u64::from(trial.reused_from.is_some());
        self.epochs -= epochs(trial);
        self.artifact_bytes -= artifact_bytes(trial);
    }

    fn insert(&mut self, spec: Option<&SweepSpec>, trial: &TrialRecord, recorded: u32) {
        let index = trial.spec.id.index;
        if !self.is_deleted {
            self.configurations.insert(spec, trial);
        }
        self.progress.add(Progress::of(trial, recorded));
        self.epochs_configured += trial.spec.configuration.epochs();
        match trial.state {
            TrialState::Pending => _ = self.pending.insert((trial.spec.replicate, index)),
            TrialState::Paused if trial.rung().is_some() => _ = self.at_rungs.insert(index),
            TrialState::Paused => _ = self.paused.insert(index),
            TrialState::Completed if trial.reused_from.is_none() => _ = self.trained.insert(index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.insert(index);
        }
        if let Some(result) = &trial.result {
            self.scored.insert((ScoreKey::of(result.score), index));
            self.still_learning += u64::from(result.was_still_learning());
        }
        if let Some(number) = trial.ended_number {
            self.ended.insert(number, index);
        }
        self.counts[trial.state as usize] += 1;
        self.reused += u64::from(trial.reused_from.is_some());
        self.epochs += epochs(trial);
        self.artifact_bytes += artifact_bytes(trial);
    }
}

/// Epochs that a trial has brought where it has ended, or may bring.
pub(crate) fn epochs(trial: &TrialRecord) -> u64 {
    match &trial.result {
        _ if !trial.state.is_terminal() => trial.spec.configuration.epochs(),
        Some(result) if trial.reused_from.is_none() => u64::from(result.epochs),
        _ if trial.state == TrialState::Pruned => u64::from(trial.until_epoch.unwrap_or(0)),
        _ => u64::from(trial.diverged_epoch.unwrap_or(0)),
    }
}

/// Bytes of what a trial has brought.
fn artifact_bytes(trial: &TrialRecord) -> u64 {
    let checkpoints = trial.checkpoint.iter().chain(&trial.underway).map(|one| one.artifact.bytes);
    let is_here = trial.reused_from.is_none() && !trial.model_is_removed;
    let model = trial.result.iter().filter(|_| is_here).map(|result| result.model.bytes);
    // A worker names the sizes: no sum of them must overflow.
    checkpoints.chain(model).map(|bytes| bytes.min(1 << 40)).sum()
}

impl Index {
    /// The indices of these tables.
    pub(crate) fn rebuild(tables: &Tables, stock: Stock) -> Self {
        let mut index = Self { stock, ..Self::default() };
        for sweep in tables.sweeps.values() {
            index.sweep_named(None, Some(sweep));
            let entry = index.sweeps.entry(sweep.id).or_default();
            (entry.target, entry.is_deleted) = (target(sweep, entry.tally()), sweep.is_deleted());
            entry.standings = standings_of(&sweep.spec).filter(|_| !sweep.is_deleted());
            index.refresh_ready(tables, sweep.id);
        }
        for attempt in tables.attempts.values() {
            index.attempt_counted(tables, attempt);
        }
        for trial in tables.trials.values() {
            index.trial_changed(tables, None, trial);
        }
        index
    }

    /// A trial's row was replaced; `tables` hold the new one.
    pub(crate) fn trial_changed(
        &mut self,
        tables: &Tables,
        before: Option<&TrialRecord>,
        trial: &TrialRecord,
    ) {
        let id = trial.spec.id;
        self.named.trial_changed(before, Some(trial));
        let sweep = self.sweeps.entry(id.sweep).or_default();
        let recorded = tables.epochs_recorded(id);
        if let Some(before) = before {
            sweep.remove(before, recorded);
        }
        sweep.insert(tables.sweeps.get(&id.sweep).map(|sweep| &sweep.spec), trial, recorded);
        sweep.show(tables, trial);
        self.lease_changed(before, Some(trial));
        self.origin_changed(tables, before, Some(trial));
        self.refresh_evaluation(tables, id);
        self.refresh_ready(tables, id.sweep);
    }

    /// A trial's row was removed with its attempts and epochs, of which there were that many; `tables` do not hold it any more.
    pub(crate) fn trial_removed(&mut self, tables: &Tables, trial: &TrialRecord, recorded: u32) {
        let id = trial.spec.id;
        self.named.trial_changed(Some(trial), None);
        if let Some(sweep) = self.sweeps.get_mut(&id.sweep) {
            sweep.remove(trial, recorded);
            if let Some(standings) = &mut sweep.standings {
                standings.set(id.index, Shown::default());
            }
            sweep.outstanding.remove(&id.index);
            sweep.evaluable.remove(&id.index);
        }
        self.lease_changed(Some(trial), None);
        self.origin_changed(tables, Some(trial), None);
        self.refresh_ready(tables, id.sweep);
    }

    fn lease_changed(&mut self, before: Option<&TrialRecord>, after: Option<&TrialRecord>) {
        let lease_of =
            |trial: Option<&TrialRecord>| trial.and_then(|trial| Some((trial.spec.id, trial.lease?)));
        let (old, new) = (lease_of(before), lease_of(after));
        if old == new {
            return;
        }
        if let Some((_, lease)) = old {
            self.live.remove(&lease.token);
            if let Some(tokens) = self.leases.get_mut(&lease.worker) {
                tokens.remove(&lease.token);
                if tokens.is_empty() {
                    self.leases.remove(&lease.worker);
                }
            }
        }
        if let Some((trial, lease)) = new {
            self.live.insert(lease.token, trial);
            self.leases.entry(lease.worker).or_default().insert(lease.token);
        }
    }

    /// Which results stand in for others; a deleted sweep may have one less to keep.
    fn origin_changed(&mut self, tables: &Tables, before: Option<&TrialRecord>, after: Option<&TrialRecord>) {
        self.origins.trial_changed(before, after);
        let reused = |trial: Option<&TrialRecord>| trial.and_then(|trial| trial.reused_from);
        let (old, new) = (reused(before), reused(after));
        if old == new {
            return;
        }
        for origin in old.into_iter().chain(new) {
            let sweep = self.sweeps.entry(origin.sweep).or_default();
            if self.origins.is_reused(origin) {
                sweep.origins.insert(origin.index);
            } else {
                sweep.origins.remove(&origin.index);
            }
            self.refresh_ready(tables, origin.sweep);
        }
    }

    /// A sweep's row was replaced; `tables` hold the new one.
    pub(crate) fn sweep_changed(
        &mut self,
        tables: &Tables,
        before: Option<&SweepRecord>,
        sweep: &SweepRecord,
    ) {
        self.sweep_named(before, Some(sweep));
        let waits = |sweep: &SweepRecord| sweep.state == SweepState::Evaluating;
        let same =
            before.is_some_and(|before| before.chosen == sweep.chosen && waits(before) == waits(sweep));
        let entry = self.sweeps.entry(sweep.id).or_default();
        entry.target = target(sweep, entry.tally());
        if sweep.is_deleted() {
            // Nobody asks any more when a deleted sweep ran, nor what it found.
            entry.is_deleted = true;
            (entry.ran, entry.configurations) = (Spans::default(), Configurations::default());
            entry.standings = None;
        } else if before.is_some_and(|before| before.spec.axes != sweep.spec.axes) {
            entry.configurations.grid_changed(&sweep.spec);
        }
        if before.is_none() && !sweep.is_deleted() {
            entry.standings = standings_of(&sweep.spec);
        }
        if !same {
            entry.outstanding.clear();
            entry.evaluable.clear();
            let chosen = entry.chosen(sweep).filter(|_| waits(sweep));
            let of_choice = chosen.map(|chosen| entry.configurations.trials_of(chosen).collect::<Vec<_>>());
            for index in of_choice.into_iter().flatten() {
                self.refresh_evaluation(tables, TrialId { sweep: sweep.id, index });
            }
        }
        self.refresh_ready(tables, sweep.id);
    }

    /// Epochs of a trial were recorded or removed; that many are recorded now.
    pub(crate) fn epochs_changed(
        &mut self,
        tables: &Tables,
        trial: &TrialRecord,
        before: u32,
        recorded: u32,
    ) {
        let entry = self.sweeps.entry(trial.spec.id.sweep).or_default();
        entry.progress.remove(Progress::of(trial, before));
        entry.progress.add(Progress::of(trial, recorded));
        if entry.standings.is_some() {
            entry.show(tables, trial);
            self.refresh_ready(tables, trial.spec.id.sweep);
        }
    }

    /// A sweep's row was removed with its trials.
    pub(crate) fn sweep_removed(&mut self, sweep: &SweepRecord) {
        self.sweep_named(Some(sweep), None);
        self.behind.remove(&sweep.id);
        self.wanting.remove(&sweep.id);
        if let Some(SweepIndex { ready, starving, .. }) = self.sweeps.remove(&sweep.id) {
            ready.iter().for_each(|turn| _ = self.ready.remove(turn));
            starving.iter().for_each(|turn| _ = self.starving.remove(turn));
        }
    }

    /// What is found by a sweep's row. A deleted one is found by nothing.
    fn sweep_named(&mut self, before: Option<&SweepRecord>, after: Option<&SweepRecord>) {
        self.named.sweep_changed(before, after);
        if let Some(before) = before
            && let Some(sweeps) = self.names.get_mut(&before.spec.name)
        {
            sweeps.remove(&before.id);
            if sweeps.is_empty() {
                self.names.remove(&before.spec.name);
            }
        }
        if let Some(after) = after.filter(|after| !after.is_deleted()) {
            self.names.entry(after.spec.name.clone()).or_default().insert(after.id);
        }
    }

    /// An attempt's row was replaced; `tables` hold the new one.
    pub(crate) fn attempt_changed(&mut self, tables: &Tables, attempt: &AttemptRecord) {
        self.attempt_counted(tables, attempt);
        if attempt.work == WorkKind::Evaluate {
            self.refresh_evaluation(tables, attempt.id.trial);
            self.refresh_ready(tables, attempt.id.trial.sweep);
        }
    }

    fn attempt_counted(&mut self, tables: &Tables, attempt: &AttemptRecord) {
        if self.attempts.insert(attempt.token, attempt.id).is_none() {
            *self.worked.entry(attempt.worker).or_default() += 1;
        }
        let id = attempt.id.trial.sweep;
        // Nobody asks any more when a deleted sweep ran.
        if tables.sweeps.get(&id).is_some_and(|sweep| !sweep.is_deleted()) {
            self.sweeps.entry(id).or_default().ran.add(attempt);
        }
    }

    /// An attempt's row is about to be removed.
    pub(crate) fn attempt_removed(&mut self, attempt: &AttemptRecord) {
        if self.attempts.remove(&attempt.token).is_some()
            && let Some(count) = self.worked.get_mut(&attempt.worker)
        {
            *count -= 1;
            if *count == 0 {
                self.worked.remove(&attempt.worker);
            }
        }
    }

    fn refresh_evaluation(&mut self, tables: &Tables, id: TrialId) {
        let (Some(sweep), Some(trial)) = (tables.sweeps.get(&id.sweep), tables.trials.get(&id)) else {
            return;
        };
        if sweep.state != SweepState::Evaluating {
            return;
        }
        let entry = self.sweeps.entry(id.sweep).or_default();
        let awaits = awaits_test(entry.chosen(sweep), trial);
        let outstanding = awaits && !gave_up(sweep, trial, tables.attempts_of(id));
        if outstanding {
            entry.outstanding.insert(id.index);
        } else {
            entry.outstanding.remove(&id.index);
        }
        if outstanding && trial.lease.is_none() {
            entry.evaluable.insert(id.index);
        } else {
            entry.evaluable.remove(&id.index);
        }
    }

    fn refresh_ready(&mut self, tables: &Tables, id: SweepId) {
        let (Some(sweep), Some(entry)) = (tables.sweeps.get(&id), self.sweeps.get_mut(&id)) else { return };
        if sweep.search.is_some() {
            entry.target = target(sweep, entry.tally());
        }
        let phase = match sweep.state {
            SweepState::Open if !entry.pending.is_empty() => Some(Phase::Train),
            SweepState::Evaluating if !entry.evaluable.is_empty() => Some(Phase::Evaluate),
            _ => None,
        };
        let (priority, leases) = (Reverse(sweep.spec.priority), entry.leased.len());
        let turn = phase.map(|phase| Turn { phase, priority, leases, sweep: id });
        if entry.is_behind(sweep, self.stock) {
            self.behind.insert(id);
        } else {
            self.behind.remove(&id);
        }
        if entry.ready != turn {
            if let Some(old) = entry.ready {
                self.ready.remove(&old);
            }
            self.ready.extend(turn);
            entry.ready = turn;
        }
        if search::wanted(sweep, entry) > 0 {
            self.wanting.insert(id);
        } else {
            self.wanting.remove(&id);
        }
        let is_starving = search::is_starving(sweep, entry);
        let turn = is_starving.then_some(Turn { phase: Phase::Train, priority, leases, sweep: id });
        if entry.starving != turn {
            if let Some(old) = entry.starving {
                self.starving.remove(&old);
            }
            self.starving.extend(turn);
            entry.starving = turn;
        }
    }
}

/// Trials that a sweep has once all are made. A deleted one makes none any more.
fn target(sweep: &SweepRecord, tally: Tally) -> u64 {
    if sweep.is_deleted() { 0 } else { source::of(sweep, tally).target() }
}

/// Whether a trial belongs to the chosen configuration and has not been measured on the test split.
pub(crate) fn awaits_test(chosen: Option<ConfigurationIndex>, trial: &TrialRecord) -> bool {
    trial.state == TrialState::Completed && trial.test.is_none() && chosen == Some(trial.configuration_index)
}

/// Whether evaluation of a trial failed for good. Its failures are counted apart from those of training.
pub(crate) fn gave_up<'a>(
    sweep: &SweepRecord,
    trial: &TrialRecord,
    attempts: impl Iterator<Item = &'a AttemptRecord>,
) -> bool {
    let mut failures = 0;
    let counts = |one: &&AttemptRecord| {
        let has_failed = one.work == WorkKind::Evaluate && one.state == AttemptState::Failed;
        has_failed && one.id.number > trial.forgiven
    };
    for attempt in attempts.filter(counts) {
        failures += 1;
        if !attempt.failure.is_none_or(FailureKind::is_retryable) {
            return true;
        }
    }
    failures >= sweep.spec.failures_max
        || (trial.attempts - trial.forgiven >= ATTEMPTS_MAX && trial.lease.is_none())
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
