//! Comma-separated values (RFC 4180, UTF-8, one header line); a missing cell is empty.

use super::ReportError;
use super::columns::{Cells, Column};

/// The bytes of one file from its pieces, which have the same columns.
///
/// # Errors
/// Writing to memory does not fail; the writer's own error is passed on all the same.
pub fn write(file: &'static str, pieces: impl Iterator<Item = Vec<Column>>) -> Result<Vec<u8>, ReportError> {
    let error = |source| ReportError::Csv { file, source };
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for (at, columns) in pieces.enumerate() {
        if at == 0 {
            writer.write_record(columns.iter().map(|column| column.name)).map_err(error)?;
        }
        let rows = columns.first().map_or(0, |column| column.cells.rows());
        for row in 0..rows {
            writer.write_record(columns.iter().map(|column| cell(&column.cells, row))).map_err(error)?;
        }
    }
    writer.into_inner().map_err(|broken| error(broken.into_error().into()))
}

/// One cell as it stands in the file.
pub fn cell(cells: &Cells, row: usize) -> String {
    match cells {
        Cells::Integer(cells) => cells[row].map(|number| number.to_string()).unwrap_or_default(),
        // `{:?}` is the shortest text that reads back as the same number.
        Cells::Real(cells) => cells[row].map(|number| format!("{number:?}")).unwrap_or_default(),
        Cells::Flag(cells) => cells[row].map(|flag| flag.to_string()).unwrap_or_default(),
        Cells::Text(cells) => cells[row].as_deref().map(inert).unwrap_or_default(),
    }
}

/// Text that a spreadsheet would take for a formula gets a leading apostrophe, which makes it text.
/// See OWASP, "CSV injection".
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_numbers_stay_numbers() {
        let text = |text: &str| cell(&Cells::Text(vec![Some(text.to_owned())]), 0);
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("@x"), "'@x");
        assert_eq!(text("a=b"), "a=b");
        assert_eq!(cell(&Cells::Real(vec![Some(-1.5)]), 0), "-1.5");
        assert_eq!(cell(&Cells::Integer(vec![None]), 0), "");
    }
}
