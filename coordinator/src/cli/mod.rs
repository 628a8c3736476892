//! The command line: its words, and which file answers each of them.

mod client;
mod data_memory;
mod exit;
mod files;
mod find;
mod follow;
mod interrupt;
mod local_worker;
mod output;
mod port_holder;
mod quota;
mod rare_space;
mod render;
mod screen;
mod search_choice;
mod store;
mod sweep_file;

mod audit;
mod backup;
mod completions;
mod control;
mod data;
mod delete;
mod drain;
mod export;
mod extend;
mod fsck;
mod gc;
mod hyperparameters;
mod launch;
mod list;
mod model;
mod open;
mod plan;
mod predict;
mod read_data;
mod refresh;
mod report;
mod report_folder;
mod rerun;
mod retention;
mod retry;
mod run;
mod serve;
mod status;
mod token;
mod verify;
mod watch;
mod workers;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use coordinator::json::Sweep;
use coordinator::{Server, ServerConfig, StoreChoice};
use sweep_proto::wire::SweepStatus;
use sweep_transport::private;
use tokio::sync::Mutex;

use crate::telemetry::{self, LogFormat};
use client::{AccessClient, Client, Service};
use exit::{Exit, Failure};
use find::{Found, Target, Wanted};
use output::{Colour, Output};

const EXAMPLES: &str = "\
Examples:
  sweep run                          the quickstart: a small sweep on embedded data, on this machine
  sweep run my-sweep.toml            a sweep of yours, on this machine
  sweep serve                        a coordinator that workers join
  sweep launch my-sweep.toml --watch a sweep on that coordinator
  sweep report my-sweep              its report
  sweep open                         everything in the browser

Exit codes: 0 done, 1 failed, 2 wrong command line or file, 3 no coordinator answers, 130 interrupted.
Environment: SWEEP_SERVER (address), SWEEP_TOKEN (who you are), SWEEP_STORE (a coordinator's database), RUST_LOG (what is logged), NO_COLOR (plain output).";

/// Finds which hyperparameters of a recurrent text classifier matter, on one machine or many.
#[derive(Debug, Parser)]
#[command(name = "sweep", version, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The coordinator to talk to.
    #[arg(
        long,
        global = true,
        env = "SWEEP_SERVER",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Global options",
        long_help = "The coordinator to talk to: https://HOST:PORT with a token, several with commas between them, \
            or http://127.0.0.1:PORT. By default the one of the data folder: running or not, its sweeps are there to read."
    )]
    server: Option<String>,
    /// The data folder of the coordinator, where no address is given.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = sweep_transport::presence::DATA_FOLDER,
        help_heading = "Global options"
    )]
    data_dir: PathBuf,
    /// A file with the token to show, - for standard input; without it SWEEP_TOKEN is shown.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    token_file: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// How log lines are written to standard error.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    log_format: LogFormat,
    /// When to use colour.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    color: Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a sweep on this machine, from data to report
    Run(run::Arguments),
    /// Start a coordinator that other commands and workers talk to
    Serve(serve::Arguments),
    /// Launch a sweep on a coordinator
    Launch(launch::Arguments),
    /// Show the sweeps of this folder in the browser
    Open(open::Arguments),
    /// List the sweeps of a coordinator
    List(list::Arguments),
    /// Show how a sweep stands
    Status(status::Arguments),
    /// Follow a sweep until it ends
    Watch(watch::Arguments),
    /// Stop a sweep for good
    Cancel(control::CancelArguments),
    /// Hand out no more trials of a sweep, and call back those that run
    Pause(control::PauseArguments),
    /// Go on with a paused sweep
    Resume(control::ResumeArguments),
    /// Try trials again that failed or diverged
    Retry(retry::Arguments),
    /// Remove an ended sweep for good
    Delete(delete::Arguments),
    /// Add levels to the grid of a sweep or replicates, or change the budget of a search
    Extend(extend::Arguments),
    /// Fetch the report of a sweep
    Report(report::Arguments),
    /// Export a sweep for TensorBoard or MLflow
    Export(export::Arguments),
    /// Check a report: signature, records, and by training again
    Verify(verify::Arguments),
    /// Show what a sweep file asks for, without running it
    Plan(plan::Arguments),
    /// Look at a dataset
    Data(data::Arguments),
    /// Fetch models
    Model(model::Arguments),
    /// Classify text with a fetched model
    Predict(predict::Arguments),
    /// List the workers of a coordinator
    Workers(workers::Arguments),
    /// Ask a worker to hand back its trials and leave
    Drain(drain::Arguments),
    /// Create, list and revoke tokens for people and workers
    Token(token::Arguments),
    /// Revoke a worker's certificate, take its trials back and close its connections
    Revoke(token::RevokeWorkerArguments),
    /// Show who did what, and check that the log is whole
    Audit(audit::Arguments),
    /// Back up everything that a coordinator keeps, also while it runs
    Backup(backup::BackupArguments),
    /// Restore a backup into an empty data folder or database
    Restore(backup::RestoreArguments),
    /// Delete data that is older than its retention time
    Gc(gc::Arguments),
    /// Check the data folder of a coordinator that is stopped
    Fsck(fsck::Arguments),
    /// Show every hyperparameter with its range and default
    Hyperparameters(hyperparameters::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Read data within bounds, for a coordinator
    #[command(hide = true)]
    ReadData(read_data::Arguments),
}

