//! The whole cluster on a simulated network: the real coordinator server, real agents, scripted slots, seeded faults.
//!
//! A schedule is a function of its seed: [`plan`] draws it, [`world`] plays it in simulated time on one thread,
//! [`faults`] does the harm, and [`oracle`] watches every commit, every acknowledgement and every slot. A seed is
//! played in a process of its own (see [`entropy`]), so that the same seed is the same schedule, message by message.

pub mod entropy;
pub mod faults;
pub mod hosts;
pub mod operator;
pub mod oracle;
pub mod plan;
pub mod planted;
pub mod random;
pub mod slots;
pub mod store;
pub mod training;
pub mod wire;
pub mod world;
