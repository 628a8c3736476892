//! Who works on a sweep, what keeps it from going on, and what was chosen before.

use coordinator_report::sections::format::fixed;
use serde::Serialize;
use sweep_proto::state::State;
use sweep_proto::text::inert_line;
use sweep_proto::{AttemptState, EpochFigure, FrontObjective, Objective, SweepState, TrialState, wire};

use super::{Outlook, Sweep, finite};

/// An attempt that its worker handed back, or whose lease ran out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandBack {
    /// Written `sweep/position`.
    pub trial: String,
    /// The try, from 1.
    pub attempt: u32,
    /// Who had it.
    pub worker: String,
    /// `handed back` or `lease lost`.
    pub how: String,
    /// When.
    pub at_ms: Option<u64>,
    /// The worker's last words about it.
    pub reason: String,
}

impl HandBack {
    /// `trial 3/17 was handed back by vm: the disk refuses`, in one line of inert text.
    pub fn told(&self) -> String {
        let Self { trial, worker, reason, .. } = self;
        let text = match AttemptState::from_words(&self.how) {
            Some(AttemptState::Expired) => {
                format!("trial {trial} was lost by {worker}, whose lease on it ran out: {reason}")
            }
            _ => format!("trial {trial} was handed back by {worker}: {reason}"),
        };
        inert_line(&text.chars().take(HAND_BACK_CHARS_MAX).collect::<String>())
    }
}

/// A figure of a configuration in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The objective, where it is neither of the others.
    Objective,
    /// Validation loss.
    Loss,
    /// Validation accuracy.
    Accuracy,
}

/// Most characters of a line that tells of a hand-back.
const HAND_BACK_CHARS_MAX: usize = 400;

/// A choice that was measured on the test split before the last one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EarlierChoice {
    /// Swept values, in words.
    pub label: String,
    /// When the sweep ended with it.
    pub at_ms: u64,
    /// Completed trials that it was chosen from.
    pub trials: u64,
    /// Test accuracy, the mean over its replicates.
    pub test_accuracy: Option<f64>,
}

impl Sweep {
    /// This sweep as it stands where no coordinator runs: nobody works on it, whatever state it was left in.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        if self.outlook != Outlook::Still {
            self.outlook = Outlook::Stopped;
            self.no_worker_since_ms = None;
            (self.eta_seconds, self.eta_low_seconds, self.eta_high_seconds) = (None, None, None);
            self.ledger.away = self.ledger.of(TrialState::Leased);
            self.running.iter_mut().for_each(|trial| trial.is_away = true);
        }
        self
    }

    /// Whether somebody should work on it and nobody does.
    pub fn is_unattended(&self) -> bool {
        matches!(self.outlook, Outlook::NoWorker | Outlook::Stopped)
    }

    /// Why nothing happens to it although it has not ended, in words; `None` where a worker is connected or nobody has to work.
    /// `since` says the moment as the view does.
    pub fn idleness(&self, since: impl Fn(u64) -> String) -> Option<String> {
        match self.outlook {
            Outlook::Stopped => Some(
                "nobody works on it: `sweep run FILE` goes on, or `sweep serve` where it was launched on one"
                    .to_owned(),
            ),
            Outlook::NoWorker => Some(match self.no_worker_since_ms {
                Some(ms) => format!("no worker is connected (since {})", since(ms)),
                None => "no worker is connected".to_owned(),
            }),
            Outlook::Still | Outlook::Unmeasured | Outlook::Ends => None,
        }
    }

    /// The state with whether anybody works on it, in two words or three: `open, no worker`.
    pub fn standing(&self) -> String {
        match self.outlook {
            Outlook::NoWorker => format!("{}, no worker", self.state),
            Outlook::Stopped => format!("{}, stopped", self.state),
            Outlook::Still | Outlook::Unmeasured | Outlook::Ends => self.state.to_string(),
        }
    }

    /// `2 of 3 replicates`: how far the chosen configuration is measured on the test split, while that goes on.
    pub fn test_so_far(&self) -> Option<String> {
        let test = self.test.filter(|_| self.state == SweepState::Evaluating)?;
        let measured = test.replicates.map_or_else(|| "some".to_owned(), |count| count.to_string());
        Some(format!("{measured} of {} replicates", self.replicates))
    }

    /// A value of its objective as people read it: `0.4790`, `87.1 %`.
    pub fn told_value(&self, value: Option<f64>) -> String {
        match value {
            None => "-".to_owned(),
            Some(fraction) if self.objective.is_fraction() => format!("{} %", fixed(fraction * 100.0, 1)),
            Some(number) => fixed(number, 4),
        }
    }

    /// Every objective with its direction: `maximize: validation_accuracy; Pareto front with minimize: parameters`. `None` where
    /// the validation loss is the only one.
    pub fn told_objectives(&self) -> Option<String> {
        told_objectives(self.objective, self.further_objectives.iter().copied())
    }

    /// Whether the objective is neither the loss nor the accuracy, which every view shows.
    pub fn has_other_objective(&self) -> bool {
        !matches!(self.objective.figure(), EpochFigure::ValidationLoss | EpochFigure::ValidationAccuracy)
    }

    /// The figures of a configuration that views show, first the one that ranks.
    pub fn shown_figures(&self) -> impl Iterator<Item = Shown> + use<> {
        let figures: &[Shown] = match self.objective.figure() {
            EpochFigure::ValidationLoss => &[Shown::Loss, Shown::Accuracy],
            EpochFigure::ValidationAccuracy => &[Shown::Accuracy, Shown::Loss],
            _ => &[Shown::Objective, Shown::Loss, Shown::Accuracy],
        };
        figures.iter().copied()
    }

    /// What the best configuration is called: `best so far` until the sweep has finished.
    pub fn best_is_called(&self) -> &'static str {
        if self.has_finished() { "best" } else { "best so far" }
    }
}

