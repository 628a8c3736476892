//! Opening files that may be anything: bounded, watched, and known for what they are not.

use std::fs::File;
use std::io::Read;

use super::SourcePath;
use crate::error::DatasetError;
use crate::limits::{FILE_BYTES_MAX, LINE_BYTES_MAX};
use crate::progress::Progress;

/// Bytes between two calls of a progress watcher.
const REPORT_BYTES: u64 = 1 << 20;

/// A reader that tells a watcher how many bytes it gave, and refuses endless lines.
pub(crate) struct Watched<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
    done: u64,
    reported: u64,
    line_bytes: usize,
    line_bytes_max: usize,
}

impl<'a, R: Read> Watched<'a, R> {
    /// Watches a binary stream: lines mean nothing.
    pub(crate) fn binary(inner: R, progress: &'a dyn Progress) -> Self {
        Self { inner, progress, done: 0, reported: 0, line_bytes: 0, line_bytes_max: usize::MAX }
    }

    /// Watches a text file.
    pub(crate) fn text(inner: R, progress: &'a dyn Progress) -> Self {
        Self { line_bytes_max: LINE_BYTES_MAX, ..Self::binary(inner, progress) }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        if self.done - self.reported >= REPORT_BYTES || count == 0 {
            self.reported = self.done;
            self.progress.advance(self.done);
        }
        if self.line_bytes_max < usize::MAX {
            let mut pieces = buffer[..count].split(|byte| *byte == b'\n');
            self.line_bytes += pieces.next().map_or(0, <[u8]>::len);
            for piece in pieces {
                self.line_bytes = piece.len();
            }
            if self.line_bytes > self.line_bytes_max {
                return Err(std::io::Error::other(format!(
                    "a line near byte {} is longer than {} MiB; is this a text file with one row a line?",
                    self.done,
                    self.line_bytes_max >> 20
                )));
            }
        }
        Ok(count)
    }
}

/// Opens a file of bounded size.
pub(crate) fn open(path: &SourcePath) -> Result<File, DatasetError> {
    let file = path.open().map_err(DatasetError::io(path, "open it"))?;
    let metadata = file.metadata().map_err(DatasetError::io(path, "open it"))?;
    if !metadata.is_file() {
        return Err(DatasetError::broken(path.display(), "this is not a regular file"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(DatasetError::broken(path.display(), "it has more than 8 GiB; give a smaller file"));
    }
    if metadata.len() == 0 {
        return Err(DatasetError::broken(path.display(), "the file is empty"));
    }
    Ok(file)
}

/// The entries of a folder by name, without hidden ones.
pub(crate) fn sorted_entries(folder: &SourcePath) -> Result<Vec<SourcePath>, DatasetError> {
    let mut entries = folder.entries().map_err(DatasetError::io(folder, "list it"))?;
    entries.retain(|entry| !entry.file_name().starts_with('.'));
    Ok(entries)
}
