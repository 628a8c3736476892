//! Rows for the suite: some by hand, some at random.

use coordinator_core::{
    AnsweredRequest, AttemptRecord, AttemptState, AuditHead, AuditNote, CertificateId, CertificateRecord,
    Cleared, Conclusion, ConclusionReason, DatasetRecord, EarlierChoice, EpochRecord, GridOrder, Key,
    LeaseRecord, Mutation, Named, Rare, SearchEvent, SearchEventRecord, SweepRecord, SweepState, TokenRecord,
    TrialCourse, TrialExtra, TrialPast, TrialRecord, TrialState, TrialWork, WorkerRecord, WorkerState,
};
use proptest::prelude::*;
use sweep_proto::{
    ArtifactRef, AttemptId, Axis, CheckpointRef, ConfidenceBin, Configuration, ConfigurationIndex,
    DataAccount, DataSource, DataSpec, Device, DeviceKind, Digest, EpochMetric, FailureKind, HardExample,
    Hyperparameter, LeaseToken, Role, StepMetric, SweepId, SweepSpec, TestFigure, TestMetric, Timestamp,
    TokenId, TrialId, TrialResult, TrialSpec, Value, WorkKind, WorkerId, WorkerProfile,
};

/// Trials of the one sweep that exists from the start.
const TRIALS: u32 = 3;

pub(super) fn trial_id(index: u32) -> TrialId {
    TrialId { sweep: SweepId(1), index }
}

pub(super) fn attempt_id(trial: u32, number: u32) -> AttemptId {
    AttemptId { trial: trial_id(trial), number }
}

fn worker_id(number: u64) -> WorkerId {
    WorkerId(uuid::Uuid::from_u128(u128::from(number)))
}

fn artifact(number: u64) -> ArtifactRef {
    ArtifactRef { digest: Digest::of(&number.to_le_bytes()), bytes: number }
}

pub(super) fn sweep(id: u64, state: SweepState) -> Mutation {
    let axis = Axis::of_levels(Hyperparameter::Units, vec![Value::Integer(8), Value::Integer(16)]);
    let fixed = Configuration::default();
    let dataset = DatasetRecord {
        variant: fixed.data_variant(),
        artifact: artifact(id),
        classes: vec!["부정".into(), "긍정".into()],
        vocabulary: 100,
        rows: [10, 2, 2],
        account: id
            .is_multiple_of(2)
            .then(|| DataAccount { version: DataAccount::VERSION, ..DataAccount::default() }),
    };
    let earlier = |configuration: &Configuration| EarlierChoice {
        configuration: configuration.clone(),
        at: Timestamp(1_699_999_999_999),
        trials: 4,
        accuracy: 0.5,
    };
    let earlier_choices = if state.is_ended() { vec![earlier(&fixed)] } else { Vec::new() };
    Mutation::Sweep(SweepRecord {
        id: SweepId(id),
        spec: SweepSpec {
            name: format!("sweep \"{id}\"\n"),
            data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
            fixed: fixed.clone(),
            axes: vec![axis],
            replicates: 2,
            seed: u64::MAX,
            failures_max: 3,
            reuse: true,
            priority: 2,
            objective: sweep_proto::Objective::from_name("validation_macro_f1").unwrap_or_default(),
            further_objectives: sweep_proto::FurtherObjectives::of([sweep_proto::FrontObjective::Parameters])
                .unwrap_or_default(),
            constraints: Box::default(),
            search: None,
        },
        file_text: "name = 'x'".into(),
        state,
        created_at: Timestamp(1_700_000_000_000),
        ended_at: state.is_ended().then_some(Timestamp(1_700_000_000_001)),
        datasets: vec![dataset],
        chosen: state.is_ended().then_some(fixed),
        owner: state.is_ended().then(|| "submitter token 1".into()),
        held: (state == SweepState::Paused).then(|| "a dataset is missing".into()),
        extended_from: None,
        order: if state.is_ended() { GridOrder::ByReplicate } else { GridOrder::ByConfiguration },
        earlier_choices,
        search: None,
        conclusion: state.is_ended().then(|| Box::new(conclusion())),
        deleted_at: (state == SweepState::Cancelled).then_some(Timestamp(1_700_000_000_002)),
        cleared: if state.is_ended() { Cleared { steps: 3, models: 1 } } else { Cleared::default() },
        planned: (state == SweepState::Cancelled).then_some(u64::MAX),
    })
}

