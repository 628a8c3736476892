//! Plays a strategy against a table, epoch by epoch.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::strategy::Strategy;
use super::table::CurveTable;
use crate::auto::{Job, Verdict};

/// Under which conditions a search is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Workers, each of which trains one trial at a time.
    pub workers: usize,
    /// Epochs after which it ends.
    pub epochs: u64,
    /// Epochs without a lower loss after which the trainer ends a trial; 0: it never does.
    pub patience: u32,
}

/// What a search has done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Epochs that were trained.
    pub epochs: u64,
    /// Trials that were handed out, some of them more than once.
    pub jobs: u64,
    /// Trials among them that failed, because the table does not have them.
    pub failed: u64,
    /// The configuration that the search would have named, whenever it was another one, with the epochs trained by then.
    pub named: Vec<(u64, usize)>,
    /// Where the search stopped by itself: within which margin, see [`Strategy::stop`].
    pub stop: Option<f64>,
    /// Simulated time, in milliseconds.
    pub ms: u64,
}

impl Trace {
    /// The configuration that was named after that many epochs.
    pub fn named_after(&self, epochs: u64) -> Option<usize> {
        self.named.iter().take_while(|(at, _)| *at <= epochs).last().map(|(_, configuration)| *configuration)
    }
}

/// What a trial has trained.
#[derive(Clone, Copy, Debug)]
struct Trained {
    epochs: usize,
    lowest: f64,
    /// The epoch of the lowest loss.
    best: usize,
}

struct Game<'t> {
    table: &'t CurveTable,
    course: Course,
    clock: Clock,
    /// The epoch that each running trial trains, by the number of that work.
    running: BTreeMap<u64, (Job, usize)>,
    begun: u64,
    /// By configuration and replicate.
    trained: Vec<Trained>,
    trace: Trace,
}

/// Plays a strategy until it stops, has nothing more to do, or the epochs are spent.
///
/// # Errors
/// Where the strategy fails, or hands out what the table does not have.
pub fn play(table: &CurveTable, course: Course, strategy: &mut dyn Strategy) -> Result<Trace, String> {
    let clock = Clock::new(course.workers as u64);
    let nothing = Trained { epochs: 0, lowest: f64::INFINITY, best: 0 };
    let trained = vec![nothing; table.configurations() * table.replicates()];
    let running = BTreeMap::new();
    let mut game = Game { table, course, clock, running, begun: 0, trained, trace: Trace::default() };
    game.hand_out(strategy)?;
    while game.trace.epochs < course.epochs
        && let Some(number) = game.clock.end()
    {
        let Some((job, epoch)) = game.running.remove(&number) else { break };
        game.trace.epochs += 1;
        if !game.goes_on(strategy, job, epoch)? {
            game.hand_out(strategy)?;
        }
        game.look(strategy);
        game.trace.stop = strategy.stop();
        if game.trace.stop.is_some() {
            break;
        }
    }
    game.trace.ms = game.clock.now_ms();
    Ok(game.trace)
}

impl Game<'_> {
    /// Idle workers ask for trials.
    fn hand_out(&mut self, strategy: &mut dyn Strategy) -> Result<(), String> {
        while self.clock.has_idle()
            && let Some(job) = strategy.ask(self.course.workers)?
        {
            self.trace.jobs += 1;
            if job.configuration >= self.table.configurations()
                || job.replicate as usize >= self.table.replicates()
            {
                return Err(format!(
                    "replicate {} of configuration {} was handed out, which the table does not have",
                    job.replicate, job.configuration
                ));
            }
            if self.table.curve(job.configuration, job.replicate).is_empty() {
                self.trace.failed += 1;
                strategy.fail(job)?;
                continue;
            }
            let trained = self.trained_by(job).map_or(0, |one| one.epochs);
            self.begin(job, if job.goes_on { trained + 1 } else { 1 })?;
        }
        Ok(())
    }

    fn trained_by(&mut self, job: Job) -> Option<&mut Trained> {
        self.trained.get_mut(job.configuration * self.table.replicates() + job.replicate as usize)
    }

    fn begin(&mut self, job: Job, epoch: usize) -> Result<(), String> {
        let curve = self.table.curve(job.configuration, job.replicate);
        let Some(next) = curve.get(epoch - 1) else {
            return Err(format!(
                "epoch {epoch} of replicate {} of configuration {} was handed out, which the table does not have",
                job.replicate, job.configuration
            ));
        };
        self.clock.begin(self.begun, next.ms);
        self.running.insert(self.begun, (job, epoch));
        self.begun += 1;
        Ok(())
    }

    /// Reports an epoch, and trains the next one where there is one and nobody ends the trial.
    fn goes_on(&mut self, strategy: &mut dyn Strategy, job: Job, epoch: usize) -> Result<bool, String> {
        let curve = self.table.curve(job.configuration, job.replicate);
        let loss = curve.get(epoch - 1).map_or(f64::NAN, |one| one.loss);
        let Some(trained) = self.trained_by(job) else { return Ok(false) };
        trained.epochs = epoch;
        if epoch == 1 || loss < trained.lowest {
            (trained.lowest, trained.best) = (loss, epoch);
        }
        let since_best = epoch - trained.best;
        let patience = self.course.patience as usize;
        let has_diverged = !loss.is_finite();
        let has_ended = epoch >= curve.len() || (patience > 0 && since_best >= patience);
        let verdict = strategy.report(job, epoch as u32, loss)?;
        if has_diverged {
            return Ok(false);
        }
        if has_ended {
            strategy.finish(job);
        }
        let goes_on = !has_ended && verdict == Verdict::Continue;
        if goes_on {
            self.begin(job, epoch + 1)?;
        }
        Ok(goes_on)
    }

    /// Looks at what would be named: after every epoch, because a search may change its mind at any.
    fn look(&mut self, strategy: &mut dyn Strategy) {
        if let Some(named) = strategy.named()
            && self.trace.named.last().is_none_or(|(_, before)| *before != named)
        {
            self.trace.named.push((self.trace.epochs, named));
        }
    }
}
