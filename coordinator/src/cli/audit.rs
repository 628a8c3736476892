//! `sweep audit`: who did what, and whether the log is whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use coordinator::audit_signature::signature_problem;
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
Every entry's digest covers the one before, and the coordinator signs the last one: a changed or missing entry and a cut
end are found, and the command fails. Removing old entries leaves an entry that stands for them.

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
    let mut client = context.connect_access_or_start().await?;
    if let Some(days) = arguments.forget_older_than {
        return forget(client, days, context).await;
    }
    let state = client.audit_state(AuditStateRequest {}).await?.into_inner();
    let (base, seal) = marks(state)?;
    let from_sequence = base.sequence + 1;
    let mut trail = AuditTrail::begin(base, seal.clone());
    let mut entries = client.audit(AuditRequest { from_sequence }).await?.into_inner();
    while let Some(entry) = entries.message().await? {
        let entry = checked(entry)?;
        trail.advance(&entry).map_err(|problem| broken(&problem))?;
        if !arguments.refused || !entry.note.is_allowed {
            context.output.text(&line(&entry, context.output.json)?)?;
        }
    }
    let signature = seal.as_ref().and_then(|seal| signature_problem(seal, None));
    if let Some(problem) = trail.problems().into_iter().chain(signature).next() {
        return Err(broken(&problem));
    }
    let count = trail.head().sequence - base.sequence;
    let removed = if base.sequence == 0 {
        String::new()
    } else {
        format!("; {} older ones were removed", base.sequence)
    };
    let signed =
        seal.map_or_else(String::new, |seal| format!("; the end is signed by key {}", plain(&seal.key)));
    super::output::note(&format!("{count} entries, none changed or missing{removed}{signed}"));
    Ok(())
}

fn broken(problem: &str) -> Failure {
    Failure::failed(format!("the audit log was tampered with or is damaged: {}", plain(problem)))
        .hint("compare it with a backup; entries before it are sound")
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
