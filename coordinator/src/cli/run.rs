//! `sweep run`: a whole sweep on this machine, from the file to the report, with nothing set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::Args;
use coordinator::{ServerConfig, StoreChoice, Texts};
use coordinator_report::Language;
use sweep_proto::SweepState;
use sweep_proto::wire::{GetRequest, ReportRequest};

use super::client::{self, Client};
use super::data_memory::DataMemory;
use super::exit::Failure;
use super::find::Target;
use super::follow::{Event, Follower};
use super::interrupt::Interrupt;
use super::local_worker::{self, LocalWorkers, WorkerCommand};
use super::output::{self, plain};
use super::render::answer::{self, Report};
use super::render::progress::View;
use super::report_folder::{self, Overwrite};
use super::search_choice::SearchChoice;
use super::sweep_file::SweepFile;
use super::{Context, files, launch, report, watch};
use coordinator::json::Sweep;

const EXAMPLES: &str = "\
Without FILE, the built-in quickstart: thirty trials on 10,600 embedded movie-review sentences. \
Ctrl-C stops cleanly; the same command goes on where it was, also after a crash. Once the sweep has \
finished, the same command on the same data shows its answer again. Finished trials are kept in the data \
folder and reused by later sweeps.

Examples:
  sweep run
  sweep run --search auto
  sweep run my-sweep.toml -o results/mine
  sweep run my-sweep.toml --slots 4
  sweep run my-sweep.toml --language ko
  sweep run my-sweep.toml --json > result.json";

/// Most local worker processes: one per machine is right, a few help only where memory is split.
const WORKERS_MAX: i64 = 64;
/// Most slots of one worker.
const SLOTS_MAX: u32 = 1_024;

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The sweep file, or - for standard input; the built-in quickstart where left out.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder to write the report to; by default report/ and the sweep's name.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The language that people read the report in; tables and JSON are the same in each.
    #[arg(long, value_name = "LANGUAGE", default_value = Language::default().tag(), value_parser = report::languages())]
    language: Language,
    /// The folder for the database, datasets and models.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
    /// Worker processes to start.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=WORKERS_MAX))]
    workers: u32,
    /// Trials side by side in each worker; auto suits the machine.
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = slots)]
    slots: String,
    #[command(flatten)]
    search: SearchChoice,
    /// Train every trial, also those that an earlier sweep has finished.
    #[arg(long)]
    no_reuse: bool,
    /// Launch another sweep where one of the same file and data has finished, or was left unfinished.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    overwrite: Overwrite,
    #[command(flatten)]
    data_memory: DataMemory,
    #[command(flatten)]
    looks: watch::Looks,
    /// Leave texts of the dataset out of the report: the hardest test examples are listed by row. Test texts that were kept beside the
    /// data are removed.
    #[arg(long)]
    no_texts: bool,
}

pub(super) fn slots(text: &str) -> Result<String, String> {
    match text.parse::<u32>() {
        _ if text == "auto" => Ok(text.to_owned()),
        Ok(number) if (1..=SLOTS_MAX).contains(&number) => Ok(number.to_string()),
        _ => Err(format!("it must be auto or a number from 1 to {SLOTS_MAX}")),
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let file = arguments.search.applied(SweepFile::read_or_quickstart(arguments.file.as_deref())?)?;
    let spec = file.parse()?;
    launch::warn_of_rare_space(&spec);
    let name = spec.name;
    let program = local_worker::find_program()?;
    // Now rather than after hours of training.
    match &arguments.output {
        Some(folder) => {
            let is_own = |folder: &Path| report_folder::is_report_of(folder, &name, None);
            report_folder::check_free(folder, arguments.overwrite, is_own)?;
            files::check_writable(folder)?;
        }
        None => files::check_writable(&report_folder::default(&name))?,
    }
    let interrupt = Interrupt::listen()?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = ServerConfig {
        readers: arguments.data_memory.readers()?,
        texts: Texts::withheld_if(arguments.no_texts),
        ..ServerConfig::local(listen, arguments.data_dir.clone(), StoreChoice::Sqlite)
    };
    let server = coordinator::start(config).await?;
    // Workers of an earlier run were its children, and the lock on the folder says that it has ended.
    server.dismiss_workers().await?;
    let workers = WorkerCommand {
        program,
        server: format!("http://{}", server.address()),
        slots: arguments.slots.clone(),
        data_directory: arguments.data_dir.clone(),
    };
    let run = Run { arguments: &arguments, context, workers, interrupt };
    let outcome = tokio::select! {
        outcome = run.whole(&file) => outcome,
        lost = server.data_lost() => Err(lost.into()),
    };
    let stopped = server.stop().await;
    outcome?;
    Ok(stopped?)
}

/// One `sweep run`, its coordinator already listening.
struct Run<'r> {
    arguments: &'r Arguments,
    context: &'r Context,
    workers: WorkerCommand,
    interrupt: Interrupt,
}

