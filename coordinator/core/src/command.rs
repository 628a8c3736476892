//! What can be asked of the engine, and what it answers.

use coordinator_search::{Answer, Steering};
use sweep_proto::protocol::ProtocolVersion;
use sweep_proto::{
    ArtifactRef, AttemptOutcome, Axis, Budget, CheckpointRef, Digest, EpochMetric, LeaseToken, Role, SweepId,
    SweepSpec, Timestamp, TokenId, TrialId, TrialSpec, WorkKind, WorkerId, WorkerProfile,
};
use thiserror::Error;

use crate::access::{AuditHead, AuditNote, CertificateId};
use crate::mutation::Mutation;
use crate::quota::Quota;
use crate::record::{AttemptState, DatasetRecord, InstanceId, SweepState};
use crate::retention::{Keep, Waste};

/// Everything that can be asked of the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Launch a sweep whose datasets are prepared.
    Launch {
        /// The checked sweep.
        spec: SweepSpec,
        /// The file's text.
        file_text: String,
        /// One prepared dataset per data variant of the spec.
        datasets: Vec<DatasetRecord>,
        /// Where a sweep of the same text on the same data has not ended, answer with that one.
        attach: bool,
        /// Who launches it; `None`: the operator.
        owner: Option<Box<str>>,
        /// How much there may be of everything.
        quota: Box<Quota>,
    },
    /// Add to what a sweep tries.
    Extend {
        /// The sweep.
        sweep: SweepId,
        /// What is added.
        more: Extension,
        /// Prepared datasets for data variants that the sweep lacks.
        datasets: Vec<DatasetRecord>,
        /// Who extends it; `None`: the operator.
        caller: Option<Box<str>>,
        /// How much there may be of everything.
        quota: Box<Quota>,
    },
    /// Try trials of a sweep again that failed or diverged.
    Retry {
        /// The sweep.
        sweep: SweepId,
        /// Which of its trials.
        which: Retried,
        /// Who tries them again; `None`: the operator.
        caller: Option<Box<str>>,
        /// How much there may be of everything.
        quota: Box<Quota>,
    },
    /// The coordinator cannot give an artifact that trials need.
    Unreadable {
        /// The artifact.
        artifact: Digest,
        /// Whether it is gone for good, and not only out of reach.
        is_gone: bool,
        /// What is wrong with it and what helps, in words.
        reason: String,
    },
    /// Stop a sweep for good.
    Cancel(SweepId),
    /// Hand out nothing more of a sweep, and call back what runs.
    Pause(SweepId),
    /// Go on with a paused sweep.
    Resume(SweepId),
    /// Remove an ended sweep. Results that later sweeps reuse are kept.
    Delete(SweepId),
    /// A worker announces itself, for the first time or again.
    Register {
        /// Its identity.
        worker: WorkerId,
        /// Its protocol version.
        protocol: ProtocolVersion,
        /// What it says of itself.
        profile: WorkerProfile,
        /// Whether it is a new process of that identity: leases of the old one are then revoked.
        fresh: bool,
        /// Which process it is, where its build tells.
        instance: Option<InstanceId>,
    },
    /// A worker renews its leases and shows that it lives.
    Heartbeat {
        /// Who.
        worker: WorkerId,
        /// The leases that it holds.
        tokens: Vec<LeaseToken>,
    },
    /// The connection of a worker's last session has ended. Its leases live on: it may come back.
    Disconnected(WorkerId),
    /// A worker asks for work.
    AskWork {
        /// Who.
        worker: WorkerId,
        /// Repeated unchanged when the worker did not get the answer.
        request_id: String,
        /// For how many groups it has room.
        slots: u32,
        /// How many members each may have.
        group: u32,
    },
    /// An epoch and its checkpoint, which is already stored.
    ReportEpoch {
        /// The lease.
        token: LeaseToken,
        /// What was measured.
        metric: EpochMetric,
        /// The checkpoint that contains it.
        checkpoint: CheckpointRef,
    },
    /// An attempt ended.
    Complete {
        /// The lease.
        token: LeaseToken,
        /// How.
        outcome: AttemptOutcome,
    },
    /// What a worker that has proven itself says under a lease: refused where the lease was granted to another one.
    ByHolder {
        /// Who.
        worker: WorkerId,
        /// What.
        command: Box<Command>,
    },
    /// Ask a worker to hand back and leave.
    Drain(WorkerId),
    /// A worker leaves; what it still holds is released.
    Deregister(WorkerId),
    /// Make a token.
    CreateToken(NewToken),
    /// Make a token worthless, and the workers that joined by it, too, where asked.
    RevokeToken {
        /// The token.
        token: TokenId,
        /// Whether its workers lose their certificates and leases.
        with_workers: bool,
    },
    /// Take a worker's certificates and leases away.
    RevokeWorker(WorkerId),
    /// A worker shows a token and gets a certificate.
    Join(JoinRequest),
    /// A worker exchanges the certificate that it shows.
    Renew {
        /// The one shown.
        shown: CertificateId,
        /// SHA-256 of the key of the new one.
        key: Digest,
        /// The new one.
        certificate: CertificateId,
    },
    /// Do something, and write down in the same commit who did it: what is in the log as done was done, and what was done is in
    /// the log.
    By {
        /// What the log says.
        note: AuditNote,
        /// The token that was shown for it: the act is refused where that is worth nothing any more when it is decided.
        shown: Option<TokenId>,
        /// What is done.
        command: Box<Command>,
    },
    /// Append to the audit log.
    Record(AuditNote),
    /// Remove the oldest entries of the audit log.
    ForgetAudit {
        /// The last one that goes.
        through: AuditHead,
        /// When that one was written.
        written_at: Timestamp,
        /// Damage of the log that the entries that stay would not tell of: it is written down again.
        damage: Vec<String>,
        /// Who removes them.
        by: AuditNote,
    },
    /// The rows come from a backup: every lease is taken back, and tokens go on far above those of the old
    /// world, whose workers are thereby fenced.
    NewGeneration,
    /// Remove a bounded part of what has been kept for long enough ([`Engine::waste`](crate::Engine::waste)).
    Forget {
        /// How long what is kept.
        keep: Keep,
        /// Who removes it; what is removed becomes the entry's subject.
        by: AuditNote,
    },
    /// Time passed: leases may have run out.
    Tick,
    /// Let a bounded number of trials follow what was decided of their sweep.
    Follow,
    /// A sampler has answered a [`ProposalRequest`](crate::ProposalRequest).
    Propose {
        /// The sweep.
        sweep: SweepId,
        /// The version of its search that was asked for.
        version: u64,
        /// The number of the first trial that was wanted.
        first: u64,
        /// What the sampler proposes, or why it has no answer.
        answer: Result<Answer, String>,
    },
    /// A steered search has answered a [`SteeredQuestion`](crate::SteeredQuestion).
    Steer {
        /// The sweep.
        sweep: SweepId,
        /// The version of its search that was asked.
        version: u64,
        /// What is to become of its trials, or why there is no answer.
        answer: Result<Steering, String>,
    },
}

