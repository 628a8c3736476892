//! Between which bounds a sweep will come to lie, before anything ran: they follow from its space, its budget and its pruner.

use coordinator_search::{Space, pruner};
use sweep_proto::random::Stream;
use sweep_proto::space::{numbers_of, places};
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::{Configuration, Hyperparameter, Search, SweepSpec};

use crate::quota::epochs_max;
use crate::{search, source};

/// Most rungs that are listed: from `eta = 2` on, more lie beyond all epochs.
const RUNGS_MAX: usize = 32;

/// How many trials and epochs a sweep has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Configurations of its space; `None` where they are not counted: a continuous range, or too many.
    pub space: Option<u64>,
    /// Whether nobody knows how many trials it comes to: as many as its hours or money allow.
    pub is_open_ended: bool,
    /// Trials, at most.
    pub trials: u64,
    /// Epochs of all trials together, at most.
    pub epochs: u64,
    /// Epochs of all trials together, at least, where none fails or diverges; without a pruner the same as `epochs`.
    pub epochs_least: u64,
    /// Of a sweep with rungs: what it trains where just one in `eta` goes on from each rung.
    pub expected: Option<Expected>,
    /// The epochs at which trials wait to be promoted.
    pub rungs: Vec<u32>,
}

/// How many trials and epochs a sweep with rungs comes to where nothing fails and patience ends none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Trials.
    pub trials: u64,
    /// Epochs of all of them together.
    pub epochs: u64,
}

/// The bounds of a sweep.
pub fn bounds(spec: &SweepSpec) -> Bounds {
    let [least, most] =
        numbers_of(&spec.axes, &spec.fixed, Hyperparameter::Epochs).map(|one| (one as u64).max(1));
    let space = spec.space_size().or_else(|| places(&spec.axes));
    let of_space = space.map(|space| space.saturating_mul(u64::from(spec.replicates)));
    let pruned = spec.search.as_deref().and_then(|search| Some((search, pruner::of(search)?)));
    let rungs = pruned.as_ref().map_or_else(Vec::new, |(_, pruner)| {
        let first = pruner.first_rung(most);
        std::iter::successors(first, |rung| pruner.next_rung(*rung, most)).take(RUNGS_MAX).collect()
    });
    let min_epochs = pruned.as_ref().map(|(search, _)| u64::from(search.min_epochs.unwrap_or(1)));
    let shortest = shortest(spec, least).min(min_epochs.unwrap_or(u64::MAX)).max(1);
    let (trials, epochs) = match search::of(spec) {
        None => (of_space.unwrap_or(u64::MAX), spec.grid_epochs().unwrap_or(u64::MAX)),
        Some(search @ Search { budget, .. }) => {
            // Another trial is made while the budget has room for a long one.
            let by_epochs =
                budget.epochs.map(|epochs| epochs.checked_sub(most).map_or(0, |rest| rest / shortest + 1));
            let trials = budget.trials.or_else(|| source::uncounted_trials_max(search));
            let bounds = [trials.map(u64::from), by_epochs, of_space, Some(TRIALS_MAX)];
            let trials = bounds.into_iter().flatten().min().unwrap_or(TRIALS_MAX);
            (trials, trials.saturating_mul(most).min(budget.epochs.unwrap_or(u64::MAX)))
        }
    };
    let epochs_least = if pruned.is_none() {
        epochs
    } else {
        // The longest trials alone may spend a budget of epochs: only the trials that it then pays for are certain.
        let budget = spec.search.as_ref().and_then(|search| search.budget.epochs);
        let trials = budget.map_or(trials, |epochs| trials.min((epochs / most).max(1)));
        trials.saturating_mul(shortest).min(epochs)
    };
    let expected = pruned.filter(|_| !rungs.is_empty()).map(|(_, pruner)| {
        let trials = search::of(spec).map_or(trials, |_| source::of_spec(spec).target().min(trials));
        let epochs = to_rungs(trials, u64::from(pruner.one_in()), &rungs, most).min(epochs);
        Expected { trials, epochs }
    });
    let is_open_ended = source::is_open_ended(spec);
    Bounds { space, is_open_ended, trials, epochs, epochs_least, expected, rungs }
}

/// How many trials and epochs a search comes to where patience ends none of its trials and none fails.
pub fn likely(spec: &SweepSpec) -> Expected {
    let bounds = bounds(spec);
    bounds.expected.unwrap_or_else(|| {
        let trials = source::of_spec(spec).target().min(bounds.trials);
        Expected { trials, epochs: trials.saturating_mul(epochs_max(spec)).min(bounds.epochs) }
    })
}

/// Some configurations that a sampler may propose, the same for the same seed.
pub fn some_configurations(spec: &SweepSpec, count: u64) -> Vec<Configuration> {
    let source = source::of_spec(spec);
    (0..count).filter_map(|number| source.foresee(number * u64::from(spec.replicates))).collect()
}

/// Epochs of the shortest trial: where patience may end it, soon after its first one.
fn shortest(spec: &SweepSpec, least: u64) -> u64 {
    let [few, many] = numbers_of(&spec.axes, &spec.fixed, Hyperparameter::Patience).map(|one| one as u64);
    match (few, many) {
        (0, 0) => least,
        (0, _) => least.min(2),
        (patience, _) => least.min(patience.saturating_add(1)),
    }
}

