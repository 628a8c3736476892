//! A sampler with a pruner as a strategy.

use std::collections::BTreeMap;

use sweep_proto::state::TrialState;
use sweep_proto::{Configuration, Search};

use super::listed::Means;
use super::proposer::{Proposer, Setup};
use super::strategy::Strategy;
use crate::auto::{Job, Verdict};
use crate::pruner::{self, Pruner, Shown, Standings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Running,
    Waiting,
    Ended,
}

/// A trial of the sampler.
#[derive(Clone, Debug)]
struct Trial {
    at: At,
    best_so_far: Vec<f64>,
    /// The rung at which it waits next.
    until: Option<u32>,
}

/// A sampler and a pruner over the configurations of a table; named is the configuration of the lowest mean score.
pub struct Sampled {
    proposer: Proposer,
    pruner: Option<Box<dyn Pruner>>,
    epochs: u64,
    standings: Standings,
    /// Each configuration's place in the table, and the other way round.
    places: BTreeMap<Configuration, usize>,
    trials: BTreeMap<usize, Trial>,
    numbers: BTreeMap<(usize, u32), usize>,
    means: Means,
}

impl Sampled {
    /// A search with the pruner of `search`, over the configurations of a table in their order.
    pub fn new(setup: Setup, search: &Search, epochs: u32, configurations: &[Configuration]) -> Self {
        let pruner = pruner::of(search);
        Self {
            proposer: Proposer::new(setup),
            standings: Standings::new(pruner.as_ref().map_or(2, |pruner| pruner.one_in())),
            pruner,
            epochs: u64::from(epochs),
            places: configurations.iter().cloned().zip(0..).collect(),
            trials: BTreeMap::new(),
            numbers: BTreeMap::new(),
            means: Means::default(),
        }
    }

    fn job(&self, number: usize, goes_on: bool) -> Option<Job> {
        let proposal = &self.proposer.trials().get(number)?.proposal;
        let configuration = *self.places.get(&proposal.configuration)?;
        Some(Job { configuration, replicate: proposal.replicate, goes_on })
    }

    /// A trial goes on from the rung at which it waits.
    fn promote(&mut self, number: u32) -> Option<Job> {
        let trial = self.trials.get_mut(&(number as usize))?;
        let rung = trial.best_so_far.len() as u32;
        trial.until = self.pruner.as_ref().and_then(|pruner| pruner.next_rung(rung, self.epochs));
        trial.at = At::Running;
        self.show(number as usize, false, None, true);
        self.job(number as usize, true)
    }

    fn show(&mut self, number: usize, lasts: bool, waits_at: Option<u32>, is_in_the_running: bool) {
        if let Some(trial) = self.trials.get(&number) {
            let best_so_far = trial.best_so_far.clone();
            self.standings.set(number as u32, Shown { best_so_far, lasts, waits_at, is_in_the_running });
        }
    }

    fn end(&mut self, job: Job, state: TrialState) {
        let Some(number) = self.numbers.get(&(job.configuration, job.replicate)).copied() else { return };
        let Some(trial) = self.trials.get_mut(&number).filter(|trial| trial.at != At::Ended) else { return };
        trial.at = At::Ended;
        let epochs = trial.best_so_far.len() as u64;
        let is_completed = state == TrialState::Completed;
        self.show(number, is_completed, None, is_completed);
        self.proposer.end(number, state, self.means.score(job), epochs);
    }

    /// The next trial that the sampler proposes.
    fn proposed(&mut self) -> Result<Option<usize>, String> {
        self.proposer.propose(u64::MAX)?;
        if let Some(number) = self.proposer.take() {
            return Ok(Some(number));
        }
        self.proposer.run_ahead();
        self.proposer.propose(u64::MAX)?;
        Ok(self.proposer.take())
    }
}

impl Strategy for Sampled {
    fn ask(&mut self, _workers: usize) -> Result<Option<Job>, String> {
        let promoted = self.standings.promotable().next();
        if let Some(number) = promoted {
            return Ok(self.promote(number));
        }
        if let Some(number) = self.proposed()? {
            let until = self.pruner.as_ref().and_then(|pruner| pruner.first_rung(self.epochs));
            self.trials.insert(number, Trial { at: At::Running, best_so_far: Vec::new(), until });
            let job = self.job(number, false).ok_or("the sampler proposes what the table does not have")?;
            self.numbers.insert((job.configuration, job.replicate), number);
            return Ok(Some(job));
        }
        // Where all that is left waits, the leading one goes on.
        let leader =
            self.standings.leader().filter(|leader| self.standings.waiting().any(|one| one == *leader));
        let nobody_runs = self.trials.values().all(|trial| trial.at != At::Running);
        Ok(leader.filter(|_| nobody_runs).and_then(|leader| self.promote(leader)))
    }

    fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, String> {
        let number = self.numbers.get(&(job.configuration, job.replicate)).copied();
        let number = number.ok_or("an epoch of a trial that was never handed out")?;
        let best = self.means.show(job, loss);
        let Some(trial) = self.trials.get_mut(&number) else { return Ok(Verdict::Finish) };
        let is_at_rung = trial.until == Some(epoch);
        let judged = self.pruner.as_ref().map(|pruner| pruner.judge(&self.standings, epoch, best));
        trial.best_so_far.push(best);
        if is_at_rung {
            trial.at = At::Waiting;
            self.show(number, false, Some(epoch), true);
            return Ok(Verdict::Pause);
        }
        if judged == Some(pruner::Verdict::Prune) && u64::from(epoch) < self.epochs {
            self.end(job, TrialState::Pruned);
            return Ok(Verdict::Finish);
        }
        self.show(number, false, None, true);
        Ok(Verdict::Continue)
    }

    fn finish(&mut self, job: Job) {
        self.means.finish(job);
        self.end(job, TrialState::Completed);
    }

    fn named(&mut self) -> Option<usize> {
        self.means.named()
    }

    fn stop(&self) -> Option<f64> {
        None
    }
}