impl Command {
    /// The sweep that a person changes by this.
    pub fn changed_sweep(&self) -> Option<SweepId> {
        match self {
            Self::Cancel(sweep) | Self::Pause(sweep) | Self::Resume(sweep) | Self::Delete(sweep) => {
                Some(*sweep)
            }
            Self::Extend { sweep, .. } | Self::Retry { sweep, .. } => Some(*sweep),
            _ => None,
        }
    }

    /// The lease under which a worker says this.
    pub fn lease(&self) -> Option<LeaseToken> {
        match self {
            Self::ReportEpoch { token, .. } | Self::Complete { token, .. } => Some(*token),
            Self::ByHolder { command, .. } => command.lease(),
            _ => None,
        }
    }
}

/// What is added to a sweep that there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extension {
    /// Levels to add, to present axes or as new axes (whose present value is then a level, too).
    pub axes: Vec<Axis>,
    /// The new number of replicates, where it changes.
    pub replicates: Option<u32>,
    /// The new budget of the search: those parts that change.
    pub budget: Budget,
}

/// Which trials are tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// All of a kind.
    Every {
        /// Those whose tries are spent, and those that could not be measured on the test split.
        failed: bool,
        /// Those whose loss left every bound.
        diverged: bool,
    },
    /// These, by their index in the sweep.
    Trials(Vec<u32>),
}

