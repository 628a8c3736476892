//! `sweep extend`: more levels on the grid of a sweep, more replicates, or another budget of its search.

use clap::{ArgGroup, Args};
use sweep_proto::Amount;
use sweep_proto::search::BUDGET_EPOCHS_MAX;
use sweep_proto::sweep_file::REPLICATES_MAX;
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::wire::ExtendRequest;

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};
use coordinator::json::Sweep;

const EXAMPLES: &str = "\
Trials that are there stay as they are; only the new ones are trained. A finished sweep opens again.

A sweep can be extended again, but not while some trials of its last extension are made and others are not: that \
lasts a moment, or, of a sweep of many thousands of trials, until more of its trials have ended.

Examples:
  sweep extend paper-imdb --grid 'units = [512]'
  sweep extend 3 --grid 'units = [512]' --grid 'dropout = [0.0, 0.2]'
  sweep extend 3 --replicates 5
  sweep extend 3 --trials 80 --epochs 4000
  sweep extend 3 --hours 12";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("more").required(true).multiple(true).args(["grid", "replicates", "trials", "epochs", "hours", "money"]))]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// Levels to add, as in the grid section of a sweep file; may be given several times.
    #[arg(long, value_name = "NAME = [LEVELS]")]
    grid: Vec<String>,
    /// The new number of replicates of every configuration.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = replicates)]
    replicates: Option<u32>,
    /// The new budget of its search in trials, those that there are included.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = trials)]
    trials: Option<u32>,
    /// The new budget of its search in epochs of all trials together.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = epochs)]
    epochs: Option<u64>,
    /// The new budget of its search in hours for which attempts hold their slots.
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true, value_parser = amount)]
    hours: Option<Amount>,
    /// The new budget of its search in money, at its price per hour.
    #[arg(long, value_name = "MONEY", allow_negative_numbers = true, value_parser = amount)]
    money: Option<Amount>,
}

fn amount(text: &str) -> Result<Amount, String> {
    let number: f64 = text.trim().parse().map_err(|_| format!("`{text}` is not a number such as 2.5"))?;
    Amount::asked(number)
}

fn replicates(text: &str) -> Result<u32, String> {
    whole(text, u64::from(REPLICATES_MAX))
}

fn trials(text: &str) -> Result<u32, String> {
    whole(text, TRIALS_MAX)
}

fn epochs(text: &str) -> Result<u64, String> {
    whole(text, BUDGET_EPOCHS_MAX)
}

/// A whole number from 1 on.
fn whole<N: TryFrom<u64>>(text: &str, most: u64) -> Result<N, String> {
    let number = text.trim().parse().ok().filter(|number| (1..=most).contains(number));
    let number = number.and_then(|number: u64| N::try_from(number).ok());
    number.ok_or_else(|| format!("it must be a whole number from 1 to {most}"))
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let request = ExtendRequest {
        sweep: arguments.sweep,
        grid: arguments.grid.join("\n"),
        replicates: arguments.replicates.unwrap_or(0),
        trials: arguments.trials.unwrap_or(0),
        epochs: arguments.epochs.unwrap_or(0),
        hours: arguments.hours.map_or(0.0, Amount::get),
        money: arguments.money.map_or(0.0, Amount::get),
    };
    let sweep = Sweep::from(client.extend(request).await?.into_inner());
    if context.output.json {
        return context.output.json(&sweep);
    }
    output::note(&format!("extended sweep {} ({})", sweep.id, plain(&sweep.name)));
    context.output.text(&super::render::status::ledger_line(&sweep))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_budget_is_refused_with_its_bounds() {
        for wrong in ["-1", "0", "1e-300", "1e300", "nan", "inf"] {
            let error = amount(wrong).expect_err(wrong);
            assert!(error.starts_with("it must be a number from 0.000001 to 1000000000, not "), "{error}");
        }
        assert_eq!(amount("ten").expect_err("a word"), "`ten` is not a number such as 2.5");
        for wrong in ["-1", "0", "2.5", "1000001", "", "99999999999999999999"] {
            assert_eq!(trials(wrong).expect_err(wrong), "it must be a whole number from 1 to 1000000");
        }
        assert_eq!((trials("80"), epochs("4000"), replicates("5")), (Ok(80), Ok(4_000), Ok(5)));
        assert!(replicates("1001").is_err() && epochs("1000000000001").is_err());
    }
}
