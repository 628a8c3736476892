//! Asks samplers beside the driver, which waits for none of them: what they propose comes back to its mailbox.
//!
//! The histories that samplers look at are kept there, too: the driver tells what has happened since it told something last. They
//! follow from rows, so one that is lost is told again from the beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coordinator_core::{CalledOff, Command, Engine, Known};
use sweep_proto::SweepId;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::Request;
use super::answering::{Kept, Put, answer_of, with};

/// Sweeps whose samplers are asked at one time: one may think for long, and the other cores are for those who ask the coordinator.
const ASKED_MAX: usize = 2;

/// Trials and ends that are told at one time: a few milliseconds of the driver's.
const TOLD_MAX: usize = 5_000;

/// Where samplers think.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thinking {
    /// On threads of their own.
    OnThreads,
    /// In a task beside those who ask, for a runtime whose time and order of things are simulated.
    InTask,
}

/// What comes back from a sampler.
#[derive(Debug)]
pub(super) struct Proposed {
    pub(super) sweep: SweepId,
    /// Brings the answer to the core; `None` where nothing was asked yet, or where it was called off.
    pub(super) command: Option<Command>,
    /// Whether the sweep's history is still kept.
    is_kept: bool,
}

/// What the samplers' side is told.
enum Told {
    Question(Box<Put>),
    Forget(SweepId),
    ForgetAll,
}

/// A question on its way.
#[derive(Debug)]
struct Asked {
    known: Known,
    called_off: CalledOff,
}

/// The way to the samplers. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Proposer {
    told: mpsc::UnboundedSender<Told>,
    /// Sweeps whose samplers are being asked.
    asked: BTreeMap<SweepId, Asked>,
    /// How much of each sweep's history was told.
    known: BTreeMap<SweepId, Known>,
    /// The sweep that was asked for last: the next turn is that of the one behind it.
    last: SweepId,
}

impl Proposer {
    /// Starts on the current runtime. Answers go to the mailbox.
    pub(super) fn start(thinking: Thinking, mailbox: mpsc::WeakSender<Request>) -> Self {
        // Unbounded, because the driver must not wait; there are never more than ASKED_MAX questions in it, and for each sweep at
        // most one word to forget it.
        let (told, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(thinking, mailbox, queue));
        Self { told, asked: BTreeMap::new(), known: BTreeMap::new(), last: SweepId(0) }
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, proposed: &Proposed) {
        let sweep = proposed.sweep;
        self.asked.remove(&sweep);
        if !proposed.is_kept {
            self.known.remove(&sweep);
        } else if !self.known.contains_key(&sweep) {
            // Everything was forgotten while the sampler had this history, which it has put back since.
            self.tell_to_forget(sweep);
        }
    }

    /// The rows were read again: everything is told from the beginning.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        // It ends with the runtime.
        _ = self.told.send(Told::ForgetAll);
    }

    /// Asks for sweeps that want proposals, in turns; what nobody wants any more is called off.
    pub(super) fn ask(&mut self, engine: &Engine) {
        for (sweep, asked) in &self.asked {
            if !engine.awaits(*sweep, asked.known) {
                asked.called_off.set();
            }
        }
        let is_over = |sweep: &SweepId| !self.asked.contains_key(sweep) && !engine.is_searched_on(*sweep);
        let over: BTreeSet<SweepId> = self.known.keys().copied().filter(is_over).collect();
        for sweep in over {
            self.known.remove(&sweep);
            self.tell_to_forget(sweep);
        }
        let (before, behind): (Vec<_>, Vec<_>) = engine.wanting().partition(|sweep| *sweep <= self.last);
        for sweep in behind.into_iter().chain(before) {
            if self.asked.len() >= ASKED_MAX {
                return;
            }
            if !self.asked.contains_key(&sweep) {
                self.ask_of(engine, sweep);
            }
        }
    }

    fn tell_to_forget(&self, sweep: SweepId) {
        // It ends with the runtime.
        _ = self.told.send(Told::Forget(sweep));
    }

    fn ask_of(&mut self, engine: &Engine, sweep: SweepId) {
        let known = self.known.get(&sweep).copied();
        let sampler = || engine.question(sweep, known, TOLD_MAX).map(Put::Sampler);
        let steered = engine.steered_question(sweep, known, TOLD_MAX).map(Put::Steered);
        let Some(put) = steered.or_else(sampler) else { return };
        let (known, called_off) = (put.known(), put.called_off());
        if self.told.send(Told::Question(Box::new(put))).is_ok() {
            self.known.insert(sweep, known);
            self.asked.insert(sweep, Asked { known, called_off });
            self.last = sweep;
        }
    }
}

/// Threads that nobody waits for end soon.
impl Drop for Proposer {
    fn drop(&mut self) {
        self.asked.values().for_each(|asked| asked.called_off.set());
    }
}

async fn run(
    thinking: Thinking,
    mailbox: mpsc::WeakSender<Request>,
    mut queue: mpsc::UnboundedReceiver<Told>,
) {
    let kept = Kept::default();
    while let Some(told) = queue.recv().await {
        let put = match told {
            Told::Question(put) => *put,
            Told::Forget(sweep) => {
                with(&kept, |kept| kept.remove(&sweep));
                continue;
            }
            Told::ForgetAll => {
                with(&kept, BTreeMap::clear);
                continue;
            }
        };
        let (mailbox, kept) = (mailbox.clone(), Arc::clone(&kept));
        let sweep = put.sweep();
        tokio::spawn(async move {
            let proposed = match thinking {
                Thinking::InTask => Some(proposed(put, &kept)),
                Thinking::OnThreads => {
                    came_back(sweep, tokio::task::spawn_blocking(move || proposed(put, &kept)).await)
                }
            };
            if let (Some(proposed), Some(mailbox)) = (proposed, mailbox.upgrade()) {
                // A driver that has ended asks again when it starts.
                _ = mailbox.send(Request::Proposed(Box::new(proposed))).await;
            }
        });
    }
}

/// What a thread has brought; `None` where it never began, because the runtime is ending. The driver waits for an answer, so a thread
/// that panics outside the sampler gives one, too: nothing was asked, and nothing is kept.
fn came_back(sweep: SweepId, ended: Result<Proposed, JoinError>) -> Option<Proposed> {
    match ended {
        Ok(proposed) => Some(proposed),
        Err(error) if error.is_cancelled() => None,
        Err(error) => {
            tracing::error!(%error, %sweep, "a thread that asks samplers has panicked");
            Some(Proposed { sweep, command: None, is_kept: false })
        }
    }
}

/// Puts a question, with what is kept of its sweep, or keeps what is told of it.
fn proposed(put: Put, kept: &Kept) -> Proposed {
    let sweep = put.sweep();
    let (command, is_kept) = answer_of(put, kept);
    Proposed { sweep, command, is_kept }
}

#[cfg(test)]
#[path = "proposer_tests.rs"]
mod tests;
