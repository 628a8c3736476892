//! Sums up many searches.

use std::fmt;
use std::time::Duration;

use coordinator_search::replay::{Judge, Judgement, Trace};

/// Parts of the grid's epochs after which searches are looked at.
const SHARES: [f64; 5] = [0.02, 0.05, 0.08, 0.10, 0.15];

/// A search that stopped by itself.
#[derive(Debug)]
struct Stop {
    epochs: u64,
    /// The margin that it told, and whether none was better by more.
    margin: f64,
    is_kept: bool,
    is_tied: bool,
}

/// All searches so far.
#[derive(Debug)]
pub(crate) struct Summary {
    shares: Vec<f64>,
    judgements: Vec<Judgement>,
    stops: Vec<Stop>,
    took: Duration,
}

fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (part * (values.len() as f64 - 1.0)).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

impl Summary {
    pub(crate) fn new(share: f64) -> Self {
        let shares = SHARES.into_iter().filter(|one| *one <= share).collect();
        Self { shares, judgements: Vec::new(), stops: Vec::new(), took: Duration::ZERO }
    }

    pub(crate) fn add(&mut self, trace: &Trace, judge: &Judge, all_epochs: u64, took: Duration) {
        self.took += took;
        self.judgements.push(judge.judge(trace, all_epochs, &self.shares));
        if let (Some(margin), Some(named)) = (trace.stop, trace.named_after(u64::MAX)) {
            self.stops.push(Stop {
                epochs: trace.epochs,
                margin,
                is_kept: judge.is_within(named, margin),
                is_tied: judge.is_tied(named),
            });
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.judgements.len();
        let part = |of: usize, all: usize| of as f64 / all.max(1) as f64;
        let held = |one: &Judgement| one.held.map_or(f64::INFINITY, |epochs| epochs as f64);
        let mut held: Vec<f64> = self.judgements.iter().map(held).collect();
        let holding = held.iter().filter(|one| one.is_finite()).count();
        write!(
            formatter,
            "{count} searches; held at {:.0} epochs (80th percentile {:.0}, share {:.2})",
            quantile(&mut held, 0.5),
            quantile(&mut held, 0.8),
            part(holding, count),
        )?;
        for (at, share) in self.shares.iter().enumerate() {
            let regret = |one: &Judgement| 100.0 * one.regrets[at].unwrap_or(f64::INFINITY);
            let mut regrets: Vec<f64> = self.judgements.iter().map(regret).collect();
            let good = regrets.iter().filter(|one| **one <= 1.0).count();
            let tied = self.judgements.iter().filter(|one| one.tied[at]).count();
            write!(
                formatter,
                "; {:.0} %: regret {:.2} % ({:.2} %), within 1 % {:.2}, tied {:.2}",
                100.0 * share,
                quantile(&mut regrets, 0.5),
                quantile(&mut regrets, 0.8),
                part(good, count),
                part(tied, count),
            )?;
        }
        let stopped = self.stops.len();
        if stopped > 0 {
            let median = |of: &dyn Fn(&Stop) -> f64| {
                let mut values: Vec<f64> = self.stops.iter().map(of).collect();
                quantile(&mut values, 0.5)
            };
            write!(
                formatter,
                "; stopped {:.2} at {:.0} epochs within {:.1} %: true of {:.2}, tied {:.2}",
                part(stopped, count),
                median(&|stop| stop.epochs as f64),
                100.0 * median(&|stop| stop.margin.exp_m1()),
                part(self.stops.iter().filter(|stop| stop.is_kept).count(), stopped),
                part(self.stops.iter().filter(|stop| stop.is_tied).count(), stopped),
            )?;
        }
        // The system counts in ticks: a few short searches may take none.
        if self.took.is_zero() {
            Ok(())
        } else {
            write!(formatter, "; {:.1} searches/s", count as f64 / self.took.as_secs_f64())
        }
    }
}
