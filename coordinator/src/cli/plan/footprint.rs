//! What a sweep takes of memory and disk.

use coordinator::STALE_BYTES_MAX;
use coordinator_core::forecast::{TRIALS_FORECAST_MAX, spread};
use serde::Serialize;
use sweep_proto::{Configuration, SweepSpec, model_size};

use super::data::{Opened, Sizes};
use super::models;

/// Bytes of a number of a model.
const NUMBER_BYTES: u64 = 4;
/// Names, shapes and counters in a file of weights or a checkpoint, in bytes.
const HEADER_BYTES: u64 = 4 << 10;
/// Checkpoints of a trial on the worker's side: the one that is written, and two that wait for their upload.
const WORKER_COPIES: u64 = 3;
/// Bytes of an epoch's metrics in the database.
const EPOCH_BYTES: u64 = 420;
/// Bytes of a step's metrics in the database.
const STEP_BYTES: u64 = 40;
/// Bytes of a trial and its attempts in the database.
const TRIAL_BYTES: u64 = 3 << 10;
/// Most step metrics of an epoch.
const STEPS_MAX: u64 = 100;
/// An empty database with its log, in bytes.
const DATABASE_BYTES: u64 = 4 << 20;

/// Memory while the sweep runs.
#[expect(clippy::struct_field_names, reason = "fields of JSON name their unit")]
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    /// Peak resident memory of the slot with the largest trial, in bytes: predicted, or more where a slot took more here.
    pub(super) slot_bytes: u64,
    /// Of all slots, if each trains the largest trial; `null` where the slots are not known.
    pub(super) total_bytes: Option<u64>,
    /// What each slot may take; `null` where it is not known.
    pub(super) slot_limit_bytes: Option<u64>,
    /// The largest peak that was measured.
    pub(super) measured_bytes: Option<u64>,
}

/// Bytes on disk when the sweep ends; checkpoints while it runs.
#[expect(clippy::struct_field_names, reason = "fields of JSON name their unit")]
#[derive(Debug, Serialize)]
pub(super) struct Disk {
    /// Encoded datasets: prepared, stored, and in the cache of a worker on this machine.
    pub(super) dataset_bytes: u64,
    /// The best weights of every trial.
    pub(super) model_bytes: u64,
    /// Checkpoints, at most, while it runs; nothing afterwards.
    pub(super) checkpoint_bytes: u64,
    /// Metrics and records in the database.
    pub(super) metric_bytes: u64,
    /// At most at one time.
    pub(super) total_bytes: u64,
}

/// The slots that a sweep would have.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// How many there are; `None` where that is not known.
    pub(super) slots: Option<u32>,
    /// Whether they train on a GPU, whose driver and libraries take memory of the machine beside.
    pub(super) is_gpu: bool,
    /// What each may take, in bytes.
    pub(super) slot_memory_bytes: Option<u64>,
    /// Peaks that were measured here, in bytes.
    pub(super) measured: Vec<(Configuration, u64)>,
}

/// The memory of the largest slot, and of as many as there are.
pub(super) fn memory(spec: &SweepSpec, sizes: &Sizes, offered: &Offered, notes: &mut Vec<String>) -> Memory {
    let sizing = models::sizing(spec);
    let needed = sizing.configurations().map(|one| models::memory_bytes(&one, sizes));
    let largest = needed.max().unwrap_or(0);
    let measured = offered.measured.iter().map(|(_, bytes)| *bytes).max();
    let slot_bytes = (largest as f64 * factor(offered, sizes)) as u64;
    if let Some(limit) = offered.slot_memory_bytes.filter(|limit| *limit < slot_bytes) {
        let [needed, has] = [slot_bytes, limit].map(|bytes| indicatif::BinaryBytes(bytes).to_string());
        notes.push(format!(
            "the largest trial needs about {needed} and a slot has {has}: fewer slots give each of them more"
        ));
    }
    if offered.is_gpu {
        notes.push("memory is told of slots on the CPU: a GPU's driver and libraries take more of the machine, and the model lies in the GPU's own".to_owned());
    }
    Memory {
        slot_bytes,
        total_bytes: offered.slots.map(|slots| slot_bytes.saturating_mul(u64::from(slots))),
        slot_limit_bytes: offered.slot_memory_bytes,
        measured_bytes: measured,
    }
}

/// How much more than predicted the measured slots took, at least 1: another allocator, another libc.
fn factor(offered: &Offered, sizes: &Sizes) -> f64 {
    let of = |(configuration, bytes): &(Configuration, u64)| {
        *bytes as f64 / models::memory_bytes(configuration, sizes).max(1) as f64
    };
    offered.measured.iter().map(of).fold(1.0, f64::max)
}

/// The disk of a sweep whose coordinator and worker are on this machine.
pub(super) fn disk(spec: &SweepSpec, sizes: &Sizes, opened: &Opened, slots: u32) -> Disk {
    let count = spec.grid_size().unwrap_or(0);
    let (positions, each) = spread(count as usize, 20 * TRIALS_FORECAST_MAX, 0..count);
    let slots = u64::from(slots);
    let (mut models, mut metrics, mut replaced, mut largest) = (0_u64, 0_u64, 0_u64, 0_u64);
    for one in positions.into_iter().filter_map(|position| spec.configuration(position)) {
        let bytes = models::parameters(&one, sizes).saturating_mul(NUMBER_BYTES);
        models = models.saturating_add(bytes.saturating_add(HEADER_BYTES));
        metrics = metrics.saturating_add(metric_bytes(&one, sizes));
        let checkpoint = checkpoint_bytes(&one, bytes);
        replaced = replaced.saturating_add(checkpoint.saturating_mul(one.epochs()));
        largest = largest.max(checkpoint);
    }
    let of_all = |bytes: u64| (bytes as f64 * each * f64::from(spec.replicates)) as u64;
    let dataset_bytes = opened.bytes().saturating_mul(3);
    let (model_bytes, metric_bytes) = (of_all(models), DATABASE_BYTES.saturating_add(of_all(metrics)));
    // Those that were replaced lately are kept for their readers, up to a bound.
    let checkpoint_bytes = largest
        .saturating_mul(slots * (1 + WORKER_COPIES))
        .saturating_add(of_all(replaced).min(STALE_BYTES_MAX));
    let total_bytes = [dataset_bytes, model_bytes, checkpoint_bytes, metric_bytes]
        .into_iter()
        .fold(0_u64, u64::saturating_add);
    Disk { dataset_bytes, model_bytes, checkpoint_bytes, metric_bytes, total_bytes }
}

/// Bytes of a trial's metrics if it trains every epoch.
fn metric_bytes(configuration: &Configuration, sizes: &Sizes) -> u64 {
    let epochs = configuration.epochs();
    let steps = sizes.size(configuration).batches(configuration).min(STEPS_MAX);
    TRIAL_BYTES + epochs * (EPOCH_BYTES + steps * STEP_BYTES)
}

/// Bytes of one checkpoint.
fn checkpoint_bytes(configuration: &Configuration, model_bytes: u64) -> u64 {
    model_bytes.saturating_mul(model_size::checkpoint_copies(configuration)).saturating_add(HEADER_BYTES)
}
