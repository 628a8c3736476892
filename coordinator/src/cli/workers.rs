//! `sweep workers`: who trains.

use clap::Args;
use sweep_proto::wire::WorkersRequest;

use super::Context;
use super::exit::Failure;
use super::output::{self, plain};
use super::render::status::duration;
use super::render::table::{self, Align};
use coordinator::json::Worker;

const EXAMPLES: &str = "\
Examples:
  sweep workers
  sweep workers --json | jq 'map(.slots) | add'";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

pub(crate) async fn run(_arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let reply = client.workers(WorkersRequest {}).await?.into_inner();
    let workers: Vec<Worker> = reply.workers.into_iter().map(Worker::from).collect();
    if context.output.json {
        return context.output.json(&workers);
    }
    if workers.is_empty() {
        let url = context.running_url().await?;
        output::note(&format!("no worker yet: `sweep-worker join {url}` starts one"));
        return Ok(());
    }
    let columns = [
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("SLOTS", Align::Right),
        ("TRIALS", Align::Left),
        ("SEEN", Align::Right),
        ("DEVICES", Align::Left),
        ("ID", Align::Left),
    ];
    let rows = workers.iter().map(|worker| {
        vec![
            plain(&worker.name),
            plain(worker.state.words()),
            worker.slots.to_string(),
            plain(&worker.trials.join(" ")),
            format!("{} ago", duration(worker.last_seen_ms as f64 / 1e3)),
            plain(&worker.devices.join(", ")),
            plain(&worker.id),
        ]
    });
    context.output.text(&table::table(&columns, rows))
}