impl Command {
    /// What is logged where `RUST_LOG` says nothing.
    fn log_level(&self) -> &'static str {
        if matches!(self, Command::Serve(_)) { "info" } else { "warn" }
    }
}

/// What every command has at hand.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where results go.
    output: Output,
    /// What is said of the coordinator.
    wanted: Wanted,
    /// The coordinator of this process, where none runs in the data folder and the command only needs what lies there.
    own: Arc<Mutex<Option<Server>>>,
}

/// How long whoever holds a data folder may take to answer: a coordinator loads its database first.
const START_WAIT: Duration = Duration::from_secs(10);

/// Pause between two looks at a data folder.
const START_PAUSE: Duration = Duration::from_millis(50);

impl Context {
    /// Connects to a coordinator that runs.
    async fn connect(&self) -> Result<Client, Failure> {
        Ok(client::sweeps(self.reach(false).await?.1))
    }

    /// As [`Self::connect`]; where none runs in the data folder, to one of this process. For what needs no worker.
    async fn connect_or_start(&self) -> Result<Client, Failure> {
        Ok(client::sweeps(self.reach(true).await?.1))
    }

    /// Whether the data folder has what a coordinator keeps, and no coordinator runs there.
    async fn is_at_rest(&self) -> Result<bool, Failure> {
        let is_own = self.is_own().await;
        Ok(!is_own && matches!(find::find(&self.wanted)?, Found::Stopped { is_readable: true }))
    }

    /// Connects to the access service of a coordinator that runs.
    async fn connect_access(&self) -> Result<AccessClient, Failure> {
        Ok(client::access(self.reach(false).await?.1))
    }

    /// As [`Self::connect_or_start`], to the access service.
    async fn connect_access_or_start(&self) -> Result<AccessClient, Failure> {
        Ok(client::access(self.reach(true).await?.1))
    }

    /// Where a coordinator that runs is reached.
    async fn running_url(&self) -> Result<String, Failure> {
        Ok(self.reach(false).await?.0.addresses.to_string())
    }

    async fn reach(&self, may_start: bool) -> Result<(Target, Service), Failure> {
        let folder = &self.wanted.data_folder;
        if may_start && self.is_own().await {
            let target = self.start().await?;
            return Ok((target.clone(), client::service(&target).await?));
        }
        let since = Instant::now();
        loop {
            let failure = match find::find(&self.wanted)? {
                Found::Given(target) => return Ok((target.clone(), client::service(&target).await?)),
                Found::Stopped { is_readable: true } if may_start => match self.start().await {
                    Ok(target) => return Ok((target.clone(), client::service(&target).await?)),
                    // Somebody was faster.
                    Err(failure) if find::find(&self.wanted)?.is_stopped() => return Err(failure),
                    Err(failure) => failure,
                },
                Found::Stopped { .. } => return Err(find::not_running(folder)),
                Found::Starting => find::not_announced(folder),
                Found::Running(target) => match client::service(&target).await {
                    Ok(service) => return Ok((target, service)),
                    Err(failure) if failure.exit == Exit::Unavailable => failure,
                    Err(failure) => return Err(failure),
                },
            };
            if since.elapsed() > START_WAIT {
                return Err(failure);
            }
            tokio::time::sleep(START_PAUSE).await;
        }
    }

