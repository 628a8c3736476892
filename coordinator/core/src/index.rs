//! Indices derived from the tables, so that no decision has to search: always equal to a rebuild.

mod courses;
mod held;
mod sweep;
mod tokens;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coordinator_search::pruner::Shown;
use sweep_proto::{ConfigurationIndex, FailureKind, LeaseToken, SweepId, TrialId, WorkKind, WorkerId};

use crate::configurations::{Configurations, Rows};
use crate::limits::{ATTEMPTS_MAX, STOCK_TRIALS};
use crate::named::Named;
use crate::origins::Origins;
use crate::progress::Progress;
use crate::record::{AttemptRecord, AttemptState, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::search;
use crate::shared_text::SharedText;
use crate::source::{self, Tally};
use crate::spans::Spans;
use crate::standings::standings_of;
use crate::tables::Tables;

use held::Held;
pub(crate) use sweep::{ScoreKey, SweepIndex, epochs, epochs_beyond_rung};
use tokens::Tokens;

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
    /// Open sweeps with a budget that attempts spend by holding their slots, and have not spent.
    pub(crate) metered: BTreeSet<SweepId>,
    /// Searched sweeps of which workers could train more than their lead allows, in the order of their turns.
    pub(crate) starving: BTreeSet<Turn>,
    /// The trial of each live lease.
    pub(crate) live: BTreeMap<LeaseToken, TrialId>,
    /// The attempt of each token ever granted.
    pub(crate) attempts: Tokens,
    /// The live leases of each worker that has any.
    pub(crate) leases: BTreeMap<WorkerId, BTreeSet<LeaseToken>>,
    /// What was granted to each worker, where anything was.
    pub(crate) worked: BTreeMap<WorkerId, Worked>,
    /// Which results stand in for others.
    pub(crate) origins: Origins,
    /// Which blobs rows name.
    pub(crate) named: Named,
    /// The sweeps of each name.
    pub(crate) names: BTreeMap<String, BTreeSet<SweepId>>,
    /// How many trials of a sweep are made ahead.
    pub(crate) stock: Stock,
}

/// What was granted to a worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worked {
    /// Attempts that name it.
    attempts: u64,
    /// The name that one of them has, for others to share.
    pub(crate) name: SharedText,
}

/// Which of several names is shared is nobody's business.
impl PartialEq for Worked {
    fn eq(&self, other: &Self) -> bool {
        self.attempts == other.attempts
    }
}

/// See [`STOCK_TRIALS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stock(pub(crate) usize);

impl Default for Stock {
    fn default() -> Self {
        Self(STOCK_TRIALS)
    }
}