fn conclusion() -> Conclusion {
    let configuration = Some(Configuration::default());
    let tied = vec![Configuration::default()];
    let named = Named { configuration, probability: Some(0.1 + 0.85), margin: Some(0.01), tied };
    Conclusion { reason: ConclusionReason::Sure, named }
}

/// An event of the log of the search of the one sweep.
pub(super) fn search_event(number: u64, event: SearchEvent) -> Mutation {
    Mutation::SearchEvent(SearchEventRecord { sweep: SweepId(1), number, event })
}

/// An event of each kind.
fn search_events() -> [SearchEvent; 6] {
    [
        SearchEvent::Asked { count: 2, workers: 3 },
        SearchEvent::Given { trial: 0 },
        SearchEvent::Shown { trial: 0, epoch: 1, score: 0.1 + 0.2, is_last: false },
        SearchEvent::Paused { trial: 0 },
        SearchEvent::Ended { trial: 1, state: TrialState::Pruned },
        SearchEvent::Rewound { trial: 1, epochs: u32::MAX },
    ]
}

pub(super) fn trial(id: TrialId, state: TrialState, score: f64) -> Mutation {
    let spec = TrialSpec {
        id,
        configuration: Configuration::default(),
        replicate: 1,
        seed: 9_007_199_254_740_991,
        dataset: artifact(1).digest.into(),
    };
    let lease = LeaseRecord {
        token: LeaseToken(4),
        attempt: 2,
        worker: worker_id(1),
        work: WorkKind::Train,
        group: Some(LeaseToken(3)),
    };
    let result = TrialResult {
        best_epoch: 1,
        epochs: 3,
        early_stopped: true,
        score,
        accuracy: 0.7,
        parameters: u64::from(u32::MAX),
        model: artifact(3),
    };
    let test = TestMetric {
        loss: score,
        accuracy: 0.1,
        macro_f1: 0.3,
        confusion: vec![vec![1, 2], vec![3, 4]],
        calibration: vec![ConfidenceBin { rows: 10, correct: 7, confidence: 0.1 + 0.2 }; 10],
        hardest: vec![HardExample { row: 3, truth: 1, predicted: 0, probability: 0.1 + 0.2, loss: score }],
        more: std::collections::BTreeMap::from([(TestFigure::Auc, 0.1 + 0.2)]),
    };
    let work = TrialWork {
        lease: (state == TrialState::Leased).then_some(lease),
        checkpoint: Some(CheckpointRef::after(2, artifact(2))),
        underway: Some(CheckpointRef { epoch: 2, batches: u32::MAX, artifact: artifact(3) }),
    };
    let extra = TrialExtra {
        failures: 1,
        out_of_memory: 2,
        outgrown_bytes: Some(u64::MAX),
        diverged_epoch: (state == TrialState::Diverged).then_some(2),
        last_error: Some("죽었다 \u{0} '; DROP TABLE trials; --".into()),
        forgiven: u32::from(state == TrialState::Paused),
        test: (state == TrialState::Completed).then(|| Box::new(test)),
        other_key: None,
        work: Rare::of(work),
    };
    let course = TrialCourse {
        ended_number: None,
        until_epoch: None,
        objective_score: Some(0.25),
        reused_from: Some(trial_id(0)),
        extra: Rare::of(extra),
    };
    let past = TrialPast {
        attempts: 2,
        result: (state == TrialState::Completed).then_some(result),
        ended_at: Some(Timestamp(u64::from(u32::MAX))),
        model_is_removed: state == TrialState::Completed,
        course: Rare::of(course),
    };
    let trial = TrialRecord::new(spec, ConfigurationIndex::default());
    Mutation::Trial(TrialRecord { state, past: Rare::of(past), ..trial })
}

pub(super) fn attempt(id: AttemptId, state: AttemptState) -> Mutation {
    Mutation::Attempt(AttemptRecord {
        id,
        work: WorkKind::Evaluate,
        worker: worker_id(1),
        worker_name: "host".into(),
        token: LeaseToken(4),
        started_at: Timestamp(5),
        first_epoch: 2,
        state,
        ended_at: None,
        failure: (state == AttemptState::Failed).then_some(FailureKind::OutOfMemory),
        error: None,
        heard_at: (state == AttemptState::Expired).then_some(Timestamp(7)),
        kept_at: (state == AttemptState::Released).then_some(Timestamp(6)),
        members: if state == AttemptState::Failed { 4 } else { 1 },
    })
}

