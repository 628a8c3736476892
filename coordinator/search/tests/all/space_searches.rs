//! `auto` over spaces: grids whole, ranges by points to which better ones are added.

use std::collections::BTreeSet;

use coordinator_search::Space;
use coordinator_search::auto::{Job, Settings, SpaceSearch, Verdict};
use sweep_proto::Configuration;
use sweep_proto::Hyperparameter::{LearningRate, Units};

use crate::support::{endless, finite, integers, is_of, mixed, ranges, reals};

const EPOCHS: u32 = 4;

fn settings(seed: u64) -> Settings {
    Settings::new(seed, 2, EPOCHS, std::f64::consts::LN_2)
}

/// What a configuration's trials come to: best at 90 units and a learning rate of 0.0021.
fn floor(configuration: &Configuration) -> f64 {
    let units = (configuration.units() as f64 / 90.0).ln();
    let rate = (configuration.learning_rate() / 2.1e-3).ln();
    0.4 * (0.03 * units * units + 0.05 * rate * rate + 0.01 * units * rate).exp()
}

fn loss(configuration: &Configuration, epoch: u32) -> f64 {
    floor(configuration) * (1.0 + 0.4 * (-1.5 * f64::from(epoch)).exp())
}

/// A whole search by one worker, of a bounded number of trials: all that was handed out, and the search.
fn searched(space: Space, seed: u64, trials: usize) -> (Vec<(Job, Configuration)>, SpaceSearch) {
    let mut search = SpaceSearch::new(settings(seed), space).unwrap();
    let mut jobs = Vec::new();
    let mut trained = std::collections::BTreeMap::<(usize, u32), u32>::new();
    while jobs.len() < trials
        && let Some(job) = search.ask(1)
    {
        let configuration = search.configuration(job.configuration).unwrap().clone();
        jobs.push((job, configuration.clone()));
        loop {
            let epoch = trained.entry((job.configuration, job.replicate)).or_insert(0);
            *epoch += 1;
            if search.report(job, *epoch, loss(&configuration, *epoch)).unwrap() != Verdict::Continue {
                break;
            }
        }
    }
    (jobs, search)
}

#[test]
fn a_space_of_ranges_is_searched_to_within_a_fraction_of_a_percent() {
    for seed in 0..3 {
        let (jobs, mut search) = searched(ranges(), seed, 40);
        let named = search.named().unwrap();
        let regret = floor(search.configuration(named).unwrap()) / 0.4 - 1.0;
        assert!(regret < 0.005, "seed {seed}: {regret} after {} trials", jobs.len());
    }
}

/// The points that were added follow from the same events.
#[test]
fn a_search_over_ranges_is_folded_after_a_restart() {
    let space = ranges();
    let mut search = SpaceSearch::new(settings(3), space.clone()).unwrap();
    let mut decisions = Vec::new();
    for _ in 0..14 {
        let Some(job) = search.ask(1) else { break };
        let configuration = search.configuration(job.configuration).unwrap().clone();
        let mut epochs = Vec::new();
        for epoch in 1..=EPOCHS {
            let loss = loss(&configuration, epoch);
            let verdict = search.report(job, epoch, loss).unwrap();
            epochs.push((loss, verdict));
            if verdict != Verdict::Continue {
                break;
            }
        }
        decisions.push((job, configuration, epochs));
    }
    let mut folded = SpaceSearch::new(settings(3), space).unwrap();
    for (job, configuration, epochs) in &decisions {
        folded.given(*job).unwrap();
        assert_eq!(folded.configuration(job.configuration), Some(configuration));
        for (epoch, (loss, verdict)) in (1..).zip(epochs) {
            folded.reported(*job, epoch, *loss, *verdict).unwrap();
        }
    }
    assert!(decisions.iter().all(|(job, ..)| !job.goes_on), "no trial came twice");
    assert_eq!((folded.ask(1), folded.named()), (search.ask(1), search.named()));
}

/// Of 3,200 candidates 1,024 are modelled together at a time.
#[test]
fn a_grid_of_more_than_are_modelled_together_is_searched_as_well() {
    let rates = reals(LearningRate, 2e-4, 1e-2, false, Some(2e-4));
    let space = Space::over(vec![integers(Units, 4, 256, false, Some(4)), rates]);
    assert_eq!(space.places(), Some(3_200));
    let (_, mut search) = searched(space, 1, 40);
    let named = search.named().unwrap();
    let regret = floor(search.configuration(named).unwrap()) / 0.4 - 1.0;
    assert!(regret < 0.005, "{regret}");
}

