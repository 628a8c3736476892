//! `sweep retry`: trials that failed or diverged are tried again.

use clap::Args;
use coordinator::json::Sweep;
use serde::Serialize;
use sweep_proto::TrialId;
use sweep_proto::wire::RetryRequest;

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};

const EXAMPLES: &str = "\
Each trial begins again, with all its tries; what other trials brought is kept. A sweep that has \
finished goes on until they have ended, and chooses again.

Examples:
  sweep retry paper-imdb                 (all that failed)
  sweep retry paper-imdb --diverged
  sweep retry 3 17 18                    (trials 3/17 and 3/18)";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// Trials by their number in the sweep, as 17 or 3/17.
    #[arg(value_name = "TRIAL", value_parser = trial, conflicts_with_all = ["failed", "diverged"])]
    trials: Vec<u32>,
    /// Try every trial again that failed, and measure again what could not be measured on the test split. The default.
    #[arg(long)]
    failed: bool,
    /// Try every trial again that diverged.
    #[arg(long)]
    diverged: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Told {
    retried: u64,
    sweep: Option<Sweep>,
}

fn trial(text: &str) -> Result<u32, String> {
    let index = text.parse::<TrialId>().map(|trial| trial.index).or_else(|_| text.parse());
    index.map_err(|_| "it must be a trial's number, as 17 or 3/17".to_owned())
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let Arguments { sweep, trials, failed, diverged } = arguments;
    let failed = failed || (trials.is_empty() && !diverged);
    let mut client = context.connect().await?;
    let reply = client.retry(RetryRequest { sweep, failed, diverged, trials }).await?.into_inner();
    let told = Told { retried: reply.retried, sweep: reply.sweep.map(Sweep::from) };
    if context.output.json {
        return context.output.json(&told);
    }
    let Some(sweep) = told.sweep else { return Ok(()) };
    let trials = if told.retried == 1 { "trial" } else { "trials" };
    output::note(&format!(
        "{} {trials} of sweep {} ({}) begin again",
        told.retried,
        sweep.id,
        plain(&sweep.name)
    ));
    context.output.text(&super::render::status::ledger_line(&sweep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_named_by_its_number_with_or_without_its_sweep() {
        assert_eq!((trial("17"), trial("3/17")), (Ok(17), Ok(17)));
        for wrong in ["", "x", "3/", "/17", "-1"] {
            assert!(trial(wrong).is_err(), "{wrong}");
        }
    }
}
