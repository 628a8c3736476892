//! All wire messages in one target: the first byte picks the message, the others are decoded as one.
//!
//! What converts into a domain value must convert back and be the same value again, and must survive the
//! JSON in which stores and slot frames hold it.

use std::fmt::Debug;

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::protocol::ProtocolVersion;
use sweep_proto::wire as w;
use sweep_proto::{
    ArtifactRef, AttemptOutcome, CheckpointRef, ConfidenceBin, Configuration, Device, Digest, EpochMetric,
    FailureKind, HardExample, StepMetric, SweepId, TestMetric, TrialId, TrialResult, TrialSpec, Value,
    WorkerProfile,
};

use crate::registry::Seed;

/// Decodes a message and encodes it again: the same message, though a map's entries may change places.
fn decode<M: Message + Default + Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let encoded = message.encode_to_vec();
    let again = M::decode(encoded.as_slice()).expect("what was encoded is decoded").encode_to_vec();
    assert_eq!(sorted(encoded), sorted(again), "{message:?}");
    Some(message)
}

fn sorted(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.sort_unstable();
    bytes
}

/// A message without a domain value of its own.
fn plain<M: Message + Default + Debug>(bytes: &[u8]) {
    decode::<M>(bytes);
}

/// A message with a domain value behind it, where it converts.
fn converted<M, D>(bytes: &[u8]) -> Option<D>
where
    M: Message + Default + Debug + From<D>,
    D: TryFrom<M> + Clone + PartialEq + Debug,
{
    let value = D::try_from(decode::<M>(bytes)?).ok()?;
    let encoded = M::from(value.clone()).encode_to_vec();
    let message = M::decode(encoded.as_slice()).expect("what was encoded is decoded");
    let Ok(again) = D::try_from(message) else { panic!("{value:?} is refused when it comes back") };
    assert_eq!(again, value);
    Some(value)
}

fn domain<M, D>(bytes: &[u8])
where
    M: Message + Default + Debug + From<D>,
    D: TryFrom<M> + Clone + PartialEq + Debug,
{
    converted::<M, D>(bytes);
}

/// The same for a value that is also held as JSON.
fn stored<M, D>(bytes: &[u8])
where
    M: Message + Default + Debug + From<D>,
    D: TryFrom<M> + Clone + PartialEq + Debug + Serialize + DeserializeOwned,
{
    if let Some(value) = converted::<M, D>(bytes) {
        let json = serde_json::to_string(&value).expect("a row");
        let again: D = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(again, value, "{json}");
    }
}

/// Every message; those with a domain value first. New ones are added at the end: the corpus counts them.
const READERS: &[fn(&[u8])] = &[
    domain::<w::Value, Value>,
    domain::<w::ProtocolVersion, ProtocolVersion>,
    stored::<w::TrialId, TrialId>,
    stored::<w::ArtifactRef, ArtifactRef>,
    stored::<w::CheckpointRef, CheckpointRef>,
    stored::<w::TrialSpec, TrialSpec>,
    stored::<w::EpochMetric, EpochMetric>,
    stored::<w::StepMetric, StepMetric>,
    stored::<w::TestMetric, TestMetric>,
    stored::<w::TrialResult, TrialResult>,
    stored::<w::AttemptOutcome, AttemptOutcome>,
    stored::<w::Device, Device>,
    stored::<w::WorkerProfile, WorkerProfile>,
    plain::<w::RegisterRequest>,
    plain::<w::RegisterReply>,
    plain::<w::WorkerMessage>,
    plain::<w::CoordinatorMessage>,
    plain::<w::FetchRequest>,
    plain::<w::UploadPart>,
    plain::<w::UploadReply>,
    plain::<w::CompleteRequest>,
    plain::<w::CompleteReply>,
    plain::<w::DeregisterRequest>,
    plain::<w::DeregisterReply>,
    plain::<w::Chunk>,
    plain::<w::LaunchRequest>,
    plain::<w::LaunchEvent>,
    plain::<w::ListRequest>,
    plain::<w::ListReply>,
    plain::<w::GetRequest>,
    plain::<w::ExtendRequest>,
    plain::<w::ReportRequest>,
    plain::<w::FilePart>,
    plain::<w::SweepStatus>,
    plain::<w::WorkersRequest>,
    plain::<w::WorkersReply>,
    plain::<w::DrainRequest>,
    plain::<w::DrainReply>,
    plain::<w::JoinRequest>,
    plain::<w::JoinReply>,
    plain::<w::RenewRequest>,
    plain::<w::CreateTokenRequest>,
    plain::<w::CreateTokenReply>,
    plain::<w::ListTokensRequest>,
    plain::<w::ListTokensReply>,
    plain::<w::RevokeTokenRequest>,
    plain::<w::RevokeTokenReply>,
    plain::<w::RevokeWorkerRequest>,
    plain::<w::RevokeWorkerReply>,
    plain::<w::AuditRequest>,
    plain::<w::AuditEntry>,
];

