//! What every sampler must do: the same from the same, whenever it is asked; only what is of the space, and nothing twice.

use std::collections::BTreeSet;

use coordinator_search::replay::{Played, Replay, Setup};
use coordinator_search::{Ended, History, Lead, Space, sampler};
use proptest::prelude::*;
use sweep_proto::SamplerName;
use sweep_proto::state::TrialState;

use crate::support::{Curves, endless, finite, is_of, request, setup};

/// The spaces that a sampler can search.
fn spaces(sampler: SamplerName) -> Vec<Space> {
    let is_grid = matches!(sampler, SamplerName::Grid | SamplerName::ShuffledGrid);
    if is_grid { vec![finite()] } else { vec![finite(), endless()] }
}

fn every(seeds: u64, check: impl Fn(SamplerName, u64, &Space)) {
    for sampler in sampler::names() {
        for space in spaces(sampler) {
            (0..seeds).for_each(|seed| check(sampler, seed, &space));
        }
    }
}

fn played(setup: Setup) -> Vec<Played> {
    Replay::new(setup).run(&Curves).unwrap()
}

fn points(trials: &[Played]) -> Vec<coordinator_search::Proposal> {
    trials.iter().map(|trial| trial.proposal.clone()).collect()
}

#[test]
fn what_is_proposed_is_of_the_space_and_new() {
    every(20, |sampler, seed, space| {
        let trials = played(setup(sampler, seed, space.clone(), 60));
        let mut seen = BTreeSet::new();
        for Played { proposal, .. } in &trials {
            assert!(is_of(space, &proposal.configuration), "{sampler} proposes {proposal:?}");
            assert!(proposal.replicate < 2, "{sampler} proposes {proposal:?}");
            assert!(seen.insert(proposal.clone()), "{sampler} proposes {proposal:?} twice");
        }
    });
}

#[test]
fn a_space_that_has_an_end_is_exhausted_and_each_point_comes_once() {
    let all: BTreeSet<_> = {
        let space = finite();
        let mut look = space.look().unwrap();
        (0..space.places().unwrap()).filter_map(|place| look.allowed_at(place)).collect()
    };
    assert_eq!(all.len(), 3 + 3 * 3 + 2 * 3, "each allowed point has one place");
    for sampler in sampler::names() {
        let trials = played(setup(sampler, 5, finite(), 1_000));
        assert_eq!(trials.len(), 2 * all.len(), "{sampler}");
        let tried: BTreeSet<_> = trials.into_iter().map(|trial| trial.proposal.configuration).collect();
        assert_eq!(tried, all, "{sampler}");
    }
}

#[test]
fn a_seed_fixes_all_proposals_and_another_gives_others() {
    every(5, |sampler, seed, space| {
        let first = played(setup(sampler, seed, space.clone(), 30));
        assert_eq!(first, played(setup(sampler, seed, space.clone(), 30)), "{sampler}");
        let other = played(setup(sampler, seed + 1_000, space.clone(), 30));
        assert_eq!(points(&first) == points(&other), sampler == SamplerName::Grid, "{sampler}");
    });
}

/// A restart loses what a sampler was about to answer. It is asked again, perhaps when more trials have ended, and perhaps for more at
/// one time: the answer is the same, because what a trial is chosen from follows from its number.
#[test]
fn a_restart_at_any_event_gives_the_same_proposals() {
    every(10, |sampler, seed, space| {
        let setup = setup(sampler, seed, space.clone(), 40);
        let lead = Replay::new(setup.clone()).lead();
        let trials = played(setup.clone());
        let last = trials.len() as u64;
        for made in 0..last {
            let known = lead.known(made);
            // The moment at which it was first asked, some later ones, and the last one: only those trials end that were made.
            let ends = trials.iter().skip(made as usize).filter_map(|trial| trial.ended);
            let most = ends.map(|end| end.number - 1).min().unwrap_or(last);
            for ended in [known, known + 1, known + 4, last].map(|ended| ended.min(most)) {
                let mut history = History::new(2);
                for Played { proposal, ended: end, .. } in trials.iter().take(made as usize) {
                    let end = end.filter(|end| end.number <= ended);
                    history.push(proposal.configuration.clone(), proposal.replicate, end);
                }
                let count = (1 + (made + ended) % 5).min(lead.allowed(ended).min(last) - made);
                let mut request = request(&setup, history, lead, count);
                let next: Vec<_> = trials.iter().skip(made as usize).take(count as usize).collect();
                let next: Vec<_> = next.into_iter().map(|trial| trial.proposal.clone()).collect();
                assert_eq!(request.answer().unwrap().proposals, next, "{sampler} after a restart");
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order in which trials ended that are all known means nothing.
    #[test]
    fn completions_may_be_permuted(
        seed in 0_u64..1_000, scores in prop::collection::vec(0.0..1.0_f64, 24), order in Just((1_u64..=24).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        for sampler in sampler::names() {
            for space in spaces(sampler) {
                let trials = played(setup(sampler, seed, space.clone(), 24));
                let answer = |numbers: &[u64]| {
                    let mut history = History::new(2);
                    for ((trial, score), number) in trials.iter().zip(&scores).zip(numbers) {
                        let ended = Ended { number: *number, state: TrialState::Completed, score: Some(*score), epochs: 3 };
                        history.push(trial.proposal.configuration.clone(), trial.proposal.replicate, Some(ended));
                    }
                    let lead = Lead { first: 24, count: 6, known: 24 };
                    request(&setup(sampler, seed, space.clone(), 24), history, lead, 6).answer()
                };
                let in_order: Vec<u64> = (1..=24).collect();
                prop_assert_eq!(answer(&in_order), answer(&order), "{}", sampler);
            }
        }
    }

    /// Asked for all at once or one after another, a sampler gives the same.
    #[test]
    fn a_batch_is_as_good_as_one_after_another(seed in 0_u64..1_000, count in 1_u64..12) {
        for sampler in sampler::names() {
            for space in spaces(sampler) {
                let setup = setup(sampler, seed, space.clone(), 12);
                let request = |history, count| {
                    request(&setup, history, Lead { first: 0, count: 12, known: 0 }, count)
                };
                let batch = request(History::new(2), count).answer().unwrap();
                let mut history = History::new(2);
                let mut single = Vec::new();
                for _ in 0..count {
                    let proposal = request(history.clone(), 1).answer().unwrap().proposals.remove(0);
                    history.push(proposal.configuration.clone(), proposal.replicate, None);
                    single.push(proposal);
                }
                prop_assert_eq!(batch.proposals, single, "{}", sampler);
            }
        }
    }
}
