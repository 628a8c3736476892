//! A scripted worker: trains by the book, and misbehaves as real machines do.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::command::LeaseStanding;
use coordinator_core::{Command, Granted, Rejection, Reply};
use sweep_proto::{AttemptOutcome, FailureKind, LeaseToken, TrialSpec, WorkKind, WorkerId};

use super::random::Random;
use super::values;

/// Heartbeat interval, in milliseconds.
const HEARTBEAT_MS: u64 = 5_000;
/// A message without an answer is sent again after this time, in milliseconds.
const RESEND_MS: u64 = 3_000;

/// What a worker does under one lease.
#[derive(Clone, Debug)]
struct Job {
    spec: TrialSpec,
    work: WorkKind,
    /// Its slot, by the request that got it and the place in the answer.
    slot: (u64, usize),
    epochs_acknowledged: u32,
    /// Until which epoch it trains.
    until_epoch: Option<u32>,
    /// How many batches of the next epoch a release hands over.
    batches: u32,
    /// Computing until then.
    busy_until: u64,
    /// How it ends, once that is known; repeated until it is answered.
    outcome: Option<AttemptOutcome>,
    sent_at: Option<u64>,
}

/// One worker process.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts of a process, not one state")]
pub struct Worker {
    pub id: WorkerId,
    pub slots: u32,
    /// Trials that one slot trains together.
    pub group: u32,
    /// Grows with each start, so that answers to a dead process go nowhere.
    pub incarnation: u64,
    pub alive: bool,
    /// Neither computes nor sends until then, but keeps its leases: SIGSTOP, a suspended machine.
    pub stopped_until: u64,
    leaving: bool,
    registered: bool,
    fresh: bool,
    jobs: BTreeMap<LeaseToken, Job>,
    heartbeat_at: u64,
    request: Option<(String, u64)>,
    requests: u64,
    register_sent_at: Option<u64>,
}

impl Worker {
    pub fn new(id: WorkerId, slots: u32, group: u32) -> Self {
        Self {
            id,
            slots,
            group,
            incarnation: 0,
            alive: true,
            stopped_until: 0,
            leaving: false,
            registered: false,
            fresh: true,
            jobs: BTreeMap::new(),
            heartbeat_at: 0,
            request: None,
            requests: 0,
            register_sent_at: None,
        }
    }

    /// Starts again, as a new process of the same identity.
    pub fn start(&mut self) {
        *self = Self {
            incarnation: self.incarnation + 1,
            requests: self.requests,
            ..Self::new(self.id, self.slots, self.group)
        };
    }

    /// SIGTERM: hands everything back and leaves.
    pub fn leave(&mut self) {
        self.leaving = true;
        for job in self.jobs.values_mut() {
            job.release();
        }
    }

    /// What the worker sends now. `faulty`: attempts may fail.
    pub fn wake(&mut self, now: u64, random: &mut Random, faulty: bool) -> Vec<Command> {
        if !self.alive || now < self.stopped_until {
            return Vec::new();
        }
        if !self.registered {
            if self.register_sent_at.is_none_or(|sent| now >= sent + RESEND_MS) {
                self.register_sent_at = Some(now);
                return vec![values::register_groups(self.id, self.slots, self.group, self.fresh)];
            }
            return Vec::new();
        }
        let mut commands = Vec::new();
        if now >= self.heartbeat_at {
            self.heartbeat_at = now + HEARTBEAT_MS;
            commands
                .push(Command::Heartbeat { worker: self.id, tokens: self.jobs.keys().copied().collect() });
        }
        for (token, job) in &mut self.jobs {
            commands.extend(job.step(*token, now, random, faulty));
        }
        self.fail_with_their_slots();
        if self.leaving {
            if self.jobs.is_empty() {
                commands.push(Command::Deregister(self.id));
                self.alive = false;
            }
        } else if self.busy_slots() < self.slots {
            commands.extend(self.ask(now));
        }
        commands
    }

    fn ask(&mut self, now: u64) -> Option<Command> {
        let request_id = match &self.request {
            Some((_, sent)) if now < sent + RESEND_MS => return None,
            Some((request_id, _)) => request_id.clone(),
            None => {
                self.requests += 1;
                format!("{}-{}", self.incarnation, self.requests)
            }
        };
        self.request = Some((request_id.clone(), now));
        let slots = self.slots - self.busy_slots();
        Some(Command::AskWork { worker: self.id, request_id, slots, group: self.group })
    }

    fn busy_slots(&self) -> u32 {
        self.jobs.values().map(|job| job.slot).collect::<BTreeSet<_>>().len() as u32
    }

    /// A slot that dies takes all its members along: those that have not ended fail as the one did.
    fn fail_with_their_slots(&mut self) {
        let failed = |job: &Job| match &job.outcome {
            Some(outcome @ AttemptOutcome::Failed { kind, .. }) if is_of_slot(*kind) => {
                Some((job.slot, outcome.clone()))
            }
            _ => None,
        };
        let dead: BTreeMap<_, _> = self.jobs.values().filter_map(failed).collect();
        for job in self.jobs.values_mut().filter(|job| job.outcome.is_none()) {
            if let Some(outcome) = dead.get(&job.slot) {
                job.outcome = Some(outcome.clone());
                job.sent_at = None;
            }
        }
    }

