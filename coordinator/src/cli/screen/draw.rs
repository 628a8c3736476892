//! Draws what is known onto a screen of any size.

use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::keys;
use super::layout::Pane;
use super::notices;
use super::panes;
use super::state::{State, Workers};
use super::style::{faint, strong};
use super::text::{columns_of, cut, fit, inert};
use crate::cli::render::status::{brief_time_left, lowest_trial, time_left};
use crate::cli::render::table::Align;
use coordinator::json::{Count, Sweep};
use sweep_proto::{SweepState, TrialState};

/// Columns that the name of a sweep keeps beside the state of the connection.
const NAME_COLUMNS_MIN: usize = 20;
/// Columns that the bar keeps beside words.
const BAR_COLUMNS_MIN: usize = 10;
/// Columns of a line from which the interval of the time that is left is shown.
const INTERVAL_COLUMNS_MIN: usize = 100;

/// Draws everything.
pub(super) fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let layout = state.layout_on(Size::new(area.width, area.height));
    let lines = [
        (layout.title, title as Part),
        (layout.progress, progress),
        (layout.counts, counts),
        (layout.keys, keys),
    ];
    for (place, part) in lines {
        if let Some(place) = place {
            frame.render_widget(part(state, usize::from(place.width)), place);
        }
    }
    if let Some(place) = layout.notices {
        let lines = notices::shown(state, usize::from(place.width), usize::from(place.height));
        frame.render_widget(Paragraph::new(lines), place);
    }
    for pane in Pane::ALL {
        if let Some(place) = layout.pane(pane) {
            let mut lines = vec![pane_title(state, pane, place)];
            lines.extend(panes::lines(state, pane, usize::from(place.width), layout.rows_seen(pane)));
            frame.render_widget(Paragraph::new(lines), place);
        }
    }
    if state.shows_help {
        help(state, frame);
    }
}

/// One line of a part of the screen, for so many columns.
type Part = fn(&State, usize) -> Line<'static>;

/// `sweep 3  paper-imdb  open                    ● connected`.
fn title(state: &State, width: usize) -> Line<'static> {
    let looks = state.looks;
    let (connection, style) = match state.lost_since {
        None => ("● connected".to_owned(), looks.good()),
        Some(since) => {
            let away = state.now.since_start.saturating_sub(since).as_secs();
            (format!("○ connection lost {away} s ago, trying again"), looks.bad().patch(strong()))
        }
    };
    let left = vec![
        Span::styled(format!("sweep {}  ", state.sweep.id), faint()),
        Span::styled(inert(&state.sweep.name), strong()),
        Span::raw("  "),
        Span::styled(inert(&state.sweep.standing()), standing_style(state)),
    ];
    let room = width.saturating_sub(columns_of(&connection) + 2);
    if room < NAME_COLUMNS_MIN {
        return cut(left, width);
    }
    let mut line = cut(left, room);
    let gap = width.saturating_sub(line.width() + columns_of(&connection));
    line.push_span(Span::raw(" ".repeat(gap)));
    line.push_span(Span::styled(connection, style));
    line
}

/// The time that is left, with its interval where the line has room for it.
fn left(sweep: &Sweep, since: f64, width: usize) -> Option<String> {
    if width >= INTERVAL_COLUMNS_MIN {
        return time_left(sweep, since);
    }
    brief_time_left(sweep, since)
}

fn standing_style(state: &State) -> Style {
    if state.sweep.is_unattended() {
        state.looks.warning()
    } else {
        state.looks.of_state(state.sweep.state.tone())
    }
}

/// `━━━━━━━╸─────────  38 %  247 of 640 epochs  3 min 20 s left`. Epochs move the bar, because trials end rarely and
/// all at once.
fn progress(state: &State, width: usize) -> Line<'static> {
    let sweep = &state.sweep;
    let fraction = sweep.share_done();
    let since = state.now.since_start.saturating_sub(state.status_at).as_secs_f64();
    let left = match sweep.state.known() {
        _ if sweep.held.is_some() => {
            format!("  held: {}", inert(sweep.held.as_deref().unwrap_or_default()))
        }
        _ if sweep.is_unattended() => "  waiting for workers".to_owned(),
        Some(SweepState::Evaluating) => "  measuring on the test split".to_owned(),
        _ => left(sweep, since, width).map_or_else(String::new, |left| format!("  {left} left")),
    };
    let epochs = format!("  {} epochs", sweep.epochs_told_as(|count| count.to_string()));
    let percent = format!(" {:>3.0} %", (fraction * 100.0).floor());
    // What does not leave the bar enough room is left out, the time that is left last.
    let mut room = width.saturating_sub(columns_of(&percent));
    let mut words = Vec::new();
    for (text, style) in [(left, Style::new()), (epochs, faint())] {
        if room >= BAR_COLUMNS_MIN + columns_of(&text) {
            room -= columns_of(&text);
            words.insert(0, Span::styled(text, style));
        }
    }
    let mut spans = bar(state, fraction, room);
    spans.push(Span::styled(percent, strong()));
    spans.append(&mut words);
    cut(spans, width)
}

