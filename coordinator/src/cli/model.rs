//! `sweep model`: fetches trained models.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sweep_proto::wire::GetRequest;

use super::exit::Failure;
use super::report_folder::{self, Overwrite};
use super::{Context, client, files, output};

const EXAMPLES: &str = "\
The folder then has the weights (safetensors), the configuration, the tokenizer with its vocabulary, \
and the labels. Of a sweep that has not finished it is the best model so far, and provisional.

Examples:
  sweep model best paper-imdb -o model
  sweep predict --model model \"a film I will not forget\"";

#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    /// Fetch the best model of a sweep
    Best(BestArguments),
}

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
struct BestArguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// The folder to write to.
    #[arg(short, long, value_name = "DIR", default_value = "model")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let Which::Best(arguments) = arguments.which;
    let mut client = context.connect_or_start().await?;
    report_folder::check_free(&arguments.output, arguments.overwrite, |_| false)?;
    let sweep = context.told(client::get(&mut client, Some(&arguments.sweep)).await?).await;
    // The number, because a newer sweep may take the name meanwhile.
    let parts = client.best_model(GetRequest { sweep: sweep.id.to_string() }).await?.into_inner();
    let names = files::receive(parts, &arguments.output).await?;
    let directory = arguments.output.display().to_string();
    if context.output.json {
        return context.output.json(&serde_json::json!({
            "directory": directory,
            "files": names,
            "sweep": sweep.id,
            "is_provisional": !sweep.has_finished(),
        }));
    }
    context.output.text(&format!("wrote {} to {directory}", names.join(", ")))?;
    if !sweep.has_finished() {
        output::note(&format!(
            "provisional: sweep {} is {}, with {} trials ended; another configuration may become the best",
            sweep.id,
            output::plain(sweep.state.words()),
            sweep.trials_ended_as(|count| count.to_string())
        ));
    }
    output::note(&format!("`sweep predict --model {directory} TEXT` uses it"));
    Ok(())
}
