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

struct Game<'t> {
    table: &'t CurveTable,
    course: Course,
    clock: Clock,
    /// The epoch that each running trial trains, by the number of that work.
    running: BTreeMap<u64, (Job, usize)>,
    begun: u64,
    /// Epochs that each trial has trained.
    trained: BTreeMap<(usize, u32), usize>,
    trace: Trace,
}

/// Plays a strategy until it stops, has nothing more to do, or the epochs are spent.
///
/// # Errors
/// Where the strategy fails, or hands out what the table does not have.
pub fn play(table: &CurveTable, course: Course, strategy: &mut dyn Strategy) -> Result<Trace, String> {
    let clock = Clock::new(course.workers as u64);
    let (running, trained) = (BTreeMap::new(), BTreeMap::new());
    let mut game = Game { table, course, clock, running, begun: 0, trained, trace: Trace::default() };
    game.hand_out(strategy)?;
    while game.trace.epochs < course.epochs
        && let Some(number) = game.clock.end()
    {
        let Some((job, epoch)) = game.running.remove(&number) else { break };
        game.trace.epochs += 1;
        game.trained.insert((job.configuration, job.replicate), epoch);
        if !game.goes_on(strategy, job, epoch)? {
            game.hand_out(strategy)?;
            if let Some(named) = strategy.named()
                && game.trace.named.last().is_none_or(|(_, before)| *before != named)
            {
                game.trace.named.push((game.trace.epochs, named));
            }
            game.trace.stop = strategy.stop();
            if game.trace.stop.is_some() {
                break;
            }
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
            let trained = self.trained.get(&(job.configuration, job.replicate)).copied().unwrap_or(0);
            self.begin(job, if job.goes_on { trained + 1 } else { 1 })?;
        }
        Ok(())
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
        let losses = curve.iter().take(epoch).map(|one| one.loss);
        let lowest = losses.enumerate().min_by(|one, other| one.1.total_cmp(&other.1));
        let since_lowest = lowest.map_or(0, |(at, _)| epoch - 1 - at);
        let patience = self.course.patience as usize;
        let has_ended = epoch >= curve.len() || (patience > 0 && since_lowest >= patience);
        let loss = curve.get(epoch - 1).map_or(f64::NAN, |one| one.loss);
        let verdict = strategy.report(job, epoch as u32, loss)?;
        if has_ended {
            strategy.finish(job);
        }
        let goes_on = !has_ended && verdict == Verdict::Continue;
        if goes_on {
            self.begin(job, epoch + 1)?;
        }
        Ok(goes_on)
    }
}
