//! A worker asks for work.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{ArtifactRef, AttemptId, LeaseToken, Timestamp, TrialId, WorkKind, WorkerId};

use super::{Decided, known_worker};
use crate::command::{Granted, Rejection, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::index::Phase;
use crate::limits::{GRANTS_MAX, REQUEST_ID_CHARACTERS_MAX, WORKERS_LOST_MAX};
use crate::record::{
    AnsweredRequest, AttemptRecord, AttemptState, LeaseRecord, TrialRecord, TrialState, WorkerRecord,
    WorkerState,
};
use crate::scheduler::Queue;
use crate::shared_text::SharedText;

/// Where a lease stands in its group.
#[derive(Clone, Copy, Debug)]
struct Place {
    token: LeaseToken,
    /// The group's first token, where it has several members.
    group: Option<LeaseToken>,
    members: u32,
}

/// What a worker has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Slots without work.
    pub(crate) slots: u32,
    /// Most members of a group.
    pub(crate) group: u32,
}

impl Room {
    /// Most members of a group of this worker.
    fn members_max(self, worker: &WorkerRecord) -> u32 {
        self.group.min(worker.profile.group).max(1)
    }

    /// Most trials that one answer to this worker grants.
    fn trials_of(self, worker: &WorkerRecord) -> u64 {
        u64::from(self.slots.saturating_mul(self.members_max(worker)).min(GRANTS_MAX))
    }
}

pub(crate) fn ask(engine: &Engine, now: Timestamp, id: WorkerId, request_id: &str, room: Room) -> Decided {
    if request_id.chars().count() > REQUEST_ID_CHARACTERS_MAX {
        let problem = format!("a request id has at most {REQUEST_ID_CHARACTERS_MAX} characters");
        return Err(Rejection::Invalid(problem));
    }
    let worker = known_worker(engine, id)?;
    let mut draft = Draft::new(engine, now);
    draft.hear(worker);
    if let Some(answered) = worker.answered.as_ref().filter(|answered| answered.request_id == request_id) {
        return Ok(draft.finish(Reply::Grants(granted_before(engine, id, &answered.tokens))));
    }
    if worker.process.answered_before.iter().any(|before| before == request_id) {
        // It comes late: the worker has long asked for more. What it would get, nobody would work on.
        return Ok(draft.finish(Reply::Grants(Vec::new())));
    }
    let is_there = matches!(worker.state, WorkerState::Ready | WorkerState::Lost);
    let may_work = is_there && !engine.is_resting(worker, now);
    let groups = if may_work { grant_some(&mut draft, worker, room) } else { Vec::new() };
    if may_work && groups.is_empty() {
        draft.widen_search(id, room.trials_of(worker));
    }
    // An empty answer is not kept: the same request may get more the next time.
    if !groups.is_empty() {
        let tokens = groups.iter().flatten().map(|granted| granted.token).collect();
        draft.set_answered(worker, AnsweredRequest { request_id: request_id.to_owned(), tokens });
    }
    Ok(draft.finish(Reply::Grants(groups)))
}

