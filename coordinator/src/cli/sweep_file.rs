//! Reads a sweep file from disk, with errors that name what is wrong with the path.

use std::io::Read;
use std::path::{Path, PathBuf};

use sweep_proto::sweep_file::{self, FILE_BYTES_MAX};
use sweep_proto::wire::LaunchRequest;
use sweep_proto::{SweepSpec, Token};

use super::exit::{Exit, Failure};

/// The sweep that `sweep run` runs without a file.
const QUICKSTART: &str = include_str!("../../../deploy/examples/quickstart.toml");
/// Its name in messages.
const QUICKSTART_NAME: &str = "quickstart.toml";
/// What stands for standard input in the place of a file.
pub(super) const INPUT: &str = "-";
/// What standard input is called in messages.
const INPUT_NAME: &str = "standard input";

/// The text of a sweep file and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SweepFile {
    /// As the user named it.
    pub(crate) name: String,
    /// TOML.
    pub(crate) text: String,
    /// Against which relative data paths are read.
    pub(crate) directory: PathBuf,
}

impl SweepFile {
    /// The embedded quickstart.
    pub(crate) fn quickstart() -> Self {
        let directory = std::env::current_dir().unwrap_or_default();
        Self { name: QUICKSTART_NAME.into(), text: QUICKSTART.into(), directory }
    }

    /// Reads a file, or standard input where `-` stands in its place.
    ///
    /// # Errors
    /// Exit code 2: missing, a folder, too large, not UTF-8.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        if path == Path::new(INPUT) {
            let directory = std::env::current_dir().unwrap_or_default();
            let read = Self::from_reader(INPUT_NAME, std::io::stdin().lock(), directory);
            return read.map_err(|error| Failure::usage(format!("cannot read {INPUT_NAME}: {error}")))?;
        }
        let name = path.display();
        let cannot = |error: std::io::Error| {
            match error.kind() {
            std::io::ErrorKind::NotFound => Failure::usage(format!("there is no file {name}"))
                .hint("a sweep file is TOML; deploy/examples/ has some, and `sweep run` without a file runs the quickstart"),
            _ => Failure { exit: Exit::Usage, ..Failure::file("read", path, &error) },
        }
        };
        let metadata = std::fs::metadata(path).map_err(cannot)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{name} is a folder, not a sweep file"))
                .hint("name the .toml file inside it"));
        }
        let file = std::fs::File::open(path).map_err(cannot)?;
        let absolute = std::path::absolute(path).map_err(cannot)?;
        let directory = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        if metadata.len() > FILE_BYTES_MAX as u64 {
            return Err(too_large(&name.to_string(), metadata.len()));
        }
        Self::from_reader(&name.to_string(), file, directory).map_err(cannot)?
    }

    /// Reads to the end; the outer error is the stream's, the inner one the text's.
    fn from_reader(
        name: &str,
        stream: impl Read,
        directory: PathBuf,
    ) -> std::io::Result<Result<Self, Failure>> {
        let mut bytes = Vec::new();
        stream.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > FILE_BYTES_MAX {
            return Ok(Err(too_large(name, 0)));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                // The library tells the place of the first byte that is not UTF-8.
                let problems = sweep_file::parse_bytes(name, error.as_bytes()).err();
                return Ok(Err(Failure::usage(problems.map(|all| all.to_string()).unwrap_or_default())));
            }
        };
        Ok(Ok(Self { name: name.to_owned(), text, directory }))
    }

    /// The file where one is named, else the quickstart.
    pub(crate) fn read_or_quickstart(path: Option<&Path>) -> Result<Self, Failure> {
        path.map_or_else(|| Ok(Self::quickstart()), Self::read)
    }

    /// Parses and checks the text.
    ///
    /// # Errors
    /// Exit code 2 with every problem of the file, each with its place.
    pub(crate) fn parse(&self) -> Result<SweepSpec, Failure> {
        sweep_file::parse(&self.name, &self.text).map_err(|problems| {
            if self.holds_token() {
                return Failure::usage(format!("{} holds a token where a sweep file is expected", self.name))
                    .hint("a token goes into SWEEP_TOKEN or --token-file");
            }
            Failure::usage(problems.to_string())
        })
    }

    /// Whether it has what begins like a token: problems quote their lines, and a secret is not for the screen.
    fn holds_token(&self) -> bool {
        let is_token =
            |word: &str| word.split('.').next() == Some(Token::PREFIX) && word.split('.').count() > 2;
        self.text.split(|letter: char| letter.is_whitespace() || "=\"'".contains(letter)).any(is_token)
    }

    /// The request that launches it.
    pub(crate) fn launch_request(&self, forbid_reuse: bool, attach: bool) -> LaunchRequest {
        LaunchRequest {
            file_name: self.name.clone(),
            text: self.text.clone(),
            directory: self.directory.display().to_string(),
            forbid_reuse,
            attach,
            priority: None,
        }
    }
}

/// No more is read than what shows that a file is too large: its size is what the system tells, which of a pipe is nothing.
fn too_large(name: &str, bytes: u64) -> Failure {
    let most = FILE_BYTES_MAX;
    let problem = if bytes > most as u64 {
        format!("{name} has {bytes} bytes; a sweep file has at most {most}")
    } else {
        format!("{name} has more than {most} bytes, which is the most that a sweep file has")
    };
    Failure::usage(problem).hint(
        "a sweep file holds names and lists: shorten its comments, and name the data by its path under [data]",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_told_its_own_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("large.toml");
        // A character of three bytes lies across the end of what is read.
        std::fs::write(&path, "# ".to_owned() + &"감".repeat(100_000)).expect("written");
        let failure = SweepFile::read(&path).expect_err("too large");
        assert!(failure.message.contains("has 300002 bytes"), "{}", failure.message);
        assert!(too_large("-", 0).message.contains("more than 262144 bytes"));
    }

    #[test]
    fn a_stream_is_read_like_a_file_and_no_further_than_one() {
        let read = |bytes: &[u8]| SweepFile::from_reader("standard input", bytes, "/data".into());
        let file = read("name = \"감\"\n".as_bytes()).expect("reads").expect("is UTF-8");
        assert_eq!((file.text.as_str(), file.directory.as_path()), ("name = \"감\"\n", Path::new("/data")));
        let told = |bytes: &[u8]| read(bytes).expect("reads").expect_err("refused").message;
        assert!(told(&vec![b'#'; FILE_BYTES_MAX + 1]).contains("standard input has more than 262144 bytes"));
        assert!(told(b"name = \"caf\xe9\"").contains("standard input:1:12"));
    }

    #[test]
    fn a_token_in_the_place_of_a_sweep_file_is_refused_and_not_quoted() {
        let failure = |text: &str| {
            let file = SweepFile { name: INPUT_NAME.into(), text: text.into(), directory: "/data".into() };
            file.parse().expect_err("is no sweep").message
        };
        for text in ["sw1.0102.SECRET.PIN", "\n  sw1.0102.SECRET.PIN\n", "SWEEP_TOKEN=sw1.0102.SECRET.PIN"] {
            let message = failure(text);
            assert!(
                message.contains("standard input holds a token") && !message.contains("SECRET"),
                "{message}"
            );
        }
        assert!(failure("units").contains("units"), "other problems quote their lines");
    }

    #[test]
    fn the_quickstart_is_a_valid_sweep() {
        SweepFile::quickstart().parse().expect("the embedded file parses");
    }
}
