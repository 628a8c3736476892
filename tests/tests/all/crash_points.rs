//! Coordinator and worker killed with SIGKILL before every single write boundary of a small sweep: each time
//! the sweep ends with the undisturbed answer, and `sweep fsck --strict` finds nothing.
//!
//! A round tries a third of the boundaries (`sweep_tests::hunt`). `CRASH_POINT=coordinator:17` repeats one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sweep_tests::crash_points::{Watch, Watched};
use sweep_tests::hunt;
use sweep_tests::ledger::finished_by;
use sweep_tests::processes::{Process, program, wait_until};

/// Trials of two epochs, and their evaluation: every kind of write stands in it.
const SWEEP: &str = r#"
name = "crash"
[data]
dataset = "snippets"
max_length = 12
train_rows = 300
test_rows = 60
[grid]
units = [8]
embedding = [8]
[train]
epochs = 2
replicates = MEMBERS
"#;

/// Sweeps side by side: they wait more than they work.
const AT_ONCE: usize = 4;

/// Rounds in which each boundary is tried once.
const ROUNDS: u64 = 3;

/// Boundaries beyond the counted ones that are tried, because runs differ a little.
const MARGIN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Coordinator,
    Worker,
}

/// One small cluster with a victim under watch.
struct Scene {
    folder: tempfile::TempDir,
    address: String,
    /// Trials, all of them in one slot.
    members: usize,
}

impl Scene {
    fn new(members: usize) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let scene = Self { folder: tempfile::tempdir()?, address: format!("127.0.0.1:{port}"), members };
        std::fs::write(scene.path("crash.toml"), SWEEP.replace("MEMBERS", &members.to_string()))?;
        Ok(scene)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn coordinator(&self) -> Vec<String> {
        ["serve", "--listen", &self.address, "--data-dir", &self.text("data")].map(ToOwned::to_owned).to_vec()
    }

    fn worker(&self) -> Vec<String> {
        let (url, state) = (format!("http://{}", self.address), self.text("worker"));
        let group = self.members.to_string();
        let slots = ["join", &url, "--slots", "1", "--group", &group, "--device", "cpu"];
        let arguments = [&slots[..], &["--state-dir", &state, "--wait", "60"]].concat();
        arguments.into_iter().map(ToOwned::to_owned).collect()
    }

    fn start(&self, victim: Victim) -> Result<Process> {
        let (name, arguments) = self.program_of(victim);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Process::start(name, &arguments, &self.path(&format!("{name}.log")))
    }

    fn watch(&self, victim: Victim, at: Option<usize>) -> Result<Watch> {
        let (name, arguments) = self.program_of(victim);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Watch::start(name, &arguments, &self.path(&format!("{name}.log")), at)
    }

    fn program_of(&self, victim: Victim) -> (&'static str, Vec<String>) {
        match victim {
            Victim::Coordinator => ("sweep", self.coordinator()),
            Victim::Worker => ("sweep-worker", self.worker()),
        }
    }

    fn sweep(&self, arguments: &[&str]) -> Result<Value> {
        let output = std::process::Command::new(program("sweep")?)
            .args(["--json", "--server", &format!("http://{}", self.address)])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sweep {arguments:?}: {}: {stderr}", output.status);
        serde_json::from_slice(&output.stdout).context("no JSON")
    }

