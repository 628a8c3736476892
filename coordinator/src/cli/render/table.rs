//! Plain tables: one header line, columns by alignment, no frame that a script would stumble over.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of rows under their headers; as wide as the terminal at most, as wide as needed otherwise.
pub(crate) fn table(columns: &[(&str, Align)], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    // Dynamic arrangement wraps at the terminal's width, and only on a terminal.
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let cell = |text: String, align: Align| {
        Cell::new(text).set_alignment(match align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        })
    };
    table.set_header(columns.iter().map(|(name, align)| cell((*name).to_owned(), *align)));
    for row in rows {
        table.add_row(row.into_iter().zip(columns).map(|(text, (_, align))| cell(text, *align)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other() {
        let columns = [("NAME", Align::Left), ("TRIALS", Align::Right)];
        let rows = [vec!["a".to_owned(), "5".to_owned()], vec!["long".to_owned(), "12345678".to_owned()]];
        assert_eq!(table(&columns, rows), "NAME    TRIALS\na            5\nlong  12345678");
    }
}
