//! The rows of a Parquet file, group after group, as texts and labels.

use std::borrow::Cow;

use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::reader::RowGroupReader;

use super::Wanted;
use super::cells::{Cell, Cells};
use crate::error::DatasetError;
use crate::rows::{Part, Place, Rows};

/// A file whose rows are being read.
pub(super) struct Table {
    file: String,
    wanted: Wanted,
    part: Part,
    /// Rows that were taken in.
    rows: u64,
}

/// The wanted columns of a group of rows.
pub(super) struct GroupColumns {
    texts: Vec<Cells>,
    label: Cells,
}

/// Some rows: the cells of each wanted column.
pub(super) struct Batch {
    texts: Vec<Vec<Option<Cell>>>,
    labels: Vec<Option<Cell>>,
}

impl GroupColumns {
    /// The next rows.
    ///
    /// # Errors
    /// Where the file is damaged, or has fewer rows than it says.
    pub(super) fn read(&mut self, count: usize) -> Result<Batch> {
        let texts = self.texts.iter_mut().map(|text| text.read(count)).collect::<Result<_, _>>()?;
        Ok(Batch { texts, labels: self.label.read(count)? })
    }

    /// Ends reading. Rows beyond those that the file counts would be lost without a word.
    ///
    /// # Errors
    /// Where the file is damaged, or has more rows than it says.
    pub(super) fn finish(self) -> Result<()> {
        self.texts.into_iter().chain([self.label]).try_for_each(Cells::finish)
    }
}

impl Table {
    pub(super) fn new(file: String, wanted: Wanted, part: Part) -> Table {
        Table { file, wanted, part, rows: 0 }
    }

    /// Rows that were taken in.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The wanted columns of a group, from its first row.
    pub(super) fn columns(&self, group: &dyn RowGroupReader) -> Result<GroupColumns> {
        let texts = self.wanted.texts.iter().map(|kind| kind.cells(group)).collect::<Result<_, _>>()?;
        Ok(GroupColumns { texts, label: self.wanted.label.cells(group)? })
    }

    /// Hands rows on.
    pub(super) fn push(&mut self, batch: &Batch, rows: &mut Rows) -> std::result::Result<(), DatasetError> {
        for (row, label) in batch.labels.iter().enumerate() {
            self.rows += 1;
            let place = Place { file: &self.file, line: self.rows };
            let text = text_of(batch.texts.iter().map(|column| bytes(column[row].as_ref())));
            rows.push(place, self.part, self.wanted.class(bytes(label.as_ref())), &text)?;
        }
        Ok(())
    }
}

/// Of a missing cell, nothing.
fn bytes(cell: Option<&Cell>) -> &[u8] {
    cell.map(ByteArray::data).unwrap_or_default()
}

/// The text of a row: that of one column, or those of several that are not empty, line by line.
fn text_of<'a>(mut cells: impl ExactSizeIterator<Item = &'a [u8]>) -> Cow<'a, [u8]> {
    if cells.len() == 1 {
        return Cow::Borrowed(cells.next().unwrap_or_default());
    }
    let cells: Vec<&[u8]> = cells.filter(|cell| !cell.trim_ascii().is_empty()).collect();
    Cow::Owned(cells.join(&b'\n'))
}
