//! Which coordinator a command talks to, and as whom.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use coordinator::DATABASE;
use coordinator::security_files::{ADMIN_TOKEN, SECURITY, read};
use sweep_proto::Token;
use sweep_transport::Addresses;
use sweep_transport::presence::{self, Presence};
use sweep_transport::private::{self, PrivateError};

use super::exit::Failure;
use super::sweep_file::INPUT;

/// Largest token file that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// What the command line and the environment say of the coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its addresses, where they are given.
    pub(crate) server: Option<String>,
    /// The file with the token to show.
    pub(crate) token_file: Option<PathBuf>,
    /// Where no address is given: the coordinator of this data folder.
    pub(crate) data_folder: PathBuf,
}

impl Wanted {
    /// Refuses a sweep file and a token that are both to be read from standard input, which is read once.
    ///
    /// # Errors
    /// Exit code 2, before anything is read.
    pub(crate) fn check_input(&self, file: &Path) -> Result<(), Failure> {
        let input = Path::new(INPUT);
        if file != input || self.token_file.as_deref() != Some(input) {
            return Ok(());
        }
        Err(Failure::usage("the sweep file and the token cannot both come from standard input")
            .hint("name a file for one of them, or give the token by SWEEP_TOKEN"))
    }
}

/// A coordinator, and what is shown to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it is reached.
    pub(crate) addresses: Addresses,
    /// What is shown to be let in.
    pub(crate) token: Option<Token>,
    /// The data folder that names it, and the identity that it must have.
    pub(crate) known_by: Option<(PathBuf, String)>,
}

/// What is known of the coordinator before anything is dialled.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// The address was given.
    Given(Target),
    /// It runs in the data folder.
    Running(Target),
    /// Somebody holds the data folder, and has not said yet where it listens.
    Starting,
    /// None runs in the data folder.
    Stopped {
        /// Whether the data folder has sweeps that can be read without it.
        is_readable: bool,
    },
}

impl Found {
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped { .. })
    }
}

impl Target {
    /// A coordinator of this process.
    ///
    /// # Errors
    /// Exit code 2 for an address that is none.
    pub(crate) fn own(address: &str) -> Result<Self, Failure> {
        Ok(Self { addresses: parse(address)?, token: None, known_by: None })
    }
}

/// Finds the coordinator: by its address where one is given, else by its data folder, and by nothing else.
///
/// # Errors
/// Exit code 2 for an address, token or data folder that is of no use, 3 where there is no data folder.
pub(crate) fn find(wanted: &Wanted) -> Result<Found, Failure> {
    if let Some(server) = wanted.server.as_deref().filter(|server| !server.trim().is_empty()) {
        return given(server, wanted).map(Found::Given);
    }
    let folder = wanted.data_folder.as_path();
    match private::check(folder) {
        Err(PrivateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Err(no_data_folder(folder));
        }
        checked => checked.map_err(|error| Failure::usage(error.to_string()))?,
    }
    let unreadable = |error: io::Error| Failure::file("read", folder, &error);
    let presence = Presence::read(folder).map_err(unreadable)?;
    if !presence::is_in_use(folder).map_err(unreadable)? {
        let is_whole = presence.is_none_or(|presence| presence.is_whole);
        return Ok(Found::Stopped { is_readable: is_whole && folder.join(DATABASE).is_file() });
    }
    let Some(presence) = presence else { return Ok(Found::Starting) };
    let addresses = parse(&presence.address)?;
    let token = if addresses.is_secure() { token_of_owner(wanted)? } else { None };
    Ok(Found::Running(Target { addresses, token, known_by: Some((folder.to_owned(), presence.identity)) }))
}

fn parse(server: &str) -> Result<Addresses, Failure> {
    server.parse().map_err(|error| Failure::usage(format!("{error}")))
}

/// The coordinator at an address that a person has given.
fn given(server: &str, wanted: &Wanted) -> Result<Target, Failure> {
    let addresses = parse(server)?;
    let target = |token| Target { addresses: addresses.clone(), token, known_by: None };
    if !addresses.is_secure() {
        return Ok(target(None));
    }
    let own = Presence::read(&wanted.data_folder).ok().flatten();
    let is_own = own.is_some_and(|own| own.address.parse() == Ok(addresses.clone()));
    if is_own {
        return token_of_owner(wanted).map(target);
    }
    let token = match &wanted.token_file {
        Some(file) => Some(from_file(file)?),
        None => from_environment()?,
    };
    Ok(target(token))
}

/// What the owner of a data folder shows to its coordinator: the token that was given, where it is one of this coordinator, else the
/// administrator's.
fn token_of_owner(wanted: &Wanted) -> Result<Option<Token>, Failure> {
    if let Some(file) = &wanted.token_file {
        return from_file(file).map(Some);
    }
    let path = wanted.data_folder.join(SECURITY).join(ADMIN_TOKEN);
    let bytes = read(&path).ok();
    let administrator: Option<Token> =
        bytes.and_then(|bytes| String::from_utf8_lossy(&bytes).parse::<Token>().ok());
    let Some(administrator) = administrator else { return from_environment() };
    // A variable that was left over from another coordinator is of no use here.
    let given = from_environment().ok().flatten().filter(|token| token.pin == administrator.pin);
    Ok(Some(given.unwrap_or(administrator)))
}

fn no_data_folder(folder: &Path) -> Failure {
    let shown = folder.display();
    Failure::unavailable(format!("there is no data folder {shown} here, so no coordinator is known")).hint(
        "go to the folder of your sweeps, name it with --data-dir DIR, or name a coordinator with --server URL (or \
         SWEEP_SERVER); `sweep run FILE` and `sweep serve` make a new one here",
    )
}

/// What to say where a command needs a coordinator that runs, and none does.
pub(crate) fn not_running(folder: &Path) -> Failure {
    let is_default = folder == Path::new(presence::DATA_FOLDER);
    let option = if is_default { String::new() } else { format!(" --data-dir {}", folder.display()) };
    Failure::unavailable(format!("the coordinator of {} is not running", folder.display())).hint(format!(
        "`sweep serve{option}` starts it, `sweep run FILE{option}` runs a sweep without it; --server URL names another one"
    ))
}

/// What to say of a data folder that somebody holds who does not answer.
pub(crate) fn not_announced(folder: &Path) -> Failure {
    Failure::unavailable(format!(
        "the data folder {} is in use, but no coordinator answers for it",
        folder.display()
    ))
    .hint("it may be starting, or another `sweep` command works there: try again in a moment")
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
    let failed = |error: io::Error| Failure::usage(format!("cannot read the token from {shown}: {error}"));
    let mut text = String::new();
    if file == Path::new(INPUT) {
        io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = std::fs::File::open(file).map_err(failed)?;
        file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    text.parse().map_err(|error| Failure::usage(format!("{shown}: {error}")))
}
