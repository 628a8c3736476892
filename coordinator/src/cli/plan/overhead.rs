//! What trials take beside their training: measured by a sweep of tiny trials on this machine, in a folder that goes away.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use coordinator::json::Sweep;
use coordinator::{DATABASE, ServerConfig, StoreChoice};
use coordinator_core::{AttemptRecord, Tables};
use coordinator_store::{SqliteStore, StoreReader as _};
use sweep_proto::WorkKind;
use sweep_proto::wire::LaunchRequest;
use sweep_proto::wire::launch_event::Kind;

use super::super::client::{self, Client};
use super::super::exit::Failure;
use super::super::find::Target;
use super::super::follow::{Event, Follower};
use super::super::local_worker::{self, LocalWorkers, WorkerCommand};

/// Epochs of the short and of the long trials: their difference tells what an epoch takes.
const EPOCHS: [u64; 2] = [1, 9];
/// Trials of either kind for each slot.
const TRIALS_PER_SLOT: u32 = 3;
/// Most of them.
const REPLICATES_MAX: u32 = 96;
/// Longest that it may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Seconds beside training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Overhead {
    /// Of each trial: a lease is asked for, a process starts, weights are stored, the end is told.
    pub(super) trial: f64,
    /// Of each epoch, training of a tiny model included: a checkpoint is written, stored and told.
    pub(super) epoch: f64,
    /// Of each measurement on the test split.
    pub(super) evaluation: f64,
    /// From the launch to the first trial.
    pub(super) launch: f64,
}

/// Runs the sweep of tiny trials below a data folder.
///
/// # Errors
/// Where it cannot be run to its end within a minute.
pub(super) async fn measure(folder: &Path, slots: &str, count: u32) -> Result<Overhead, Failure> {
    let scratch = tempfile::Builder::new().prefix("plan-").tempdir_in(folder);
    let scratch = scratch.map_err(|error| Failure::file("make a folder in", folder, &error))?;
    let data_directory =
        std::path::absolute(scratch.path()).map_err(|error| Failure::file("find", folder, &error))?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = ServerConfig::local(listen, data_directory.clone(), StoreChoice::Sqlite);
    let server = coordinator::start(ServerConfig { is_announced: false, ..config }).await?;
    let command = WorkerCommand {
        program: local_worker::find_program()?,
        server: format!("http://{}", server.address()),
        slots: slots.to_owned(),
        data_directory: data_directory.clone(),
    };
    let ran = tokio::time::timeout(PATIENCE, run(&command, count)).await;
    server.stop().await?;
    ran.map_err(|_| Failure::failed("tiny trials take more than a minute"))??;
    let mut store = SqliteStore::open(&data_directory.join(DATABASE))
        .map_err(|error| Failure::failed(error.to_string()))?;
    let tables = store.load().map_err(|error| Failure::failed(error.to_string()))?;
    of_tables(&tables, count as usize).ok_or_else(|| Failure::failed("no tiny trial came to its end"))
}

async fn run(command: &WorkerCommand, slots: u32) -> Result<(), Failure> {
    let target = Target::own(&command.server)?;
    let mut client = client::sweeps(client::service(&target).await?);
    let mut workers = LocalWorkers::start(command, 1)?;
    let ended = tokio::select! {
        ended = train(&mut client, slots) => ended,
        failure = workers.lost() => Err(failure),
    };
    workers.leave().await;
    ended
}

async fn train(client: &mut Client, slots: u32) -> Result<(), Failure> {
    let replicates = slots.saturating_mul(TRIALS_PER_SLOT).clamp(2, REPLICATES_MAX);
    let request =
        LaunchRequest { file_name: "tiny.toml".into(), text: text(replicates), ..LaunchRequest::default() };
    let mut events = client.launch(request).await?.into_inner();
    let mut launched = None;
    while let Some(event) = events.message().await? {
        if let Some(Kind::Launched(status)) = event.kind {
            launched = Some(Sweep::from(status));
        }
    }
    let launched = launched.ok_or_else(|| Failure::failed("the sweep of tiny trials was not launched"))?;
    let mut follower = Follower::new(client.clone(), launched.id);
    loop {
        if let Event::Status(sweep) = follower.next().await?
            && sweep.has_ended()
        {
            return Ok(());
        }
    }
}

fn text(replicates: u32) -> String {
    let [short, long] = EPOCHS;
    format!(
        "name = \"tiny\"\n[data]\ndataset = \"snippets\"\ntrain_rows = 64\ntest_rows = 8\nmax_length = 20\n\
         [grid]\nunits = [4]\nembedding = [4]\nbatch_size = [64]\nepochs = [{short}, {long}]\n\
         [train]\nreplicates = {replicates}\n"
    )
}

/// From the trials of both lengths.
fn of_tables(tables: &Tables, slots: usize) -> Option<Overhead> {
    let sweep = tables.sweeps.values().next()?;
    let mean = |of: &dyn Fn(&AttemptRecord) -> bool| {
        let seconds: Vec<f64> = tables
            .attempts
            .values()
            .filter(|one| of(one) && one.ended_at.is_some())
            .map(|one| one.charged_ms() as f64 / 1e3)
            .collect();
        (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / seconds.len() as f64)
    };
    let trained = |epochs: u64| {
        mean(&|one| {
            let trial = tables.trials.get(&one.id.trial);
            let trains = one.work == WorkKind::Train;
            trains && trial.is_some_and(|trial| trial.spec.configuration.epochs() == epochs)
        })
    };
    let [short, long] = EPOCHS;
    let (of_short, of_long) = (trained(short)?, trained(long)?);
    let epoch_seconds = ((of_long - of_short) / (long - short) as f64).max(0.0);
    let first = tables.attempts.values().map(|one| one.started_at).min()?;
    Some(Overhead {
        trial: (of_short - short as f64 * epoch_seconds).max(0.0)
            + turn_seconds(tables.attempts.values().filter(|one| one.work == WorkKind::Train), slots),
        epoch: epoch_seconds,
        evaluation: mean(&|one| one.work == WorkKind::Evaluate).unwrap_or(of_short),
        launch: first.since_ms(sweep.created_at) as f64 / 1e3,
    })
}

/// Seconds from the end of an attempt to the next one on its slot, in the mean: what is free first is taken first.
fn turn_seconds<'a>(attempts: impl Iterator<Item = &'a AttemptRecord>, slots: usize) -> f64 {
    let (mut starts, mut ends): (Vec<_>, Vec<_>) =
        attempts.filter_map(|one| Some((one.started_at, one.ended_at?))).unzip();
    starts.sort_unstable();
    ends.sort_unstable();
    let turns = starts.iter().skip(slots).zip(&ends).map(|(start, end)| start.since_ms(*end) as f64 / 1e3);
    turns.clone().sum::<f64>() / (turns.count() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiny_sweep_is_a_valid_one() {
        let spec = sweep_proto::sweep_file::parse("tiny.toml", &text(6)).expect("a valid file");
        assert_eq!(spec.trial_count(), Some(12));
    }
}