/// A token to be made. The secret's bytes come from the shell, which shows them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its public name.
    pub id: TokenId,
    /// What its bearer may do.
    pub role: Role,
    /// SHA-256 of its secret.
    pub secret_digest: Digest,
    /// For lists.
    pub label: String,
    /// Who makes it.
    pub created_by: String,
    /// How many workers may join by it; `None`: any number.
    pub uses: Option<u32>,
    /// How long it is worth something; `None`: until it is revoked.
    pub ttl_ms: Option<u64>,
}

/// A worker asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The token that it shows.
    pub token: TokenId,
    /// SHA-256 of the secret that it shows.
    pub secret_digest: Digest,
    /// Who it says it is.
    pub worker: WorkerId,
    /// SHA-256 of its public key.
    pub key: Digest,
    /// The serial number that its certificate will have.
    pub certificate: CertificateId,
}

/// What a command changes and what is answered once that is durable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Rows that become true, in this order.
    pub mutations: Vec<Mutation>,
    /// Volatile facts: when leases end and workers were heard. Not persisted.
    pub touches: Vec<Touch>,
    /// The answer.
    pub reply: Reply,
}

impl Decision {
    /// Whether nothing of it needs to be written: signs of life of attempts that go on. Where there is no room they are left out.
    pub fn is_sign_of_life(&self) -> bool {
        let is_sign = |one: &Mutation| matches!(one, Mutation::Attempt(attempt) if attempt.state == AttemptState::Running);
        self.mutations.iter().all(is_sign)
    }
}

/// A volatile fact, folded into the engine beside the mutations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// A lease lives until then, though nobody was heard of it.
    Lease(LeaseToken, Timestamp),
    /// Who holds a lease was heard of it at that time: it lives for a whole term more.
    Held(LeaseToken, Timestamp),
    /// A worker was heard at that time.
    Worker(WorkerId, Timestamp),
    /// A worker has no session any more, until it is heard again.
    Disconnected(WorkerId),
    /// A trial that failed shall not be handed out before that time.
    NotBefore(TrialId, Timestamp),
    /// The next trials of a sweep are counted for its pruner, which asks again after the sweep's end.
    Shown(SweepId),
    /// The clock was looked at: a long gap since the last time means that the coordinator stood still.
    Tick(Timestamp),
}

/// The answer to a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Reply {
    /// Done; nothing to tell.
    #[default]
    Done,
    /// The sweep that was launched, or the one that was attached to.
    Launched(SweepId),
    /// The worker is known.
    Registered {
        /// How often it shall send heartbeats, in milliseconds.
        heartbeat_interval_ms: u64,
    },
    /// How each lease of a heartbeat stands, and whether the worker shall drain.
    Heartbeat {
        /// In the order of the tokens asked.
        leases: Vec<(LeaseToken, LeaseStanding)>,
        /// The worker shall hand back and leave.
        drain: bool,
    },
    /// Work, in groups that are trained together.
    Grants(Vec<Vec<Granted>>),
    /// The epoch is taken, and the attempt has ended with it; why. Its worker drops the work.
    AttemptEnded(String),
    /// The workers that were shut out.
    Revoked(Vec<WorkerId>),
    /// Trials are tried again.
    Retried {
        /// How many.
        count: u64,
        /// How many more there are: the command once more takes the next.
        left: u64,
    },
    /// What was removed of what was kept for long enough: a part, which may be empty; `None` where nothing is left.
    Forgotten(Option<Waste>),
}

