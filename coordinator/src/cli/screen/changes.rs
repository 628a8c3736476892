//! What changed between two states of a sweep, or two lists of workers, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::curves::Curves;
use super::log::{Change, Tone};
use super::text::inert;
use crate::cli::render::status::{best_value, duration, number};
use coordinator::json::{HandBack, Ledger, Running, Sweep, Worker};
use sweep_proto::state::Told;
use sweep_proto::{SweepState, TrialState, WorkerCondition};

/// What happened to a sweep between two states, with the curves seen until the first one.
pub(super) fn of_sweep(before: &Sweep, after: &Sweep, curves: &Curves) -> Vec<Change> {
    let mut changes = ended_trials(before, after, curves);
    changes.extend(handed_back(before, after));
    changes.extend(attempts(before, after));
    let [best_before, best_after] = [before, after].map(|sweep| sweep.best.first());
    if let Some(best) = best_after.filter(|best| best_before.is_none_or(|other| other.label != best.label)) {
        let (called, by, value) = (after.best_is_called(), after.objective.words(), best_value(after));
        let text = format!("{called}, {by} {value}: {}", inert(&best.label));
        changes.push(Change::new(Tone::Best, text));
    }
    if is_extended(before, after) {
        let text = format!("the sweep was extended to {}", after.trials_told());
        changes.push(Change::new(Tone::Note, text));
    }
    if before.state != after.state {
        changes.push(turned(&after.state));
    }
    changes
}

/// Whether more is to be trained. How many trials a budget of epochs, hours or money has room for changes by itself.
fn is_extended(before: &Sweep, after: &Sweep) -> bool {
    let budget = |sweep: &Sweep| {
        let search = sweep.search.as_ref()?;
        Some((search.trials_max, search.epochs_max, search.hours_max, search.money_max))
    };
    match (budget(before), budget(after)) {
        (Some(_), Some((_, epochs, hours, money))) if epochs.is_some() || hours.or(money).is_some() => {
            budget(before) != budget(after)
        }
        _ => before.ledger.planned != after.ledger.planned,
    }
}

/// Why trials were handed back since then, oldest first.
fn handed_back(before: &Sweep, after: &Sweep) -> Vec<Change> {
    let known = |one: &HandBack| {
        before.handed_back.iter().any(|other| (&other.trial, other.attempt) == (&one.trial, one.attempt))
    };
    let new = after.handed_back.iter().rev().filter(|one| !known(one));
    new.map(|one| Change::new(Tone::Bad, inert(&one.told()))).collect()
}

fn turned(state: &Told<SweepState>) -> Change {
    let Some(state) = state.known() else {
        return Change::new(Tone::Note, format!("the sweep is {}", inert(state.words())));
    };
    match state {
        SweepState::Open => Change::new(Tone::Note, "the sweep goes on"),
        SweepState::Paused => Change::new(Tone::Warning, "the sweep is paused"),
        SweepState::Evaluating => Change::new(
            Tone::Note,
            "every trial has ended; the chosen configuration is measured on the test split",
        ),
        SweepState::Finished => Change::new(Tone::Good, "the sweep has finished"),
        SweepState::Cancelled => Change::new(Tone::Bad, "the sweep was cancelled"),
    }
}

/// Trials that ended. The ledger tells how many ended how, and the running trials which ones run no more; both
/// together name the trials wherever all that left ended in the same way.
fn ended_trials(before: &Sweep, after: &Sweep, curves: &Curves) -> Vec<Change> {
    let still: BTreeSet<&str> = trained(after).map(|trial| trial.trial.as_str()).collect();
    let gone: Vec<&Running> = trained(before).filter(|trial| !still.contains(trial.trial.as_str())).collect();
    let ends = ends(&before.ledger, &after.ledger);
    match ends[..] {
        [] => gone
            .iter()
            .map(|trial| Change::new(Tone::Warning, format!("{} was handed back", name(trial))))
            .collect(),
        [(end, count)] if gone.len() as u64 <= count => {
            let named = gone.iter().map(|trial| Change::new(end.tone().into(), ended(trial, end, curves)));
            let more = count - gone.len() as u64;
            named.chain((more > 0).then(|| counted(end, more))).collect()
        }
        _ => ends.iter().map(|(end, count)| counted(*end, *count)).collect(),
    }
}

fn trained(sweep: &Sweep) -> impl Iterator<Item = &Running> {
    sweep.running.iter().filter(|trial| !trial.evaluating)
}

