//! Fetching a known dataset from its official home: bounded, checked, and never half there.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use sha1::{Digest as _, Sha1};
use sweep_proto::Digest;
use ureq::Agent;

use crate::error::DatasetError;
use crate::progress::Progress;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the server may take to begin its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the whole transfer may take: 84 MB over a slow line.
const TRANSFER_TIMEOUT: Duration = Duration::from_hours(1);
/// How long one read may stand still.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// What the bytes must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Checksum {
    /// SHA-256 in hexadecimal digits.
    Sha256(&'static str),
    /// What git calls a file of this content: SHA-1 of `blob <size>\0<content>`.
    GitBlob(&'static str),
}

impl Checksum {
    fn verify(self, bytes: &[u8]) -> Result<(), String> {
        let (expected, found) = match self {
            Checksum::Sha256(expected) => (expected, Digest::of(bytes).to_string()),
            Checksum::GitBlob(expected) => (expected, git_blob(bytes)),
        };
        if expected == found {
            return Ok(());
        }
        Err(format!("the checksum is {found}, expected is {expected}"))
    }
}

fn git_blob(bytes: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", bytes.len()).as_bytes());
    hasher.update(bytes);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fetches a file unless it is there. It appears under its name only complete and checked.
pub(crate) fn fetch(
    url: &str,
    path: &Path,
    checksum: &Checksum,
    bytes_max: u64,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    if path.is_file() {
        return Ok(());
    }
    tracing::info!(url, path = %path.display(), "downloading a dataset");
    let bytes = transfer(url, bytes_max, progress)
        .and_then(|bytes| checksum.verify(&bytes).map(|()| bytes))
        .map_err(|reason| DatasetError::Download { url: url.to_owned(), reason })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(DatasetError::io(folder, "create it"))?;
    write_atomically(path, &bytes).map_err(DatasetError::io(path, "write it"))
}

fn transfer(url: &str, bytes_max: u64, progress: &dyn Progress) -> Result<Vec<u8>, String> {
    let agent: Agent = Agent::config_builder()
        .https_only(!cfg!(test))
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(ANSWER_TIMEOUT))
        .timeout_per_read(Some(READ_TIMEOUT))
        .timeout_global(Some(TRANSFER_TIMEOUT))
        .build()
        .into();
    let mut answer = agent.get(url).call().map_err(|error| error.to_string())?;
    let size = answer.body().content_length();
    if size.is_some_and(|size| size > bytes_max) {
        return Err(format!("it has more than the {bytes_max} bytes that are allowed"));
    }
    progress.stage(&format!("downloading {url}"), size, true);
    let mut body = answer.body_mut().as_reader().take(bytes_max + 1);
    let mut bytes = Vec::new();
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        let count = body.read(&mut buffer).map_err(|error| error.to_string())?;
        bytes.extend_from_slice(&buffer[..count]);
        progress.advance(bytes.len() as u64);
        if bytes.len() as u64 > bytes_max {
            return Err(format!("it has more than the {bytes_max} bytes that are allowed"));
        }
        if count == 0 {
            return Ok(bytes);
        }
    }
}

/// Writes a file so that nobody ever sees half of it: a temporary file, synced, renamed, its folder synced.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::net::TcpListener;

    use super::*;
    use crate::progress::NoProgress;

    /// Answers one request with these bytes.
    fn serve(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a request");
            let request = std::io::BufReader::new(stream.try_clone().expect("a socket"));
            request.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            stream.write_all(answer).expect("a reader");
        });
        format!("http://{address}/data.txt")
    }

    const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

    #[test]
    fn a_checked_file_appears_and_is_not_fetched_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/data.txt");
        // `printf 'hello\n' | git hash-object --stdin`
        let checksum = Checksum::GitBlob("ce013625030ba8dba906f756967f9e9ca394464a");
        let url = serve(HELLO);
        fetch(&url, &path, &checksum, 100, &NoProgress).expect("served");
        assert_eq!(std::fs::read(&path).expect("written"), b"hello\n");
        fetch("http://127.0.0.1:1/nobody", &path, &checksum, 100, &NoProgress).expect("already there");
    }

    #[test]
    fn wrong_or_missing_bytes_leave_nothing_and_say_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data.txt");
        let checksum = Checksum::Sha256("00");
        let cut: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\nConnection: close\r\n\r\nhello\n";
        let cases = [
            (serve(HELLO), 100, "the checksum is"),
            (serve(HELLO), 3, "more than the 3 bytes"),
            (serve(cut), 100, ""),
            (serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), 100, "404"),
            ("http://127.0.0.1:1/nobody".to_owned(), 100, ""),
        ];
        for (url, bytes_max, reason) in cases {
            let message =
                fetch(&url, &path, &checksum, bytes_max, &NoProgress).expect_err("refused").to_string();
            assert!(message.contains(reason) && message.contains("give `path = ...`"), "{message}");
            assert!(!path.exists());
        }
    }
}
