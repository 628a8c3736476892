//! Slots: what runs one piece of work, seen from the agent.

pub mod child;
pub(crate) mod confinement;
mod energy;
mod environment;
pub mod process;
pub mod protocol;
mod sandbox;

use std::io;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use protocol::{FromSlot, Start};

/// Events of a slot that may wait for the agent: more would only delay back-pressure.
pub const EVENTS_MAX: usize = 8;

/// Commands that may wait for a slot; each epoch is answered before the next but one.
pub const COMMANDS_MAX: usize = 8;

/// Starts work in a slot. The agent knows only this, so tests can script slots.
pub trait SlotRunner: Send + Sync + 'static {
    /// Starts one piece of work.
    ///
    /// # Errors
    /// Whatever keeps the slot from starting.
    fn start(&self, start: Start) -> io::Result<SlotHandle>;
}

/// What an agent tells a running slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotCommand {
    /// The checkpoint of this epoch was stored.
    EpochTaken {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// End at the next batch.
    Stop,
}

/// A running slot. Dropping it kills the slot.
#[derive(Debug)]
pub struct SlotHandle {
    /// What the slot tells, [`FromSlot::Ended`] last. Closed once nothing of the slot runs any more.
    pub events: mpsc::Receiver<FromSlot>,
    /// What the slot is told.
    pub commands: mpsc::Sender<SlotCommand>,
    kill: CancellationToken,
    _kill_on_drop: DropGuard,
}

/// The slot's side of a [`SlotHandle`].
#[derive(Debug)]
pub struct SlotEnds {
    /// Where events go.
    pub events: mpsc::Sender<FromSlot>,
    /// Where commands come from.
    pub commands: mpsc::Receiver<SlotCommand>,
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
