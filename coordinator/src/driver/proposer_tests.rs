//! Samplers that find nothing hold nobody up: they end when nobody wants their answer any more.

use coordinator_core::Reply;
use coordinator_core::Tables;
use sweep_proto::{Axis, Budget, Hyperparameter, Range, SamplerName, Search, Timestamp, Value};

use super::super::step_tests;
use super::*;

fn run_command(engine: &mut Engine, command: &Command) -> Reply {
    let decision = engine.decide(Timestamp(0), command).expect("it is accepted");
    engine.fold(&decision);
    decision.reply
}

/// Launches a search over 2^36 places. Nothing of them fits, unless `is_free`.
fn launch(engine: &mut Engine, is_free: bool) -> SweepId {
    let mut command = step_tests::launch();
    let Command::Launch { spec, .. } = &mut command else { panic!("a launch") };
    let axis = |hyperparameter| {
        let bounds = [1, 4_096].map(Value::Integer);
        Axis::of_range(hyperparameter, Range::new(hyperparameter, bounds, false, None).expect("a range"))
    };
    spec.axes =
        [Hyperparameter::Units, Hyperparameter::BatchSize, Hyperparameter::Embedding].map(axis).into();
    let sampler = if is_free { SamplerName::Random } else { SamplerName::ShuffledGrid };
    if !is_free {
        *spec.constraints = vec!["units > 5000".parse().expect("a constraint")].into();
    }
    let budget = Budget { trials: Some(10), ..Budget::default() };
    spec.search = Some(Box::new(Search { sampler, budget, ..Search::of_grid() }));
    match run_command(engine, &command) {
        Reply::Launched(sweep) => sweep,
        other => panic!("{other:?}"),
    }
}

async fn answer(answers: &mut mpsc::Receiver<Request>) -> Proposed {
    match answers.recv().await {
        Some(Request::Proposed(proposed)) => *proposed,
        _ => panic!("no answer"),
    }
}

// The runtime has one thread: what is called off before the first wait was called off before it began.
#[tokio::test]
async fn what_is_cancelled_is_called_off_and_the_next_sweep_has_its_turn() {
    let (mailbox, mut answers) = mpsc::channel(8);
    let mut proposer = Proposer::start(Thinking::OnThreads, mailbox.downgrade());
    let mut engine = Engine::restore(Tables::default(), Timestamp(0));
    let endless = [launch(&mut engine, false), launch(&mut engine, false)];
    let free = launch(&mut engine, true);
    proposer.ask(&engine);
    assert!(proposer.asked.keys().eq(&endless), "no more are asked at one time");
    for sweep in endless {
        run_command(&mut engine, &Command::Cancel(sweep));
    }
    proposer.ask(&engine);
    for _ in endless {
        let proposed = answer(&mut answers).await;
        assert!(proposed.command.is_none(), "{proposed:?}");
        proposer.answered(&proposed);
    }
    proposer.ask(&engine);
    assert!(proposer.known.keys().eq([&free]), "what was told of cancelled sweeps is forgotten");
    let proposed = answer(&mut answers).await;
    let Some(Command::Propose { sweep, answer: Ok(found), .. }) = proposed.command else {
        panic!("no proposals: {proposed:?}");
    };
    assert_eq!((sweep, found.proposals.len()), (free, 10));
}

#[tokio::test]
async fn the_end_of_the_driver_calls_samplers_off() {
    let (mailbox, mut answers) = mpsc::channel(8);
    let mut proposer = Proposer::start(Thinking::OnThreads, mailbox.downgrade());
    let mut engine = Engine::restore(Tables::default(), Timestamp(0));
    launch(&mut engine, false);
    proposer.ask(&engine);
    drop(proposer);
    let proposed = answer(&mut answers).await;
    assert!(proposed.command.is_none(), "{proposed:?}");
}

#[tokio::test]
async fn a_history_that_is_put_back_after_everything_was_forgotten_is_forgotten_too() {
    let (mailbox, mut answers) = mpsc::channel(8);
    let mut proposer = Proposer::start(Thinking::OnThreads, mailbox.downgrade());
    let mut engine = Engine::restore(Tables::default(), Timestamp(0));
    let sweep = launch(&mut engine, true);
    proposer.ask(&engine);
    let more = proposer.asked[&sweep].known;
    let proposed = answer(&mut answers).await;
    assert!(proposed.is_kept);
    proposer.forget();
    put_history_back(&proposer, &mut answers, &engine, sweep).await;
    proposer.answered(&proposed);
    // A question without a history of its own finds none.
    let mut question = engine.question(sweep, Some(more), 1).expect("it wants proposals");
    assert!(question.begun.is_none());
    question.count = 0;
    assert!(proposer.told.send(Told::Question(Box::new(Put::Sampler(question)))).is_ok());
    assert!(!answer(&mut answers).await.is_kept, "the history is still there");
}

/// Lets the samplers' side keep a history of the sweep that the driver has forgotten, as a sampler does that was being asked then.
async fn put_history_back(
    proposer: &Proposer,
    answers: &mut mpsc::Receiver<Request>,
    engine: &Engine,
    sweep: SweepId,
) {
    let mut question = engine.question(sweep, None, 1).expect("it wants proposals");
    question.count = 0;
    assert!(proposer.told.send(Told::Question(Box::new(Put::Sampler(question)))).is_ok());
    assert!(answer(answers).await.is_kept);
}

#[tokio::test]
async fn a_thread_that_panics_is_answered_and_one_that_never_began_is_not() {
    let (mailbox, _answers) = mpsc::channel(8);
    let mut proposer = Proposer::start(Thinking::OnThreads, mailbox.downgrade());
    let mut engine = Engine::restore(Tables::default(), Timestamp(0));
    let sweep = launch(&mut engine, true);
    proposer.ask(&engine);
    assert!(proposer.asked.contains_key(&sweep));
    let panicked = tokio::task::spawn_blocking(|| panic!("a fault")).await;
    let proposed = came_back(sweep, panicked).expect("the driver waits for an answer");
    assert!(proposed.command.is_none() && !proposed.is_kept, "{proposed:?}");
    proposer.answered(&proposed);
    assert!(!proposer.asked.contains_key(&sweep) && !proposer.known.contains_key(&sweep));

    let never = tokio::spawn(std::future::pending());
    never.abort();
    assert!(came_back(sweep, never.await).is_none());
}
