//! `sweep audit`: who did what, and whether the log is whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use coordinator::audit_signature::signature_problem;
use coordinator::{AuditState, FsckError, Place};
use coordinator_core::{AuditEntry, AuditHead, AuditNote, AuditSeal, AuditTrail};
use serde::Serialize;
use sweep_proto::wire::{AuditRequest, AuditStateReply, AuditStateRequest, ForgetAuditRequest};
use sweep_proto::{Timestamp, convert, wire};

use super::Context;
use super::client::AccessClient;
use super::exit::Failure;
use super::output::plain;
use super::token::time;

const EXAMPLES: &str = "\
Every entry's digest covers the one before, and the coordinator signs the last one: a changed or missing entry and a cut \
end are found, and the command fails. Where no coordinator runs the data folder is read, and nothing is changed. A coordinator \
that finds a damaged log at its start writes that down, and every later check reports it. Removing old entries leaves an entry \
that stands for them; `sweep serve --audit-days` does it every day.

Examples:
  sweep audit
  sweep audit --json > audit.jsonl        (one entry a line)
  sweep audit --refused
  sweep audit --forget-older-than 365";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Show only what was refused.
    #[arg(long)]
    refused: bool,
    /// Remove entries that are older than so many days, at least 30.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(30..=36_500), conflicts_with = "refused")]
    forget_older_than: Option<u64>,
}

/// An entry in `--json`.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    sequence: u64,
    at_ms: u64,
    actor: &'a str,
    peer: &'a str,
    action: &'a str,
    subject: &'a str,
    is_allowed: bool,
    digest: String,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    if let Some(days) = arguments.forget_older_than {
        return forget(context.connect_access_or_start().await?, days, context).await;
    }
    let state = if context.is_at_rest().await? {
        at_rest(&arguments, context).await?
    } else {
        served(&arguments, context).await?
    };
    let problems = [state.damage, state.problems].concat();
    if !problems.is_empty() {
        return Err(broken(&problems.join("; ")));
    }
    let removed = match state.base.sequence {
        0 => String::new(),
        count => format!("; {count} older ones were removed"),
    };
    let signed =
        state.key.map_or_else(String::new, |key| format!("; the end is signed by key {}", plain(&key)));
    super::output::note(&format!("{} entries, none changed or missing{removed}{signed}", state.entries));
    Ok(())
}

/// The log of a folder in which no coordinator runs: it is read, and nothing is started or changed.
async fn at_rest(arguments: &Arguments, context: &Context) -> Result<AuditState, Failure> {
    let (output, is_refused_only) = (context.output, arguments.refused);
    let printed = Arc::new(Mutex::new(Ok(())));
    let print = Arc::clone(&printed);
    let show = move |entry: &AuditEntry| {
        let mut printed = print.lock().unwrap_or_else(PoisonError::into_inner);
        if printed.is_ok() && !(is_refused_only && entry.note.is_allowed) {
            *printed = line(entry, output.json).and_then(|line| output.text(&line));
        }
    };
    let place = Place::local(&context.wanted.data_folder);
    let state = coordinator::read_audit_log(&place, show).await.map_err(unread)?;
    let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *printed, Ok(())).map(|()| state)
}

fn unread(error: FsckError) -> Failure {
    match error {
        FsckError::Start(error) => error.into(),
        error => Failure::failed(error.to_string()),
    }
}

/// The log of a coordinator that runs.
async fn served(arguments: &Arguments, context: &Context) -> Result<AuditState, Failure> {
    let mut client = context.connect_access().await?;
    let state = client.audit_state(AuditStateRequest {}).await?.into_inner();
    let (base, seal) = marks(state)?;
    let from_sequence = base.sequence + 1;
    let mut trail = AuditTrail::begin(base, seal.iter().map(|seal| seal.head));
    let mut entries = client.audit(AuditRequest { from_sequence }).await?.into_inner();
    let mut problems = Vec::new();
    while let Some(entry) = entries.message().await? {
        let entry = checked(entry)?;
        if let Err(problem) = trail.advance(&entry) {
            problems.push(problem);
            break;
        }
        if !arguments.refused || !entry.note.is_allowed {
            context.output.text(&line(&entry, context.output.json)?)?;
        }
    }
    if problems.is_empty() {
        problems = trail.problems();
    }
    problems.extend(seal.as_ref().and_then(|seal| signature_problem(seal, None)));
    let entries = trail.head().sequence - base.sequence;
    let damage = trail.damage().collect();
    Ok(AuditState { base, entries, key: seal.map(|seal| seal.key), damage, problems })
}

fn broken(problem: &str) -> Failure {
    Failure::failed(format!("the audit log was tampered with or is damaged: {}", plain(problem)))
        .hint("compare it with a backup; entries before the damage are sound")
}

async fn forget(mut client: AccessClient, days: u64, context: &Context) -> Result<(), Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let before = now.saturating_sub(Duration::from_hours(24 * days));
    let before_ms = u64::try_from(before.as_millis()).unwrap_or(0);
    let reply = client.forget_audit(ForgetAuditRequest { before_ms }).await?.into_inner();
    if context.output.json {
        let told =
            serde_json::json!({ "forgotten": reply.forgotten, "first_sequence": reply.first_sequence });
        return context.output.json(&told);
    }
    context.output.text(&format!(
        "{} entries older than {days} days were removed; the log begins with entry {}",
        reply.forgotten, reply.first_sequence
    ))
}

/// Where the log begins, and which end of it was signed.
fn marks(state: AuditStateReply) -> Result<(AuditHead, Option<AuditSeal>), Failure> {
    let digest =
        |bytes: &[u8]| convert::digest(bytes, "digest").map_err(|error| Failure::failed(error.to_string()));
    let base = match state.base_sequence {
        0 => AuditHead::default(),
        sequence => AuditHead { sequence, digest: digest(&state.base_digest)? },
    };
    if state.signed_digest.is_empty() {
        return Ok((base, None));
    }
    let head = AuditHead { sequence: state.signed_sequence, digest: digest(&state.signed_digest)? };
    Ok((base, Some(AuditSeal { head, key: state.key, signature: state.signature })))
}

fn checked(entry: wire::AuditEntry) -> Result<AuditEntry, Failure> {
    let digest =
        convert::digest(&entry.digest, "digest").map_err(|error| Failure::failed(error.to_string()))?;
    let wire::AuditEntry { sequence, at_ms, actor, peer, action, subject, is_allowed, .. } = entry;
    let note = AuditNote { actor, peer, action, subject, is_allowed };
    Ok(AuditEntry { sequence, at: Timestamp(at_ms), note, digest })
}

fn line(entry: &AuditEntry, is_json: bool) -> Result<String, Failure> {
    let AuditEntry { sequence, at, note, digest } = entry;
    if is_json {
        let entry = Entry {
            sequence: *sequence,
            at_ms: at.0,
            actor: &note.actor,
            peer: &note.peer,
            action: &note.action,
            subject: &note.subject,
            is_allowed: note.is_allowed,
            digest: digest.to_string(),
        };
        return serde_json::to_string(&entry).map_err(|error| Failure::failed(error.to_string()));
    }
    let verdict = if note.is_allowed { "" } else { "REFUSED " };
    Ok(format!(
        "{sequence:>6}  {}  {verdict}{} by {} from {}: {}",
        time(at.0),
        plain(&note.action),
        plain(&note.actor),
        plain(&note.peer),
        plain(&note.subject)
    ))
}
