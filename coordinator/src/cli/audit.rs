//! `sweep audit`: who did what, and whether the log is whole.

use clap::Args;
use coordinator_core::{AuditEntry, AuditHead, AuditNote};
use serde::Serialize;
use sweep_proto::wire::AuditRequest;
use sweep_proto::{Timestamp, convert, wire};

use super::Context;
use super::exit::Failure;
use super::output::plain;
use super::token::time;

const EXAMPLES: &str = "\
Every entry's digest covers the one before: a changed or missing entry is found, and the command fails.

Examples:
  sweep audit
  sweep audit --json > audit.jsonl        (one entry a line)
  sweep audit --refused";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Show only what was refused.
    #[arg(long)]
    refused: bool,
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
    let mut entries = client.audit(AuditRequest { from_sequence: 0 }).await?.into_inner();
    let mut head = AuditHead::default();
    while let Some(entry) = entries.message().await? {
        let entry = checked(entry)?;
        head.advance(&entry).map_err(|problem| {
            Failure::failed(format!("the audit log was tampered with or is damaged: {problem}"))
                .hint("compare it with a backup; entries before it are sound")
        })?;
        if !arguments.refused || !entry.note.is_allowed {
            context.output.text(&line(&entry, context.output.json)?)?;
        }
    }
    super::output::note(&format!("{} entries, none changed or missing", head.sequence));
    Ok(())
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