/// Epochs of trials of which one in that number goes on from each rung, and at least one.
fn to_rungs(trials: u64, one_in: u64, rungs: &[u32], epochs: u64) -> u64 {
    let (mut going, mut before, mut sum) = (trials, 0, 0_u64);
    let ends = rungs.iter().map(|rung| u64::from(*rung)).filter(|rung| *rung < epochs).chain([epochs]);
    for end in ends {
        sum = sum.saturating_add(going.saturating_mul(end - before));
        (going, before) = ((going / one_in.max(1)).max(1), end);
    }
    sum
}

/// The share of random configurations that fulfil the constraints, of that many draws; the same for the same seed.
pub fn allowed_share(spec: &SweepSpec, draws: u32) -> f64 {
    let space = Space::of(spec);
    let mut random = Stream::new(spec.seed, "share of a space", 0);
    let allowed = (0..draws).filter(|_| {
        let point: Vec<f64> = spec.axes.iter().map(|_| random.inside()).collect();
        space.configuration(&point).is_some()
    });
    allowed.count() as f64 / f64::from(draws.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(grid: &str, search: &str, train: &str) -> SweepSpec {
        let text = format!(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\n{grid}\n[search]\n{search}\n[train]\n{train}\n"
        );
        sweep_proto::sweep_file::parse("test.toml", &text).expect("a valid file")
    }

    fn counts(grid: &str, search: &str, train: &str) -> (u64, u64) {
        let bounds = bounds(&spec(grid, search, train));
        (bounds.trials, bounds.epochs)
    }

    #[test]
    fn a_search_trains_what_its_budget_allows() {
        let range = "dropout = { min = 0, max = 0.5 }";
        assert_eq!(counts(range, "trials = 40", "epochs = 4"), (40, 160));
        // The eighth trial would find two epochs left.
        assert_eq!(counts(range, "epochs = 30", "epochs = 4"), (7, 28));
        assert_eq!(counts(range, "trials = 5\nepochs = 30", "epochs = 4"), (5, 20));
        assert_eq!(counts(range, "epochs = 30", "epochs = 10\npatience = 2"), (7, 30));
        let steps = "dropout = { min = 0, max = 0.5, step = 0.1 }";
        assert_eq!(counts(steps, "trials = 40", "epochs = 4\nreplicates = 2"), (12, 48));
        assert_eq!(counts("units = [8, 16]", "sampler = \"random\"\ntrials = 40", "epochs = 4"), (2, 8));
        assert_eq!(counts("units = [8, 16, 32]", "sampler = \"grid\"\ntrials = 2", "epochs = 4"), (2, 8));
    }

    #[test]
    fn epochs_that_are_swept_under_a_condition_have_their_fixed_value_elsewhere() {
        let grid = "layers = [1, 2]\nepochs = { levels = [2, 3], when = { layers = 2 } }";
        assert_eq!(counts(grid, "trials = 3", "epochs = 9"), (3, 27));
        assert_eq!(counts(grid, "sampler = \"random\"\nepochs = 9", "epochs = 9"), (1, 9));
        assert_eq!(counts(grid, "", "epochs = 9"), (3, 9 + 2 + 3));
    }

    #[test]
    fn what_a_pruner_leaves_lies_between_bounds() {
        let of = |search: &str| bounds(&spec("units = { min = 8, max = 512 }", search, "epochs = 27"));
        let asha = of("pruner = \"asha\"\ntrials = 30");
        assert_eq!((asha.rungs, asha.epochs), (vec![1, 3, 9], 30 * 27));
        assert_eq!(asha.epochs_least, 30);
        let expected = |trials, epochs| Some(Expected { trials, epochs });
        assert_eq!(asha.expected, expected(30, 30 + 10 * 2 + 3 * 6 + 18));
        let few = of("pruner = \"asha\"\ntrials = 2\nmin_epochs = 9");
        assert_eq!((few.rungs, few.expected), (vec![9], expected(2, 18 + 18)));
        let median = of("pruner = \"median\"\nmin_epochs = 2\ntrials = 30");
        assert_eq!((median.rungs, median.epochs_least, median.expected), (Vec::new(), 30 * 2, None));
        let none = of("trials = 30");
        assert_eq!((none.epochs_least, none.expected), (none.epochs, None));
        let budget = of("pruner = \"asha\"\nepochs = 270");
        assert_eq!((budget.epochs_least, budget.expected), (10, expected(81, 81 + 27 * 2 + 9 * 6 + 3 * 18)));
        let both = of("pruner = \"asha\"\ntrials = 30\nepochs = 270");
        assert_eq!((both.epochs_least, both.expected), (10, expected(30, 30 + 10 * 2 + 3 * 6 + 18)));
        // An epoch is all that a trial takes at least, so a budget of epochs gives many more trials.
        assert_eq!(of("pruner = \"asha\"\nepochs = 100").trials, 74);
    }

    #[test]
    fn the_share_that_constraints_leave_is_found_by_draws() {
        let grid = "units = { min = 1, max = 100 }\nconstraints = [\"units <= 25\"]";
        let share = allowed_share(&spec(grid, "trials = 9", ""), 10_000);
        assert!((share - 0.25).abs() < 0.03, "{share}");
        let grid = "dropout = { min = 0, max = 0.5 }\nconstraints = [\"dropout < 0.2\", \"dropout > 0.3\"]";
        assert!(allowed_share(&spec(grid, "trials = 9", ""), 1_000) <= 0.0);
    }
}
