//! Pure decisions of the coordinator: state machines, samplers, scheduler, limits.
//!
//! The shell asks [`Engine::decide`] what a [`Command`] changes, persists the decision's
//! [`Mutation`]s in one transaction, folds them in with [`Engine::evolve`], and only then replies.
//! Nothing here reads a clock, a socket, a database or entropy: every command comes with its `now`.

pub mod access;
mod audit;
mod audit_trail;
mod by_start;
mod charge;
pub mod choice;
pub mod command;
mod configurations;
mod decide;
mod draft;
mod end;
pub mod engine;
mod exact_sum;
pub mod forecast;
mod index;
pub mod limits;
pub mod mutation;
mod named;
mod origins;
pub mod outlook;
pub mod packed;
mod progress;
pub mod quota;
pub mod rare;
pub mod reach;
pub mod record;
mod retention;
mod rungs;
mod scheduler;
mod search;
mod shared_text;
mod source;
pub mod spans;
mod standings;
mod steered;
pub mod tables;
pub mod view;
mod volatile;

pub use access::{
    AuditEntry, AuditHead, AuditNote, CertificateId, CertificateRecord, TokenRecord, UNKNOWN_CERTIFICATE,
    UNKNOWN_TOKEN, bearer_name, certificate_refusal, token_refusal,
};
pub use audit_trail::{AuditSeal, AuditTrail, DAMAGE_ACTION, FORGET_ACTION};
pub use choice::ConfigurationMean;
pub use command::{
    Command, Decision, Extension, Granted, JoinRequest, LeaseStanding, NewToken, Rejection, Reply, Retried,
    Touch,
};
pub use coordinator_search::{CalledOff, Named, SearchEvent, Steered, Steering};
pub use engine::Engine;
pub use mutation::{Key, Mutation};
pub use outlook::Outlook;
pub use packed::{Packed, Row};
pub use progress::Progress;
pub use quota::{Quota, Totals};
pub use rare::Rare;
pub use reach::{Allowance, StepBounds};
pub use record::{
    AnsweredRequest, AskingRecord, AttemptRecord, AttemptState, Cleared, Conclusion, ConclusionReason,
    DatasetRecord, EarlierChoice, EpochRecord, GridOrder, InstanceId, KeyForm, LeaseRecord, ProcessRecord,
    SearchEventRecord, SearchRecord, SweepRecord, SweepState, TrialCourse, TrialExtra, TrialPast,
    TrialRecord, TrialState, TrialWork, Troubles, WorkerRecord, WorkerState,
};
pub use retention::{Keep, Waste};
pub use search::{Known, ProposalRequest, Question};
pub use shared_text::SharedText;
pub use source::planned_trials;
pub use spans::Spans;
pub use steered::{CANDIDATES_MAX, SteeredQuestion, earliest_stop};
pub use tables::{Counts, Tables};
pub use view::{Ledger, waiting_state};
