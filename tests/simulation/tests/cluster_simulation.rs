//! Seeded schedules of a whole cluster on a simulated network, each in a process of its own.
//!
//! A round plays some of them (`sweep_tests::hunt`). `SEEDS=n` sets how many are tried and `FIRST_SEED=n` from where
//! on. `SEED=n` plays one of them in this process, `BUG=name` plants a bug into it, and `RUST_LOG=schedule=debug` tells everything that happens.

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sweep_simulation::plan::Plan;
use sweep_simulation::planted::Bug;
use sweep_simulation::world::{BROKEN, ScheduleOutcome, play};
use sweep_tests::hunt;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Schedules of the whole hunt, and of one round of it, where `SEEDS` says nothing.
const SEEDS: u64 = 20_000;
const SEEDS_OF_A_ROUND: u64 = 800;

/// Schedules played twice, to see that they are the same.
const REPEATED: [u64; 10] = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55];

/// Schedules within which each planted bug is to be found.
const SEEDS_FOR_A_BUG: u64 = 200;

/// Schedules that together must reach every corner: fewer may miss a rare one.
const SEEDS_FOR_COVERAGE: u64 = 500;

/// Schedules that have found a fault: two launches at the same time (3), a driver that spun until its next tick (19, 28).
const ONCE_FAILED: [u64; 3] = [3, 19, 28];

/// What the schedules must bring about, or else they prove less than they claim.
const CORNERS: [&str; 48] = [
    "Evaluate Expired",
    "Evaluate Failed",
    "Evaluate Released",
    "Evaluate Revoked",
    "Evaluate Succeeded",
    "Train Diverged",
    "Train Expired",
    "Train Failed",
    "Train Pruned",
    "Train Reached",
    "Train Released",
    "Train Revoked",
    "Train Succeeded",
    "coordinator crashed",
    "deleted under what reuses it",
    "disk refused",
    "drained by the operator",
    "epoch sent again",
    "extended",
    "group crashed",
    "group in a slot",
    "launched twice at the same time",
    "lease lost",
    "link cut",
    "link cut one way",
    "link held",
    "link slow",
    "member diverged beside others",
    "member stopped beside others",
    "operator cut off",
    "paused",
    "removed",
    "request sent twice",
    "resumed from a checkpoint",
    "reused trial",
    "slot crashed",
    "slot stopped in mid-epoch",
    "search finished",
    "sweep cancelled",
    "sweep finished",
    "trial cancelled",
    "trial completed",
    "trial diverged",
    "trial failed",
    "trial pruned",
    "worker crashed",
    "worker departed",
    "worker lost",
];

/// The test that plays a schedule in its own process when it is told a seed.
const PLAYER: &str = "every_schedule_keeps_its_promises_and_ends";

/// One test at a time has the cores.
static CORES: Mutex<()> = Mutex::new(());

fn all_cores() -> MutexGuard<'static, ()> {
    CORES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(variable: &str) -> Result<Option<u64>> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().with_context(|| format!("{variable} is a whole number"))).transpose()
}

/// Plays one schedule in this process.
fn play_here(seed: u64) -> Result<()> {
    let bug = std::env::var("BUG").ok().map(|name| name.parse::<Bug>()).transpose()?;
    if let Ok(filter) = std::env::var("RUST_LOG") {
        // These layers draw no randomness: the schedule is the same, told or not.
        let filter: Targets = filter.parse().context("RUST_LOG names targets and levels")?;
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time();
        tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    }
    let ScheduleOutcome { signature, corners, simulated } = play(&Plan::draw(seed, bug))?;
    let corners: Vec<_> = corners.iter().map(String::as_str).collect();
    println!(
        "\nsignature {signature:016x}\nsimulated {}\ncorners {}",
        simulated.as_secs(),
        corners.join("|")
    );
    Ok(())
}

/// What a process that played a schedule has said.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    signature: String,
    simulated: Duration,
    corners: BTreeSet<String>,
}

/// Plays one schedule in a process of its own; the inner error is what the schedule found.
fn play_apart(seed: u64, bug: Option<Bug>) -> Result<Result<Played, String>> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", PLAYER, "--nocapture"])
        .env("SEED", seed.to_string())
        .env("RUST_BACKTRACE", "0")
        .env_remove("RUST_LOG");
    match bug {
        Some(bug) => command.env("BUG", bug.name()),
        None => command.env_remove("BUG"),
    };
    let Output { status, stdout, stderr } = command.output().context("cannot play a schedule")?;
    let said = String::from_utf8_lossy(&stdout);
    if !status.success() {
        return Ok(Err(format!("{}\n{said}", String::from_utf8_lossy(&stderr))));
    }
    let line = |name: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.map(str::to_owned).with_context(|| format!("seed {seed} did not tell its {name}:\n{said}"))
    };
    Ok(Ok(Played {
        signature: line("signature")?,
        simulated: Duration::from_secs(line("simulated")?.parse()?),
        corners: line("corners")?.split('|').map(str::to_owned).collect(),
    }))
}

