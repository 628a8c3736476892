//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests say so by panicking"
)]

mod access;
mod attempt_logs;
mod audit_log;
mod cli;
mod cli_server;
mod data_folder;
mod exports;
mod extensions;
mod fsck;
mod gc;
mod repeated_messages;
mod server;
mod support;
