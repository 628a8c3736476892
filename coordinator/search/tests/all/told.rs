//! `auto` as a fold of what has happened: the same events make the same search, and questions change nothing.

use std::collections::BTreeMap;

use coordinator_search::auto::{Answer, Auto, AutoError, Candidates, Job, Standing, Verdict};
use proptest::prelude::*;
use sweep_proto::random::Stream;

use crate::strategies::{EPOCHS, REPLICATES, key, settings, space};

/// Something that has happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    Given(Job),
    Shown(Job, u32, f64, bool),
    Paused(Job),
    Retired(Job),
    Diverged(Job),
    Finished(Job),
    Failed(Job),
    Lost(Job),
    Rewound(Job, u32),
}

impl Event {
    fn job(&self) -> Job {
        match self {
            Self::Given(job) | Self::Shown(job, ..) | Self::Paused(job) | Self::Retired(job) => *job,
            Self::Diverged(job) | Self::Finished(job) | Self::Failed(job) | Self::Lost(job) => *job,
            Self::Rewound(job, _) => *job,
        }
    }

    /// Whether a trial may be over by it.
    fn is_end(&self) -> bool {
        matches!(self, Self::Shown(.., true) | Self::Diverged(_) | Self::Finished(_))
    }
}

pub(crate) fn told(seed: u64) -> Auto {
    Auto::new(settings(seed).told_of_ends(), Candidates::of(&space()).unwrap().0).unwrap()
}

pub(crate) fn tell(search: &mut Auto, event: &Event) -> Result<(), AutoError> {
    match event {
        Event::Given(job) => search.given(*job),
        Event::Shown(job, epoch, score, is_last) => search.shown(*job, *epoch, *score, *is_last),
        Event::Paused(job) => search.paused(*job),
        Event::Retired(job) => search.retired(*job),
        Event::Diverged(job) => search.diverged(*job),
        Event::Rewound(job, epochs) => search.rewound(*job, *epochs),
        Event::Finished(job) => {
            search.finish(*job);
            Ok(())
        }
        Event::Failed(job) => {
            search.fail(*job);
            Ok(())
        }
        Event::Lost(job) => {
            search.lose(*job);
            Ok(())
        }
    }
}

pub(crate) fn folded(seed: u64, events: &[Event]) -> Auto {
    let mut search = told(seed);
    events.iter().for_each(|event| tell(&mut search, event).unwrap());
    search
}

/// What a search knows, as far as anybody can ask.
fn answers(search: &Auto) -> (Answer, Option<Standing>, Option<usize>, Vec<Verdict>) {
    let mut search = search.clone();
    let job = |at: usize| Job { configuration: at / 2, replicate: (at % 2) as u32, goes_on: false };
    let verdicts = (0..24).map(|at| search.verdict(job(at))).collect();
    (search.answer(3, 5), search.best(), search.named(), verdicts)
}

fn loss(job: Job, epoch: u32) -> f64 {
    let place = job.configuration as f64;
    0.4 + 0.01 * place + 0.003 * f64::from(job.replicate) + (0.1 + 0.01 * place) / f64::from(epoch)
}

/// A course of up to `length` events: three workers, of whose trials most show epochs, and some meet another fate.
pub(crate) fn course(seed: u64, length: usize) -> Vec<Event> {
    let mut random = Stream::new(seed, "course of events", 0);
    let mut search = told(seed);
    let mut events: Vec<Event> = Vec::new();
    let (mut running, mut over) = (Vec::<Job>::new(), Vec::<Job>::new());
    let mut trained = BTreeMap::<(usize, u32), u32>::new();
    while events.len() < length {
        let next = if running.len() < 3 { search.answer(3, 1).jobs.first().copied() } else { None };
        let event = if let Some(job) = next {
            running.push(job);
            Event::Given(job)
        } else if !over.is_empty() && random.below(20) == 0 {
            let job = over.swap_remove(random.place(over.len()));
            running.push(job);
            Event::Rewound(
                job,
                random.below(u64::from(trained.get(&key(job)).copied().unwrap_or(0)) + 1) as u32,
            )
        } else if running.is_empty() {
            break;
        } else {
            let at = random.place(running.len());
            let job = running[at];
            let epochs = trained.get(&key(job)).copied().unwrap_or(0);
            let fate = random.below(30);
            let event = match fate {
                0 => Event::Retired(job),
                1 => Event::Diverged(job),
                2 => Event::Failed(job),
                3 => Event::Lost(job),
                4 => Event::Finished(job),
                5 => Event::Rewound(job, random.below(u64::from(epochs) + 1) as u32),
                _ if search.verdict(job) == Verdict::Pause => Event::Paused(job),
                _ => Event::Shown(job, epochs + 1, loss(job, epochs + 1), epochs + 1 == EPOCHS || fate == 6),
            };
            match event {
                Event::Shown(.., false) | Event::Rewound(..) => {}
                _ => {
                    running.remove(at);
                }
            }
            if event.is_end() && !(epochs == 0 && event == Event::Finished(job))
                || matches!(event, Event::Failed(_))
            {
                over.push(job);
            }
            event
        };
        match event {
            Event::Shown(job, epoch, ..) | Event::Rewound(job, epoch) => {
                trained.insert(key(job), epoch);
            }
            _ => {}
        }
        tell(&mut search, &event).unwrap();
        events.push(event);
    }
    events
}

