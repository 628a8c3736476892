//! How the space of a sweep is searched, and how far the search has come.

use serde::Serialize;
use sweep_proto::{PrunerName, wire};

use super::Sweep;

/// The search of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Searching {
    /// Who proposes configurations.
    pub sampler: String,
    /// Who ends trials early, or `none`.
    pub pruner: String,
    /// Trials that were made.
    pub trials_made: u64,
    /// The budget of trials; `null` without one.
    pub trials_max: Option<u64>,
    /// The budget of epochs, of which `epochs_done` are spent; `null` without one.
    pub epochs_max: Option<u64>,
    /// Trials that wait at rungs to be promoted.
    pub at_rungs: u64,
}

impl From<wire::SearchStatus> for Searching {
    fn from(status: wire::SearchStatus) -> Self {
        let wire::SearchStatus { sampler, pruner, trials_made, trials_max, epochs_max, at_rungs } = status;
        Self { sampler, pruner, trials_made, trials_max, epochs_max, at_rungs }
    }
}

impl Searching {
    /// `random, pruner asha`.
    pub fn who(&self) -> String {
        if self.pruner == PrunerName::None.name() {
            return self.sampler.clone();
        }
        format!("{}, pruner {}", self.sampler, self.pruner)
    }

    /// `5 wait at rungs`; `None` where no trial does.
    pub fn waiting(&self) -> Option<String> {
        let waits = if self.at_rungs == 1 { "waits" } else { "wait" };
        (self.at_rungs > 0).then(|| format!("{} {waits} at rungs", self.at_rungs))
    }
}

impl Sweep {
    /// How many trials it comes to: `64`. What a budget of epochs has room for changes as trials end early: of such a search
    /// `up to 60`, where it has a budget of trials, too, else `about 22`.
    pub fn trials_planned(&self) -> String {
        self.trials_planned_as(|count| count.to_string())
    }

    /// The same with numbers as a view writes them.
    pub fn trials_planned_as(&self, written: impl Fn(u64) -> String) -> String {
        let planned = self.ledger.planned;
        let changes = self.search.as_ref().filter(|one| one.epochs_max.is_some() && !self.has_ended());
        match changes.map(|search| search.trials_max) {
            Some(Some(most)) => format!("up to {}", written(most.max(planned))),
            Some(None) => format!("about {}", written(planned)),
            None => written(planned),
        }
    }

    /// What of the budget is spent, and what waits: `12 of 40 trials made, 120 of 400 epochs trained; 5 wait at rungs`.
    pub fn search_spent(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let trials = match search.trials_max {
            // Without a budget of epochs nothing else ends a search.
            Some(most) if self.has_finished() && search.trials_made < most && search.epochs_max.is_none() => {
                format!("{} of {most} trials made: all of its space", search.trials_made)
            }
            Some(most) => format!("{} of {most} trials made", search.trials_made),
            None => format!("{} trials made", search.trials_made),
        };
        let epochs = search.epochs_max.map(|most| format!("{} of {most} epochs trained", self.epochs_done));
        let spent: Vec<String> = [Some(trials), epochs].into_iter().flatten().collect();
        let told = [Some(spent.join(", ")), search.waiting()];
        Some(told.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_tells_what_is_spent_and_what_waits() {
        let mut status = wire::SweepStatus { epochs_done: 120, ..Default::default() };
        assert_eq!(Sweep::from(status.clone()).search_spent(), None);
        let mut search = wire::SearchStatus {
            sampler: "random".to_owned(),
            pruner: "asha".to_owned(),
            trials_made: 12,
            trials_max: Some(40),
            epochs_max: Some(400),
            at_rungs: 1,
        };
        status.search = Some(search.clone());
        let told = Sweep::from(status.clone());
        assert_eq!(told.search.as_ref().map(Searching::who).as_deref(), Some("random, pruner asha"));
        assert_eq!(
            told.search_spent().as_deref(),
            Some("12 of 40 trials made, 120 of 400 epochs trained; 1 waits at rungs")
        );
        assert_eq!(told.trials_planned(), "up to 40");
        let only_epochs = wire::SearchStatus { trials_max: None, ..search.clone() };
        status.ledger = Some(wire::Ledger { planned: 22, ..Default::default() });
        status.search = Some(only_epochs);
        assert_eq!(Sweep::from(status.clone()).trials_planned(), "about 22");
        status.state = "finished".to_owned();
        assert_eq!(Sweep::from(status.clone()).trials_planned(), "22");
        let used_up = wire::SearchStatus { epochs_max: None, at_rungs: 0, ..search.clone() };
        status.search = Some(used_up);
        assert_eq!(
            Sweep::from(status.clone()).search_spent().as_deref(),
            Some("12 of 40 trials made: all of its space")
        );
        status.state = String::new();
        (search.pruner, search.trials_max, search.epochs_max, search.at_rungs) =
            ("none".to_owned(), None, None, 0);
        status.search = Some(search);
        let told = Sweep::from(status);
        assert_eq!(told.search.as_ref().map(Searching::who).as_deref(), Some("random"));
        assert_eq!(told.search_spent().as_deref(), Some("12 trials made"));
    }
}
