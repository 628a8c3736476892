//! The coordinator server as a library: the binary, the embedded mode of `sweep run` and tests start it.

mod artifacts;
mod clock;
mod driver;
pub mod fsck;
mod prepare;
mod rpc;
pub mod server;

pub use fsck::{Findings, FsckError, fsck};
pub use server::{Server, ServerConfig, StartError, StoreChoice, start};
