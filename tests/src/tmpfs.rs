//! A small disk that can be filled.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A file system in memory, unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many mebibytes over an empty folder.
    ///
    /// # Errors
    /// Where this process may not mount.
    pub fn mount(folder: &Path, size_mib: u32) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let size = format!("size={size_mib}m,mode=700");
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "small"]).arg(folder).status()?;
        ensure!(status.success(), "mount a tmpfs at {} (this needs root): {status}", folder.display());
        Ok(Self(folder.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes all the room that is left.
    ///
    /// # Errors
    /// Where the file cannot be made, or never meets the end of the disk.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        // Down to the last byte: what is refused must not depend on its size.
        for block in [&[0_u8; 4_096][..], &[0_u8]] {
            let error = loop {
                if let Err(error) = file.write_all(block) {
                    break error;
                }
            };
            ensure!(error.kind() == std::io::ErrorKind::StorageFull, "fill the disk: {error}");
        }
        Ok(())
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// Where it was not filled.
    pub fn make_room(&self) -> Result<()> {
        std::fs::remove_file(self.filler()).context("make room")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a coordinator may still be in it.
        _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
