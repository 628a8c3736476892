//! One thing wrong with a sweep file, and how it is shown: place, excerpt with a caret, remedy.

use std::fmt;

use crate::text::{REPLACEMENT, is_steering};

use serde::Serialize;

/// What stands in place of a file's name where the levels to add to a grid are read.
pub const GRID_LINES: &str = "--grid";

/// Most problems kept of one file: more than a person reads, few enough to hold in memory.
pub const PROBLEMS_MAX: usize = 100;

/// One thing wrong with a sweep file.
///
/// Its `Display` is what compilers print:
///
/// ```text
/// sweep.toml:12:9: units must be a whole number from 1 to 8192, not 0
///    |
/// 12 | units = 0
///    |         ^
/// help: the default is 64
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1; one past the end of the line where something is missing.
    pub column: usize,
    /// Characters underlined from `column` on, all on the same line; at least 1.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line, without control characters; of a very long line only the part around the place.
    pub source_line: String,
    /// Column of the first character of `source_line` in the file's line, counted from 1.
    pub source_column: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, .. } = self;
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let before = column - self.source_column.min(*column);
        let indent: usize = self.source_line.chars().take(before).map(cells).sum();
        let marked: usize = self.source_line.chars().skip(before).take(self.width).map(cells).sum();
        writeln!(formatter, "{}:{line}:{column}: {message}", plain(file))?;
        writeln!(formatter, "{gutter} |")?;
        writeln!(formatter, "{}", format!("{number} | {}", self.source_line).trim_end())?;
        write!(formatter, "{gutter} | {}{}", " ".repeat(indent), "^".repeat(marked.max(1)))?;
        if let Some(help) = &self.help {
            write!(formatter, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// Everything wrong with one sweep file, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SweepFileErrors {
    /// The problems, sorted by line and column; at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// Problems found beyond those.
    pub omitted: usize,
}

impl SweepFileErrors {
    /// What was read: levels to add are no file of their own.
    fn read_from(&self) -> &'static str {
        let is_grid = self.problems.first().is_some_and(|problem| problem.file == GRID_LINES);
        if is_grid { "the levels to add" } else { "the sweep file" }
    }
}

impl fmt::Display for SweepFileErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(formatter, "{problem}\n")?;
        }
        match self.problems.len() + self.omitted {
            1 => write!(formatter, "1 problem in {}", self.read_from()),
            count => write!(formatter, "{count} problems in {}", self.read_from()),
        }?;
        if self.omitted > 0 {
            write!(formatter, ", the first {} shown", self.problems.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for SweepFileErrors {}

/// `text` with control and direction-changing characters replaced, so that a hostile file cannot
/// drive the terminal; one character for one.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|one| {
            if one == '\t' {
                ' '
            } else if is_steering(one) {
                REPLACEMENT
            } else {
                one
            }
        })
        .collect()
}

/// Terminal cells of a character: two for Hangul, Han, Kana and full-width forms (Unicode's East
/// Asian Width, its large blocks), else one.
fn cells(one: char) -> usize {
    let wide = matches!(one,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The width is cut at the end of the line: from column 6 on only `y` is left.
    #[test]
    fn a_caret_stands_below_its_character_after_wide_ones() {
        let problem = Problem {
            file: "s.toml".into(),
            line: 3,
            column: 6,
            width: 2,
            message: "no".into(),
            help: None,
            source_line: "\"감정\"xy".into(),
            source_column: 1,
        };
        assert_eq!(problem.to_string(), "s.toml:3:6: no\n  |\n3 | \"감정\"xy\n  |        ^");
    }
}
