//! Compressed files: gzip, Zstandard, bzip2, xz, and a ZIP archive of one file, unpacked into a temporary file of bounded size.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::SourcePath;
use super::foreign::SPREADSHEET;
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
enum Packing {
    Gzip,
    Zstandard,
    Bzip2,
    Xz,
    Zip,
}

impl Packing {
    /// Told by the first bytes: names may lie.
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstandard),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Self::Bzip2),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
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
    let lower = name.to_lowercase();
    if std::path::Path::new(&lower).extension().is_some_and(|ending| ending == "zip") {
        let archive = archive(path, super::input::open(path)?)?;
        let member = member(path, &archive)?;
        let inner = name_at(&archive, member);
        return Ok(inner.rsplit('/').next().unwrap_or_default().to_owned());
    }
    let inner = ENDINGS.into_iter().find(|ending| lower.ends_with(ending));
    Ok(inner.and_then(|ending| name.get(..name.len() - ending.len())).unwrap_or(&name).to_owned())
}

/// The file itself, or what it unpacks to, at its start.
pub(crate) fn unpacked(path: &SourcePath, mut file: File) -> Result<File, DatasetError> {
    let read = |error| DatasetError::io(path, "read it")(error);
    let mut head = Vec::new();
    (&mut file).take(8).read_to_end(&mut head).map_err(read)?;
    file.rewind().map_err(read)?;
    let Some(packing) = Packing::of(&head) else { return Ok(file) };
    let broken = |error: std::io::Error| damaged(path, packing, &error);
    match packing {
        Packing::Gzip => spill(path, packing, MultiGzDecoder::new(BufReader::new(file))),
        Packing::Bzip2 => spill(path, packing, bzip2::read::MultiBzDecoder::new(BufReader::new(file))),
        Packing::Xz => {
            let reader = lzma_rust2::XzReader::new_mem_limit(BufReader::new(file), true, XZ_MEMORY_KIB_MAX);
            spill(path, packing, reader)
        }
        Packing::Zstandard => {
            let mut decoder = zstd::Decoder::new(file).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            spill(path, packing, decoder)
        }
        Packing::Zip => {
            let mut archive = archive(path, file)?;
            let place = member(path, &archive)?;
            let member = archive.by_index(place).map_err(|error| broken(error.into()))?;
            if member.encrypted() {
                let reason = "it is a ZIP archive with a password; unpack it first";
                return Err(DatasetError::broken(path.display(), reason));
            }
            spill(path, packing, member)
        }
    }
}

/// Writes what a reader gives into a file that goes away by itself.
fn spill(path: &SourcePath, packing: Packing, reader: impl Read) -> Result<File, DatasetError> {
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

fn damaged(path: &SourcePath, packing: Packing, error: &std::io::Error) -> DatasetError {
    let name = packing.name();
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            format!("it is compressed with {name} and ends early, as after a cut download; fetch it again")
        }
        _ => format!(
            "it is compressed with {name} and cannot be unpacked ({error}); fetch it again, or unpack it yourself"
        ),
    };
    DatasetError::broken(path.display(), reason)
}

fn archive(path: &SourcePath, file: File) -> Result<ZipArchive<BufReader<File>>, DatasetError> {
    ZipArchive::new(BufReader::new(file)).map_err(|error| {
        let reason = format!("it is no whole ZIP archive ({error}), as after a cut download; fetch it again");
        DatasetError::broken(path.display(), reason)
    })
}

/// The name of a file in an archive; empty where it is no text.
fn name_at(archive: &ZipArchive<BufReader<File>>, place: usize) -> String {
    archive.name_for_index(place).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default()
}

/// The one file of an archive that holds data.
fn member(path: &SourcePath, archive: &ZipArchive<BufReader<File>>) -> Result<usize, DatasetError> {
    /// Names that a refusal lists.
    const NAMES_SHOWN: usize = 5;
    let names: Vec<String> = (0..archive.len()).map(|place| name_at(archive, place)).collect();
    let office = |folder: &str| names.iter().any(|name| name.starts_with(folder));
    if office("xl/") || names.iter().any(|name| name == "content.xml") {
        return Err(DatasetError::broken(path.display(), SPREADSHEET));
    }
    if office("word/") {
        return Err(DatasetError::broken(
            path.display(),
            "it is a document; export the rows as CSV or JSON Lines",
        ));
    }
    let is_data = |name: &&String| {
        let file = name.rsplit('/').next().unwrap_or_default();
        !name.starts_with("__MACOSX/") && !file.is_empty() && !file.starts_with('.')
    };
    let mut data = names.iter().filter(is_data);
    match (data.next(), data.next()) {
        (Some(only), None) => Ok(names.iter().position(|name| name == only).unwrap_or(0)),
        (None, _) => Err(DatasetError::broken(path.display(), "it is a ZIP archive without a file")),
        _ => {
            let shown: Vec<&str> =
                names.iter().filter(is_data).take(NAMES_SHOWN).map(String::as_str).collect();
            let shown = crate::error::listed(shown);
            let reason =
                format!("it is a ZIP archive of several files ({shown}); unpack it and name the file");
            Err(DatasetError::broken(path.display(), reason))
        }
    }
}