#[test]
fn courses_know_every_event() {
    let all: Vec<Event> = (0..8).flat_map(|seed| course(seed, 200)).collect();
    let some = |is: fn(&Event) -> bool| assert!(all.iter().any(is), "an event never happens");
    some(|one| matches!(one, Event::Given(job) if job.goes_on));
    some(|one| matches!(one, Event::Shown(.., true)));
    some(|one| matches!(one, Event::Paused(_)));
    some(|one| matches!(one, Event::Retired(_)));
    some(|one| matches!(one, Event::Diverged(_)));
    some(|one| matches!(one, Event::Finished(_)));
    some(|one| matches!(one, Event::Failed(_)));
    some(|one| matches!(one, Event::Lost(_)));
    some(|one| matches!(one, Event::Rewound(_, 0)));
    some(|one| matches!(one, Event::Rewound(_, 1..)));
}

/// A search that is folded again, by whoever asks nothing or everything in between, gives the same answers, bit by bit.
#[test]
fn a_course_is_folded_to_the_same_search_whoever_asks_in_between() {
    for seed in 0..6 {
        let events = course(seed, 160);
        let plain = folded(seed, &events);
        let mut asked = told(seed);
        for (at, event) in events.iter().enumerate() {
            tell(&mut asked, event).unwrap();
            let before = answers(&asked);
            asked.verdict(event.job());
            asked.best();
            asked.standing();
            assert_eq!(asked.answer(2, 3).jobs.first(), asked.answer(2, 1).jobs.first());
            if at % 10 == 0 {
                assert_eq!(answers(&asked), before);
                assert_eq!(answers(&folded(seed, &events[..=at])), before, "seed {seed}, event {at}");
            }
        }
        assert_eq!(answers(&asked), answers(&plain));
        assert_eq!(asked.parameters(), plain.parameters());
    }
}

/// The first job of an answer that is given leads to the second one of the same answer.
#[test]
fn the_trials_of_an_answer_are_those_of_one_question_after_another() {
    for seed in 0..4 {
        let events = course(seed, 120);
        for length in [0, 5, 30, 60, 90] {
            let mut search = folded(seed, &events[..length.min(events.len())]);
            let answer = search.answer(4, 4);
            for job in &answer.jobs {
                assert_eq!(search.answer(4, 1).jobs, [*job]);
                search.given(*job).unwrap();
            }
        }
    }
}

/// Where neither of two neighbouring events is the end of a trial, their order means nothing. Nor does that of two ends while the parameters
/// are fitted after each.
#[test]
fn events_of_different_trials_may_be_permuted() {
    let (mut compared, mut ends) = (0, 0);
    for seed in 0..12 {
        let events = course(seed, 120);
        for at in 1..events.len() {
            let pair = [events[at - 1], events[at]];
            let finished = events[..=at].iter().filter(|one| one.is_end()).count();
            let are_ends = pair.iter().all(Event::is_end) && finished <= 8;
            let is_bound =
                |event: &Event| event.is_end() || matches!(event, Event::Given(_) | Event::Rewound(..));
            if key(pair[0].job()) == key(pair[1].job()) || !are_ends && pair.iter().any(is_bound) {
                continue;
            }
            let before = folded(seed, &events[..at - 1]);
            let after = |pair: [Event; 2]| {
                let mut search = before.clone();
                pair.iter().for_each(|event| tell(&mut search, event).unwrap());
                (answers(&search), search.parameters().cloned())
            };
            assert_eq!(after(pair), after([pair[1], pair[0]]), "seed {seed}: {pair:?}");
            compared += 1;
            ends += usize::from(are_ends);
        }
    }
    assert!(compared > 100 && ends > 0, "{compared} pairs, {ends} of ends");
}

