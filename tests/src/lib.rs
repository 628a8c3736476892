//! What the tests that cross crates share: the workspace's metadata, real processes, the oracle.

#[cfg(target_arch = "x86_64")]
pub mod crash_points;
pub mod ledger;
pub mod metadata;
pub mod postgres_server;
pub mod power;
pub mod processes;
pub mod s3_server;
pub mod second_machine;
pub mod tools;
