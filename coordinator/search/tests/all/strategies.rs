//! What every strategy must do when it is replayed: no trial twice, none that is not there, and the same again.

use std::collections::BTreeSet;

use coordinator_search::auto::{Auto, Candidates, Job, Settings, Verdict};
use coordinator_search::replay::{Course, CurveTable, Epoch, Listed, Sampled, Setup, Strategy, Trace, play};
use coordinator_search::{Space, sampler};
use proptest::prelude::*;
use sweep_proto::Hyperparameter::{BatchSize, Layers, Units};
use sweep_proto::{Configuration, PrunerName, Search};

use crate::support::{Curves, levels};
use coordinator_search::replay::Table;

pub(crate) const REPLICATES: u32 = 2;
pub(crate) const EPOCHS: u32 = 5;

pub(crate) fn space() -> Space {
    Space::over(vec![levels(Units, &[8, 16, 32]), levels(BatchSize, &[16, 32]), levels(Layers, &[1, 2])])
}

/// Curves that fall and rise again, more or less, and that end early for some trials.
pub(crate) fn table(configurations: &[Configuration], seed: u64) -> CurveTable {
    let curve = |configuration: &Configuration, replicate: u32| {
        let drawn = Curves.curve(configuration, replicate + 1_000 * seed as u32).unwrap_or_default();
        let shift = 0.02 * configuration.units() as f64 / 32.0;
        let epochs = if drawn.len() == 1 { 2 } else { EPOCHS as usize };
        let loss = |at: usize| {
            let noise = drawn.get(at).map_or(0.1, |one| one.loss);
            0.5 + shift + 0.2 / (1 + at) as f64 + 0.01 * at as f64 + 0.03 * noise
        };
        (0..epochs).map(|at| Epoch { loss: loss(at), ms: 100 }).collect::<Vec<_>>()
    };
    let all =
        configurations.iter().flat_map(|one| (0..REPLICATES).map(move |replicate| curve(one, replicate)));
    CurveTable::new(REPLICATES as usize, all.collect()).unwrap()
}

pub(crate) fn settings(seed: u64) -> Settings {
    Settings { patience: 2, ..Settings::new(seed, REPLICATES, EPOCHS, std::f64::consts::LN_2) }
}

/// Every strategy, with its name.
fn strategies(seed: u64) -> Vec<(String, Box<dyn Strategy>)> {
    let space = space();
    let (candidates, configurations) = Candidates::of(&space).unwrap();
    let count = configurations.len();
    let mut all: Vec<(String, Box<dyn Strategy>)> = vec![
        ("listed".into(), Box::new(Listed::grid(count, REPLICATES))),
        ("shuffled".into(), Box::new(Listed::random(count, REPLICATES, seed))),
        ("auto".into(), Box::new(Auto::new(settings(seed), candidates).unwrap())),
    ];
    for sampler in sampler::names() {
        for pruner in PrunerName::ALL {
            let setup = Setup {
                sampler,
                seed,
                space: space.clone(),
                replicates: REPLICATES,
                workers: 3,
                trials: 1_000,
            };
            let search = Search { pruner: *pruner, ..Search::of_grid() };
            let sampled = Sampled::new(setup, &search, EPOCHS, &configurations);
            all.push((format!("{sampler} with {pruner}"), Box::new(sampled)));
        }
    }
    all
}

/// Watches what a strategy does.
struct Watched<'s> {
    strategy: &'s mut dyn Strategy,
    fresh: BTreeSet<(usize, u32)>,
    paused: BTreeSet<(usize, u32)>,
    log: Vec<(Job, u32, Verdict)>,
    finished: BTreeSet<(usize, u32)>,
}

pub(crate) fn key(job: Job) -> (usize, u32) {
    (job.configuration, job.replicate)
}

impl Strategy for Watched<'_> {
    fn ask(&mut self, workers: usize) -> Result<Option<Job>, String> {
        let job = self.strategy.ask(workers)?;
        if let Some(job) = job {
            let is_new =
                if job.goes_on { self.paused.remove(&key(job)) } else { self.fresh.insert(key(job)) };
            assert!(is_new, "{job:?} is handed out twice");
        }
        Ok(job)
    }

    fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, String> {
        let verdict = self.strategy.report(job, epoch, loss)?;
        self.log.push((job, epoch, verdict));
        if verdict == Verdict::Pause {
            self.paused.insert(key(job));
        }
        Ok(verdict)
    }

    fn finish(&mut self, job: Job) {
        self.paused.remove(&key(job));
        self.finished.insert(key(job));
        self.strategy.finish(job);
    }

    fn named(&mut self) -> Option<usize> {
        self.strategy.named()
    }

    fn stop(&self) -> Option<f64> {
        self.strategy.stop()
    }
}

fn played(strategy: &mut dyn Strategy, seed: u64) -> (Trace, Vec<(Job, u32, Verdict)>) {
    let (_, configurations) = Candidates::of(&space()).unwrap();
    let table = table(&configurations, seed);
    let mut watched = Watched {
        strategy,
        fresh: BTreeSet::new(),
        paused: BTreeSet::new(),
        log: Vec::new(),
        finished: BTreeSet::new(),
    };
    let course = Course { workers: 3, epochs: u64::MAX, patience: 2 };
    let trace = play(&table, course, &mut watched).unwrap();
    assert!(!watched.finished.is_empty(), "nothing was trained to its end");
    assert!(trace.named.last().is_some_and(|(_, named)| *named < configurations.len()));
    assert!(trace.stop.is_some() || watched.fresh.len() == table.configurations() * table.replicates());
    (trace, watched.log)
}

