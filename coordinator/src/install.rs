//! The install script for machines without the program: readable, and bound to one program by its digest.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sweep_proto::Digest;

/// The script before the facts of this coordinator are filled in.
const SCRIPT: &str = include_str!("../assets/install.sh");

/// Bytes of the program that are read at one time.
const PART_BYTES: usize = 64 * 1024;

/// The worker's program, beside ours.
const PROGRAM: &str = "sweep-worker";

/// A script, and the program that it installs.
#[derive(Clone, Debug)]
pub(crate) struct Install {
    script: String,
    /// Opened once: whoever downloads it takes no file descriptor, and gets the program whose digest the script has.
    program: Arc<File>,
}

impl Install {
    /// Looks for the worker's program beside our own. Reads it whole.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    pub(crate) fn find(server_key_pin: &str) -> io::Result<Self> {
        let ours = std::env::current_exe()?;
        let folder = ours.parent().unwrap_or(Path::new("."));
        // Tests run from a folder below that of the programs.
        let candidates = [folder.join(PROGRAM), folder.join("..").join(PROGRAM)];
        let program = candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{} has no {PROGRAM}", folder.display()))
        })?;
        let program = File::open(&program)?;
        let digest = Digest::of_reader(&program)?;
        let script = SCRIPT
            .replace("@KEY_PIN@", server_key_pin)
            .replace("@WORKER_DIGEST@", &digest.to_string())
            .replace("@ARCHITECTURE@", std::env::consts::ARCH)
            .replace("@GLIBC@", &needed_glibc(BufReader::new(rewound(&program)?))?);
        Ok(Self { script, program: Arc::new(program) })
    }

    /// The script.
    pub(crate) fn script(&self) -> &str {
        &self.script
    }

    /// SHA-256 of the script, as `sha256sum` prints it.
    pub(crate) fn digest(&self) -> String {
        Digest::of(self.script.as_bytes()).to_string()
    }

    /// The program's next bytes from an offset on; none at its end.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    pub(crate) async fn read(&self, offset: u64) -> io::Result<Vec<u8>> {
        let program = Arc::clone(&self.program);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; PART_BYTES];
            let count = program.read_at(&mut bytes, offset)?;
            bytes.truncate(count);
            Ok(bytes)
        });
        read.await.map_err(io::Error::other)?
    }
}

fn rewound(mut program: &File) -> io::Result<&File> {
    program.rewind()?;
    Ok(program)
}

/// The newest glibc version that a program asks for: the largest of its `GLIBC_2.x` symbol versions.
fn needed_glibc(mut program: impl Read) -> io::Result<String> {
    const MARK: &[u8] = b"GLIBC_2.";
    let mut bytes = Vec::new();
    program.read_to_end(&mut bytes)?;
    let mut newest = 0_u32;
    for (at, _) in bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK) {
        let digits = bytes[at + MARK.len()..].iter().take(3).take_while(|byte| byte.is_ascii_digit());
        let minor = digits.fold(0, |minor, digit| minor * 10 + u32::from(digit - b'0'));
        newest = newest.max(minor);
    }
    Ok(format!("2.{newest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_version_counts() {
        let program = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
        assert_eq!(needed_glibc(&program[..]).expect("read"), "2.34");
    }

    #[test]
    fn every_blank_of_the_script_is_filled_by_us() {
        let blanks: Vec<_> = SCRIPT.split('@').skip(1).step_by(2).collect();
        assert_eq!(blanks, ["KEY_PIN", "WORKER_DIGEST", "ARCHITECTURE", "GLIBC"]);
    }
}
