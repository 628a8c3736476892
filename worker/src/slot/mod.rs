//! Slots: what runs a group of trials, seen from the agent.

pub mod child;
pub(crate) mod confinement;
mod energy;
mod environment;
pub mod process;
pub mod protocol;
mod reporting;
mod sandbox;

use std::io;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use protocol::{FromSlot, MemberId, SlotCommand, Start};
use sweep_proto::protocol::GROUP_MAX;

/// Events of a slot that may wait for the agent: more would only delay back-pressure.
pub const EVENTS_MAX: usize = 8;

/// Commands that may wait for a slot: of each member two epochs that were taken, a stop, and room.
pub const COMMANDS_MAX: usize = 4 * GROUP_MAX as usize;

/// Starts work in a slot. The agent knows only this, so tests can script slots.
pub trait SlotRunner: Send + Sync + 'static {
    /// Starts a group of trials.
    ///
    /// # Errors
    /// Whatever keeps the slot from starting.
    fn start(&self, start: Start) -> io::Result<SlotHandle>;
}

/// A running slot. Dropping it kills the slot.
#[derive(Debug)]
pub struct SlotHandle {
    /// What the slot tells, the end of the last member last. Closed once nothing of the slot runs any more.
    pub events: mpsc::Receiver<FromSlot>,
    /// What its members are told.
    pub commands: mpsc::Sender<(MemberId, SlotCommand)>,
    kill: CancellationToken,
    _kill_on_drop: DropGuard,
}

/// The slot's side of a [`SlotHandle`].
#[derive(Debug)]
pub struct SlotEnds {
    /// Where events go.
    pub events: mpsc::Sender<FromSlot>,
    /// Where commands come from.
    pub commands: mpsc::Receiver<(MemberId, SlotCommand)>,
    /// Cancelled when the slot shall die at once.
    pub kill: CancellationToken,
}

impl SlotHandle {
    /// A handle and the ends that its slot holds.
    pub fn pair() -> (Self, SlotEnds) {
        let (event_sender, events) = mpsc::channel(EVENTS_MAX);
        let (commands, command_receiver) = mpsc::channel(COMMANDS_MAX);
        let kill = CancellationToken::new();
        let handle = Self { events, commands, kill: kill.clone(), _kill_on_drop: kill.clone().drop_guard() };
        (handle, SlotEnds { events: event_sender, commands: command_receiver, kill })
    }

    /// Kills the slot and waits until it is gone.
    pub async fn kill(mut self) {
        self.kill.cancel();
        while self.events.recv().await.is_some() {}
    }
}