#[test]
fn every_trial_is_handed_out_once_and_goes_on_only_where_it_was_paused() {
    for seed in 0..3 {
        for (name, mut strategy) in strategies(seed) {
            let (trace, log) = played(&mut *strategy, seed);
            assert_eq!(trace.epochs, log.len() as u64, "{name}");
            let distinct: BTreeSet<_> = log.iter().map(|(job, epoch, _)| (key(*job), *epoch)).collect();
            assert_eq!(distinct.len(), log.len(), "{name} trains an epoch twice");
        }
    }
}

#[test]
fn a_seed_fixes_the_whole_course() {
    for seed in 0..3 {
        for ((name, mut first), (_, mut second)) in strategies(seed).into_iter().zip(strategies(seed)) {
            assert_eq!(played(&mut *first, seed), played(&mut *second, seed), "{name}");
        }
    }
}

pub(crate) fn auto(seed: u64) -> Auto {
    Auto::new(settings(seed), Candidates::of(&space()).unwrap().0).unwrap()
}

#[test]
fn what_cannot_be_is_refused_in_words_and_changes_nothing() {
    let candidates = || Candidates::of(&space()).unwrap().0;
    let problem = |settings: Settings| Auto::new(settings, candidates()).unwrap_err().to_string();
    assert!(problem(Settings { replicates: 0, ..settings(1) }).contains("at least one replicate"));
    assert!(problem(Settings { chance_loss: 0.0, ..settings(1) }).contains("above 0"));
    assert!(problem(Settings { sure: 1.0, ..settings(1) }).contains("below 1"));
    let mut search = auto(1);
    let job = search.ask(1).unwrap();
    let stranger = Job { configuration: 9_999, ..job };
    assert!(search.report(stranger, 1, 0.5).unwrap_err().to_string().contains("does not run"));
    let gap = search.report(job, 2, 0.5).unwrap_err().to_string();
    assert!(gap.contains("its next one is 1"), "{gap}");
    assert_eq!(search.report(job, 1, 0.6), Ok(Verdict::Continue));
    let again = search.report(job, 1, 0.6).unwrap_err().to_string();
    assert!(again.contains("its next one is 2"), "{again}");
}

#[test]
fn a_lost_trial_is_handed_out_again_and_a_diverged_one_is_not() {
    let mut search = auto(2);
    let first = search.ask(1).unwrap();
    search.lose(first);
    let jobs: Vec<Job> = std::iter::from_fn(|| search.ask(1)).take(24).collect();
    assert!(jobs.contains(&first), "from the beginning: {jobs:?}");
    assert_eq!(search.report(jobs[0], 1, f64::NAN), Ok(Verdict::Finish));
    assert_eq!(search.report(jobs[1], 1, 0.6), Ok(Verdict::Continue));
    search.lose(jobs[1]);
    let next = search.ask(1).unwrap();
    assert_eq!(next, Job { goes_on: true, ..jobs[1] }, "all others run");
    assert_eq!(search.ask(1), None);
    assert_eq!(search.named(), Some(jobs[0].configuration), "it is the only one that has finished");
}

/// Searches of one candidate, of one epoch, and of scores that are all alike.
#[test]
fn the_smallest_searches_end() {
    for (levels_of_units, replicates, epochs) in [(1, 1, 1), (1, 3, 2), (2, 1, 1), (12, 2, 1), (12, 2, 3)] {
        let units: Vec<u64> = (1..=levels_of_units).map(|one| 8 * one).collect();
        let (candidates, _) = Candidates::of(&Space::over(vec![levels(Units, &units)])).unwrap();
        let settings = Settings::new(1, replicates, epochs, std::f64::consts::LN_2);
        let mut search = Auto::new(settings, candidates).unwrap();
        let mut trials = 0;
        while let Some(job) = search.ask(4) {
            trials += 1;
            for epoch in 1..=epochs {
                if search.report(job, epoch, 0.5) != Ok(Verdict::Continue) {
                    break;
                }
            }
            assert!(trials <= 100, "it never ends");
        }
        assert!(search.named().is_some());
        let all = levels_of_units as usize * replicates as usize;
        assert!(search.stop().is_some() || trials >= all, "{trials} of {all} trials");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever losses are told, and in which order trials are lost, paused, ended and fail: it ends, and names one that has finished.
    #[test]
    fn whatever_happens_it_ends(seed in 0_u64..1_000, losses in prop::collection::vec(prop_oneof![4 => 0.3..1.5_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e30), 1 => Just(-1.0), 1 => Just(0.0), 1 => Just(0.5)], 40), fates in prop::collection::vec(0_u8..12, 40)) {
        let mut search = auto(seed);
        let mut trained = std::collections::BTreeMap::<(usize, u32), u32>::new();
        let (mut turn, mut failed) = (0, 0);
        while let Some(job) = search.ask(2) {
            for _ in 0..EPOCHS {
                let at = turn % losses.len();
                turn += 1;
                prop_assert!(turn < 10_000, "it never ends");
                if fates[at] == 0 && turn < 400 {
                    search.lose(job);
                    break;
                }
                let epoch = trained.entry(key(job)).or_insert(0);
                *epoch += 1;
                let verdict = search.report(job, *epoch, losses[at]).unwrap();
                let is_ended = fates[at] == 1;
                if is_ended {
                    search.finish(job);
                }
                if is_ended || verdict != Verdict::Continue {
                    break;
                }
                if fates[at] == 2 {
                    search.fail(job);
                    failed += 1;
                    break;
                }
            }
        }
        prop_assert!(search.named().is_some() || failed == 24);
    }
}
