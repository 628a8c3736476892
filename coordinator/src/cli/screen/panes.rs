//! The lines of each pane.

use std::ops::Range;

use coordinator_core::limits::LEASE_TTL_MS;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::columns::{Cell, Column, table};
use super::layout::Pane;
use super::log::Entry;
use super::state::{State, Workers};
use super::style::{faint, strong};
use super::text::{cut, inert};
use crate::cli::render::status::{duration, number, percent, worker_of};
use coordinator::json::{Best, Running, Worker};

/// Columns for a curve of losses.
const CURVE_COLUMNS: usize = 24;
/// Columns for a name.
const NAME_COLUMNS: usize = 20;
/// Columns for the words that stretch.
const WORDS_COLUMNS: usize = 400;
/// Silence of a worker that is worth a look: half of that after which its trials go to others.
const SILENCE_MS: u64 = LEASE_TTL_MS / 2;

/// The best configurations; `figure` is the loss, or an objective that has no other column.
const fn best_columns(figure: &'static str) -> [Column; 5] {
    [
        Column::numbers("RANK", 1, 4),
        Column::numbers(figure, 5, 12),
        Column::numbers("ACCURACY", 3, 9),
        Column::numbers("REPLICATES", 2, 10),
        Column::words("CONFIGURATION", 4, WORDS_COLUMNS),
    ]
}

const RUNNING: [Column; 7] = [
    Column::words("TRIAL", 7, 12),
    Column::numbers("EPOCH", 6, 11),
    Column::numbers("LOSS", 5, 12),
    Column::words("OVER EPOCHS", 4, CURVE_COLUMNS),
    Column::numbers("ACCURACY", 2, 9),
    Column::words("WORKER", 1, NAME_COLUMNS),
    Column::words("CONFIGURATION", 3, WORDS_COLUMNS),
];

const WORKERS: [Column; 6] = [
    Column::words("NAME", 6, NAME_COLUMNS),
    Column::words("STATE", 5, 12),
    Column::numbers("BUSY", 4, 9),
    Column::numbers("HEARD", 3, 14),
    Column::words("TRIALS", 2, NAME_COLUMNS),
    Column::words("DEVICES", 1, WORDS_COLUMNS),
];

/// The lines below a pane's title: `seen` rows from where it is scrolled to, each at most `width` columns.
pub(super) fn lines(state: &State, pane: Pane, width: usize, seen: usize) -> Vec<Line<'static>> {
    let (first, count) = (state.scrolled(pane, seen), state.rows(pane));
    let shown = first.min(count)..first.saturating_add(seen).min(count);
    match pane {
        Pane::Best => best(state, shown, width),
        Pane::Running => running(state, shown, width),
        Pane::Workers => workers(state, shown, width),
        Pane::Log => log(state, shown, width),
    }
}

fn best(state: &State, shown: Range<usize>, width: usize) -> Vec<Line<'static>> {
    if state.sweep.best.is_empty() {
        return empty("none yet: no trial has completed");
    }
    let ranked = shown.clone().zip(&state.sweep.best[shown]);
    let rows: Vec<_> = ranked.map(|(at, best)| of_best(state, best, at + 1)).collect();
    let figure = if state.sweep.has_other_objective() { state.sweep.objective.words() } else { "LOSS" };
    table(&best_columns(figure), &rows, faint(), width)
}

fn running(state: &State, shown: Range<usize>, width: usize) -> Vec<Line<'static>> {
    if state.sweep.running.is_empty() {
        return empty("none");
    }
    let rows: Vec<_> = state.sweep.running[shown].iter().map(|trial| of_trial(state, trial)).collect();
    table(&RUNNING, &rows, faint(), width)
}

fn workers(state: &State, shown: Range<usize>, width: usize) -> Vec<Line<'static>> {
    match &state.workers {
        Workers::Unknown => empty("asking the coordinator"),
        Workers::Withheld(reason) => empty(&format!("not told: {reason}")),
        Workers::Known { list, .. } if list.is_empty() => {
            empty("none: `sweep-worker join` on any machine brings one")
        }
        Workers::Known { list, told_at } => {
            let since = state.now.since_start.saturating_sub(*told_at).as_millis() as u64;
            let rows: Vec<_> = list[shown].iter().map(|worker| of_worker(state, worker, since)).collect();
            table(&WORKERS, &rows, faint(), width)
        }
    }
}

fn log(state: &State, shown: Range<usize>, width: usize) -> Vec<Line<'static>> {
    let entries = state.log.entries().skip(shown.start).take(shown.len());
    let line = |entry: &Entry| {
        let (mark, style) = state.looks.mark(entry.change.tone);
        let spans = vec![
            Span::styled(entry.at.strftime("%H:%M:%S ").to_string(), faint()),
            Span::styled(mark, style),
            Span::raw(format!(" {}", entry.change.text)),
        ];
        cut(spans, width)
    };
    entries.map(line).collect()
}

fn empty(text: &str) -> Vec<Line<'static>> {
    vec![Line::styled(text.to_owned(), faint())]
}

fn of_best(state: &State, best: &Best, rank: usize) -> [Cell; 5] {
    let looks = state.looks;
    let style = if rank == 1 { looks.good().patch(strong()) } else { Style::new() };
    let sweep = &state.sweep;
    let figure = match best {
        best if sweep.has_other_objective() => sweep.told_value(best.objective),
        best => number(best.validation_loss),
    };
    [
        (rank.to_string(), faint()),
        (figure, style),
        (percent(best.validation_accuracy), style),
        (replicates(state, best), Style::new()),
        (inert(&best.label), style),
    ]
}

/// `2/3`: of a mean, how many of the planned replicates stand behind it.
fn replicates(state: &State, best: &Best) -> String {
    match u64::from(state.sweep.replicates) {
        planned if planned >= best.completed => format!("{}/{planned}", best.completed),
        _ => best.completed.to_string(),
    }
}

fn of_trial(state: &State, trial: &Running) -> [Cell; 7] {
    let plain = Style::new();
    let epoch =
        if trial.evaluating { "test".to_owned() } else { format!("{}/{}", trial.epoch, trial.epochs) };
    let curve = if trial.evaluating { String::new() } else { state.curves.line(&trial.trial, CURVE_COLUMNS) };
    [
        (inert(&trial.trial), strong()),
        (epoch, plain),
        (number(trial.validation_loss), plain),
        (curve, state.looks.accent()),
        (percent(trial.validation_accuracy), plain),
        (inert(&worker_of(trial)), if trial.is_away { state.looks.warning() } else { plain }),
        (inert(&trial.label), plain),
    ]
}

/// A worker, `since_ms` after the coordinator told of it.
fn of_worker(state: &State, worker: &Worker, since_ms: u64) -> [Cell; 6] {
    let (looks, plain) = (state.looks, Style::new());
    let silent_ms = worker.last_seen_ms.saturating_add(since_ms);
    let silent_seconds = silent_ms / 1_000;
    let heard = if silent_seconds < 60 {
        format!("{silent_seconds} s ago")
    } else {
        format!("{} ago", duration(silent_seconds as f64))
    };
    [
        (inert(&worker.name), strong()),
        (inert(worker.state.words()), looks.of_state(worker.state.tone())),
        (format!("{}/{}", worker.trials.len(), worker.slots), plain),
        (heard, if silent_ms >= SILENCE_MS { looks.warning() } else { plain }),
        (inert(&worker.trials.join(" ")), plain),
        (inert(&worker.devices.join(", ")), plain),
    ]
}
