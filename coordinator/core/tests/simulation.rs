//! Seeded simulation: an engine, its store, scripted workers, a bad network and an operator.
//!
//! `SEEDS=n` sets how many schedules are tried, `SEED=n` replays one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "all/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use coordinator_store::MemoryStore;
use sweep_proto::Digest;

use support::world::{Medium, World};

/// Schedules tried where `SEEDS` says nothing: a minute's worth on two cores.
const SEEDS: u64 = 2_000;
/// Schedules tried over a database file, where every commit waits for the disk.
const DISK_SEEDS: u64 = 3;
/// Steps of half a second in which everything may go wrong.
const CHAOS_STEPS: u64 = 300;
/// Steps within which a healed world must have ended all sweeps.
const HEALED_STEPS: u64 = 4_000;

/// Schedules that together must reach every corner: fewer may miss a rare one.
const SEEDS_FOR_COVERAGE: u64 = 2_000;
/// Schedules between two signs of life.
const PROGRESS: u64 = 5_000;
/// Schedules that have found a fault, each a rare one.
const ONCE_FAILED: [u64; 6] = [2_219, 2_629, 3_133, 4_425, 5_619, 21_910];
/// What the schedules must bring about, or else they prove less than they claim.
const CORNERS: [&str; 43] = [
    "proposed trials",
    "outdated proposals",
    "trial that its search paused",
    "paused trial that went on",
    "steered search that came to its end",
    "spent budget of hours",
    "finalist of a spent budget",
    "shelved trial that went on",
    "result told again after the budget was spent",
    "budget raised while trials waited at rungs",
    "cancelled sweep",
    "deleted sweep",
    "deleted sweep that others rest on",
    "extended sweep",
    "finished sweep",
    "reused trial",
    "trial cancelled",
    "trial completed",
    "trial diverged",
    "trial failed",
    "trial pruned",
    "Train Succeeded",
    "Train Reached",
    "Train Pruned",
    "Train Diverged",
    "Train Failed",
    "Train Released",
    "Train Expired",
    "Train Revoked",
    "Evaluate Succeeded",
    "Evaluate Failed",
    "Evaluate Expired",
    "resumed from a checkpoint",
    "resumed in mid-epoch",
    "trials that followed later",
    "trials tried again",
    "held sweep",
    "models of an ended sweep that went",
    "checkpoints of shelved trials that went",
    "trial that found too little memory",
    "worker Departed",
    "group",
    "group that crashed",
];

fn run(seed: u64, medium: Medium) -> World {
    let mut world = World::new(seed, medium);
    world.chaos(CHAOS_STEPS);
    world.heal(HEALED_STEPS);
    world.check_answers();
    world
}

fn in_memory(seed: u64) -> World {
    run(seed, Medium::Memory(MemoryStore::default()))
}

fn digest(seed: u64) -> Digest {
    Digest::of(format!("{:?}", in_memory(seed).engine.tables()).as_bytes())
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
    let covers = seeds.end - seeds.start >= SEEDS_FOR_COVERAGE;
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let reached = std::thread::scope(|scope| {
        let one_after_another = || {
            let mut reached = BTreeSet::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return reached;
                }
                if seed > seeds.start && seed.is_multiple_of(PROGRESS) {
                    eprintln!("{seed} schedules");
                }
                let play = || {
                    let mut world = in_memory(seed);
                    let corners = world.corners();
                    world.delete_everything();
                    corners
                };
                match catch_unwind(AssertUnwindSafe(play)) {
                    Ok(corners) => reached.extend(corners),
                    Err(panic) => {
                        next.store(seeds.end, Ordering::Relaxed);
                        eprintln!(
                            "replay: SEED={seed} cargo test --release -p coordinator-core --test simulation"
                        );
                        resume_unwind(panic);
                    }
                }
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_after_another)).collect();
        let reached = threads.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic)));
        reached.fold(BTreeSet::new(), |mut all, some| {
            all.extend(some);
            all
        })
    });
    let missed: Vec<_> = CORNERS.into_iter().filter(|corner| !reached.contains(*corner)).collect();
    assert!(!covers || missed.is_empty(), "no schedule reached {missed:?}, only {reached:?}");
}

#[test]
fn schedules_that_have_found_a_fault_do_not_find_it_again() {
    for seed in ONCE_FAILED {
        in_memory(seed);
    }
}

#[test]
fn a_database_file_carries_a_world_through_its_crashes_like_memory_does() {
    for seed in 2_000..2_000 + DISK_SEEDS {
        let disk = run(seed, Medium::Disk(tempfile::tempdir().unwrap()));
        assert_eq!(disk.engine.tables(), in_memory(seed).engine.tables(), "seed {seed}");
    }
}

#[test]
fn a_seed_fixes_everything_that_happens() {
    for seed in 1_000..1_005 {
        assert_eq!(digest(seed), digest(seed), "seed {seed} gave two different worlds");
    }
}
