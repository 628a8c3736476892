//! Which panes there is room for, and where they stand.

use ratatui::layout::{Rect, Size};

/// A part of the screen that lists something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    /// The best configurations so far.
    Best,
    /// The trials that run.
    Running,
    /// The workers.
    Workers,
    /// What changed.
    Log,
}

impl Pane {
    /// All of them, as they stand on the screen.
    pub(super) const ALL: [Self; 4] = [Self::Best, Self::Running, Self::Workers, Self::Log];

    /// Those that stay on a screen without room for all, most important first.
    const BY_IMPORTANCE: [Self; 4] = [Self::Running, Self::Best, Self::Log, Self::Workers];

    /// The pane so many steps on, in a circle.
    pub(super) fn after(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }

    /// Lines above its rows: its title, and the headers of its columns.
    pub(super) fn lines_above(self) -> u16 {
        if self == Self::Log { 1 } else { 2 }
    }
}

/// Fewest lines in which a pane is of use.
const PANE_LINES_MIN: u16 = 3;
/// Lines above all panes: title, progress, counts.
const TOP_LINES: u16 = 3;
/// The notices take at most this part of the height.
const NOTICES_PART: u16 = 6;
/// From this height on the keys are shown below all panes.
const KEYS_FROM_LINES: u16 = 4;
/// From this height on there is a blank line above all panes.
const AIR_FROM_LINES: u16 = 30;
/// From this width on there is a blank column at both sides.
const MARGIN_FROM_COLUMNS: u16 = 40;
/// From this width on the panes stand in two columns.
const TWO_COLUMNS_FROM: u16 = 120;
/// Blank columns between those two.
const BETWEEN_COLUMNS: u16 = 3;

/// Where everything stands. What there is no room for has no place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Name and state.
    pub(super) title: Option<Rect>,
    /// The bar.
    pub(super) progress: Option<Rect>,
    /// Trials by state.
    pub(super) counts: Option<Rect>,
    /// What must be known beside the answer.
    pub(super) notices: Option<Rect>,
    /// What can be pressed.
    pub(super) keys: Option<Rect>,
    /// The panes, in the order of [`Pane::ALL`].
    pub(super) panes: [Option<Rect>; 4],
}

impl Layout {
    /// Columns of every line of a screen of that size.
    pub(super) fn columns(size: Size) -> u16 {
        size.width - 2 * Self::margin(size)
    }

    fn margin(size: Size) -> u16 {
        u16::from(size.width >= MARGIN_FROM_COLUMNS)
    }

    /// For a screen of that size; the pane in focus is never left out before another one. `rows` says how many rows
    /// each pane has to show, `notices` how many lines there are above them.
    pub(super) fn of(size: Size, focus: Pane, rows: [usize; 4], notices: usize) -> Self {
        let whole = Rect::new(Self::margin(size), 0, Self::columns(size), size.height);
        let notices = u16::try_from(notices).unwrap_or(u16::MAX).min(whole.height / NOTICES_PART);
        let line =
            |at: u16| (at < whole.height && whole.width > 0).then_some(Rect { y: at, height: 1, ..whole });
        let keys = (whole.height >= KEYS_FROM_LINES).then(|| line(whole.height - 1)).flatten();
        let top = TOP_LINES + notices + u16::from(whole.height >= AIR_FROM_LINES);
        let height = whole.height.saturating_sub(top + u16::from(keys.is_some()));
        let room = Rect { y: top.min(whole.height), height, ..whole };
        Self {
            title: line(0),
            progress: line(1),
            counts: line(2),
            notices: (notices > 0).then_some(Rect { y: TOP_LINES, height: notices, ..whole }),
            keys,
            panes: panes(room, focus, rows),
        }
    }

    /// Where that pane stands.
    pub(super) fn pane(&self, pane: Pane) -> Option<Rect> {
        self.panes[pane as usize]
    }

    /// How many rows of that pane are seen.
    pub(super) fn rows_seen(&self, pane: Pane) -> usize {
        self.pane(pane).map_or(0, |rect| usize::from(rect.height.saturating_sub(pane.lines_above())))
    }
}

