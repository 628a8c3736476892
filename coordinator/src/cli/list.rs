//! `sweep list`: the sweeps of a coordinator.

use clap::Args;

use super::exit::Failure;
use super::output::plain;
use super::render::status::{best_value, moment};
use super::render::table::{self, Align};
use super::rerun::NAME_PREFIX;
use super::{Context, client, output};
use coordinator::json::Sweep;
use sweep_proto::{Objective, TrialState};

const EXAMPLES: &str = "\
PLANNED is the number of trials; of a search that hours or money alone bound, it is `by budget`. \
Sweeps that `sweep verify --rerun` has launched (verify-rerun-SWEEP-TRIAL) are left out unless --all is given.

Examples:
  sweep list
  sweep list --all
  sweep list --json | jq '.[] | select(.state == \"open\") | .id'";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Also show what `sweep verify --rerun` has launched.
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    let mut sweeps: Vec<Sweep> = Vec::new();
    for status in client::list(&mut client).await? {
        sweeps.push(context.told(status).await);
    }
    let count = sweeps.len();
    sweeps.retain(|sweep| arguments.all || !sweep.name.starts_with(NAME_PREFIX));
    match count - sweeps.len() {
        0 => {}
        1 => output::note("1 sweep of `sweep verify --rerun` is left out; --all shows it"),
        left_out => {
            output::note(&format!(
                "{left_out} sweeps of `sweep verify --rerun` are left out; --all shows them"
            ));
        }
    }
    if context.output.json {
        return context.output.json(&sweeps);
    }
    if sweeps.is_empty() && count == 0 {
        output::note("no sweep yet: `sweep launch FILE` starts one");
        return Ok(());
    }
    // A value needs its name where sweeps have different objectives.
    let is_by_loss = sweeps.iter().all(|sweep| sweep.objective == Objective::default());
    let best = |sweep: &Sweep| match best_value(sweep) {
        value if is_by_loss || sweep.best.is_empty() => value,
        value => format!("{} {value}", sweep.objective.words()),
    };
    let columns = [
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("ENDED", Align::Right),
        ("PLANNED", Align::Right),
        ("SPENT OF BUDGET", Align::Left),
        ("FAILED", Align::Right),
        (if is_by_loss { "BEST LOSS" } else { "BEST" }, Align::Right),
        ("LAUNCHED", Align::Left),
        ("OWNER", Align::Left),
    ];
    let rows = sweeps.iter().map(|sweep| {
        vec![
            sweep.id.to_string(),
            plain(&sweep.name),
            plain(&sweep.standing()),
            sweep.ledger.ended().to_string(),
            sweep.trials_planned().unwrap_or_else(|| "by budget".to_owned()),
            sweep.budget_spent().unwrap_or_else(|| "-".to_owned()),
            (sweep.ledger.of(TrialState::Failed) + sweep.ledger.of(TrialState::Diverged)).to_string(),
            best(sweep),
            moment(sweep.created_at_ms),
            sweep.owned_by().map_or_else(|| "-".to_owned(), |owner| plain(&owner)),
        ]
    });
    context.output.text(&table::table(&columns, rows))
}
