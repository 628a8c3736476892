//! `sweep cancel`, `sweep pause`, `sweep resume`: the three requests that change a sweep's state.

use clap::Args;
use sweep_proto::wire::{GetRequest, SweepStatus};

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};
use coordinator::json::Sweep;

const CANCEL_EXAMPLES: &str = "\
Finished trials are kept; what has not finished becomes `cancelled`.

Examples:
  sweep cancel 3
  sweep cancel paper-imdb";

const PAUSE_EXAMPLES: &str = "\
Running trials save their state and are handed back; `sweep resume` goes on from there.

Examples:
  sweep pause 3
  sweep pause paper-imdb";

const RESUME_EXAMPLES: &str = "\
Examples:
  sweep resume 3
  sweep resume paper-imdb";

#[derive(Clone, Debug, Args)]
#[command(after_help = CANCEL_EXAMPLES)]
pub(crate) struct CancelArguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = PAUSE_EXAMPLES)]
pub(crate) struct PauseArguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct ResumeArguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
}

pub(crate) async fn cancel(arguments: CancelArguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    let reply = client.cancel(GetRequest { sweep: arguments.sweep }).await?;
    tell(reply.into_inner(), "cancelled", context)
}

pub(crate) async fn pause(arguments: PauseArguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let reply = client.pause(GetRequest { sweep: arguments.sweep }).await?;
    tell(reply.into_inner(), "paused", context)
}

pub(crate) async fn resume(arguments: ResumeArguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let reply = client.resume(GetRequest { sweep: arguments.sweep }).await?;
    tell(reply.into_inner(), "resumed", context)
}

fn tell(status: SweepStatus, done: &str, context: &Context) -> Result<(), Failure> {
    let sweep = Sweep::from(status);
    if context.output.json {
        return context.output.json(&sweep);
    }
    output::note(&format!("{done} sweep {} ({})", sweep.id, plain(&sweep.name)));
    context.output.text(&super::render::status::ledger_line(&sweep))
}