fn grant_some(draft: &mut Draft<'_>, worker: &WorkerRecord, room: Room) -> Vec<Vec<Granted>> {
    let engine = draft.engine;
    draft.spend_budgets();
    let slots = room.slots.min(worker.profile.slots.saturating_sub(busy_slots(engine, worker.id)));
    let members_max = room.members_max(worker) as usize;
    let mut left = GRANTS_MAX as usize;
    let mut groups = Vec::new();
    let mut queue = Queue::new(&engine.tables, &engine.index);
    while groups.len() < slots as usize && left > 0 {
        let Some((turn, first)) = queue.next() else { break };
        if !draft.may_have(worker, turn.phase, first) {
            queue.skipped(turn);
            continue;
        }
        let mut members = vec![first];
        if turn.phase == Phase::Train && !engine.must_be_alone(first) {
            let beside = |trial| engine.is_of_one_dataset(first, trial) && !engine.must_be_alone(trial);
            while members.len() < members_max.min(left) {
                let Some(next) = queue.beside(first.sweep, beside) else { break };
                if draft.may_have(worker, Phase::Train, next) {
                    members.push(next);
                }
            }
        }
        left -= members.len();
        queue.granted(turn, members.len());
        groups.push(draft.grant_group(worker, &members, turn.phase));
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// Slots of a worker that hold work.
pub(super) fn busy_slots(engine: &Engine, worker: WorkerId) -> u32 {
    let leases = engine.leases_of(worker).filter_map(|token| engine.lease_of(token));
    leases.map(|lease| lease.slot()).collect::<BTreeSet<_>>().len() as u32
}

/// What live leases were granted as, for a worker that did not get the answer: in the same groups.
fn granted_before(engine: &Engine, worker: WorkerId, tokens: &[LeaseToken]) -> Vec<Vec<Granted>> {
    let mut groups: BTreeMap<LeaseToken, Vec<Granted>> = BTreeMap::new();
    for token in tokens {
        let Some(lease) = engine.lease_of(*token).filter(|lease| lease.worker == worker) else { continue };
        let trial = engine.index.live.get(token).and_then(|id| engine.tables.trials.get(id));
        let again = trial.and_then(|trial| granted(engine, trial, &lease));
        groups.entry(lease.slot()).or_default().extend(again);
    }
    groups.into_values().collect()
}

impl Engine {
    fn lease_of(&self, token: LeaseToken) -> Option<LeaseRecord> {
        self.tables.trials.get(self.index.live.get(&token)?)?.lease
    }

    fn is_of_one_dataset(&self, one: TrialId, other: TrialId) -> bool {
        let dataset = |id| self.tables.trials.get(&id).map(|trial: &TrialRecord| &trial.spec.dataset);
        dataset(one) == dataset(other)
    }

    /// The name of a worker, in the memory of an earlier attempt's.
    fn shared_name(&self, worker: &WorkerRecord) -> SharedText {
        let known = self.index.worked.get(&worker.id).map(|worked| &worked.name);
        let same = known.filter(|name| ***name == *worker.profile.name);
        same.cloned().unwrap_or_else(|| worker.profile.name.as_str().into())
    }

    /// Whether a trial is trained without others in its slot: it was in a group whose slot failed, or its attempts end with
    /// their workers. Whether it is to blame shows when it is alone.
    fn must_be_alone(&self, id: TrialId) -> bool {
        let Some(trial) = self.tables.trials.get(&id) else { return false };
        trial.attempts > trial.forgiven && {
            let attempts: Vec<&AttemptRecord> = self.tables.attempts_of(id).collect();
            let mut counted = attempts.iter().filter(|one| one.id.number > trial.forgiven);
            counted.any(|one| one.failed_with_its_slot())
                || trial.lost_with_workers(&attempts) >= WORKERS_LOST_MAX / 2
        }
    }
}

fn granted(engine: &Engine, trial: &TrialRecord, lease: &LeaseRecord) -> Option<Granted> {
    let datasets = &engine.tables.sweeps.get(&trial.spec.id.sweep)?.datasets;
    let dataset = datasets.iter().map(|one| one.artifact).find(|one| one.digest == *trial.spec.dataset)?;
    let trains = lease.work == WorkKind::Train;
    let model: Option<ArtifactRef> = trial.result.as_ref().map(|result| result.model);
    Some(Granted {
        token: lease.token,
        attempt: lease.attempt,
        work: lease.work,
        spec: trial.spec.clone(),
        dataset,
        checkpoint: trial.underway.or(trial.checkpoint).filter(|_| trains),
        until_epoch: trial.until_epoch.filter(|_| trains),
        model: model.filter(|_| !trains),
    })
}

impl Draft<'_> {
    /// Whether a worker may have a piece of work now. Where another sweep has trained the same, nobody needs to.
    fn may_have(&mut self, worker: &WorkerRecord, phase: Phase, trial: TrialId) -> bool {
        let is_spent = self
            .sweep(trial.sweep)
            .is_some_and(|sweep| sweep.spent().is_some() && !self.engine.outlasts_budget(sweep, trial));
        if phase == Phase::Train && is_spent {
            return false;
        }
        let waits = self.engine.volatile.is_put_off(trial, self.now)
            || self.engine.wants_more_memory(trial, worker, self.now);
        !(waits || phase == Phase::Train && self.take_over(trial))
    }

    /// Completes a pending trial without work where another sweep has trained the same in the meantime.
    fn take_over(&mut self, id: TrialId) -> bool {
        let tables = &self.engine.tables;
        let (Some(trial), Some(sweep)) = (tables.trials.get(&id), tables.sweeps.get(&id.sweep)) else {
            return false;
        };
        if !sweep.spec.reuse {
            return false;
        }
        let Some(origin) = self.engine.trained_as(&trial.spec) else { return false };
        self.reuse(trial.clone(), origin);
        true
    }

    /// Grants trials into one slot.
    fn grant_group(&mut self, worker: &WorkerRecord, trials: &[TrialId], phase: Phase) -> Vec<Granted> {
        let members = trials.len() as u32;
        let mut group = None;
        let mut granted = Vec::new();
        for trial in trials {
            let token = self.next_token();
            if members > 1 {
                group = group.or(Some(token));
            }
            granted.extend(self.grant(worker, *trial, phase, Place { token, group, members }));
        }
        granted
    }

    fn grant(&mut self, worker: &WorkerRecord, id: TrialId, phase: Phase, place: Place) -> Option<Granted> {
        let engine = self.engine;
        let mut trial = engine.tables.trials.get(&id)?.clone();
        let work = match phase {
            Phase::Train => WorkKind::Train,
            Phase::Evaluate => WorkKind::Evaluate,
        };
        trial.attempts += 1;
        let Place { token, group, members } = place;
        let lease = LeaseRecord { token, attempt: trial.attempts, worker: worker.id, work, group };
        trial.lease = Some(lease);
        if work == WorkKind::Train {
            trial.state = TrialState::Leased;
        }
        self.set_attempt(AttemptRecord {
            id: AttemptId { trial: id, number: lease.attempt },
            work,
            worker: worker.id,
            worker_name: engine.shared_name(worker),
            token: lease.token,
            started_at: self.now,
            first_epoch: trial.checkpoint.map_or(1, |checkpoint| checkpoint.epoch + 1),
            state: AttemptState::Running,
            ended_at: None,
            failure: None,
            error: None,
            heard_at: None,
            kept_at: None,
            members,
        });
        self.touch(Touch::Held(lease.token, self.now));
        let granted = granted(engine, &trial, &lease);
        self.set_trial(trial);
        granted
    }
}
