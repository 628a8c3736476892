//! A slot between its members: carries events to their attempts and orders back, and ends it where it hangs.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sweep_proto::{FailureKind, LeaseToken};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::Shared;
use super::seat::{Joining, ORDERS_MAX, Order, Seat, vanished};
use crate::slot::SlotHandle;
use crate::slot::protocol::{FromSlot, MemberEvent, MemberId, SlotCommand, SlotEnd, Start};

/// How long a member that must not be trained may take to end before its slot is killed: below the part of a lease's term that
/// is left when it counts as lost.
const ABANDON_GRACE: Duration = Duration::from_secs(3);

/// The slot of a group, before it starts.
pub(super) struct SharedSlot {
    shared: Arc<Shared>,
    joins: mpsc::Receiver<Joining>,
    orders: mpsc::Receiver<(MemberId, Order)>,
    fate: Arc<OnceLock<SlotEnd>>,
}

impl SharedSlot {
    /// A slot and the seats in it.
    pub(super) fn new(shared: &Arc<Shared>, leases: &[LeaseToken]) -> (Vec<Seat>, Self) {
        let members = leases.len().max(1);
        let (join_sender, joins) = mpsc::channel(members);
        let (order_sender, orders) = mpsc::channel(members * ORDERS_MAX);
        let fate = Arc::new(OnceLock::new());
        let seat = |(number, token): (u32, &LeaseToken)| Seat {
            member: MemberId(number),
            token: *token,
            joins: join_sender.clone(),
            orders: order_sender.clone(),
            fate: Arc::clone(&fate),
        };
        let seats = (0..).zip(leases).map(seat).collect();
        (seats, Self { shared: Arc::clone(shared), joins, orders, fate })
    }

    /// Waits for the members, starts the slot with those that join, and follows it until all have ended.
    pub(super) async fn run(mut self) {
        let joined = self.gather().await;
        let Some(first) = joined.first() else { return };
        let (work, dataset) = (first.work, first.dataset.clone());
        let span = span_of(&joined);
        let mut members = BTreeMap::new();
        let mut starts = Vec::new();
        for Joining { start, events, .. } in joined {
            members.insert(start.member, Member { events, in_hand: 0, is_abandoned: false });
            starts.push(start);
        }
        let start = Start { work, dataset, device: self.shared.settings.device.clone(), members: starts };
        match span.in_scope(|| self.shared.runner.start(start)) {
            Ok(slot) => {
                let stall_timeout = self.shared.settings.stall_timeout;
                let running = Running::new(slot, members, stall_timeout, self.fate);
                running.follow(&mut self.orders).instrument(span).await;
            }
            Err(error) => {
                let message = format!("the slot process does not start: {error}");
                _ = self.fate.set(SlotEnd::Failed { kind: FailureKind::Crashed, message });
            }
        }
    }

    /// The attempts that join. One that is told to stop meanwhile does not start.
    async fn gather(&mut self) -> Vec<Joining> {
        let mut joined: Vec<Joining> = Vec::new();
        let mut withdrawn = BTreeSet::new();
        loop {
            tokio::select! {
                joining = self.joins.recv() => match joining {
                    Some(joining) => joined.push(joining),
                    None => break,
                },
                Some((member, order)) = self.orders.recv() => {
                    if matches!(order, Order::Abandon | Order::Tell(SlotCommand::Stop)) {
                        withdrawn.insert(member);
                    }
                }
            }
            let stopped = SlotEnd::Stopped { underway: None };
            turn_away(&mut joined, &stopped, |one| withdrawn.contains(&one.start.member));
        }
        if let Some((work, dataset)) = joined.first().map(|one| (one.work, one.dataset.clone())) {
            let message = "the coordinator groups work that one slot cannot do together".to_owned();
            let unlike = SlotEnd::Failed { kind: FailureKind::Rejected, message };
            turn_away(&mut joined, &unlike, |one| (one.work, &one.dataset) != (work, &dataset));
        }
        joined
    }
}

fn turn_away(joined: &mut Vec<Joining>, end: &SlotEnd, is_leaving: impl Fn(&Joining) -> bool) {
    for leaving in joined.extract_if(.., |one| is_leaving(one)) {
        // Nothing is in its queue yet.
        _ = leaving.events.try_send(MemberEvent::Ended(end.clone()));
    }
}

/// What the slot's own lines belong to: its attempt, or all of its group.
fn span_of(joined: &[Joining]) -> Span {
    match joined {
        [alone] => alone.span.clone(),
        several => {
            let tokens: Vec<_> = several.iter().map(|one| one.token.to_string()).collect();
            tracing::info_span!("group", tokens = tokens.join(","))
        }
    }
}

/// A member that has not ended.
struct Member {
    events: mpsc::Sender<MemberEvent>,
    /// Events that its attempt has not dealt with.
    in_hand: usize,
    /// It must not be trained any longer, and nobody waits for more than its end.
    is_abandoned: bool,
}

