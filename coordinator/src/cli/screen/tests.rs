//! What the screen shows at each size, and that nothing that happens breaks it.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;
use ratatui::style::Color;

use super::draw::draw;
use super::examples::{at, begun, hand_back, midst, running, sweep, worker};
use super::keys::Key;
use super::layout::Pane;
use super::state::{Happened, State};
use super::style::Looks;
use coordinator::json::{HandBack, Ledger, Outlook, Sweep, Warning, Worker};
use sweep_proto::TrialState::{Completed, Diverged, Failed, Pending};
use sweep_proto::state::Told;

/// Escape sequences, line ends, characters that turn the order of others, wide, joined and zero-width ones.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{9b}31m\u{202e}evil\u{2066}\u{2028}감성👩‍💻e\u{301}\u{301}\u{200b}\0";

fn drawn(state: &State, width: u16, height: u16) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(state, frame)).expect("drawn");
    terminal.backend().clone()
}

#[test]
fn a_screen_of_each_size() {
    for (width, height) in [(1, 1), (20, 5), (40, 12), (80, 24), (160, 50)] {
        insta::assert_snapshot!(format!("{width}x{height}"), drawn(&midst(width, height), width, height));
    }
}

#[test]
fn a_sweep_that_waits_for_workers() {
    let mut waiting = sweep(Vec::new());
    waiting.ledger = Ledger::new(64).with(Pending, 64);
    (waiting.best, waiting.eta_seconds, waiting.workers, waiting.epochs_done) = (Vec::new(), None, 0, 0);
    waiting.outlook = Outlook::NoWorker;
    let mut state = begun(waiting, 80, 24);
    state.apply(Happened::Workers(Vec::new()), at(1));
    insta::assert_snapshot!(drawn(&state, 80, 24));
}

#[test]
fn what_must_be_known_beside_the_answer_stands_above_it() {
    let mut sweep = sweep(vec![running(4, 3, Some(0.7))]);
    sweep.warnings = vec![Warning {
        kind: "still_learning".to_owned(),
        text: "9 of 11 completed trials had their lowest validation loss in their last epoch.".to_owned(),
    }];
    sweep.handed_back = vec![hand_back("this machine's disk refuses")];
    let mut state = begun(sweep.clone(), 80, 30);
    sweep.handed_back.insert(0, HandBack { attempt: 2, ..hand_back("no space left on device") });
    state.apply(Happened::Status(Box::new(sweep)), at(3));
    insta::assert_snapshot!(drawn(&state, 80, 30));
}

#[test]
fn a_lost_connection_and_the_help() {
    let mut state = midst(80, 24);
    state.apply(Happened::Lost("tcp connect error".to_owned()), at(20));
    state.apply(Happened::NoWorkers("the token does not allow it".to_owned()), at(21));
    state.apply(Happened::Key(Key::Help), at(32));
    insta::assert_snapshot!(drawn(&state, 80, 24));
}

/// A sweep and workers that are told by a coordinator or named by people who mean harm.
fn hostile(text: &str) -> (Sweep, Vec<Worker>) {
    let mut trial = running(7, 3, Some(f64::MAX));
    (trial.trial, trial.label, trial.worker) = (text.to_owned(), text.to_owned(), text.repeat(99));
    let mut hostile = sweep(vec![trial, running(8, u32::MAX, Some(f64::MIN_POSITIVE))]);
    (hostile.name, hostile.state) = (text.to_owned(), Told::of(text));
    hostile.best[0].label = text.to_owned();
    hostile.handed_back = vec![hand_back(text)];
    hostile.warnings = vec![Warning { kind: text.to_owned(), text: text.to_owned() }];
    (hostile.eta_seconds, hostile.epochs_done) = (Some(f64::MAX), u64::MAX);
    let mut one = worker(1, text);
    (one.name, one.devices, one.last_seen_ms) = (text.to_owned(), vec![text.to_owned()], u64::MAX);
    one.trials = vec![text.to_owned(); 9];
    (hostile, vec![one])
}

#[test]
fn what_strangers_write_is_inert() {
    for (width, height) in [(80, 24), (160, 50), (20, 9)] {
        let mut state = midst(width, height);
        let (sweep, workers) = hostile(HOSTILE);
        state.apply(Happened::Status(Box::new(sweep)), at(16));
        state.apply(Happened::Workers(workers), at(17));
        state.apply(Happened::Lost(HOSTILE.to_owned()), at(18));
        let backend = drawn(&state, width, height);
        for cell in &backend.buffer().content {
            let is_hostile =
                |one: char| one.is_control() || matches!(one, '\u{2028}'..='\u{202e}' | '\u{2066}');
            assert!(!cell.symbol().contains(is_hostile), "{:?}", cell.symbol());
        }
        insta::assert_snapshot!(format!("hostile_{width}x{height}"), backend);
    }
}