impl Run<'_> {
    async fn whole(mut self, file: &SweepFile) -> Result<(), Failure> {
        let target = Target::own(&self.workers.server)?;
        let mut client = client::sweeps(client::service(&target).await?);
        let mut view = View::new(self.arguments.looks.plain);
        let sweep = self.begin(&mut client, file, &mut view).await;
        let sweep = match sweep {
            Ok(sweep) if !sweep.has_ended() => self.train(&mut client, sweep.id, &mut view).await,
            other => other,
        };
        view.clear();
        self.tell(&mut client, sweep?).await
    }

    /// Launches the file, or goes on with it where an earlier run was stopped.
    async fn begin(
        &mut self,
        client: &mut Client,
        file: &SweepFile,
        view: &mut View,
    ) -> Result<Sweep, Failure> {
        let earlier: Vec<u64> = client::list(client).await?.iter().map(|sweep| sweep.id).collect();
        let request = file.launch_request(self.arguments.no_reuse, !self.arguments.again);
        let sweep = tokio::select! {
            sweep = launch::launch(client, request, view) => sweep?,
            () = self.interrupt.requested() => {
                return Err(Failure::interrupted("stopped while the data was being prepared").hint("the same command starts again"));
            }
        };
        let is_earlier = earlier.contains(&sweep.id);
        if is_earlier && sweep.has_ended() {
            output::note(&format!(
                "sweep {} ({}) has finished with this file and this data, and this is its answer; `--again` launches another",
                sweep.id,
                plain(&sweep.name)
            ));
            return Ok(sweep);
        }
        let went_on = if is_earlier { "going on with" } else { "launched" };
        output::note(&format!("{went_on} sweep {} ({})", sweep.id, plain(&sweep.name)));
        launch::tell_data(&sweep);
        output::note(&format!("in a browser: {}/sweeps/{}", self.workers.server, sweep.id));
        pause_others(client, sweep.id).await?;
        if sweep.state == SweepState::Paused {
            return Ok(Sweep::from(
                client.resume(GetRequest { sweep: sweep.id.to_string() }).await?.into_inner(),
            ));
        }
        Ok(sweep)
    }

    /// Starts workers and follows the sweep to its end; the workers have left when this returns.
    async fn train(&mut self, client: &mut Client, id: u64, view: &mut View) -> Result<Sweep, Failure> {
        let mut workers = LocalWorkers::start(&self.workers, self.arguments.workers)?;
        let mut follower = Follower::new(client.clone(), id);
        let mut reader_gone = pin!(output::reader_gone());
        let outcome = loop {
            let event = tokio::select! {
                event = follower.next() => event,
                failure = workers.lost() => Err(failure),
                // Nobody will see the answer: everything is kept, as after Ctrl-C.
                () = &mut reader_gone => Err(Failure::reader_gone()),
                () = self.interrupt.requested() => {
                    view.clear();
                    output::note("stopping: trials save their state; press Ctrl-C again to stop at once");
                    Err(Failure::interrupted("stopped; every epoch that was stored is kept").hint(resume_command()))
                }
            };
            match event {
                Ok(Event::Lost(reason)) => view.lost(&reason),
                Ok(Event::Status(sweep)) => {
                    view.update(&sweep);
                    if sweep.has_ended() {
                        break Ok(*sweep);
                    }
                    // Nobody else is there to resume it.
                    if let Some(reason) = sweep.held.as_ref().filter(|_| sweep.search.is_some()) {
                        let held = format!("the coordinator holds the sweep: {}", plain(reason));
                        break Err(Failure::failed(held)
                            .hint("loosen its constraints or widen its space, and run it again"));
                    }
                }
                Err(failure) => break Err(failure),
            }
        };
        view.clear();
        workers.leave().await;
        outcome
    }

    /// Writes the report and prints the answer.
    async fn tell(&self, client: &mut Client, sweep: Sweep) -> Result<(), Failure> {
        let directory = &report_folder::of(self.arguments.output.clone(), &sweep.name, sweep.id);
        let language = self.arguments.language.tag().to_owned();
        let without_texts = self.arguments.no_texts;
        let request = ReportRequest {
            sweep: sweep.id.to_string(),
            language,
            without_texts,
            ..ReportRequest::default()
        };
        let names = report::fetch(client, request, directory).await?;
        let page = files::main_page(directory, &names);
        if self.context.output.json {
            self.context.output.json(&sweep)?;
        } else {
            let numbers = std::fs::read(directory.join("report.json")).unwrap_or_default();
            self.context.output.text(&answer::answer(&sweep, &Report::parse(&numbers)))?;
        }
        output::note(&format!("report: {}", page.display()));
        watch::verdict(&sweep)
    }
}

/// This command line again, as a hint.
fn resume_command() -> String {
    let given: Vec<String> = std::env::args().skip(1).map(|one| quoted(&one)).collect();
    format!("`sweep {}` goes on from there", given.join(" "))
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let harmless = |one: char| one.is_alphanumeric() || "-_./=:,@%+".contains(one);
    if !argument.is_empty() && argument.chars().all(harmless) {
        return argument.to_owned();
    }
    format!("'{}'", plain(argument).replace('\'', r"'\''"))
}

/// The workers of this command are for its sweep: others that were left unfinished in the folder wait.
async fn pause_others(client: &mut Client, id: u64) -> Result<(), Failure> {
    for other in client::list(client)
        .await?
        .into_iter()
        .filter(|other| other.id != id && other.state == SweepState::Open.name())
    {
        let name = plain(&other.name);
        match client.pause(GetRequest { sweep: other.id.to_string() }).await {
            Ok(_) => output::note(&format!(
                "sweep {} ({name}) is unfinished and waits: `sweep run` with its file goes on with it",
                other.id
            )),
            Err(status) => tracing::debug!(sweep = other.id, %status, "cannot pause"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_auto_or_a_small_number() {
        assert_eq!(slots("auto"), Ok("auto".into()));
        assert_eq!(slots("08"), Ok("8".into()));
        for wrong in ["0", "-1", "many", "", "99999999999"] {
            assert!(slots(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        assert_eq!(quoted("my-sweep.toml"), "my-sweep.toml");
        assert_eq!(quoted("it's mine.toml"), r"'it'\''s mine.toml'");
        assert_eq!(quoted(""), "''");
    }
}
