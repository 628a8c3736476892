//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests say so by panicking"
)]

mod broken;
mod common;
mod encoding;
mod formats;
mod kinds;
mod parquet_files;
mod places;
