//! How long steps tell whoever watches how far they are.

/// Somebody who watches. Calls come from one thread at a time, but not always the same one.
pub trait Progress: Sync {
    /// A new step begins: its name for people, and how much it has to do, where that is known,
    /// counted in bytes or in rows.
    fn stage(&self, name: &str, total: Option<u64>, in_bytes: bool);
    /// So much of the present step is done, counted from its start.
    fn advance(&self, done: u64);
    /// The source is found: its files have that number of bytes. Reading them begins only after this.
    fn found(&self, source_bytes: u64) {
        let _ = source_bytes;
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn stage(&self, _name: &str, _total: Option<u64>, _in_bytes: bool) {}
    fn advance(&self, _done: u64) {}
}