fn replay(seed: u64) -> String {
    format!("SEED={seed} cargo test --release --workspace --test cluster_simulation -- --nocapture")
}

/// What many schedules have reached, and how long that was in their time.
#[derive(Default)]
struct Reached {
    corners: BTreeSet<String>,
    simulated: Duration,
}

impl Reached {
    fn and(mut self, played: Played) -> Self {
        self.corners.extend(played.corners);
        self.simulated += played.simulated;
        self
    }
}

/// Plays schedules on every core until one fails.
fn play_all(seeds: &[u64]) -> Result<Reached> {
    let next = AtomicU64::new(0);
    let reached = Mutex::new(Reached::default());
    let one_after_another = || -> Result<()> {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            match play_apart(*seed, None)? {
                Ok(played) => {
                    let mut reached = reached.lock().unwrap_or_else(PoisonError::into_inner);
                    *reached = std::mem::take(&mut *reached).and(played);
                }
                Err(found) => {
                    next.store(seeds.len() as u64, Ordering::Relaxed);
                    bail!("seed {seed} failed:\n{found}\nreplay: {}", replay(*seed));
                }
            }
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one_after_another)).collect();
        let ended = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread that plays schedules panicked")))
        });
        ended.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
    })?;
    Ok(reached.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[test]
fn every_schedule_keeps_its_promises_and_ends() -> Result<()> {
    if let Some(seed) = number("SEED")? {
        return play_here(seed);
    }
    let _cores = all_cores();
    let round = hunt::share("schedules", SEEDS, SEEDS_OF_A_ROUND)?;
    let first = number("FIRST_SEED")?.unwrap_or(round.start);
    let count = number("SEEDS")?.unwrap_or(round.end - round.start);
    let started = Instant::now();
    let Reached { corners, simulated } = play_all(&(first..first + count).collect::<Vec<_>>())?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{count} schedules from seed {first} on: {:.1} hours of simulated time in {seconds:.0} s, {:.1} schedules/s",
        simulated.as_secs_f64() / 3_600.0,
        count as f64 / seconds
    );
    let missed: Vec<_> = CORNERS.into_iter().filter(|corner| !corners.contains(*corner)).collect();
    ensure!(
        count < SEEDS_FOR_COVERAGE || missed.is_empty(),
        "no schedule reached {missed:?}, only {corners:?}"
    );
    Ok(())
}

#[test]
fn schedules_that_have_found_a_fault_do_not_find_it_again() -> Result<()> {
    if number("SEED")?.is_some() {
        return Ok(());
    }
    let _cores = all_cores();
    play_all(&ONCE_FAILED).map(|_| ())
}

#[test]
fn a_seed_fixes_everything_that_happens() -> Result<()> {
    if number("SEED")?.is_some() {
        return Ok(());
    }
    let _cores = all_cores();
    let mut signatures = BTreeSet::new();
    for seed in REPEATED {
        let (one, other) = (play_apart(seed, None)?, play_apart(seed, None)?);
        ensure!(one == other, "seed {seed} gave two different schedules:\n{one:?}\n{other:?}");
        signatures.insert(one.map_err(|found| anyhow::anyhow!("seed {seed} failed: {found}"))?.signature);
    }
    ensure!(signatures.len() == REPEATED.len(), "different seeds gave the same schedule");
    println!("{} seeds, each played twice: the same messages at the same times", REPEATED.len());
    Ok(())
}

#[test]
fn each_planted_bug_is_found() -> Result<()> {
    if number("SEED")?.is_some() {
        return Ok(());
    }
    let _cores = all_cores();
    for bug in Bug::ALL {
        let mut found = None;
        for seed in 0..SEEDS_FOR_A_BUG {
            if let Err(violations) = play_apart(seed, Some(bug))? {
                found = Some((seed, violations));
                break;
            }
        }
        let (seed, violations) = found.with_context(|| {
            format!("the planted bug \"{}\" was not found in {SEEDS_FOR_A_BUG} schedules", bug.name())
        })?;
        ensure!(violations.contains(BROKEN), "{}: the schedule failed otherwise: {violations}", bug.name());
        let first = violations.lines().find(|line| line.starts_with("Error: ")).unwrap_or(&violations);
        println!("{}: found by schedule {}: {first}", bug.name(), seed + 1);
    }
    Ok(())
}
