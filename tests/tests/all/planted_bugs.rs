//! The simulation of the core finds bugs: each of these, planted into a copy of the sources, is found.
//!
//! A planted bug is a replacement of some lines. It must fit exactly once, so that sources that change take
//! their planted bugs along or fail here. A round plants some of them (`sweep_tests::hunt`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sweep_tests::hunt;
use sweep_tests::processes::root;

/// Schedules within which each bug is to be found.
const SEEDS: u64 = 300;
/// Bugs of one round.
const BUGS_OF_A_ROUND: u64 = 6;

struct Bug {
    name: &'static str,
    file: &'static str,
    lines: &'static str,
    planted: &'static str,
}

const BUGS: [Bug; 21] = [
    Bug {
        name: "acknowledge before everything is committed",
        file: "coordinator/store/src/memory.rs",
        lines: "        for mutation in mutations {\n            state.tables.apply(mutation);",
        planted: "        for mutation in mutations.iter().take(mutations.len().max(2) - 1) {\n            state.tables.apply(mutation);",
    },
    Bug {
        name: "fence by worker, not by token",
        file: "coordinator/core/src/decide.rs",
        lines: "    let trial = engine.index.live.get(&token).and_then(|id| engine.tables.trials.get(id)).ok_or_else(lost)?;
    let attempt = engine.index.attempts.get(token).and_then(|id| engine.tables.attempts.get(&id));",
        planted: "    let held = engine.index.attempts.get(token).and_then(|id| engine.tables.attempts.get(&id)).ok_or_else(lost)?;
    let trial = engine.tables.trials.get(&held.id.trial).ok_or_else(lost)?;
    let lease = trial.lease.filter(|lease| lease.worker == held.worker).ok_or_else(lost)?;
    let live = sweep_proto::AttemptId { trial: trial.spec.id, number: lease.attempt };
    let attempt = engine.tables.attempts.get(&live);",
    },
    Bug {
        name: "an ended attempt keeps its lease",
        file: "coordinator/core/src/decide/ending.rs",
        lines: "        let lease = trial.lease.take()?;",
        planted: "        let lease = trial.lease?;",
    },
    Bug {
        name: "a trial begins though its budget is spent",
        file: "coordinator/core/src/decide/work.rs",
        lines: "        if phase == Phase::Train && is_spent {",
        planted: "        if phase == Phase::Evaluate && is_spent && !is_spent {",
    },
    Bug {
        name: "a trial that lacks only its result is shelved when its budget is spent",
        file: "coordinator/core/src/index/sweep.rs",
        lines: "        finalist == Some(trial) || self.courses.untold.contains(&trial)",
        planted: "        finalist == Some(trial)",
    },
    Bug {
        name: "a trial stays behind where its sweep goes on after its budget was spent",
        file: "coordinator/core/src/decide/revive.rs",
        lines: "        for trial in left.by_ref().take(room) {",
        planted: "        for trial in left.by_ref().take(room).skip(1) {",
    },
    Bug {
        name: "the retry budget is lost",
        file: "coordinator/core/src/decide/complete.rs",
        lines: "        trial.failures += 1;",
        planted: "",
    },
    Bug {
        name: "a lease that ran out is never taken back",
        file: "coordinator/core/src/decide/tick.rs",
        lines: "            draft.take_back(*trial, AttemptState::Expired);",
        planted: "            _ = trial;",
    },
    Bug {
        name: "a trial that was handed back is lost",
        file: "coordinator/core/src/decide/ending.rs",
        lines: "                WorkKind::Train => self.requeue(trial),",
        planted: "                WorkKind::Train => self.set_trial(trial),",
    },
    Bug {
        name: "grants are not repeated for a repeated request",
        file: "coordinator/core/src/decide/work.rs",
        lines: "filter(|answered| answered.request_id == request_id)",
        planted: "filter(|answered| answered.request_id != answered.request_id)",
    },
    Bug {
        name: "a repeated answer takes groups apart",
        file: "coordinator/core/src/decide/work.rs",
        lines: "groups.entry(lease.slot())",
        planted: "groups.entry(lease.token)",
    },
    Bug {
        name: "a gap between epochs is accepted",
        file: "coordinator/core/src/decide/report_epoch.rs",
        lines: "    if metric.epoch != expected {",
        planted: "    if metric.epoch < expected {",
    },
    Bug {
        name: "a repeated epoch is refused instead of acknowledged",
        file: "coordinator/core/src/decide/report_epoch.rs",
        lines: "    if engine.tables.epochs.get(&(id, metric.epoch)) == Some(&record) {",
        planted: "    if engine.tables.epochs.get(&(id, metric.epoch)) == Some(&record) && metric.epoch == 0 {",
    },
    Bug {
        name: "a checkpoint is kept without its epoch",
        file: "coordinator/core/src/decide/report_epoch.rs",
        lines: "    draft.add_epoch(record);",
        planted: "    _ = record;",
    },
    Bug {
        name: "a token is granted twice",
        file: "coordinator/core/src/draft.rs",
        lines: "        self.last_token += 1;",
        planted: "        self.last_token |= 1;",
    },
    Bug {
        name: "a restart forgets when leases end",
        file: "coordinator/core/src/volatile.rs",
        lines: "            volatile.set_expiry(lease.token, now.plus_ms(LEASE_TTL_MS));",
        planted: "            _ = lease;",
    },
    Bug {
        name: "leases run out while the coordinator stands still",
        file: "coordinator/core/src/decide/tick.rs",
        lines: "is_some_and(|last| now.since_ms(last) > STALL_MS)",
        planted: "is_some_and(|last| now.since_ms(last) > 1_000 * STALL_MS)",
    },
    Bug {
        name: "trials that are still paused are forgotten when their sweep goes on",
        file: "coordinator/core/src/index/sweep.rs",
        lines: "                !self.paused.is_empty()\n                    || self.lacks(sweep, self.pending.len(), stock)",
        planted: "                self.lacks(sweep, self.pending.len(), stock)",
    },
    Bug {
        name: "a proposal from an old snapshot accepted",
        file: "coordinator/core/src/decide/propose.rs",
        lines: "    let is_present = record.version == stand.version && index.made() == stand.first;",
        planted: "    let is_present = record.version >= stand.version && index.made() >= stand.first;",
    },
    Bug {
        name: "a removed row that a result needs",
        file: "coordinator/core/src/decide/delete.rs",
        lines: "        kept.peek().is_none_or(|origin| **origin != trial.index)",
        planted: "        kept.peek().is_none_or(|origin| **origin <= trial.index)",
    },
    Bug {
        name: "a removed model that the answer needs",
        file: "coordinator/core/src/retention.rs",
        lines: "(!trial.model_is_removed && Some(trial.configuration_index) != best)",
        planted: "(!trial.model_is_removed && best.is_some())",
    },
];

