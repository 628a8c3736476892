//! `sweep status`: how one sweep stands.

use clap::Args;

use super::exit::Failure;
use super::{Context, client, render};

const EXAMPLES: &str = "\
Examples:
  sweep status                    the newest sweep
  sweep status paper-imdb
  sweep status 3 --json | jq .ledger";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name); the newest of all where left out.
    #[arg(value_name = "ID")]
    sweep: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect_or_start().await?;
    let sweep = context.told(client::get(&mut client, arguments.sweep.as_deref()).await?).await;
    if context.output.json {
        return context.output.json(&sweep);
    }
    context.output.text(&render::status::sweep(&sweep))
}
