//! Totals: how much of a coordinator one user and all together may take, checked before anything is launched.

use std::collections::BTreeSet;

use sweep_proto::{Axis, Hyperparameter, SweepSpec, Value};

use crate::command::Rejection;
use crate::engine::Engine;
use crate::limits::{
    ARTIFACT_BYTES_MAX, EPOCH_BYTES, MEMORY_BYTES_MAX, OPEN_TRIALS_MAX, SHARE_OF_ONE_PERCENT,
    STORED_TRIALS_MAX, SWEEPS_MAX, TEXT_BYTES_MAX, TRIAL_BYTES,
};
use crate::record::{DatasetRecord, SweepRecord};

/// Amounts of what a coordinator keeps: what there is, or what there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sweeps.
    pub sweeps: u64,
    /// Trials of all sweeps, those that are yet to be made included.
    pub stored_trials: u64,
    /// Of these, trials that have not ended.
    pub open_trials: u64,
    /// Bytes of sweep files.
    pub text_bytes: u64,
    /// Bytes of the datasets, checkpoints and models that sweeps refer to.
    pub artifact_bytes: u64,
    /// Bytes of memory that the rows take, with every epoch that open trials may still bring.
    pub memory_bytes: u64,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of all users together.
    pub all: Totals,
    /// Of one user.
    pub one: Totals,
    /// The highest priority that one user may give a sweep.
    pub priority: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self::of(Totals {
            sweeps: SWEEPS_MAX,
            stored_trials: STORED_TRIALS_MAX,
            open_trials: OPEN_TRIALS_MAX,
            text_bytes: TEXT_BYTES_MAX,
            artifact_bytes: ARTIFACT_BYTES_MAX,
            memory_bytes: MEMORY_BYTES_MAX,
        })
    }
}

impl Quota {
    /// So much for all together, and [`SHARE_OF_ONE_PERCENT`] of it for one user.
    pub fn of(all: Totals) -> Self {
        let one = all.map(|amount| (u128::from(amount) * u128::from(SHARE_OF_ONE_PERCENT) / 100) as u64);
        Self { all, one, priority: SweepSpec::PRIORITY_MAX }
    }

    /// The same for an operator, who may take everything.
    #[must_use]
    pub fn for_operator(self) -> Self {
        Self { one: self.all, priority: SweepSpec::PRIORITY_MAX, ..self }
    }
}

impl Totals {
    fn map(self, change: impl Fn(u64) -> u64) -> Self {
        Self {
            sweeps: change(self.sweeps),
            stored_trials: change(self.stored_trials),
            open_trials: change(self.open_trials),
            text_bytes: change(self.text_bytes),
            artifact_bytes: change(self.artifact_bytes),
            memory_bytes: change(self.memory_bytes),
        }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.sweeps += more.sweeps;
        self.stored_trials += more.stored_trials;
        self.open_trials += more.open_trials;
        self.text_bytes = self.text_bytes.saturating_add(more.text_bytes);
        self.artifact_bytes = self.artifact_bytes.saturating_add(more.artifact_bytes);
        self.memory_bytes = self.memory_bytes.saturating_add(more.memory_bytes);
    }

    /// What is left of these without others.
    pub(crate) fn without(self, less: Self) -> Self {
        Self {
            sweeps: self.sweeps.saturating_sub(less.sweeps),
            stored_trials: self.stored_trials.saturating_sub(less.stored_trials),
            open_trials: self.open_trials.saturating_sub(less.open_trials),
            text_bytes: self.text_bytes.saturating_sub(less.text_bytes),
            artifact_bytes: self.artifact_bytes.saturating_sub(less.artifact_bytes),
            memory_bytes: self.memory_bytes.saturating_sub(less.memory_bytes),
        }
    }

    /// What that number of new trials of a spec takes.
    pub(crate) fn of_trials(spec: &SweepSpec, trials: u64) -> Self {
        Self {
            stored_trials: trials,
            open_trials: trials,
            memory_bytes: trials.saturating_mul(TRIAL_BYTES + epochs_max(spec).saturating_mul(EPOCH_BYTES)),
            ..Self::default()
        }
    }

    /// What that number of trials of a spec takes in addition where they have ended and are tried again.
    pub(crate) fn of_trials_again(spec: &SweepSpec, trials: u64) -> Self {
        let epochs = trials.saturating_mul(epochs_max(spec));
        Self { open_trials: trials, memory_bytes: epochs.saturating_mul(EPOCH_BYTES), ..Self::default() }
    }

    /// What a new sweep takes beside its trials.
    pub(crate) fn of_sweep(file_text: &str, datasets: &[DatasetRecord]) -> Self {
        let text_bytes = file_text.len() as u64;
        Self { sweeps: 1, text_bytes, memory_bytes: text_bytes, ..Self::of_datasets(datasets) }
    }

    /// What datasets take.
    pub(crate) fn of_datasets(datasets: &[DatasetRecord]) -> Self {
        let artifact_bytes = datasets.iter().map(|dataset| dataset.artifact.bytes).sum();
        Self { artifact_bytes, ..Self::default() }
    }

