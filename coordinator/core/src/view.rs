//! What the shell may read of the engine without deciding anything.

use std::collections::BTreeSet;

use sweep_proto::text::folder_name;
use sweep_proto::{
    ArtifactRef, ConfigurationIndex, Digest, LeaseToken, SweepId, Timestamp, TrialId, WorkKind, WorkerId,
};

use crate::command::Rejection;
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::record::{SweepRecord, SweepState, TrialRecord, TrialState};

/// A sweep's trials by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All trials: the sum over the states. Of a sweep that is open-ended, those that were made.
    pub planned: u64,
    /// Trials by state, in the order of [`TrialState::ALL`].
    pub by_state: [u64; TrialState::COUNT],
    /// Of the completed ones, those whose result an earlier trial gave, of this sweep or another.
    pub reused: u64,
}

impl Ledger {
    /// Trials in one state.
    pub fn of(&self, state: TrialState) -> u64 {
        self.by_state[state as usize]
    }

    /// Trials in a state that does not change any more.
    pub fn ended(&self) -> u64 {
        TrialState::ALL.iter().filter(|state| state.is_terminal()).map(|state| self.of(*state)).sum()
    }
}

/// The state of trials that wait, in a sweep of this state; `None` where none can wait.
pub fn waiting_state(state: SweepState) -> Option<TrialState> {
    match state {
        SweepState::Open => Some(TrialState::Pending),
        SweepState::Paused => Some(TrialState::Paused),
        SweepState::Cancelled => Some(TrialState::Cancelled),
        SweepState::Evaluating | SweepState::Finished => None,
    }
}

/// What becomes of trials that wait at rungs, where that is not what becomes of others that wait.
fn state_at_rungs(sweep: &SweepRecord) -> Option<TrialState> {
    match sweep.state {
        SweepState::Open | SweepState::Paused => Some(TrialState::Paused),
        _ => None,
    }
}

impl Engine {
    /// The indices of a sweep; `None` where there is none.
    pub(crate) fn index_of(&self, sweep: SweepId) -> Option<&SweepIndex> {
        self.index.sweeps.get(&sweep)
    }

    /// A sweep; `None` also where it was deleted.
    pub fn sweep(&self, id: SweepId) -> Option<&SweepRecord> {
        self.tables.sweeps.get(&id).filter(|sweep| !sweep.is_deleted())
    }

    /// The sweeps that were not deleted, oldest first.
    pub fn sweeps(&self) -> impl DoubleEndedIterator<Item = &SweepRecord> {
        self.tables.sweeps.values().filter(|sweep| !sweep.is_deleted())
    }

    /// A sweep by its number, else the newest of that name, else one by its name and its number with `-` between them. The
    /// names that are told apart are also those of the folders of reports.
    pub fn resolve(&self, name_or_number: &str) -> Option<SweepId> {
        let known = |id: &SweepId| self.sweep(*id).is_some();
        let number = name_or_number.parse().ok().filter(known);
        number
            .or_else(|| self.index.names.get(name_or_number)?.last().copied())
            .or_else(|| {
                let (name, number) = name_or_number.rsplit_once('-')?;
                let id = number.parse().ok()?;
                let of =
                    |sweep: &SweepRecord| name == sweep.spec.name || name == folder_name(&sweep.spec.name);
                self.sweep(id).filter(|sweep| of(sweep)).map(|_| id)
            })
            .or_else(|| {
                let mut newest = self.sweeps().rev();
                newest.find(|sweep| folder_name(&sweep.spec.name) == name_or_number).map(|sweep| sweep.id)
            })
    }

