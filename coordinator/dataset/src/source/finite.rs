//! A file that tells whoever reads on at its end, so that no length in it makes a reader go on for ever.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// A file in which reading at its end is an error. The library skips what it does not know without looking
/// whether anything was there: a list of a billion numbers in a file of a hundred bytes would be skipped one by one.
pub(crate) struct FiniteFile(pub(crate) File);

impl Length for FiniteFile {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for FiniteFile {
    type T = Finite<BufReader<File>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Finite(self.0.get_read(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// A reader whose end is an error.
pub(crate) struct Finite<R>(R);

impl<R: Read> Read for Finite<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}
