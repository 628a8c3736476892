//! Every bound of the coordinator, with its unit and its reason.

/// Life of a lease without a heartbeat, in milliseconds: several missed beats and a reconnect fit in,
/// yet a dead machine's trials move on within half a minute.
pub const LEASE_TTL_MS: u64 = 30_000;

/// Shortest interval at which workers send heartbeats, in milliseconds: six beats per lease.
pub const HEARTBEAT_INTERVAL_MS: u64 = 5_000;

/// Longest interval of heartbeats, in milliseconds: two may be lost before the lease is.
pub const HEARTBEAT_INTERVAL_MAX_MS: u64 = LEASE_TTL_MS / 3;

/// Heartbeats a second that a coordinator wants to hear from all workers together: well below what it can answer.
pub const HEARTBEATS_PER_SECOND_MAX: u64 = 2_000;

/// The interval of heartbeats among so many workers, in milliseconds.
pub fn heartbeat_interval_ms(workers: usize) -> u64 {
    (workers as u64 * 1_000 / HEARTBEATS_PER_SECOND_MAX)
        .clamp(HEARTBEAT_INTERVAL_MS, HEARTBEAT_INTERVAL_MAX_MS)
}

/// Most trials that one command makes or changes, where it is about all of a sweep: a few of the 50 ms for which
/// everybody may wait (`cargo run --release -p coordinator-store --example launch`). The rest follows in between.
pub const SLICE_TRIALS: usize = 250;

/// Waiting trials of a sweep that are made ahead of the workers: as many as some hundred slots take between two steps in
/// which more are made. A larger sweep takes memory and storage as it runs.
pub const STOCK_TRIALS: usize = 2_000;

/// Most trials of a search whose budget counts hours and money alone, as trials: the totals need a number at its launch. Whoever
/// wants more writes `trials`, too.
pub const UNCOUNTED_TRIALS_MAX: u32 = 10_000;

/// Most trials of a sweep that are trained to their end, one after another, although its budget of hours or money is spent: each after
/// one that failed or diverged.
pub const FINALISTS_MAX: u32 = 3;

/// What is kept of a budget of hours or money for a first result is at most one part in this many.
pub const KEPT_BACK_ONE_IN: u64 = 4;

/// Rows below a trial, on average over a slice, up to which a slice removes all its trials, or counts all of them for a pruner: a
/// trial may have thousands of epochs and attempts.
pub const ROWS_PER_TRIAL_OF_SLICE: usize = 8;

/// Most sweeps that are kept: a hundred a day for years.
pub const SWEEPS_MAX: u64 = 100_000;

/// Most trials of all sweeps that are kept (`--max-trials`).
pub const STORED_TRIALS_MAX: u64 = 1_000_000;

/// Most trials of all sweeps that have not ended (`--max-open-trials`): a day's work for hundreds of slots.
pub const OPEN_TRIALS_MAX: u64 = 200_000;

/// Most bytes of sweep files that are kept: thousands of long ones.
pub const TEXT_BYTES_MAX: u64 = 256 << 20;

/// Most bytes of datasets, checkpoints and models that sweeps refer to when another one is launched
/// (`--max-artifact-bytes`): 1 TiB.
pub const ARTIFACT_BYTES_MAX: u64 = 1 << 40;

/// Most memory for what is kept of sweeps where nobody says how much this machine has, in bytes: 4 GiB.
pub const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Of each total, what one user other than the operator may take, in percent: nobody shuts the others out.
pub const SHARE_OF_ONE_PERCENT: u64 = 50;

/// Memory of a trial with its attempts and its share of the indices, in bytes: two and a half times what one with a configuration of
/// its own takes that has ended, with one attempt and without its epochs (docs/benchmarks.md), since some have several attempts.
pub const TRIAL_BYTES: u64 = 1_536;

/// Memory of an epoch, in bytes: its record and its share of the table.
pub const EPOCH_BYTES: u64 = 160;

/// Most leases granted in one answer: one worker's slots, and no more than one message holds.
pub const GRANTS_MAX: u32 = 256;

/// Most leases that one heartbeat may name.
pub const HEARTBEAT_TOKENS_MAX: usize = 4_096;

/// Most attempts of one trial, however they ended: a trial that is preempted this often never ends.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Most attempts of a trial in a row that end with their worker before another epoch is complete: a trial that
/// takes its machine down each time must not take every machine of a cluster down.
pub const WORKERS_LOST_MAX: usize = 8;

