//! What the tests that cross crates share: the workspace's metadata, and real processes.

pub mod metadata;
pub mod processes;
