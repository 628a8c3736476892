//! `sweep watch`: follows a sweep until it ends, through restarts of the coordinator.

use std::pin::pin;

use clap::Args;

use super::client::{self, Client};
use super::exit::Failure;
use super::follow::{Event, Follower};
use super::interrupt::Interrupt;
use super::render::progress::View;
use super::screen::{self, End, Screen};
use super::{Context, find, output, render};
use coordinator::json::Sweep;
use sweep_proto::{SweepState, TrialState};

const EXAMPLES: &str = "\
On a terminal, a full screen: progress, the best configurations, running trials, workers, and \
what happened. Tab moves between them, the arrows scroll, ? shows all keys. With --plain, and \
elsewhere, now and then a line. With --json, one object a line after every change.

q, Esc and Ctrl-C end the watching, not the sweep.

Examples:
  sweep watch paper-imdb
  sweep watch 3 --plain
  sweep watch 3 --json | jq -c .ledger";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    #[command(flatten)]
    looks: Looks,
}

/// How a sweep is shown while it goes on: the same flags for every command that follows one.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Looks {
    /// While the sweep goes on, lines of text instead of bars or a full screen.
    #[arg(long)]
    pub(crate) plain: bool,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    let sweep = context.told(client::get(&mut client, Some(&arguments.sweep)).await?).await;
    if !sweep.has_ended() && context.is_own().await {
        return Err(find::not_running(&context.wanted.data_folder));
    }
    watch(&client, sweep, arguments.looks, context).await
}

/// Shows a sweep until it ends, then its result: on the full screen where there is one and it is not refused.
///
/// # Errors
/// Exit code 1 where no trial completed or the sweep was cancelled.
pub(crate) async fn watch(
    client: &Client,
    sweep: Sweep,
    looks: Looks,
    context: &Context,
) -> Result<(), Failure> {
    // The number, because a newer sweep may take the name while we watch.
    let id = sweep.id;
    let end = if looks.plain || context.output.json || !screen::is_available() {
        follow_to_end(client, id, looks, context).await?
    } else if sweep.has_ended() {
        End::Ended(Box::new(sweep))
    } else {
        match Screen::take() {
            Ok(screen) => screen::watch(screen, client, sweep).await?,
            Err(error) => {
                output::note(&format!("no full screen ({error}), lines instead"));
                follow_to_end(client, id, looks, context).await?
            }
        }
    };
    match end {
        End::Left => {
            output::note(&format!("the sweep goes on; `sweep watch {id}` shows it again"));
            Ok(())
        }
        End::Ended(sweep) => {
            if !context.output.json {
                context.output.text(&render::status::sweep(&sweep))?;
            }
            verdict(&sweep)
        }
    }
}

/// Shows a sweep in bars or lines until it ends or the user leaves.
async fn follow_to_end(client: &Client, id: u64, looks: Looks, context: &Context) -> Result<End, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut follower = Follower::new(client.clone(), id);
    let mut view = View::new(looks.plain);
    let mut reader_gone = pin!(output::reader_gone());
    let end = loop {
        let event = tokio::select! {
            event = follower.next() => event,
            () = &mut reader_gone => break Err(Failure::reader_gone()),
            () = interrupt.requested() => break Ok(End::Left),
        };
        match event {
            Ok(Event::Lost(reason)) => view.lost(&reason),
            Ok(Event::Status(sweep)) => {
                if context.output.json {
                    context.output.json_line(&*sweep)?;
                }
                view.update(&sweep);
                if sweep.has_ended() {
                    break Ok(End::Ended(sweep));
                }
            }
            Err(failure) => break Err(failure),
        }
    };
    view.clear();
    end
}

/// Whether an ended sweep brought a result.
pub(crate) fn verdict(sweep: &Sweep) -> Result<(), Failure> {
    if sweep.state == SweepState::Cancelled {
        return Err(Failure::failed(format!("sweep {} was cancelled", sweep.id)));
    }
    if sweep.ledger.of(TrialState::Completed) == 0 {
        return Err(Failure::failed(format!("no trial of sweep {} completed", sweep.id))
            .hint("the report names each failure with its reason"));
    }
    Ok(())
}
