//! `sweep token` and `sweep revoke`: letting people and machines in, and throwing them out.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use sweep_proto::Role;
use sweep_proto::wire::{
    CreateTokenReply, CreateTokenRequest, ListTokensRequest, RevokeTokenRequest, RevokeWorkerRequest,
    TokenStatus,
};

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};
use super::render::table::{self, Align};

const EXAMPLES: &str = "\
`create worker` prints one line to paste on the new machine; `--bare` prints the line for a machine \
that does not have sweep-worker yet. A secret is shown once: the coordinator keeps its hash only.

Examples:
  sweep token create worker
  sweep token create worker --uses 40 --ttl 2h --label \"machine room\"
  sweep token create worker --bare
  sweep token create viewer --ttl 30d --label professor
  sweep token list
  sweep token revoke 0f3c5a7be1d20964 --with-workers";

const CREATE_EXAMPLES: &str = "\
Examples:
  sweep token create worker
  sweep token create worker --uses 40 --ttl 2h
  sweep token create submitter --label alice --ttl 90d";

const LIST_EXAMPLES: &str = "\
Examples:
  sweep token list
  sweep token list --json | jq 'map(select(.is_valid))'";

const REVOKE_EXAMPLES: &str = "\
Examples:
  sweep token revoke 0f3c5a7be1d20964
  sweep token revoke 0f3c5a7be1d20964 --with-workers";

const REVOKE_WORKER_EXAMPLES: &str = "\
Its trials go to other workers at once. It can come back with a new token only.

Examples:
  sweep revoke gpu-machine-3
  sweep revoke 0190b5c8-7a2e-7cc1-9d5f-1f2e3d4c5b6a";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Make a token
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List the tokens
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Make a token worthless
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
}

#[derive(Clone, Debug, Args)]
struct CreateArguments {
    /// What it is for: admin, submitter, viewer or worker.
    role: Role,
    /// How many workers may join by it; 0 for any number. [default: 1]
    #[arg(long, value_name = "N")]
    uses: Option<u32>,
    /// How long it lasts: a number and s, m, h or d. [default: 30m for workers, 90d for people]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    ttl: Option<Duration>,
    /// A note for lists.
    #[arg(long, default_value = "", hide_default_value = true)]
    label: String,
    /// Print the line for a machine that does not have sweep-worker yet.
    #[arg(long)]
    bare: bool,
}

#[derive(Clone, Debug, Args)]
struct RevokeArguments {
    /// The token's id, as `sweep token list` shows it.
    id: String,
    /// Throw out the workers that joined by it, too.
    #[arg(long)]
    with_workers: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = REVOKE_WORKER_EXAMPLES)]
pub(crate) struct RevokeWorkerArguments {
    /// The worker's id, or its name where only one has it.
    #[arg(value_name = "WORKER")]
    worker: String,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a number and s, m, h or d, as 30m".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(0) | None => Err(wrong()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    match arguments.command {
        Command::Create(create) => self::create(create, context).await,
        Command::List => list(context).await,
        Command::Revoke(revoke) => self::revoke(revoke, context).await,
    }
}

async fn create(arguments: CreateArguments, context: &Context) -> Result<(), Failure> {
    let is_worker = arguments.role == Role::Worker;
    if arguments.bare && !is_worker {
        return Err(Failure::usage("--bare is for workers: `sweep token create worker --bare`"));
    }
    let default_ttl = if is_worker { 30 * 60 } else { 90 * 86_400 };
    let ttl = arguments.ttl.unwrap_or(Duration::from_secs(default_ttl));
    let request = CreateTokenRequest {
        role: arguments.role.to_string(),
        uses: arguments.uses.unwrap_or(u32::from(is_worker)),
        ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
        label: arguments.label,
    };
    let reply = context.connect_access().await?.create_token(request).await?.into_inner();
    let lines = Lines::of(&reply, is_worker);
    if context.output.json {
        return context.output.json(&lines);
    }
    if arguments.bare {
        let line = lines.bare_line.ok_or_else(|| {
            Failure::failed("this coordinator has no sweep-worker to give away")
                .hint("put `sweep-worker` beside `sweep` and start `sweep serve` again")
        })?;
        return context.output.text(&line);
    }
    if let Some(bare) = &lines.bare_line {
        output::note(&format!("on a machine without sweep-worker paste this instead:\n{bare}"));
    }
    context.output.text(lines.join_line.as_ref().unwrap_or(&lines.token))
}

/// What is to be pasted.
#[derive(Debug, Serialize)]
struct Lines {
    token: String,
    addresses: Vec<String>,
    join_line: Option<String>,
    bare_line: Option<String>,
}