pub(super) fn epoch(trial: u32, epoch: u32, loss: f64) -> Mutation {
    Mutation::Epoch(EpochRecord {
        trial: trial_id(trial),
        attempt: 1,
        metric: EpochMetric {
            epoch,
            train_loss: loss,
            train_accuracy: 1.0,
            validation_loss: loss / 3.0,
            validation_accuracy: 0.0,
            validation_macro_f1: 0.1 + 0.2,
            seconds: 1e-9,
            examples_per_second: 1e300,
            peak_memory_bytes: u64::MAX,
            // Some workers tell it, others do not.
            energy_joules: (epoch % 2 == 1).then_some(loss.abs() + 0.1 + 0.2),
        },
    })
}

pub(super) fn worker(number: u64, slots: u32) -> Mutation {
    let device = Device { kind: DeviceKind::Cuda, ordinal: 1, model: "GPU".into(), memory_bytes: 80 << 30 };
    Mutation::Worker(WorkerRecord {
        id: worker_id(number),
        profile: WorkerProfile {
            name: "host".into(),
            build: "1".into(),
            slots,
            devices: vec![device],
            group: 1,
        },
        state: WorkerState::Ready,
        registered_at: Timestamp(6),
        troubles: coordinator_core::Troubles {
            trials: vec![trial_id(0)],
            rests: 1,
            rests_until: Some(Timestamp(9)),
        },
        process: coordinator_core::ProcessRecord {
            instance: Some(coordinator_core::InstanceId(worker_id(number).0)),
            replaced: vec![coordinator_core::InstanceId(worker_id(0).0)],
            answered_before: vec!["\"; before".into()],
        },
        left_at: slots.is_multiple_of(2).then_some(Timestamp(8)),
        answered: Some(AnsweredRequest { request_id: "'; 요청".into(), tokens: vec![LeaseToken(4)] }),
    })
}

pub(super) fn step(sequence: u64) -> StepMetric {
    StepMetric {
        sequence,
        epoch: 1,
        step: sequence * 10,
        loss: 1.0 / (sequence as f64 + 3.0),
        examples_per_second: 1e6,
    }
}

pub(super) fn token(number: u8, uses_left: Option<u32>) -> Mutation {
    Mutation::Token(TokenRecord {
        id: TokenId::from([number; 8]),
        role: Role::Worker,
        label: "연구실 \"3\"".into(),
        secret_digest: Digest::of(&[number]),
        created_by: "admin".into(),
        created_at: Timestamp(7),
        expires_at: Some(Timestamp(u64::MAX)),
        uses_left,
        revoked_at: None,
    })
}

pub(super) fn certificate(number: u64, revoked_at: Option<Timestamp>) -> Mutation {
    Mutation::Certificate(CertificateRecord {
        id: CertificateId(worker_id(number).0),
        worker: worker_id(1),
        key: Digest::of(b"key"),
        token: TokenId::from([1; 8]),
        issued_at: Timestamp(7),
        expires_at: Timestamp(9),
        revoked_at,
    })
}

/// The audit entry of this place in one and the same log.
pub(super) fn audit(number: u64) -> Mutation {
    let mut head = AuditHead::default();
    loop {
        let note = AuditNote {
            actor: "token 0101".into(),
            peer: "[::1]:7".into(),
            action: "cancel".into(),
            subject: format!("sweep '{}'", head.sequence),
            is_allowed: head.sequence % 2 == 0,
        };
        let entry = head.next(Timestamp(head.sequence), note);
        if entry.sequence == number {
            return Mutation::Audit(entry);
        }
        head = entry.head();
    }
}

/// A sweep and its trials.
pub(super) fn parents() -> Vec<Mutation> {
    let trials = (0..TRIALS).map(|index| trial(trial_id(index), TrialState::Pending, 0.0));
    std::iter::once(sweep(1, SweepState::Open)).chain(trials).collect()
}

