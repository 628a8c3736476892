//! Sweeps and workers for the tests of the screen.

use std::time::Duration;

use jiff::civil::time;
use ratatui::layout::Size;

use super::state::{Happened, Now, State};
use super::style::Looks;
use coordinator::json::{Best, HandBack, Ledger, Lowest, Outlook, Rows, Running, Sweep, Worker};
use sweep_proto::state::Told;
use sweep_proto::{SweepState, TrialState};

/// A moment so many seconds after the beginning, at noon.
pub(super) fn at(seconds: u64) -> Now {
    let since_start = Duration::from_secs(seconds);
    Now { since_start, time: time(12, 0, 0, 0).wrapping_add(since_start) }
}

/// A trial of the sweep after its last epoch.
pub(super) fn running(position: u32, epoch: u32, validation_loss: Option<f64>) -> Running {
    Running {
        trial: format!("3/{position}"),
        attempt: 1,
        label: format!("units {}, embedding 64, replicate {}", 32 << (position % 4), position / 4 + 1),
        worker: format!("worker-{}", position % 3 + 1),
        is_away: false,
        evaluating: false,
        epoch,
        epochs: 10,
        train_loss: validation_loss,
        validation_loss,
        validation_accuracy: validation_loss.map(|loss| 1.0 - loss / 2.0),
    }
}

fn ledger(leased: u64) -> Ledger {
    let mut ledger = Ledger::new(64)
        .with(TrialState::Completed, 11)
        .with(TrialState::Failed, 1)
        .with(TrialState::Diverged, 2)
        .with(TrialState::Leased, leased)
        .with(TrialState::Pending, 50 - leased);
    ledger.reused = 3;
    ledger
}

/// A sweep in its midst.
pub(crate) fn sweep(running: Vec<Running>) -> Sweep {
    let leased = running.len() as u64;
    Sweep {
        id: 3,
        name: "paper-imdb".to_owned(),
        state: SweepState::Open.into(),
        ledger: ledger(leased),
        created_at_ms: 1_790_000_000_000,
        ended_at_ms: None,
        running,
        best: (0..4).map(best).collect(),
        eta_seconds: Some(3_725.0),
        eta_low_seconds: Some(3_010.0),
        eta_high_seconds: Some(4_440.0),
        outlook: Outlook::Ends,
        no_worker_since_ms: None,
        running_seconds: 2_400.0,
        chosen: None,
        test: None,
        workers: 3,
        slots: 6,
        epochs_done: 247,
        epochs_planned: Some(640),
        data: None,
        replicates: 3,
        best_trial: None,
        lowest: Some(Lowest {
            trial: "3/17".to_owned(),
            label: "units 64, embedding 64 replicate=1".to_owned(),
            validation_loss: Some(0.2987),
            objective: Some(0.2987),
        }),
        objective: sweep_proto::Objective::default(),
        further_objectives: Vec::new(),
        rows: Some(Rows { train: 22_500, validation: 2_500, test: 25_000 }),
        warnings: Vec::new(),
        held: None,
        handed_back: Vec::new(),
        earlier_choices: Vec::new(),
        matters_most: None,
        owner: Some("this machine".to_owned()),
        owner_label: None,
        priority: 0,
        search: None,
    }
}

fn best(rank: u32) -> Best {
    Best {
        label: format!("units {}, embedding 64", 256 >> rank),
        completed: 3,
        validation_loss: Some(0.3122 + 0.0191 * f64::from(rank)),
        validation_accuracy: Some(0.871 - 0.0123 * f64::from(rank)),
        objective: Some(0.3122 + 0.0191 * f64::from(rank)),
    }
}

/// A hand-back for that reason.
pub(super) fn hand_back(reason: &str) -> HandBack {
    HandBack {
        trial: "3/9".to_owned(),
        attempt: 1,
        worker: "worker-2".to_owned(),
        how: "handed back".to_owned(),
        at_ms: Some(1_790_000_060_000),
        reason: reason.to_owned(),
    }
}

/// A worker of that number.
pub(super) fn worker(number: u32, state: &str) -> Worker {
    Worker {
        id: format!("00000000-0000-0000-0000-{number:012}"),
        name: format!("worker-{number}"),
        state: Told::of(state),
        build: "0.1.0".to_owned(),
        slots: 2,
        devices: vec![format!("cpu:0 Example CPU {number}")],
        last_seen_ms: 1_200 * u64::from(number),
        trials: vec![format!("3/{number}")],
    }
}

/// A state at the beginning, without colour.
pub(super) fn begun(sweep: Sweep, width: u16, height: u16) -> State {
    State::new(sweep, Size::new(width, height), Looks { colour: false }, at(0))
}

/// What a screen of that size shows in the midst of a sweep.
pub(super) fn midst(width: u16, height: u16) -> State {
    let mut state = begun(sweep(vec![running(4, 0, None), running(5, 1, Some(0.81))]), width, height);
    let workers = vec![worker(1, "ready"), worker(2, "ready"), worker(4, "departed")];
    state.apply(Happened::Workers(workers), at(1));
    for epoch in 2..=7 {
        let losses = [0.74, 0.62, 0.55, 0.49, 0.43, 0.45];
        let trial = running(5, epoch, Some(losses[epoch as usize - 2]));
        let other = running(4, epoch / 2, Some(1.1 - f64::from(epoch) / 20.0));
        state.apply(Happened::Status(Box::new(sweep(vec![other, trial]))), at(u64::from(epoch)));
    }
    state.apply(Happened::Lost("transport error".to_owned()), at(9));
    let mut after = sweep(vec![running(4, 4, Some(0.7)), running(6, 0, None)]);
    *after.ledger.of_mut(TrialState::Completed) += 1;
    after.best.rotate_left(1);
    state.apply(Happened::Status(Box::new(after)), at(14));
    let workers = vec![worker(1, "ready"), worker(2, "lost"), worker(3, "ready"), worker(4, "departed")];
    state.apply(Happened::Workers(workers), at(15));
    state
}
