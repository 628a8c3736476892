//! The `sweep` program: command line in, exit code out.

mod cli;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
