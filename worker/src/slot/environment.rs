//! The variables that a slot process gets: a list of what training needs. Everything else of the agent's environment,
//! such as tokens and cloud credentials, stays with the agent.

use std::ffi::OsString;

/// Settings of NVIDIA's driver and libraries.
const PREFIXES: [&str; 4] = ["CUDA_", "NVIDIA_", "CUBLAS_", "CUDNN_"];

/// Those of these variables that a slot gets.
pub(super) fn for_slots(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    sweep_confinement::listed(all, &PREFIXES)
}
