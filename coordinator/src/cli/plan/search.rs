//! How a plan tells the search of a sweep: who proposes and who prunes, what the budget is, and what of it has no effect.

use coordinator_core::earliest_stop;
use coordinator_core::forecast::{Bounds, OTHERS_MIN};
use coordinator_report::sections::format::fixed;
use serde::Serialize;
use sweep_proto::search::{ETA, hours_of};
use sweep_proto::{Amount, Budget, Hyperparameter, Objective, PrunerName, SamplerName, Search, SweepSpec};

use super::time::PlannedTime;

/// What `sweep plan` tells of a search.
#[derive(Debug, Serialize)]
pub(super) struct PlannedSearch {
    sampler: SamplerName,
    /// What the sampler does.
    sampler_does: &'static str,
    pruner: PrunerName,
    /// What the pruner does.
    pruner_does: &'static str,
    /// Of the pruner `asha`: of how many trials at a rung one is promoted.
    eta: Option<u32>,
    /// Epochs that every trial trains before the pruner looks at it; `null` without a pruner.
    min_epochs: Option<u32>,
    /// The epochs at which trials wait to be promoted.
    rungs: Vec<u32>,
    /// The budget of trials; `null` without one.
    budget_trials: Option<u32>,
    /// The budget of epochs; `null` without one.
    budget_epochs: Option<u64>,
    /// Whether nobody knows how many trials it comes to: as many as its hours or money allow.
    is_open_ended: bool,
    /// Of the pruner `asha`: trials and epochs where just one in `eta` goes on from each rung; `null` of others.
    trials_expected: Option<u64>,
    epochs_expected: Option<u64>,
    /// Epochs of a trial on average, alike.
    mean_epochs_expected: Option<f64>,
    /// The budget of hours for which attempts hold their slots; `null` without one.
    budget_hours: Option<Amount>,
    /// The budget of money; `null` without one.
    budget_money: Option<Amount>,
    /// What one of these hours costs; `null` without a budget of money.
    price_per_hour: Option<Amount>,
}

impl PlannedSearch {
    /// `None` where every configuration is trained to its end.
    pub(super) fn of(spec: &SweepSpec, bounds: &Bounds) -> Option<Self> {
        let search = spec.search.as_deref()?;
        let Search { sampler, pruner, eta, min_epochs, budget } = *search;
        let Budget { trials, epochs, hours, money, price_per_hour } = budget;
        if search.is_of_grid() && pruner == PrunerName::None {
            return None;
        }
        let has_pruner = pruner != PrunerName::None;
        Some(Self {
            sampler,
            sampler_does: sampler.doc(),
            pruner,
            pruner_does: pruner.doc(),
            eta: (pruner == PrunerName::Asha).then(|| eta.unwrap_or(ETA)),
            min_epochs: has_pruner.then(|| min_epochs.unwrap_or(1)),
            rungs: bounds.rungs.clone(),
            budget_trials: trials,
            budget_epochs: epochs,
            is_open_ended: bounds.is_open_ended,
            trials_expected: bounds.expected.filter(|_| !bounds.is_open_ended).map(|one| one.trials),
            epochs_expected: bounds.expected.filter(|_| !bounds.is_open_ended).map(|one| one.epochs),
            mean_epochs_expected: bounds.expected.map(|one| one.epochs as f64 / one.trials.max(1) as f64),
            budget_hours: hours,
            budget_money: money,
            price_per_hour,
        })
    }

    /// Whether a sampler proposes the trials, so that there may be fewer.
    pub(super) fn proposes(&self) -> bool {
        self.sampler != SamplerName::Grid || !self.budget().is_empty()
    }

    /// Whether trials may end before they have trained all their epochs.
    pub(super) fn prunes(&self) -> bool {
        self.pruner != PrunerName::None
    }

    /// The parts of the budget.
    fn budget(&self) -> Vec<String> {
        let money = self.budget_money.zip(self.price_per_hour);
        let parts = [
            self.budget_trials.map(|trials| format!("{trials} trials")),
            self.budget_epochs.map(|epochs| format!("{epochs} epochs")),
            self.budget_hours.map(|hours| format!("{hours} hours of slots")),
            money.map(|(money, price)| format!("{money} of money at {price} for an hour of a slot")),
        ];
        parts.into_iter().flatten().collect()
    }

