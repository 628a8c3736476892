//! What a process holds of the system: memory and file descriptors, as `/proc` tells it.

use std::fs;

use anyhow::{Context, Result};

/// One look at a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Resident memory in MiB.
    pub memory_mib: u64,
    /// Open file descriptors.
    pub files: usize,
}

impl Vitals {
    /// Looks at the process of that id.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it has ended")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Self { memory_mib: kib / 1_024, files: fs::read_dir(format!("/proc/{process}/fd"))?.count() })
    }
}
