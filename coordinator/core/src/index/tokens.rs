//! The attempt of each token ever granted.

use sweep_proto::{AttemptId, LeaseToken, SweepId, TrialId};

use crate::packed::{Packed, Row};

/// Attempts by their tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tokens(Packed<Entry>);

/// Flat, so that it takes 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    token: LeaseToken,
    sweep: SweepId,
    index: u32,
    number: u32,
}

impl Row for Entry {
    type Key = LeaseToken;

    fn key(&self) -> LeaseToken {
        self.token
    }
}

impl Tokens {
    /// The attempt of a token.
    pub(crate) fn get(&self, token: LeaseToken) -> Option<AttemptId> {
        let Entry { sweep, index, number, .. } = *self.0.get(&token)?;
        Some(AttemptId { trial: TrialId { sweep, index }, number })
    }

    /// A token was granted for an attempt; whether it is a new one.
    pub(super) fn insert(&mut self, token: LeaseToken, attempt: AttemptId) -> bool {
        let AttemptId { trial: TrialId { sweep, index }, number } = attempt;
        self.0.insert(Entry { token, sweep, index, number }).is_none()
    }

    /// An attempt's row is removed; whether its token was there.
    pub(super) fn remove(&mut self, token: LeaseToken) -> bool {
        self.0.remove(&token).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempt_of_a_token_is_found_until_it_is_removed() {
        let attempt = |number| AttemptId { trial: TrialId { sweep: SweepId(u64::MAX), index: 7 }, number };
        let mut tokens = Tokens::default();
        assert!(tokens.insert(LeaseToken(9), attempt(1)) && tokens.insert(LeaseToken(3), attempt(2)));
        assert!(!tokens.insert(LeaseToken(9), attempt(1)), "the row is replaced");
        assert_eq!(tokens.get(LeaseToken(3)), Some(attempt(2)));
        assert!(tokens.remove(LeaseToken(3)) && !tokens.remove(LeaseToken(3)));
        assert_eq!((tokens.get(LeaseToken(3)), tokens.get(LeaseToken(9))), (None, Some(attempt(1))));
        assert_eq!(size_of::<Entry>(), 24);
    }
}
