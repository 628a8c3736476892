//! Which coordinator a command talks to, and as whom.

use std::io::Read;
use std::path::Path;

use coordinator::security_files::{ADDRESS, ADMIN_TOKEN, SECURITY, read};
use sweep_proto::Token;

use super::exit::Failure;

/// Where a coordinator listens by default.
const DEFAULT_SERVER: &str = "http://127.0.0.1:7077";

/// The data folder that `sweep serve` uses by default.
const DATA_FOLDER: &str = ".sweep";

/// Largest token file that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// The server's address and the token to show it.
///
/// # Errors
/// Exit code 2 where a token is given that cannot be read.
pub(crate) fn find(
    server: Option<String>,
    token_file: Option<&Path>,
) -> Result<(String, Option<Token>), Failure> {
    let given = match token_file {
        Some(file) => Some(from_file(file)?),
        None => from_environment()?,
    };
    let security = Path::new(DATA_FOLDER).join(SECURITY);
    let local = read(&security.join(ADDRESS)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let server = server.or_else(|| local.clone()).unwrap_or_else(|| DEFAULT_SERVER.to_owned());
    if given.is_some() || local.as_deref() != Some(server.as_str()) {
        return Ok((server, given));
    }
    // The owner of the data folder is the administrator.
    let administrator = read(&security.join(ADMIN_TOKEN)).ok();
    let token = administrator.and_then(|bytes| String::from_utf8_lossy(&bytes).parse().ok());
    Ok((server, token))
}

fn from_environment() -> Result<Option<Token>, Failure> {
    match std::env::var("SWEEP_TOKEN") {
        Ok(text) if !text.trim().is_empty() => {
            text.parse().map(Some).map_err(|error| Failure::usage(format!("SWEEP_TOKEN: {error}")))
        }
        _ => Ok(None),
    }
}

fn from_file(file: &Path) -> Result<Token, Failure> {
    let shown = file.display();
    let failed =
        |error: std::io::Error| Failure::usage(format!("cannot read the token from {shown}: {error}"));
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = std::fs::File::open(file).map_err(failed)?;
        file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    text.parse().map_err(|error| Failure::usage(format!("{shown}: {error}")))
}
