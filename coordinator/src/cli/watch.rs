//! `sweep watch`: follows a sweep until it ends, through restarts of the coordinator.

use clap::Args;

use super::client::{self, Client};
use super::exit::Failure;
use super::follow::{Event, Follower};
use super::interrupt::Interrupt;
use super::render::progress::View;
use super::{Context, render};
use coordinator::json::Sweep;

const EXAMPLES: &str = "\
With --json, one object a line after every change. Ctrl-C ends the watching, not the sweep.

Examples:
  sweep watch paper-imdb
  sweep watch 3 --json | jq -c .ledger";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    // The number, because a newer sweep may take the name while we watch.
    let id = client::get(&mut client, Some(&arguments.sweep)).await?.id;
    follow_to_end(&mut client, id, context).await
}

/// Shows a sweep until it ends, then its result.
///
/// # Errors
/// Exit code 1 where no trial completed or the sweep was cancelled, 130 on Ctrl-C.
pub(crate) async fn follow_to_end(client: &mut Client, id: u64, context: &Context) -> Result<(), Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut follower = Follower::new(client.clone(), id);
    let mut view = View::new();
    let outcome = loop {
        let event = tokio::select! {
            event = follower.next() => event,
            () = interrupt.requested() => break Err(
                Failure::interrupted("stopped watching; the sweep goes on").hint(format!("`sweep watch {id}` watches again")),
            ),
        };
        match event {
            Ok(Event::Lost(reason)) => view.lost(&reason),
            Ok(Event::Status(sweep)) => {
                if context.output.json {
                    context.output.json_line(&*sweep)?;
                }
                view.update(&sweep);
                if sweep.has_ended() {
                    break Ok(*sweep);
                }
            }
            Err(failure) => break Err(failure),
        }
    };
    view.clear();
    let sweep = outcome?;
    if !context.output.json {
        context.output.text(&render::status::sweep(&sweep))?;
    }
    verdict(&sweep)
}

/// Whether an ended sweep brought a result.
pub(crate) fn verdict(sweep: &Sweep) -> Result<(), Failure> {
    if sweep.state == "cancelled" {
        return Err(Failure::failed(format!("sweep {} was cancelled", sweep.id)));
    }
    if sweep.ledger.completed == 0 {
        return Err(Failure::failed(format!("no trial of sweep {} completed", sweep.id))
            .hint("the report names each failure with its reason"));
    }
    Ok(())
}
