//! What must always hold of an engine, checked: the oracle of the simulation and of `fsck`.

mod revival;
mod steering;

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{CheckpointRef, ConfigurationIndex, FailureKind, TrialId, WorkKind};

use crate::choice::objective_score;
use crate::engine::Engine;
use crate::index::Index;
use crate::limits::OUT_OF_MEMORY_MAX;
use crate::origins::stands_in;
use crate::record::{
    AttemptRecord, AttemptState, Cleared, KeyForm, LeaseRecord, SweepRecord, SweepState, TrialRecord,
    TrialState, WorkerState,
};
use crate::{search, source};

use revival::was_shelved;

/// Violations found so far.
struct Audit<'a> {
    engine: &'a Engine,
    problems: Vec<String>,
}

impl Engine {
    /// Every violation of an invariant in words; empty where all hold. Reads everything.
    pub fn audit(&self) -> Vec<String> {
        let mut audit = Audit { engine: self, problems: Vec::new() };
        let index = self.index.finished(&self.tables);
        audit.expect(*index == Index::rebuild(&self.tables, self.index.stock), || {
            "the indices differ from a rebuild".into()
        });
        for sweep in self.tables.sweeps.values() {
            if sweep.is_deleted() {
                audit.deleted(sweep);
            } else {
                audit.sweep(sweep);
            }
        }
        let newest = self.tables.sweeps.last_key_value().map_or(0, |(id, _)| id.0);
        audit.expect(newest <= self.tables.last_sweep, || {
            format!("sweep {newest} has a number above the last one, {}", self.tables.last_sweep)
        });
        for trial in self.tables.trials.values() {
            audit.trial(trial);
            audit.lease(trial);
            audit.attempts(trial);
        }
        audit.tokens();
        audit.problems
    }
}

