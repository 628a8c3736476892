//! What may still come of a sweep: asked by whoever makes its trials, counts them, or ends it.

use coordinator_search::{Space, some_configuration};
use sweep_proto::space::places;
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::{Budget, Configuration, Search, SweepSpec, TrialSpec};

use crate::index::{epochs, epochs_beyond_rung};
use crate::limits::UNCOUNTED_TRIALS_MAX;
use crate::quota::epochs_max;
use crate::record::{GridOrder, SweepRecord, SweepState, TrialRecord};
use crate::rungs::RungBudget;
use crate::search;

/// A trial that is yet to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Which configuration, in the terms of its source: equal places, equal configurations.
    pub(crate) place: ConfigurationPlace,
    /// Which replicate of it.
    pub(crate) replicate: u32,
}

/// A configuration that a source can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigurationPlace {
    /// A position in the sweep's grid.
    Grid(u64),
    /// A position in the grid as it was before the extension whose trials are being made.
    GridBefore(u64),
}

/// Where the trials of a sweep come from.
pub(crate) trait Source {
    /// Trials that the sweep has once all are made.
    fn target(&self) -> u64;

    /// Epochs of the trials that are yet to be made, as configured; of a search about.
    fn unmade_epochs(&self) -> u64;

    /// What comes after the trials that were made, the newest of which is given; nothing where trials are proposed.
    fn upcoming(&self, made: u64, newest: Option<&TrialSpec>) -> Box<dyn Iterator<Item = Point> + '_>;

    /// The configuration at a place; `None` where the source has no such place.
    fn configuration(&self, place: ConfigurationPlace) -> Option<Configuration>;

    /// About what the trial of a number will be, for forecasts: of an extended sweep, some trial of it.
    fn foresee(&self, number: u64) -> Option<Configuration>;
}

/// What was made of a sweep, as far as its source depends on that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Trials.
    pub(crate) made: u64,
    /// Epochs that they have brought, and that open ones may still bring.
    pub(crate) epochs: u64,
    /// Their epochs as configured.
    pub(crate) epochs_configured: u64,
    /// Trials that have not ended.
    pub(crate) open: u64,
    /// Epochs that these may bring beyond the rungs to which they may train now.
    pub(crate) epochs_beyond_rungs: u64,
}

impl Tally {
    /// One trial.
    pub(crate) fn of(trial: &TrialRecord) -> Self {
        Self {
            made: 1,
            epochs: epochs(trial),
            epochs_configured: trial.spec.configuration.epochs(),
            open: u64::from(!trial.state.is_terminal()),
            epochs_beyond_rungs: epochs_beyond_rung(trial),
        }
    }

    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            made: self.made + more.made,
            epochs: self.epochs + more.epochs,
            epochs_configured: self.epochs_configured + more.epochs_configured,
            open: self.open + more.open,
            epochs_beyond_rungs: self.epochs_beyond_rungs + more.epochs_beyond_rungs,
        }
    }

    pub(crate) fn minus(self, less: Self) -> Self {
        Self {
            made: self.made.saturating_sub(less.made),
            epochs: self.epochs.saturating_sub(less.epochs),
            epochs_configured: self.epochs_configured.saturating_sub(less.epochs_configured),
            open: self.open.saturating_sub(less.open),
            epochs_beyond_rungs: self.epochs_beyond_rungs.saturating_sub(less.epochs_beyond_rungs),
        }
    }
}

/// Most trials of a search that nobody counts: its budget is hours and money alone, or it ends by itself; `None` of any other. A space of
/// levels may hold fewer.
pub(crate) fn uncounted_trials_max(search: &Search) -> Option<u32> {
    let budget = search.budget;
    let is_counted = budget.trials.is_some() || budget.epochs.is_some();
    let is_uncounted = !is_counted && (search.is_steered() || budget.metered_ms().is_some());
    is_uncounted.then_some(UNCOUNTED_TRIALS_MAX)
}

/// Whether nobody knows how many trials a search comes to: hours or money alone bound it, and its space is larger than what it may try.
pub(crate) fn is_open_ended(spec: &SweepSpec) -> bool {
    let bound = search::of(spec).and_then(uncounted_trials_max);
    let of_space = places(&spec.axes).map(|places| places.saturating_mul(u64::from(spec.replicates)));
    bound.is_some_and(|bound| of_space.is_none_or(|trials| trials > u64::from(bound)))
}

