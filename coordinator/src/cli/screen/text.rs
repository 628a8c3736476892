//! Strangers' text made fit for a screen: inert, bounded, and cut to a width.

use console::{Alignment, pad_str, truncate_str};
use ratatui::text::{Line, Span};

use crate::cli::output::plain;
use crate::cli::render::table::Align;

/// Most characters taken of a name, label or message: no line of a screen holds more.
const CHARACTERS_MAX: usize = 400;

/// Text that cannot steer the terminal, of bounded length.
pub(super) fn inert(text: &str) -> String {
    plain(&text.chars().take(CHARACTERS_MAX).collect::<String>())
}

/// Text in exactly so many columns; what does not fit ends in an ellipsis.
pub(super) fn fit(text: &str, columns: usize, align: Align) -> String {
    let align = match align {
        Align::Left => Alignment::Left,
        Align::Right => Alignment::Right,
    };
    let ellipsis = if columns == 0 { "" } else { "…" };
    pad_str(&truncate_str(text, columns, ellipsis), columns, align, None).into_owned()
}

/// The spans in at most so many columns.
pub(super) fn cut(spans: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let mut left = width;
    let mut line = Line::default();
    for span in spans {
        let columns = columns_of(&span.content);
        if columns > left {
            line.push_span(Span::styled(fit(&span.content, left, Align::Left), span.style));
            break;
        }
        left -= columns;
        line.push_span(span);
    }
    line
}

/// How many columns a text takes.
pub(super) fn columns_of(text: &str) -> usize {
    console::measure_text_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_takes_the_columns_that_it_is_given() {
        for text in ["", "a", "units 64, batch size 32", "감성 분석 결과", "🦀🦀🦀🦀🦀"] {
            for columns in 0..12 {
                for align in [Align::Left, Align::Right] {
                    let fitted = fit(text, columns, align);
                    assert_eq!(columns_of(&fitted), columns, "{text:?} in {columns}: {fitted:?}");
                }
            }
        }
        assert_eq!(fit("abcdef", 4, Align::Left), "abc…");
        assert_eq!(fit("7", 3, Align::Right), "  7");
    }

    #[test]
    fn long_text_is_cut_and_steering_text_is_inert() {
        assert_eq!(inert(&"x".repeat(9_999)).len(), CHARACTERS_MAX);
        assert!(!inert("a\u{1b}]0;title\u{7}\u{202e}b").contains(['\u{1b}', '\u{7}', '\u{202e}']));
    }
}