impl Lines {
    fn of(reply: &CreateTokenReply, is_worker: bool) -> Self {
        let CreateTokenReply { token, addresses, install_digest, key_pin } = reply;
        let address = addresses.first().cloned().unwrap_or_default();
        let join_line = format!("SWEEP_TOKEN={token} sweep-worker join {address}");
        let script = "install-sweep-worker.sh";
        let bare_line = format!(
            "curl --fail --silent --show-error --insecure --pinnedpubkey 'sha256//{key_pin}' --output {script} \
             {address}/install.sh && echo '{install_digest}  {script}' | sha256sum --check --quiet && \
             SWEEP_TOKEN={token} sh {script} {address}"
        );
        Self {
            token: token.clone(),
            addresses: addresses.clone(),
            join_line: is_worker.then_some(join_line),
            bare_line: (is_worker && !install_digest.is_empty()).then_some(bare_line),
        }
    }
}

/// A token in `--json`.
#[derive(Debug, Serialize)]
struct TokenRow {
    id: String,
    role: String,
    label: String,
    created_by: String,
    created_at_ms: u64,
    expires_at_ms: Option<u64>,
    revoked_at_ms: Option<u64>,
    uses_left: Option<u32>,
    is_valid: bool,
}

impl From<TokenStatus> for TokenRow {
    fn from(status: TokenStatus) -> Self {
        let set = |at: u64| (at > 0).then_some(at);
        Self {
            id: status.id,
            role: status.role,
            label: status.label,
            created_by: status.created_by,
            created_at_ms: status.created_at_ms,
            expires_at_ms: set(status.expires_at_ms),
            revoked_at_ms: set(status.revoked_at_ms),
            uses_left: status.uses_left,
            is_valid: status.is_valid,
        }
    }
}

/// A time as people read it.
pub(super) fn time(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

async fn list(context: &Context) -> Result<(), Failure> {
    let reply = context.connect_access().await?.list_tokens(ListTokensRequest {}).await?.into_inner();
    let tokens: Vec<TokenRow> = reply.tokens.into_iter().map(TokenRow::from).collect();
    if context.output.json {
        return context.output.json(&tokens);
    }
    let columns = [
        ("ID", Align::Left),
        ("ROLE", Align::Left),
        ("STATE", Align::Left),
        ("USES LEFT", Align::Right),
        ("EXPIRES", Align::Left),
        ("CREATED BY", Align::Left),
        ("LABEL", Align::Left),
    ];
    let rows = tokens.iter().map(|token| {
        let state = match token {
            TokenRow { revoked_at_ms: Some(_), .. } => "revoked",
            TokenRow { is_valid: true, .. } => "valid",
            TokenRow { uses_left: Some(0), .. } => "used up",
            _ => "expired",
        };
        vec![
            plain(&token.id),
            plain(&token.role),
            state.to_owned(),
            token.uses_left.map_or_else(|| "any".to_owned(), |uses| uses.to_string()),
            token.expires_at_ms.map_or_else(|| "never".to_owned(), time),
            plain(&token.created_by),
            plain(&token.label),
        ]
    });
    context.output.text(&table::table(&columns, rows))
}

async fn revoke(arguments: RevokeArguments, context: &Context) -> Result<(), Failure> {
    let RevokeArguments { id, with_workers } = arguments;
    let request = RevokeTokenRequest { id: id.clone(), with_workers };
    let reply = context.connect_access().await?.revoke_token(request).await?.into_inner();
    if context.output.json {
        return context.output.json(&serde_json::json!({
            "revoked": id,
            "workers": reply.workers,
            "workers_left": reply.workers_left,
        }));
    }
    let workers =
        if with_workers { format!(", and {} workers with it", reply.workers) } else { String::new() };
    if reply.workers_left > 0 {
        output::note(&format!(
            "{} workers that joined by it stay; `sweep token revoke {} --with-workers` throws them out, too",
            reply.workers_left,
            plain(&id)
        ));
    }
    context.output.text(&format!("token {} is worth nothing any more{workers}", plain(&id)))
}

pub(crate) async fn revoke_worker(
    arguments: RevokeWorkerArguments,
    context: &Context,
) -> Result<(), Failure> {
    let worker = arguments.worker;
    let request = RevokeWorkerRequest { worker: worker.clone() };
    context.connect_access().await?.revoke_worker(request).await?;
    if context.output.json {
        return context.output.json(&serde_json::json!({ "worker": worker, "revoked": true }));
    }
    context.output.text(&format!("{} is thrown out; its trials go to other workers", plain(&worker)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(duration("2d"), Ok(Duration::from_hours(48)));
        for wrong in ["", "30", "m", "0s", "-1h", "1w", "1.5h", "99999999999999999999d", "1 h", "한"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
