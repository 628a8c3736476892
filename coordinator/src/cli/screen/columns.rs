//! Tables that fit: the least important columns go first where the width does not suffice for all.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text::{columns_of, fit};
use crate::cli::render::table::Align;

/// Blank columns between two columns.
const GAP: usize = 2;
/// Fewest columns in which the last, stretching column is of use.
const STRETCHED_MIN: usize = 12;

/// A column; the last one of a table stretches to the end of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// What stands above it.
    pub(super) name: &'static str,
    /// Words or numbers.
    pub(super) align: Align,
    /// The least important column goes first.
    pub(super) importance: u8,
    /// Most columns that it takes.
    pub(super) width_max: usize,
}

impl Column {
    /// A column of words.
    pub(super) const fn words(name: &'static str, importance: u8, width_max: usize) -> Self {
        Self { name, align: Align::Left, importance, width_max }
    }

    /// A column of numbers.
    pub(super) const fn numbers(name: &'static str, importance: u8, width_max: usize) -> Self {
        Self { name, align: Align::Right, importance, width_max }
    }
}

/// A text and how it looks.
pub(super) type Cell = (String, Style);

/// A line of headers and a line for each row, none wider than `width`.
pub(super) fn table<const COLUMNS: usize>(
    columns: &[Column; COLUMNS],
    rows: &[[Cell; COLUMNS]],
    header: Style,
    width: usize,
) -> Vec<Line<'static>> {
    let shown = shown(columns, rows, width);
    let line = |cell_of: &dyn Fn(usize) -> Cell| {
        let mut spans = Vec::with_capacity(2 * shown.len());
        for (at, width) in &shown {
            let (text, style) = cell_of(*at);
            spans.push(Span::styled(fit(&text, *width, columns[*at].align), style));
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        spans.pop();
        Line::from(spans)
    };
    let header = line(&|at| (columns[at].name.to_owned(), header));
    std::iter::once(header).chain(rows.iter().map(|row| line(&|at| row[at].clone()))).collect()
}

/// The columns that are shown, each with its width.
fn shown<const COLUMNS: usize>(
    columns: &[Column; COLUMNS],
    rows: &[[Cell; COLUMNS]],
    width: usize,
) -> Vec<(usize, usize)> {
    let natural = |at: usize| {
        let widest = rows.iter().map(|row| columns_of(&row[at].0)).max().unwrap_or(0);
        widest.max(columns_of(columns[at].name)).min(columns[at].width_max)
    };
    let mut shown: Vec<(usize, usize)> = (0..COLUMNS).map(|at| (at, natural(at))).collect();
    let stretches = |at: usize| at + 1 == COLUMNS;
    let needed = |shown: &[(usize, usize)]| {
        let widths =
            shown.iter().map(|(at, width)| if stretches(*at) { STRETCHED_MIN.min(*width) } else { *width });
        widths.sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    while shown.len() > 1 && needed(&shown) > width {
        shown.sort_by_key(|(at, _)| std::cmp::Reverse(columns[*at].importance));
        shown.pop();
    }
    shown.sort_unstable();
    // What is left over goes to the last column; one that stands alone must do with what there is.
    let left_over = width.saturating_sub(needed(&shown));
    let stands_alone = shown.len() == 1;
    if let Some((at, last)) = shown.last_mut() {
        if stretches(*at) {
            *last = STRETCHED_MIN.min(*last) + left_over;
        }
        if stands_alone {
            *last = (*last).min(width);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column::words("NAME", 3, 9), Column::numbers("LOSS", 1, 9), Column::words("WHAT", 2, 99)];

    fn lines(width: usize) -> Vec<String> {
        let cell = |text: &str| (text.to_owned(), Style::new());
        let rows = [
            [cell("a"), cell("0.5"), cell("units 64, batch size 32")],
            [cell("a very long name"), cell("0.25"), cell("units 8")],
        ];
        let lines = table(&COLUMNS, &rows, Style::new(), width);
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn the_last_column_takes_what_is_left() {
        assert_eq!(
            lines(36),
            ["NAME       LOSS  WHAT", "a           0.5  units 64, batch si…", "a very l…  0.25  units 8",]
        );
    }

    #[test]
    fn the_least_important_columns_go_first() {
        assert_eq!(lines(24)[1], "a          units 64, ba…");
        assert_eq!(lines(9)[2], "a very l…");
        assert_eq!(lines(3)[2], "a …");
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        for width in 0..80 {
            let cell = |text: &str| (text.to_owned(), Style::new());
            let rows = [[cell("감성 분석"), cell("0.25"), cell("감성 분석 감성 분석")]];
            for line in table(&COLUMNS, &rows, Style::new(), width) {
                assert!(columns_of(&line.to_string()) <= width, "{width}: {line}");
            }
        }
    }
}
