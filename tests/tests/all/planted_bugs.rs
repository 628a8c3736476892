//! The simulation of the core finds bugs: each of these, planted into a copy of the sources, is found.
//!
//! A planted bug is a replacement of some lines. It must fit exactly once, so that sources that change take
//! their planted bugs along or fail here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sweep_tests::processes::root;

/// Schedules within which each bug is to be found.
const SEEDS: u64 = 300;

struct Bug {
    name: &'static str,
    file: &'static str,
    lines: &'static str,
    planted: &'static str,
}

const BUGS: [Bug; 19] = [
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
    let attempt = engine.index.attempts.get(&token).and_then(|id| engine.tables.attempts.get(id));",
        planted: "    let held = engine.index.attempts.get(&token).and_then(|id| engine.tables.attempts.get(id)).ok_or_else(lost)?;
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

/// A copy of the sources, with the locks and without what was built of them.
fn copy() -> Result<PathBuf> {
    let sources = root().join("target").join("planted").join("sources");
    if sources.exists() {
        std::fs::remove_dir_all(&sources)?;
    }
    std::fs::create_dir_all(&sources)?;
    for name in ["Cargo.toml", "Cargo.lock", "coordinator", "worker", "proto", "tests", "deploy"] {
        copy_all(&root().join(name), &sources.join(name))?;
    }
    Ok(sources)
}

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
    Ok(())
}

/// Runs the simulation over the copy of this folder; what it printed where it failed. All of the workspace is named, in the
/// workspace's own target folder, so that whatever was built for this test program is not built again.
fn simulate(sources: &Path) -> Result<Option<String>> {
    let cargo = |arguments: &[&str]| {
        Command::new(env!("CARGO"))
            .args(["test", "--release", "--locked", "--workspace", "--test", "simulation"])
            .args(arguments)
            .current_dir(sources)
            .env("CARGO_TARGET_DIR", root().join("target"))
            // A bug is a few lines.
            .env("CARGO_INCREMENTAL", "1")
            .env("SEEDS", SEEDS.to_string())
            .env("RUST_BACKTRACE", "0")
            .output()
    };
    let built = cargo(&["--no-run"])?;
    ensure!(built.status.success(), "it does not build: {}", String::from_utf8_lossy(&built.stderr));
    let ran = cargo(&["every_schedule"])?;
    let printed = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Ok(if ran.status.success() { None } else { Some(printed) })
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
fn every_planted_bug_is_found() -> Result<()> {
    let sources = copy()?;
    if let Some(printed) = simulate(&sources)? {
        anyhow::bail!("the simulation fails without a planted bug: {printed}");
    }
    for Bug { name, file, lines, planted } in BUGS {
        let path = sources.join(file);
        let sound = std::fs::read_to_string(&path)?;
        let fits = sound.matches(lines).count();
        ensure!(fits == 1, "\"{name}\" fits {fits} times into {file}");
        std::fs::write(&path, sound.replace(lines, planted))?;
        let found = simulate(&sources).with_context(|| format!("plant \"{name}\""))?;
        std::fs::write(&path, sound)?;
        let printed = found.with_context(|| format!("\"{name}\" was not found in {SEEDS} schedules"))?;
        println!("{name}: found after {} schedules", seeds_of(&printed));
    }
    Ok(())
}