/// A trial whose checkpoint was lost, and that trains the same again, leaves nothing behind.
#[test]
fn what_is_rewound_and_shown_again_leaves_nothing_behind() {
    let (mut open, mut ended) = (0, 0);
    for seed in 0..6 {
        let events = course(seed, 120);
        let mut search = told(seed);
        let mut finished = 0;
        for event in &events {
            tell(&mut search, event).unwrap();
            finished += usize::from(event.is_end());
            let Event::Shown(job, epoch, _, is_last) = *event else { continue };
            // Later on, the parameters are not fitted after each end.
            if is_last && finished > 8 {
                continue;
            }
            for first in 0..=epoch {
                let mut again = search.clone();
                again.rewound(job, first).unwrap();
                for epoch in first + 1..=epoch {
                    let is_last = is_last && epoch == events_end(event);
                    again.shown(job, epoch, loss(job, epoch), is_last).unwrap();
                }
                if first == epoch && is_last {
                    // It runs again.
                    again.finish(job);
                }
                assert_eq!(answers(&again), answers(&search), "seed {seed}: {event:?} from {first}");
                assert_eq!(again.parameters(), search.parameters());
                *if is_last { &mut ended } else { &mut open } += 1;
            }
        }
    }
    assert!(open > 100 && ended > 20, "{open} and {ended}");
}

fn events_end(event: &Event) -> u32 {
    if let Event::Shown(_, epoch, ..) = event { *epoch } else { 0 }
}

/// Later on the belief follows again from what counts: nothing that was taken back is left in it.
#[test]
fn of_a_finished_trial_that_is_rewound_only_the_first_epochs_count() {
    for seed in 0..4 {
        let mut search = told(seed);
        let mut jobs = Vec::new();
        while jobs.len() < 14
            && let Some(job) = search.answer(1, 1).jobs.first().copied()
        {
            search.given(job).unwrap();
            (1..=EPOCHS)
                .for_each(|epoch| search.shown(job, epoch, loss(job, epoch), epoch == EPOCHS).unwrap());
            jobs.push(job);
        }
        let best = search.best().unwrap();
        let first = jobs.iter().find(|job| job.configuration == best.named).unwrap();
        jobs.iter()
            .filter(|job| job.configuration == best.named)
            .for_each(|job| search.rewound(*job, 0).unwrap());
        assert!(search.given(*first).unwrap_err().to_string().contains("runs or has ended"));
        assert_ne!(search.best().unwrap().named, best.named, "seed {seed}: nothing is known of it any more");
        // It is bad this time.
        for epoch in 1..=EPOCHS {
            search.shown(*first, epoch, 0.69, epoch == EPOCHS).unwrap();
        }
        let named = search.best().unwrap();
        assert_ne!(named.named, best.named);
        assert!(!named.tied.contains(&best.named), "seed {seed}");
    }
}

#[test]
fn a_search_that_is_told_of_ends_ends_no_trial() {
    let mut search = told(1);
    let job = search.answer(1, 1).jobs[0];
    search.given(job).unwrap();
    // Beyond patience, and beyond the epochs of a trial.
    for epoch in 1..=2 * EPOCHS {
        assert_eq!(search.named(), None);
        search.shown(job, epoch, 0.5 + 0.01 * f64::from(epoch), false).unwrap();
        assert_eq!(search.verdict(job), Verdict::Continue);
    }
    assert_eq!(search.report(job, 2 * EPOCHS + 1, 0.6), Ok(Verdict::Continue));
    search.shown(job, 2 * EPOCHS + 2, f64::NAN, false).unwrap();
    search.shown(job, 2 * EPOCHS + 3, 0.6, true).unwrap();
    assert_eq!(search.named(), Some(job.configuration));
    let best = search.best().unwrap();
    assert_eq!(
        (best.named, best.probability, best.tied),
        (job.configuration, None, vec![]),
        "nobody can say yet"
    );
    assert!(search.shown(job, 2 * EPOCHS + 4, 0.6, false).is_err(), "it has finished");
}

#[test]
fn a_retired_trial_counts_and_is_not_chosen_again() {
    let mut search = told(1);
    for _ in 0..2 * 12 {
        let job = search.answer(1, 1).jobs[0];
        search.given(job).unwrap();
        search.shown(job, 1, loss(job, 1), false).unwrap();
        search.retired(job).unwrap();
    }
    assert_eq!(search.answer(1, 1), Answer { jobs: vec![], conclusion: None });
    assert_eq!(search.named(), None, "none has finished");
    // Somebody has decided otherwise.
    let job = Job { configuration: 3, replicate: 1, goes_on: true };
    search.given(job).unwrap();
    search.shown(job, 2, loss(job, 2), true).unwrap();
    assert_eq!(search.named(), Some(3));
}