/// A slot that runs.
struct Running {
    slot: SlotHandle,
    members: BTreeMap<MemberId, Member>,
    /// An event whose member has no room for it. No further one is taken meanwhile.
    undelivered: Option<(MemberId, MemberEvent)>,
    stall_timeout: Duration,
    stalls_at: Instant,
    /// When the slot is killed because members that were abandoned have not ended.
    abandoned_until: Option<Instant>,
    fate: Arc<OnceLock<SlotEnd>>,
}

impl Running {
    fn new(
        slot: SlotHandle,
        members: BTreeMap<MemberId, Member>,
        stall_timeout: Duration,
        fate: Arc<OnceLock<SlotEnd>>,
    ) -> Self {
        let stalls_at = Instant::now() + stall_timeout;
        Self { slot, members, undelivered: None, stall_timeout, stalls_at, abandoned_until: None, fate }
    }

    /// Follows the slot until every member has ended, or the slot is gone.
    async fn follow(mut self, orders: &mut mpsc::Receiver<(MemberId, Order)>) {
        let fate = loop {
            if self.members.is_empty() {
                return;
            }
            if self.members.values().all(|member| member.is_abandoned) {
                self.slot.kill().await;
                break SlotEnd::Stopped { underway: None };
            }
            let due_at = self.due_at();
            tokio::select! {
                event = self.slot.events.recv(), if self.undelivered.is_none() => {
                    let Some(event) = event else { break vanished() };
                    self.hear(event);
                }
                room = room_for(&self.members, self.undelivered.as_ref()) => self.deliver(room),
                Some((member, order)) = orders.recv() => self.obey(member, order),
                () = super::sleep_until(due_at) => {
                    let end = self.overdue();
                    self.slot.kill().await;
                    break end;
                }
            }
        };
        // Before the members' events end: it is what they hear then.
        _ = self.fate.set(fate);
    }

    fn hear(&mut self, event: FromSlot) {
        self.stalls_at = Instant::now() + self.stall_timeout;
        let FromSlot::Member { member, event } = event else { return };
        let Some(known) = self.members.get(&member) else { return };
        if !known.is_abandoned || matches!(event, MemberEvent::Ended(_)) {
            self.undelivered = Some((member, event));
        }
    }

    /// Gives an event to its attempt, where that still listens.
    fn deliver(&mut self, room: Option<mpsc::OwnedPermit<MemberEvent>>) {
        let Some((id, event)) = self.undelivered.take() else { return };
        let is_end = matches!(event, MemberEvent::Ended(_));
        if let Some(member) = self.members.get_mut(&id) {
            member.in_hand += usize::from(room.is_some() && !member.is_abandoned);
        }
        if let Some(room) = room {
            room.send(event);
        }
        if is_end {
            self.members.remove(&id);
        }
    }

    fn obey(&mut self, id: MemberId, order: Order) {
        let Some(member) = self.members.get_mut(&id) else { return };
        match order {
            Order::Tell(command) => self.tell(id, command),
            Order::Dealt => {
                member.in_hand = member.in_hand.saturating_sub(1);
                if !self.is_waiting() {
                    let now = Instant::now();
                    self.stalls_at = now + self.stall_timeout;
                    self.abandoned_until = self.abandoned_until.map(|_| now + ABANDON_GRACE);
                }
            }
            Order::Abandon => {
                member.is_abandoned = true;
                member.in_hand = 0;
                self.abandoned_until.get_or_insert(Instant::now() + ABANDON_GRACE);
                self.tell(id, SlotCommand::Stop);
            }
        }
    }

    fn tell(&self, member: MemberId, command: SlotCommand) {
        // A slot that is gone tells so through its events.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.slot.commands.try_send((member, command)) {
            tracing::warn!(?command, "the slot does not listen");
        }
    }

    /// Whether the slot may be waiting for attempts: as long as it does, it trains nobody.
    fn is_waiting(&self) -> bool {
        self.undelivered.is_some() || self.members.values().any(|member| member.in_hand > 0)
    }

    /// When the slot is killed, should nothing happen.
    fn due_at(&self) -> Option<Instant> {
        let abandoned = self.members.values().any(|member| member.is_abandoned);
        let until = self.abandoned_until.filter(|_| abandoned).unwrap_or(self.stalls_at);
        (!self.is_waiting()).then(|| until.min(self.stalls_at))
    }

    /// Why the slot is killed.
    fn overdue(&self) -> SlotEnd {
        if Instant::now() < self.stalls_at {
            tracing::warn!(
                "a member of the group did not stop in time: the slot is killed, and the others are handed back"
            );
            return SlotEnd::Stopped { underway: None };
        }
        let message = format!(
            "no batch came to its end for {} s: the slot hangs and was killed; a trial that needs longer for one \
             needs a longer --stall-timeout",
            self.stall_timeout.as_secs()
        );
        SlotEnd::Failed { kind: FailureKind::Stalled, message }
    }
}

