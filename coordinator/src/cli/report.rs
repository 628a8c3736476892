//! `sweep report`: fetches the consolidated report of a sweep.

use std::path::{Path, PathBuf};

use clap::Args;
use sweep_proto::wire::ReportRequest;

use super::client::Client;
use super::exit::Failure;
use super::{Context, files};

const EXAMPLES: &str = "\
One self-contained HTML file that opens from disk, and the same numbers as Markdown, CSV, Parquet and
JSON. Of a sweep that still runs, the report so far.

Examples:
  sweep report paper-imdb
  sweep report 3 -o results/imdb
  sweep report 3 --json | jq .files";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// The folder to write to.
    #[arg(short, long, value_name = "DIR", default_value = "report")]
    output: PathBuf,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let mut client = context.connect().await?;
    let names = fetch(&mut client, arguments.sweep, &arguments.output).await?;
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