fn strange() -> impl Strategy<Value = Event> {
    let job = (0_usize..14, 0..REPLICATES + 1, any::<bool>())
        .prop_map(|(configuration, replicate, goes_on)| Job { configuration, replicate, goes_on });
    let score = prop_oneof![4 => 0.2..0.9_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(-1.0), 1 => Just(1e300)];
    prop_oneof![
        6 => job.clone().prop_map(Event::Given),
        12 => (job.clone(), 1_u32..4, score, any::<bool>())
            .prop_map(|(job, epoch, score, is_last)| Event::Shown(job, epoch, score, is_last)),
        1 => job.clone().prop_map(Event::Paused),
        1 => job.clone().prop_map(Event::Retired),
        1 => job.clone().prop_map(Event::Diverged),
        1 => job.clone().prop_map(Event::Finished),
        1 => job.clone().prop_map(Event::Failed),
        1 => job.clone().prop_map(Event::Lost),
        2 => (job, 0_u32..4).prop_map(|(job, epochs)| Event::Rewound(job, epochs)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is told in whatever order: it is taken over or refused in words, and what is refused changes nothing.
    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing(seed in 0_u64..100, events in prop::collection::vec(strange(), 1..160)) {
        let mut search = told(seed);
        let mut counted = Vec::new();
        for event in &events {
            match tell(&mut search, event) {
                Ok(()) => counted.push(*event),
                Err(problem) => prop_assert!(problem.to_string().contains("; tell this search"), "{problem}"),
            }
        }
        let mut again = told(seed);
        for event in &counted {
            prop_assert_eq!(tell(&mut again, event), Ok(()));
        }
        prop_assert_eq!(answers(&search), answers(&again));
        let answer = search.answer(3, 40);
        let distinct: std::collections::BTreeSet<_> = answer.jobs.iter().map(|job| key(*job)).collect();
        prop_assert_eq!(distinct.len(), answer.jobs.len());
        for job in answer.jobs {
            prop_assert_eq!(search.given(job), Ok(()));
        }
    }
}

/// Replicates are paired by their seeds: what a seed adds to all configurations alike makes none of them harder to tell from another.
#[test]
fn what_a_replicate_shares_does_not_widen_the_margin() {
    let mut search = told(1);
    for configuration in 0..12 {
        for replicate in 0..REPLICATES {
            let job = Job { configuration, replicate, goes_on: false };
            search.given(job).unwrap();
            let score = (0.4 + 0.005 * configuration as f64) * (1.0 + 0.05 * f64::from(replicate));
            search.shown(job, 1, score, true).unwrap();
        }
    }
    let standing = search.best().unwrap();
    let unpaired = (0.05_f64 / 2.0_f64.sqrt()).ln_1p();
    assert!(standing.margin < 0.5 * unpaired, "{} and {unpaired}", standing.margin);
    assert_eq!(standing.named, 0);
    assert!(!standing.tied.contains(&6), "{standing:?}");
}

/// Of a hundred trials that wait none is forgotten, and none counts twice when it goes on.
#[test]
fn trials_that_wait_count_whether_they_are_few_or_many() {
    use crate::support::levels;
    use sweep_proto::Hyperparameter::{BatchSize, Units};
    let sizes: Vec<u64> = (1..=12).map(|one| 8 * one).collect();
    let space = coordinator_search::Space::over(vec![levels(Units, &sizes), levels(BatchSize, &sizes)]);
    let mut search = Auto::new(settings(1).told_of_ends(), Candidates::of(&space).unwrap().0).unwrap();
    let job = |configuration, replicate| Job { configuration, replicate, goes_on: false };
    // Lowest at the tenth of twelve units and the fifth of twelve batches.
    let score = |one: usize, epoch: u32| {
        let (units, batch) = ((one / 12) as f64 - 9.0, (one % 12) as f64 - 4.0);
        0.4 + 0.002 * (units * units + batch * batch) + 0.1 * (0.5_f64).powi(epoch as i32)
    };
    let show = |search: &mut Auto, one: usize, epochs: std::ops::RangeInclusive<u32>| {
        search.given(job(one, 0)).unwrap();
        epochs
            .for_each(|epoch| search.shown(job(one, 0), epoch, score(one, epoch), epoch == EPOCHS).unwrap());
    };
    for one in (0..144).step_by(12) {
        show(&mut search, one, 1..=EPOCHS);
    }
    for one in (0..144).filter(|one| one % 12 != 0 && *one != 112) {
        show(&mut search, one, 1..=2);
        search.paused(job(one, 0)).unwrap();
    }
    let next = search.answer(1, 1).jobs[0];
    assert!(
        next.configuration / 12 >= 8 && (2..=7).contains(&(next.configuration % 12)),
        "{next:?}: it knows where"
    );
    // They go on, and are worth the same as trials that never waited.
    for one in [111, 113, 100, 124] {
        show(&mut search, one, 3..=EPOCHS);
    }
    show(&mut search, 112, 1..=EPOCHS);
    let best = search.best().unwrap();
    assert_eq!(best.named, 112);
    assert!(best.tied.iter().all(|one| one / 12 >= 8 && (3..=6).contains(&(one % 12))), "{best:?}");
    // A trial that waited is back where it was.
    search.rewound(job(111, 0), 2).unwrap();
    search.paused(job(111, 0)).unwrap();
    assert_eq!(search.best().unwrap().named, 112);
}
