//! What a child process may reach while it works on other people's data: listed variables of the environment, listed
//! files, no network. Slots of workers and readers of coordinators are confined alike.

mod environment;
mod files;
mod rights;

pub use environment::listed;
pub use files::{Reach, RulesetError, RulesetStatus, Width, enter};
pub use rights::renounce;
