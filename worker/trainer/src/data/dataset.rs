//! The encoded dataset as a memory map, shared through the page cache by all slots of a machine.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;
use sweep_proto::encoded::{EncodedHeader, EncodedView, Split};

use crate::error::TrainError;

/// A checked dataset.
#[derive(Debug)]
pub(crate) struct Dataset {
    view: EncodedView<Mmap>,
}

impl Dataset {
    /// Maps and checks a file.
    pub(crate) fn open(path: &Path) -> Result<Self, TrainError> {
        let unreadable = |source| TrainError::DatasetFile { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        #[allow(unsafe_code, reason = "mapping a file is unsafe because another process may change it")]
        // SAFETY: the file stands in a content-addressed cache, is written under another name and renamed,
        // and is never written again, so the mapped bytes do not change.
        let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let view = EncodedView::parse(map)
            .map_err(|source| TrainError::DatasetContent { path: path.to_owned(), source })?;
        Ok(Self { view })
    }

    /// The header.
    pub(crate) fn header(&self) -> &EncodedHeader {
        self.view.header()
    }

    /// The rows.
    pub(crate) fn view(&self) -> &EncodedView<Mmap> {
        &self.view
    }

    /// Refuses an empty split.
    pub(crate) fn require(&self, split: Split) -> Result<(), TrainError> {
        if self.view.rows(split) == 0 {
            return Err(TrainError::EmptySplit { split: split.name() });
        }
        Ok(())
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.header().classes.len()
    }
}
