//! The entry point of `sweep-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::cli::main()
}
