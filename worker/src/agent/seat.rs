//! An attempt's seat in a slot that it shares with the others of its group.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use sweep_proto::{FailureKind, LeaseToken, WorkKind};
use tokio::sync::mpsc;
use tracing::Span;

use crate::slot::EVENTS_MAX;
use crate::slot::protocol::{MemberEvent, MemberId, MemberStart, SlotCommand, SlotEnd};

/// Orders of one member that may wait: one for each event that may wait and the one in hand, two epochs that were taken, a stop
/// and a farewell.
pub(super) const ORDERS_MAX: usize = EVENTS_MAX + 5;

/// The end of a slot that told none.
pub(super) fn vanished() -> SlotEnd {
    SlotEnd::Failed { kind: FailureKind::Crashed, message: "the slot vanished without a word".to_owned() }
}

/// What an attempt asks of its slot.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Tell the member.
    Tell(SlotCommand),
    /// It has dealt with an event.
    Dealt,
    /// It must not be trained any longer: end it, and if that takes too long end the slot.
    Abandon,
}

/// An attempt that is ready to start.
pub(super) struct Joining {
    pub(super) work: WorkKind,
    pub(super) dataset: PathBuf,
    pub(super) start: MemberStart,
    pub(super) events: mpsc::Sender<MemberEvent>,
    /// The lease, and the span of the attempt.
    pub(super) token: LeaseToken,
    pub(super) span: Span,
}

/// A place that is kept for an attempt until it joins, or until it is dropped.
pub(super) struct Seat {
    pub(super) member: MemberId,
    pub(super) token: LeaseToken,
    pub(super) joins: mpsc::Sender<Joining>,
    pub(super) orders: mpsc::Sender<(MemberId, Order)>,
    /// How the slot ended, for members that it did not tell.
    pub(super) fate: Arc<OnceLock<SlotEnd>>,
}

impl Seat {
    /// Joins the group. The slot starts when every attempt of the group has joined or given up.
    pub(super) async fn join(self, work: WorkKind, dataset: PathBuf, start: MemberStart) -> Seated {
        let Self { member, token, joins, orders, fate } = self;
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let joining = Joining { work, dataset, start, events: sender, token, span: Span::current() };
        // There is room for each member once, and whoever listens outlives the attempts.
        _ = joins.send(joining).await;
        Seated { member, events, orders, fate }
    }
}

/// A member of a slot, seen from its attempt.
pub(super) struct Seated {
    member: MemberId,
    events: mpsc::Receiver<MemberEvent>,
    orders: mpsc::Sender<(MemberId, Order)>,
    fate: Arc<OnceLock<SlotEnd>>,
}

impl Seated {
    /// What happens next, the end last. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> MemberEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => MemberEvent::Ended(self.fate.get().cloned().unwrap_or_else(vanished)),
        }
    }

    /// Asks something of the slot. One that is gone tells so through its events.
    pub(super) async fn order(&self, order: Order) {
        _ = self.orders.send((self.member, order)).await;
    }

    /// Gives the place up. The slot trains the member no longer when this returns.
    pub(super) async fn leave(mut self) {
        self.order(Order::Abandon).await;
        while let Some(event) = self.events.recv().await {
            if matches!(event, MemberEvent::Ended(_)) {
                return;
            }
        }
    }
}
