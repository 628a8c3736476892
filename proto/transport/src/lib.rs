//! The way to a coordinator: addresses, pinned TLS, failover between coordinators, and the data folder on its own machine.
//!
//! People's command lines and workers dial the same way, so it stands once. What is said over the
//! connection is not known here.

mod address;
mod bearer;
mod cause;
mod connector;
mod pin;
pub mod presence;
pub mod private;
mod scheme;

pub use address::{Address, AddressError, Addresses};
pub use bearer::Bearer;
pub use cause::{needs_a_person, root_cause};
pub use connector::{ClientIdentity, Dial, Trust, carrier, channel, connect};
pub use pin::{PinError, key_digest};
pub use scheme::SCHEME_IS_WRONG;

/// The name in every coordinator's certificate. Workers check this one instead of the address that they
/// dial: the authority signs for nobody else, and addresses change.
pub const COORDINATOR_NAME: &str = "coordinator.lstm-sweep.internal";
