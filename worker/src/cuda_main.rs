//! The entry point of `sweep-worker-cuda`: the same program linked to CUDA, started by `sweep-worker` for
//! slots on a GPU, so that the agent itself starts on any machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::cli::main()
}