/// Most attempts of one trial that may end for want of memory: another process may have taken it, twice is a
/// coincidence, and a third time it is the trial.
pub const OUT_OF_MEMORY_MAX: u32 = 3;

/// The pause before a trial that failed is tried again, in milliseconds; each further one is twice as long. What
/// made it fail may pass.
pub const RETRY_FIRST_MS: u64 = 1_000;

/// The longest pause before a trial is tried again, in milliseconds.
pub const RETRY_MAX_MS: u64 = 60_000;

/// Failures of different trials in a row after which a worker rests: one trial may be bad, three tell of the
/// machine.
pub const WORKER_FAILURES_MAX: usize = 3;

/// The first rest of a worker, in milliseconds; each further one is twice as long.
pub const REST_FIRST_MS: u64 = 60_000;

/// The longest rest of a worker, in milliseconds: then it gets one trial again, to show that it was mended.
pub const REST_MAX_MS: u64 = 600_000;

/// Silence after which a worker counts as lost, in milliseconds: by then every lease of it has run out.
pub const WORKER_SILENCE_MS: u64 = 2 * LEASE_TTL_MS;

/// Gap between two ticks, in milliseconds, that means the coordinator itself stood still (a stopped
/// process, a suspended machine): longer than any lease, so that all of them would run out at once.
pub const STALL_MS: u64 = LEASE_TTL_MS;

/// Most characters of a worker's request id: a UUID and a counter fit.
pub const REQUEST_ID_CHARACTERS_MAX: usize = 128;

/// Replaced processes of one worker that are remembered: a copied machine may come back late, but not after so
/// many others.
pub const INSTANCES_REMEMBERED_MAX: usize = 8;

/// Answered requests of one worker that are remembered beside the newest: a repetition comes soon if at all.
pub const REQUESTS_REMEMBERED_MAX: usize = 8;

/// Copies of a model's weights that a checkpoint may hold: the weights, the best ones, and two moments of the optimiser
/// make four; one is room.
pub const CHECKPOINT_COPIES_MAX: u64 = 5;

/// Bytes that a checkpoint may have beside its numbers: names, shapes and counters, with much room.
pub const CHECKPOINT_EXTRA_BYTES: u64 = 4 << 20;

/// Blobs of full size that a worker may have uploaded under one lease without having reported them: two epochs that wait
/// for their acknowledgement, what a stop leaves, the model, and as many uploads that were cut off and came again.
pub const UNREPORTED_BLOBS_MAX: u64 = 8;

/// Life of a worker's certificate, in milliseconds: a week. A machine that slept for longer joins anew.
pub const CERTIFICATE_LIFETIME_MS: u64 = 7 * 24 * 3_600_000;

/// Most valid certificates of one worker: it needs two, and one more for each answer that was lost.
pub const CERTIFICATES_PER_WORKER_MAX: usize = 64;

/// Most valid tokens at one time: people and machines, with much room.
pub const TOKENS_MAX: usize = 10_000;

/// Most characters of a token's label.
pub const LABEL_CHARACTERS_MAX: usize = 200;

/// Most characters of why the coordinator holds a sweep.
pub const HOLD_REASON_CHARACTERS_MAX: usize = 500;

/// How long workers that left without having worked, and certificates and tokens that are worth nothing, are kept where nobody
/// says otherwise, in milliseconds: 30 days, so that somebody who asks why a worker is not let in is told.
pub const KEEP_UNUSED_MS: u64 = 30 * 24 * 3_600_000;

/// How long the step metrics of a sweep are kept after its end where nobody says otherwise, in milliseconds: 90 days. They draw
/// the curves within epochs on the pages of trials, and nothing else.
pub const KEEP_STEPS_MS: u64 = 90 * 24 * 3_600_000;

/// How long an entry of the audit log is kept at least, in milliseconds: 30 days, so that somebody notices.
pub const AUDIT_KEEP_MIN_MS: u64 = 30 * 24 * 3_600_000;

/// Most characters of each text of an audit entry.
pub const AUDIT_TEXT_CHARACTERS_MAX: usize = 500;

/// Most earlier choices of a sweep that are kept. A reader needs their number; after a hundred, a test split says nothing new.
pub const EARLIER_CHOICES_MAX: usize = 100;
