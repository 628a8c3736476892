//! How the space of a sweep is searched, and how far the search has come.

use coordinator_report::sections::format::amount;
use serde::Serialize;
use sweep_proto::{PrunerName, wire};

use super::Sweep;

/// The search of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// The budget of hours for which attempts hold their slots; `null` without one.
    pub hours_max: Option<f64>,
    /// The budget of money; `null` without one.
    pub money_max: Option<f64>,
    /// For how many hours attempts held their slots; `null` without a budget of hours or money.
    pub hours_spent: Option<f64>,
    /// What these hours cost; `null` without a price.
    pub money_spent: Option<f64>,
    /// The part of the budget because of which no trial begins any more: `hours` or `money`; `null` while they do.
    pub spent: Option<String>,
}

impl From<wire::SearchStatus> for Searching {
    fn from(status: wire::SearchStatus) -> Self {
        Self {
            sampler: status.sampler,
            pruner: status.pruner,
            trials_made: status.trials_made,
            trials_max: status.trials_max,
            epochs_max: status.epochs_max,
            at_rungs: status.at_rungs,
            hours_max: status.hours_max,
            money_max: status.money_max,
            hours_spent: status.hours_spent,
            money_spent: status.money_spent,
            spent: Some(status.spent).filter(|part| !part.is_empty()),
        }
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

    /// `2.1 of 8 hours spent`, and the same of money; nothing without such a budget.
    fn metered(&self) -> impl Iterator<Item = String> {
        let hours = self.hours_max.zip(self.hours_spent).map(|(most, spent)| (most, spent, "hours"));
        let money = self.money_max.zip(self.money_spent).map(|(most, spent)| (most, spent, "money"));
        let told =
            |(most, spent, what): (f64, f64, &str)| format!("{} of {most} {what} spent", amount(spent));
        hours.into_iter().chain(money).map(told)
    }

    /// `the budget of hours is spent`; `None` while trials begin.
    pub fn end(&self) -> Option<String> {
        self.spent.as_ref().map(|part| format!("the budget of {part} is spent: no trial begins any more"))
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
            // Nothing else ends a search whose other budgets are not spent.
            Some(most)
                if self.has_finished()
                    && search.trials_made < most
                    && search.epochs_max.is_none()
                    && search.spent.is_none() =>
            {
                format!("{} of {most} trials made: all of its space", search.trials_made)
            }
            Some(most) => format!("{} of {most} trials made", search.trials_made),
            None => format!("{} trials made", search.trials_made),
        };
        let epochs = search.epochs_max.map(|most| format!("{} of {most} epochs trained", self.epochs_done));
        let spent: Vec<String> =
            [Some(trials), epochs].into_iter().flatten().chain(search.metered()).collect();
        let told = [Some(spent.join(", ")), search.end(), search.waiting()];
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
            ..Default::default()
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
        let money = wire::SearchStatus {
            epochs_max: None,
            at_rungs: 0,
            money_max: Some(0.004),
            money_spent: Some(0.005_432),
            spent: "money".to_owned(),
            ..search.clone()
        };
        status.search = Some(money);
        assert_eq!(
            Sweep::from(status.clone()).search_spent().as_deref(),
            Some(
                "12 of 40 trials made, 0.00543 of 0.004 money spent; the budget of money is spent: no trial begins any more"
            )
        );
        status.state = String::new();
        (search.pruner, search.trials_max, search.epochs_max, search.at_rungs) =
            ("none".to_owned(), None, None, 0);
        status.search = Some(search);
        let told = Sweep::from(status);
        assert_eq!(told.search.as_ref().map(Searching::who).as_deref(), Some("random"));
        assert_eq!(told.search_spent().as_deref(), Some("12 trials made"));
    }

    #[test]
    fn hours_and_money_are_told_with_what_is_spent_of_them() {
        let search = wire::SearchStatus {
            sampler: "random".to_owned(),
            trials_made: 12,
            hours_max: Some(8.0),
            hours_spent: Some(2.126),
            ..Default::default()
        };
        let told = |search| {
            Sweep::from(wire::SweepStatus { search: Some(search), ..Default::default() }).search_spent()
        };
        assert_eq!(told(search.clone()).as_deref(), Some("12 trials made, 2.13 of 8 hours spent"));
        let money = wire::SearchStatus {
            hours_max: None,
            money_max: Some(1.5),
            money_spent: Some(1.52),
            spent: "money".to_owned(),
            ..search
        };
        assert_eq!(
            told(money).as_deref(),
            Some(
                "12 trials made, 1.52 of 1.5 money spent; the budget of money is spent: no trial begins any more"
            )
        );
    }
}
