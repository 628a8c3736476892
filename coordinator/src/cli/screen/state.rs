//! What the screen knows: a fold over everything that happens. No clock, no terminal, no connection.

use std::time::Duration;

use jiff::civil::Time;
use ratatui::layout::Size;

use super::changes::{self, is_present};
use super::curves::Curves;
use super::keys::Key;
use super::layout::{Layout, Pane};
use super::log::{Change, Log, Tone};
use super::notices;
use super::style::Looks;
use super::text::inert;
use crate::cli::render::status::duration;
use coordinator::json::{Sweep, Worker};

/// Most workers kept: nobody scrolls through more.
const WORKERS_MAX: usize = 1_000;

/// The moment at which something happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Since the watching began, by a clock that never jumps.
    pub(super) since_start: Duration,
    /// The time of day, for display.
    pub(super) time: Time,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// The sweep stands so now.
    Status(Box<Sweep>),
    /// The connection broke, for this reason.
    Lost(String),
    /// These are the workers now.
    Workers(Vec<Worker>),
    /// The coordinator does not tell the workers, for this reason.
    NoWorkers(String),
    /// A key was pressed.
    Key(Key),
    /// The screen has that size now.
    Resized(Size),
    /// Time has passed.
    Tick,
}

/// What is known of the workers.
#[derive(Clone, Debug)]
pub(super) enum Workers {
    /// No answer yet.
    Unknown,
    /// The coordinator does not tell, for this reason.
    Withheld(String),
    /// Those that have not said good-bye, by name.
    Known {
        /// Each as it was told.
        list: Vec<Worker>,
        /// When that was, since the watching began.
        told_at: Duration,
    },
}

/// Everything that is drawn.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) sweep: Sweep,
    /// When its status came, since the watching began.
    pub(super) status_at: Duration,
    /// Since when the connection is lost.
    pub(super) lost_since: Option<Duration>,
    pub(super) curves: Curves,
    pub(super) workers: Workers,
    pub(super) log: Log,
    pub(super) focus: Pane,
    pub(super) shows_help: bool,
    pub(super) now: Now,
    pub(super) looks: Looks,
    /// Rows of each pane that are scrolled past.
    scrolled: [usize; 4],
    size: Size,
    wants_to_leave: bool,
    /// All workers as last told, the departed ones, too.
    workers_told: Option<Vec<Worker>>,
}

impl State {
    /// At the beginning, with the sweep as it stands.
    pub(super) fn new(sweep: Sweep, size: Size, looks: Looks, now: Now) -> Self {
        let mut curves = Curves::default();
        curves.update(&sweep.running);
        let mut log = Log::default();
        log.add(now.time, Change::new(Tone::Note, "watching"));
        Self {
            sweep,
            status_at: now.since_start,
            lost_since: None,
            curves,
            workers: Workers::Unknown,
            log,
            focus: Pane::Running,
            shows_help: false,
            now,
            looks,
            scrolled: [0; 4],
            size,
            wants_to_leave: false,
            workers_told: None,
        }
    }

    /// Whether the user has asked to end the watching.
    pub(super) fn wants_to_leave(&self) -> bool {
        self.wants_to_leave
    }

    /// Takes in what happened.
    pub(super) fn apply(&mut self, happened: Happened, now: Now) {
        self.now = now;
        match happened {
            Happened::Status(sweep) => self.status(*sweep),
            Happened::Lost(reason) => self.lost(&reason),
            Happened::Workers(workers) => self.workers(workers),
            Happened::NoWorkers(reason) => self.workers = Workers::Withheld(inert(&reason)),
            Happened::Key(key) => self.key(key),
            Happened::Resized(size) => self.size = size,
            Happened::Tick => {}
        }
        for pane in Pane::ALL {
            self.scrolled[pane as usize] = self.scrolled[pane as usize].min(self.scrolled_max(pane));
        }
    }

