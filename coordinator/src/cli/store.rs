//! Which store a coordinator works on: an option, or the environment where the URL holds a password.

use clap::Args;
use coordinator::{DatabaseUrl, StoreChoice};

use super::exit::Failure;

/// The variable of the environment that stands for the option.
const VARIABLE: &str = "SWEEP_STORE";

/// The store of a coordinator.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArguments {
    /// A PostgreSQL database instead of a file in the data folder: postgres://USER@HOST/DATABASE, several hosts with commas. A URL
    /// with a password is given in SWEEP_STORE, because everybody on a machine can see arguments.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
}

impl StoreArguments {
    /// The store that was chosen.
    ///
    /// # Errors
    /// Exit code 2 for a URL that is of no use, or not safe here.
    pub(crate) fn choice(self) -> Result<StoreChoice, Failure> {
        let is_argument = self.store.is_some();
        let Some(url) = self.store.or_else(|| std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()))
        else {
            return Ok(StoreChoice::Sqlite);
        };
        let url: DatabaseUrl = url.parse().map_err(|error| Failure::usage(format!("--store: {error}")))?;
        if is_argument && url.has_password() {
            return Err(Failure::usage("everybody on this machine can see a password in an argument")
                .hint(format!("set {VARIABLE} to the URL and leave --store out")));
        }
        Ok(StoreChoice::Postgres(url))
    }
}
