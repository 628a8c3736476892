//! The integration tests of this crate in one program: every further program would link the whole tree again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests say so by panicking"
)]

mod architecture;
mod backup;
mod broken_networks;
mod clocks;
mod cluster;
mod crash_points;
mod dashboard;
mod failing_disks;
mod failover;
mod fault_proxy;
mod first_signatures;
mod gpu_check;
mod groups;
mod headline;
mod hostile_certificates;
mod hostile_connections;
mod hostile_tokens;
mod hostile_worker;
mod joining;
mod migrations;
mod model;
mod object_storage;
mod objectives;
mod planted_bugs;
mod postgres_store;
mod python_client;
mod quickstart;
mod readers;
mod rerun;
mod searches;
mod spent;
mod supply_chain;
mod watch;
mod zombies;