    fn status(&mut self, sweep: Sweep) {
        if let Some(since) = self.lost_since.take() {
            let away = duration(self.now.since_start.saturating_sub(since).as_secs_f64());
            self.note(Change::new(Tone::Good, format!("connected again after {away}")));
        }
        for change in changes::of_sweep(&self.sweep, &sweep, &self.curves) {
            self.note(change);
        }
        self.curves.update(&sweep.running);
        self.sweep = sweep;
        self.status_at = self.now.since_start;
    }

    fn lost(&mut self, reason: &str) {
        if self.lost_since.is_none() {
            self.lost_since = Some(self.now.since_start);
            self.note(Change::new(Tone::Bad, format!("connection lost ({}), trying again", inert(reason))));
        }
    }

    fn workers(&mut self, mut told: Vec<Worker>) {
        // Those that are here come first, so that they are the ones that a bound leaves.
        told.sort_by(|one, other| {
            (!is_present(one), &one.name, &one.id).cmp(&(!is_present(other), &other.name, &other.id))
        });
        told.truncate(WORKERS_MAX);
        // Who was there before the watching began has not come.
        if let Some(before) = self.workers_told.take() {
            for change in changes::of_workers(&before, &told) {
                self.note(change);
            }
        }
        let list = told.iter().filter(|worker| is_present(worker)).cloned().collect();
        self.workers = Workers::Known { list, told_at: self.now.since_start };
        self.workers_told = Some(told);
    }

    fn note(&mut self, change: Change) {
        self.log.add(self.now.time, change);
        // Who reads older lines keeps them before their eyes.
        let scrolled = &mut self.scrolled[Pane::Log as usize];
        if *scrolled > 0 {
            *scrolled += 1;
        }
    }

    fn key(&mut self, key: Key) {
        let seen = self.layout().rows_seen(self.focus).max(1);
        match key {
            Key::Quit => self.wants_to_leave = true,
            Key::Escape if self.shows_help => self.shows_help = false,
            Key::Escape => self.wants_to_leave = true,
            Key::Help => self.shows_help = !self.shows_help,
            Key::Next => self.focus = self.focus.after(1),
            Key::Previous => self.focus = self.focus.after(Pane::ALL.len() - 1),
            Key::Up => self.scroll(|at| at.saturating_sub(1)),
            Key::Down => self.scroll(|at| at + 1),
            Key::PageUp => self.scroll(|at| at.saturating_sub(seen)),
            Key::PageDown => self.scroll(|at| at + seen),
            Key::First => self.scroll(|_| 0),
            Key::Last => self.scroll(|_| usize::MAX),
        }
    }

    /// Moves the pane in focus; beyond its last row it does not go.
    fn scroll(&mut self, to: impl Fn(usize) -> usize) {
        let scrolled = &mut self.scrolled[self.focus as usize];
        *scrolled = to(*scrolled);
    }

    fn scrolled_max(&self, pane: Pane) -> usize {
        self.rows(pane).saturating_sub(self.layout().rows_seen(pane))
    }

    fn layout(&self) -> Layout {
        self.layout_on(self.size)
    }

    /// Where everything stands on a screen of that size.
    pub(super) fn layout_on(&self, size: Size) -> Layout {
        let notices = notices::lines(self, usize::from(Layout::columns(size))).len();
        Layout::of(size, self.focus, Pane::ALL.map(|pane| self.rows(pane)), notices)
    }

    /// How many rows a pane has, seen or not.
    pub(super) fn rows(&self, pane: Pane) -> usize {
        match pane {
            Pane::Best => self.sweep.best.len(),
            Pane::Running => self.sweep.running.len(),
            Pane::Workers => match &self.workers {
                Workers::Known { list, .. } => list.len(),
                Workers::Unknown | Workers::Withheld(_) => 0,
            },
            Pane::Log => self.log.len(),
        }
    }

    /// Rows of a pane that are scrolled past where so many are seen.
    pub(super) fn scrolled(&self, pane: Pane, seen: usize) -> usize {
        self.scrolled[pane as usize].min(self.rows(pane).saturating_sub(seen))
    }
}
