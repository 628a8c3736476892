//! How trials of `auto` end: diverged, exploded, ended by the trainer, or failed for good.

use std::collections::BTreeMap;

use coordinator_search::auto::{Job, Verdict};

use crate::strategies::{EPOCHS, REPLICATES, auto, key};

/// Trials of the space.
const TRIALS: usize = 12 * REPLICATES as usize;

#[test]
fn a_trial_that_diverges_at_once_and_is_ended_by_the_trainer_is_not_handed_out_again() {
    let mut search = auto(1);
    let first = search.ask(1).unwrap();
    assert_eq!(search.report(first, 1, f64::NAN), Ok(Verdict::Finish));
    search.finish(first);
    search.lose(first);
    search.fail(first);
    assert_eq!(search.named(), Some(first.configuration), "it counts as a model that guesses");
    let others: Vec<Job> = std::iter::from_fn(|| search.ask(1)).take(2 * TRIALS).collect();
    assert_eq!(others.len(), TRIALS - 1);
    assert!(others.iter().all(|job| key(*job) != key(first)));
}

#[test]
fn where_every_trial_fails_the_search_ends_and_names_nothing() {
    let mut search = auto(1);
    let mut failed = 0;
    while let Some(job) = search.ask(2) {
        failed += 1;
        assert!(failed <= TRIALS, "a failed trial is handed out again");
        search.fail(job);
        search.finish(job);
        search.lose(job);
        assert!(search.report(job, 1, 0.5).is_err());
    }
    assert_eq!((failed, search.named(), search.stop()), (TRIALS, None, None));
}

/// The search does not wait for replicates that will never end.
#[test]
fn a_search_is_sure_though_replicates_have_failed() {
    for seed in 0..4 {
        let mut search = auto(seed);
        let mut trials = 0;
        let mut trained = BTreeMap::<(usize, u32), u32>::new();
        while let Some(job) = search.ask(1) {
            trials += usize::from(!job.goes_on);
            assert!(trials <= TRIALS);
            if job.replicate > 0 {
                search.fail(job);
                continue;
            }
            loop {
                let epoch = trained.entry(key(job)).or_insert(0);
                *epoch += 1;
                let loss = (0.3 + 0.02 * job.configuration as f64) * (1.0 + 0.1 / f64::from(*epoch));
                if search.report(job, *epoch, loss).unwrap() != Verdict::Continue {
                    break;
                }
            }
        }
        let named = search.stop().map(|standing| standing.named);
        assert_eq!(named, Some(0), "seed {seed}, {trials} trials");
        assert!(trials < TRIALS, "seed {seed}: it trains everything");
    }
}

/// What a failed trial has shown before counts no more than that of one that was never begun.
#[test]
fn what_failed_trials_have_shown_does_not_count() {
    let mut search = auto(3);
    let jobs: Vec<Job> = (0..6).filter_map(|_| search.ask(6)).collect();
    for job in &jobs {
        assert_eq!(search.report(*job, 1, 0.6), Ok(Verdict::Continue));
    }
    search.fail(jobs[0]);
    for epoch in 2..=EPOCHS {
        for job in &jobs[1..] {
            let verdict = search.report(*job, epoch, 0.6 - 0.01 * f64::from(epoch)).unwrap();
            assert_eq!(verdict == Verdict::Finish, epoch == EPOCHS, "{job:?}");
        }
    }
    assert!(search.report(jobs[0], 2, 0.1).is_err(), "it has failed");
    assert!(search.given(jobs[0]).unwrap_err().to_string().contains("has ended"));
    assert_ne!(search.named(), Some(jobs[0].configuration));
}

/// Nothing is worse than guessing: the height of a finite loss above it changes no decision.
#[test]
fn a_loss_that_explodes_counts_as_that_of_guessing() {
    let decisions = |seed: u64, exploded: f64| {
        let mut search = auto(seed);
        let mut log = Vec::new();
        let mut trained = BTreeMap::<(usize, u32), u32>::new();
        while let Some(job) = search.ask(2) {
            loop {
                let epoch = trained.entry(key(job)).or_insert(0);
                *epoch += 1;
                // Some never come down again, and some do after an epoch.
                let is_exploded =
                    job.configuration.is_multiple_of(3) || job.configuration.is_multiple_of(2) && *epoch == 1;
                let low = 0.4 + 0.01 * job.configuration as f64 + 0.1 / f64::from(*epoch);
                let loss = if is_exploded { exploded } else { low };
                let verdict = search.report(job, *epoch, loss).unwrap();
                log.push((job, *epoch, verdict));
                if verdict != Verdict::Continue {
                    break;
                }
            }
        }
        (log, search.named(), search.stop().cloned(), search.parameters().cloned())
    };
    for seed in 0..4 {
        let guessing = decisions(seed, std::f64::consts::LN_2);
        assert!(guessing.3.is_some());
        for exploded in [1e3, 1e30, f64::MAX] {
            assert_eq!(decisions(seed, exploded), guessing, "seed {seed}, {exploded}");
        }
    }
}
