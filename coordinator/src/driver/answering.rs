//! What a sampler or a steered search is asked, how it answers, and what is kept of it from one question to the next.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use coordinator_core::{
    CalledOff, Command, Known, ProposalRequest, Question, Steered, SteeredQuestion, Steering,
};
use sweep_proto::SweepId;

/// Why there is no answer of a program that has panicked.
const HAS_A_FAULT: &str = "its program has a fault, which the coordinator's log tells";

/// A question to whoever chooses the trials of a sweep.
#[derive(Debug)]
pub(super) enum Put {
    Sampler(Question),
    Steered(SteeredQuestion),
}

impl Put {
    pub(super) fn sweep(&self) -> SweepId {
        match self {
            Self::Sampler(question) => question.sweep,
            Self::Steered(question) => question.sweep,
        }
    }

    /// How much is known with it.
    pub(super) fn known(&self) -> Known {
        match self {
            Self::Sampler(question) => question.known,
            Self::Steered(question) => question.known,
        }
    }

    /// What ends the search for an answer. One that is steered takes milliseconds, and is not called off.
    pub(super) fn called_off(&self) -> CalledOff {
        match self {
            Self::Sampler(question) => question.called_off.clone(),
            Self::Steered(_) => CalledOff::default(),
        }
    }
}

/// What is kept of a sweep between two answers: it follows from rows.
#[derive(Debug)]
pub(super) enum Copied {
    Sampler(Box<ProposalRequest>),
    Steered(Box<Steered>),
}

/// What is kept of all sweeps that are searched.
pub(super) type Kept = Arc<Mutex<BTreeMap<SweepId, Copied>>>;

pub(super) fn with<T>(kept: &Kept, change: impl FnOnce(&mut BTreeMap<SweepId, Copied>) -> T) -> T {
    change(&mut kept.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Puts a question, with what is kept of its sweep, or keeps what is told of it. Gives the answer as the command that brings it to the
/// core, and whether anything is kept: what a program that panics has left is not.
pub(super) fn answer_of(put: Put, kept: &Kept) -> (Option<Command>, bool) {
    let sweep = put.sweep();
    let copied = with(kept, |kept| kept.remove(&sweep));
    let (command, copied) = match (put, copied) {
        (Put::Sampler(question), Some(Copied::Sampler(copy))) => of_sampler(question, Some(*copy)),
        (Put::Sampler(question), _) => of_sampler(question, None),
        (Put::Steered(question), Some(Copied::Steered(copy))) => of_steered(question, Some(copy)),
        (Put::Steered(question), _) => of_steered(question, None),
    };
    let is_kept = copied.is_some();
    if let Some(copied) = copied {
        with(kept, |kept| kept.insert(sweep, copied));
    }
    (command, is_kept)
}

fn of_sampler(question: Question, copy: Option<ProposalRequest>) -> (Option<Command>, Option<Copied>) {
    let is_asked = question.count > 0;
    let Some(mut asking) = question.put(copy) else { return (None, None) };
    let command = if is_asked { catch_unwind(AssertUnwindSafe(|| proposals(&mut asking))) } else { Ok(None) };
    match command {
        Ok(command) => (command, Some(Copied::Sampler(Box::new(asking)))),
        Err(_) => (Some(failed(&asking, HAS_A_FAULT)), None),
    }
}

/// The answer of a sampler; `None` where it was called off.
fn proposals(asking: &mut ProposalRequest) -> Option<Command> {
    let answer = match asking.request.answer() {
        Ok(answer) => answer,
        Err(reason) => return Some(failed(asking, &reason)),
    };
    let is_empty = answer.proposals.is_empty() && asking.request.called_off.is_set();
    let ProposalRequest { sweep, version, first, .. } = *asking;
    (!is_empty).then_some(Command::Propose { sweep, version, first, answer: Ok(answer) })
}

fn failed(asking: &ProposalRequest, reason: &str) -> Command {
    let ProposalRequest { sweep, version, first, ref request } = *asking;
    let answer = Err(format!("the sampler \"{}\" has no answer: {reason}", request.sampler));
    Command::Propose { sweep, version, first, answer }
}

fn of_steered(question: SteeredQuestion, copy: Option<Box<Steered>>) -> (Option<Command>, Option<Copied>) {
    let (sweep, version) = (question.sweep, question.known.version);
    let answered = catch_unwind(AssertUnwindSafe(|| question.put(copy)));
    let command = |answer| Some(Command::Steer { sweep, version, answer });
    match answered {
        Ok(Ok((search, steering))) => {
            let copied = search.map(Copied::Steered);
            (
                steering.filter(|steering| *steering != Steering::default()).and_then(|one| command(Ok(one))),
                copied,
            )
        }
        Ok(Err(reason)) => (command(Err(format!("the search \"auto\" has no answer: {reason}"))), None),
        Err(_) => (command(Err(format!("the search \"auto\" has no answer: {HAS_A_FAULT}"))), None),
    }
}
