//! `report.tex`: the tables for a paper, to be read by `\input`; every string from outside is inert.

use std::fmt::Write as _;

use sweep_proto::text::is_steering;

use crate::language::{Language, say};
use crate::model::ReportModel;
use crate::sections::{Block, Section, TextTable};

/// Rows of a table: a page of a paper holds no more.
const ROWS_MAX: usize = 40;

/// The bytes of `report.tex`.
pub fn write(model: &ReportModel, sections: &[Section], language: Language) -> Vec<u8> {
    let mut text = String::new();
    let heading = [
        say!(
            language,
            "Tables of a sweep's report. In the preamble: \\usepackage{booktabs,graphicx}; then \\input{report}."
        ),
        say!(language, "Names outside Latin script need XeLaTeX or LuaLaTeX and a font that has them."),
        &say!(language, "Sweep: {name}", name = one_line(&model.set_up.name)),
    ];
    for line in heading {
        // Writing to a string does not fail.
        let _ = writeln!(text, "% {line}");
    }
    for section in sections {
        // A page of floats for each section: LaTeX holds no more than some fifty of them.
        text.push_str("\n\\clearpage\n");
        for (at, table) in tables(section, language).iter().filter(|table| !table.rows.is_empty()).enumerate()
        {
            write_table(&mut text, table, &format!("sweep:{}:{}", section.id, at + 1), language);
        }
    }
    text.into_bytes()
}

/// The tables of a section, and its charts as tables.
fn tables(section: &Section, language: Language) -> Vec<TextTable> {
    let of_block = |block: &Block| match block {
        Block::Table(table) => vec![table.clone()],
        Block::Charts(charts) => charts.iter().map(|chart| chart.fallback.clone()).collect(),
        Block::Figures(figures) => vec![TextTable::of_figures(section.title, figures, language)],
        // Running text and what is only for the eye: a paper has its own.
        Block::Text(_)
        | Block::Warning(_)
        | Block::MetricChoice
        | Block::StateMap(_)
        | Block::Preformatted { .. } => Vec::new(),
    };
    section.blocks.iter().flat_map(of_block).collect()
}

fn write_table(text: &mut String, table: &TextTable, label: &str, language: Language) {
    let columns: String = table.head.iter().map(|head| if head.numeric { 'r' } else { 'l' }).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| cells.map(escaped).collect::<Vec<_>>().join(" & ");
    let mut caption = escaped(&table.caption);
    if table.rows.len() > ROWS_MAX {
        caption = say!(
            language,
            "{caption} (first {shown} of {count} rows)",
            caption = caption,
            shown = ROWS_MAX,
            count = table.rows.len()
        );
    }
    let _ = write!(
        text,
        "\n\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{{label}}}\n\
         \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n\\begin{{tabular}}{{{columns}}}\n\
         \\toprule\n{} \\\\\n\\midrule\n",
        line(&mut table.head.iter().map(|head| head.title.as_str()))
    );
    for row in table.rows.iter().take(ROWS_MAX) {
        let _ = writeln!(text, "{} \\\\", line(&mut row.iter().map(String::as_str)));
    }
    text.push_str("\\bottomrule\n\\end{tabular}}\n\\end{table}\n");
}

/// Text on one line, for a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if is_steering(character) { ' ' } else { character }).collect()
}

/// Text that LaTeX shows as it is: no command, no column, no comment.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => written.extend(['\\', character]),
            '\\' => written.push_str("\\textbackslash{}"),
            '~' => written.push_str("\\textasciitilde{}"),
            '^' => written.push_str("\\textasciicircum{}"),
            '<' => written.push_str("\\textless{}"),
            '>' => written.push_str("\\textgreater{}"),
            '|' => written.push_str("\\textbar{}"),
            '"' => written.push_str("''"),
            // A bracket after a line's end would be its argument.
            '[' => written.push_str("{[}"),
            '*' => written.push_str("{*}"),
            '±' => written.push_str("$\\pm$"),
            '×' => written.push_str("$\\times$"),
            '≤' => written.push_str("$\\le$"),
            'η' => written.push_str("$\\eta$"),
            'ω' => written.push_str("$\\omega$"),
            '²' => written.push_str("\\textsuperscript{2}"),
            '–' => written.push_str("--"),
            _ if is_steering(character) => written.push(' '),
            _ => written.push(character),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::Head;

    #[test]
    fn commands_from_outside_are_inert() {
        assert_eq!(escaped("\\input{x} 5% & [y]"), "\\textbackslash{}input\\{x\\} 5\\% \\& {[}y]");
        assert_eq!(escaped("0.5 ± 0.1\nη²"), "0.5 $\\pm$ 0.1 $\\eta$\\textsuperscript{2}");
    }

    #[test]
    fn a_table_is_cut_to_a_page() {
        let mut text = String::new();
        let rows = (0..50).map(|at| vec![at.to_string()]).collect::<Vec<_>>();
        let table = TextTable::new("many", vec![Head::number("number")]);
        let table = table.with_rows(rows.into_iter(), "report.json", Language::English);
        write_table(&mut text, &table, "sweep:x:1", Language::English);
        assert!(text.contains("\\caption{many (first 40 of 50 rows)}"), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(" \\\\")).count(), 41);
    }
}