/// The source of a sweep's trials.
pub(crate) fn of(sweep: &SweepRecord, tally: Tally) -> Box<dyn Source + '_> {
    match search::of(&sweep.spec).zip(sweep.search) {
        Some((search, record)) => {
            // That all its trials are made is why it has come to its end.
            let is_over = matches!(sweep.state, SweepState::Evaluating | SweepState::Finished);
            let is_over = is_over || record.is_exhausted || record.spent.is_some();
            Box::new(Searched::new(&sweep.spec, search, is_over, tally))
        }
        None => Box::new(Grid {
            spec: &sweep.spec,
            before: sweep.extended_from.as_deref(),
            order: sweep.order,
            tally,
        }),
    }
}

/// The source of a sweep that is about to be launched.
pub(crate) fn of_spec(spec: &SweepSpec) -> Box<dyn Source + '_> {
    match search::of(spec) {
        Some(search) => Box::new(Searched::new(spec, search, false, Tally::default())),
        None => Box::new(Grid { spec, before: None, order: GridOrder::default(), tally: Tally::default() }),
    }
}

/// Trials that a sweep has once all are made, by the trials that it has; of a search with a budget of epochs as far as is known. `None`
/// where nobody knows.
pub fn planned_trials<'a>(sweep: &SweepRecord, trials: impl Iterator<Item = &'a TrialRecord>) -> Option<u64> {
    if sweep.is_open_ended() {
        return None;
    }
    Some(of(sweep, trials.fold(Tally::default(), |tally, trial| tally.plus(Tally::of(trial)))).target())
}

/// Every point of a grid with each replicate.
struct Grid<'a> {
    spec: &'a SweepSpec,
    /// The spec before the extension whose trials are being made: those of its own come first.
    before: Option<&'a SweepSpec>,
    order: GridOrder,
    tally: Tally,
}

impl Grid<'_> {
    /// Epochs of all trials together, as configured.
    fn epochs(&self) -> u64 {
        self.spec.grid_epochs().unwrap_or(0)
    }
}

impl Source for Grid<'_> {
    fn target(&self) -> u64 {
        self.spec.trial_count().unwrap_or(0)
    }

    fn unmade_epochs(&self) -> u64 {
        self.epochs().saturating_sub(self.tally.epochs_configured)
    }

    fn upcoming(&self, made: u64, newest: Option<&TrialSpec>) -> Box<dyn Iterator<Item = Point> + '_> {
        let Some(before) = self.before else {
            return Box::new(self.order.points(self.spec, made).map(point(ConfigurationPlace::Grid)));
        };
        let count_before = before.trial_count().unwrap_or(0);
        // The newest one is of the extension: it goes on behind it.
        let newest = newest.filter(|_| made > count_before);
        let next = newest.and_then(|trial| {
            let position = self.spec.position(&trial.configuration)?;
            Some(self.order.number(self.spec, (position, trial.replicate)) + 1)
        });
        let rest = self.order.points(before, made).map(point(ConfigurationPlace::GridBefore));
        let added = self.order.points(self.spec, next.unwrap_or(0));
        let added =
            added.filter(|(position, replicate)| !was_there(before, self.spec, *position, *replicate));
        Box::new(rest.chain(added.map(point(ConfigurationPlace::Grid))))
    }

    fn configuration(&self, place: ConfigurationPlace) -> Option<Configuration> {
        match place {
            ConfigurationPlace::Grid(position) => self.spec.configuration(position),
            ConfigurationPlace::GridBefore(position) => self.before?.configuration(position),
        }
    }

    fn foresee(&self, number: u64) -> Option<Configuration> {
        let (position, _) = self.order.points(self.spec, number).next()?;
        self.spec.configuration(position)
    }
}

/// What a sampler proposes, until the budget is spent or the space is exhausted.
struct Searched<'a> {
    spec: &'a SweepSpec,
    target: u64,
    tally: Tally,
}

