//! Has `sweep-worker` train a few batches: of which configurations, and whether that takes seconds.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use coordinator_core::forecast::{
    DataSizes, GAP_SECONDS, Measured, Rates, SlotKind, TRIALS_FORECAST_MAX, Work, spread,
};
use coordinator_report::Price;
use sweep_proto::measure::{MeasureRequest, MeasureTrial, MeasuredTrial, Measurement, Speed};
use sweep_proto::{Configuration, DeviceKind, SweepSpec, WorkerProfile};

use super::super::exit::Failure;
use super::super::local_worker;
use super::super::output::{self, plain};
use super::data::{Opened, Sizes};
use super::footprint::Offered;
use super::overhead::Overhead;
use super::time::{self, PlannedTime, Slots};
use super::{Arguments, models};

/// Error of a time that rests on a few batches: other hours of the same machine, configurations between the measured
/// ones. Forecasts of recorded sweeps from the cheapest and the dearest configuration stay within it
/// (`coordinator/core/tests/all/forecast.rs`).
const ERROR: f64 = 0.35;
/// Seconds for which each configuration is trained: whole epochs of small ones, a few batches of large ones.
const SECONDS_EACH: f64 = 2.0;
/// Batches that are trained at least.
const BATCHES_MIN: f64 = 3.0;
/// Seconds up to which measuring needs no asking.
const SECONDS_UNASKED_MAX: f64 = 30.0;

/// This machine, and what was measured on it.
#[derive(Debug)]
pub(super) struct Machine {
    /// As it would register.
    pub(super) profile: WorkerProfile,
    /// Configurations and their speeds; empty where nothing was measured.
    pub(super) speeds: Vec<(Configuration, Speed)>,
    /// Seconds per quantity of work; `None` where nothing was measured.
    pub(super) rates: Option<Rates>,
    /// What trials take beside their training; `None` where it was not measured.
    pub(super) overhead: Option<Overhead>,
}

impl Machine {
    /// How long a sweep takes on it; `None` where nothing was measured.
    pub(super) fn time(&self, spec: &SweepSpec, sizes: &Sizes, prices: &[Price]) -> Option<PlannedTime> {
        let launch_seconds = self.overhead.map_or(0.0, |one| one.launch);
        let time = time::time(spec, sizes, &[self.slots()?], launch_seconds, prices)?;
        Some(PlannedTime { measured: self.speeds.len(), ..time })
    }

    /// What its slots offer.
    pub(super) fn offered(&self) -> Offered {
        Offered {
            slots: Some(self.profile.slots),
            is_gpu: SlotKind::of(&self.profile).device == DeviceKind::Cuda,
            slot_memory_bytes: self.profile.slot_memory_bytes(),
            measured: self
                .speeds
                .iter()
                .map(|(configuration, speed)| (configuration.clone(), speed.peak_memory_bytes))
                .collect(),
        }
    }

    /// Its slots; `None` where nothing was measured.
    pub(super) fn slots(&self) -> Option<Slots> {
        let models: Vec<&str> = self.profile.devices.iter().map(|device| device.model.as_str()).collect();
        let starts = self.speeds.iter().map(|(_, speed)| speed.start_seconds);
        let start_seconds = starts.sum::<f64>() / self.speeds.len().max(1) as f64;
        Some(Slots {
            device: models.join(" + "),
            is_gpu: SlotKind::of(&self.profile).device == DeviceKind::Cuda,
            count: self.profile.slots,
            devices: self.profile.devices.len().max(1) as u32,
            rates: self.rates?,
            gap_seconds: self.overhead.map_or(GAP_SECONDS.max(start_seconds), |one| one.trial),
            epoch_gap_seconds: self.overhead.map_or(0.0, |one| one.epoch),
            evaluation_gap_seconds: self.overhead.map_or(GAP_SECONDS, |one| one.evaluation),
            longest_epoch_seconds: None,
            error: ERROR,
            trials: 0,
            workers: 0,
        })
    }
}

