//! Every bound of the coordinator, with its unit and its reason.

/// Life of a lease without a heartbeat, in milliseconds: several missed beats and a reconnect fit in,
/// yet a dead machine's trials move on within half a minute.
pub const LEASE_TTL_MS: u64 = 30_000;

/// Interval at which workers send heartbeats, in milliseconds: five beats per lease.
pub const HEARTBEAT_INTERVAL_MS: u64 = 5_000;

/// Most leases granted in one answer: one worker's slots, and no more than one message holds.
pub const GRANTS_MAX: u32 = 256;

/// Most leases that one heartbeat may name.
pub const HEARTBEAT_TOKENS_MAX: usize = 4_096;

/// Most attempts of one trial, however they ended: a trial that is preempted this often never ends.
pub const ATTEMPTS_MAX: u32 = 1_000;