impl Audit<'_> {
    fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    /// Of a deleted sweep there is what others rest on, and what is yet to be removed.
    fn deleted(&mut self, sweep: &SweepRecord) {
        let id = sweep.id;
        self.expect(sweep.state.is_ended(), || {
            format!("sweep {id} was deleted while {}", sweep.state.name())
        });
        self.expect(sweep.datasets.is_empty(), || format!("sweep {id} was deleted and still names datasets"));
        let index = &self.engine.index;
        let mut trials = self.engine.tables.trials_of(id).map(|trial| index.origins.is_reused(trial.spec.id));
        let waits = trials.next().is_none_or(|first| !first || trials.any(|is_reused| !is_reused));
        self.expect(waits == self.engine.lags(id), || {
            format!("sweep {id} was deleted; whether rows are left that nobody rests on: {waits}; whether they go: {}", !waits)
        });
    }

    fn sweep(&mut self, sweep: &SweepRecord) {
        let id = sweep.id;
        let trials: Vec<_> = self.engine.tables.trials_of(id).collect();
        let gapless = trials.iter().enumerate().all(|(index, trial)| trial.spec.id.index as usize == index);
        self.expect(gapless, || format!("the trials of sweep {id} are not numbered without a gap"));
        let keys: BTreeSet<_> =
            trials.iter().map(|trial| (trial.spec.key(), trial.spec.configuration.epochs())).collect();
        self.expect(keys.len() == trials.len(), || {
            format!("sweep {id} has two trials of the same key that train equally far")
        });
        self.numbers(sweep, &trials);
        self.expect(sweep.held.is_none() || sweep.state == SweepState::Paused, || {
            format!("sweep {id} is held and {}", sweep.state.name())
        });
        self.making(sweep, &trials);
        self.openness(sweep, &trials);
        self.search(sweep, &trials);
        self.revival(sweep, &trials);
        self.steering(sweep, &trials);
        self.end(sweep, &trials);
    }

    /// Configurations are numbered as a load of the rows numbers them: in the order in which trials first have them.
    fn numbers(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let mut numbers = BTreeMap::new();
        let is_numbered = trials.iter().all(|trial| {
            let next = ConfigurationIndex(numbers.len() as u32);
            *numbers.entry(&trial.spec.configuration).or_insert(next) == trial.configuration_index
        });
        self.expect(is_numbered, || {
            format!("the configurations of sweep {} are numbered otherwise than its rows say", sweep.id)
        });
    }

    /// The trials of a sweep that are yet to be made are planned, and made as they are needed.
    fn making(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        let ledger = self.engine.ledger(id);
        let target = self.engine.index_of(id).map_or(0, |index| {
            let target = || source::of(sweep, index.tally()).target();
            if sweep.is_open_ended() { index.made() } else { target() }
        });
        self.expect(ledger.planned == target, || {
            format!("sweep {id} plans {target} trials, its ledger sums to {}", ledger.planned)
        });
        let (unmade, is_behind) = (self.engine.unmade(id), self.engine.lags(id));
        let waits = |trial: &&TrialRecord| matches!(trial.state, TrialState::Pending | TrialState::Paused);
        let is_made = is_behind || trials.iter().any(waits) || sweep.search.is_some();
        self.expect(unmade == 0 || is_made || sweep.state == SweepState::Cancelled, || {
            format!("sweep {id} lacks {unmade} trials, none of them is being made, and none waits")
        });
        self.expect(sweep.extended_from.is_none() || unmade > 0, || {
            format!("sweep {id} has all its trials, and still remembers what it was extended from")
        });
    }

    /// A sweep goes on as long as one of its trials may, and no longer.
    fn openness(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        let (unmade, is_behind) = (self.engine.unmade(id), self.engine.lags(id));
        let is_stuck = self.engine.is_stuck(id) && !sweep.is_unconcluded();
        self.expect(!is_stuck || is_behind || sweep.state != SweepState::Open, || {
            format!("all that is left of sweep {id} waits at rungs, and nobody promotes or prunes it")
        });
        let is_pruned = |trial: &&TrialRecord| trial.state == TrialState::Pruned;
        // Where a budget of hours was spent, nobody promoted the leading trial; it may have been raised since.
        let has_meter = sweep.spec.metered_ms().is_some();
        let was_cut_short = sweep.state == SweepState::Cancelled || has_meter || sweep.conclusion.is_some();
        let is_lost = !was_cut_short && trials.iter().all(is_pruned);
        self.expect(!is_lost || trials.is_empty(), || format!("every trial of sweep {id} was pruned"));
        let open = unmade > 0 || trials.iter().any(|trial| !trial.state.is_terminal());
        let may_be_open = matches!(sweep.state, SweepState::Open | SweepState::Paused)
            || (sweep.state == SweepState::Cancelled && (is_behind || unmade > 0));
        self.expect(!open || may_be_open, || {
            format!("sweep {id} is {} with trials that have not ended", sweep.state.name())
        });
        let waits = sweep.is_reviving() || sweep.is_unconcluded();
        self.expect(open || waits || sweep.state != SweepState::Open, || {
            format!("sweep {id} is open without an open trial")
        });
    }

    /// Nothing is done for a sweep that has ended, and what its best configuration left behind is kept.
    fn end(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        let leased = trials.iter().any(|trial| trial.lease.is_some());
        self.expect(!(leased && sweep.state.is_ended()), || format!("sweep {id} has ended with live leases"));
        self.expect(sweep.ended_at.is_some() == sweep.state.is_ended(), || {
            format!("sweep {id} is {}, ended at {:?}", sweep.state.name(), sweep.ended_at)
        });
        let cleared = sweep.cleared;
        self.expect(cleared == Cleared::default() || sweep.state.is_ended(), || {
            format!("sweep {id} is {}, and what it left behind was removed", sweep.state.name())
        });
        let best = self.engine.best_of(sweep);
        let removed = trials.iter().filter(|trial| trial.model_is_removed);
        let wrong = removed
            .filter(|trial| trial.spec.id.index >= cleared.models || Some(trial.configuration_index) == best)
            .count();
        self.expect(wrong == 0, || format!("sweep {id} lacks {wrong} models that it needs"));
        let waits = self.engine.index_of(id).is_some_and(|index| !index.outstanding.is_empty());
        self.expect(waits == (sweep.state == SweepState::Evaluating), || {
            format!("sweep {id} is {}, waiting for tests: {waits}", sweep.state.name())
        });
    }

    /// The trials of a searched sweep are of its space, within its budget, and numbered as they end; it goes on until that is spent.
    fn search(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        let numbers: Vec<u64> = trials.iter().filter_map(|trial| trial.ended_number).collect();
        let distinct: BTreeSet<_> = numbers.iter().collect();
        self.expect(distinct.len() == numbers.len(), || {
            format!("two trials of sweep {id} ended as the same one")
        });
        let is_searched = search::of(&sweep.spec).is_some();
        self.expect(is_searched == sweep.search.is_some(), || {
            format!("sweep {id} is searched: {is_searched}; it has {:?}", sweep.search)
        });
        let counts = |state: TrialState| is_searched && state.is_terminal() && state != TrialState::Cancelled;
        let has_number = |trial: &TrialRecord| counts(trial.state) && !was_shelved(sweep, trial);
        let mut trials_fit = trials.iter().map(|trial| has_number(trial) == trial.ended_number.is_some());
        self.expect(trials_fit.all(|fits| fits), || {
            format!("the ended trials of sweep {id} are not those that are numbered")
        });
        let (Some(index), true) = (self.engine.index_of(id), is_searched) else { return };
        let strange = trials.iter().find(|trial| !sweep.spec.allows(&trial.spec.configuration));
        self.expect(strange.is_none(), || format!("{strange:?} is not of the space of its sweep"));
        let budget = sweep.spec.search.as_ref().and_then(|search| search.budget.trials);
        self.expect(budget.is_none_or(|most| index.made() <= u64::from(most)), || {
            format!("sweep {id} has {} trials of {budget:?}", index.made())
        });
        self.expect(sweep.spent().is_none() || sweep.spec.metered_ms().is_some(), || {
            format!("sweep {id} has spent {:?}, of which it has no budget", sweep.spent())
        });
        self.expect(sweep.finalist().is_none() || sweep.spent().is_some(), || {
            format!("sweep {id} has a finalist, and its budget is not spent")
        });
        self.expect(sweep.spent().is_none() || !sweep.is_reviving(), || {
            format!("the budget of sweep {id} is spent, and its trials are to go on")
        });
        let goes_on = index.open_trials() > 0
            || sweep.is_reviving()
            || search::wanted(sweep, index) > 0
            || search::awaits_steering(sweep);
        self.expect(sweep.state != SweepState::Open || goes_on, || {
            format!("sweep {id} is open, and neither runs nor wants proposals")
        });
    }

    fn trial(&mut self, trial: &TrialRecord) {
        let id = trial.spec.id;
        let tables = &self.engine.tables;
        let epochs: Vec<_> = tables.epochs_of(id).collect();
        let gapless = epochs.iter().enumerate().all(|(before, one)| one.metric.epoch as usize == before + 1);
        self.expect(gapless, || format!("the epochs of trial {id} have a gap"));
        let planned = trial.spec.configuration.epochs();
        self.expect(epochs.len() as u64 <= planned, || format!("trial {id} has more epochs than planned"));
        let until = trial.until_epoch.filter(|_| !trial.state.is_terminal());
        self.expect(until.is_none_or(|until| epochs.len() <= until as usize), || {
            format!("trial {id} has {} epochs, and was to train until epoch {until:?}", epochs.len())
        });
        self.expect(trial.state != TrialState::Pruned || !epochs.is_empty(), || {
            format!("trial {id} was pruned before it had shown anything")
        });
        self.expect(trial.key_form != KeyForm::Other, || format!("trial {id} has another trial's key"));
        let completed = trial.state == TrialState::Completed;
        self.expect(trial.result.is_some() == completed, || {
            format!("trial {id} is {} with result {:?}", trial.state.name(), trial.result)
        });
        self.expect(trial.test.is_none() || completed, || {
            format!("trial {id} was tested without being completed")
        });
        if trial.state.is_terminal() {
            let sweep = tables.sweeps.get(&id.sweep);
            let may_go_on = sweep.is_some_and(|sweep| match sweep.state {
                SweepState::Cancelled => self.engine.lags(sweep.id),
                _ => sweep.spent().is_some() || sweep.is_reviving() || sweep.conclusion.is_some(),
            });
            let resumes = trial.checkpoint.map(|checkpoint| checkpoint.epoch as usize);
            let is_open = trial.checkpoint.is_some() || trial.underway.is_some();
            let is_shelved = trial.is_shelved() && may_go_on && resumes == Some(epochs.len());
            let closed = trial.ended_at.is_some() && (!is_open || is_shelved);
            self.expect(closed, || format!("trial {id} has ended but is not closed"));
        } else {
            let resumes = trial.checkpoint.map_or(0, |checkpoint| checkpoint.epoch) as usize;
            self.expect(resumes == epochs.len() && trial.ended_at.is_none(), || {
                format!("trial {id} resumes after epoch {resumes} but has {} epochs", epochs.len())
            });
            let fits = |one: &CheckpointRef| one.epoch as usize == epochs.len() && one.batches > 0;
            self.expect(trial.underway.is_none_or(|one| fits(&one)), || {
                format!("trial {id} is underway at {:?} but has {} epochs", trial.underway, epochs.len())
            });
        }
        if let Some(origin) = trial.reused_from {
            let origin = tables.trials.get(&origin);
            let equal = origin.is_some_and(|one| {
                let is_same = trial.spec.has_key(one.key()) && stands_in(one, &trial.spec);
                is_same && one.result == trial.result && one.reused_from.is_none()
            });
            self.expect(equal && epochs.is_empty(), || format!("trial {id} is reused from one unlike it"));
        } else if let Some(result) = &trial.result {
            let score = epochs.get(result.best_epoch as usize - 1).map(|one| one.metric.validation_loss);
            self.expect(result.epochs as usize == epochs.len() && score == Some(result.score), || {
                format!("the result of trial {id} does not follow from its epochs")
            });
        }
        let counted = tables.sweeps.get(&id.sweep).zip(trial.result.as_ref());
        let score = counted.and_then(|(sweep, result)| {
            objective_score(tables, sweep.spec.objective, trial.reused_from.unwrap_or(id), result)
        });
        self.expect(trial.objective_score == score, || {
            format!("the score of trial {id} by its sweep's objective does not follow from its epochs")
        });
        let sweep = tables.sweeps.get(&id.sweep).map(|sweep| sweep.state);
        let lags = self.engine.lags(id.sweep);
        let fits = match trial.state {
            TrialState::Pending => sweep == Some(SweepState::Open) || lags,
            TrialState::Paused if trial.rung().is_some() => {
                matches!(sweep, Some(SweepState::Open | SweepState::Paused)) || lags
            }
            TrialState::Paused => sweep == Some(SweepState::Paused) || lags,
            _ => sweep.is_some(),
        };
        self.expect(fits, || format!("trial {id} is {} in a sweep that is {sweep:?}", trial.state.name()));
    }

    fn lease(&mut self, trial: &TrialRecord) {
        let id = trial.spec.id;
        let work = trial.lease.map(|lease| lease.work);
        let fits = match trial.state {
            TrialState::Leased => work == Some(WorkKind::Train),
            TrialState::Completed => work != Some(WorkKind::Train),
            _ => work.is_none(),
        };
        self.expect(fits, || format!("trial {id} is {} with a lease to {work:?}", trial.state.name()));
        let Some(lease) = trial.lease else { return };
        let worker = self.engine.tables.workers.get(&lease.worker).map(|worker| worker.state);
        self.expect(worker.is_some_and(|state| state != WorkerState::Departed), || {
            format!("trial {id} is leased to worker {}, which is {worker:?}", lease.worker)
        });
        self.group(trial, lease);
        let ends = self.engine.volatile.expiring().any(|(_, token)| token == lease.token);
        self.expect(ends, || format!("lease {} of trial {id} never ends", lease.token));
    }

    /// What a trial has in common with the first of its group, as long as that is in it.
    fn group(&mut self, trial: &TrialRecord, lease: LeaseRecord) {
        let first = lease.group.and_then(|token| self.engine.index.live.get(&token));
        let Some(first) = first.and_then(|id| self.engine.tables.trials.get(id)) else { return };
        let fits = (first.spec.id.sweep, &first.spec.dataset) == (trial.spec.id.sweep, &trial.spec.dataset)
            && lease.work == WorkKind::Train
            && first.lease.is_some_and(|one| (one.worker, one.group) == (lease.worker, lease.group));
        self.expect(fits, || format!("trial {} is in a group with {}", trial.spec.id, first.spec.id));
    }

    fn attempts(&mut self, trial: &TrialRecord) {
        let id = trial.spec.id;
        let attempts: Vec<&AttemptRecord> = self.engine.tables.attempts_of(id).collect();
        let gapless = attempts.iter().enumerate().all(|(before, one)| one.id.number as usize == before + 1);
        self.expect(gapless && attempts.len() == trial.attempts as usize, || {
            format!("trial {id} counts {} attempts, {} are recorded", trial.attempts, attempts.len())
        });
        let running: Vec<_> = attempts.iter().filter(|one| one.state == AttemptState::Running).collect();
        let expected = usize::from(trial.lease.is_some());
        let same = trial.lease.iter().zip(&running).all(|(lease, one)| {
            (lease.token, lease.attempt, lease.worker, lease.work)
                == (one.token, one.id.number, one.worker, one.work)
        });
        self.expect(running.len() == expected && same, || {
            format!("trial {id} has {} running attempts and the lease {:?}", running.len(), trial.lease)
        });
        let of = |work, state| attempts.iter().filter(|one| one.work == work && one.state == state).count();
        self.expect(trial.forgiven <= trial.attempts, || format!("trial {id} forgives attempts to come"));
        let counts = |one: &&&AttemptRecord| one.id.number > trial.forgiven && !one.failed_with_its_slot();
        let counted: Vec<_> = attempts.iter().filter(counts).collect();
        let failed =
            |work| counted.iter().filter(|one| one.work == work && one.state == AttemptState::Failed).count();
        let trained = of(WorkKind::Train, AttemptState::Succeeded) + usize::from(trial.reused_from.is_some());
        self.expect(trained == usize::from(trial.state == TrialState::Completed), || {
            format!("trial {id} is {} with {trained} accepted results", trial.state.name())
        });
        self.expect(of(WorkKind::Evaluate, AttemptState::Succeeded) <= 1, || {
            format!("trial {id} was tested twice")
        });
        let sweep = self.engine.tables.sweeps.get(&id.sweep);
        let budget = sweep.map_or(0, |sweep| sweep.spec.failures_max) as usize;
        let failures = failed(WorkKind::Evaluate);
        self.expect(failures <= budget, || {
            format!("evaluation of trial {id} failed {failures} times of {budget}")
        });
        // Earlier programs counted attempts without memory among the failures.
        let short = counted.iter().filter(|one| one.failure == Some(FailureKind::OutOfMemory)).count();
        let without = trial.out_of_memory as usize;
        self.expect(without <= short && without <= OUT_OF_MEMORY_MAX as usize, || {
            format!("trial {id} counts {without} attempts without memory, {short} are recorded")
        });
        let failures = failed(WorkKind::Train).saturating_sub(without);
        self.expect(failures <= budget, || format!("trial {id} failed {failures} times of {budget}"));
        self.expect(failures == trial.failures as usize, || {
            format!("trial {id} counts {} failures, {failures} are recorded", trial.failures)
        });
    }

    fn tokens(&mut self) {
        let mut seen: BTreeMap<_, TrialId> = BTreeMap::new();
        for attempt in self.engine.tables.attempts.values() {
            let token = attempt.token;
            self.expect(token.0 <= self.engine.tables.last_token, || {
                format!("token {token} was never granted")
            });
            let other = seen.insert(token, attempt.id.trial);
            self.expect(other.is_none(), || format!("token {token} was granted twice"));
        }
        let leases = self.engine.volatile.expiring().count();
        let live = self.engine.index.live.len();
        self.expect(leases == live, || format!("{leases} leases have an end, {live} are live"));
    }
}