    /// A sweep's ledger; empty where there is no such sweep. Trials count as what they are once they have followed what was
    /// decided of their sweep, and those that are yet to be made count, too.
    pub fn ledger(&self, sweep: SweepId) -> Ledger {
        let (Some(index), Some(sweep)) = (self.index_of(sweep), self.sweep(sweep)) else {
            return Ledger::default();
        };
        let mut by_state = index.counts;
        if sweep.spent().is_some() && sweep.state != SweepState::Cancelled {
            // What a trial becomes whose budget is spent depends on how far it has come.
            for trial in index.waits_otherwise(sweep).chain(index.courses.ended_at_rungs.iter().copied()) {
                if let Some(trial) = self.tables.trials.get(&TrialId { sweep: sweep.id, index: trial }) {
                    by_state[trial.state as usize] -= 1;
                    by_state[self.state_of(trial) as usize] += 1;
                }
            }
        } else if let Some(state) = sweep.waiting_state() {
            let mut waiting = if sweep.is_open_ended() { 0 } else { index.unmade() };
            if sweep.is_reviving() {
                waiting += index.stopped();
                by_state[TrialState::Cancelled as usize] = 0;
                by_state[TrialState::Pruned as usize] -= index.shelved.len() as u64;
            }
            for state in [TrialState::Pending, TrialState::Paused] {
                waiting += std::mem::take(&mut by_state[state as usize]);
            }
            if let Some(state) = state_at_rungs(sweep) {
                let at_rungs = index.at_rungs_of(sweep);
                by_state[state as usize] += at_rungs;
                waiting -= at_rungs;
            }
            by_state[state as usize] += waiting;
        }
        Ledger { planned: by_state.iter().sum(), by_state, reused: index.reused }
    }

    /// Trials of a sweep whose results later ones have taken over: they stay when the sweep is deleted.
    pub fn origins_in(&self, sweep: SweepId) -> u64 {
        self.index_of(sweep).map_or(0, |index| index.origins.len() as u64)
    }

    /// Trials that wait at rungs of a sweep that goes on, or may.
    pub fn at_rungs(&self, sweep: SweepId) -> u64 {
        let goes_on = |sweep: &&SweepRecord| matches!(sweep.state, SweepState::Open | SweepState::Paused);
        let Some(sweep) = self.sweep(sweep).filter(goes_on) else { return 0 };
        self.index_of(sweep.id).map_or(0, |index| index.at_rungs_of(sweep))
    }

    /// Trials of a sweep that were pruned because its budget was spent, and go on where it is raised. Where the sweep goes on or was
    /// cancelled there are none, though some have yet to follow.
    pub fn shelved(&self, sweep: SweepId) -> u64 {
        let are_kept = |sweep: &&SweepRecord| sweep.state != SweepState::Cancelled && !sweep.is_reviving();
        let index = self.sweep(sweep).filter(are_kept).and_then(|sweep| self.index_of(sweep.id));
        index.map_or(0, |index| index.shelved.len() as u64)
    }

    /// Trials of a sweep that were made.
    pub fn made(&self, sweep: SweepId) -> u64 {
        self.index_of(sweep).map_or(0, SweepIndex::made)
    }

    /// Trials of a sweep that are yet to be made.
    pub fn unmade(&self, sweep: SweepId) -> u64 {
        self.index_of(sweep).map_or(0, SweepIndex::unmade)
    }

    /// Whether trials of a sweep have yet to follow what was decided of it. Those that are made while it runs do not count.
    pub fn lags(&self, sweep: SweepId) -> bool {
        self.index.behind.contains(&sweep)
    }

    /// Whether trials of a sweep wait at rungs and no other is left that could still end or come to one.
    pub(crate) fn is_stuck(&self, sweep: SweepId) -> bool {
        self.index_of(sweep).is_some_and(SweepIndex::is_stuck)
    }

    /// Whether a sweep has trials that have not ended, or go on.
    pub fn has_open_trials(&self, sweep: SweepId) -> bool {
        let index = self.sweep(sweep).zip(self.index_of(sweep));
        index.is_some_and(|(sweep, index)| index.open_in(sweep) > 0)
    }

    /// An artifact that work under some live lease needs, as it must be.
    pub fn needed_artifact(&self, digest: Digest) -> Option<ArtifactRef> {
        let trials = self.index.live.values().filter_map(|trial| self.tables.trials.get(trial));
        trials.flat_map(|trial| self.artifacts_of(trial)).find(|artifact| artifact.digest == digest)
    }

    /// The artifacts that work under a live lease needs.
    pub fn artifacts_under(&self, token: LeaseToken) -> Vec<ArtifactRef> {
        let trial = self.index.live.get(&token).and_then(|trial| self.tables.trials.get(trial));
        trial.into_iter().flat_map(|trial| self.artifacts_of(trial)).collect()
    }