/// A bar in half columns: one of 40 columns has 80 steps.
fn bar(state: &State, fraction: f64, columns: usize) -> Vec<Span<'static>> {
    let halves = (fraction * (2 * columns) as f64) as usize;
    let half = if halves % 2 == 1 { "╸" } else { "" };
    vec![
        Span::styled(format!("{}{half}", "━".repeat(halves / 2)), state.looks.accent()),
        Span::styled("─".repeat(columns - halves.div_ceil(2)), faint()),
    ]
}

/// `15 of 64 trials  12 completed (3 reused)  1 failed  2 running  48 waiting`.
fn counts(state: &State, width: usize) -> Line<'static> {
    let whole = counted(state, true);
    let line = if Line::from(whole.clone()).width() > width { counted(state, false) } else { whole };
    cut(line, width)
}

fn counted(state: &State, tells_reused: bool) -> Vec<Span<'static>> {
    let (ledger, looks) = (&state.sweep.ledger, state.looks);
    let told = |count: Count<'_>| {
        let reused = (tells_reused && ledger.reused > 0 && count.state == TrialState::Completed)
            .then(|| format!(" ({} reused)", ledger.reused));
        let (words, style) = if count.is_away {
            ("not connected".to_owned(), looks.warning())
        } else {
            (inert(count.words), looks.of_state(count.state.tone()))
        };
        Span::styled(format!("  {} {words}{}", count.trials, reused.unwrap_or_default()), style)
    };
    let mut spans = vec![Span::styled(
        format!("{} trials", state.sweep.trials_ended_as(|count| count.to_string())),
        strong(),
    )];
    spans.extend(ledger.counts().map(told));
    spans
}

fn keys(state: &State, width: usize) -> Line<'static> {
    let mut spans = Vec::new();
    for (key, what) in [("q", "quit"), ("?", "help"), ("Tab", "next pane"), ("↑↓", "scroll")] {
        spans.push(Span::styled(key, state.looks.accent().patch(strong())));
        spans.push(Span::styled(format!(" {what}   "), faint()));
    }
    cut(spans, width)
}

/// `── running 3 of 30 ──────────`, marked where it has the focus.
fn pane_title(state: &State, pane: Pane, place: Rect) -> Line<'static> {
    let (looks, width) = (state.looks, usize::from(place.width));
    let has_focus = pane == state.focus;
    let rule = if has_focus { looks.accent() } else { faint() };
    let name = match pane {
        Pane::Best => "best configurations",
        Pane::Running => "running trials",
        Pane::Workers => "workers",
        Pane::Log => "what happened",
    };
    let seen = usize::from(place.height.saturating_sub(pane.lines_above()));
    let count = state.rows(pane);
    let first = state.scrolled(pane, seen);
    let range = match (count, pane) {
        _ if matches!((pane, &state.workers), (Pane::Workers, Workers::Unknown | Workers::Withheld(_))) => {
            String::new()
        }
        (count, _) if count > seen => format!("{}–{} of {count} ", first + 1, first + seen),
        (_, Pane::Log) => String::new(),
        (count, _) => format!("{count} "),
    };
    // One seed of one configuration, where the pane has means.
    let beside = lowest_trial(&state.sweep).filter(|_| pane == Pane::Best);
    let beside = beside.map(|lowest| format!("{lowest} ")).unwrap_or_default();
    let mark = if has_focus { "▸ " } else { "─ " };
    let name_style = if has_focus { looks.accent().patch(strong()) } else { strong() };
    let spans = vec![
        Span::styled(mark, rule),
        Span::styled(format!("{name} "), name_style),
        Span::styled(range, faint()),
        Span::raw(beside),
    ];
    let mut line = cut(spans, width);
    let left = width.saturating_sub(line.width());
    line.push_span(Span::styled("─".repeat(left), rule));
    line
}

/// All keys, above everything else.
fn help(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let widest = keys::HELP.iter().map(|(key, _)| columns_of(key)).max().unwrap_or(0);
    let lines: Vec<Line<'static>> = keys::HELP
        .iter()
        .map(|(key, what)| {
            let key = Span::styled(format!(" {}  ", fit(key, widest, Align::Left)), state.looks.accent());
            Line::from(vec![key, Span::raw(format!("{what} "))])
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 2;
    let height = lines.len() as u16 + 2;
    let place = Rect {
        x: area.width.saturating_sub(width) / 2,
        y: area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    };
    let block = ratatui::widgets::Block::bordered().title(" keys ").border_style(state.looks.accent());
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}