    /// Starts a coordinator in this process, which nobody else is told of.
    async fn start(&self) -> Result<Target, Failure> {
        let mut own = self.own.lock().await;
        if own.is_none() {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let folder = self.wanted.data_folder.clone();
            let local = ServerConfig::local(listen, folder, StoreChoice::Sqlite);
            let readers = data_memory::DataMemory::default().readers()?;
            *own = Some(coordinator::start(ServerConfig { is_announced: false, readers, ..local }).await?);
        }
        let address = own.as_ref().map(Server::address);
        Target::own(&address.map(|address| format!("http://{address}")).unwrap_or_default())
    }

    /// A sweep as it was told. A coordinator of this process only reads: nobody works on the sweep then.
    async fn told(&self, status: SweepStatus) -> Sweep {
        let sweep = Sweep::from(status);
        if self.is_own().await { sweep.stopped() } else { sweep }
    }

    /// Whether the coordinator is one of this process: nothing trains then.
    async fn is_own(&self) -> bool {
        self.own.lock().await.is_some()
    }

    /// Stops what [`Self::start`] has started.
    async fn close(&self) -> Result<(), Failure> {
        match self.own.lock().await.take() {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }
}

/// How long a command that is done waits for threads that nobody waits for any more.
const LEFT_THREADS_WAIT: Duration = Duration::from_secs(5);

/// Parses the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    // What others may read is opened to them where it is written: reports, models, exports.
    private::make_everything_private();
    cli.global.color.apply();
    telemetry::start(cli.global.log_format, cli.command.log_level(), console::colors_enabled_stderr());
    if let Command::ReadData(_) = cli.command {
        return read_data::run();
    }
    let output = Output { json: cli.global.json };
    let Global { server, token_file, data_dir, .. } = cli.global;
    let wanted = Wanted { server, token_file, data_folder: data_dir };
    let context = Context { output, wanted, own: Arc::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))
        .and_then(|runtime| {
            // Without its type: the runtime drives what it is given from several places, and each would hold all commands.
            let work: Pin<Box<dyn Future<Output = Result<(), Failure>>>> = Box::pin(async {
                let done = dispatch(cli.command, &context).await;
                done.and(context.close().await)
            });
            let done = runtime.block_on(work);
            runtime.shutdown_timeout(LEFT_THREADS_WAIT);
            done
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

async fn dispatch(command: Command, context: &Context) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, context).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Launch(arguments) => launch::run(arguments, context).await,
        Command::Open(arguments) => open::run(arguments, context).await,
        Command::List(arguments) => list::run(arguments, context).await,
        Command::Status(arguments) => status::run(arguments, context).await,
        Command::Watch(arguments) => watch::run(arguments, context).await,
        Command::Cancel(arguments) => control::cancel(arguments, context).await,
        Command::Pause(arguments) => control::pause(arguments, context).await,
        Command::Resume(arguments) => control::resume(arguments, context).await,
        Command::Retry(arguments) => retry::run(arguments, context).await,
        Command::Delete(arguments) => delete::run(arguments, context).await,
        Command::Extend(arguments) => extend::run(arguments, context).await,
        Command::Report(arguments) => report::run(arguments, context).await,
        Command::Export(arguments) => export::run(arguments, context).await,
        Command::Verify(arguments) => verify::run(arguments, context).await,
        Command::Plan(arguments) => plan::run(arguments, context).await,
        Command::Data(arguments) => data::run(arguments, context).await,
        Command::Model(arguments) => model::run(arguments, context).await,
        Command::Predict(arguments) => predict::run(&arguments, context),
        Command::Workers(arguments) => workers::run(arguments, context).await,
        Command::Drain(arguments) => drain::run(arguments, context).await,
        Command::Token(arguments) => token::run(arguments, context).await,
        Command::Revoke(arguments) => token::revoke_worker(arguments, context).await,
        Command::Audit(arguments) => audit::run(arguments, context).await,
        Command::Backup(arguments) => backup::backup(arguments, context).await,
        Command::Restore(arguments) => backup::restore(arguments, context).await,
        Command::Gc(arguments) => gc::run(arguments, context).await,
        Command::Fsck(arguments) => fsck::run(arguments, context).await,
        Command::Hyperparameters(arguments) => hyperparameters::run(&arguments, context),
        Command::Completions(arguments) => completions::run(&arguments, context),
        Command::ReadData(_) => Err(Failure::failed("data is read in a process of its own")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands() {
                if sub.has_subcommands() {
                    check(sub);
                } else {
                    let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains("Example") && help.contains("sweep "), "{}", sub.get_name());
                }
            }
        }
        check(&Cli::command());
    }
}