impl Bug {
    /// The file with and without the bug.
    fn plant(&self, sources: &Path) -> Result<(String, String)> {
        let sound = std::fs::read_to_string(sources.join(self.file))?;
        let fits = sound.matches(self.lines).count();
        ensure!(fits == 1, "\"{}\" fits {fits} times into {}", self.name, self.file);
        let planted = sound.replace(self.lines, self.planted);
        Ok((planted, sound))
    }
}

/// Copies of the sources and of the libraries that this test program was built from, in a target folder of their own: whoever
/// builds in the workspace's meanwhile must not link a planted bug.
struct Copies {
    sources: PathBuf,
    target: PathBuf,
}

impl Copies {
    fn make() -> Result<Self> {
        let folder = root().join("target").join("planted");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let copies = Self { sources: folder.join("sources"), target: folder.join("target") };
        std::fs::create_dir_all(&copies.sources)?;
        for name in ["Cargo.toml", "Cargo.lock", "coordinator", "worker", "proto", "tests", "deploy"] {
            copy_all(&root().join(name), &copies.sources.join(name))?;
        }
        let program = std::env::current_exe()?;
        let built = program.ancestors().nth(2).context("the test program lies in no target folder")?;
        let into = copies.target.join("release");
        for name in ["build", ".fingerprint"] {
            copy_all(&built.join(name), &into.join(name))?;
        }
        link_libraries(&built.join("deps"), &into.join("deps"))?;
        Ok(copies)
    }

