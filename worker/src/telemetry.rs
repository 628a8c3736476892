//! Structured logs on standard error.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::attempt_log::AttemptLogs;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `RUST_LOG` chooses what is logged; without it everything from `info` on, which is what attempts' logs
/// keep in any case.
pub(crate) fn start(format: LogFormat, logs: AttemptLogs) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let kept = logs.with_filter(LevelFilter::INFO);
    let started = tracing_subscriber::registry().with(lines.with_filter(filter)).with(kept).try_init();
    if let Err(error) = started {
        // Only a second start in the same process comes here; the first log goes on.
        tracing::debug!(%error, "logging was started already");
    }
}
