//! What must be known beside the answer, above all panes: why nothing goes on, what trials are handed back for, warnings, rows.

use ratatui::style::Style;
use ratatui::text::Line;

use super::state::State;
use super::style::faint;
use super::text::inert;
use crate::cli::render::status::{moment, rows_line};
use crate::cli::render::wrap::wrapped;

/// Hand-backs that are shown; the log has the others.
const HAND_BACKS_MAX: usize = 2;
/// Columns below which no text is of use.
const COLUMNS_MIN: usize = 12;

/// The lines, cut to a number of columns.
pub(super) fn lines(state: &State, width: usize) -> Vec<Line<'static>> {
    if width < COLUMNS_MIN {
        return Vec::new();
    }
    let (sweep, looks) = (&state.sweep, state.looks);
    let mut texts: Vec<(String, Style)> = Vec::new();
    let idleness = sweep.idleness(moment).map(|idle| (format!("waiting: {}", inert(&idle)), looks.warning()));
    texts.extend(idleness);
    let handed_back = sweep.handed_back.iter().take(HAND_BACKS_MAX);
    texts.extend(handed_back.map(|one| (format!("✗ {}", inert(&one.told())), looks.bad())));
    texts.extend(sweep.warnings.iter().map(|one| (format!("! {}", inert(&one.text)), looks.warning())));
    let search = sweep.search.as_ref().zip(sweep.search_spent());
    texts
        .extend(search.map(|(search, spent)| {
            (format!("search: {}: {}", inert(&search.who()), inert(&spent)), faint())
        }));
    texts.extend(sweep.rows.map(|rows| (format!("data: {}", rows_line(rows)), faint())));
    let broken = texts.into_iter().flat_map(|(text, style)| {
        let lines: Vec<String> = wrapped(&text, width, 2).lines().map(str::to_owned).collect();
        lines.into_iter().map(move |line| Line::styled(line, style))
    });
    broken.collect()
}

/// As many of the first lines as fit; the last one says where the rest is.
pub(super) fn shown(state: &State, width: usize, room: usize) -> Vec<Line<'static>> {
    let mut lines = lines(state, width);
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push(Line::styled(format!("… more: `sweep status {}`", state.sweep.id), faint()));
    }
    lines
}