fn panes(room: Rect, focus: Pane, rows: [usize; 4]) -> [Option<Rect>; 4] {
    let mut places = [None; 4];
    if room.width < TWO_COLUMNS_FROM {
        stack(room, &Pane::ALL, focus, rows, &mut places);
        return places;
    }
    let left_width = (room.width - BETWEEN_COLUMNS) * 3 / 5;
    let left = Rect { width: left_width, ..room };
    let skipped = left_width + BETWEEN_COLUMNS;
    let right = Rect { x: room.x + skipped, width: room.width - skipped, ..room };
    stack(left, &[Pane::Best, Pane::Running], focus, rows, &mut places);
    stack(right, &[Pane::Workers, Pane::Log], focus, rows, &mut places);
    places
}

/// Puts as many of the panes as there is room for one below the other.
fn stack(room: Rect, panes: &[Pane], focus: Pane, rows: [usize; 4], places: &mut [Option<Rect>; 4]) {
    let mut chosen: Vec<Pane> = Pane::BY_IMPORTANCE.into_iter().filter(|pane| panes.contains(pane)).collect();
    chosen.sort_by_key(|pane| *pane != focus);
    chosen.truncate(usize::from(room.height / PANE_LINES_MIN));
    chosen.sort_by_key(|pane| *pane as usize);
    let wanted: Vec<u16> = chosen.iter().map(|pane| lines_wanted(*pane, rows[*pane as usize])).collect();
    let mut y = room.y;
    for (pane, height) in chosen.iter().zip(heights(&wanted, room.height)) {
        places[*pane as usize] = Some(Rect { y, height, ..room });
        y += height;
    }
}

/// Lines for all rows and a blank one; the log fills whatever there is.
fn lines_wanted(pane: Pane, rows: usize) -> u16 {
    if pane == Pane::Log {
        return u16::MAX;
    }
    u16::try_from(rows).unwrap_or(u16::MAX).max(1).saturating_add(pane.lines_above() + 1)
}

/// Deals the lines out: the least first, then one to each in turn that wants more, the rest to the last one.
fn heights(wanted: &[u16], lines: u16) -> Vec<u16> {
    let mut heights = vec![PANE_LINES_MIN; wanted.len()];
    let mut left = lines.saturating_sub(PANE_LINES_MIN * wanted.len() as u16);
    while left > 0 && heights.iter().zip(wanted).any(|(height, wanted)| height < wanted) {
        for (height, wanted) in heights.iter_mut().zip(wanted) {
            if left > 0 && *height < *wanted {
                *height += 1;
                left -= 1;
            }
        }
    }
    if let Some(last) = heights.last_mut() {
        *last += left;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [usize; 4] = [10, 4, 2, 40];

    #[test]
    fn a_screen_too_small_for_all_keeps_the_pane_in_focus() {
        for (height, seen) in [(24, 4), (13, 3), (10, 2), (7, 1), (6, 0), (1, 0)] {
            for focus in Pane::ALL {
                let layout = Layout::of(Size::new(80, height), focus, ROWS, 0);
                assert_eq!(layout.panes.iter().flatten().count(), seen, "{height} lines");
                assert!(seen == 0 || layout.pane(focus).is_some(), "{focus:?} on {height} lines");
            }
        }
    }

    #[test]
    fn nothing_overlaps_and_nothing_stands_outside() {
        for (width, height) in
            (0..200).step_by(7).flat_map(|width| (0..60).map(move |height| (width, height)))
        {
            let layout = Layout::of(Size::new(width, height), Pane::Log, ROWS, usize::from(width % 9));
            let lines = [layout.title, layout.progress, layout.counts, layout.notices, layout.keys];
            let all: Vec<Rect> = lines.iter().chain(&layout.panes).flatten().copied().collect();
            for (at, one) in all.iter().enumerate() {
                assert_eq!(one.intersection(Rect::new(0, 0, width, height)), *one);
                assert!(
                    all[at + 1..].iter().all(|other| !one.intersects(*other)),
                    "{width}x{height}: {all:?}"
                );
            }
        }
    }

    #[test]
    fn a_pane_gets_what_it_wants_before_the_log_takes_the_rest() {
        assert_eq!(heights(&[4, 5, 3, u16::MAX], 30), [4, 5, 3, 18]);
        assert_eq!(heights(&[13, 13, 13, u16::MAX], 20), [5, 5, 5, 5]);
        assert_eq!(heights(&[3, 3], 10), [3, 7]);
    }
}
