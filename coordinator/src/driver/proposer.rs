//! Asks samplers beside the driver, which waits for none of them: what they propose comes back to its mailbox.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use coordinator_core::{Command, Engine, ProposalRequest};
use sweep_proto::SweepId;
use tokio::sync::mpsc;

use super::Request;

/// Sweeps whose samplers are asked at one time: one may think for long, and the other cores are for those who ask the coordinator.
const ASKED_MAX: usize = 2;

/// Where samplers think.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// On threads of their own.
    Threads,
    /// In a task beside those who ask, for a runtime whose time and order of things are simulated.
    Task,
}

/// The way to the samplers. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Proposer {
    requests: mpsc::UnboundedSender<ProposalRequest>,
    /// Sweeps whose samplers are being asked.
    asked: BTreeSet<SweepId>,
    /// The sweep that was asked for last: the next turn is that of the one behind it.
    last: SweepId,
}

impl Proposer {
    /// Starts on the current runtime. Answers go to the mailbox.
    pub(super) fn start(place: Place, mailbox: mpsc::WeakSender<Request>) -> Self {
        // Unbounded, because the driver must not wait; there are never more than ASKED_MAX in it.
        let (requests, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(place, mailbox, queue));
        Self { requests, asked: BTreeSet::new(), last: SweepId(0) }
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, sweep: SweepId) {
        self.asked.remove(&sweep);
    }

    /// Asks for sweeps that want proposals, in turns.
    pub(super) fn ask(&mut self, engine: &Engine) {
        let (before, behind): (Vec<_>, Vec<_>) = engine.wanting().partition(|sweep| *sweep <= self.last);
        for sweep in behind.into_iter().chain(before) {
            if self.asked.len() >= ASKED_MAX {
                return;
            }
            if !self.asked.contains(&sweep)
                && let Some(request) = engine.proposal_request(sweep)
                // It ends with the runtime.
                && self.requests.send(request).is_ok()
            {
                self.asked.insert(sweep);
                self.last = sweep;
            }
        }
    }
}

async fn run(
    place: Place,
    mailbox: mpsc::WeakSender<Request>,
    mut queue: mpsc::UnboundedReceiver<ProposalRequest>,
) {
    while let Some(request) = queue.recv().await {
        let mailbox = mailbox.clone();
        tokio::spawn(async move {
            let proposed = match place {
                Place::Task => answered(request),
                Place::Threads => match tokio::task::spawn_blocking(|| answered(request)).await {
                    Ok(proposed) => proposed,
                    // The runtime is ending.
                    Err(_) => return,
                },
            };
            if let Some(mailbox) = mailbox.upgrade() {
                // A driver that has ended asks again when it starts.
                _ = mailbox.send(Request::Proposed(Box::new(proposed))).await;
            }
        });
    }
}

/// The answer of a sampler, as the command that brings it to the core. One that panics has no answer.
fn answered(request: ProposalRequest) -> Command {
    let ProposalRequest { sweep, version, first, request } = request;
    let sampler = request.sampler;
    let answer = catch_unwind(AssertUnwindSafe(|| request.answer()))
        .unwrap_or_else(|_| Err("its program has a fault, which the coordinator's log tells".to_owned()));
    let answer = answer.map_err(|reason| format!("the sampler \"{sampler}\" has no answer: {reason}"));
    Command::Propose { sweep, version, first, answer }
}
