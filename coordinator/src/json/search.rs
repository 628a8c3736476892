//! How the space of a sweep is searched, and how far the search has come.

use coordinator_report::sections::format::amount;
use serde::Serialize;
use sweep_proto::{PrunerName, SamplerName, wire};

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
    /// Whether nobody knows how many trials it comes to: as many as its hours or money allow.
    pub is_open_ended: bool,
    /// Trials that wait at rungs to be promoted, or that a steered search has paused.
    pub at_rungs: u64,
    /// Trials that were pruned because the budget was spent, and go on from their checkpoints where it is raised.
    pub shelved: u64,
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
            is_open_ended: status.is_open_ended,
            at_rungs: status.at_rungs,
            shelved: status.shelved,
            hours_max: status.hours_max,
            money_max: status.money_max,
            hours_spent: status.hours_spent,
            money_spent: status.money_spent,
            spent: Some(status.spent).filter(|part| !part.is_empty()),
        }
    }
}

impl From<Searching> for wire::SearchStatus {
    fn from(search: Searching) -> Self {
        Self {
            sampler: search.sampler,
            pruner: search.pruner,
            trials_made: search.trials_made,
            trials_max: search.trials_max,
            epochs_max: search.epochs_max,
            at_rungs: search.at_rungs,
            is_open_ended: search.is_open_ended,
            shelved: search.shelved,
            hours_max: search.hours_max,
            money_max: search.money_max,
            hours_spent: search.hours_spent,
            money_spent: search.money_spent,
            spent: search.spent.unwrap_or_default(),
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

    /// Whether one model chooses, pauses and ends its trials, and stops when it is sure.
    fn is_steered(&self) -> bool {
        self.sampler == SamplerName::Auto.name()
    }

    /// The parts of the budget that slots spend: what is spent, what may be, and its name.
    fn meters(&self) -> impl Iterator<Item = (f64, f64, &'static str)> {
        let hours = self.hours_spent.zip(self.hours_max).map(|(spent, most)| (spent, most, "hours"));
        let money = self.money_spent.zip(self.money_max).map(|(spent, most)| (spent, most, "money"));
        hours.into_iter().chain(money)
    }

    /// `2.1 of 8 hours spent`, and the same of money; nothing without such a budget.
    pub fn metered(&self) -> impl Iterator<Item = String> {
        self.meters().map(|(spent, most, what)| format!("{} of {most} {what} spent", amount(spent)))
    }

    /// `the hours allow`, or the same of money, or of both.
    fn allowance(&self) -> &'static str {
        match (self.hours_max, self.money_max) {
            (Some(_), Some(_)) => "hours and money allow",
            (None, Some(_)) => "the money allows",
            (None, None) if self.is_steered() => "the search needs",
            _ => "the hours allow",
        }
    }

    /// `the budget of hours is spent`; `None` while trials begin.
    fn end(&self, has_ended: bool) -> Option<String> {
        let part = self.spent.as_ref()?;
        let is_left = self.meters().any(|(spent, most, what)| what == part && spent < most);
        Some(match (is_left, has_ended) {
            (false, _) => format!("the budget of {part} is spent: no trial begins any more"),
            (true, true) => format!("the search ended before the budget of {part} was spent"),
            (true, false) => format!(
                "what is left of the budget of {part} is for the leading trial: no other begins before it has ended"
            ),
        })
    }

    /// `5 wait at rungs`; `None` where no trial does.
    pub fn waiting(&self) -> Option<String> {
        if self.is_steered() {
            return (self.at_rungs > 0).then(|| format!("{} paused", self.at_rungs));
        }
        let waits = if self.at_rungs == 1 { "waits" } else { "wait" };
        (self.at_rungs > 0).then(|| format!("{} {waits} at rungs", self.at_rungs))
    }
}

impl Sweep {
    /// Whether nobody knows how many trials it comes to: as many as its hours or money allow.
    pub fn is_open_ended(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_open_ended)
    }

    /// How many trials it comes to: `64`. What a budget of epochs has room for changes as trials end early, and hours and money may be
    /// spent before: of such a search `up to 60`, or `about 22` of one with a budget of epochs alone. `None` where nobody knows.
    pub fn trials_planned(&self) -> Option<String> {
        self.trials_planned_as(|count| count.to_string())
    }

    /// The same with numbers as a view writes them.
    pub fn trials_planned_as(&self, written: impl Fn(u64) -> String) -> Option<String> {
        let planned = self.ledger.planned;
        let search = match &self.search {
            _ if self.is_open_ended() => return None,
            Some(search) if !self.has_ended() => search,
            _ => return Some(written(planned)),
        };
        let is_metered = search.meters().next().is_some();
        Some(match (search.trials_max, search.epochs_max) {
            (Some(most), Some(_)) => format!("up to {}", written(most.max(planned))),
            (None, Some(_)) if !is_metered => format!("about {}", written(planned)),
            (_, epochs) if is_metered || epochs.is_some() || search.is_steered() => {
                format!("up to {}", written(planned))
            }
            _ => written(planned),
        })
    }

    /// `64 trials`, or `as many trials as the hours allow`.
    pub fn trials_told(&self) -> String {
        match (self.trials_planned(), &self.search) {
            (Some(one), _) if one == "1" => "1 trial".to_owned(),
            (Some(planned), _) => format!("{planned} trials"),
            (None, search) => {
                let allowance = search.as_ref().map_or("", Searching::allowance);
                format!("as many trials as {allowance}")
            }
        }
    }

