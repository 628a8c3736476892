//! TPE beyond what every sampler must do: what it keeps changes nothing, and it finds what is good.

use coordinator_search::replay::{Epoch, Replay, Setup, Table};
use coordinator_search::{Ended, History, Lead, News, Proposal, Request, Space};
use proptest::prelude::*;
use sweep_proto::Hyperparameter::{BatchSize, Cell, Dropout, Embedding, LearningRate, Units};
use sweep_proto::random::Stream;
use sweep_proto::state::TrialState;
use sweep_proto::{Axis, Configuration, SamplerName, Value};

use crate::support::{deep, finite, integers, levels, reals, request, setup, spec};

/// Every kind of axis, one of them conditional.
fn mixed() -> Space {
    let cells = ["lstm", "gru", "simple_rnn"].map(|word| Value::Word(word.into())).to_vec();
    let axes = vec![
        levels(sweep_proto::Hyperparameter::Layers, &[2, 1, 3]),
        integers(Units, 8, 256, true, None),
        integers(Embedding, 1, 2_000, false, None),
        integers(BatchSize, 8, 64, false, Some(8)),
        reals(LearningRate, 3e-4, 1e-2, true, None),
        Axis::of_levels(Cell, cells),
        deep(reals(Dropout, 0.0, 0.5, false, None)),
    ];
    Space::of(&spec(axes, &["units * layers <= 300"]))
}

fn tpe(seed: u64, space: Space) -> Setup {
    setup(SamplerName::Tpe, seed, space, 1_000)
}

/// One trial after another is proposed and some of those that run end, by drawn numbers. Gives what the request is asked each time.
fn searched(
    space: &Space,
    seed: u64,
    trials: u64,
    mut ask: impl FnMut(&mut Request) -> Option<Proposal>,
) -> Vec<Proposal> {
    let mut random = Stream::new(seed, "ends of a test", 0);
    let lead = Lead { first: 0, count: 4, known: 0 };
    let mut asked = request(&tpe(seed, space.clone()), History::new(2), lead, 1);
    let (mut running, mut ended, mut found) = (Vec::new(), 0, Vec::new());
    while (found.len() as u64) < trials {
        if lead.allowed(ended) > found.len() as u64 {
            let Some(proposal) = ask(&mut asked) else { break };
            running.push(found.len() as u32);
            let made = vec![(proposal.configuration.clone(), proposal.replicate)];
            asked.history.learn(News { made, ended: Vec::new() });
            found.push(proposal);
        } else {
            let trial = running.swap_remove(random.place(running.len()));
            ended += 1;
            let epochs = 1 + random.below(4) as u32;
            let state = match random.below(10) {
                0 => TrialState::Failed,
                1 => TrialState::Diverged,
                2 | 3 => TrialState::Pruned,
                _ => TrialState::Completed,
            };
            let has_score = matches!(state, TrialState::Completed | TrialState::Pruned);
            // Some scores are equal.
            let score = has_score.then(|| random.below(30) as f64 / 10.0);
            let end = Ended { number: ended, state, score, epochs };
            asked.history.learn(News { made: Vec::new(), ended: vec![(trial, end)] });
        }
    }
    found
}

fn answer(asked: &mut Request) -> Option<Proposal> {
    asked.answer().unwrap().proposals.pop()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A request that was asked before answers as a new one of the same history does, which has nothing kept.
    #[test]
    fn what_is_kept_changes_no_answer(seed in 0_u64..1_000) {
        for space in [mixed(), finite()] {
            searched(&space, seed, 90, |asked| {
                let mut fresh = Request { kept: Default::default(), ..asked.clone() };
                // What was proposed in vain is forgotten.
                asked.count = 3;
                asked.answer().unwrap();
                asked.count = 1;
                let found = answer(asked);
                assert_eq!(found, answer(&mut fresh));
                found
            });
        }
    }

    #[test]
    fn a_search_of_every_kind_of_axis_stays_in_its_space_and_repeats_nothing(seed in 0_u64..1_000) {
        let of = spec(mixed().axes().to_vec(), &["units * layers <= 300"]);
        let mut found = searched(&mixed(), seed, 120, answer);
        prop_assert_eq!(found.len(), 120);
        for proposal in &found {
            prop_assert!(of.allows(&proposal.configuration), "{:?}", proposal);
        }
        found.sort();
        found.dedup();
        prop_assert_eq!(found.len(), 120);
    }

    #[test]
    fn a_small_grid_is_searched_to_its_end(seed in 0_u64..1_000) {
        let mut found = searched(&finite(), seed, 1_000, answer);
        found.sort();
        found.dedup();
        prop_assert_eq!(found.len(), 2 * (3 + 3 * 3 + 2 * 3));
    }

    /// The scores count, and not the order in which trials that are all known have ended.
    #[test]
    fn the_order_of_ends_means_nothing(
        seed in 0_u64..1_000, order in Just((1_u64..=40).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut random = Stream::new(seed, "scores of a test", 0);
        let scores: Vec<f64> = order.iter().map(|_| random.below(20) as f64).collect();
        let points = searched(&mixed(), seed, 40, answer);
        let proposed = |numbers: &[u64]| {
            let mut history = History::new(2);
            for ((point, score), number) in points.iter().zip(&scores).zip(numbers) {
                let ended = Ended { number: *number, state: TrialState::Completed, score: Some(*score), epochs: 3 };
                history.push(point.configuration.clone(), point.replicate, Some(ended));
            }
            let lead = Lead { first: 40, count: 5, known: 40 };
            request(&tpe(seed, mixed()), history, lead, 5).answer().unwrap()
        };
        let in_order: Vec<u64> = (1..=40).collect();
        prop_assert_eq!(proposed(&in_order), proposed(&order));
    }
}

/// A valley along two axes; the third one means nothing.
struct Valley;

impl Table for Valley {
    fn curve(&self, configuration: &Configuration, _: u32) -> Option<Vec<Epoch>> {
        let rate = (configuration.learning_rate() / 1e-3).ln();
        let units = (configuration.units() as f64 / 100.0).ln();
        Some(vec![Epoch { loss: 0.3 + rate * rate + 0.5 * units * units, ms: 10 }])
    }
}

fn best_of(sampler: SamplerName, seed: u64) -> f64 {
    let axes = vec![
        reals(LearningRate, 1e-5, 1.0, true, None),
        integers(Units, 1, 1_000, true, None),
        levels(BatchSize, &[8, 16, 32]),
    ];
    let space = Space::of(&spec(axes, &[]));
    let setup = Setup { sampler, seed, space, replicates: 1, workers: 4, trials: 80 };
    let trials = Replay::new(setup).run(&Valley).unwrap();
    let scores = trials.iter().filter_map(|trial| trial.ended?.score);
    scores.min_by(f64::total_cmp).unwrap()
}

#[test]
fn in_a_valley_it_comes_lower_than_random_configurations_do() {
    let lower = |seed: &u64| best_of(SamplerName::Tpe, *seed) < best_of(SamplerName::Random, *seed);
    let times = (0..20).filter(lower).count();
    assert!(times >= 17, "in {times} of 20 searches");
}
