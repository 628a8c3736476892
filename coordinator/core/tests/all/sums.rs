//! What is kept of a sweep as its trials end is what its records say, over random histories.

use std::collections::BTreeMap;

use coordinator_core::{Engine, Progress, SweepRecord, TrialRecord, TrialState};
use coordinator_store::MemoryStore;
use sweep_proto::{Configuration, ConfigurationIndex};

use crate::support::world::{Medium, World};

/// Histories, each with its own launches, extensions, retries, lost leases and restarts.
const HISTORIES: u64 = 60;
/// Looks at each, and steps between them.
const LOOKS: (u32, u64) = (6, 50);

/// Completed replicates, score and accuracy of each configuration, summed over the records; best first.
fn means(sweep: &SweepRecord, trials: &[&TrialRecord]) -> Vec<(Configuration, u32, f64, f64)> {
    let mut groups: BTreeMap<(u64, ConfigurationIndex), (Configuration, u32, f64, f64)> = BTreeMap::new();
    for trial in trials {
        let (Some(result), Some(score)) = (&trial.result, trial.score()) else { continue };
        let configuration = &trial.spec.configuration;
        // Where there is no grid, in the order in which they were tried.
        let position = sweep.spec.position(configuration).unwrap_or(u64::MAX);
        let group = groups
            .entry((position, trial.configuration_index))
            .or_insert_with(|| (configuration.clone(), 0, 0.0, 0.0));
        *group = (group.0.clone(), group.1 + 1, group.2 + score, group.3 + result.accuracy);
    }
    let mean = |(one, count, score, accuracy): (Configuration, u32, f64, f64)| {
        (one, count, score / f64::from(count), accuracy / f64::from(count))
    };
    let mut means: Vec<_> = groups.into_values().map(mean).collect();
    means.sort_by(|left, right| right.1.cmp(&left.1).then(left.2.total_cmp(&right.2)));
    means
}

fn progress(engine: &Engine, trials: &[&TrialRecord]) -> Progress {
    trials.iter().fold(Progress::default(), |sum, trial| {
        let recorded = engine.tables().epochs_of(trial.spec.id).count() as u64;
        let done = trial.result.as_ref().map_or(recorded, |result| u64::from(result.epochs));
        let ran_to_an_end = trial.state.is_terminal() && trial.state != TrialState::Cancelled;
        let planned = if ran_to_an_end { done } else { trial.spec.configuration.epochs() };
        Progress { done: sum.done + done, planned: sum.planned + planned }
    })
}

/// Compares what is kept with the records; how many configurations had a mean.
fn compare(engine: &Engine) -> usize {
    let mut compared = 0;
    for sweep in engine.sweeps() {
        let trials: Vec<_> = engine.tables().trials_of(sweep.id).collect();
        let kept = engine.configurations(sweep.id);
        let summed = means(sweep, &trials);
        assert_eq!(kept.len(), summed.len());
        for (kept, (configuration, completed, score, accuracy)) in kept.iter().zip(&summed) {
            assert_eq!((&kept.configuration, kept.completed), (configuration, *completed));
            assert!((kept.score - score).abs() < 1e-12 && (kept.accuracy - accuracy).abs() < 1e-12);
        }
        assert_eq!(engine.best_configurations(sweep.id, 1), kept[..kept.len().min(1)]);
        let Progress { done, planned } = progress(engine, &trials);
        let planned = planned + engine.unmade(sweep.id) * sweep.spec.fixed.epochs();
        let budget = sweep.spec.search.as_ref().and_then(|search| search.budget.epochs);
        let planned = planned.min(budget.unwrap_or(u64::MAX).max(done));
        assert_eq!(engine.progress(sweep.id), Progress { done, planned }, "sweep {}", sweep.id);
        let of_choice = trials.iter().filter(|one| sweep.chosen.as_ref() == Some(&one.spec.configuration));
        assert!(engine.trials_of_choice(sweep.id).eq(of_choice.copied()));
        for pair in trials.windows(2) {
            let is_same = pair[0].spec.configuration == pair[1].spec.configuration;
            assert_eq!(is_same, pair[0].configuration_index == pair[1].configuration_index);
        }
        compared += kept.len();
    }
    compared
}

#[test]
fn what_is_kept_as_trials_end_is_what_the_records_say() {
    let mut compared = 0;
    for seed in 0..HISTORIES {
        let mut world = World::new(seed, Medium::Memory(MemoryStore::default()));
        for _ in 0..LOOKS.0 {
            world.chaos(LOOKS.1);
            compared += compare(&world.engine);
        }
        world.heal(4_000);
        compared += compare(&world.engine);
    }
    assert!(compared as u64 > HISTORIES, "only {compared} means were compared");
}
