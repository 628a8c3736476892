//! Groups in a real slot: four trials in one process, each with its own end and the bits of the trial alone.

use std::collections::BTreeMap;

use sweep_proto::{CheckpointRef, TrialResult};

use super::*;

/// A coordinator that grants up to four pending trials into one slot.
fn grouping() -> Coordinator {
    let coordinator = Coordinator::default();
    coordinator.state().group = 4;
    coordinator
}

/// Four trials of different seeds and lengths, the first of that many epochs.
fn four(epochs: u64, dataset: &[u8]) -> Vec<TrialSpec> {
    (0..4).map(|index| trial(index, epochs + u64::from(index), dataset)).collect()
}

fn wild(dataset: &[u8]) -> TrialSpec {
    let mut wild = trial(9, 50, dataset);
    for (hyperparameter, value) in [
        (Hyperparameter::LearningRate, Value::Real(100.0)),
        (Hyperparameter::Optimizer, Value::Word("sgd".into())),
        (Hyperparameter::GradientClip, Value::Real(0.0)),
        (Hyperparameter::WeightDecay, Value::Real(10.0)),
    ] {
        wild.configuration.set(hyperparameter, value).unwrap();
    }
    wild
}

/// Grants trials under tokens from `first` on, each from its checkpoint where it has one.
fn grant(
    coordinator: &Coordinator,
    first: u64,
    dataset: &[u8],
    trials: &[TrialSpec],
    checkpoints: &BTreeMap<u32, CheckpointRef>,
) {
    for (token, spec) in (first..).zip(trials) {
        coordinator.grant(token, dataset, spec);
        let checkpoint = checkpoints.get(&spec.id.index).copied();
        coordinator.state().pending.back_mut().unwrap().checkpoint = checkpoint.map(Into::into);
    }
}

fn results(state: &State, tokens: std::ops::Range<u64>) -> Vec<TrialResult> {
    let result = |token| match &state.completed[&token] {
        AttemptOutcome::Trained(result) => result.clone(),
        other => panic!("token {token}: {other:?}"),
    };
    tokens.map(result).collect()
}

/// What the same trials leave behind, each in a slot of its own.
async fn alone(trials: &[TrialSpec], dataset: &[u8]) -> Vec<TrialResult> {
    let (coordinator, directory) = (Coordinator::default(), tempfile::tempdir().unwrap());
    grant(&coordinator, 1, dataset, trials, &BTreeMap::new());
    let address = coordinator.start().await;
    let _worker = Worker::join(address, directory.path(), 2);
    coordinator.until("all complete alone", |state| state.completed.len() == trials.len()).await;
    let state = coordinator.state();
    results(&state, 1..1 + trials.len() as u64)
}