/// Any message.
pub(crate) fn messages(bytes: &[u8]) {
    if let Some((kind, body)) = bytes.split_first() {
        READERS[usize::from(*kind) % READERS.len()](body);
    }
}

/// A message of each kind that has a domain value, and those that carry several.
pub(crate) fn examples() -> Vec<Seed> {
    let artifact = ArtifactRef { digest: Digest::of(b"weights"), bytes: 70_000 };
    let checkpoint = CheckpointRef { epoch: 3, batches: 7, artifact };
    let id = TrialId { sweep: SweepId(3), index: 17 };
    let configuration = Configuration::default();
    let spec =
        TrialSpec { id, configuration, replicate: 1, seed: 1 << 52, dataset: Digest::of(b"data").into() };
    let result = TrialResult {
        best_epoch: 2,
        epochs: 3,
        early_stopped: true,
        score: 0.31,
        accuracy: 0.9,
        parameters: 12_345,
        model: artifact,
    };
    let test = TestMetric {
        loss: 0.4,
        accuracy: 0.8,
        macro_f1: 0.7,
        confusion: vec![vec![3, 1], vec![0, 4]],
        calibration: vec![ConfidenceBin { rows: 1, correct: 1, confidence: 0.75 }; 10],
        hardest: vec![HardExample { row: 3, truth: 1, predicted: 0, probability: 0.75, loss: 1.4 }],
        more: std::collections::BTreeMap::new(),
    };
    let metric = EpochMetric {
        epoch: 1,
        train_loss: 0.7,
        train_accuracy: 0.5,
        validation_loss: -0.0,
        validation_accuracy: 1.0,
        validation_macro_f1: 0.0,
        seconds: 1.5,
        examples_per_second: 5e-324,
        peak_memory_bytes: u64::MAX,
        energy_joules: Some(5e-324),
    };
    let point = StepMetric { sequence: 0, epoch: 1, step: 9, loss: 1e100, examples_per_second: 1.0 };
    let device =
        Device { kind: sweep_proto::DeviceKind::Cuda, ordinal: 1, model: "H100".into(), memory_bytes: 80 };
    let profile = WorkerProfile {
        name: "감정".into(),
        build: "0.1.0".into(),
        slots: 4,
        devices: vec![device.clone(), device.clone()],
        group: 1,
    };
    let failed = AttemptOutcome::Failed { kind: FailureKind::Data, message: "no \u{0} disk".into() };
    let report =
        w::EpochReport { token: 9, metric: Some(metric.clone().into()), checkpoint: Some(checkpoint.into()) };
    let kind = Some(w::worker_message::Kind::Epoch(report));
    vec![
        example("value", 0, &w::Value::from(Value::Real(0.5))),
        example("version", 1, &w::ProtocolVersion::from(ProtocolVersion { major: 1, minor: 1 })),
        example("trial", 2, &w::TrialId::from(id)),
        example("artifact", 3, &w::ArtifactRef::from(artifact)),
        example("checkpoint", 4, &w::CheckpointRef::from(checkpoint)),
        example("spec", 5, &w::TrialSpec::from(spec)),
        example("epoch", 6, &w::EpochMetric::from(metric)),
        example("step", 7, &w::StepMetric::from(point)),
        example("test", 8, &w::TestMetric::from(test.clone())),
        example("result", 9, &w::TrialResult::from(result.clone())),
        example("trained", 10, &w::AttemptOutcome::from(AttemptOutcome::Trained(result))),
        example("evaluated", 10, &w::AttemptOutcome::from(AttemptOutcome::Evaluated(test))),
        example("failed", 10, &w::AttemptOutcome::from(failed)),
        example("device", 11, &w::Device::from(device)),
        example("profile", 12, &w::WorkerProfile::from(profile)),
        example("epoch_report", 15, &w::WorkerMessage { kind }),
    ]
}

fn example(name: &str, kind: u8, message: &impl Message) -> Seed {
    (name.to_owned(), [vec![kind], message.encode_to_vec()].concat())
}
