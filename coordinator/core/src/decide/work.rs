//! A worker asks for work.

use sweep_proto::{ArtifactRef, AttemptId, LeaseToken, Timestamp, TrialId, WorkKind, WorkerId};

use super::{Outcome, known_worker};
use crate::command::{Granted, Rejection, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::index::Phase;
use crate::limits::{GRANTS_MAX, REQUEST_ID_CHARACTERS_MAX};
use crate::record::{
    AnsweredRequest, AttemptRecord, AttemptState, LeaseRecord, TrialRecord, TrialState, WorkerRecord,
    WorkerState,
};
use crate::scheduler::Queue;

pub(crate) fn ask(engine: &Engine, now: Timestamp, id: WorkerId, request_id: &str, slots: u32) -> Outcome {
    if request_id.chars().count() > REQUEST_ID_CHARACTERS_MAX {
        let problem = format!("a request id has at most {REQUEST_ID_CHARACTERS_MAX} characters");
        return Err(Rejection::Invalid(problem));
    }
    let worker = known_worker(engine, id)?;
    let mut draft = Draft::new(engine, now);
    draft.hear(worker);
    if let Some(answered) = worker.answered.as_ref().filter(|answered| answered.request_id == request_id) {
        let again = answered.tokens.iter().filter_map(|token| granted_before(engine, id, *token));
        let groups = again.map(|granted| vec![granted]).collect();
        return Ok(draft.finish(Reply::Grants(groups)));
    }
    if worker.process.answered_before.iter().any(|before| before == request_id) {
        // It comes late: the worker has long asked for more. What it would get, nobody would work on.
        return Ok(draft.finish(Reply::Grants(Vec::new())));
    }
    let groups = match worker.state {
        _ if engine.is_resting(worker, now) => Vec::new(),
        WorkerState::Draining | WorkerState::Departed => Vec::new(),
        WorkerState::Ready | WorkerState::Lost => grant_some(&mut draft, worker, slots),
    };
    let granted: usize = groups.iter().map(Vec::len).sum();
    if granted == 0
        && matches!(worker.state, WorkerState::Ready | WorkerState::Lost)
        && !engine.is_resting(worker, now)
    {
        draft.widen_search(u64::from(slots.min(GRANTS_MAX)));
    }
    // An empty answer is not kept: the same request may get more the next time.
    if !groups.is_empty() {
        let tokens = groups.iter().flatten().map(|granted| granted.token).collect();
        draft.set_answered(worker, AnsweredRequest { request_id: request_id.to_owned(), tokens });
    }
    Ok(draft.finish(Reply::Grants(groups)))
}

fn grant_some(draft: &mut Draft<'_>, worker: &WorkerRecord, slots: u32) -> Vec<Vec<Granted>> {
    let engine = draft.engine;
    let held = engine.leases_of(worker.id).count() as u32;
    let room = slots.min(worker.profile.slots.saturating_sub(held)).min(GRANTS_MAX) as usize;
    let mut groups = Vec::new();
    let mut queue = Queue::new(&engine.index);
    while groups.len() < room {
        let Some((turn, trial)) = queue.next() else { break };
        if engine.volatile.is_put_off(trial, draft.now) || engine.wants_more_memory(trial, worker, draft.now)
        {
            queue.skipped(turn);
            continue;
        }
        if turn.phase == Phase::Train && draft.take_over(trial) {
            queue.skipped(turn);
            continue;
        }
        groups.extend(draft.grant(worker, trial, turn.phase).map(|granted| vec![granted]));
        queue.granted(turn);
    }
    groups
}

/// What a live lease was granted as, for a worker that did not get the answer.
fn granted_before(engine: &Engine, worker: WorkerId, token: LeaseToken) -> Option<Granted> {
    let trial = engine.tables.trials.get(engine.index.live.get(&token)?)?;
    let lease = trial.lease.filter(|lease| lease.worker == worker)?;
    granted(engine, trial, &lease)
}

fn granted(engine: &Engine, trial: &TrialRecord, lease: &LeaseRecord) -> Option<Granted> {
    let datasets = &engine.tables.sweeps.get(&trial.spec.id.sweep)?.datasets;
    let dataset = datasets.iter().map(|one| one.artifact).find(|one| one.digest == trial.spec.dataset)?;
    let trains = lease.work == WorkKind::Train;
    let model: Option<ArtifactRef> = trial.result.as_ref().map(|result| result.model);
    Some(Granted {
        token: lease.token,
        attempt: lease.attempt,
        work: lease.work,
        spec: trial.spec.clone(),
        dataset,
        checkpoint: trial.underway.or(trial.checkpoint).filter(|_| trains),
        model: model.filter(|_| !trains),
    })
}

impl Draft<'_> {
    /// Completes a pending trial without work where another sweep has trained the same in the meantime.
    fn take_over(&mut self, id: TrialId) -> bool {
        let tables = &self.engine.tables;
        let (Some(trial), Some(sweep)) = (tables.trials.get(&id), tables.sweeps.get(&id.sweep)) else {
            return false;
        };
        let origin = self.engine.trained_of(trial.key).filter(|_| sweep.spec.reuse);
        let Some(origin) = origin else { return false };
        self.reuse(trial.clone(), origin);
        true
    }

    fn grant(&mut self, worker: &WorkerRecord, id: TrialId, phase: Phase) -> Option<Granted> {
        let engine = self.engine;
        let mut trial = engine.tables.trials.get(&id)?.clone();
        let work = match phase {
            Phase::Train => WorkKind::Train,
            Phase::Evaluate => WorkKind::Evaluate,
        };
        trial.attempts += 1;
        let lease =
            LeaseRecord { token: self.next_token(), attempt: trial.attempts, worker: worker.id, work };
        trial.lease = Some(lease);
        if work == WorkKind::Train {
            trial.state = TrialState::Leased;
        }
        self.set_attempt(AttemptRecord {
            id: AttemptId { trial: id, number: lease.attempt },
            work,
            worker: worker.id,
            worker_name: worker.profile.name.clone(),
            token: lease.token,
            started_at: self.now,
            first_epoch: trial.checkpoint.map_or(1, |checkpoint| checkpoint.epoch + 1),
            state: AttemptState::Running,
            ended_at: None,
            failure: None,
            error: None,
            heard_at: None,
            kept_at: None,
        });
        self.touch(Touch::Held(lease.token, self.now));
        let granted = granted(engine, &trial, &lease);
        self.set_trial(trial);
        granted
    }
}
