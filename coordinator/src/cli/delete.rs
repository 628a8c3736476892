//! `sweep delete`: an ended sweep is removed for good, after a question.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use coordinator::json::Sweep;
use serde::Serialize;
use sweep_proto::wire::{DeleteReply, GetRequest};

use super::Context;
use super::exit::Failure;
use super::output::plain;

const EXAMPLES: &str = "\
Only sweeps that have ended are deleted; cancel others first. Trials, curves, models and data go, \
the sweep's number is not given again, and space in the data folder is free for new sweeps. \
Results that later sweeps reuse are kept, so that their reports remain as they are.

Examples:
  sweep delete paper-imdb
  sweep delete 3 --yes";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Told {
    deleted: u64,
    name: String,
    trials: u64,
    kept: u64,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    // What is asked about is what is deleted, whatever is launched meanwhile.
    let sweep = Sweep::from(client.get(GetRequest { sweep: arguments.sweep }).await?.into_inner());
    if !arguments.yes && !ask(&sweep)? {
        return Err(Failure::failed("nothing was deleted"));
    }
    let reply = client.delete(GetRequest { sweep: sweep.id.to_string() }).await?.into_inner();
    let DeleteReply { sweep: deleted, name, trials, kept } = reply;
    if context.output.json {
        return context.output.json(&Told { deleted, name, trials, kept });
    }
    context.output.text(&format!("deleted sweep {deleted} ({}){}", plain(&name), of_kept(trials, kept)))
}

fn of_kept(trials: u64, kept: u64) -> String {
    match kept {
        0 => format!(" with its {trials} {}", trials_word(trials)),
        _ => format!(
            "; later sweeps reuse {kept} of its {trials} {}; {} kept",
            trials_word(trials),
            if kept == 1 { "that one is" } else { "those are" }
        ),
    }
}

fn trials_word(count: u64) -> &'static str {
    if count == 1 { "trial" } else { "trials" }
}

fn ask(sweep: &Sweep) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("standard input is not a terminal, so delete cannot ask; give --yes"));
    }
    let planned = sweep.ledger.planned;
    let question = format!(
        "Delete sweep {} ({}), {}, with its {planned} {}? This cannot be undone. [y/N] ",
        sweep.id,
        plain(&sweep.name),
        sweep.state,
        trials_word(planned)
    );
    let failed = |error: io::Error| Failure::failed(format!("cannot ask: {error}"));
    let mut terminal = io::stderr().lock();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_what_stays_and_why() {
        assert_eq!(of_kept(1, 0), " with its 1 trial");
        assert_eq!(of_kept(12, 2), "; later sweeps reuse 2 of its 12 trials; those are kept");
    }
}
