//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests say so by panicking"
)]

mod agreement;
mod attempts;
mod beside_study;
mod calibration;
mod catalogue;
mod compare;
mod conclusion;
mod configurations;
mod data;
mod energy;
mod export;
mod fixture;
mod forest;
mod formats;
mod front;
mod language;
mod little_to_say;
mod objective;
mod ranges;
mod records;
mod report;