    fn artifacts_of(&self, trial: &TrialRecord) -> impl Iterator<Item = ArtifactRef> {
        let datasets = self.sweep(trial.spec.id.sweep).into_iter().flat_map(|sweep| &sweep.datasets);
        let dataset = datasets.map(|one| one.artifact).find(|one| one.digest == *trial.spec.dataset);
        let measured = trial.lease.filter(|lease| lease.work == WorkKind::Evaluate);
        let model = measured.and_then(|_| Some(trial.result.as_ref()?.model));
        let checkpoints = trial.checkpoint.into_iter().chain(trial.underway).map(|one| one.artifact);
        dataset.into_iter().chain(model).chain(checkpoints)
    }

    /// Whether some trials have yet to follow what was decided of their sweep: [`Command::Follow`](crate::Command::Follow)
    /// lets a few more.
    pub fn is_behind(&self) -> bool {
        !self.index.behind.is_empty()
    }

    /// Trials of sweeps that go on after their end, and have a pruner, that are not counted for it yet: no trial of such a sweep is
    /// handed out, and [`Command::Follow`](crate::Command::Follow) counts a few more.
    pub fn uncounted(&self) -> u64 {
        self.index.behind.iter().filter_map(|sweep| self.index_of(*sweep)).map(SweepIndex::uncounted).sum()
    }

    /// The sweeps that have such trials. That one has none any more changes no row.
    pub fn counting(&self) -> BTreeSet<SweepId> {
        self.index.behind.iter().copied().filter(|sweep| self.index.is_unfinished(*sweep)).collect()
    }

    /// A trial as it is once it has followed what was decided of its sweep.
    pub fn followed(&self, trial: &TrialRecord) -> TrialRecord {
        if let Some(revived) = self.revived(trial) {
            return revived;
        }
        let state = self.state_of(trial);
        let mut trial = TrialRecord { state, ..trial.clone() };
        if state != TrialState::Cancelled && self.has_ended_at_rung(&trial) {
            trial.until_epoch = None;
        }
        if state == TrialState::Cancelled && trial.ended_at.is_none() {
            (trial.checkpoint, trial.underway) = (None, None);
            trial.ended_at = self.sweep(trial.spec.id.sweep).and_then(|sweep| sweep.ended_at);
        }
        trial
    }

    /// A trial as it goes on, where it has yet to follow that its sweep does after its budget was spent.
    fn revived(&self, trial: &TrialRecord) -> Option<TrialRecord> {
        let sweep =
            self.sweep(trial.spec.id.sweep).filter(|sweep| sweep.is_reviving() && trial.has_stopped())?;
        Some(sweep.revived(&self.tables, trial))
    }

    /// Whether a trial stands at a rung though it has trained to its end.
    fn has_ended_at_rung(&self, trial: &TrialRecord) -> bool {
        let id = trial.spec.id;
        self.index_of(id.sweep).is_some_and(|index| index.courses.ended_at_rungs.contains(&id.index))
    }

    /// The state of a trial once it has followed what was decided of its sweep.
    pub fn state_of(&self, trial: &TrialRecord) -> TrialState {
        if let Some(revived) = self.revived(trial) {
            return revived.state;
        }
        let waits = matches!(trial.state, TrialState::Pending | TrialState::Paused);
        let Some(sweep) = self.sweep(trial.spec.id.sweep).filter(|_| waits) else { return trial.state };
        let at_rung = trial.rung().filter(|_| !self.has_ended_at_rung(trial));
        let at_rung = at_rung.and_then(|_| state_at_rungs(sweep));
        let is_spent = sweep.spent().is_some() && sweep.state != SweepState::Cancelled;
        let of_spent = is_spent.then(|| self.state_when_spent(sweep, trial));
        at_rung.or(of_spent).or_else(|| sweep.waiting_state()).unwrap_or(trial.state)
    }

    /// The trials of a sweep under a live lease, in order.
    pub fn running(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let leased = self.index_of(sweep).into_iter().flat_map(|index| &index.leased);
        leased.filter_map(move |index| self.tables.trials.get(&TrialId { sweep, index: *index }))
    }

