//! What the fold makes of what happens, told by its log.

use ratatui::layout::Size;

use super::examples::{at, begun, midst, running, sweep, worker};
use super::keys::Key;
use super::layout::Pane;
use super::state::{Happened, State};
use coordinator::json::{Sweep, Worker};
use sweep_proto::{SweepState, TrialState};

/// Lines added to the log by something that happens, oldest first.
fn added(state: &mut State, happened: Happened) -> Vec<String> {
    let before = state.log.len();
    state.apply(happened, at(60));
    let count = state.log.len() - before;
    let mut lines: Vec<_> = state.log.entries().take(count).map(|entry| entry.change.text.clone()).collect();
    lines.reverse();
    lines
}

/// Lines for the change from one status to another one.
fn told(before: Sweep, after: Sweep) -> Vec<String> {
    added(&mut begun(before, 80, 24), Happened::Status(Box::new(after)))
}

/// Trials 0, 1 and 2 run, after their fourth epoch.
fn three() -> Sweep {
    sweep((0..3).map(|position| running(position, 4, Some(0.5))).collect())
}

/// The same a moment later, without the first `gone` of them.
fn without(gone: usize, change: impl FnOnce(&mut Sweep)) -> Sweep {
    let mut after = three();
    after.running.drain(..gone);
    change(&mut after);
    after
}

#[test]
fn trials_that_ended_alike_are_named() {
    assert_eq!(
        told(three(), without(1, |sweep| *sweep.ledger.of_mut(TrialState::Completed) += 1)),
        ["trial 3/0 completed, lowest loss seen 0.5000: units 32, embedding 64, replicate 1"]
    );
    assert_eq!(
        told(three(), without(1, |sweep| *sweep.ledger.of_mut(TrialState::Failed) += 3)),
        ["trial 3/0 failed: units 32, embedding 64, replicate 1", "2 trials failed"]
    );
}

#[test]
fn trials_that_may_have_ended_either_way_are_counted() {
    let after = without(2, |sweep| {
        *sweep.ledger.of_mut(TrialState::Completed) += 1;
        *sweep.ledger.of_mut(TrialState::Diverged) += 1;
    });
    assert_eq!(told(three(), after), ["1 trial completed", "1 trial diverged"]);
    let after = without(2, |sweep| *sweep.ledger.of_mut(TrialState::Completed) += 1);
    assert_eq!(told(three(), after), ["1 trial completed"]);
}

#[test]
fn trials_that_changed_hands_are_told() {
    assert_eq!(told(three(), without(1, |_| {})), ["trial 3/0 was handed back"]);
    let after = without(0, |sweep| {
        sweep.running[1].attempt = 2;
        sweep.running[1].worker = "worker-9".to_owned();
    });
    assert_eq!(told(three(), after), ["trial 3/1 goes on at worker-9, attempt 2"]);
}

#[test]
fn states_and_better_configurations_are_told() {
    let after = without(0, |sweep| {
        sweep.state = SweepState::Paused.into();
        sweep.ledger.planned = 128;
        sweep.best.remove(0);
    });
    assert_eq!(
        told(three(), after),
        [
            "best so far, loss 0.3313 (3 replicates): units 128, embedding 64",
            "the sweep was extended to 128 trials",
            "the sweep is paused"
        ]
    );
}

fn workers(states: &[(u32, &str)]) -> Vec<Worker> {
    states.iter().map(|(number, state)| worker(*number, state)).collect()
}

#[test]
fn workers_that_come_and_go_are_told() {
    let mut state = begun(three(), 80, 24);
    let first = workers(&[(1, "ready"), (2, "ready"), (3, "lost"), (4, "departed")]);
    assert!(added(&mut state, Happened::Workers(first)).is_empty(), "they were there before");
    let second = workers(&[(2, "draining"), (3, "ready"), (4, "departed"), (5, "ready")]);
    assert_eq!(
        added(&mut state, Happened::Workers(second)),
        [
            "worker worker-1 is gone",
            "worker worker-2 hands back its trials to leave",
            "worker worker-3 is back with 2 slots",
            "worker worker-5 joined with 2 slots"
        ]
    );
    let third = workers(&[(2, "departed"), (3, "resting"), (4, "departed"), (5, "lost")]);
    assert_eq!(
        added(&mut state, Happened::Workers(third)),
        [
            "worker worker-3 rests: trials failed on it one after another",
            "worker worker-5 is lost: not heard for 6.0 s",
            "worker worker-2 left"
        ]
    );
    assert_eq!(state.rows(Pane::Workers), 2);
}

#[test]
fn a_lost_connection_is_told_once_and_its_return_with_the_time_it_took() {
    let mut state = begun(three(), 80, 24);
    state.apply(Happened::Lost("reset".to_owned()), at(30));
    assert!(added(&mut state, Happened::Lost("refused".to_owned())).is_empty());
    assert!(state.lost_since.is_some());
    assert_eq!(added(&mut state, Happened::Status(Box::new(three()))), ["connected again after 30 s"]);
    assert!(state.lost_since.is_none());
}

fn press(state: &mut State, keys: &[Key]) {
    for key in keys {
        state.apply(Happened::Key(*key), at(20));
    }
}

#[test]
fn escape_closes_the_help_before_it_quits() {
    let mut state = midst(80, 24);
    press(&mut state, &[Key::Help, Key::Escape]);
    assert!(!state.shows_help && !state.wants_to_leave());
    press(&mut state, &[Key::Escape]);
    assert!(state.wants_to_leave());
}

#[test]
fn the_focus_goes_round() {
    let mut state = midst(80, 24);
    let mut seen = Vec::new();
    for _ in Pane::ALL {
        press(&mut state, &[Key::Next]);
        seen.push(state.focus);
    }
    assert_eq!(seen, [Pane::Workers, Pane::Log, Pane::Best, Pane::Running]);
    press(&mut state, &[Key::Previous]);
    assert_eq!(state.focus, Pane::Best);
}

#[test]
fn a_pane_scrolls_to_its_last_row_and_no_further() {
    let mut state = begun(sweep((0..30).map(|at| running(at, 1, None)).collect()), 80, 24);
    press(&mut state, &[Key::Last, Key::Down, Key::PageDown]);
    let seen = state.layout_on(Size::new(80, 24)).rows_seen(Pane::Running);
    assert!((1..20).contains(&seen));
    assert_eq!(state.scrolled(Pane::Running, seen), 30 - seen);
    press(&mut state, &[Key::Up]);
    assert_eq!(state.scrolled(Pane::Running, seen), 29 - seen);
    press(&mut state, &[Key::First]);
    assert_eq!(state.scrolled(Pane::Running, seen), 0);
    press(&mut state, &[Key::Down]);
    state.apply(Happened::Status(Box::new(three())), at(21));
    assert_eq!(state.scrolled(Pane::Running, 3), 0, "what is gone is not scrolled past");
}

#[test]
fn who_reads_older_lines_keeps_them_when_new_ones_come() {
    let mut state = midst(80, 12);
    press(&mut state, &[Key::Next, Key::Next, Key::Down]);
    let seen = state.layout_on(Size::new(80, 12)).rows_seen(Pane::Log);
    let top = |state: &State| state.log.entries().nth(state.scrolled(Pane::Log, seen)).cloned();
    let before = top(&state);
    state.apply(Happened::Lost("reset".to_owned()), at(22));
    assert_eq!(top(&state), before);
}
