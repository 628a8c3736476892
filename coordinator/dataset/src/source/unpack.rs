//! Compressed files: gzip, Zstandard, bzip2, xz, and files of archives, unpacked into a temporary file of bounded size.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use flate2::read::MultiGzDecoder;

use super::{SourcePath, archive};
use crate::error::DatasetError;
use crate::limits::UNPACKED_BYTES_MAX;

/// Memory that an xz file may ask for, in KiB: its largest preset takes 65 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 256 << 10;
/// Largest window of a Zstandard file as a power of two: 128 MiB, the most that the format's own program takes by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Endings of compressed files.
const ENDINGS: [&str; 7] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip"];

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstandard,
    Bzip2,
    Xz,
    Zip,
}

impl Packing {
    /// Told by the first bytes: names may lie.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstandard),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Self::Bzip2),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zip => "ZIP",
        }
    }
}

/// A file's name without the ending of a compressed file; in a ZIP archive the name of the one file in it.
pub(crate) fn inner_name(path: &SourcePath) -> Result<String, DatasetError> {
    let name = path.file_name();
    if path.member().is_none() && archive::is_zip(&name) {
        let inner = archive::only_file(path)?;
        return Ok(without_ending(inner.rsplit('/').next().unwrap_or_default()).to_owned());
    }
    Ok(without_ending(&name).to_owned())
}

/// A name without the ending of a compressed file.
pub(crate) fn without_ending(name: &str) -> &str {
    let lower = name.to_lowercase();
    let ending = ENDINGS.into_iter().find(|ending| lower.ends_with(ending));
    ending.and_then(|ending| name.get(..name.len() - ending.len())).unwrap_or(name)
}

/// The file itself, what it unpacks to, or the file inside of the archive, at its start.
pub(crate) fn unpacked(path: &SourcePath, mut file: File) -> Result<File, DatasetError> {
    if let Some(name) = path.member() {
        file = archive::extracted(path, file, name)?;
    }
    match packing_of(path, &mut file)? {
        None => Ok(file),
        Some(Packing::Zip) if path.member().is_some() => Err(DatasetError::broken(
            path.display(),
            "it is an archive inside of an archive; unpack the outer one",
        )),
        Some(Packing::Zip) => {
            let name = archive::only_file(path)?;
            let mut inner = archive::extracted(path, file, &name)?;
            match packing_of(path, &mut inner)? {
                Some(packing) if packing != Packing::Zip => {
                    spill(path, packing.name(), stream(path, packing, inner)?)
                }
                _ => Ok(inner),
            }
        }
        Some(packing) => spill(path, packing.name(), stream(path, packing, file)?),
    }
}

/// How a file is compressed; it is read from its start afterwards.
pub(super) fn packing_of(path: &SourcePath, file: &mut File) -> Result<Option<Packing>, DatasetError> {
    let read = |error| DatasetError::io(path, "read it")(error);
    let mut head = Vec::new();
    file.rewind().map_err(read)?;
    file.take(8).read_to_end(&mut head).map_err(read)?;
    file.rewind().map_err(read)?;
    Ok(Packing::of(&head))
}

/// What a compressed file unpacks to; a ZIP archive is none.
pub(super) fn stream(path: &SourcePath, packing: Packing, file: File) -> Result<Box<dyn Read>, DatasetError> {
    let broken = |error: std::io::Error| damaged(path, packing.name(), &error);
    let file = BufReader::new(file);
    Ok(match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY_KIB_MAX)),
        Packing::Zstandard => {
            let mut decoder = zstd::Decoder::with_buffer(file).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            Box::new(decoder)
        }
        Packing::Zip => Box::new(file),
    })
}

/// Writes what a reader gives into a file that goes away by itself.
pub(super) fn spill(path: &SourcePath, packing: &str, reader: impl Read) -> Result<File, DatasetError> {
    let mut file = tempfile::tempfile().map_err(DatasetError::io(path, "unpack it into a temporary file"))?;
    let mut reader = reader.take(UNPACKED_BYTES_MAX + 1);
    let mut buffer = vec![0; 1 << 16];
    let mut unpacked = 0;
    loop {
        let count = reader.read(&mut buffer).map_err(|error| damaged(path, packing, &error))?;
        if count == 0 {
            break;
        }
        unpacked += count as u64;
        if unpacked > UNPACKED_BYTES_MAX {
            return Err(DatasetError::broken(
                path.display(),
                "it unpacks to more than 4 GiB; give a smaller file",
            ));
        }
        file.write_all(&buffer[..count])
            .map_err(DatasetError::io(path, "unpack it into a temporary file"))?;
    }
    if unpacked == 0 {
        return Err(DatasetError::broken(path.display(), "what it unpacks to is empty"));
    }
    file.seek(SeekFrom::Start(0)).map_err(DatasetError::io(path, "read it"))?;
    Ok(file)
}

pub(super) fn damaged(path: &SourcePath, packing: &str, error: &std::io::Error) -> DatasetError {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            format!("it is compressed with {packing} and ends early, as after a cut download; fetch it again")
        }
        _ => format!(
            "it is compressed with {packing} and cannot be unpacked ({error}); fetch it again, or unpack it yourself"
        ),
    };
    DatasetError::broken(path.display(), reason)
}