    /// The lines of the text, each with its title.
    pub(super) fn lines(&self, epochs: Option<u64>) -> Vec<(&'static str, String)> {
        let mut lines = vec![("sampler", format!("{}: {}", self.sampler, lowered(self.sampler_does)))];
        let budget = self.budget();
        if !budget.is_empty() {
            lines.push(("budget", budget.join(", ")));
        }
        if let Some(min_epochs) = self.min_epochs {
            lines.push(("pruner", format!("{}: {}", self.pruner, lowered(self.pruner_does))));
            if let Some((last, before)) = self.rungs.split_last() {
                let before = before.iter().map(|rung| format!("{rung}, ")).collect::<String>();
                lines.push((
                    "rungs",
                    format!("{before}{last} epochs; the best one in {} goes on", self.eta.unwrap_or(ETA)),
                ));
            }
            let expected = self.trials_expected.zip(self.epochs_expected).zip(epochs);
            lines.push(match (expected, self.mean_epochs_expected) {
                (Some(((trials, expected), epochs)), _) => (
                    "expected",
                    format!(
                        "{trials} trials, {expected} of {epochs} epochs, if patience ends none and none fails"
                    ),
                ),
                (None, Some(mean)) => (
                    "expected",
                    format!(
                        "{} epochs of a trial on average, if patience ends none and none fails",
                        fixed(mean, 1)
                    ),
                ),
                (None, None) => (
                    "prunes",
                    format!(
                        "from epoch {min_epochs} on, once {OTHERS_MIN} other trials have trained that far"
                    ),
                ),
            });
        }
        lines
    }
}

