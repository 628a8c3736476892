//! `sweep report`: fetches the consolidated report of a sweep.

use std::path::{Path, PathBuf};

use clap::Args;
use sweep_proto::wire::{CompareRequest, ReportRequest};

use super::client::Client;
use super::exit::Failure;
use super::{Context, files, refresh};

const EXAMPLES: &str = "\
One self-contained HTML file that opens from disk, and the same numbers as Markdown, CSV, Parquet and
JSON. Of a sweep that still runs, the report so far; with --watch it is rewritten whenever something
changed, until the sweep ends.

Examples:
  sweep report paper-imdb
  sweep report 3 -o results/imdb
  sweep report 3 --watch
  sweep report --compare lstm gru -o comparison
  sweep report 3 --json | jq .files";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID", required_unless_present = "compare")]
    sweep: Option<String>,
    /// The folder to write to.
    #[arg(short, long, value_name = "DIR", default_value = "report")]
    output: PathBuf,
    /// Two sweeps side by side instead of one: what differs in settings, best configurations and losses.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["sweep", "watch"])]
    compare: Vec<String>,
    /// Rewrite the report whenever something changed, until the sweep ends.
    #[arg(long)]
    watch: bool,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let sweep = arguments.sweep.unwrap_or_default();
    if arguments.watch {
        return refresh::until_the_end(&mut client, &sweep, &arguments.output, context).await;
    }
    let names = if let [first, second] = arguments.compare.as_slice() {
        let request = CompareRequest { first: first.clone(), second: second.clone() };
        files::receive(client.compare(request).await?.into_inner(), &arguments.output).await?
    } else {
        fetch(&mut client, sweep, &arguments.output).await?
    };
    if context.output.json {
        let directory = arguments.output.display().to_string();
        return context.output.json(&serde_json::json!({ "directory": directory, "files": names }));
    }
    let page = files::main_page(&arguments.output, &names);
    context.output.text(&format!(
        "wrote {} ({} files beside it)",
        page.display(),
        names.len().saturating_sub(1)
    ))
}

/// Fetches the report of a sweep into a folder and returns its file names.
pub(crate) async fn fetch(
    client: &mut Client,
    sweep: String,
    directory: &Path,
) -> Result<Vec<String>, Failure> {
    let parts = client.report(ReportRequest { sweep }).await?.into_inner();
    files::receive(parts, directory).await
}
