//! `report.md`: the sections as GitHub-flavoured Markdown; every string from outside is inert.

use std::fmt::Write as _;

use crate::language::{Language, say};
use crate::model::ReportModel;
use crate::sections::{Block, Section, TextTable};

/// The bytes of `report.md`.
pub fn write(model: &ReportModel, sections: &[Section], language: Language) -> Vec<u8> {
    let heading = say!(language, "Report: {name}", name = model.set_up.name);
    of_sections(&heading, sections, language)
}

/// Sections under a heading.
pub fn of_sections(heading: &str, sections: &[Section], language: Language) -> Vec<u8> {
    let mut text = format!("# {}\n", escaped(heading));
    for section in sections {
        // Writing to a string does not fail.
        let _ = write!(text, "\n## {}\n", section.title);
        for block in &section.blocks {
            write_block(&mut text, block, language);
        }
    }
    text.into_bytes()
}

fn write_block(text: &mut String, block: &Block, language: Language) {
    match block {
        Block::Text(paragraph) => push(text, &escaped(paragraph)),
        Block::Warning(paragraph) => push(text, &format!("> **{}**", escaped(paragraph))),
        Block::Figures(figures) => write_table(text, &TextTable::of_figures("", figures, language)),
        Block::Table(table) => write_table(text, table),
        Block::Charts(charts) => charts.iter().for_each(|chart| write_table(text, &chart.fallback)),
        // These exist for the eye only: the tables beside them hold the numbers.
        Block::MetricChoice | Block::StateMap(_) => {}
        Block::Preformatted { caption, text: content, collapsed: _ } => {
            push(text, &format!("{}:", escaped(caption)));
            let fence = "`".repeat(longest_run(content, '`').max(2) + 1);
            push(text, &format!("{fence}text\n{}\n{fence}", content.trim_end()));
        }
    }
}

fn push(text: &mut String, block: &str) {
    text.push('\n');
    text.push_str(block);
    text.push('\n');
}

fn write_table(text: &mut String, table: &TextTable) {
    if !table.caption.is_empty() {
        push(text, &format!("**{}**", escaped(&table.caption)));
    }
    text.push('\n');
    let titles: Vec<_> = table.head.iter().map(|head| escaped(&head.title)).collect();
    let rules: Vec<_> = table.head.iter().map(|head| if head.numeric { "---:" } else { "---" }).collect();
    let _ = write!(text, "| {} |\n| {} |\n", titles.join(" | "), rules.join(" | "));
    for row in &table.rows {
        let cells: Vec<_> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for character in text.chars() {
        run = if character == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Text that Markdown shows as it is: one line, no markup, no HTML, no cell border.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '&' => written.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                written.extend(['\\', character]);
            }
            _ if character.is_control() => written.push(' '),
            _ => written.push(character),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_outside_is_inert() {
        assert_eq!(escaped("<b>|[x](y)\n`"), "&lt;b&gt;\\|\\[x\\](y) \\`");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_its_content() {
        let mut text = String::new();
        let block = Block::Preformatted { caption: "x".into(), text: "````\nend".into(), collapsed: false };
        write_block(&mut text, &block, Language::English);
        assert!(text.contains("\n`````text\n"), "{text}");
    }
}
