//! A sampler with a pruner as a strategy.

use std::collections::BTreeMap;
use std::sync::Arc;

use sweep_proto::state::TrialState;
use sweep_proto::{Configuration, Search};

use super::means::Means;
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

/// A trial of the sampler that was handed out.
#[derive(Clone, Debug)]
struct Trial {
    job: Job,
    at: At,
    best_so_far: Vec<f64>,
    /// The rung at which it waits next.
    until: Option<u32>,
}

/// Where each configuration stands in a table.
pub type Places = Arc<BTreeMap<Configuration, usize>>;

/// A sampler and a pruner over the configurations of a table; the configuration is named that the coordinator would name.
pub struct Sampled {
    proposer: Proposer,
    pruner: Option<Box<dyn Pruner>>,
    epochs: u64,
    /// Empty without a pruner, as nobody looks.
    standings: Standings,
    places: Places,
    replicates: usize,
    /// By their numbers; `None` where a trial was not handed out.
    trials: Vec<Option<Trial>>,
    /// The number of each trial, by its configuration and replicate.
    numbers: Vec<Option<usize>>,
    means: Means,
}

impl Sampled {
    /// A search with the pruner of `search`, over the configurations of a table in their order.
    pub fn new(setup: Setup, search: &Search, epochs: u32, configurations: &[Configuration]) -> Self {
        Self::over(setup, search, epochs, Arc::new(configurations.iter().cloned().zip(0..).collect()))
    }

    /// The same where the places of the configurations are known.
    pub fn over(setup: Setup, search: &Search, epochs: u32, places: Places) -> Self {
        let pruner = pruner::of(search);
        let replicates = setup.replicates as usize;
        Self {
            proposer: Proposer::new(setup),
            standings: Standings::new(pruner.as_ref().map_or(2, |pruner| pruner.one_in())),
            pruner,
            epochs: u64::from(epochs),
            numbers: vec![None; places.len() * replicates],
            places,
            replicates,
            trials: Vec::new(),
            means: Means::default(),
        }
    }

    fn number_of(&self, job: Job) -> Option<usize> {
        *self.numbers.get(job.configuration * self.replicates + job.replicate as usize)?
    }

    fn trial(&mut self, number: usize) -> Option<&mut Trial> {
        self.trials.get_mut(number)?.as_mut()
    }

    /// A trial that was never handed out is.
    fn begin(&mut self, number: usize) -> Option<Job> {
        let proposal = &self.proposer.trials().get(number)?.proposal;
        let configuration = *self.places.get(&proposal.configuration)?;
        let job = Job { configuration, replicate: proposal.replicate, goes_on: false };
        let until = self.pruner.as_ref().and_then(|pruner| pruner.first_rung(self.epochs));
        if self.trials.len() <= number {
            self.trials.resize(number + 1, None);
        }
        self.trials[number] = Some(Trial { job, at: At::Running, best_so_far: Vec::new(), until });
        let place = configuration * self.replicates + proposal.replicate as usize;
        *self.numbers.get_mut(place)? = Some(number);
        Some(job)
    }

    /// A trial goes on from the rung at which it waits.
    fn promote(&mut self, number: u32) -> Option<Job> {
        let (epochs, pruner) = (self.epochs, self.pruner.as_ref());
        let trial = self.trials.get_mut(number as usize)?.as_mut()?;
        let rung = trial.best_so_far.len() as u32;
        trial.until = pruner.and_then(|pruner| pruner.next_rung(rung, epochs));
        trial.at = At::Running;
        let job = Job { goes_on: true, ..trial.job };
        self.show(number as usize, false, None, true);
        Some(job)
    }

    fn show(&mut self, number: usize, lasts: bool, waits_at: Option<u32>, is_in_the_running: bool) {
        if self.pruner.is_some()
            && let Some(Some(trial)) = self.trials.get(number)
        {
            let best_so_far = trial.best_so_far.clone();
            self.standings.set(number as u32, Shown { best_so_far, lasts, waits_at, is_in_the_running });
        }
    }

    fn end(&mut self, job: Job, state: TrialState) {
        let Some(number) = self.number_of(job) else { return };
        let Some(trial) = self.trial(number).filter(|trial| trial.at != At::Ended) else { return };
        trial.at = At::Ended;
        let (epochs, best) = (trial.best_so_far.len() as u64, trial.best_so_far.last().copied());
        let is_completed = state == TrialState::Completed;
        if let Some(best) = best.filter(|_| is_completed) {
            self.means.complete(job.configuration, best);
        }
        self.show(number, is_completed, None, is_completed);
        // What a trial that diverged or failed had shown before is no score.
        let has_score = matches!(state, TrialState::Completed | TrialState::Pruned);
        self.proposer.end(number, state, best.filter(|_| has_score), epochs);
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
            let job = self.begin(number).ok_or("the sampler proposes what the table does not have")?;
            return Ok(Some(job));
        }
        // Where all that is left waits, the leading one goes on.
        let leader =
            self.standings.leader().filter(|leader| self.standings.waiting().any(|one| one == *leader));
        let nobody_runs = self.trials.iter().flatten().all(|trial| trial.at != At::Running);
        Ok(leader.filter(|_| nobody_runs).and_then(|leader| self.promote(leader)))
    }

    fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, String> {
        let number = self.number_of(job).ok_or("an epoch of a trial that was never handed out")?;
        if !loss.is_finite() {
            self.end(job, TrialState::Diverged);
            return Ok(Verdict::Finish);
        }
        let Some(Some(trial)) = self.trials.get_mut(number) else { return Ok(Verdict::Finish) };
        let best = trial.best_so_far.last().map_or(loss, |best| best.min(loss));
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
        self.end(job, TrialState::Completed);
    }

    fn fail(&mut self, job: Job) -> Result<(), String> {
        self.end(job, TrialState::Failed);
        Ok(())
    }

    fn named(&mut self) -> Option<usize> {
        self.means.named()
    }

    fn stop(&self) -> Option<f64> {
        None
    }
}