/// The newest checkpoint that was reported of each trial, where tokens from 1 on are those of the trials in their order.
fn newest(state: &State) -> BTreeMap<u32, CheckpointRef> {
    state.epochs.iter().map(|(token, _, checkpoint)| (*token as u32 - 1, *checkpoint)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_four_leaves_the_bits_of_its_trials_alone() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    let trials = four(4, &dataset);
    grant(&coordinator, 1, &dataset, &trials, &BTreeMap::new());
    coordinator.grant(5, &dataset, &trial(4, ENDLESS, &dataset));
    coordinator.state().breaks = 2;
    let address = coordinator.start().await;
    let worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all four complete", |state| state.completed.len() == 4).await;
    let grouped = results(&coordinator.state(), 1..5);
    for (token, trial) in (1..5).zip(&trials) {
        let planned: Vec<u32> = (1..=trial.configuration.epochs() as u32).collect();
        assert_eq!(epochs(&coordinator.state(), token), planned);
    }
    assert_eq!(coordinator.state().gaps, Vec::<String>::new());
    coordinator.until("the slot takes the next one", |state| last_epoch(state, 5) > 0).await;
    assert_eq!(worker.slots().len(), 1, "it is one process after the other");
    let order: Vec<u64> = coordinator.state().epochs.iter().map(|(token, ..)| *token).collect();
    let next = order.iter().position(|token| *token == 5).unwrap();
    assert!(order[next..].iter().all(|token| *token == 5), "the slot had its group: {order:?}");
    assert_eq!(grouped, alone(&trials, &dataset).await);
}

/// Over a connection that holds: a broken one brings what waits in the order of the leases.
#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_group_take_turns() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    grant(&coordinator, 1, &dataset, &four(4, &dataset), &BTreeMap::new());
    let address = coordinator.start().await;
    let _worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all four complete", |state| state.completed.len() == 4).await;
    let order: Vec<u64> = coordinator.state().epochs.iter().map(|(token, ..)| *token).collect();
    let first_of = |token: &u64| order.iter().position(|one| one == token);
    let last_of = |token: &u64| order.iter().rposition(|one| one == token);
    let begun = (1..5).filter_map(|token| first_of(&token)).max();
    let ended = (1..5).filter_map(|token| last_of(&token)).min();
    assert!(begun < ended, "they take turns: {order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_slot_ends_every_member_and_the_worker_goes_on() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    let trials = four(ENDLESS - 3, &dataset);
    grant(&coordinator, 1, &dataset, &trials, &BTreeMap::new());
    let address = coordinator.start().await;
    let worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all train", |state| (1..5).all(|token| last_epoch(state, token) > 0)).await;
    signal("-KILL", worker.slots()[0]);
    coordinator.until("all fail", |state| state.completed.len() == 4).await;
    for (token, outcome) in &coordinator.state().completed {
        let is_crashed = matches!(outcome, AttemptOutcome::Failed { kind: FailureKind::Crashed, .. });
        assert!(is_crashed, "token {token}: {outcome:?}");
    }
    let (trials, checkpoints) = (four(3, &dataset), BTreeMap::new());
    grant(&coordinator, 11, &dataset, &trials, &checkpoints);
    coordinator.until("the next group completes", |state| state.completed.len() == 8).await;
    let grouped = results(&coordinator.state(), 11..15);
    assert_eq!(grouped, alone(&trials, &dataset).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diverging_a_dropped_and_a_broken_member_leave_the_others_running() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    let trials = [trial(0, 12, &dataset), trial(1, ENDLESS, &dataset)];
    grant(&coordinator, 1, &dataset, &trials, &BTreeMap::new());
    coordinator.grant(3, &dataset, &wild(&dataset));
    coordinator.grant(4, &dataset, &trial(4, 3, &dataset));
    // A model as a checkpoint: it is read and refused.
    let broken = Digest::of(b"no checkpoint");
    {
        let mut state = coordinator.state();
        state.blobs.insert(broken, b"no checkpoint".to_vec());
        let artifact = sweep_proto::ArtifactRef { digest: broken, bytes: 13 };
        state.pending.back_mut().unwrap().checkpoint = Some(CheckpointRef::after(1, artifact).into());
    }
    let address = coordinator.start().await;
    let worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("the second trains", |state| last_epoch(state, 2) > 1).await;
    coordinator
        .until("two end by themselves", |state| [3, 4].iter().all(|one| state.completed.contains_key(one)))
        .await;
    {
        let state = coordinator.state();
        assert!(matches!(&state.completed[&3], AttemptOutcome::Diverged { .. }), "{:?}", state.completed[&3]);
        let of_data = matches!(&state.completed[&4], AttemptOutcome::Failed { kind: FailureKind::Data, .. });
        assert!(of_data, "{:?}", state.completed[&4]);
    }
    coordinator.state().drop.insert(2);
    let is_given_up = |state: &State| state.heartbeats.last().is_some_and(|tokens| !tokens.contains(&2));
    coordinator.until("the second is given up", is_given_up).await;
    let reached = last_epoch(&coordinator.state(), 2);
    coordinator.until("the first completes", |state| state.completed.contains_key(&1)).await;
    assert_eq!(last_epoch(&coordinator.state(), 2), reached, "nothing is trained under a lost lease");
    assert!(!coordinator.state().completed.contains_key(&2), "and nothing is said");
    coordinator.until("the slot is gone", |_| worker.slots().is_empty()).await;
    let first = results(&coordinator.state(), 1..2);
    assert_eq!(first, alone(&trials[..1], &dataset).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_group_goes_on_elsewhere_to_the_same_bits() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    let trials = four(400, &dataset);
    grant(&coordinator, 1, &dataset, &trials, &BTreeMap::new());
    let address = coordinator.start().await;
    let mut worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all train", |state| (1..5).all(|token| last_epoch(state, token) > 1)).await;
    signal("-TERM", worker.0.id());
    assert_eq!(tokio::task::block_in_place(|| worker.exit_code()), Some(0));
    let mut checkpoints = BTreeMap::new();
    for token in 1..5 {
        let state = coordinator.state();
        let AttemptOutcome::Released { checkpoint: Some(checkpoint) } = state.completed[&token] else {
            panic!("token {token}: {:?}", state.completed[&token])
        };
        assert!(state.blobs.contains_key(&checkpoint.artifact.digest), "what is handed back is stored");
        assert!(checkpoint.epoch >= last_epoch(&state, token));
        checkpoints.insert(token as u32 - 1, checkpoint);
    }
    assert!(coordinator.state().deregistered && coordinator.state().gaps.is_empty());
    grant(&coordinator, 11, &dataset, &trials, &checkpoints);
    let elsewhere = tempfile::tempdir().unwrap();
    let _worker = Worker::join_groups(address, elsewhere.path(), 1, 3);
    coordinator.until("all complete", |state| state.completed.len() == 8).await;
    let grouped = results(&coordinator.state(), 11..15);
    assert_eq!(grouped, alone(&trials, &dataset).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_agent_was_killed_goes_on_from_its_checkpoints_to_the_same_bits() {
    let (coordinator, directory, dataset) = (grouping(), tempfile::tempdir().unwrap(), dataset());
    let trials = four(300, &dataset);
    grant(&coordinator, 1, &dataset, &trials, &BTreeMap::new());
    let address = coordinator.start().await;
    let worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all train", |state| (1..5).all(|token| last_epoch(state, token) > 1)).await;
    let slot = worker.slots()[0];
    drop(worker);
    // Its standard input has closed.
    let is_gone = || std::fs::read(format!("/proc/{slot}/cmdline")).map_or(true, |line| line.is_empty());
    while !is_gone() {
        tokio::task::yield_now().await;
    }
    assert!(coordinator.state().completed.is_empty());
    let checkpoints = newest(&coordinator.state());
    grant(&coordinator, 11, &dataset, &trials, &checkpoints);
    let _worker = Worker::join_groups(address, directory.path(), 1, 4);
    coordinator.until("all complete", |state| state.completed.len() == 4).await;
    let grouped = results(&coordinator.state(), 11..15);
    assert_eq!(grouped, alone(&trials, &dataset).await);
}