    /// Runs the simulation of the copied core; what it printed where it failed. All of the workspace is named, so that its
    /// libraries have the features with which they were built.
    fn simulate(&self) -> Result<Option<String>> {
        let cargo = |arguments: &[&str]| {
            Command::new(env!("CARGO"))
                .args(["test", "--release", "--locked", "--workspace", "--test", "simulation"])
                .args(arguments)
                .current_dir(&self.sources)
                .env("CARGO_TARGET_DIR", &self.target)
                // A bug is a few lines.
                .env("CARGO_INCREMENTAL", "1")
                .env("SEEDS", SEEDS.to_string())
                .env("RUST_BACKTRACE", "0")
                .output()
        };
        let built = cargo(&["--no-run"])?;
        ensure!(built.status.success(), "it does not build: {}", String::from_utf8_lossy(&built.stderr));
        let ran = cargo(&["every_schedule"])?;
        let printed =
            [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        Ok(if ran.status.success() { None } else { Some(printed) })
    }
}

/// With the times at which the files were written: by them cargo knows what must be built.
fn copy_all(from: &Path, into: &Path) -> Result<()> {
    if from.is_dir() {
        std::fs::create_dir_all(into)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            copy_all(&entry.path(), &into.join(entry.file_name()))?;
        }
        return Ok(());
    }
    std::fs::copy(from, into).with_context(|| format!("copy {}", from.display()))?;
    let written = std::fs::metadata(from)?.modified()?;
    std::fs::File::open(into)?.set_modified(written).with_context(|| format!("date {}", into.display()))
}

/// The libraries of others: ours are built from the copied sources.
fn link_libraries(from: &Path, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_library = [".rlib", ".rmeta", ".so"].iter().any(|ending| name.ends_with(ending));
        let is_ours = ["libcoordinator", "libsweep_", "libworker"].iter().any(|ours| name.starts_with(ours));
        if is_library && !is_ours {
            std::fs::hard_link(entry.path(), into.join(name))?;
        }
    }
    Ok(())
}

/// After how many schedules it was found.
fn seeds_of(printed: &str) -> String {
    let seeds = printed.split("replay: SEED=").skip(1);
    let seeds = seeds.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    seeds
        .min()
        .map_or_else(|| format!("all {SEEDS}, none of which reached a corner"), |seed| (seed + 1).to_string())
}

#[test]
fn every_planted_bug_fits() -> Result<()> {
    BUGS.iter().try_for_each(|bug| bug.plant(&root()).map(drop))
}

#[test]
fn every_planted_bug_is_found() -> Result<()> {
    let round = hunt::share("planted bugs", BUGS.len() as u64, BUGS_OF_A_ROUND)?;
    let copies = Copies::make()?;
    if let Some(printed) = copies.simulate()? {
        anyhow::bail!("the simulation fails without a planted bug: {printed}");
    }
    for bug in &BUGS[round.start as usize..round.end as usize] {
        let (planted, sound) = bug.plant(&copies.sources)?;
        let path = copies.sources.join(bug.file);
        std::fs::write(&path, planted)?;
        let found = copies.simulate().with_context(|| format!("plant \"{}\"", bug.name))?;
        std::fs::write(&path, sound)?;
        let printed =
            found.with_context(|| format!("\"{}\" was not found in {SEEDS} schedules", bug.name))?;
        println!("{}: found after {} schedules", bug.name, seeds_of(&printed));
    }
    Ok(())
}
