//! Trials by state. Versions before [`wire::Ledger::by_state`] had a field for each state that they knew; it is filled and read
//! for them.

use crate::state::{Told, TrialState};
use crate::wire;

/// Most states of a message that are read: of more no version can be thought.
const STATES_MAX: usize = 64;

impl wire::Ledger {
    /// How many trials are in which state.
    pub fn counts(&self) -> Vec<(Told<TrialState>, u64)> {
        if self.by_state.is_empty() {
            let mut message = self.clone();
            let mut old = |state| message.old_field(state).map(|trials| (Told::Known(state), *trials));
            return TrialState::ALL.into_iter().filter_map(&mut old).collect();
        }
        let told = self.by_state.iter().take(STATES_MAX);
        told.map(|count| (Told::of(&count.state), count.trials)).collect()
    }

    /// This message, telling how many trials are in which state.
    #[must_use]
    pub fn with_counts(mut self, trials: impl Fn(TrialState) -> u64) -> Self {
        for state in TrialState::ALL {
            let trials = trials(state);
            self.by_state.push(wire::StateCount { state: state.name().to_owned(), trials });
            if let Some(field) = self.old_field(state) {
                *field = trials;
            }
        }
        self
    }

    /// The field of a state that had one. No later state gets any.
    fn old_field(&mut self, state: TrialState) -> Option<&mut u64> {
        match state {
            TrialState::Pending => Some(&mut self.pending),
            TrialState::Leased => Some(&mut self.leased),
            TrialState::Paused => Some(&mut self.paused),
            TrialState::Completed => Some(&mut self.completed),
            TrialState::Pruned => Some(&mut self.pruned),
            TrialState::Diverged => Some(&mut self.diverged),
            TrialState::Failed => Some(&mut self.failed),
            TrialState::Cancelled => Some(&mut self.cancelled),
            #[allow(unreachable_patterns, reason = "a state that comes later has no field of its own")]
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_before_and_after_the_list_of_states_understand_each_other() {
        let number = |state: TrialState| 10 + state as u64;
        let message = wire::Ledger::default().with_counts(number);
        assert_eq!((message.pending, message.completed, message.cancelled), (10, 13, 17));
        let expected: Vec<_> =
            TrialState::ALL.into_iter().map(|state| (Told::Known(state), number(state))).collect();
        assert_eq!(message.counts(), expected);
        let old = wire::Ledger { by_state: Vec::new(), ..message };
        assert_eq!(old.counts(), expected);
    }
}
