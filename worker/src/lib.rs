//! The worker agent: joins a coordinator, opens slots, trains leased trials.
