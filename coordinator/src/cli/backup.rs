//! `sweep backup` and `sweep restore`: everything that a coordinator keeps, copied and brought back.

use std::path::PathBuf;

use clap::Args;
use coordinator::{ArtifactsChoice, BackupError, Manifest, Place};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::Context;
use super::exit::Failure;
use super::output;
use super::store::StoreArguments;
use crate::telemetry;

const BACKUP_EXAMPLES: &str = "\
Works beside a running coordinator. The folder then holds every row, every artifact that a row names, and \
the keys: keep it as safe as the data folder itself. It is checked before this command says that it is done.

Examples:
  sweep backup /mnt/backups/sweep-monday
  sweep backup /mnt/backups/sweep-monday --data-dir /var/lib/sweep
  SWEEP_STORE=postgres://… sweep backup /mnt/backups/sweep-monday --artifacts s3://sweeps";

const RESTORE_EXAMPLES: &str = "\
The data folder (and the database, where one is given) must be empty. Everything is checked, before and \
after. Workers of the old world hold nothing in the restored one: they drop their work and ask again. \
A backup of SQLite may be restored into PostgreSQL, and the other way round. A restoration that was cut off is refused by \
name, in the folder and in the database; the same command removes what it has written and begins again.

Examples:
  sweep restore /mnt/backups/sweep-monday --data-dir /var/lib/sweep
  SWEEP_STORE=postgres://… sweep restore /mnt/backups/sweep-monday --artifacts s3://sweeps";

#[derive(Clone, Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(crate) struct BackupArguments {
    /// The folder to make.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(crate) struct RestoreArguments {
    /// A folder that `sweep backup` has made.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where a coordinator keeps everything.
#[derive(Clone, Debug, Args)]
struct PlaceArguments {
    /// The folder for the database, datasets and models.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// Where the coordinator keeps its artifacts, as given to `sweep serve`.
    #[arg(long, value_name = "DIR|URL")]
    artifacts: Option<ArtifactsChoice>,
}

impl PlaceArguments {
    fn place(self) -> Result<Place, Failure> {
        let store = self.store.choice()?;
        Ok(Place { store, artifacts: self.artifacts, ..Place::local(self.data_dir) })
    }
}

pub(crate) async fn backup(arguments: BackupArguments, context: &Context) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let bar = bar();
    let made = coordinator::backup(&place, &arguments.folder, |done, total| advance(&bar, done, total)).await;
    bar.finish_and_clear();
    let manifest = made.map_err(refused)?;
    tell(context, "backed up", &manifest)?;
    output::note(&format!("`sweep restore {}` brings it back", arguments.folder.display()));
    Ok(())
}

pub(crate) async fn restore(arguments: RestoreArguments, context: &Context) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let bar = bar();
    let done =
        coordinator::restore(&arguments.folder, &place, |done, total| advance(&bar, done, total)).await;
    bar.finish_and_clear();
    let manifest = done.map_err(refused)?;
    tell(context, "restored", &manifest)?;
    output::note(&format!("`sweep serve --data-dir {}` goes on from there", place.data_directory.display()));
    Ok(())
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("artifacts {bar:30} {bytes}/{total_bytes} {eta}");
    let bar = telemetry::bars().add(ProgressBar::new(0));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn advance(bar: &ProgressBar, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_position(done);
}

fn tell(context: &Context, what: &str, manifest: &Manifest) -> Result<(), Failure> {
    if context.output.json {
        return context.output.json(manifest);
    }
    let Manifest { sweeps, trials, trials_of_deleted, artifacts, artifact_bytes, .. } = manifest;
    let (deleted, bytes) = (output::of_deleted(*trials_of_deleted), HumanBytes(*artifact_bytes));
    context
        .output
        .text(&format!("{what} {sweeps} sweeps, {trials} trials{deleted}, {artifacts} artifacts ({bytes})"))
}

fn refused(error: BackupError) -> Failure {
    match error {
        BackupError::NotEmpty(_) | BackupError::NoBackup { .. } | BackupError::DatabaseNotEmpty => {
            Failure::usage(error.to_string())
        }
        BackupError::Start(error) => error.into(),
        error => Failure::failed(error.to_string()),
    }
}