#[test]
fn without_colour_there_is_none_and_with_it_only_the_terminals_own() {
    let own = [Color::Reset, Color::Red, Color::Green, Color::Yellow, Color::Cyan];
    for colour in [false, true] {
        let mut state = midst(80, 24);
        state.looks = Looks { colour };
        let backend = drawn(&state, 80, 24);
        let seen = |cell: &ratatui::buffer::Cell| (cell.fg, cell.bg);
        let colours: Vec<_> = backend.buffer().content.iter().map(seen).collect();
        assert!(colours.iter().all(|(fore, back)| own.contains(fore) && *back == Color::Reset));
        assert_eq!(colours.iter().any(|(fore, _)| *fore != Color::Reset), colour);
    }
}

fn keys() -> impl Strategy<Value = Key> {
    use Key::{Down, Escape, First, Help, Last, Next, PageDown, PageUp, Previous, Quit, Up};
    prop::sample::select(vec![Down, Escape, First, Help, Last, Next, PageDown, PageUp, Previous, Quit, Up])
}

prop_compose! {
    fn sweeps()(
        name in ".{0,40}",
        state in prop::sample::select(vec!["open", "paused", "evaluating", "finished", "?"]),
        counts in prop::array::uniform5(prop_oneof![0..90_u64, Just(u64::MAX / 8)]),
        trials in prop::collection::vec((0..40_u32, 0..12_u32, prop::option::of(prop::num::f64::ANY), ".{0,30}"), 0..30),
        best in prop::option::of(prop::num::f64::ANY),
        eta_seconds in prop::option::of(prop::num::f64::ANY),
        epochs in prop::array::uniform2(any::<u64>()),
    ) -> Sweep {
        let [completed, failed, diverged, pending, reused] = counts;
        let trials = trials.into_iter().map(|(position, epoch, loss, label)| {
            let mut trial = running(position, epoch, loss);
            (trial.attempt, trial.evaluating, trial.label) = (epoch, position % 7 == 0, label);
            trial
        });
        let mut sweep = sweep(trials.collect());
        let counts = [(Completed, completed), (Failed, failed), (Diverged, diverged), (Pending, pending)];
        sweep.ledger = counts.into_iter().fold(Ledger::new(pending), |ledger, (state, trials)| ledger.with(state, trials));
        sweep.ledger.reused = reused;
        (sweep.name, sweep.state, sweep.eta_seconds) = (name, Told::of(state), eta_seconds);
        (sweep.epochs_done, sweep.epochs_planned) = (epochs[0], Some(epochs[1]));
        sweep.best[0].validation_loss = best;
        sweep
    }
}

prop_compose! {
    fn workers()(of in prop::collection::vec((0..9_u32, ".{0,12}", any::<u64>(), ".{0,30}"), 0..20)) -> Vec<Worker> {
        of.into_iter().map(|(number, state, last_seen_ms, name)| {
            Worker { name, last_seen_ms, ..worker(number, &state) }
        }).collect()
    }
}

fn happenings() -> impl Strategy<Value = Happened> {
    prop_oneof![
        3 => sweeps().prop_map(|sweep| Happened::Status(Box::new(sweep))),
        2 => workers().prop_map(Happened::Workers),
        4 => keys().prop_map(Happened::Key),
        1 => ".{0,60}".prop_map(Happened::Lost),
        1 => ".{0,60}".prop_map(Happened::NoWorkers),
        1 => (0..200_u16, 0..70_u16).prop_map(|(width, height)| Happened::Resized(Size::new(width, height))),
        1 => Just(Happened::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Drawn after each step, on a screen whose size need not be the one that was told last.
    #[test]
    fn nothing_that_happens_breaks_the_screen_at_any_size(
        first in sweeps(),
        steps in prop::collection::vec((happenings(), 0..u64::MAX / 2_000), 0..24),
        sizes in prop::collection::vec((0..190_u16, 0..60_u16), 4),
    ) {
        let mut state = begun(first, 80, 24);
        for (happened, seconds) in steps {
            state.apply(happened, at(seconds));
            for (width, height) in &sizes {
                drawn(&state, *width, *height);
            }
            for pane in Pane::ALL {
                prop_assert!(state.scrolled(pane, 0) <= state.rows(pane));
            }
        }
    }
}
