//! What a search is asked and told, and what it answers.

use crate::auto::candidates::CandidateError;
use crate::auto::stop::Standing;

/// Who says where a trial ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endings {
    /// The search: by the epochs, by patience, and where nothing is to be gained any more.
    Inferred,
    /// Whoever tells of epochs: the search ends no trial.
    Told,
}

/// What a search is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The seed of the sweep.
    pub seed: u64,
    /// How often a configuration may be trained.
    pub replicates: u32,
    /// Epochs of a trial.
    pub epochs: u32,
    /// Epochs without a lower loss after which the trainer ends a trial; 0: it never does. Without a meaning where ends are told.
    pub patience: u32,
    /// Who says where a trial ends.
    pub endings: Endings,
    /// The loss of a model that guesses.
    pub chance_loss: f64,
    /// How probable it must be that the named configuration is as good as the best one.
    pub sure: f64,
    /// Differences of scores below this part do not count, or below the standard error of the difference between two configurations'
    /// means where that is larger.
    pub margin: f64,
}

impl Settings {
    /// The usual probability and margin.
    pub fn new(seed: u64, replicates: u32, epochs: u32, chance_loss: f64) -> Self {
        let endings = Endings::Inferred;
        Self { seed, replicates, epochs, patience: 0, endings, chance_loss, sure: 0.95, margin: 0.01 }
    }

    /// The same for a search that is told which epoch is a trial's last.
    #[must_use]
    pub fn told_of_ends(self) -> Self {
        Self { endings: Endings::Told, ..self }
    }

    /// The margin between the logarithms of two scores.
    pub(super) fn margin_of_logarithms(&self) -> f64 {
        libm::log1p(self.margin)
    }

    pub(super) fn check(&self) -> Result<(), AutoError> {
        let problem = if self.replicates == 0 || self.epochs == 0 {
            format!(
                "a search needs at least one replicate and one epoch, not {} and {}",
                self.replicates, self.epochs
            )
        } else if !(self.chance_loss > 0.0 && self.chance_loss.is_finite()) {
            format!("the loss of guessing must be above 0, not {}", self.chance_loss)
        } else if !((0.0..1.0).contains(&self.sure) && self.margin > 0.0 && self.margin.is_finite()) {
            format!(
                "the probability must be from 0 to below 1 and the margin above 0, not {} and {}",
                self.sure, self.margin
            )
        } else {
            return Ok(());
        };
        Err(AutoError(problem))
    }
}

/// What a search was told that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AutoError(pub(super) String);

impl From<CandidateError> for AutoError {
    fn from(error: CandidateError) -> Self {
        Self(error.to_string())
    }
}

/// A trial to be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The index of its configuration.
    pub configuration: usize,
    /// Which replicate of it, from 0.
    pub replicate: u32,
    /// Whether it has trained before: it goes on from its checkpoint.
    pub goes_on: bool,
}

/// The answer to the question for further trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Trials, the one that is worth most first.
    pub jobs: Vec<Job>,
    /// Where the search has stopped instead: how the configuration stands that it names.
    pub conclusion: Option<Standing>,
}

/// What becomes of a trial after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Continue,
    /// It waits, and may go on from its checkpoint later.
    Pause,
    /// It has shown what there is to show.
    Finish,
}
