//! `sweep-worker measure`: trains a few batches of configurations, on every slot at once, and tells how long they took.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sweep_proto::measure::{MeasureRequest, MeasureTrial, MeasuredTrial, Measurement, Speed};
use worker_trainer::DeviceChoice;

use crate::device_info::{Machine, SlotDevice};
use crate::slot::process::ALLOCATOR;

mod child;

/// Largest request that is read, in bytes: a few configurations.
const REQUEST_BYTES_MAX: u64 = 1 << 20;
/// How much longer than asked for a measurement may take: some batches take longer than that.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a measurement that does not end is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The slots of this machine, as `join` would offer them.
#[derive(Clone, Debug)]
pub struct Slots {
    /// This machine.
    pub machine: Machine,
    /// What its slots run on.
    pub device: SlotDevice,
    /// How many.
    pub count: u32,
    /// Memory that each may take, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Reads what to measure from `input`, measures it and writes what was found to `output`.
///
/// # Errors
/// A request that cannot be read, or processes that cannot be started. A configuration that cannot be trained is no error.
pub fn run(slots: &Slots, input: impl Read, output: impl Write) -> anyhow::Result<()> {
    let request: MeasureRequest = serde_json::from_reader(input.take(REQUEST_BYTES_MAX))
        .context("what to measure is not readable on standard input; `sweep plan` sends it")?;
    let trials = request.trials.iter().map(|trial| measure(slots, &request, trial));
    let trials = trials.collect::<anyhow::Result<_>>()?;
    let profile = slots.machine.profile(None, slots.count, 1, slots.device.device.clone());
    serde_json::to_writer(output, &Measurement { profile, trials })?;
    Ok(())
}

/// Trains a configuration on every slot at once.
fn measure(slots: &Slots, request: &MeasureRequest, trial: &MeasureTrial) -> anyhow::Result<MeasuredTrial> {
    let mut children = Vec::new();
    for _ in 0..slots.count {
        let one = MeasureRequest { trials: vec![trial.clone()], ..request.clone() };
        children.push(Running(start(slots, &one)?));
    }
    let until = Instant::now() + Duration::from_secs_f64(request.seconds.clamp(0.0, 3_600.0)) + PATIENCE;
    let mut speeds = Vec::new();
    for child in &mut children {
        match child.end(until)? {
            MeasuredTrial::Trained(speed) => speeds.push(speed),
            failed @ MeasuredTrial::Failed { .. } => return Ok(failed),
        }
    }
    Ok(MeasuredTrial::Trained(mean(&speeds)))
}

fn start(slots: &Slots, request: &MeasureRequest) -> anyhow::Result<Child> {
    let mut child = Command::new(&slots.device.executable)
        .args(["measure-slot", "--device", &slots.device.choice])
        .args(slots.memory_bytes.iter().flat_map(|bytes| ["--memory-bytes".to_owned(), bytes.to_string()]))
        .env_remove("SWEEP_TOKEN")
        .env("RAYON_NUM_THREADS", slots.machine.threads_per_slot(slots.count).to_string())
        .envs(ALLOCATOR)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("a slot's process cannot be started")?;
    let mut stdin = child.stdin.take().context("a slot's process has no standard input")?;
    // A child that has ended already says why.
    _ = serde_json::to_writer(&mut stdin, request);
    Ok(child)
}

/// A process that ends with this.
struct Running(Child);

impl Running {
    /// What the process found, or why it found nothing.
    fn end(&mut self, until: Instant) -> anyhow::Result<MeasuredTrial> {
        let failed = |message: String| Ok(MeasuredTrial::Failed { message });
        let status = loop {
            match self.0.try_wait()? {
                Some(status) => break status,
                None if Instant::now() >= until => {
                    return failed("a few batches take more than a minute".to_owned());
                }
                None => std::thread::sleep(LOOK_INTERVAL),
            }
        };
        let (mut said, mut complained) = (String::new(), String::new());
        if let Some(stdout) = &mut self.0.stdout {
            stdout.take(REQUEST_BYTES_MAX).read_to_string(&mut said)?;
        }
        if let Some(stderr) = &mut self.0.stderr {
            stderr.take(REQUEST_BYTES_MAX).read_to_string(&mut complained)?;
        }
        match serde_json::from_str(&said) {
            Ok(measured) if status.success() => Ok(measured),
            _ if complained.contains("memory allocation of") => {
                failed("the memory of a slot does not suffice".to_owned())
            }
            _ => {
                let last = complained.lines().rev().find(|line| !line.trim().is_empty());
                failed(last.map_or_else(|| format!("a slot's process ended: {status}"), str::to_owned))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn mean(speeds: &[Speed]) -> Speed {
    let of = |one: fn(&Speed) -> f64| speeds.iter().map(one).sum::<f64>() / speeds.len().max(1) as f64;
    let is_whole = speeds.iter().all(|one| one.epochs > 0.0);
    Speed {
        epochs: if is_whole { of(|one| one.epochs) } else { 0.0 },
        epoch_seconds: if is_whole { of(|one| one.epoch_seconds) } else { 0.0 },
        batches: of(|one| one.batches),
        batch_seconds: of(|one| one.batch_seconds),
        start_seconds: of(|one| one.start_seconds),
        peak_memory_bytes: speeds.iter().map(|one| one.peak_memory_bytes).max().unwrap_or(0),
    }
}

/// Trains one configuration in this process for a while.
///
/// # Errors
/// As for [`run`].
pub fn run_slot(device: DeviceChoice, memory_bytes: Option<u64>, began: Instant) -> anyhow::Result<()> {
    child::run(device, memory_bytes, began, io::stdin().lock(), io::stdout().lock())
}

/// The folder of one measuring process, removed with its content at its end.
fn scratch(directory: &Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("measure-").tempdir_in(directory)
}