impl<'a> Searched<'a> {
    fn new(spec: &'a SweepSpec, search: &Search, is_over: bool, tally: Tally) -> Self {
        let Budget { trials, epochs, .. } = search.budget;
        let trials = trials.or_else(|| uncounted_trials_max(search));
        let of_trials = trials.map(|trials| u64::from(trials).saturating_sub(tally.made));
        let of_epochs = match RungBudget::of(spec) {
            None if search.is_steered() => {
                epochs.map(|epochs| search::steered_epochs_left(epochs, tally) / epochs_max(spec).max(1))
            }
            Some(budget) => Some(budget.further_trials(tally)),
            // The next trial may take all its epochs.
            None => epochs.map(|epochs| epochs.saturating_sub(tally.epochs) / epochs_max(spec).max(1)),
        };
        // An upper bound: which places conditions and constraints leave is found by the sampler, which says where there is no further one.
        let of_space = places(&spec.axes)
            .map(|places| places.saturating_mul(u64::from(spec.replicates)).saturating_sub(tally.made));
        let room = [of_trials, of_epochs, of_space].into_iter().flatten().min().unwrap_or(0);
        let room = if is_over { 0 } else { room.min(TRIALS_MAX.saturating_sub(tally.made)) };
        Self { spec, target: tally.made + room, tally }
    }
}

impl Source for Searched<'_> {
    fn target(&self) -> u64 {
        self.target
    }

    fn unmade_epochs(&self) -> u64 {
        let unmade = self.target - self.tally.made;
        match self.tally.made {
            0 => unmade.saturating_mul(epochs_max(self.spec)),
            made => unmade.saturating_mul(self.tally.epochs_configured) / made,
        }
    }

    fn upcoming(&self, _: u64, _: Option<&TrialSpec>) -> Box<dyn Iterator<Item = Point> + '_> {
        Box::new(std::iter::empty())
    }

    fn configuration(&self, _: ConfigurationPlace) -> Option<Configuration> {
        None
    }

    fn foresee(&self, number: u64) -> Option<Configuration> {
        some_configuration(
            &Space::of(self.spec),
            self.spec.seed,
            number / u64::from(self.spec.replicates.max(1)),
        )
    }
}

fn point(place: impl Fn(u64) -> ConfigurationPlace) -> impl Fn((u64, u32)) -> Point {
    move |(position, replicate)| Point { place: place(position), replicate }
}

impl GridOrder {
    /// The points of a grid, each a position and a replicate, from that number on.
    fn points(self, spec: &SweepSpec, from: u64) -> impl Iterator<Item = (u64, u32)> + use<> {
        let count = spec.trial_count().unwrap_or(0);
        let (positions, replicates) =
            (spec.grid_size().unwrap_or(1).max(1), u64::from(spec.replicates.max(1)));
        (from..count).map(move |number| match self {
            Self::ByConfiguration => (number / replicates, (number % replicates) as u32),
            Self::ByReplicate => (number % positions, (number / positions) as u32),
        })
    }

    /// The number of a point: the inverse of [`points`](Self::points).
    fn number(self, spec: &SweepSpec, (position, replicate): (u64, u32)) -> u64 {
        match self {
            Self::ByConfiguration => position * u64::from(spec.replicates) + u64::from(replicate),
            Self::ByReplicate => u64::from(replicate) * spec.grid_size().unwrap_or(1) + position,
        }
    }
}

