//! What was decided before a restart makes the same `auto` again, and what is no decision changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_search::auto::{Auto, Candidates, Job, Standing, Verdict};
use sweep_proto::random::Stream;

use crate::strategies::{EPOCHS, auto, key, space, table};

/// What a search was asked and told, and what it answered.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Asked(Option<Job>),
    /// It was asked, and stopped.
    Stopped(Standing),
    Reported(Job, u32, f64, Verdict),
    Lost(Job),
    Ended(Job),
    Failed(Job),
}

/// Three workers, of which a drawn one measures the next epoch, or is lost, or its trial is ended or fails.
fn events(seed: u64) -> Vec<Event> {
    let (_, configurations) = Candidates::of(&space()).unwrap();
    let table = table(&configurations, seed);
    let mut search = auto(seed);
    let mut random = Stream::new(seed, "order of epochs", 0);
    let (mut events, mut running) = (Vec::new(), Vec::<Job>::new());
    let mut trained = BTreeMap::<(usize, u32), u32>::new();
    loop {
        while running.len() < 3 {
            let had_stopped = search.stop().is_some();
            let job = search.ask(3);
            events.push(match search.stop().filter(|_| !had_stopped) {
                Some(standing) => Event::Stopped(standing.clone()),
                None => Event::Asked(job),
            });
            let Some(job) = job else { break };
            running.push(job);
        }
        if running.is_empty() {
            return events;
        }
        let at = random.place(running.len());
        let job = running[at];
        let end = match random.below(24) {
            0 => Event::Lost(job),
            1 => Event::Ended(job),
            2 => Event::Failed(job),
            _ => {
                let epoch = trained.entry(key(job)).or_insert(0);
                *epoch += 1;
                // A curve that ends before its last epoch goes on as it was.
                let curve = table.curve(job.configuration, job.replicate);
                let loss = curve[(*epoch as usize).min(curve.len()) - 1].loss;
                let verdict = search.report(job, *epoch, loss).unwrap();
                events.push(Event::Reported(job, *epoch, loss, verdict));
                if verdict != Verdict::Continue {
                    running.remove(at);
                }
                continue;
            }
        };
        apply(&mut search, &end);
        events.push(end);
        running.remove(at);
    }
}

fn apply(search: &mut Auto, event: &Event) {
    match event {
        Event::Asked(job) => assert_eq!(search.ask(3), *job),
        Event::Stopped(standing) => {
            assert_eq!((search.ask(3), search.stop()), (None, Some(standing)));
        }
        Event::Reported(job, epoch, loss, verdict) => {
            assert_eq!(search.report(*job, *epoch, *loss), Ok(*verdict), "{job:?}");
        }
        Event::Lost(job) => search.lose(*job),
        Event::Ended(job) => search.finish(*job),
        Event::Failed(job) => search.fail(*job),
    }
}

/// A search that is asked and told the same answers the same; questions between events change nothing.
#[test]
fn questions_at_any_time_change_no_decision() {
    for seed in 0..4 {
        let events = events(seed);
        assert!(events.len() > 40, "{}", events.len());
        let mut plain = auto(seed);
        events.iter().for_each(|event| apply(&mut plain, event));
        let named = plain.named();
        for first in (0..events.len()).step_by(7) {
            let mut search = auto(seed);
            for (at, event) in events.iter().enumerate() {
                apply(&mut search, event);
                if at >= first && at % 3 == 0 {
                    let named = search.named();
                    let standing = search.standing();
                    assert!(standing.is_none_or(|standing| Some(standing.named) == named));
                }
            }
            assert_eq!((search.named(), search.stop()), (named, plain.stop()));
        }
    }
}

/// Takes over what was decided, without deciding again.
fn fold(search: &mut Auto, event: &Event) {
    match event {
        Event::Asked(Some(job)) => search.given(*job).unwrap(),
        // No decision: nobody records it.
        Event::Asked(None) => {}
        Event::Stopped(standing) => search.concluded(standing.clone()).unwrap(),
        Event::Reported(job, epoch, loss, verdict) => search.reported(*job, *epoch, *loss, *verdict).unwrap(),
        Event::Lost(_) | Event::Ended(_) | Event::Failed(_) => apply(search, event),
    }
}

/// A coordinator that starts again need not decide again: what was decided makes the same search.
#[test]
fn what_was_decided_before_a_restart_is_folded_to_the_same_search() {
    let (mut idle, mut stopped) = (0, 0);
    for seed in 0..12 {
        let events = events(seed);
        let mut plain = auto(seed);
        events.iter().for_each(|event| apply(&mut plain, event));
        idle += events.iter().filter(|event| **event == Event::Asked(None)).count();
        stopped += usize::from(plain.stop().is_some());
        for restart in (0..=events.len()).step_by(3).chain([events.len()]) {
            let mut search = auto(seed);
            events[..restart].iter().for_each(|event| fold(&mut search, event));
            events[restart..].iter().for_each(|event| apply(&mut search, event));
            assert_eq!(search.parameters(), plain.parameters());
            assert_eq!((search.named(), search.stop()), (plain.named(), plain.stop()));
            assert_eq!(search.standing(), plain.standing());
        }
    }
    assert!(idle > 0 && stopped > 0, "{idle} workers found nothing to do, {stopped} searches stopped");
}

