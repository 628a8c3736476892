//! Several trials in one process: they take turns of one epoch.
//!
//! No member knows of another: each has its own model, order of rows, checkpoint and observer, so its numbers are those of the
//! trial alone, to the bit.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::error::TrainError;
use crate::observer::{Observer, StopSignal};
use crate::request::{Ended, TrainRequest};

use super::epoch::Steps;
use super::{Trial, open_dataset};

/// One trial of a group.
pub struct Member<'a> {
    /// What is asked.
    pub request: TrainRequest<'a>,
    /// Who hears of it.
    pub observer: &'a mut dyn Observer,
    /// Whether it shall end. The others go on.
    pub stop: &'a dyn StopSignal,
}

/// Hears how each member ended, by its place among the members.
pub type OnEnd<'a> = dyn FnMut(usize, Result<Ended, TrainError>) + 'a;

/// Trains members by turns until each has ended. A failure, a divergence or a stop ends its member alone; a stop is obeyed at
/// the next batch, whoever's turn it is.
pub fn train_group(members: Vec<Member<'_>>, on_end: &mut OnEnd<'_>) {
    let mut opened = Vec::new();
    for (number, member) in members.into_iter().enumerate() {
        match open_dataset(member.request.dataset) {
            Ok(dataset) => opened.push((number, member, dataset)),
            Err(error) => on_end(number, Err(error)),
        }
    }
    let mut waiting = VecDeque::new();
    for (number, member, dataset) in &mut opened {
        match Trial::prepare(member.request, dataset) {
            Ok(trial) => {
                let steps = Steps::new(&mut *member.observer);
                waiting.push_back(Place { number: *number, trial, steps, stop: member.stop });
            }
            Err(error) => on_end(*number, Err(error)),
        }
    }
    take_turns(waiting, on_end);
}

/// A member that has not ended.
struct Place<'a> {
    number: usize,
    trial: Trial<'a>,
    steps: Steps<'a>,
    stop: &'a dyn StopSignal,
}

fn take_turns<'c>(waiting: VecDeque<Place<'_>>, on_end: &'c mut OnEnd<'_>) {
    let on_end: &'c mut OnEnd<'c> = on_end;
    let (waiting, on_end) = (RefCell::new(waiting), RefCell::new(on_end));
    loop {
        let next = waiting.borrow_mut().pop_front();
        let Some(mut place) = next else { return };
        let stop = StopOfGroup { own: place.stop, waiting: &waiting, on_end: &on_end };
        match place.trial.turn(&mut place.steps, &stop) {
            Ok(None) => waiting.borrow_mut().push_back(place),
            Ok(Some(ended)) => (on_end.borrow_mut())(place.number, Ok(ended)),
            Err(error) => (on_end.borrow_mut())(place.number, Err(error)),
        }
    }
}

/// Asked before each batch of the member whose turn it is: ends those that wait and shall stop, too. They have nothing beyond
/// their newest checkpoint.
struct StopOfGroup<'a, 'b, 'c> {
    own: &'a dyn StopSignal,
    waiting: &'a RefCell<VecDeque<Place<'b>>>,
    on_end: &'a RefCell<&'c mut OnEnd<'c>>,
}

impl StopSignal for StopOfGroup<'_, '_, '_> {
    fn requested(&self) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(at) = waiting.iter().position(|place| place.stop.requested()) {
            if let Some(place) = waiting.remove(at) {
                let checkpoint = place.trial.newest.clone();
                (self.on_end.borrow_mut())(place.number, Ok(Ended::Stopped { checkpoint }));
            }
        }
        self.own.requested()
    }
}