/// Whether a point belongs to the grid before the extension, too. Levels are only ever added behind those there are,
/// and a new axis begins with the value that all had before.
fn was_there(before: &SweepSpec, spec: &SweepSpec, position: u64, replicate: u32) -> bool {
    let known = |axis: usize| before.axes.get(axis).map_or(1, |axis| axis.levels().len());
    let digits = spec.digits(position).unwrap_or_default();
    replicate < before.replicates && digits.iter().enumerate().all(|(axis, digit)| *digit < known(axis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweep_proto::{Axis, DataSource, DataSpec, Digest, Hyperparameter, SweepId, TrialId, Value};

    use super::*;

    fn spec(sizes: [usize; 2], replicates: u32) -> SweepSpec {
        let axis = |hyperparameter, size| {
            Axis::of_levels(hyperparameter, (1..=size as u64).map(Value::Integer).collect())
        };
        SweepSpec {
            name: "grid".into(),
            data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
            fixed: Configuration::default(),
            axes: vec![axis(Hyperparameter::Epochs, sizes[0]), axis(Hyperparameter::Units, sizes[1])],
            replicates,
            seed: 0,
            failures_max: 3,
            reuse: true,
            priority: 0,
            objective: sweep_proto::Objective::default(),
            further_objectives: sweep_proto::FurtherObjectives::default(),
            constraints: Box::default(),
            search: None,
        }
    }

    /// All that comes, a few at one time.
    fn all(source: &Grid<'_>, step: usize) -> Vec<TrialSpec> {
        let mut made = Vec::new();
        go_on(&mut made, source, step, usize::MAX);
        made
    }

    /// Makes what comes, a few at one time, until that many are made: whoever makes them begins again from what was made.
    fn go_on(made: &mut Vec<TrialSpec>, source: &Grid<'_>, step: usize, until: usize) {
        while made.len() < until {
            let room = step.min(until - made.len());
            let next: Vec<_> = source.upcoming(made.len() as u64, made.last()).take(room).collect();
            if next.is_empty() {
                return;
            }
            made.extend(next.into_iter().map(|point| TrialSpec {
                id: TrialId { sweep: SweepId(1), index: 0 },
                configuration: source.configuration(point.place).expect("a place"),
                replicate: point.replicate,
                seed: 0,
                dataset: Digest::of(b"data").into(),
            }));
        }
    }

    proptest! {
        /// However many come at one time, and whenever it was extended: each point comes once, what was there first, and all replicates
        /// of a kind together.
        #[test]
        fn every_point_of_a_grid_comes_once(
            sizes in [1_usize..5, 1_usize..5], replicates in 1_u32..4, grown in [0_usize..3, 0_usize..3], more in 0_u32..3,
            by_replicate: bool, step in 1_usize..20,
        ) {
            let order = if by_replicate { GridOrder::ByReplicate } else { GridOrder::ByConfiguration };
            let before = spec(sizes, replicates);
            let after = spec([sizes[0] + grown[0], sizes[1] + grown[1]], replicates + more);
            let first = Grid { spec: &before, before: None, order, tally: Tally::default() };
            let plain = all(&first, step);
            prop_assert_eq!(plain.len() as u64, first.target());
            prop_assert_eq!(plain.iter().map(|one| one.configuration.epochs()).sum::<u64>(), first.epochs());
            let source = Grid { spec: &after, before: Some(&before), order, tally: Tally::default() };
            let extended = all(&source, step);
            prop_assert_eq!(&extended[..plain.len()], &plain[..]);
            prop_assert_eq!(extended.len() as u64, source.target());
            let keys: std::collections::BTreeSet<_> = extended.iter().map(|one| (one.configuration.clone(), one.replicate)).collect();
            prop_assert_eq!(keys.len(), extended.len());
            if by_replicate {
                prop_assert!(plain.windows(2).all(|pair| pair[0].replicate <= pair[1].replicate));
            }
        }

        /// Extended again before a trial of the extension is made, a sweep comes to what one extension gives, in its order.
        #[test]
        fn a_second_extension_before_a_trial_of_the_first_is_one_with_it(
            sizes in [1_usize..4, 1_usize..4], replicates in 1_u32..4, grown in [[0_usize..3, 0_usize..3], [0_usize..3, 0_usize..3]],
            more in [0_u32..3, 0_u32..3], new_axis in 0_usize..3, by_replicate: bool, step in 1_usize..20, early in [0_usize..40, 0_usize..40],
        ) {
            let order = if by_replicate { GridOrder::ByReplicate } else { GridOrder::ByConfiguration };
            let before = spec(sizes, replicates);
            let between = spec([sizes[0] + grown[0][0], sizes[1] + grown[0][1]], replicates + more[0]);
            let mut after = spec(
                [between.axes[0].levels().len() + grown[1][0], between.axes[1].levels().len() + grown[1][1]],
                between.replicates + more[1],
            );
            let hyperparameter = Hyperparameter::MaxLength;
            let levels = std::iter::once(after.fixed.get(hyperparameter)).chain((1..=new_axis as u64).map(Value::Integer));
            after.axes.push(Axis::of_levels(hyperparameter, levels.collect()));

            let count_before = before.trial_count().expect("few") as usize;
            let mut made = Vec::new();
            go_on(&mut made, &Grid { spec: &before, before: None, order, tally: Tally::default() }, step, early[0].min(count_before));
            go_on(&mut made, &Grid { spec: &between, before: Some(&before), order, tally: Tally::default() }, step, early[1].min(count_before));
            let source = Grid { spec: &after, before: Some(&before), order, tally: Tally::default() };
            go_on(&mut made, &source, step, usize::MAX);
            prop_assert_eq!(made.len() as u64, source.target());
            prop_assert_eq!(made, all(&source, step));
        }
    }
}
