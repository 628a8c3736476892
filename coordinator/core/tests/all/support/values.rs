//! Sweeps, datasets, metrics and results that follow from their trial alone, as real training does.

use std::collections::BTreeMap;

use coordinator_core::{Command, DatasetRecord};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::{
    ArtifactRef, Axis, CheckpointRef, Configuration, DataSource, DataSpec, Device, DeviceKind, Digest,
    EpochMetric, Hyperparameter, Range, SweepSpec, TestMetric, TrialResult, TrialSpec, Value, WorkerId,
    WorkerProfile,
};

/// A worker's identity from a small number.
pub fn worker_id(number: u64) -> WorkerId {
    format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()
}

pub fn artifact(text: &str) -> ArtifactRef {
    ArtifactRef { digest: Digest::of(text.as_bytes()), bytes: text.len() as u64 }
}

pub fn axis(hyperparameter: Hyperparameter, levels: &[u64]) -> Axis {
    Axis::of_levels(hyperparameter, levels.iter().copied().map(Value::Integer).collect())
}

/// An axis over a range of whole numbers.
pub fn range(hyperparameter: Hyperparameter, min: u64, max: u64) -> Axis {
    let bounds = [min, max].map(Value::Integer);
    Axis::of_range(hyperparameter, Range::new(hyperparameter, bounds, false, None).unwrap())
}

/// A sweep over these levels of units, with this many replicates and epochs.
pub fn spec(name: &str, units: &[u64], replicates: u32, epochs: u64) -> SweepSpec {
    SweepSpec {
        name: name.into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default().with(Hyperparameter::Epochs, Value::Integer(epochs)).unwrap(),
        axes: vec![axis(Hyperparameter::Units, units)],
        replicates,
        seed: 0,
        failures_max: 3,
        reuse: true,
        priority: 0,
        objective: sweep_proto::Objective::default(),
        further_objectives: sweep_proto::FurtherObjectives::default(),
        constraints: Box::default(),
        search: None,
    }
}

/// One dataset per data variant of a sweep.
pub fn datasets(spec: &SweepSpec) -> Vec<DatasetRecord> {
    spec.data_variants().into_iter().map(dataset).collect()
}

pub fn dataset(variant: BTreeMap<Hyperparameter, Value>) -> DatasetRecord {
    let artifact = artifact(&format!("dataset {variant:?}"));
    DatasetRecord {
        variant,
        artifact,
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 100,
        rows: [80, 10, 10],
        account: None,
    }
}

pub fn launch(spec: SweepSpec) -> Command {
    let datasets = datasets(&spec);
    let (file_text, quota) = ("name = \"test\"".into(), Box::default());
    Command::Launch { spec, file_text, datasets, attach: false, owner: None, quota }
}

pub fn register(worker: WorkerId, slots: u32, fresh: bool) -> Command {
    register_groups(worker, slots, 1, fresh)
}

/// Registers a worker whose slots train up to `group` trials together.
pub fn register_groups(worker: WorkerId, slots: u32, group: u32, fresh: bool) -> Command {
    let name = format!("machine {worker}");
    let devices = vec![device(worker, slots)];
    let profile = WorkerProfile { name, build: "1".into(), slots, devices, group };
    Command::Register { worker, protocol: PROTOCOL_VERSION, profile, fresh, instance: None }
}

/// Processor cores with 1 to 3 GiB for each slot, by the worker's number.
fn device(worker: WorkerId, slots: u32) -> Device {
    let gibibytes = 1 + u64::from(worker.to_string().bytes().last().unwrap()) % 3;
    let memory_bytes = (gibibytes << 30) * u64::from(slots);
    Device { kind: DeviceKind::Cpu, ordinal: 0, model: "cores".into(), memory_bytes }
}

/// A number in [0, 1) that follows from a trial and a purpose.
fn draw(spec: &TrialSpec, purpose: &str) -> f64 {
    let digest = Digest::of(format!("{} {purpose}", spec.key_with_epochs()).as_bytes());
    f64::from(u32::from_le_bytes(digest.as_bytes()[..4].try_into().unwrap())) / 4_294_967_296.0
}

/// Whether training of this trial diverges, and in which epoch.
pub fn diverges(spec: &TrialSpec) -> Option<u32> {
    (draw(spec, "diverges") < 0.06).then_some(1)
}

/// How many epochs this trial trains: fewer than planned where patience runs out.
pub fn epochs(spec: &TrialSpec) -> u32 {
    let (planned, patience) = (spec.configuration.epochs() as u32, spec.configuration.patience() as u32);
    let (mut lowest, mut best_epoch) = (f64::INFINITY, 0);
    let runs_out = |epoch: &u32| {
        let loss = metric(spec, *epoch).validation_loss;
        if loss < lowest {
            (lowest, best_epoch) = (loss, *epoch);
        }
        patience > 0 && epoch - best_epoch >= patience
    };
    (1..=planned).find(runs_out).unwrap_or(planned)
}

/// A sweep whose trials end after that many epochs without a lower loss.
pub fn impatient(mut spec: SweepSpec, patience: u64) -> SweepSpec {
    spec.fixed.set(Hyperparameter::Patience, Value::Integer(patience)).unwrap();
    spec
}

pub fn metric(spec: &TrialSpec, epoch: u32) -> EpochMetric {
    let loss = draw(spec, &format!("loss {epoch}"));
    EpochMetric {
        epoch,
        train_loss: loss / 2.0,
        train_accuracy: 1.0 - loss / 2.0,
        validation_loss: loss,
        validation_accuracy: 1.0 - loss,
        // It agrees with the loss on nothing, so that objectives differ.
        validation_macro_f1: draw(spec, &format!("macro F1 {epoch}")),
        seconds: 1.5,
        examples_per_second: 100.0,
        peak_memory_bytes: 1 << 20,
        energy_joules: None,
    }
}

pub fn checkpoint(spec: &TrialSpec, epoch: u32) -> CheckpointRef {
    CheckpointRef::after(epoch, artifact(&format!("checkpoint {} {epoch}", spec.key_with_epochs())))
}

/// Where a worker stopped after some batches of the epoch after `epoch`.
pub fn underway(spec: &TrialSpec, epoch: u32, batches: u32) -> CheckpointRef {
    let artifact = artifact(&format!("checkpoint {} {epoch} {batches}", spec.key_with_epochs()));
    CheckpointRef { epoch, batches, artifact }
}

pub fn result(spec: &TrialSpec) -> TrialResult {
    let epochs = epochs(spec);
    let metrics: Vec<_> = (1..=epochs).map(|epoch| metric(spec, epoch)).collect();
    let best = metrics.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    TrialResult {
        best_epoch: best.epoch,
        epochs,
        early_stopped: u64::from(epochs) < spec.configuration.epochs(),
        score: best.validation_loss,
        accuracy: best.validation_accuracy,
        parameters: 1_000,
        model: artifact(&format!("model {}", spec.key_with_epochs())),
    }
}

pub fn test_metric(spec: &TrialSpec) -> TestMetric {
    let loss = draw(spec, "test");
    TestMetric {
        loss,
        accuracy: 1.0 - loss,
        macro_f1: 1.0 - loss,
        confusion: vec![vec![5, 0], vec![1, 4]],
        calibration: Vec::new(),
        hardest: Vec::new(),
        more: std::collections::BTreeMap::new(),
    }
}
