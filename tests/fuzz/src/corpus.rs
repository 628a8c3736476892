//! The committed corpora: `corpus/TARGET/` holds valid examples and every input that once broke something.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::registry::Target;

/// Largest committed input in bytes: what is larger is made by the targets themselves.
pub const INPUT_BYTES_MAX: usize = 16 << 10;

/// Where a target's corpus lies.
pub fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// Every input of a target's corpus by file name.
///
/// # Errors
/// Where the folder cannot be read.
pub fn inputs(target: &Target) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder(target))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        inputs.push((name, fs::read(&path)?));
    }
    inputs.sort();
    Ok(inputs)
}

/// Writes the valid examples that a target's corpus lacks. Those that are there stay: some differ each
/// time that they are made.
///
/// # Errors
/// Where the folder cannot be written.
pub fn add_seeds(target: &Target) -> io::Result<()> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    for (name, bytes) in (target.seeds)() {
        let path = folder.join(name);
        if !path.exists() {
            fs::write(path, bytes)?;
        }
    }
    Ok(())
}
