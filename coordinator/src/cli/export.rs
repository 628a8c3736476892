//! `sweep export`: a sweep as TensorBoard and MLflow read it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sweep_proto::wire::{self, ExportRequest};

use super::exit::Failure;
use super::{Context, files};

const EXAMPLES: &str = "\
One run for each trial that has begun, with its hyperparameters and the curves of every epoch. Exporting
again replaces what was exported before.

  tensorboard  an event file in a folder of its own for each run: `tensorboard --logdir DIR`
  mlflow       the folder `mlruns` of a file store: `mlflow migrate-filestore` brings it into a database,
               and `MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri DIR/mlruns` reads it

Examples:
  sweep export paper-imdb --format tensorboard --into runs
  sweep export 3 --format mlflow --into tracking
  sweep export 3 --format mlflow --into tracking --json | jq .files";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID")]
    sweep: String,
    /// For which tool.
    #[arg(long, value_enum, value_name = "TOOL")]
    format: Tool,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// Event files.
    #[value(name = "tensorboard")]
    TensorBoard,
    /// A file store.
    Mlflow,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let (format, read_by) = match arguments.format {
        Tool::TensorBoard => (wire::ExportFormat::Tensorboard, "tensorboard --logdir"),
        Tool::Mlflow => {
            (wire::ExportFormat::Mlflow, "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri")
        }
    };
    let mut client = context.connect().await?;
    let request = ExportRequest { sweep: arguments.sweep, format: format.into() };
    let parts = client.export(request).await?.into_inner();
    let names = files::receive_tree(parts, &arguments.into).await?;
    let directory = arguments.into.display().to_string();
    if context.output.json {
        let count = names.len();
        return context.output.json(&serde_json::json!({ "directory": directory, "files": count }));
    }
    context.output.text(&format!("wrote {} files to {directory}", names.len()))?;
    let store = if arguments.format == Tool::Mlflow { arguments.into.join("mlruns") } else { arguments.into };
    super::output::note(&format!("`{read_by} {}` shows them", store.display()));
    Ok(())
}