/// How many more trials have ended, by how they did.
fn ends(before: &Ledger, after: &Ledger) -> Vec<(TrialState, u64)> {
    let terminal = TrialState::ALL.into_iter().filter(|state| state.is_terminal());
    let more = terminal.map(|state| (state, after.of(state).saturating_sub(before.of(state))));
    more.filter(|(_, count)| *count > 0).collect()
}

fn name(trial: &Running) -> String {
    format!("trial {}", inert(&trial.trial))
}

fn ended(trial: &Running, end: TrialState, curves: &Curves) -> String {
    // Its score is that of its best epoch, which may have passed between two states.
    let loss = curves.lowest(&trial.trial).filter(|_| end == TrialState::Completed);
    let loss = loss.map(|loss| format!(", lowest loss seen {}", number(Some(loss))));
    format!("{} {}{}: {}", name(trial), end.words(), loss.unwrap_or_default(), inert(&trial.label))
}

fn counted(end: TrialState, count: u64) -> Change {
    let trials = if count == 1 { "trial" } else { "trials" };
    Change::new(end.tone().into(), format!("{count} {trials} {}", end.words()))
}

/// Trials that are tried once more.
fn attempts(before: &Sweep, after: &Sweep) -> Vec<Change> {
    let earlier: BTreeMap<&str, u32> =
        before.running.iter().map(|trial| (trial.trial.as_str(), trial.attempt)).collect();
    let again = trained(after)
        .filter(|trial| trial.attempt > 1 && earlier.get(trial.trial.as_str()) != Some(&trial.attempt));
    again
        .map(|trial| {
            let text =
                format!("{} goes on at {}, attempt {}", name(trial), inert(&trial.worker), trial.attempt);
            Change::new(Tone::Note, text)
        })
        .collect()
}

/// Who came and who went between two lists of workers.
pub(super) fn of_workers(before: &[Worker], after: &[Worker]) -> Vec<Change> {
    let known: BTreeMap<&str, &Worker> = before.iter().map(|worker| (worker.id.as_str(), worker)).collect();
    let still: BTreeSet<&str> = after.iter().map(|worker| worker.id.as_str()).collect();
    let gone = before.iter().filter(|worker| !still.contains(worker.id.as_str()) && is_present(worker));
    let gone =
        gone.map(|worker| Change::new(Tone::Warning, format!("worker {} is gone", inert(&worker.name))));
    let changed = after.iter().filter_map(|worker| match known.get(worker.id.as_str()) {
        None => is_present(worker).then(|| came(worker, "joined")),
        Some(earlier) => (earlier.state != worker.state).then(|| stands(earlier, worker)),
    });
    gone.chain(changed).collect()
}

/// Whether a worker has not said good-bye.
pub(super) fn is_present(worker: &Worker) -> bool {
    worker.state.known() != Some(WorkerCondition::Departed)
}

fn came(worker: &Worker, how: &str) -> Change {
    let slots = if worker.slots == 1 { "slot" } else { "slots" };
    Change::new(Tone::Good, format!("worker {} {how} with {} {slots}", inert(&worker.name), worker.slots))
}

fn stands(before: &Worker, worker: &Worker) -> Change {
    let name = inert(&worker.name);
    let silent = duration(worker.last_seen_ms as f64 / 1e3);
    let Some(condition) = worker.state.known() else {
        return Change::new(Tone::Note, format!("worker {name} is {}", inert(worker.state.words())));
    };
    match condition {
        WorkerCondition::Ready if before.state == WorkerCondition::Resting => {
            Change::new(Tone::Good, format!("worker {name} has rested and gets work again"))
        }
        WorkerCondition::Ready => came(worker, "is back"),
        WorkerCondition::Resting => {
            Change::new(Tone::Bad, format!("worker {name} rests: trials failed on it one after another"))
        }
        WorkerCondition::Draining => {
            Change::new(Tone::Note, format!("worker {name} hands back its trials to leave"))
        }
        WorkerCondition::Disconnected => {
            Change::new(Tone::Warning, format!("worker {name} has no connection; its trials wait for it"))
        }
        WorkerCondition::Lost => {
            Change::new(Tone::Bad, format!("worker {name} is lost: not heard for {silent}"))
        }
        WorkerCondition::Departed => Change::new(Tone::Note, format!("worker {name} left")),
    }
}
