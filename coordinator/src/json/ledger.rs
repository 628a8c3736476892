//! Trials by state, as views count them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sweep_proto::TrialState;
use sweep_proto::state::Told;
use sweep_proto::wire;

use super::Searching;

/// Trials by state; the states sum to `planned`.
///
/// As JSON `planned` is `null` where hours or money alone decide how many trials there are: the states are those of the trials that were
/// made. Each state is a field of its name. Beside them are `away` (of the leased ones, those whose worker is not connected:
/// they may run, and they may wait for their lease's end) and `reused` (completed trials that an earlier sweep had trained).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All of them. Where hours or money alone decide how many there are, those that were made.
    pub planned: u64,
    /// Of the leased ones, those whose worker is not connected: they may run, and they may wait for their lease's end.
    pub away: u64,
    /// Completed trials that an earlier sweep had trained; they count as completed, too.
    pub reused: u64,
    /// Of the paused ones, those that wait at rungs to be promoted.
    at_rungs: u64,
    /// Of the pruned ones, those that go on where the budget is raised.
    shelved: u64,
    /// Whether hours or money alone decide how many there are.
    is_open_ended: bool,
    /// In the order of the list of states.
    by_state: [u64; TrialState::COUNT],
    /// States of later versions.
    others: Vec<(String, u64)>,
}

/// Trials of a kind, as people read of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<'a> {
    /// Their state.
    pub state: Told<TrialState>,
    /// What people call them.
    pub words: &'a str,
    /// Whether their workers are not connected.
    pub is_away: bool,
    /// How many.
    pub trials: u64,
}

/// What leased trials are called whose worker is not connected.
pub const AWAY: &str = "with workers that are not connected";

/// What paused trials are called that wait to be promoted.
const AT_RUNGS: &str = "waiting at rungs";

/// What pruned trials are called that go on where the budget is raised.
const SHELVED: &str = "shelved";

impl Ledger {
    /// No trials of those that are planned.
    pub fn new(planned: u64) -> Self {
        Self { planned, ..Self::default() }
    }

    /// This ledger with that many trials in a state.
    #[must_use]
    pub fn with(mut self, state: TrialState, trials: u64) -> Self {
        *self.of_mut(state) = trials;
        self
    }

    /// This ledger with what is known of its trials by how they are searched.
    #[must_use]
    pub fn with_search(mut self, search: Option<&Searching>) -> Self {
        if let Some(search) = search {
            (self.at_rungs, self.shelved) = (search.at_rungs, search.shelved);
            self.is_open_ended = search.is_open_ended;
        }
        self
    }

    /// Trials in a state.
    pub fn of(&self, state: TrialState) -> u64 {
        self.by_state[state as usize]
    }

    /// The trials in a state, to change how many they are.
    pub fn of_mut(&mut self, state: TrialState) -> &mut u64 {
        &mut self.by_state[state as usize]
    }

    /// Trials that ran to an end, in whatever way; those that were cancelled did not.
    pub fn ended(&self) -> u64 {
        TrialState::ALL.into_iter().filter(|state| state.ran_to_an_end()).map(|state| self.of(state)).sum()
    }

    /// How many trials there are of each kind that occurs, in the order in which people are told of them.
    pub fn counts(&self) -> impl Iterator<Item = Count<'_>> {
        let known = TrialState::as_told().flat_map(|state| {
            let away = if state == TrialState::Leased { self.away } else { 0 };
            let count = |trials, words, is_away| Count { state: state.into(), words, is_away, trials };
            let (special, words) = match state {
                TrialState::Paused => (self.at_rungs, AT_RUNGS),
                TrialState::Pruned => (self.shelved, SHELVED),
                _ => (0, ""),
            };
            let special = special.min(self.of(state));
            let here = count(self.of(state).saturating_sub(away + special), state.words(), false);
            [here, count(away, AWAY, true), count(special, words, false)]
        });
        let others = self.others.iter().map(|(name, trials)| Count {
            state: Told::Other(name.clone()),
            words: name,
            is_away: false,
            trials: *trials,
        });
        known.chain(others).filter(|count| count.trials > 0)
    }
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("planned", &(!self.is_open_ended).then_some(self.planned))?;
        for state in TrialState::ALL {
            map.serialize_entry(state.name(), &self.of(state))?;
            if state == TrialState::Leased {
                map.serialize_entry("away", &self.away)?;
            }
        }
        for (name, trials) in &self.others {
            map.serialize_entry(name, trials)?;
        }
        map.serialize_entry("reused", &self.reused)?;
        map.end()
    }
}

impl From<wire::Ledger> for Ledger {
    fn from(message: wire::Ledger) -> Self {
        let mut ledger =
            Self { planned: message.planned, away: message.away, reused: message.reused, ..Self::default() };
        for (state, trials) in message.counts() {
            match state {
                Told::Known(state) => *ledger.of_mut(state) = trials,
                Told::Other(name) => ledger.others.push((name, trials)),
            }
        }
        ledger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_at_rungs_are_told_apart_from_those_that_a_person_paused() {
        let search = Searching { at_rungs: 5, shelved: 2, is_open_ended: true, ..Searching::default() };
        let ledger = Ledger::new(11).with(TrialState::Paused, 8).with(TrialState::Pruned, 3);
        let ledger = ledger.with_search(Some(&search));
        let told: Vec<_> = ledger.counts().map(|count| format!("{} {}", count.trials, count.words)).collect();
        assert_eq!(told, ["1 pruned", "2 shelved", "3 paused", "5 waiting at rungs"]);
        let json = serde_json::to_value(&ledger).expect("JSON");
        assert!(json["planned"].is_null() && json["pruned"] == 3, "{json}");
    }

    #[test]
    fn states_of_later_versions_are_counted_under_their_names() {
        let count = |state: &str, trials| wire::StateCount { state: state.into(), trials };
        let message = wire::Ledger {
            planned: 9,
            by_state: vec![count("completed", 2), count("frozen", 4), count("leased", 3)],
            away: 1,
            ..Default::default()
        };
        let ledger = Ledger::from(message);
        let told: Vec<_> = ledger.counts().map(|count| format!("{} {}", count.trials, count.words)).collect();
        assert_eq!(told, ["2 completed", "2 running", "1 with workers that are not connected", "4 frozen"]);
        assert_eq!(ledger.ended(), 2);
        let json = serde_json::to_string(&ledger).expect("JSON");
        let expected = r#"{"planned":9,"pending":0,"leased":3,"away":1,"paused":0,"completed":2,"pruned":0,"diverged":0,"failed":0,"cancelled":0,"frozen":4,"reused":0}"#;
        assert_eq!(json, expected);
    }
}