#[test]
fn a_conclusion_about_a_stranger_is_refused() {
    let mut search = auto(1);
    let standing = Standing { named: 12, margin: 0.01, probability: Some(0.99), tied: vec![12] };
    let problem = search.concluded(standing.clone()).unwrap_err().to_string();
    assert!(problem.contains("configuration 12"), "{problem}");
    assert!(search.ask(1).is_some());
    search.concluded(Standing { named: 3, tied: vec![3], ..standing }).unwrap();
    assert_eq!((search.ask(1), search.named()), (None, Some(3)));
}

/// Before anything is known each configuration is tried once before any is tried again, and what was lost of the start comes first.
#[test]
fn without_a_model_the_start_goes_on() {
    let mut search = auto(3);
    let jobs: Vec<Job> = (0..12).filter_map(|_| search.ask(3)).collect();
    let configurations: BTreeSet<usize> = jobs.iter().map(|job| job.configuration).collect();
    assert_eq!(configurations.len(), 12, "{jobs:?}");
    search.lose(jobs[5]);
    search.lose(jobs[2]);
    assert_eq!([search.ask(3), search.ask(3)], [Some(jobs[2]), Some(jobs[5])]);
}

/// What an earlier version decided is taken over, even where this one would have decided otherwise.
#[test]
fn decisions_that_this_version_would_not_take_are_folded() {
    let mut search = auto(1);
    let job = |configuration, replicate| Job { configuration, replicate, goes_on: false };
    search.given(job(7, 1)).unwrap();
    search.reported(job(7, 1), 1, 0.6, Verdict::Pause).unwrap();
    let twice = search.given(Job { goes_on: true, ..job(7, 1) });
    assert_eq!(twice, Ok(()), "it goes on");
    let running = search.given(job(7, 1)).unwrap_err().to_string();
    assert!(running.contains("runs or has ended"), "{running}");
    search.reported(job(7, 1), 2, 0.5, Verdict::Finish).unwrap();
    assert_eq!(search.named(), Some(7));
    for stranger in [job(7, 2), job(12, 0)] {
        let problem = search.given(stranger).unwrap_err().to_string();
        assert!(problem.contains("is no trial of this search"), "{problem}");
    }
    assert!(search.reported(job(7, 1), 3, 0.5, Verdict::Finish).is_err(), "it has finished");
    let next: Vec<Job> = (0..3).filter_map(|_| search.ask(1)).collect();
    assert!(next.len() == 3 && next.iter().all(|job| !job.goes_on), "{next:?}");
}

/// Where two trials end at one time, their order decides nothing.
#[test]
fn ends_at_the_same_time_may_be_permuted() {
    let mut compared = 0;
    for seed in 0..6 {
        let events = events(seed);
        let is_end = |event: &Event| matches!(event, Event::Reported(_, epoch, _, Verdict::Finish) if *epoch == EPOCHS);
        for at in 0..events.len() {
            if !is_end(&events[at]) {
                continue;
            }
            // Both orders of this end and of the next one of another trial that runs at this moment.
            let Some(next) = (at + 1..events.len()).find(|next| is_end(&events[*next])) else { break };
            let (Event::Reported(first, _, loss, _), Event::Reported(second, _, other_loss, _)) =
                (&events[at], &events[next])
            else {
                continue;
            };
            let mut before = auto(seed);
            events[..at].iter().for_each(|event| apply(&mut before, event));
            let runs_to_its_end = |search: &Auto| {
                let mut probe = search.clone();
                probe.report(*second, EPOCHS, *other_loss).is_ok()
            };
            if !runs_to_its_end(&before) {
                continue;
            }
            compared += 1;
            let answers = |order: [(Job, f64); 2]| {
                let mut search = before.clone();
                for (job, loss) in order {
                    assert_eq!(search.report(job, EPOCHS, loss), Ok(Verdict::Finish));
                }
                let asked: Vec<_> = (0..4).map(|_| search.ask(3)).collect();
                (asked, search.named(), search.parameters().cloned(), search.standing())
            };
            assert_eq!(
                answers([(*first, *loss), (*second, *other_loss)]),
                answers([(*second, *other_loss), (*first, *loss)])
            );
        }
    }
    assert!(compared > 0, "no two trials ended together");
}
