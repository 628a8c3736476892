//! Groups: each member's bits are those of its trial alone, and one's end is its own.

use std::collections::BTreeMap;

use super::*;

/// What became of a member.
struct MemberOutcome {
    ended: Result<Ended, TrainError>,
    recorder: Recorder,
    /// Its place in the order of the ends.
    order: usize,
}

impl MemberOutcome {
    fn model(&self) -> Vec<u8> {
        let Ok(Ended::Completed(completed)) = &self.ended else { panic!("{:?}", self.ended) };
        fs::read(&completed.model).unwrap()
    }
}

/// One member: its bench, the checkpoint that it goes on from, and when it shall stop.
type Part<'a> = (&'a Bench, Option<&'a [u8]>, &'a dyn StopSignal);

/// Trains them as one group.
fn together(parts: &[Part<'_>]) -> Vec<MemberOutcome> {
    let path = |bench: &Bench, name: &str| bench.directory.path().join(name);
    let mut recorders: Vec<_> = parts.iter().map(|_| Recorder::default()).collect();
    let mut paths = Vec::new();
    for (bench, checkpoint, _) in parts {
        fs::create_dir_all(path(bench, "group")).unwrap();
        checkpoint.iter().for_each(|bytes| fs::write(path(bench, "start"), bytes).unwrap());
        paths.push((path(bench, "dataset"), path(bench, "start"), path(bench, "group")));
    }
    let members = parts.iter().zip(&paths).zip(&mut recorders);
    let members =
        members.map(|(((bench, checkpoint, stop), (dataset, start, directory)), observer)| Member {
            request: TrainRequest {
                spec: &bench.spec,
                dataset,
                checkpoint: checkpoint.map(|_| start.as_path()),
                directory,
                device: DeviceChoice::Cpu,
                until_epoch: None,
            },
            observer,
            stop: *stop,
        });
    let mut ends = BTreeMap::new();
    let members = members.collect();
    train_group(members, &mut |number, ended| {
        let order = ends.len();
        assert!(ends.insert(number, (ended, order)).is_none(), "member {number} ended twice");
    });
    assert_eq!(ends.len(), parts.len(), "every member ends");
    let outcomes = ends.into_values().zip(recorders);
    outcomes.map(|((ended, order), recorder)| MemberOutcome { ended, recorder, order }).collect()
}

static GO_ON: AtomicBool = AtomicBool::new(false);

fn benches() -> [Bench; 4] {
    let configurations = [
        rich(),
        configuration(&[
            (Hyperparameter::Units, Value::Integer(5)),
            (Hyperparameter::Epochs, Value::Integer(2)),
        ]),
        configuration(&[(Hyperparameter::Cell, word("gru")), (Hyperparameter::BatchSize, Value::Integer(7))]),
        rich().with(Hyperparameter::Optimizer, word("sgd")).unwrap(),
    ];
    configurations.map(Bench::new)
}

#[test]
fn a_members_bits_are_those_of_its_trial_alone() {
    let benches = benches();
    let run = &GO_ON;
    for members in 1..=benches.len() {
        let parts: Vec<Part<'_>> = benches[..members].iter().map(|bench| (bench, None, run as _)).collect();
        for (bench, outcome) in benches.iter().zip(together(&parts)) {
            let (_, model, alone) = bench.completed(None);
            assert!(outcome.model() == model, "other weights");
            assert_eq!(figures(&outcome.recorder.epochs), figures(&alone.epochs));
            assert_eq!(outcome.recorder.checkpoints, alone.checkpoints);
        }
    }
}

#[test]
fn members_take_turns_of_one_epoch_and_the_shorter_one_ends_first() {
    let [long, short, ..] = benches();
    let outcomes = together(&[(&long, None, &GO_ON), (&short, None, &GO_ON)]);
    assert_eq!(outcomes.iter().map(|one| one.order).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn divergence_failure_and_stop_of_some_leave_the_others_bits_alone() {
    let [first, second, stopped, waiting] = benches();
    let wild = Bench::new(configuration(&[
        (Hyperparameter::LearningRate, Value::Real(100.0)),
        (Hyperparameter::Optimizer, word("sgd")),
        (Hyperparameter::GradientClip, Value::Real(0.0)),
        (Hyperparameter::WeightDecay, Value::Real(10.0)),
        (Hyperparameter::Epochs, Value::Integer(50)),
    ]));
    let missing = Bench::new(rich());
    fs::remove_file(missing.directory.path().join("dataset")).unwrap();
    let broken = Bench::new(rich());
    let mid_epoch = after(3);
    let checkpoint = first.completed(None).2.checkpoints.remove(1);
    let outcomes = together(&[
        (&wild, None, &GO_ON),
        (&first, Some(&checkpoint), &GO_ON),
        (&missing, None, &GO_ON),
        (&stopped, None, &mid_epoch),
        (&waiting, None, &AtomicBool::new(true)),
        (&broken, Some(b"no checkpoint"), &GO_ON),
        (&second, None, &GO_ON),
    ]);
    assert!(matches!(outcomes[0].ended, Ok(Ended::Diverged { .. })), "{:?}", outcomes[0].ended);
    for (bench, outcome) in [(&first, &outcomes[1]), (&second, &outcomes[6])] {
        let (_, model, alone) = bench.completed(None);
        assert!(outcome.model() == model, "other weights");
        let epochs = &alone.epochs[alone.epochs.len() - outcome.recorder.epochs.len()..];
        assert_eq!(figures(&outcome.recorder.epochs), figures(epochs));
    }
    assert!(matches!(outcomes[2].ended, Err(TrainError::DatasetFile { .. })));
    let Ok(Ended::Stopped { checkpoint: None }) = &outcomes[4].ended else { panic!("not stopped") };
    assert!(outcomes[4].recorder.epochs.is_empty(), "it never had its turn");
    assert!(matches!(outcomes[5].ended, Err(TrainError::Weights { .. })), "{:?}", outcomes[5].ended);
}

#[test]
fn a_member_that_is_stopped_at_any_batch_of_the_others_goes_on_alone_to_the_same_bits() {
    let [one, _, other, _] = benches();
    let (completed, model, whole) = other.completed(None);
    let (_, first_model, _) = one.completed(None);
    let mut halted = Vec::new();
    for batches in 0.. {
        let stop = after(batches);
        let outcomes = together(&[(&one, None, &GO_ON), (&other, None, &stop)]);
        assert!(outcomes[0].model() == first_model, "the other one's stop changed bits");
        let Ok(Ended::Stopped { checkpoint }) = &outcomes[1].ended else { break };
        halted.extend(checkpoint.as_ref().map(|halt| (halt.epoch, halt.batches > 0)));
        let checkpoint = checkpoint.as_ref().map(|halt| fs::read(&halt.path).unwrap());
        let (resumed, resumed_model, rest) = other.completed(checkpoint.as_deref());
        assert_eq!((&resumed.score, &resumed_model), (&completed.score, &model), "after {batches}");
        let epochs = [outcomes[1].recorder.epochs.clone(), rest.epochs].concat();
        assert_eq!(figures(&epochs), figures(&whole.epochs), "after {batches}");
    }
    assert!(halted.contains(&(1, false)) && halted.contains(&(1, true)), "{halted:?}");
}
