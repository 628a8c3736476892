//! The text of a sweep file with its lines: turns byte spans into problems with a place.

use std::ops::Range;

use super::problem::{PROBLEMS_MAX, Problem, SweepFileErrors, plain};

/// Characters of a source line shown at most: a terminal's width with room.
const EXCERPT_CHARS_MAX: usize = 160;
/// Characters shown before the place, where a line is longer than the excerpt.
const EXCERPT_CHARS_BEFORE: usize = 60;
/// Characters of a user's text quoted inside a message.
const QUOTE_CHARS_MAX: usize = 48;

/// A sweep file's text, and the problems found in it so far.
pub(super) struct Source<'t> {
    file: &'t str,
    text: &'t str,
    /// Byte offset of the start of each line.
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    omitted: usize,
    /// Lines (from 0) with syntax errors: what else seems wrong there is a consequence.
    broken_lines: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, line_starts, problems: Vec::new(), omitted: 0, broken_lines: Vec::new() }
    }

    /// The line of a byte offset, counted from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The text of a line counted from 1, without its end; empty where there is no such line.
    pub(super) fn line_text(&self, line: usize) -> &'t str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)) else {
            return "";
        };
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// The end of the text, where something is missing: the end of the last line that is not blank.
    pub(super) fn end(&self) -> Range<usize> {
        let end = self.text.trim_end().len();
        end..end
    }

    /// The raw text of a span, empty where it is not one.
    pub(super) fn slice(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or("")
    }

    /// The raw text of a span as messages quote it: one line, short, printable.
    pub(super) fn quote(&self, span: Range<usize>) -> String {
        quote(self.slice(span))
    }

    /// Whether no problem was found.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether more problems would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// Counts a problem that is not kept.
    pub(super) fn omit(&mut self) {
        self.omitted += 1;
    }

    /// Notes a syntax error; one a line is enough, for the next are mostly its consequences.
    pub(super) fn report_syntax(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        let line = self.line_of(span.start);
        if !self.broken_lines.contains(&line) {
            self.report(span, message, help);
            if self.broken_lines.len() < PROBLEMS_MAX {
                self.broken_lines.push(line);
            }
        }
    }

    /// Notes a problem, unless its line has a syntax error already.
    pub(super) fn report(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        if self.broken_lines.contains(&self.line_of(span.start)) {
            return;
        }
        if self.is_full() {
            self.omit();
            return;
        }
        let problem = self.problem(span, message, help);
        self.problems.push(problem);
    }

    /// All problems, sorted by place.
    pub(super) fn into_errors(mut self) -> SweepFileErrors {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        SweepFileErrors { problems: self.problems, omitted: self.omitted }
    }

    fn problem(&self, span: Range<usize>, message: String, help: Option<String>) -> Problem {
        let start = floor_boundary(self.text, span.start);
        let line = self.line_of(start);
        let line_text = self.line_text(line);
        let line_start = self.line_starts[line - 1];
        let before = line_text.get(..start - line_start).unwrap_or(line_text).chars().count();
        let end = floor_boundary(self.text, span.end).clamp(start, (line_start + line_text.len()).max(start));
        let width = self.slice(start..end).chars().count().max(1);
        let skipped = if line_text.chars().nth(EXCERPT_CHARS_MAX).is_some() {
            before.saturating_sub(EXCERPT_CHARS_BEFORE)
        } else {
            0
        };
        let excerpt: String = line_text.chars().skip(skipped).take(EXCERPT_CHARS_MAX).collect();
        Problem {
            file: self.file.to_owned(),
            line,
            column: before + 1,
            width,
            message,
            help,
            source_line: plain(&excerpt),
            source_column: skipped + 1,
        }
    }
}

/// `text` as messages quote it: its first line, short, printable.
pub(super) fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let cut = line.char_indices().nth(QUOTE_CHARS_MAX).map(|(at, _)| at);
    let shown = plain(&line[..cut.unwrap_or(line.len())]);
    if cut.is_some() || line.len() < text.trim_end().len() { format!("{shown}…") } else { shown }
}

/// The nearest character boundary at or before a byte offset.
fn floor_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
