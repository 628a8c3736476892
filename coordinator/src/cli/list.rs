//! `sweep list`: the sweeps of a coordinator.

use clap::Args;

use super::exit::Failure;
use super::output::plain;
use super::render::status::{best_loss, moment};
use super::render::table::{self, Align};
use super::{Context, client, output};
use coordinator::json::Sweep;

const EXAMPLES: &str = "\
Examples:
  sweep list
  sweep list --json | jq '.[] | select(.state == \"open\") | .id'";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

pub(crate) async fn run(_arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    let mut sweeps: Vec<Sweep> = Vec::new();
    for status in client::list(&mut client).await? {
        sweeps.push(context.told(status).await);
    }
    if context.output.json {
        return context.output.json(&sweeps);
    }
    if sweeps.is_empty() {
        output::note("no sweep yet: `sweep launch FILE` starts one");
        return Ok(());
    }
    let columns = [
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("ENDED", Align::Right),
        ("PLANNED", Align::Right),
        ("FAILED", Align::Right),
        ("BEST LOSS", Align::Right),
        ("LAUNCHED", Align::Left),
    ];
    let rows = sweeps.iter().map(|sweep| {
        vec![
            sweep.id.to_string(),
            plain(&sweep.name),
            plain(&sweep.standing()),
            sweep.ledger.ended().to_string(),
            sweep.ledger.planned.to_string(),
            (sweep.ledger.failed + sweep.ledger.diverged).to_string(),
            best_loss(sweep),
            moment(sweep.created_at_ms),
        ]
    });
    context.output.text(&table::table(&columns, rows))
}
