//! Blobs that lost their last reference: how long they are kept for those who are reading them.

use std::collections::VecDeque;

use sweep_proto::{ArtifactRef, Timestamp};

/// How long such a blob is kept, in milliseconds: readers may be in the middle of it, and a backup copies what
/// its rows referred to.
const KEEP_MS: u64 = 60_000;

/// Bytes of such blobs kept at one time: trials with short epochs replace their checkpoints many times a second, and
/// the disk must outlast them.
pub const KEEP_BYTES_MAX: u64 = 1 << 30;

/// The queues, oldest first.
#[derive(Debug, Default)]
pub(super) struct Stale {
    queue: VecDeque<(Timestamp, ArtifactRef)>,
    /// Of `queue`.
    bytes: u64,
    /// Those that were uploaded once more since: kept for their whole time.
    uploaded_again: VecDeque<(Timestamp, ArtifactRef)>,
}

impl Stale {
    /// Takes in one that nothing refers to any more.
    pub(super) fn push(&mut self, now: Timestamp, artifact: ArtifactRef) {
        self.bytes += artifact.bytes;
        self.queue.push_back((now, artifact));
    }

    /// Takes one back that was uploaded once more: somebody may be about to refer to it.
    pub(super) fn push_uploaded_again(&mut self, now: Timestamp, artifact: ArtifactRef) {
        self.uploaded_again.push_back((now, artifact));
    }

    /// The next one that is not kept any longer, and since when it is here.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, ArtifactRef)> {
        let is_old = |entry: &(Timestamp, ArtifactRef)| now.since_ms(entry.0) >= KEEP_MS;
        if self.uploaded_again.front().is_some_and(is_old) {
            return self.uploaded_again.pop_front();
        }
        let is_too_much = self.bytes > KEEP_BYTES_MAX;
        self.queue.front().filter(|entry| is_too_much || is_old(entry))?;
        let popped = self.queue.pop_front();
        self.bytes -= popped.map_or(0, |(_, artifact)| artifact.bytes);
        popped
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::Digest;

    use super::*;

    fn artifact(name: &[u8], bytes: u64) -> ArtifactRef {
        ArtifactRef { digest: Digest::of(name), bytes }
    }

    #[test]
    fn a_blob_is_kept_for_a_while_and_the_oldest_go_where_they_are_too_large() {
        let mut stale = Stale::default();
        let (small, large) = (artifact(b"small", 1), artifact(b"large", KEEP_BYTES_MAX));
        let later = Timestamp(KEEP_MS);
        stale.push(Timestamp(1), small);
        assert_eq!(stale.pop_due(later), None);
        assert_eq!(stale.pop_due(Timestamp(1 + KEEP_MS)), Some((Timestamp(1), small)));

        stale.push(Timestamp(2), small);
        stale.push(Timestamp(3), large);
        assert_eq!(stale.pop_due(Timestamp(3)), Some((Timestamp(2), small)));
        assert_eq!(stale.pop_due(Timestamp(3)), None);
        stale.push(Timestamp(4), small);
        assert_eq!(stale.pop_due(Timestamp(4)), Some((Timestamp(3), large)));
        assert_eq!(stale.pop_due(Timestamp(4)), None);

        stale.push_uploaded_again(Timestamp(5), large);
        stale.push(Timestamp(6), large);
        assert_eq!(stale.pop_due(Timestamp(6)), Some((Timestamp(4), small)), "it makes room");
        assert_eq!(stale.pop_due(Timestamp(6)), None, "what was uploaded again counts for nothing");
        assert_eq!(stale.pop_due(Timestamp(5 + KEEP_MS)), Some((Timestamp(5), large)));
    }
}