    /// The trials of a sweep that have not ended: those that wait, and those that are trained.
    pub fn open_trials(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let open = self.index_of(sweep).into_iter().flat_map(|index| {
            let pending = index.pending.values().map(|(_, trial)| trial);
            let waiting = pending.chain(index.paused.values()).chain(&index.at_rungs);
            waiting.chain(&index.leased).copied()
        });
        let open = open.filter_map(move |index| self.tables.trials.get(&TrialId { sweep, index }));
        open.filter(|trial| !trial.state.is_terminal())
    }

    /// The trial, the attempt and the worker of a live lease; `None` where the token is stale.
    pub fn lease_holder(&self, token: LeaseToken) -> Option<(TrialId, u32, WorkerId)> {
        let trial = self.index.live.get(&token)?;
        let lease = self.tables.trials.get(trial)?.lease?;
        Some((*trial, lease.attempt, lease.worker))
    }

    /// Who was granted a token, live or stale; `None` where nobody was.
    pub fn attempt_worker(&self, token: LeaseToken) -> Option<WorkerId> {
        let attempt = self.index.attempts.get(token)?;
        self.tables.attempts.get(&attempt).map(|attempt| attempt.worker)
    }

    /// A worker touches only what it leases. Who holds a token that was never granted is told by what is done with it.
    pub(crate) fn check_holder(&self, worker: WorkerId, token: Option<LeaseToken>) -> Result<(), Rejection> {
        let holder = |token: &LeaseToken| self.attempt_worker(*token).unwrap_or(worker);
        match token.filter(|token| holder(token) != worker) {
            Some(token) => Err(Rejection::NotHolder { token, worker }),
            None => Ok(()),
        }
    }

    /// The live leases of a worker, in the order of their tokens.
    pub fn leases_of(&self, worker: WorkerId) -> impl Iterator<Item = LeaseToken> {
        self.index.leases.get(&worker).into_iter().flatten().copied()
    }

    /// When a worker was last heard by this coordinator process.
    pub fn heard_at(&self, worker: WorkerId) -> Option<Timestamp> {
        self.volatile.heard_at(worker)
    }

    /// Whether a worker's last session has ended, and it was not heard since: it may be dead, and it may be on its way back.
    pub fn is_disconnected(&self, worker: WorkerId) -> bool {
        self.volatile.is_disconnected(worker)
    }

    /// The number of the chosen configuration of a sweep.
    pub fn chosen(&self, sweep: &SweepRecord) -> Option<ConfigurationIndex> {
        self.index_of(sweep.id)?.chosen(&self.tables, sweep)
    }

    /// The trials of the chosen configuration of a sweep, in order; none before the choice.
    pub fn trials_of_choice(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let chosen = self.sweep(sweep).and_then(|record| self.chosen(record));
        self.trials_with(sweep, chosen)
    }

    /// The trials of a configuration of a sweep, in order.
    pub fn trials_with(
        &self,
        sweep: SweepId,
        configuration: Option<ConfigurationIndex>,
    ) -> impl Iterator<Item = &TrialRecord> {
        let index = self.index_of(sweep).zip(configuration).into_iter();
        let trials = index.flat_map(|(index, number)| index.configurations.trials_of(number));
        trials.filter_map(move |index| self.tables.trials.get(&TrialId { sweep, index }))
    }

    /// The completed trial of a sweep with the lowest score, one seed of one configuration; the first of equal ones. It only falls
    /// as a sweep goes on, while the mean of the best configuration may rise with each further replicate.
    pub fn lowest_trial(&self, sweep: SweepId) -> Option<&TrialRecord> {
        let (_, index) = self.index_of(sweep)?.scored.first()?;
        self.tables.trials.get(&TrialId { sweep, index: *index })
    }

    /// Trials of a sweep with a result, and those of them whose last epoch was the best.
    pub fn still_learning(&self, sweep: SweepId) -> (u64, u64) {
        self.index_of(sweep).map_or((0, 0), |index| (index.scored.len() as u64, index.still_learning))
    }

    /// When a tick will next have something to do.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.volatile.next_deadline()
    }

    /// Whether a worker that asked now could get something.
    pub fn has_pending_work(&self) -> bool {
        !self.index.ready.is_empty()
    }
}
