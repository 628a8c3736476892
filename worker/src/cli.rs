//! The command line of `sweep-worker`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytesize::ByteSize;
use clap::{CommandFactory as _, Parser, Subcommand};
use sweep_proto::access::TokenError;
use sweep_proto::protocol::GROUP_MAX;
use sweep_proto::text::{inert_lines, is_steering};
use sweep_proto::{Device, DeviceKind, Token, WorkerProfile};
use sweep_transport::presence::{self, DATA_FOLDER, Presence};
use sweep_transport::private::{self, PrivateError};
use sweep_transport::{AddressError, Addresses, Dial, channel};
use thiserror::Error;
use worker_trainer::DeviceChoice;

use crate::agent::backoff::Jitter;
use crate::agent::connect::Clients;
use crate::agent::{self, AgentError, AgentSettings, Leave, drain};
use crate::attempt_log::AttemptLogs;
use crate::device_info::{DeviceError, Machine, SLOTS_MAX};
use crate::identity::{Identity, IdentityError};
use crate::slot::process::ProcessRunner;
use crate::state_directory::{StateDirectory, StateError};
use crate::telemetry::{self, LogFormat};
use crate::{measure, predict, slot};

/// Largest token file that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Least memory of a slot, in bytes: the program itself with the smallest model.
const SLOT_MEMORY_BYTES_MIN: u64 = 64 << 20;

/// Pause between two looks for a coordinator in a data folder.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

const JOIN_EXAMPLES: &str = "\
SIGTERM or Ctrl-C stops at the next batch, hands the work back and leaves; a second one leaves at once.
Exit codes: 0 left in order, 1 failed, 2 wrong usage, 3 no coordinator answers, 4 the coordinator will not have this worker, or \
another process has taken its place.

Examples:
  sweep-worker join
  sweep-worker join http://127.0.0.1:7077
  sweep-worker join 127.0.0.1:7077 --slots 4 --name lab-3
  sweep-worker join 127.0.0.1:7077 --slots 1 --group 4
  sweep-worker join 127.0.0.1:7077 --device cuda:0
  SWEEP_TOKEN=... sweep-worker join https://head-node:7077
  sweep-worker join https://head-node:7077,https://standby:7077 --token-file /run/secrets/token";

const PREDICT_EXAMPLES: &str = "\
Prints label, probability and text, separated by tabs, or one JSON object a line.

Examples:
  sweep-worker predict --model best/ \"a fine film\"
  sweep-worker predict --model best/ --json < reviews.txt
  cut -f 2 reviews.tsv | sweep-worker predict --model best/ -";

/// Joins machines to a sweep: trains what a coordinator hands out.
#[derive(Debug, Parser)]
#[command(name = "sweep-worker", version, arg_required_else_help = true)]
struct Arguments {
    /// The form of the log on standard error; RUST_LOG chooses what is logged.
    #[arg(long, value_enum, default_value = "text", global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join a coordinator and train what it hands out, until told to leave.
    #[command(after_help = JOIN_EXAMPLES)]
    Join(JoinArguments),
    /// Classify texts with a model that was fetched with `sweep model best`.
    #[command(after_help = PREDICT_EXAMPLES)]
    Predict(PredictArguments),
    /// Print completions for a shell.
    #[command(
        after_help = "Example:\n  sweep-worker completions bash > ~/.local/share/bash-completion/completions/sweep-worker"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Train a few batches of what standard input asks for, and print how long they took: for `sweep plan`.
    #[command(hide = true)]
    Measure(MeasureArguments),
    /// Do so in one slot.
    #[command(hide = true)]
    MeasureSlot {
        /// Where to compute.
        #[arg(long)]
        device: DeviceChoice,
        /// Memory that it may take.
        #[arg(long)]
        memory_bytes: Option<u64>,
    },
    /// Run one piece of work for an agent over standard input and output.
    #[command(hide = true)]
    Slot {
        /// Memory that it may take.
        #[arg(long)]
        memory_bytes: Option<u64>,
        /// Slots that share its device.
        #[arg(long, default_value_t = 1)]
        device_slots: u32,
        /// Reach every file that the agent may.
        #[arg(long)]
        no_sandbox: bool,
    },
}

