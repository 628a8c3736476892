//! The worker agent: joins a coordinator, opens slots, trains leased trials.
//!
//! [`agent`] talks with the coordinator and never trains; [`slot`] runs each piece of work in a child
//! process and never talks with the coordinator. So a crash of one trial takes nothing else.

pub mod agent;
pub mod attempt_log;
pub mod cli;
pub mod device_info;
pub mod gpu;
pub mod identity;
pub mod measure;
pub mod predict;
mod reason;
pub mod slot;
pub mod state_directory;
mod telemetry;
