//! How a budget of epochs is dealt to trials that wait at rungs: how many more begin, and which promotions it has room for.
//!
//! No trial counts with epochs that it may not train now, so the budget ranks as many trials as it pays for. What one trial takes
//! from its first rung to its end is kept back until the last: whoever leads when nobody else is promoted is trained to its end.

use coordinator_search::pruner::Pruner;
use sweep_proto::SweepSpec;

use crate::quota::epochs_max;
use crate::source::Tally;
use crate::standings::pruner_of;

/// The budget of epochs of a sweep whose trials wait at rungs.
pub(crate) struct RungBudget {
    pruner: Box<dyn Pruner>,
    budget: u64,
    /// Epochs of a trial that trains to its end: all have the same.
    longest: u64,
    first_rung: u64,
}

impl RungBudget {
    /// `None` of a sweep without rungs, or without a budget of epochs.
    pub(crate) fn of(spec: &SweepSpec) -> Option<Self> {
        let budget = spec.search.as_deref()?.budget.epochs?;
        let pruner = pruner_of(spec)?;
        let longest = epochs_max(spec);
        let first_rung = u64::from(pruner.first_rung(longest)?);
        Some(Self { pruner, budget, longest, first_rung })
    }

    /// How many trials may be made beside those that there are. Each counts with what it takes on average, and the last with all its
    /// epochs: another one begins only while there is room for all of them.
    pub(crate) fn further_trials(&self, tally: Tally) -> u64 {
        let rest = self.budget.checked_sub(self.for_next(tally));
        rest.map_or(0, |rest| rest.saturating_mul(1_000) / self.average_in_thousandths().max(1) + 1)
    }

    /// The least budget with which another trial begins.
    pub(crate) fn for_next(&self, tally: Tally) -> u64 {
        let average = tally.open.saturating_mul(self.average_in_thousandths()).div_ceil(1_000);
        let of_open = average.max(self.promised(tally));
        self.ended(tally).saturating_add(of_open).saturating_add(self.longest)
    }

    /// Epochs that promotions may take now.
    pub(crate) fn for_promotions(&self, tally: Tally) -> u64 {
        self.for_last(tally).saturating_sub(self.longest - self.first_rung)
    }

    /// Epochs that are left for whoever is trained to its end at last.
    pub(crate) fn for_last(&self, tally: Tally) -> u64 {
        self.budget.saturating_sub(self.ended(tally)).saturating_sub(self.promised(tally))
    }

    /// Epochs that a promotion from a rung takes.
    pub(crate) fn step(&self, rung: u32) -> u64 {
        let next = self.pruner.next_rung(rung, self.longest).map_or(self.longest, u64::from);
        next.saturating_sub(u64::from(rung))
    }

    /// Epochs that ended trials have brought.
    fn ended(&self, tally: Tally) -> u64 {
        tally.epochs.saturating_sub(tally.open.saturating_mul(self.longest))
    }

    /// Epochs to which open trials have trained or may train now.
    fn promised(&self, tally: Tally) -> u64 {
        tally.open.saturating_mul(self.longest).saturating_sub(tally.epochs_beyond_rungs)
    }

    /// Thousandths of the epochs that a trial takes on average where one in that many goes on from each rung.
    fn average_in_thousandths(&self) -> u64 {
        let one_in = u64::from(self.pruner.one_in()).max(1);
        let (mut sum, mut one_of, mut rung) = (self.first_rung * 1_000, one_in, Some(self.first_rung as u32));
        while let Some(from) = rung {
            sum = sum.saturating_add((self.step(from) * 1_000).div_ceil(one_of));
            one_of = one_of.saturating_mul(one_in);
            rung = self.pruner.next_rung(from, self.longest);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(epochs: u64, of_trial: u64, eta: u32) -> RungBudget {
        let file = format!(
            "name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\nunits = {{ min = 8, max = 512 }}\n[search]\npruner = 'asha'\neta = {eta}\n\
             epochs = {epochs}\n[train]\nepochs = {of_trial}\n"
        );
        RungBudget::of(&sweep_proto::sweep_file::parse("x", &file).expect("a sweep file")).expect("rungs")
    }

    fn tally(open: u64, until: u64, of_trial: u64, ended: u64) -> Tally {
        let (epochs, epochs_beyond_rungs) = (ended + open * of_trial, open * (of_trial - until));
        Tally { made: open, open, epochs, epochs_beyond_rungs, ..Tally::default() }
    }

    #[test]
    fn a_trial_counts_with_what_one_takes_on_average() {
        // Rungs at 1, 3 and 9 epochs: 1 + 2/3 + 6/9 + 18/27.
        let of_27 = budget(270, 27, 3);
        assert_eq!(of_27.average_in_thousandths(), 3_001);
        assert_eq!(of_27.further_trials(Tally::default()), 81);
        // All wait at the first rung: no further one begins, and those of the best third are promoted.
        let waiting = tally(81, 1, 27, 0);
        assert_eq!((of_27.further_trials(waiting), of_27.for_promotions(waiting)), (0, 270 - 81 - 26));
        // What they leave is for others.
        assert_eq!(of_27.further_trials(tally(0, 1, 27, 100)), (170 - 27) * 1_000 / 3_001 + 1);
        assert_eq!([1, 3, 9].map(|rung| of_27.step(rung)), [2, 6, 18]);
    }

    #[test]
    fn a_budget_of_one_trial_is_for_one_trial() {
        assert_eq!(budget(27, 27, 3).further_trials(Tally::default()), 1);
        let begun = budget(27, 27, 3);
        assert_eq!((begun.for_promotions(tally(1, 1, 27, 0)), begun.for_last(tally(1, 1, 27, 0))), (0, 26));
    }

    #[test]
    fn trials_without_rungs_have_no_part_in_it() {
        let file = |search: &str| {
            let file = format!(
                "name = 'x'\n[data]\ndataset = 'snippets'\n[grid]\nunits = [8]\n[search]\n{search}\n"
            );
            RungBudget::of(&sweep_proto::sweep_file::parse("x", &file).expect("a sweep file"))
        };
        assert!(file("pruner = 'median'\nepochs = 900").is_none());
        assert!(file("pruner = 'asha'\ntrials = 1").is_none());
    }
}
