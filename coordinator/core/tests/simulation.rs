//! Seeded simulation: an engine, its store, scripted workers, a bad network and an operator.
//!
//! `SEEDS=n` sets how many schedules are tried, `SEED=n` replays one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use sweep_proto::Digest;

use support::world::World;

/// Schedules tried where `SEEDS` says nothing: some seconds' worth.
const SEEDS: u64 = 300;
/// Steps of half a second in which everything may go wrong.
const CHAOS_STEPS: u64 = 300;
/// Steps within which a healed world must have ended all sweeps.
const HEALED_STEPS: u64 = 4_000;

fn run(seed: u64) -> Digest {
    let mut world = World::new(seed);
    world.chaos(CHAOS_STEPS);
    world.heal(HEALED_STEPS);
    world.check_answers();
    Digest::of(format!("{:?}", world.store).as_bytes())
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("SEED and SEEDS are whole numbers"))
}

#[test]
fn every_schedule_keeps_the_invariants_and_ends() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            eprintln!("replay: SEED={seed} cargo test --release -p coordinator-core --test simulation");
            resume_unwind(panic);
        }
    }
}

#[test]
fn a_seed_fixes_everything_that_happens() {
    for seed in 1_000..1_005 {
        assert_eq!(run(seed), run(seed), "seed {seed} gave two different worlds");
    }
}
