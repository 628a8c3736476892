//! A wall clock for one process that jumps as a test wants it; the monotonic clock goes on undisturbed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::{need, shell};

/// A clock in a file, read by libfaketime in the process at each look at the clock.
#[derive(Debug)]
pub struct FalseClock {
    file: PathBuf,
    library: String,
}

impl FalseClock {
    /// A clock that is right, kept in a folder.
    ///
    /// # Errors
    /// Where libfaketime is missing and cannot be installed.
    pub fn new(folder: &Path, name: &str) -> Result<Self> {
        need("faketime", "faketime")?;
        let library = shell("dpkg -L libfaketime | grep libfaketimeMT.so")?;
        let library =
            library.lines().next().context("libfaketimeMT.so of Debian's package libfaketime")?.to_owned();
        let clock = Self { file: folder.join(name), library };
        clock.jump("+0")?;
        Ok(clock)
    }

    /// The clock is off by this from now on: `+3600` seconds, `-10m`, `+10y`.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn jump(&self, offset: &str) -> Result<()> {
        // Renamed into place, so that nobody reads half of it.
        let fresh = self.file.with_extension("fresh");
        std::fs::write(&fresh, format!("{offset}\n"))?;
        Ok(std::fs::rename(fresh, &self.file)?)
    }

    /// What a process needs in its environment to believe it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = self.file.to_string_lossy();
        let variables = [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}
