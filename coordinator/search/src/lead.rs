//! How far a search runs ahead of what it knows.
//!
//! Each ended trial allows one more to be made, and which trials have ended when a trial is chosen follows from its number
//! alone. So a proposal is the same whenever it is computed: early or late, one at a time or many, before a restart or after.

use serde::{Deserialize, Serialize};

/// Which trials a search may make, and what each is chosen from. Trials are numbered from 0 as they are made, ended ones from 1 as
/// they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// From this trial on.
    pub first: u64,
    /// That many of them are chosen from what is known at that moment: after `known` trials have ended. Each further one is chosen
    /// when one more has ended.
    pub count: u64,
    /// See `count`.
    pub known: u64,
}

impl Lead {
    /// Number of trials that may be made when that many have ended.
    pub fn allowed(&self, ended: u64) -> u64 {
        self.first.saturating_add(self.count).saturating_add(ended.saturating_sub(self.known))
    }

    /// The number of the last ended trial that the choice of a trial takes into account.
    pub fn known(&self, trial: u64) -> u64 {
        let behind = (trial + 1).saturating_sub(self.first.saturating_add(self.count));
        self.known.saturating_add(behind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A trial is allowed at the very moment whose knowledge it is chosen from.
        #[test]
        fn a_trial_is_chosen_from_what_is_known_when_it_is_allowed(
            first in 0_u64..50, count in 0_u64..20, known in 0_u64..50, more in 0_u64..60,
        ) {
            let lead = Lead { first, count, known };
            let trial = first + more;
            let at = lead.known(trial);
            prop_assert!(lead.allowed(at) > trial);
            prop_assert!(at == known || lead.allowed(at - 1) <= trial);
        }
    }
}