    /// Runs the sweep to its end with the victim under watch, which is started again without where it was
    /// killed. Gives the answer and what was seen.
    fn play(&self, victim: Victim, at: Option<usize>) -> Result<(Value, Watched)> {
        let other = match victim {
            Victim::Coordinator => Victim::Worker,
            Victim::Worker => Victim::Coordinator,
        };
        let watch = self.watch(victim, at)?;
        let other = self.start(other)?;
        let mut again = None;
        let mut is_launched = false;
        let mut is_told = false;
        wait_until("the sweep ends", || {
            if again.is_none() && watch.has_ended() {
                again = Some(self.start(victim)?);
            }
            if !is_launched {
                is_launched = self.sweep(&["launch", &self.text("crash.toml")]).is_ok();
            } else if !is_told {
                is_told = self.sweep(&["status", "crash"]).is_ok_and(|status| status["state"] == "finished");
            }
            Ok(is_told)
        })
        .with_context(|| self.logs())?;
        let report = finished_by(|arguments| self.sweep(arguments), self.folder.path(), "crash")?;
        // A worker under watch leaves while its coordinator still answers.
        let watched = watch.end()?;
        drop((again, other));
        let findings = self.sweep(&["fsck", "--strict", "--data-dir", &self.text("data")])?;
        ensure!(findings["problems"] == json!([]), "fsck: {findings}");
        report.check_complete(self.members, 2).or_else(|error| {
            // A launch whose answer was lost is a sweep, too: the one launched again reuses its trials.
            ensure!(report.json["ledger"]["reused"] == self.members, "{error}");
            Ok(())
        })?;
        Ok((answer(&report.json), watched))
    }

    fn logs(&self) -> String {
        let logs = ["sweep.log", "sweep-worker.log"].map(|name| self.path(name));
        logs.map(|log| std::fs::read_to_string(log).unwrap_or_default()).join("\n---\n")
    }
}

/// What must not depend on any crash.
fn answer(report: &Value) -> Value {
    json!({ "answer": report["answer"], "ranking": report["ranking"] })
}

fn enumerate(victim: Victim, name: &str, members: usize) -> Result<()> {
    let (expected, calm) = Scene::new(members)?.play(victim, None)?;
    let total = calm.boundaries.len();
    ensure!(total > 20, "the watched {name} did nothing: {:?}", calm.boundaries);
    let only = std::env::var("CRASH_POINT").ok();
    // Neighbouring boundaries are of one kind, so a round takes every third one.
    let rounds = hunt::share("rounds of crash points", ROUNDS, 1)?;
    let wanted = |at: usize| match &only {
        Some(only) => *only == format!("{name}:{at}"),
        None => rounds.contains(&(at as u64 % ROUNDS)),
    };
    let points: Vec<usize> = (1..=total + MARGIN).filter(|at| wanted(*at)).collect();
    let met_at_least = points.iter().filter(|at| **at <= total).count() * 9 / 10;
    let next = AtomicUsize::new(0);
    let killed = std::sync::Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|scope| -> Result<()> {
        let one_after_another = || -> Result<()> {
            while let Some(at) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (answer, watched) = Scene::new(members)?
                    .play(victim, Some(*at))
                    .with_context(|| format!("repeat it with CRASH_POINT={name}:{at}"))?;
                ensure!(answer == expected, "CRASH_POINT={name}:{at}: the answer differs: {answer}");
                if watched.was_killed {
                    let boundary = watched.boundaries.get(at - 1).cloned().unwrap_or_default();
                    *killed.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.entry(boundary).or_default() +=
                        1;
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(one_after_another)).collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        Ok(())
    })?;
    let killed = killed.into_inner().map_err(|_| anyhow::anyhow!("poisoned"))?;
    let kills: usize = killed.values().sum();
    println!("{name}: {total} boundaries in a calm run, killed before {kills} of them:");
    for (boundary, count) in &killed {
        println!("{count:5}  {boundary}");
    }
    // Runs differ a little: background work may fall on either side of the sweep's end.
    ensure!(only.is_some() || kills >= met_at_least, "only {kills} of {} boundaries were met", points.len());
    Ok(())
}

#[test]
fn the_coordinator_is_killed_before_every_write() -> Result<()> {
    enumerate(Victim::Coordinator, "coordinator", 1)
}

#[test]
fn the_worker_is_killed_before_every_write_of_a_group() -> Result<()> {
    enumerate(Victim::Worker, "worker", 2)
}