/// As [`Sweep::told_objectives`].
pub fn told_objectives(
    first: Objective,
    further: impl IntoIterator<Item = FrontObjective>,
) -> Option<String> {
    let further: Vec<String> = further.into_iter().map(|one| format!("{}: {one}", one.direction())).collect();
    let told = format!("{}: {first}", first.direction());
    match further.as_slice() {
        [] => (first != Objective::default()).then_some(told),
        further => Some(format!("{told}; Pareto front with {}", further.join(", "))),
    }
}

impl From<wire::HandBack> for HandBack {
    fn from(one: wire::HandBack) -> Self {
        Self {
            trial: one.trial.map(|id| format!("{}/{}", id.sweep, id.index)).unwrap_or_default(),
            attempt: one.attempt,
            worker: one.worker,
            how: one.how,
            at_ms: (one.at_ms > 0).then_some(one.at_ms),
            reason: one.reason,
        }
    }
}

impl From<wire::EarlierChoice> for EarlierChoice {
    fn from(one: wire::EarlierChoice) -> Self {
        Self {
            label: one.label,
            at_ms: one.at_ms,
            trials: one.trials,
            test_accuracy: one.accuracy.and_then(finite),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_works_no_time_is_left_and_no_trial_runs() {
        let mut status = wire::SweepStatus {
            state: "open".into(),
            outlook: "ends".into(),
            eta_seconds: Some(60.0),
            running: vec![wire::RunningTrial::default()],
            ledger: Some(wire::Ledger { planned: 2, leased: 1, pending: 1, ..Default::default() }),
            ..Default::default()
        };
        let idleness = |sweep: &Sweep| sweep.idleness(|ms| format!("{ms} ms"));
        let working = Sweep::from(status.clone());
        assert_eq!((working.standing().as_str(), idleness(&working)), ("open", None));
        let stopped = working.stopped();
        assert_eq!((stopped.eta_seconds, stopped.ledger.away, stopped.running[0].is_away), (None, 1, true));
        assert_eq!(stopped.standing(), "open, stopped");
        (status.outlook, status.no_worker_since_ms) = ("no_worker".into(), Some(7));
        let alone = Sweep::from(status.clone());
        assert_eq!(idleness(&alone).as_deref(), Some("no worker is connected (since 7 ms)"));
        assert_eq!(alone.standing(), "open, no worker");
        // Nobody has to work on what has ended, with a coordinator or without.
        (status.outlook, status.state) = ("still".into(), "finished".into());
        assert_eq!(Sweep::from(status).stopped().standing(), "finished");
    }

    #[test]
    fn a_hand_back_is_told_in_one_short_inert_line() {
        let reason = format!("\u{1b}[2J\n\u{202e}{}", "x".repeat(9_000));
        let one = wire::HandBack {
            worker: "vm".into(),
            how: AttemptState::Expired.words().into(),
            reason,
            ..Default::default()
        };
        let told = HandBack::from(one).told();
        assert!(told.starts_with("trial  was lost by vm, whose lease on it ran out: "), "{told}");
        assert!(!told.chars().any(sweep_proto::text::is_steering) && told.chars().count() <= 400, "{told}");
    }
}