#[test]
fn what_is_handed_out_is_of_the_space_and_no_trial_comes_twice() {
    for space in [finite(), endless(), ranges(), mixed()] {
        let (jobs, _) = searched(space.clone(), 5, 20);
        let fresh: Vec<_> = jobs.iter().filter(|(job, _)| !job.goes_on).collect();
        let distinct: BTreeSet<_> = fresh.iter().map(|(job, one)| (one.clone(), job.replicate)).collect();
        assert_eq!(distinct.len(), fresh.len());
        assert!(jobs.iter().all(|(_, one)| is_of(&space, one)));
    }
}

#[test]
fn a_finite_space_is_searched_whole_and_a_seed_fixes_the_search() {
    let (jobs, search) = searched(finite(), 2, 1_000);
    let fresh = jobs.iter().filter(|(job, _)| !job.goes_on).count();
    assert!(search.stop().is_some() || fresh == 2 * 18, "{fresh} trials of 18 configurations");
    assert_eq!(search.configuration(18), None);
    let jobs = |seed| searched(ranges(), seed, 14).0;
    assert_eq!(jobs(4), jobs(4));
    assert_ne!(jobs(4), jobs(5));
}

#[test]
fn a_space_without_a_configuration_is_refused_in_words() {
    let axes = vec![integers(Units, 8, 256, true, None)];
    let nothing = Space::of(&crate::support::spec(axes, &["units > 300"]));
    let problem = SpaceSearch::new(settings(1), nothing).unwrap_err().to_string();
    assert!(problem.contains("0 candidates"), "{problem}");
}

/// Trials that are named by their configurations, as whoever keeps a log does: all that is answered is a candidate by then.
#[test]
fn a_search_over_ranges_is_folded_by_configurations() {
    let begun = || SpaceSearch::new(settings(3).told_of_ends(), ranges()).unwrap();
    let mut search = begun();
    let mut log: Vec<(Configuration, u32)> = Vec::new();
    for _ in 0..14 {
        let Some(job) = search.answer(1, 2).jobs.first().copied() else { break };
        let configuration =
            search.configuration(job.configuration).expect("it is a candidate before the answer").clone();
        assert_eq!(search.index_of(&configuration), Some(job.configuration));
        search.given(job).unwrap();
        for epoch in 1..=EPOCHS {
            search.shown(job, epoch, loss(&configuration, epoch), epoch == EPOCHS).unwrap();
        }
        log.push((configuration, job.replicate));
    }
    assert!(search.configuration(1_024).is_some(), "neighbours came in");
    let mut folded = begun();
    for (configuration, replicate) in &log {
        let index = folded.admit(configuration).unwrap();
        let job = Job { configuration: index, replicate: *replicate, goes_on: false };
        folded.given(job).unwrap();
        for epoch in 1..=EPOCHS {
            folded.shown(job, epoch, loss(configuration, epoch), epoch == EPOCHS).unwrap();
        }
    }
    assert_eq!(folded.answer(2, 3), search.answer(2, 3));
    assert_eq!(folded.best(), search.best());
}

/// A configuration that was tried under an earlier form of the space is taken in, and one that is not of the space is not.
#[test]
fn any_configuration_of_the_space_may_be_admitted() {
    let mut search = SpaceSearch::new(settings(3).told_of_ends(), ranges()).unwrap();
    let of = |units: u64, rate: f64| {
        let one = Configuration::default().with(Units, sweep_proto::Value::Integer(units)).unwrap();
        one.with(LearningRate, sweep_proto::Value::Real(rate)).unwrap()
    };
    let stranger = of(90, 2.1e-3);
    assert_eq!(search.index_of(&stranger), None);
    let index = search.admit(&stranger).unwrap();
    assert_eq!((search.admit(&stranger), search.index_of(&stranger)), (Ok(index), Some(index)));
    assert_eq!(search.configuration(index), Some(&stranger));
    let outside = search.admit(&of(90, 0.5)).unwrap_err().to_string();
    assert!(outside.contains("learning_rate") && outside.contains("not of the space"), "{outside}");
    let job = Job { configuration: index, replicate: 0, goes_on: false };
    search.given(job).unwrap();
    (1..=EPOCHS).for_each(|epoch| search.shown(job, epoch, loss(&stranger, epoch), epoch == EPOCHS).unwrap());
    assert_eq!(search.named(), Some(index));
    // One that comes in later is beside what is known.
    let later = search.admit(&of(91, 2.1e-3)).unwrap();
    assert_eq!((later, search.named()), (index + 1, Some(index)));
}