/// Every kind of row, parents first.
pub fn one_of_each() -> Vec<Mutation> {
    let mut all = parents();
    all.extend(TrialState::ALL.iter().zip(10..).map(|(state, index)| trial(trial_id(index), *state, 0.1)));
    all.extend([
        attempt(attempt_id(0, 1), AttemptState::Running),
        attempt(attempt_id(0, 2), AttemptState::Failed),
        epoch(0, 1, 0.69),
        epoch(0, 2, 0.3 - 0.1),
        worker(1, 4),
        Mutation::LastToken(17),
        token(1, Some(3)),
        token(2, None),
        certificate(1, None),
        certificate(2, Some(Timestamp(8))),
        audit(1),
        audit(2),
    ]);
    all.extend((1..).zip(search_events()).map(|(number, event)| search_event(number, event)));
    all
}

/// The keys of the workers, tokens and certificates of [`one_of_each`].
pub(super) fn keys_of_access() -> Vec<Key> {
    let mut keys = vec![Key::Worker(worker_id(1))];
    keys.extend([1, 2].map(|number| Key::Token(TokenId::from([number; 8]))));
    keys.extend([1, 2].map(|number| Key::Certificate(CertificateId(worker_id(number).0))));
    keys
}

/// Rows whose parent does not exist.
pub(super) fn orphans() -> Vec<Mutation> {
    let nowhere = TrialId { sweep: SweepId(9), index: 0 };
    vec![
        trial(nowhere, TrialState::Pending, 0.0),
        attempt(AttemptId { trial: nowhere, number: 1 }, AttemptState::Running),
        epoch(TRIALS + 50, 1, 0.0),
        Mutation::SearchEvent(SearchEventRecord {
            sweep: nowhere.sweep,
            number: 1,
            event: SearchEvent::Given { trial: 0 },
        }),
    ]
}

/// Any mutation whose parents are among [`parents`]; where those are removed, they come again.
pub(super) fn any_mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let removed = |key| vec![Mutation::Remove(key)];
    let trial_again = |index| {
        let id = trial_id(index);
        vec![Mutation::Remove(Key::Trial(id)), trial(id, TrialState::Pending, 0.0)]
    };
    prop_oneof![
        20 => any_mutation().prop_map(|mutation| vec![mutation]),
        1 => (0..TRIALS).prop_map(trial_again),
        1 => Just(()).prop_map(|()| [vec![Mutation::Remove(Key::Sweep(SweepId(1)))], parents()].concat()),
        1 => (2_u64..6).prop_map(move |id| removed(Key::Sweep(SweepId(id)))),
        1 => (0..TRIALS).prop_map(move |index| removed(Key::Steps(trial_id(index)))),
        1 => (0..5_usize).prop_map(move |at| removed(keys_of_access()[at])),
    ]
}

/// Any row whose parents are among [`parents`].
fn any_mutation() -> impl Strategy<Value = Mutation> {
    let loss = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    let sweep_states = prop::sample::select(vec![
        SweepState::Open,
        SweepState::Paused,
        SweepState::Evaluating,
        SweepState::Finished,
        SweepState::Cancelled,
    ]);
    let attempt_states = prop::sample::select(vec![
        AttemptState::Running,
        AttemptState::Succeeded,
        AttemptState::Diverged,
        AttemptState::Failed,
        AttemptState::Released,
        AttemptState::Expired,
        AttemptState::Revoked,
    ]);
    prop_oneof![
        (1_u64..4, sweep_states).prop_map(|(id, state)| sweep(id, state)),
        (0..TRIALS, prop::sample::select(TrialState::ALL.to_vec()), loss)
            .prop_map(|(index, state, score)| trial(trial_id(index), state, score)),
        (0..TRIALS, 1_u32..4, attempt_states)
            .prop_map(|(index, number, state)| attempt(attempt_id(index, number), state)),
        (0..TRIALS, 1_u32..6, loss).prop_map(|(index, number, loss)| epoch(index, number, loss)),
        (0..TRIALS, 0_u32..6)
            .prop_map(|(index, epoch)| Mutation::TruncateEpochs { trial: trial_id(index), epoch }),
        (1_u64..4, 1_u32..9).prop_map(|(number, slots)| worker(number, slots)),
        (0_u64..99).prop_map(Mutation::LastToken),
        (1_u8..4, prop::option::of(0_u32..5)).prop_map(|(number, uses)| token(number, uses)),
        (1_u64..4, prop::option::of(0_u64..9))
            .prop_map(|(number, revoked)| certificate(number, revoked.map(Timestamp))),
        (1_u64..6).prop_map(audit),
        (1_u64..6, prop::sample::select(search_events().to_vec()))
            .prop_map(|(number, event)| search_event(number, event)),
    ]
}