    /// The answer to one of its commands.
    pub fn answered(&mut self, now: u64, command: &Command, answer: &Result<Reply, Rejection>) {
        match (command, answer) {
            (_, Err(Rejection::UnknownWorker(_))) => {
                self.registered = false;
                self.fresh = false;
            }
            (_, Err(Rejection::LeaseLost { token, .. })) | (Command::Complete { token, .. }, Ok(_)) => {
                self.jobs.remove(token);
            }
            (Command::Register { .. }, Ok(_)) => self.registered = true,
            (Command::AskWork { request_id, .. }, Ok(Reply::Grants(groups))) => {
                self.take(now, request_id, groups);
            }
            (Command::Heartbeat { .. }, Ok(Reply::Heartbeat { leases, drain })) => {
                for (token, standing) in leases {
                    match standing {
                        LeaseStanding::Continue => {}
                        LeaseStanding::Release(_) => _ = self.jobs.get_mut(token).map(Job::release),
                        LeaseStanding::Drop(_) => _ = self.jobs.remove(token),
                    }
                }
                if *drain {
                    self.leave();
                }
            }
            (Command::ReportEpoch { token, metric, .. }, Ok(Reply::AttemptEnded(_))) => {
                // Its slot may have told that it is done before the agent heard of it.
                let job = self.jobs.get_mut(token).filter(|job| job.until_epoch == Some(metric.epoch));
                match job.filter(|_| now.is_multiple_of(2)) {
                    Some(job) => {
                        job.outcome = Some(AttemptOutcome::Reached { epoch: metric.epoch });
                        job.sent_at = None;
                    }
                    None => _ = self.jobs.remove(token),
                }
            }
            (Command::ReportEpoch { token, metric, .. }, Ok(_)) => {
                if let Some(job) = self.jobs.get_mut(token)
                    && metric.epoch == job.epochs_acknowledged + 1
                {
                    job.epochs_acknowledged += 1;
                    job.sent_at = None;
                    job.busy_until = now + 2_000;
                }
            }
            // A message that overtook an older one is sent again; any other refusal is a fault.
            (_, Err(other)) if !matches!(other, Rejection::EpochOutOfOrder { .. }) => {
                panic!("{command:?} was refused: {other}")
            }
            _ => {}
        }
    }

    fn take(&mut self, now: u64, request_id: &str, groups: &[Vec<Granted>]) {
        if self.request.as_ref().is_none_or(|(current, _)| current != request_id) {
            return;
        }
        self.request = None;
        let grants =
            groups.iter().enumerate().flat_map(|(place, group)| group.iter().map(move |one| (place, one)));
        for (place, granted) in grants {
            let job = Job {
                slot: (self.requests, place),
                spec: granted.spec.clone(),
                work: granted.work,
                epochs_acknowledged: granted.checkpoint.map_or(0, |checkpoint| checkpoint.epoch),
                until_epoch: granted.until_epoch,
                // Now some, now none, by what the network brought; never fewer than before.
                batches: granted.checkpoint.map_or(0, |checkpoint| checkpoint.batches) + (now % 3) as u32,
                busy_until: now + 1_000,
                outcome: None,
                sent_at: None,
            };
            self.jobs.insert(granted.token, job);
        }
    }
}

fn is_of_slot(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Crashed | FailureKind::OutOfMemory | FailureKind::Stalled)
}

impl Job {
    fn release(&mut self) {
        if self.outcome.is_none() {
            let checkpoint = values::underway(&self.spec, self.epochs_acknowledged, self.batches);
            let checkpoint = Some(checkpoint).filter(|one| one.batches > 0);
            self.outcome = Some(AttemptOutcome::Released { checkpoint });
            self.sent_at = None;
            self.busy_until = 0;
        }
    }

    fn step(&mut self, token: LeaseToken, now: u64, random: &mut Random, faulty: bool) -> Option<Command> {
        if now < self.busy_until || self.sent_at.is_some_and(|sent| now < sent + RESEND_MS) {
            return None;
        }
        if self.outcome.is_none() && self.sent_at.is_none() && faulty && random.permille(40) {
            let kinds =
                [FailureKind::Crashed, FailureKind::OutOfMemory, FailureKind::Data, FailureKind::Rejected];
            let end = if random.permille(100) { 4 } else { 3 };
            let kind = kinds[random.below(end) as usize];
            self.outcome = Some(AttemptOutcome::Failed { kind, message: format!("broke at {now}") });
        }
        let epochs = values::epochs(&self.spec);
        if self.outcome.is_none() {
            self.outcome = match self.work {
                WorkKind::Evaluate => Some(AttemptOutcome::Evaluated(values::test_metric(&self.spec))),
                WorkKind::Train => match values::diverges(&self.spec) {
                    Some(epoch) => Some(AttemptOutcome::Diverged { epoch, message: "loss is NaN".into() }),
                    None if self.epochs_acknowledged >= epochs => {
                        Some(AttemptOutcome::Trained(values::result(&self.spec)))
                    }
                    None if self.until_epoch.is_some_and(|until| self.epochs_acknowledged >= until) => {
                        Some(AttemptOutcome::Reached { epoch: self.epochs_acknowledged })
                    }
                    None => None,
                },
            };
        }
        self.sent_at = Some(now);
        if let Some(outcome) = &self.outcome {
            return Some(Command::Complete { token, outcome: outcome.clone() });
        }
        let epoch = self.epochs_acknowledged + 1;
        let metric = values::metric(&self.spec, epoch);
        Some(Command::ReportEpoch { token, metric, checkpoint: values::checkpoint(&self.spec, epoch) })
    }
}