impl Index {
    /// The indices of these tables.
    pub(crate) fn rebuild(tables: &Tables, stock: Stock) -> Self {
        let mut index = Self { stock, ..Self::default() };
        for sweep in tables.sweeps.values() {
            index.sweep_named(None, Some(sweep));
            let entry = index.sweeps.entry(sweep.id).or_default();
            (entry.target, entry.is_deleted) = (target(sweep, entry.tally()), sweep.is_deleted());
            entry.standings = standings_of(sweep);
            if sweep.state.is_ended() {
                sweep.spec.constraints.forget_points();
            }
            index.refresh_ready(tables, sweep.id);
        }
        for attempt in tables.attempts.values() {
            index.attempt_counted(tables, None, attempt);
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
            sweep.courses.forget(&trial.spec);
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
        slice: usize,
    ) {
        self.sweep_named(before, Some(sweep));
        if sweep.state.is_ended() {
            // Whoever extends it, or makes its report, finds them again.
            sweep.spec.constraints.forget_points();
        }
        let waits = |sweep: &SweepRecord| sweep.state == SweepState::Evaluating;
        let same =
            before.is_some_and(|before| before.chosen == sweep.chosen && waits(before) == waits(sweep));
        let entry = self.sweeps.entry(sweep.id).or_default();
        entry.target = target(sweep, entry.tally());
        if sweep.is_deleted() {
            // Nobody asks any more when a deleted sweep ran, nor what it found.
            entry.is_deleted = true;
            (entry.ran, entry.configurations) = (Spans::default(), Configurations::default());
            entry.held = Held::default();
        } else if before.is_some_and(|before| before.spec.axes != sweep.spec.axes) {
            let rows = Rows { tables, sweep: sweep.id };
            entry.configurations.grid_changed(rows, &sweep.spec);
        }
        entry.follow_standings(tables, sweep, slice);
        if !same {
            entry.outstanding.clear();
            entry.evaluable.clear();
            let chosen = entry.chosen(tables, sweep).filter(|_| waits(sweep));
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
        let is_metered = courses::metered(tables, trial.spec.id.sweep).is_some();
        if entry.standings.is_some() || entry.unfinished.is_some() || is_metered {
            entry.show(tables, trial);
            self.refresh_ready(tables, trial.spec.id.sweep);
        }
    }

    /// Lets the standings of a sweep that goes on count its next trials.
    pub(crate) fn show_more(&mut self, tables: &Tables, id: SweepId, slice: usize) {
        if let Some(entry) = self.sweeps.get_mut(&id) {
            entry.show_more(tables, id, slice);
        }
        self.refresh_ready(tables, id);
    }

    /// Whether the standings of a sweep do not count all its trials yet.
    pub(crate) fn is_unfinished(&self, sweep: SweepId) -> bool {
        self.sweeps.get(&sweep).is_some_and(|entry| entry.unfinished.is_some())
    }

    /// These indices once all standings are made.
    pub(crate) fn finished(&self, tables: &Tables) -> Cow<'_, Self> {
        let mut index = Cow::Borrowed(self);
        for sweep in self.sweeps.keys().filter(|sweep| self.is_unfinished(**sweep)) {
            index.to_mut().show_more(tables, *sweep, usize::MAX);
        }
        index
    }

    /// A sweep's row was removed with its trials.
    pub(crate) fn sweep_removed(&mut self, sweep: &SweepRecord) {
        self.sweep_named(Some(sweep), None);
        self.behind.remove(&sweep.id);
        self.wanting.remove(&sweep.id);
        self.metered.remove(&sweep.id);
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
    pub(crate) fn attempt_changed(
        &mut self,
        tables: &Tables,
        before: Option<&AttemptRecord>,
        attempt: &AttemptRecord,
    ) {
        self.attempt_counted(tables, before, attempt);
        if attempt.work == WorkKind::Evaluate {
            self.refresh_evaluation(tables, attempt.id.trial);
            self.refresh_ready(tables, attempt.id.trial.sweep);
        }
    }

    fn attempt_counted(&mut self, tables: &Tables, before: Option<&AttemptRecord>, attempt: &AttemptRecord) {
        if self.attempts.insert(attempt.token, attempt.id) {
            let worked = self.worked.entry(attempt.worker).or_default();
            worked.attempts += 1;
            worked.name = attempt.worker_name.clone();
        }
        let id = attempt.id.trial.sweep;
        // Nobody asks any more when a deleted sweep ran.
        if tables.sweeps.get(&id).is_some_and(|sweep| !sweep.is_deleted()) {
            let entry = self.sweeps.entry(id).or_default();
            entry.ran.add(attempt);
            if let Some(before) = before {
                entry.held.remove(before);
            }
            entry.held.add(attempt);
        }
    }

    /// An attempt's row is about to be removed.
    pub(crate) fn attempt_removed(&mut self, attempt: &AttemptRecord) {
        if let Some(entry) = self.sweeps.get_mut(&attempt.id.trial.sweep).filter(|entry| !entry.is_deleted) {
            entry.held.remove(attempt);
        }
        if self.attempts.remove(attempt.token)
            && let Some(worked) = self.worked.get_mut(&attempt.worker)
        {
            worked.attempts -= 1;
            if worked.attempts == 0 {
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
        let awaits = awaits_test(entry.chosen(tables, sweep), trial);
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
        if sweep.search.is_some() || has_all(sweep) {
            entry.target = target(sweep, entry.tally());
        }
        let phase = match sweep.state {
            // A pruner asks of every epoch what all trials have shown.
            SweepState::Open
                if !entry.pending.is_empty()
                    && entry.unfinished.is_none()
                    && !sweep.is_reviving()
                    && (sweep.spent().is_none()
                        || entry.handed_out_when_spent(tables, sweep).next().is_some()) =>
            {
                Some(Phase::Train)
            }
            SweepState::Evaluating if !entry.evaluable.is_empty() => Some(Phase::Evaluate),
            _ => None,
        };
        let (priority, leases) = (Reverse(sweep.spec.priority), entry.leased.len());
        let turn = phase.map(|phase| Turn { phase, priority, leases, sweep: id });
        if entry.is_behind(tables, sweep, self.stock) {
            self.behind.insert(id);
        } else {
            self.behind.remove(&id);
        }
        set_turn(&mut self.ready, &mut entry.ready, turn);
        if search::wanted(sweep, entry) > 0 || search::awaits_steering(sweep) {
            self.wanting.insert(id);
        } else {
            self.wanting.remove(&id);
        }
        if search::is_metered(sweep) {
            self.metered.insert(id);
        } else {
            self.metered.remove(&id);
        }
        let is_starving = search::is_starving(sweep, entry);
        let turn = is_starving.then_some(Turn { phase: Phase::Train, priority, leases, sweep: id });
        set_turn(&mut self.starving, &mut entry.starving, turn);
    }
}

/// A sweep's turn in a queue becomes another one, or none.
fn set_turn(queue: &mut BTreeSet<Turn>, present: &mut Option<Turn>, turn: Option<Turn>) {
    if *present != turn {
        if let Some(old) = present.take() {
            queue.remove(&old);
        }
        queue.extend(turn);
        *present = turn;
    }
}

/// Trials that a sweep has once all are made. A deleted one makes none any more.
fn target(sweep: &SweepRecord, tally: Tally) -> u64 {
    match sweep {
        _ if sweep.is_deleted() => 0,
        _ if has_all(sweep) => tally.made,
        SweepRecord { state: SweepState::Cancelled, planned: Some(planned), .. } => *planned,
        _ => source::of(sweep, tally).target(),
    }
}

/// Whether all trials of a sweep are made, since it has come to its end: no start looks at the points of its grid.
fn has_all(sweep: &SweepRecord) -> bool {
    matches!(sweep.state, SweepState::Evaluating | SweepState::Finished)
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
