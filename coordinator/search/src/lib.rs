//! Which configuration comes next, and which trial goes no further: pure functions of a sweep's seed and of what its trials
//! have shown, in the order in which that was decided.

pub mod auto;
mod history;
mod lead;
mod normal;
mod proposal;
pub mod pruner;
pub mod replay;
pub mod sampler;
mod space;
pub mod steered;

pub use history::{Ended, History, News, Seen};
pub use lead::Lead;
pub use proposal::{Answer, Proposal, Request};
pub use sampler::{CalledOff, Kept, some_configuration};
pub use space::Space;
pub use steered::{Chosen, Named, SearchEvent, Steered, SteeredNews, SteeredSetup, Steering};
