//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

mod bounds;
mod conformance;
mod endings;
mod folding;
mod generated;
mod recorded;
mod space_searches;
mod spaces;
mod steered;
mod strategies;
mod support;
mod told;
mod tpe;