    /// How many trials have ended of how many: `12 of 64`, or `12` where nobody knows of how many.
    pub fn trials_ended_as(&self, written: impl Fn(u64) -> String) -> String {
        let ended = written(self.ledger.ended());
        match self.trials_planned_as(written) {
            Some(planned) => format!("{ended} of {planned}"),
            None => ended,
        }
    }

    /// How many epochs are trained of how many: `40 of 640`, or `40` where nobody knows of how many.
    pub fn epochs_told_as(&self, written: impl Fn(u64) -> String) -> String {
        match self.epochs_planned {
            Some(planned) => format!("{} of {}", written(self.epochs_done), written(planned)),
            None => written(self.epochs_done),
        }
    }

    /// How far it has come, from 0 to 1: by its epochs, or by what is spent of its hours and money where these alone bound it.
    pub fn share_done(&self) -> f64 {
        let share = match (self.epochs_planned, &self.search) {
            (Some(planned), _) => self.epochs_done as f64 / planned.max(1) as f64,
            (None, _) if self.has_ended() => 1.0,
            (None, search) => {
                let meters = search.iter().flat_map(Searching::meters);
                meters.map(|(spent, most, _)| spent / most).fold(0.0, f64::max)
            }
        };
        share.clamp(0.0, 1.0)
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
            None if search.is_open_ended && !self.has_ended() => {
                format!("{} trials made, as many as {}", search.trials_made, search.allowance())
            }
            None => format!("{} trials made", search.trials_made),
        };
        let epochs = search.epochs_max.map(|most| format!("{} of {most} epochs trained", self.epochs_done));
        let spent: Vec<String> =
            [Some(trials), epochs].into_iter().flatten().chain(search.metered()).collect();
        let told = [Some(spent.join(", ")), search.end(self.has_ended()), search.waiting(), self.shelved()];
        Some(told.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    /// That trials were shelved, and what lets them go on.
    fn shelved(&self) -> Option<String> {
        let search = self.search.as_ref().filter(|search| search.shelved > 0)?;
        let part = search.spent.as_ref()?;
        Some(format!(
            "{} shelved: `sweep extend {} --{part} N` with a larger budget lets them go on from their checkpoints",
            search.shelved, self.id
        ))
    }

    /// What is spent of each part of the budget, short: `2.13/8 hours, 12/40 trials`; `None` without a budget.
    pub fn budget_spent(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let counted =
            |spent: u64, most: Option<u64>, what: &str| most.map(|most| format!("{spent}/{most} {what}"));
        let metered = search.meters().map(|(spent, most, what)| format!("{}/{most} {what}", amount(spent)));
        let trials = counted(search.trials_made, search.trials_max, "trials");
        let epochs = counted(self.epochs_done, search.epochs_max, "epochs");
        let parts: Vec<String> = metered.chain(trials).chain(epochs).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::SweepState;

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
        assert_eq!(told.trials_planned().as_deref(), Some("up to 40"));
        let only_epochs = wire::SearchStatus { trials_max: None, ..search.clone() };
        status.ledger = Some(wire::Ledger { planned: 22, ..Default::default() });
        status.search = Some(only_epochs);
        assert_eq!(Sweep::from(status.clone()).trials_planned().as_deref(), Some("about 22"));
        status.state = "finished".to_owned();
        assert_eq!(Sweep::from(status.clone()).trials_planned().as_deref(), Some("22"));
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

    #[test]
    fn a_search_that_hours_alone_bound_tells_no_number_of_trials() {
        let search = wire::SearchStatus {
            trials_made: 64,
            hours_max: Some(8.0),
            hours_spent: Some(2.0),
            is_open_ended: true,
            ..Default::default()
        };
        let ledger = wire::Ledger { planned: 64, completed: 6, pending: 58, ..Default::default() };
        let status = wire::SweepStatus {
            id: 3,
            epochs_done: 12,
            ledger: Some(ledger),
            search: Some(search),
            ..Default::default()
        };
        let mut told = Sweep::from(status);
        assert_eq!((told.trials_planned(), told.epochs_planned), (None, None));
        assert_eq!(told.trials_told(), "as many trials as the hours allow");
        let plain = |count: u64| count.to_string();
        assert_eq!((told.trials_ended_as(plain), told.epochs_told_as(plain)), ("6".into(), "12".into()));
        assert!((told.share_done() - 0.25).abs() < 1e-9);
        assert_eq!(told.budget_spent().as_deref(), Some("2.00/8 hours"));
        let json = serde_json::to_value(&told).expect("JSON");
        assert!(json["ledger"]["planned"].is_null() && json["epochs_planned"].is_null(), "{json}");
        let spent = told.search_spent().expect("a search");
        assert_eq!(spent, "64 trials made, as many as the hours allow, 2.00 of 8 hours spent");
        if let Some(search) = &mut told.search {
            (search.spent, search.shelved) = (Some("hours".to_owned()), 2);
        }
        let spent = told.search_spent().expect("a search");
        assert!(spent.contains("what is left of the budget of hours is for the leading trial"), "{spent}");
        assert!(spent.contains("2 shelved: `sweep extend 3 --hours N`"), "{spent}");
        told.state = SweepState::Cancelled.into();
        let spent = told.search_spent().expect("a search");
        assert!(spent.contains("the search ended before the budget of hours was spent"), "{spent}");
    }
}
