//! What one question to a sampler may take: it ends, and gives what was found.

use std::collections::BTreeSet;

use coordinator_search::replay::{Played, Replay, Setup};
use coordinator_search::{History, Lead, Space, sampler};
use sweep_proto::Hyperparameter::{BatchSize, Dropout, Embedding, Layers, LearningRate, Units};
use sweep_proto::{Axis, SamplerName};

use crate::support::{Curves, integers, levels, reals, request, setup, spec};

const LEAD: Lead = Lead { first: 0, count: 1_000, known: 0 };

/// A space of 2^36 places with constraints of enough terms to limit a sampler to a few of them.
fn large(allowed: &str) -> Space {
    let size = |hyperparameter| integers(hyperparameter, 1, 4_096, false, None);
    let sum = (0..15).map(|_| "units").collect::<Vec<_>>().join("+");
    let long = format!("0 <= {sum}+{sum}");
    let constraints = [&[allowed][..], &[long.as_str(); 49]].concat();
    Space::of(&spec(vec![size(Units), size(BatchSize), size(Embedding)], &constraints))
}

fn large_setup(sampler: SamplerName, allowed: &str) -> Setup {
    setup(sampler, 3, large(allowed), 100)
}

#[test]
fn a_space_that_no_configuration_fits_is_given_up_with_how_much_was_looked_at() {
    for sampler in sampler::names() {
        let setup = large_setup(sampler, "units > 5000");
        let reason = request(&setup, History::new(2), LEAD, 5).answer().unwrap_err();
        let number = reason.split_whitespace().find_map(|word| word.parse::<u64>().ok());
        assert!(number.is_some_and(|number| number >= 100_000), "{sampler}: {reason}");
        assert!(reason.contains("launch a new sweep with looser constraints"), "{sampler}: {reason}");
    }
}

#[test]
fn a_sampler_that_is_called_off_ends_without_an_answer_and_without_a_failure() {
    for sampler in sampler::names() {
        let mut request = request(&large_setup(sampler, "units > 5000"), History::new(2), LEAD, 5);
        request.called_off.set();
        let answer = request.answer().unwrap();
        assert!(answer.proposals.is_empty() && !answer.is_exhausted, "{sampler} found {answer:?}");
    }
}

/// Two configurations stand at the first places of the grid, and no further one before it is given up.
#[test]
fn a_search_that_finds_no_more_ends_with_what_was_found() {
    let setup = large_setup(SamplerName::Grid, "units * batch_size * 5000 + embedding <= 5002");
    let mut request = request(&setup, History::new(2), LEAD, 50);
    let answer = request.answer().unwrap();
    assert!(answer.is_exhausted, "as far as a sampler may look");
    let found: Vec<_> =
        answer.proposals.iter().map(|one| (one.configuration.embedding(), one.replicate)).collect();
    assert_eq!(found, [(1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(request.history, History::new(2), "what is proposed is not made");
    for proposal in answer.proposals {
        request.history.push(proposal.configuration, proposal.replicate, None);
    }
    request.from = answer.from;
    let answer = request.answer().unwrap();
    assert!(answer.is_exhausted && answer.proposals.is_empty(), "whoever asks again is answered alike");
}

/// Constraints that leave about one in a thousand, over a grid and over ranges.
fn sparse(sampler: SamplerName) -> Space {
    let is_grid = matches!(sampler, SamplerName::Grid | SamplerName::ShuffledGrid);
    let beside: Axis =
        if is_grid { levels(Layers, &[1, 2, 3, 4]) } else { reals(LearningRate, 1e-3, 1e-2, true, None) };
    let dropout = reals(Dropout, 0.0, 0.5, false, is_grid.then_some(0.01));
    Space::of(&spec(vec![beside, integers(Units, 1, 8_192, false, None), dropout], &["units <= 8"]))
}

#[test]
fn constraints_that_leave_one_in_a_thousand_do_not_end_a_search() {
    for sampler in sampler::names() {
        let setup = setup(sampler, 7, sparse(sampler), 300);
        let trials = Replay::new(setup).run(&Curves).unwrap();
        let distinct: BTreeSet<_> = trials.iter().map(|trial| &trial.proposal.configuration).collect();
        assert_eq!((trials.len(), distinct.len()), (300, 150), "{sampler}");
        assert!(distinct.iter().all(|one| one.units() <= 8), "{sampler}");
    }
}

/// Where a sampler goes on looking is remembered to save work: one that looks from the beginning finds the same.
#[test]
fn what_was_looked_at_before_changes_no_answer() {
    for sampler in sampler::names() {
        let setup = setup(sampler, 11, sparse(sampler), 60);
        let lead = Replay::new(setup.clone()).lead();
        let trials = Replay::new(setup.clone()).run(&Curves).unwrap();
        for made in 50..60 {
            let mut history = History::new(2);
            for Played { proposal, ended, .. } in &trials[..made] {
                let ended = ended.filter(|end| end.number <= lead.known(made as u64));
                history.push(proposal.configuration.clone(), proposal.replicate, ended);
            }
            let answer = request(&setup, history, lead, 1).answer().unwrap();
            assert_eq!(answer.proposals, [trials[made].proposal.clone()], "{sampler}");
        }
    }
}