    /// Every amount beside its limit, and what helps where there is too much of it.
    fn beside(self, limit: Self) -> [Amount; 6] {
        let amount = |what, count, limit, remedy| Amount { what, count, limit, remedy };
        [
            amount(
                "open trials",
                self.open_trials,
                limit.open_trials,
                "wait until trials have ended, cancel a sweep (`sweep cancel NAME`), or let the operator raise the limit \
                 (`sweep serve --max-open-trials N`)",
            ),
            amount(
                "stored trials",
                self.stored_trials,
                limit.stored_trials,
                "let the operator raise the limit (`sweep serve --max-trials N`), or use a coordinator with another data folder",
            ),
            amount("sweeps", self.sweeps, limit.sweeps, "use a coordinator with another data folder"),
            amount(
                "bytes of sweep files",
                self.text_bytes,
                limit.text_bytes,
                "shorten the comments of the file, or use a coordinator with another data folder",
            ),
            amount(
                "bytes of datasets, checkpoints and models",
                self.artifact_bytes,
                limit.artifact_bytes,
                "let the operator raise the limit (`sweep serve --max-artifact-bytes N`), or use a coordinator with another \
                 data folder",
            ),
            amount(
                "bytes of memory for trials and their epochs",
                self.memory_bytes,
                limit.memory_bytes,
                "launch fewer trials or fewer epochs, wait until trials have ended, or let the operator raise the limit \
                 (`sweep serve --max-memory-bytes N`)",
            ),
        ]
    }
}

/// One amount and its limit.
struct Amount {
    what: &'static str,
    count: u64,
    limit: u64,
    remedy: &'static str,
}

/// Refuses a priority above what its user may give.
pub(crate) fn check_priority(quota: &Quota, priority: u32) -> Result<(), Rejection> {
    if priority <= quota.priority {
        return Ok(());
    }
    Err(Rejection::TooMuch(format!(
        "the sweep asks for priority {priority}, and users other than the operator may give {} at most: ask for less, or let the \
         operator raise the bound (`sweep serve --max-priority N`)",
        quota.priority
    )))
}

/// Refuses a new sweep that would exceed a limit: of one user, or of all together.
pub(crate) fn check(
    engine: &Engine,
    quota: &Quota,
    owner: Option<&str>,
    more: Totals,
) -> Result<(), Rejection> {
    within("all sweeps together", engine.usage(|_| true), quota.all, more)?;
    let Some(owner) = owner else { return Ok(()) };
    within(ONE_USER, engine.usage(|sweep| sweep.owner.as_deref() == Some(owner)), quota.one, more)
}

/// Refuses to let a sweep grow where that would exceed a limit: of its owner, of whoever asks, or of all together. A sweep without
/// an owner counts as the caller's, whole: nobody else's share would ever end what is added to it.
pub(crate) fn check_growth(
    engine: &Engine,
    quota: &Quota,
    grown: &SweepRecord,
    caller: Option<&str>,
    more: Totals,
) -> Result<(), Rejection> {
    let owner = grown.owner.as_deref();
    check(engine, quota, owner, more)?;
    let Some(caller) = caller.filter(|caller| owner != Some(*caller)) else { return Ok(()) };
    let counts = |sweep: &SweepRecord| match sweep.owner.as_deref() {
        Some(owner) => owner == caller,
        None => sweep.id == grown.id,
    };
    within(ONE_USER, engine.usage(counts), quota.one, more)
}

const ONE_USER: &str = "the sweeps of one user";

/// Refuses what would grow beyond its limit.
fn within(whose: &str, used: Totals, limit: Totals, more: Totals) -> Result<(), Rejection> {
    let mut after = used;
    after.add(more);
    let mut amounts = after.beside(limit).into_iter().zip(used.beside(limit));
    let too_much = amounts.find(|(after, used)| after.count > after.limit && after.count > used.count);
    let Some((Amount { what, count, limit, remedy }, used)) = too_much else { return Ok(()) };
    Err(Rejection::TooMuch(format!(
        "with this there would be {count} {what}, and {whose} may have {limit} (there are {} now): {remedy}",
        used.count
    )))
}

impl Engine {
    /// What the sweeps take that a filter lets through.
    pub fn usage(&self, counts: impl Fn(&SweepRecord) -> bool) -> Totals {
        let mut usage = Totals::default();
        let mut datasets = BTreeSet::new();
        for sweep in self.tables.sweeps.values().filter(|sweep| counts(sweep)) {
            let text_bytes = sweep.file_text.len() as u64;
            let sweeps = u64::from(!sweep.is_deleted());
            usage.add(Totals { sweeps, text_bytes, memory_bytes: text_bytes, ..Totals::default() });
            let fresh = sweep.datasets.iter().filter(|dataset| datasets.insert(dataset.artifact));
            usage.artifact_bytes += fresh.map(|dataset| dataset.artifact.bytes).sum::<u64>();
            let Some(index) = self.index.sweeps.get(&sweep.id) else { continue };
            let is_ended = sweep.state.is_ended();
            let unmade = if is_ended { 0 } else { index.unmade() };
            usage.add(Totals::of_trials(&sweep.spec, unmade));
            if sweep.is_reviving() {
                // Until they have followed, they count as when it was allowed that they go on.
                usage.add(Totals::of_trials_again(&sweep.spec, index.stopped()));
            }
            usage.add(Totals {
                stored_trials: index.made(),
                open_trials: if is_ended { 0 } else { index.open_trials() },
                artifact_bytes: index.artifact_bytes,
                memory_bytes: index.made() * TRIAL_BYTES + index.epochs * EPOCH_BYTES,
                ..Totals::default()
            });
        }
        usage
    }
}

/// The most epochs that a trial of this spec may bring.
pub(crate) fn epochs_max(spec: &SweepSpec) -> u64 {
    let axis = spec.axes.iter().find(|axis| axis.hyperparameter == Hyperparameter::Epochs);
    let swept = match axis.and_then(Axis::largest) {
        Some(Value::Integer(epochs)) => epochs,
        _ => 0,
    };
    // Where an axis has a condition, the fixed value is one of its values.
    if axis.is_some_and(|axis| axis.when.is_empty()) { swept } else { swept.max(spec.fixed.epochs()) }
}
