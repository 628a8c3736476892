//! One trial: what it has shown, what is foretold of it, and what of that was taken into account for good.

use crate::auto::candidates::Candidates;
use crate::auto::curves::{Curves, Outlook};
use crate::auto::scores::lowest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Paused,
    Finished,
    /// Nobody is to train it any more, but what it has shown counts.
    Retired,
    /// It will never show anything, or anything more.
    Failed,
}

/// What is known of the logarithm of a trial's score: a value, and the variance with which it is foretold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) value: f64,
    pub(crate) variance: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) state: State,
    /// Validation loss of each epoch.
    pub(crate) losses: Vec<f64>,
    /// Where a loss was no number: the score is that of guessing.
    pub(crate) has_diverged: bool,
    /// What was taken into account for good, and by how many epochs that was known.
    pub(crate) settled: Option<(Known, usize)>,
    /// What was foretold, with what was known then.
    outlook: Option<(u32, usize, Outlook)>,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self { state: State::Running, losses: Vec::new(), has_diverged: false, settled: None, outlook: None }
    }

    /// What is foretold of it; computed once for as long as nothing has changed.
    pub(crate) fn outlook(
        &mut self,
        candidates: &Candidates,
        curves: &mut Curves,
        configuration: usize,
    ) -> Outlook {
        let known = (curves.version(), self.losses.len());
        match self.outlook {
            Some((version, epochs, outlook)) if (version, epochs) == known => outlook,
            _ => {
                let outlook = curves.outlook(candidates, configuration, &self.losses);
                self.outlook = Some((known.0, known.1, outlook));
                outlook
            }
        }
    }

    /// Only the first `epochs` epochs count.
    pub(crate) fn cut(&mut self, epochs: usize) {
        self.losses.truncate(epochs);
        self.outlook = None;
        self.has_diverged = false;
    }

    /// Whether it may still show something.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Running | State::Paused)
    }

    /// Whether it waits, and may be handed out.
    pub(crate) fn may_run(&self) -> bool {
        matches!(self.state, State::Paused | State::Retired)
    }

    /// Whether its score is known.
    pub(crate) fn is_known(&self) -> bool {
        self.has_diverged || self.state == State::Finished
    }

    /// Whether what it has shown counts.
    pub(crate) fn has_shown(&self) -> bool {
        self.state != State::Failed && (self.has_diverged || !self.losses.is_empty())
    }

    /// Whether it has shown what is not settled.
    pub(crate) fn has_more(&self) -> bool {
        match self.settled {
            Some((known, by)) => known.variance > 0.0 && (by < self.losses.len() || self.is_known()),
            None => self.has_shown(),
        }
    }

    /// Its score so far: the lowest loss. One above that of guessing counts as that: however far a loss explodes, the model is of no use.
    pub(crate) fn score(&self, chance_loss: f64) -> f64 {
        if self.has_diverged { chance_loss } else { lowest(&self.losses).min(chance_loss) }
    }

    /// Epochs since the loss was lowest.
    pub(crate) fn epochs_since_best(&self) -> usize {
        let lowest = self.losses.iter().enumerate().min_by(|one, other| one.1.total_cmp(other.1));
        lowest.map_or(0, |(at, _)| self.losses.len() - 1 - at)
    }
}