/// Measures on this machine what the arguments ask for; `None` where it has no worker program.
pub(super) fn measure(
    arguments: &Arguments,
    folder: &Path,
    spec: &SweepSpec,
    opened: Option<&Opened>,
    sizes: &Sizes,
    notes: &mut Vec<String>,
) -> Result<Option<Machine>, Failure> {
    if arguments.no_measure {
        return Ok(None);
    }
    let program = match local_worker::find_program() {
        Ok(program) => program,
        Err(failure) if arguments.measure => return Err(failure),
        Err(failure) => {
            notes.push(format!("no time is told: {}", failure.message));
            return Ok(None);
        }
    };
    let chosen = match opened {
        Some(_) => chosen(spec, sizes),
        None => Vec::new(),
    };
    let expected = expected_seconds(&chosen, sizes);
    let is_unasked = expected <= SECONDS_UNASKED_MAX;
    if !chosen.is_empty() && !arguments.measure && !is_unasked {
        notes.push(format!(
            "no time is told: a few batches of the dearest configuration take about {expected:.0} s to measure; `--measure` does it"
        ));
    }
    let chosen = if arguments.measure || is_unasked { chosen } else { Vec::new() };
    if !chosen.is_empty() && !arguments.measure {
        output::note(&format!(
            "measuring {} configurations on this machine (--no-measure leaves it out)",
            chosen.len()
        ));
    }
    let measurement = ask(&program, arguments, folder, opened, &chosen)?;
    let mut speeds = Vec::new();
    for (configuration, trial) in chosen.into_iter().zip(measurement.trials) {
        match trial {
            MeasuredTrial::Trained(speed) => speeds.push((configuration, speed)),
            MeasuredTrial::Failed { message } => {
                let label = configuration.label(&models::sizing(spec).swept);
                notes.push(format!("{label} cannot be trained here: {}", plain(&message)));
            }
        }
    }
    let kind = SlotKind::of(&measurement.profile).device;
    let measured: Vec<Measured> = speeds.iter().filter_map(|(one, speed)| works(one, speed, sizes)).collect();
    let rates = Rates::fit(kind, &measured);
    Ok(Some(Machine { profile: measurement.profile, speeds, rates, overhead: None }))
}

/// The cheapest and the dearest configuration, and of the others those whose time lies most in products and least.
fn chosen(spec: &SweepSpec, sizes: &Sizes) -> Vec<Configuration> {
    let sized = models::sizing(spec);
    let (some, _) = spread(sized.len() as usize, 20 * TRIALS_FORECAST_MAX, sized.configurations());
    let reference = Rates::reference(DeviceKind::Cpu);
    let all: Vec<(f64, f64, Configuration)> = some
        .into_iter()
        .filter_map(|one| {
            let work = Work::of_epoch(&one, &sizes.of(&one)?);
            Some((reference.seconds(&work), reference.product_share(&work), one))
        })
        .collect();
    let by_seconds =
        |left: &&(f64, f64, Configuration), right: &&(f64, f64, Configuration)| left.0.total_cmp(&right.0);
    let by_share =
        |left: &&(f64, f64, Configuration), right: &&(f64, f64, Configuration)| left.1.total_cmp(&right.1);
    let extremes = [
        all.iter().min_by(by_seconds),
        all.iter().max_by(by_seconds),
        all.iter().min_by(by_share),
        all.iter().max_by(by_share),
    ];
    let mut chosen: Vec<Configuration> = Vec::new();
    for (_, _, one) in extremes.into_iter().flatten() {
        if !chosen.contains(one) {
            chosen.push(one.clone());
        }
    }
    chosen
}

/// Seconds that measuring takes, by the reference.
fn expected_seconds(chosen: &[Configuration], sizes: &Sizes) -> f64 {
    let reference = Rates::reference(DeviceKind::Cpu);
    let batches = chosen.iter().filter_map(|one| {
        let work = Work::of_batches(one, &sizes.of(one)?, BATCHES_MIN);
        Some(reference.seconds(&work).max(SECONDS_EACH))
    });
    batches.sum()
}

/// What a speed says about work: of whole epochs where there were any, else of batches.
fn works(configuration: &Configuration, speed: &Speed, sizes: &Sizes) -> Option<Measured> {
    let size = sizes.of(configuration)?;
    if speed.epochs > 0.0 {
        return Some(Measured { work: Work::of_epoch(configuration, &size), seconds: speed.epoch_seconds });
    }
    Some(Measured { work: Work::of_batches(configuration, &size, 1.0), seconds: speed.batch_seconds })
}

fn ask(
    program: &Path,
    arguments: &Arguments,
    folder: &Path,
    opened: Option<&Opened>,
    chosen: &[Configuration],
) -> Result<Measurement, Failure> {
    // Nothing is written where nothing is measured.
    let parent = if chosen.is_empty() { std::env::temp_dir() } else { folder.to_owned() };
    let scratch = tempfile::Builder::new().prefix("plan-").tempdir_in(&parent);
    let scratch = scratch.map_err(|error| Failure::file("make a folder in", &parent, &error))?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let trials = chosen.iter().filter_map(|one| {
        let prepared = opened?.of(one)?;
        let dataset = absolute(&prepared.path);
        Some(MeasureTrial { configuration: one.clone(), dataset, digest: prepared.digest })
    });
    let request = MeasureRequest {
        trials: trials.collect(),
        seconds: SECONDS_EACH,
        directory: absolute(scratch.path()),
    };
    let started = |error| Failure::file("start", program, &error);
    let mut child = Command::new(program)
        .args(["measure", "--slots", &arguments.slots])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(started)?;
    if let Some(mut stdin) = child.stdin.take() {
        let request = serde_json::to_vec(&request).map_err(|error| Failure::failed(error.to_string()))?;
        // A program that has ended already says why.
        _ = stdin.write_all(&request);
    }
    let output = child.wait_with_output().map_err(started)?;
    serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success()).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        Failure::failed(format!("{} cannot measure: {}", program.display(), plain(said.trim())))
            .hint("both programs must be of one version; `--no-measure` plans without the time")
    })
}
