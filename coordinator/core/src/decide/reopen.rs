//! A sweep goes on that had its trials, or has chosen among them: what extending and retrying share.

use sweep_proto::{SweepId, TrialId};

use crate::draft::Draft;
use crate::limits::EARLIER_CHOICES_MAX;
use crate::record::{AttemptState, Cleared, EarlierChoice, SweepRecord, SweepState, TrialState};

impl Draft<'_> {
    /// The sweep as it goes on: nothing is chosen, and what is yet to be proposed rests on what is known now.
    pub(super) fn reopened(&self, sweep: &SweepRecord) -> SweepRecord {
        SweepRecord {
            state: reopened_state(sweep),
            chosen: None,
            ended_at: None,
            cleared: Cleared::default(),
            conclusion: None,
            search: self.renewed_search(sweep),
            earlier_choices: self.choices_so_far(sweep),
            ..sweep.clone()
        }
    }

    /// The choices of a sweep that were measured on the test split, the present one among them.
    fn choices_so_far(&self, sweep: &SweepRecord) -> Vec<EarlierChoice> {
        let engine = self.engine;
        let mut choices = sweep.earlier_choices.clone();
        let Some(configuration) = &sweep.chosen else { return choices };
        let of_choice = engine.trials_of_choice(sweep.id);
        let accuracies: Vec<f64> =
            of_choice.filter_map(|trial| Some(trial.test.as_ref()?.accuracy)).collect();
        if accuracies.is_empty() {
            return choices;
        }
        choices.push(EarlierChoice {
            configuration: configuration.clone(),
            at: sweep.ended_at.unwrap_or(self.now),
            trials: engine.still_learning(sweep.id).0,
            accuracy: accuracies.iter().sum::<f64>() / accuracies.len() as f64,
        });
        choices.drain(..choices.len().saturating_sub(EARLIER_CHOICES_MAX));
        choices
    }

    /// The choice is open again, so what is being measured for the old one is called back.
    pub(super) fn revoke_evaluation(&mut self, sweep: SweepId) {
        let leased = self.engine.index.sweeps.get(&sweep).into_iter().flat_map(|index| &index.leased);
        for index in leased {
            let trial = TrialId { sweep, index: *index };
            if self.trial(trial).is_some_and(|trial| trial.state == TrialState::Completed) {
                self.take_back(trial, AttemptState::Revoked);
            }
        }
    }
}

/// A paused sweep stays paused.
pub(super) fn reopened_state(sweep: &SweepRecord) -> SweepState {
    if sweep.state == SweepState::Paused { SweepState::Paused } else { SweepState::Open }
}
