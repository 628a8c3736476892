//! Text that fits the terminal, broken between words only.

/// As many of the parts as fit into so many columns, joined by commas; the first one is cut where it alone does not fit.
pub(crate) fn fitted(parts: &[String], columns: usize) -> String {
    let mut line = String::new();
    for part in parts {
        let longer = if line.is_empty() { part.clone() } else { format!("{line}, {part}") };
        if console::measure_text_width(&longer) > columns {
            break;
        }
        line = longer;
    }
    match parts.first() {
        Some(first) if line.is_empty() => console::truncate_str(first, columns, "…").into_owned(),
        _ => line,
    }
}

/// The text in lines of at most so many columns, those behind the first indented. A word that is longer stays whole: it is
/// a path or an address, to be copied.
pub(crate) fn wrapped(text: &str, columns: usize, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let options = textwrap::Options::new(columns)
        .subsequent_indent(&spaces)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// Lines of standard output, wrapped where it is a terminal: those behind the first of each are indented.
pub(crate) fn for_terminal(lines: &[String], indent: usize) -> String {
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let line = |line: &String| columns.map_or_else(|| line.clone(), |columns| wrapped(line, columns, indent));
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A line of standard error, wrapped where it is a terminal.
pub(crate) fn wrapped_for_stderr(line: &str, indent: usize) -> String {
    let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    columns.map_or_else(|| line.to_owned(), |columns| wrapped(line, columns, indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_or_left_out() {
        let parts = ["12/64 trials", "3 running", "best"].map(str::to_owned);
        assert_eq!(fitted(&parts, 80), "12/64 trials, 3 running, best");
        assert_eq!(fitted(&parts, 28), "12/64 trials, 3 running");
        assert_eq!(fitted(&parts, 12), "12/64 trials");
        assert_eq!(fitted(&parts, 5), "12/6…");
        assert_eq!(fitted(&[], 5), "");
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrapped("one two three", 8, 2), "one two\n  three");
        assert_eq!(wrapped("see /a/very/long/path now", 8, 0), "see\n/a/very/long/path\nnow");
    }
}
