//! What the tests that cross crates share: the workspace's metadata, real processes, the oracle.

pub mod browser;
pub mod castle;
#[cfg(target_arch = "x86_64")]
pub mod crash_points;
pub mod false_clock;
pub mod fault_proxy;
pub mod frames;
pub mod hunt;
pub mod large_sweep;
pub mod ledger;
pub mod member;
pub mod metadata;
pub mod network;
pub mod postgres_server;
pub mod power;
pub mod processes;
pub mod progress;
pub mod pseudo_terminal;
pub mod python;
pub mod raw;
pub mod s3_server;
pub mod second_machine;
pub mod tmpfs;
pub mod tools;
pub mod vitals;