/// A sentence as a clause.
fn lowered(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// What a budget of hours or money allows by the forecast; `None` without one.
pub(super) fn allowance(spec: &SweepSpec, bounds: &Bounds, time: &PlannedTime) -> Option<String> {
    let (_, most_ms) = spec.metered_ms()?;
    let room = time.room?;
    let hours = fixed(hours_of(most_ms), 2);
    let allowed = format!("by the forecast, the {hours} hours of slots that the budget allows are");
    if bounds.is_open_ended {
        return Some(format!(
            "{allowed} room for about {} trials ({} to {})",
            room.about, room.few, room.many
        ));
    }
    let all = bounds.trials;
    let [few, about, many] = [room.few, room.about, room.many].map(|trials| trials.min(all));
    Some(if few == all {
        format!("{allowed} enough for all {all} trials")
    } else {
        format!("{allowed} room for about {about} of {all} trials ({few} to {many})")
    })
}

/// What of a search does less than it seems.
pub(super) fn notes(spec: &SweepSpec, bounds: &Bounds) -> Vec<String> {
    let Some(search) = spec.search.as_deref() else { return could_be_searched(spec).into_iter().collect() };
    let of_space = bounds.space.map(|space| space.saturating_mul(u64::from(spec.replicates)));
    let budget = search.budget.trials.map(u64::from).zip(of_space);
    let mut notes = Vec::new();
    if let Some((budget, all)) = budget.filter(|(budget, all)| budget > all) {
        notes.push(format!(
            "the budget of {budget} trials exceeds the {all} of the space: the sweep ends with these"
        ));
    }
    if let Some((_, all)) = of_space
        .map(|all| (search, all))
        .filter(|(search, all)| search.sampler == SamplerName::Grid && bounds.trials < *all)
    {
        notes.push(format!(
            "the sampler grid trains the first {} of {all} trials in the order of the file; shuffled_grid trains some from everywhere",
            bounds.trials
        ));
    }
    if search.pruner == PrunerName::Asha && search.sampler == SamplerName::Grid {
        notes.push(
            "the pruner asha compares trials as they come, and the sampler grid begins with one level of the first axis; \
             shuffled_grid mixes them"
                .to_owned(),
        );
    }
    if search.pruner == PrunerName::Asha && spec.metered_ms().is_some() {
        notes.push(
            "of the budget of hours or money, up to a quarter is kept back until a first trial has completed; trials that do not come to \
             their end are shelved, and go on where `sweep extend` raises the budget"
                .to_owned(),
        );
    }
    if search.is_steered() {
        notes.push(format!(
            "the search stops when it is sure, after {} trials at the earliest: trials, epochs and time are what it takes at most",
            earliest_stop(spec.replicates, bounds.trials)
        ));
    }
    match search.pruner {
        PrunerName::Median if spec.replicates > 1 => notes.push(
            "once a replicate of a configuration has completed, the pruner median spares its other replicates: with one replicate it saves more"
                .to_owned(),
        ),
        PrunerName::Asha if spec.replicates > 1 => notes.push(
            "the pruner asha ranks every replicate by itself, so few configurations complete all their replicates".to_owned(),
        ),
        _ => {}
    }
    notes
}

/// That a whole grid could be searched, and what that saves; `None` where it saves next to nothing.
fn could_be_searched(spec: &SweepSpec) -> Option<String> {
    let trials = spec.trial_count()?;
    let earliest = earliest_stop(spec.replicates, trials);
    let is_fixed = |one| spec.axes.iter().all(|axis| axis.hyperparameter != one);
    let may_be = is_fixed(Hyperparameter::Epochs)
        && is_fixed(Hyperparameter::Patience)
        && spec.objective == Objective::default()
        && spec.further_objectives.is_empty();
    let is_worth_it = may_be && earliest < trials / 2;
    is_worth_it.then(|| {
        format!(
            "the grid trains all {trials} trials; with --search auto from {earliest} to {trials} are trained: it stops when it is sure of \
             what is best"
        )
    })
}

#[cfg(test)]
mod tests {
    use coordinator_core::forecast::bounds;

    use super::super::time::Room;
    use super::*;

    fn spec(grid: &str, search: &str, train: &str) -> SweepSpec {
        let text = format!(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\n{grid}\n[search]\n{search}\n[train]\nepochs = 27\n{train}\n"
        );
        sweep_proto::sweep_file::parse("test.toml", &text).expect("a valid file")
    }

    fn noted(grid: &str, search: &str, train: &str) -> String {
        let spec = spec(grid, search, train);
        notes(&spec, &bounds(&spec)).join("\n")
    }

    #[test]
    fn what_a_search_does_not_do_is_noted() {
        let units = "units = [8, 16, 32]";
        assert!(
            noted(units, "sampler = \"random\"\ntrials = 40", "")
                .contains("40 trials exceeds the 3 of the space")
        );
        assert!(noted(units, "sampler = \"grid\"\ntrials = 2", "").contains("first 2 of 3 trials"));
        assert_eq!(noted(units, "sampler = \"shuffled_grid\"\ntrials = 2", ""), "");
        assert!(noted(units, "pruner = \"asha\"", "").contains("shuffled_grid mixes them"));
        assert!(
            noted(units, "pruner = \"median\"", "replicates = 3").contains("spares its other replicates")
        );
        assert!(
            noted(units, "sampler = \"shuffled_grid\"\npruner = \"asha\"", "replicates = 3")
                .contains("by itself")
        );
        assert_eq!(noted(units, "pruner = \"median\"", ""), "");
    }

    #[test]
    fn a_search_is_told_with_its_rungs_and_with_bounds_of_what_it_saves() {
        let spec = spec("units = { min = 8, max = 64 }", "pruner = \"asha\"\ntrials = 27\nepochs = 500", "");
        let bounds = bounds(&spec);
        let lines = PlannedSearch::of(&spec, &bounds).expect("a search").lines(Some(bounds.epochs));
        let told: Vec<String> = lines.into_iter().map(|(title, text)| format!("{title}: {text}")).collect();
        assert_eq!(
            told,
            [
                "sampler: random: configurations drawn at random, each level and each part of a range equally likely",
                "budget: 27 trials, 500 epochs",
                "pruner: asha: trials wait after min_epochs epochs, eta times as many, and so on; the best one in eta goes on from its checkpoint",
                "rungs: 1, 3, 9 epochs; the best one in 3 goes on",
                "expected: 27 trials, 81 of 500 epochs, if patience ends none and none fails",
            ]
        );
    }

    #[test]
    fn what_a_budget_of_hours_allows_follows_from_the_time_of_the_whole_space() {
        let of = |hours: &str| {
            let search = format!("sampler = \"shuffled_grid\"\nhours = {hours}");
            let budget = (3_600.0 * hours.parse::<f64>().expect("a number")) as u64;
            let time = PlannedTime {
                slots: 2,
                device: String::new(),
                seconds: 1_800.0,
                seconds_low: 900.0,
                seconds_high: 3_600.0,
                slot_seconds: 3_600.0,
                slot_seconds_low: 1_800.0,
                slot_seconds_high: 7_200.0,
                // A trial takes ninety seconds, or half or twice as much.
                room: Some(Room { few: budget / 180, about: budget / 90, many: budget / 45 }),
                measured: 1,
                trials: 0,
                workers: 0,
                is_far: false,
                money: None,
            };
            let spec = spec("units = [8, 16, 32, 64]", &search, "replicates = 10");
            allowance(&spec, &bounds(&spec), &time).expect("a budget")
        };
        assert!(of("0.25").ends_with(
            "0.25 hours of slots that the budget allows are room for about 10 of 40 trials (5 to 20)"
        ));
        assert!(of("2").contains("are enough for all 40 trials"), "{}", of("2"));
        assert!(of("1").contains("about 40 of 40 trials (20 to 40)"), "{}", of("1"));
    }
}
