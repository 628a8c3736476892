//! A group: leases that are worked on together, each by an attempt of its own, in one slot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sweep_proto::protocol::GROUP_MAX;
use sweep_proto::{LeaseToken, wire};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::{self, DISK_PAUSE, Ended};
use super::seat::Seat;
use super::shared_slot::SharedSlot;
use super::work::Work;
use super::{Instruction, Shared, locked};

/// Work that ends sooner and without success makes its slot pause.
const SOON: Duration = Duration::from_secs(5);

/// A lease that was taken.
struct Taken {
    token: LeaseToken,
    grant: wire::Grant,
    instruction: watch::Receiver<Instruction>,
}

/// Takes the leases of a group and works on them in one slot.
pub(super) fn start(shared: &Arc<Shared>, group: wire::GrantGroup, asked_at: Instant) {
    if group.grants.len() > GROUP_MAX as usize {
        // What is left is not taken, so it runs out.
        tracing::warn!(members = group.grants.len(), "the coordinator grants more than fits into a group");
    }
    let mut taken = Vec::new();
    for grant in group.grants.into_iter().take(GROUP_MAX as usize) {
        let token = LeaseToken(grant.token);
        if let Some(instruction) = shared.hold(token, Duration::from_millis(grant.lease_ttl_ms), asked_at) {
            taken.push(Taken { token, grant, instruction });
        } else {
            tracing::debug!(%token, "work came that is held already");
        }
    }
    if taken.is_empty() {
        return;
    }
    shared.busy.fetch_add(1, Ordering::Relaxed);
    let owned = Arc::clone(shared);
    shared.attempts.spawn(async move {
        let pause_until = run(&owned, taken).await;
        if let Some(until) = pause_until {
            // The slot counts as busy meanwhile, so it asks for nothing.
            _ = tokio::time::timeout_at(until, owned.drain.cancelled()).await;
        }
        owned.busy.fetch_sub(1, Ordering::Relaxed);
        owned.changed.notify_one();
    });
}

/// Works on leases to their ends; until when the slot pauses after that.
async fn run(shared: &Arc<Shared>, taken: Vec<Taken>) -> Option<Instant> {
    let began_at = Instant::now();
    let leases: Vec<_> = taken.iter().map(|one| one.token).collect();
    let (seats, slot) = SharedSlot::new(shared, &leases);
    let mut attempts = JoinSet::new();
    for (taken, seat) in taken.into_iter().zip(seats) {
        attempts.spawn(one(Arc::clone(shared), taken, seat));
    }
    let mut ends = Vec::new();
    let all = async {
        while let Some(ended) = attempts.join_next().await {
            ends.extend(ended);
        }
    };
    tokio::join!(slot.run(), all);
    pause_after(shared, &ends, began_at)
}

async fn one(shared: Arc<Shared>, taken: Taken, seat: Seat) -> Ended {
    let Taken { token, grant, instruction } = taken;
    let ended = attempt::run(&shared, token, instruction, Work::try_from(grant), seat).await;
    shared.forget(token);
    ended
}

/// Until when a slot pauses after its work.
fn pause_after(shared: &Shared, ends: &[Ended], began_at: Instant) -> Option<Instant> {
    let now = Instant::now();
    if ends.contains(&Ended::DiskFailed) {
        return Some(now + DISK_PAUSE);
    }
    if ends.contains(&Ended::Well) {
        locked(&shared.fruitless).reset();
        return None;
    }
    if ends.contains(&Ended::InVain) && now - began_at < SOON {
        let until = locked(&shared.fruitless).pause(now);
        tracing::debug!(pause_ms = (until - now).as_millis() as u64, "the slot pauses");
        return Some(until);
    }
    None
}
