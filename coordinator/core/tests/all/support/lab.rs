//! An engine to which tests give one command after another, audited after each.

use coordinator_core::command::LeaseStanding;
use coordinator_core::limits::{RETRY_FIRST_MS, RETRY_MAX_MS};
use coordinator_core::{
    AuditNote, Command, Decision, Engine, Granted, Keep, Rejection, Reply, Steering, SweepState, Tables,
    TrialRecord, Waste,
};
use sweep_proto::{AttemptOutcome, LeaseToken, SweepId, SweepSpec, Timestamp, TrialId, TrialSpec, WorkerId};

use super::values;

/// The engine and its clock.
pub struct Lab {
    pub engine: Engine,
    pub now: Timestamp,
    requests: u64,
}

impl Lab {
    pub fn new() -> Self {
        Self { engine: Engine::restore(Tables::default(), Timestamp(0)), now: Timestamp(0), requests: 0 }
    }

    /// A lab with one worker that has this many slots.
    pub fn with_worker(slots: u32) -> (Self, WorkerId) {
        let mut lab = Self::new();
        let worker = values::worker_id(1);
        lab.run(&values::register(worker, slots, true));
        (lab, worker)
    }

    pub fn decide(&self, command: &Command) -> Result<Decision, Rejection> {
        self.engine.decide(self.now, command)
    }

    /// A command that is accepted.
    pub fn run(&mut self, command: &Command) -> Reply {
        let decision =
            self.decide(command).unwrap_or_else(|error| panic!("{command:?} was refused: {error}"));
        self.engine.fold(&decision);
        let problems = self.engine.audit();
        assert!(problems.is_empty(), "{command:?} left {problems:#?}");
        decision.reply
    }

    /// A command that is refused.
    pub fn refused(&self, command: &Command) -> Rejection {
        match self.decide(command) {
            Err(rejection) => rejection,
            Ok(decision) => panic!("{command:?} was accepted: {decision:?}"),
        }
    }

    /// An accepted command that changes no row.
    pub fn changes_nothing(&mut self, command: &Command) {
        let decision = self.decide(command).unwrap();
        assert_eq!(decision.mutations, []);
        self.engine.fold(&decision);
    }

    pub fn launch(&mut self, spec: SweepSpec) -> SweepId {
        match self.run(&values::launch(spec)) {
            Reply::Launched(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Samplers are asked until nothing is wanted of them.
    pub fn propose(&mut self) {
        let wanting = |lab: &Self| lab.engine.wanting().next();
        while let Some(sweep) = wanting(self) {
            if let Some(question) = self.engine.steered_question(sweep, None, usize::MAX) {
                let version = question.known.version;
                let (_, steering) = question.put(None).unwrap();
                let steering = steering.filter(|steering| *steering != Steering::default());
                let Some(answer) = steering else { return };
                self.run(&Command::Steer { sweep, version, answer: Ok(answer) });
                continue;
            }
            // A steered search of which nothing is wanted.
            let Some(mut asked) = self.engine.proposal_request(sweep) else { return };
            let (version, first) = (asked.version, asked.first);
            self.run(&Command::Propose { sweep, version, first, answer: asked.request.answer() });
        }
    }

    pub fn ask(&mut self, worker: WorkerId, slots: u32) -> Vec<Granted> {
        self.ask_groups(worker, slots, 1).into_iter().flatten().collect()
    }

    pub fn ask_groups(&mut self, worker: WorkerId, slots: u32, group: u32) -> Vec<Vec<Granted>> {
        self.requests += 1;
        let request_id = self.requests.to_string();
        match self.run(&Command::AskWork { worker, request_id, slots, group }) {
            Reply::Grants(groups) => groups,
            other => panic!("{other:?}"),
        }
    }

    /// The next piece of work, after the pause that a failure brings.
    pub fn ask_one(&mut self, worker: WorkerId) -> Granted {
        let end = self.now.plus_ms(RETRY_MAX_MS);
        loop {
            if let Some(granted) = self.ask(worker, 1).pop() {
                return granted;
            }
            assert!(self.now < end, "there is no work");
            self.pass(RETRY_FIRST_MS);
        }
    }

    pub fn report(&mut self, token: LeaseToken, spec: &TrialSpec, epoch: u32) {
        self.run(&report(token, spec, epoch));
    }

    pub fn complete(&mut self, token: LeaseToken, outcome: AttemptOutcome) {
        self.run(&Command::Complete { token, outcome });
    }

    /// Trains what is left of a granted trial.
    pub fn train(&mut self, granted: &Granted) {
        let first = granted.checkpoint.map_or(1, |checkpoint| checkpoint.epoch + 1);
        for epoch in first..=values::epochs(&granted.spec) {
            self.report(granted.token, &granted.spec, epoch);
        }
        self.complete(granted.token, AttemptOutcome::Trained(values::result(&granted.spec)));
    }

    pub fn evaluate(&mut self, granted: &Granted) {
        self.complete(granted.token, AttemptOutcome::Evaluated(values::test_metric(&granted.spec)));
    }

    pub fn heartbeat(&mut self, worker: WorkerId, tokens: &[LeaseToken]) -> (Vec<LeaseStanding>, bool) {
        match self.run(&Command::Heartbeat { worker, tokens: tokens.to_vec() }) {
            Reply::Heartbeat { leases, drain } => {
                (leases.into_iter().map(|(_, standing)| standing).collect(), drain)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything goes that was kept for long enough; the parts in which it went.
    pub fn forget(&mut self, keep: Keep) -> Vec<Waste> {
        let by = operator();
        let mut parts = Vec::new();
        while let Reply::Forgotten(Some(part)) = self.run(&Command::Forget { keep, by: by.clone() }) {
            parts.push(part);
        }
        parts
    }

    /// Time passes, with a tick each second.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while self.now < end {
            self.now = self.now.plus_ms(1_000).min(end);
            self.run(&Command::Tick);
        }
    }

    pub fn trial(&self, sweep: SweepId, index: u32) -> &TrialRecord {
        &self.engine.tables().trials[&TrialId { sweep, index }]
    }

    pub fn state(&self, sweep: SweepId) -> SweepState {
        self.engine.sweep(sweep).unwrap().state
    }
}

/// Who collects garbage.
pub fn operator() -> AuditNote {
    AuditNote {
        actor: "operator".into(),
        peer: "-".into(),
        action: "collect garbage".into(),
        subject: String::new(),
        is_allowed: true,
    }
}

pub fn report(token: LeaseToken, spec: &TrialSpec, epoch: u32) -> Command {
    Command::ReportEpoch {
        token,
        metric: values::metric(spec, epoch),
        checkpoint: values::checkpoint(spec, epoch),
    }
}