#[derive(Debug, clap::Args)]
struct JoinArguments {
    /// The coordinator: https://HOST:PORT with a token, or http://127.0.0.1:PORT on its own machine, by the user that runs it.
    /// Several, with commas between them, are tried in turn. Where left out, the one that runs in the data folder.
    address: Option<String>,
    /// The data folder of the coordinator on this machine, where no address is given.
    #[arg(long, value_name = "DIR", default_value = DATA_FOLDER)]
    data_dir: PathBuf,
    /// A file with the token, - for standard input; without it SWEEP_TOKEN is read. Needed once: the
    /// worker then has a certificate of its own.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trials to run side by side: a number, or auto for one per core and half a gigabyte of memory.
    #[arg(long, default_value = "auto", value_parser = parse_slots, value_name = "auto|N")]
    slots: Slots,
    /// Most trials that a slot trains together, in one process. On a CPU they take turns of one epoch each, which takes as long as
    /// one trial after another.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(GROUP_MAX)))]
    group: u32,
    /// Where to compute: cpu, cuda:N, or auto.
    #[arg(long, default_value = "auto", value_name = "cpu|cuda:N|auto")]
    device: DeviceChoice,
    /// The worker's name in lists; the machine's by default.
    #[arg(long, value_parser = parse_name)]
    name: Option<String>,
    /// Where the worker keeps its identity, scratch files and datasets. By default the first free
    /// ~/.local/state/lstm-sweep/worker-N, with datasets in ~/.cache/lstm-sweep for all of them.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Where datasets are kept, if not there; workers on one machine may share it.
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Seconds to wait for a coordinator that does not answer at the start. One that goes away later
    /// is waited for without end.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=604_800))]
    wait: u64,
    /// Seconds that work may take to stop and be handed back when the worker leaves.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    grace: u64,
    /// Seconds after which a slot that finishes no batch counts as hanging: it is killed, and its trial tried
    /// again.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    stall_timeout: u64,
    /// Memory that one slot may take, as in 4GiB; a trial that wants more fails alone, with the reason. auto: its
    /// share of the machine's memory, for slots on the CPU.
    #[arg(long, default_value = "auto", value_parser = parse_slot_memory, value_name = "auto|none|SIZE")]
    slot_memory: SlotMemory,
    /// Let slots reach every file that this worker may. By default the kernel (Landlock) lets them read their dataset and
    /// the system's libraries, and write their own folder: for GPU drivers that need files elsewhere.
    #[arg(long)]
    no_sandbox: bool,
    /// Leave, as on SIGTERM, when standard input closes, and within seconds where the program that started this worker has
    /// died: none outlives it.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// No coordinator runs in the data folder.
#[derive(Debug, Error)]
#[error("no coordinator runs in the data folder {}; start one with `sweep serve`, or name one: sweep-worker join URL", .0.display())]
struct NobodyThere(PathBuf);

impl JoinArguments {
    /// Where the coordinator is.
    fn addresses(&self) -> anyhow::Result<Addresses> {
        if let Some(address) = &self.address {
            return Ok(address.parse::<Addresses>()?);
        }
        let end = Instant::now() + Duration::from_secs(self.wait);
        let mut is_told = false;
        loop {
            if let Some(presence) = running(&self.data_dir)? {
                return Ok(presence.address.parse::<Addresses>()?);
            }
            if Instant::now() >= end {
                return Err(NobodyThere(self.data_dir.clone()).into());
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::info!(data_folder = %self.data_dir.display(), "waiting for a coordinator of the data folder");
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }
}

/// The coordinator that runs in a data folder.
fn running(folder: &Path) -> anyhow::Result<Option<Presence>> {
    match private::check(folder) {
        Err(PrivateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        checked => checked?,
    }
    let cannot_read = || format!("cannot read {}", folder.display());
    if presence::is_in_use(folder).with_context(cannot_read)? {
        Presence::read(folder).with_context(cannot_read)
    } else {
        Ok(None)
    }
}

#[derive(Debug, clap::Args)]
struct MeasureArguments {
    /// Trials to run side by side: a number, or auto for one per core and half a gigabyte of memory.
    #[arg(long, default_value = "auto", value_parser = parse_slots, value_name = "auto|N")]
    slots: Slots,
    /// Where to compute: cpu, cuda:N, or auto.
    #[arg(long, default_value = "auto", value_name = "cpu|cuda:N|auto")]
    device: DeviceChoice,
}

#[derive(Debug, clap::Args)]
struct PredictArguments {
    /// The model's directory.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// One JSON object a line, with the probability of every class.
    #[arg(long)]
    json: bool,
    /// Where to compute: cpu, cuda:N, or auto.
    #[arg(long, default_value = "auto", value_name = "cpu|cuda:N|auto")]
    device: DeviceChoice,
    /// Texts; without any, each line of standard input is one.
    text: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slots {
    Automatic,
    Fixed(u32),
}

impl Slots {
    fn count(self, machine: &Machine, device: &Device) -> u32 {
        match self {
            Slots::Automatic => machine.automatic_slots(device),
            Slots::Fixed(slots) => slots,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotMemory {
    Automatic,
    Unbounded,
    Fixed(u64),
}

impl SlotMemory {
    fn bytes(self, profile: &WorkerProfile) -> Option<u64> {
        let is_cpu = profile.devices.iter().all(|device| device.kind == DeviceKind::Cpu);
        match self {
            // CUDA reserves addresses without measure.
            SlotMemory::Automatic => profile.slot_memory_bytes().filter(|_| is_cpu),
            SlotMemory::Unbounded => None,
            SlotMemory::Fixed(bytes) => Some(bytes),
        }
    }
}

fn parse_slot_memory(text: &str) -> Result<SlotMemory, String> {
    match text {
        "auto" => Ok(SlotMemory::Automatic),
        "none" => Ok(SlotMemory::Unbounded),
        _ => match text.parse::<ByteSize>() {
            Ok(size) if size.as_u64() >= SLOT_MEMORY_BYTES_MIN => Ok(SlotMemory::Fixed(size.as_u64())),
            Ok(size) => Err(format!("{size} is too little for any trial; at least 64MiB")),
            Err(_) => Err("it is auto, none or a size as in 4GiB".to_owned()),
        },
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    match text.chars().find(|one| is_steering(*one)) {
        Some(control) => Err(format!("it holds the control character U+{:04X}", u32::from(control))),
        None if text.trim().is_empty() => Err("it is empty".to_owned()),
        None => Ok(text.to_owned()),
    }
}

fn parse_slots(text: &str) -> Result<Slots, String> {
    if text == "auto" {
        return Ok(Slots::Automatic);
    }
    match text.parse() {
        Ok(slots @ 1..=SLOTS_MAX) => Ok(Slots::Fixed(slots)),
        _ => Err(format!("slots are auto or a number from 1 to {SLOTS_MAX}")),
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let began = Instant::now();
    let arguments = Arguments::parse();
    let logs = AttemptLogs::default();
    telemetry::start(arguments.log_format, logs.clone());
    let done = match arguments.command {
        Command::Join(join) => run_join(join, logs),
        Command::Predict(predict) => run_predict(predict),
        Command::Measure(arguments) => run_measure(&arguments),
        Command::MeasureSlot { device, memory_bytes } => measure::run_slot(device, memory_bytes, began),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "sweep-worker", &mut io::stdout());
            Ok(())
        }
        Command::Slot { memory_bytes, device_slots, no_sandbox } => {
            let bounds = slot::child::Bounds { memory_bytes, device_slots, is_sandboxed: !no_sandbox };
            slot::child::run(bounds).map_err(Into::into)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may quote a file of a stranger.
            eprintln!("error: {}", inert_lines(&format!("{error:#}")));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// 2 for what the person at the command line can mend there, 3 for a coordinator that is away, 4 for one that refuses:
/// the same again would be refused again.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<AddressError>()
        || error.is::<DeviceError>()
        || error.is::<TokenError>()
        || error.is::<PrivateError>()
    {
        return 2;
    }
    if error.is::<NobodyThere>() {
        return 3;
    }
    match error.downcast_ref::<IdentityError>() {
        Some(IdentityError::NoToken(_) | IdentityError::Ended { .. }) => return 2,
        Some(IdentityError::Unreachable(_)) => return 3,
        _ => {}
    }
    match (error.downcast_ref::<StateError>(), error.downcast_ref::<AgentError>()) {
        (Some(StateError::InUse(_) | StateError::NoHome | StateError::NotPrivate(_)), _) => 2,
        (_, Some(AgentError::Unreachable(_))) => 3,
        (_, Some(AgentError::Refused(_))) => 4,
        _ => 1,
    }
}

fn run_predict(arguments: PredictArguments) -> anyhow::Result<()> {
    let PredictArguments { model, json, device, text } = arguments;
    predict::predict(&model, device, &text, io::stdin().lock(), io::stdout().lock(), json)?;
    Ok(())
}

fn run_measure(arguments: &MeasureArguments) -> anyhow::Result<()> {
    let machine = Machine::discover();
    let device = machine.slot_device(arguments.device, &std::env::current_exe()?)?;
    let count = arguments.slots.count(&machine, &device.device);
    let profile = machine.profile(None, count, 1, device.device.clone());
    let memory_bytes = SlotMemory::Automatic.bytes(&profile);
    let slots = measure::Slots { machine, device, count, memory_bytes };
    measure::run(&slots, io::stdin().lock(), io::stdout().lock())
}

fn run_join(arguments: JoinArguments, logs: AttemptLogs) -> anyhow::Result<()> {
    private::make_everything_private();
    let addresses = arguments.addresses()?;
    let token = if addresses.is_secure() { given_token(arguments.token_file.as_deref())? } else { None };
    let machine = Machine::discover();
    let device = machine.slot_device(arguments.device, &std::env::current_exe()?)?;
    let slots = arguments.slots.count(&machine, &device.device);
    let state = match &arguments.state_dir {
        Some(path) => StateDirectory::open(path)?,
        None => StateDirectory::open_default()?,
    };
    let cache_directory = match arguments.cache_dir {
        Some(path) => std::path::absolute(path)?,
        None => state.cache(),
    };
    private::claim(&cache_directory)?;
    let settings = AgentSettings {
        worker: state.worker(),
        profile: machine.profile(arguments.name, slots, arguments.group, device.device),
        device: device.choice,
        work_directory: state.work(),
        cache_directory,
        first_contact: Duration::from_secs(arguments.wait),
        drain_grace: Duration::from_secs(arguments.grace),
        stall_timeout: Duration::from_secs(arguments.stall_timeout),
        show_progress: true,
        jitter_seed: Jitter::random_seed(),
        logs,
    };
    let runner = ProcessRunner {
        executable: device.executable,
        threads: machine.threads_per_slot(slots),
        memory_bytes: arguments.slot_memory.bytes(&settings.profile),
        device_slots: slots,
        is_sandboxed: !arguments.no_sandbox,
    };
    tracing::info!(slots, device = settings.device, worker = %settings.worker, %addresses, "joining");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let leave = Leave::default();
        let drain = leave.drain.clone();
        if arguments.until_stdin_closes {
            drain::on_closed_stdin(leave.clone());
        }
        let identity = if addresses.is_secure() {
            let wait = Duration::from_secs(arguments.wait);
            Some(Identity::establish(state.path(), &addresses, token, settings.worker, wait).await?)
        } else {
            None
        };
        let dial = Dial::new(addresses, identity.as_ref().map(Identity::trust).as_ref());
        let channel = channel(dial.clone());
        let clients = Clients::new(channel.clone(), &dial);
        tokio::select! {
            ended = agent::run(settings, clients, Arc::new(runner), leave) => {
                ended.map_err(anyhow::Error::from)
            }
            never = keep_fresh(identity, channel) => match never {},
            signalled = drain::on_signals(drain) => {
                signalled?;
                Err(anyhow::anyhow!("left at once at the second signal"))
            }
        }
    });
    // Blocking reads of a damaged disk must not keep the process.
    runtime.shutdown_background();
    drop(state);
    ended
}

async fn keep_fresh(
    identity: Option<Identity>,
    channel: tonic::transport::Channel,
) -> std::convert::Infallible {
    match identity {
        Some(identity) => identity.keep_fresh(channel).await,
        None => std::future::pending().await,
    }
}

/// The token that was given in a file or in the environment; never on the command line, which `ps` shows.
fn given_token(file: Option<&Path>) -> anyhow::Result<Option<Token>> {
    let text = match file {
        Some(path) if path == Path::new("-") => io::read_to_string(io::stdin().take(TOKEN_BYTES_MAX))?,
        Some(path) => {
            let shown = path.display();
            let file =
                std::fs::File::open(path).with_context(|| format!("cannot read the token from {shown}"))?;
            io::read_to_string(file.take(TOKEN_BYTES_MAX))?
        }
        None => std::env::var("SWEEP_TOKEN").unwrap_or_default(),
    };
    let text = text.trim();
    Ok(if text.is_empty() { None } else { Some(text.parse()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn slots_are_auto_or_a_sensible_number() {
        assert_eq!(parse_slots("auto"), Ok(Slots::Automatic));
        assert_eq!(parse_slots("4"), Ok(Slots::Fixed(4)));
        for text in ["0", "-1", "1025", "many", "", "4.0"] {
            assert!(parse_slots(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_memory_of_a_slot_is_its_share_unless_said_otherwise() {
        assert_eq!(parse_slot_memory("4GiB"), Ok(SlotMemory::Fixed(4 << 30)));
        for text in ["1MiB", "much", "", "-4GiB"] {
            assert!(parse_slot_memory(text).is_err(), "{text}");
        }
        let device =
            |kind| sweep_proto::Device { kind, ordinal: 0, model: "x".into(), memory_bytes: 8 << 30 };
        let profile = |kind| WorkerProfile {
            name: "here".into(),
            build: "1".into(),
            slots: 4,
            devices: vec![device(kind)],
            group: 1,
        };
        let bytes = |text, kind| parse_slot_memory(text).map(|memory| memory.bytes(&profile(kind)));
        assert_eq!(bytes("auto", DeviceKind::Cpu), Ok(Some(2 << 30)));
        assert_eq!(bytes("auto", DeviceKind::Cuda), Ok(None));
        assert_eq!(bytes("none", DeviceKind::Cpu), Ok(None));
        assert_eq!(bytes("1GiB", DeviceKind::Cuda), Ok(Some(1 << 30)));
    }

    #[test]
    fn exit_codes_tell_usage_from_absence() {
        let address = "10.0.0.1:7077".parse::<Addresses>().expect_err("refused");
        assert_eq!(exit_code(&address.into()), 2);
        let away = AgentError::Unreachable(Box::new(tonic::Status::unavailable("away")));
        assert_eq!(exit_code(&away.into()), 3);
        assert_eq!(exit_code(&anyhow::anyhow!("anything else")), 1);
    }
}
