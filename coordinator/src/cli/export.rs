//! `sweep export`: a sweep as TensorBoard and MLflow read it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sweep_proto::wire::{self, ExportRequest};
use url::Url;

use super::exit::Failure;
use super::{Context, files};

const EXAMPLES: &str = "\
One run for each trial that has begun, with its hyperparameters and the curves of every epoch. Exporting \
again replaces what was exported before.

  tensorboard  an event file in a folder of its own for each run: `tensorboard --logdir DIR`
  mlflow       the folder `mlruns` of a file store: `mlflow migrate-filestore` brings it into a database,
               and `MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri DIR/mlruns` reads it.
               Its artifacts are named by the full path of DIR: where DIR was moved, export into it again

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
    let mut client = context.connect_or_start().await?;
    files::check_writable(&arguments.into)?;
    let folder_uri = folder_uri(&arguments.into)?;
    let request = ExportRequest { sweep: arguments.sweep, format: format.into(), folder_uri };
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

/// Where MLflow finds what lies in the folder, from wherever it works.
fn folder_uri(directory: &Path) -> Result<String, Failure> {
    let absolute = directory.canonicalize().map_err(|error| Failure::file("find", directory, &error))?;
    let uri = Url::from_directory_path(&absolute)
        .map_err(|()| Failure::failed(format!("{} has no address as a file", absolute.display())))?;
    Ok(uri.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_uri_whatever_its_name() {
        let place = tempfile::tempdir().expect("a folder");
        let root = folder_uri(place.path()).expect("a URI");
        assert!(root.starts_with("file:///") && root.ends_with('/'), "{root}");
        for (name, written) in [
            ("plain", "plain"),
            ("two words", "two%20words"),
            ("100%41 #1?", "100%2541%20%231%3F"),
            ("감성", "%EA%B0%90%EC%84%B1"),
            ("a\n\"b", "a%0A%22b"),
        ] {
            let folder = place.path().join(name);
            std::fs::create_dir(&folder).expect("made");
            let uri = folder_uri(&folder.join("..").join(name)).expect("a URI");
            assert_eq!(uri, format!("{root}{written}/"));
            let read = Url::parse(&uri).expect("a URI").to_file_path().expect("a path");
            assert_eq!(read, folder.canonicalize().expect("there"));
        }
        folder_uri(&place.path().join("gone")).expect_err("nothing is there");
    }
}
