//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests say so by panicking"
)]

mod access;
mod budgets;
mod charge;
mod deletion;
mod forecast;
mod groups;
mod load;
mod objectives;
mod patience;
mod pruning;
mod retention;
mod revival;
mod scheduling;
mod searches;
mod steering;
mod sums;
mod support;
mod sweeps;
mod trials;
mod workers;
