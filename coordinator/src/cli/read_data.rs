//! `sweep read-data`: the process in which a coordinator has data read. People do not call it.

use std::process::ExitCode;

use clap::Args;

const EXAMPLES: &str = "\
A coordinator starts this process and tells it on standard input what to read.

Example:
  sweep read-data < order.json";

#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// Serves one order. There is no runtime here and no coordinator to talk to.
pub(crate) fn run() -> ExitCode {
    match coordinator::readers::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot read what the coordinator asks for: {error}");
            ExitCode::FAILURE
        }
    }
}
