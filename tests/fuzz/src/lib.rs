//! Fuzz targets: every reader of bytes that anybody may have written, with what must hold of each.
//!
//! A target is a function of bytes that panics where something does not hold. Its committed corpus is
//! replayed by `cargo test`; `tests/fuzz/run` searches beyond it, led by coverage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a target says by panicking what does not hold"
)]

pub mod corpus;
pub mod registry;
mod scratch;
mod targets;