/// Of 3,200 candidates 1,024 are modelled together, and what is tried of the others counts at once.
#[test]
fn what_is_tried_counts_whether_it_was_modelled_or_not() {
    let rates = reals(LearningRate, 2e-4, 1e-2, false, Some(2e-4));
    let space = Space::over(vec![integers(Units, 4, 256, false, Some(4)), rates]);
    let mut search = SpaceSearch::new(settings(1).told_of_ends(), space).unwrap();
    let show = |search: &mut SpaceSearch, job: Job, loss: &dyn Fn(u32) -> f64| {
        search.given(job).unwrap();
        (1..=EPOCHS).for_each(|epoch| search.shown(job, epoch, loss(epoch), epoch == EPOCHS).unwrap());
    };
    // The parameters are fitted to ten, and to thirteen next.
    for _ in 0..10 {
        let job = search.answer(1, 1).jobs[0];
        let configuration = search.configuration(job.configuration).unwrap().clone();
        show(&mut search, job, &|epoch| loss(&configuration, epoch));
    }
    for configuration in (0..3_200).step_by(123) {
        let mut search = search.clone();
        let job = Job { configuration, replicate: 0, goes_on: false };
        show(&mut search, job, &|epoch| 0.3 + 0.02 / f64::from(epoch));
        assert_eq!(search.named(), Some(configuration));
    }
}

/// Trials of candidates and of strangers that run, wait, lose epochs, fail and are retired, as neighbours come in: told again by their
/// configurations they make the same search.
#[test]
fn whatever_happens_over_ranges_is_folded() {
    let begun = |seed| SpaceSearch::new(settings(seed).told_of_ends(), ranges()).unwrap();
    let tell =
        |search: &mut SpaceSearch, configuration: &Configuration, replicate, what: u64, epochs: u32| {
            let job = Job { configuration: search.admit(configuration).unwrap(), replicate, goes_on: false };
            match what {
                0 => search.given(job).unwrap(),
                1 => search.paused(job).unwrap(),
                2 => search.retired(job).unwrap(),
                3 => search.fail(job),
                4 => search.rewound(job, epochs).unwrap(),
                _ => search.shown(job, epochs, loss(configuration, epochs), epochs == EPOCHS).unwrap(),
            }
        };
    for seed in 0..3 {
        let mut random = sweep_proto::random::Stream::new(seed, "events", 0);
        let mut search = begun(seed);
        let (mut log, mut running) = (Vec::new(), Vec::<(Configuration, u32, u32)>::new());
        let mut waiting = std::collections::BTreeMap::<(Configuration, u32), u32>::new();
        while log.len() < 160 {
            if running.len() < 3 {
                let place = [random.inside(), random.inside()];
                let stranger = ranges().configuration(&place).unwrap();
                let chosen = search.answer(3, 1).jobs.first().copied().filter(|_| random.below(8) > 0);
                let trial = match chosen {
                    Some(job) => (search.configuration(job.configuration).unwrap().clone(), job.replicate),
                    None if search.index_of(&stranger).is_none() => (stranger, 0),
                    None => continue,
                };
                tell(&mut search, &trial.0, trial.1, 0, 0);
                log.push((trial.clone(), 0, 0));
                let shown = waiting.remove(&trial).unwrap_or(0);
                running.push((trial.0, trial.1, shown));
                continue;
            }
            let at = random.place(running.len());
            let (configuration, replicate, shown) = running[at].clone();
            let what = 1 + random.below(23);
            let epochs = match what {
                4 => random.below(u64::from(shown) + 1) as u32,
                _ => shown + 1,
            };
            tell(&mut search, &configuration, replicate, what, epochs);
            log.push(((configuration.clone(), replicate), what, epochs));
            if what < 4 || what > 4 && epochs == EPOCHS {
                running.swap_remove(at);
                if what == 1 && shown > 0 {
                    waiting.insert((configuration, replicate), shown);
                }
            } else {
                running[at].2 = epochs;
            }
        }
        let mut folded = begun(seed);
        for ((configuration, replicate), what, epochs) in &log {
            tell(&mut folded, configuration, *replicate, *what, *epochs);
            folded.best();
        }
        assert_eq!(folded.answer(3, 4), search.answer(3, 4), "seed {seed}");
        assert_eq!(folded.best(), search.best());
        assert!(search.configuration(1_024).is_some());
    }
}