/// Room for an event in the queue of its member; `None` where its attempt has gone.
async fn room_for(
    members: &BTreeMap<MemberId, Member>,
    undelivered: Option<&(MemberId, MemberEvent)>,
) -> Option<mpsc::OwnedPermit<MemberEvent>> {
    let Some((id, _)) = undelivered else { return pending().await };
    members.get(id)?.events.clone().reserve_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use sweep_proto::StepMetric;

    use super::*;
    use crate::slot::{EVENTS_MAX, SlotEnds};

    const STALL_TIMEOUT: Duration = Duration::from_mins(10);

    /// A running slot with its far end, and what its two members hear.
    struct Bench {
        ends: SlotEnds,
        orders: mpsc::Sender<(MemberId, Order)>,
        events: [mpsc::Receiver<MemberEvent>; 2],
        fate: Arc<OnceLock<SlotEnd>>,
        following: tokio::task::JoinHandle<()>,
    }

    fn bench() -> Bench {
        let (slot, ends) = SlotHandle::pair();
        let (orders, mut order_receiver) = mpsc::channel(2 * ORDERS_MAX);
        let fate = Arc::new(OnceLock::new());
        let mut members = BTreeMap::new();
        let events = [0, 1].map(|number| {
            let (sender, receiver) = mpsc::channel(EVENTS_MAX);
            members.insert(MemberId(number), Member { events: sender, in_hand: 0, is_abandoned: false });
            receiver
        });
        let running = Running::new(slot, members, STALL_TIMEOUT, Arc::clone(&fate));
        let following = tokio::spawn(async move { running.follow(&mut order_receiver).await });
        Bench { ends, orders, events, fate, following }
    }

    fn steps() -> MemberEvent {
        let point = StepMetric { sequence: 0, epoch: 1, step: 1, loss: 0.5, examples_per_second: 1.0 };
        MemberEvent::Steps { points: vec![point] }
    }

    impl Bench {
        async fn event(&self, member: u32, event: MemberEvent) {
            self.ends.events.send(FromSlot::Member { member: MemberId(member), event }).await.expect("heard");
        }

        async fn order(&self, member: u32, order: Order) {
            self.orders.send((MemberId(member), order)).await.expect("heard");
        }

        /// Lets the slot die when it is told to; the fate of the members that had not ended.
        async fn dies(self) -> SlotEnd {
            self.ends.kill.cancelled().await;
            drop(self.ends);
            self.following.await.expect("no panic");
            self.fate.get().cloned().expect("a fate")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_does_not_end_an_abandoned_member_is_killed_and_the_other_is_handed_back() {
        let mut bench = bench();
        let began_at = Instant::now();
        bench.order(0, Order::Abandon).await;
        assert_eq!(bench.ends.commands.recv().await, Some((MemberId(0), SlotCommand::Stop)));
        assert_eq!(bench.dies().await, SlotEnd::Stopped { underway: None });
        assert_eq!(began_at.elapsed().as_secs(), ABANDON_GRACE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_member_that_ends_leaves_the_other_running() {
        let mut bench = bench();
        bench.order(0, Order::Abandon).await;
        bench.event(0, MemberEvent::Ended(SlotEnd::Stopped { underway: None })).await;
        assert!(matches!(bench.events[0].recv().await, Some(MemberEvent::Ended(_))));
        tokio::time::sleep(2 * ABANDON_GRACE).await;
        assert!(!bench.ends.kill.is_cancelled());
        bench.event(1, steps()).await;
        assert_eq!(bench.events[1].recv().await, Some(steps()));
        // The last one is not waited for.
        bench.order(1, Order::Abandon).await;
        let asked_at = Instant::now();
        assert_eq!(bench.dies().await, SlotEnd::Stopped { underway: None });
        assert!(asked_at.elapsed() < ABANDON_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_waits_for_an_attempt_neither_stalls_nor_hangs() {
        let mut bench = bench();
        bench.event(1, steps()).await;
        assert_eq!(bench.events[1].recv().await, Some(steps()));
        bench.order(0, Order::Abandon).await;
        tokio::time::sleep(2 * STALL_TIMEOUT).await;
        assert!(!bench.ends.kill.is_cancelled(), "the other attempt is dealing with an event");
        bench.order(1, Order::Dealt).await;
        let dealt_at = Instant::now();
        assert_eq!(bench.dies().await, SlotEnd::Stopped { underway: None });
        assert_eq!(dealt_at.elapsed().as_secs(), ABANDON_GRACE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_slot_fails_all_its_members_as_stalled() {
        let bench = bench();
        bench.ends.events.send(FromSlot::Alive).await.expect("heard");
        let fate = bench.dies().await;
        assert!(matches!(fate, SlotEnd::Failed { kind: FailureKind::Stalled, .. }), "{fate:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_with_a_full_queue_holds_up_no_order_of_the_other() {
        let mut bench = bench();
        for _ in 0..EVENTS_MAX + 2 {
            bench.event(0, steps()).await;
        }
        bench.order(1, Order::Tell(SlotCommand::Stop)).await;
        assert_eq!(bench.ends.commands.recv().await, Some((MemberId(1), SlotCommand::Stop)));
        for _ in 0..EVENTS_MAX + 2 {
            assert_eq!(bench.events[0].recv().await, Some(steps()), "and nothing is lost");
        }
    }
}