/// How a lease stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseStanding {
    /// Go on.
    Continue,
    /// Stop at the next batch and hand the trial back.
    Release(String),
    /// The lease is gone: drop the work.
    Drop(String),
}

/// One lease granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Granted {
    /// The fencing token.
    pub token: LeaseToken,
    /// Which attempt of the trial.
    pub attempt: u32,
    /// What to do.
    pub work: WorkKind,
    /// The trial.
    pub spec: TrialSpec,
    /// Its encoded dataset.
    pub dataset: ArtifactRef,
    /// Train on from here.
    pub checkpoint: Option<CheckpointRef>,
    /// Train until this epoch is complete; `None`: to the trial's end.
    pub until_epoch: Option<u32>,
    /// Evaluate this.
    pub model: Option<ArtifactRef>,
}

fn owner_in_words(owner: Option<&str>) -> String {
    owner.map_or_else(
        || "was launched by an earlier version and has no owner".to_owned(),
        |owner| format!("belongs to {owner}"),
    )
}

/// Why a command is refused. Nothing has changed.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Rejection {
    /// No such sweep.
    #[error("there is no sweep {0}; `sweep list` shows those there are")]
    UnknownSweep(SweepId),
    /// No such worker: it must register first.
    #[error("worker {0} is not registered")]
    UnknownWorker(WorkerId),
    /// Another process has taken the place of the one that speaks.
    #[error(
        "another process has joined as worker {0} since this one did: its state directory was copied, or its machine \
         cloned; give one of them a directory of its own with --state-dir"
    )]
    Replaced(WorkerId),
    /// The lease is gone; the work must be dropped.
    #[error("the lease {token} is no longer held: {reason}")]
    LeaseLost {
        /// The stale token.
        token: LeaseToken,
        /// Why.
        reason: String,
    },
    /// The lease was granted to another worker.
    #[error("the lease {token} belongs to another worker than {worker}")]
    NotHolder {
        /// The lease.
        token: LeaseToken,
        /// Who speaks.
        worker: WorkerId,
    },
    /// The programs do not fit.
    #[error(
        "the worker speaks protocol {worker}, this coordinator {coordinator}; use builds of the same release"
    )]
    Protocol {
        /// The worker's version.
        worker: ProtocolVersion,
        /// Ours.
        coordinator: ProtocolVersion,
    },
    /// The sweep's state does not allow it.
    #[error("sweep {sweep} is {}, so it cannot be {verb}", state.name())]
    WrongState {
        /// The sweep.
        sweep: SweepId,
        /// Its state.
        state: SweepState,
        /// What was asked, as a participle.
        verb: &'static str,
    },
    /// Only ended sweeps are deleted.
    #[error("sweep {sweep} is {}, and only ended sweeps are deleted: cancel it first (`sweep cancel {sweep}`)", state.name())]
    NotEnded {
        /// The sweep.
        sweep: SweepId,
        /// Its state.
        state: SweepState,
    },
    /// Somebody else's sweep.
    #[error("sweep {sweep} {}: only its owner and administrators may change it", owner_in_words(owner.as_deref()))]
    NotOwner {
        /// The sweep.
        sweep: SweepId,
        /// Who launched it.
        owner: Option<String>,
    },
    /// An epoch came out of order.
    #[error("trial {trial} expects epoch {expected} next, not {got}")]
    EpochOutOfOrder {
        /// The trial.
        trial: TrialId,
        /// The next epoch.
        expected: u32,
        /// What came.
        got: u32,
    },
    /// No such token.
    #[error("there is no token {0}; `sweep token list` shows those there are")]
    UnknownToken(TokenId),
    /// Whoever asks is not let in.
    #[error("{0}")]
    Denied(String),
    /// No trial is in a state in which it can be tried again.
    #[error("{0}")]
    NothingToRetry(String),
    /// There would be more than there may be.
    #[error("{0}")]
    TooMuch(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
}
