//! The client's way to a coordinator: addresses, pinned TLS, failover between coordinators.
//!
//! People's command lines and workers dial the same way, so it stands once. What is said over the
//! connection is not known here.

mod address;
mod bearer;
mod connector;
mod pin;

pub use address::{Address, AddressError, Addresses};
pub use bearer::Bearer;
pub use connector::{ClientIdentity, Dial, Trust, carrier, channel, connect};
pub use pin::{CLOCK_IS_OFF, PIN_IS_WRONG, PinError, key_digest};

/// The name in every coordinator's certificate. Workers check this one instead of the address that they
/// dial: the authority signs for nobody else, and addresses change.
pub const COORDINATOR_NAME: &str = "coordinator.lstm-sweep.internal";
