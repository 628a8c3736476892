//! `sweep watch` on a real terminal: what a person sees, types and finds afterwards.

use std::process::Command;

use anyhow::{Result, ensure};
use sweep_tests::processes::{Cluster, command, wait_until};
use sweep_tests::pseudo_terminal::{PseudoTerminal, ensure_exit};

/// Six trials of some seconds each, so that they are seen in their midst.
const SWEEP: &str = r#"
name = "seen"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [32, 48]
[train]
epochs = 8
replicates = 3
"#;

/// A cluster with that sweep and, so far, no worker.
fn launched() -> Result<Cluster> {
    let cluster = Cluster::start()?;
    let file = cluster.write("seen.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(cluster)
}

fn watch_command(cluster: &Cluster, more: &[&str]) -> Result<Command> {
    let mut command = command("sweep")?;
    command.args(["watch", "seen"]).args(more).current_dir(cluster.directory());
    command.env_remove("SWEEP_TOKEN").env("SWEEP_SERVER", format!("http://{}", cluster.address()));
    Ok(command)
}

/// `sweep watch` on a terminal whose log has room for all that happens.
fn watch(cluster: &Cluster) -> Result<PseudoTerminal> {
    let terminal = PseudoTerminal::start(&watch_command(cluster, &[])?, 40, 80)?;
    terminal.wait_for("running trials")?;
    ensure!(terminal.is_taken(), "the whole screen is not taken:\n{}", terminal.text());
    Ok(terminal)
}

#[test]
fn a_sweep_is_seen_from_its_first_worker_to_its_end() -> Result<()> {
    let mut cluster = launched()?;
    let mut terminal = watch(&cluster)?;
    terminal.wait_for("waiting: no worker is connected")?;
    let _worker = cluster.add_worker()?;
    terminal.wait_for("worker worker-1 joined with 1 slot")?;
    terminal.wait_until("a trial is in its midst, with a curve", |text| {
        (1..8).any(|epoch| text.contains(&format!("{epoch}/8"))) && text.contains('▁')
    })?;
    terminal.wait_for("✓ trial 1/")?;
    terminal.wait_for("★ best so far")?;
    terminal.resize(50, 160)?;
    terminal.wait_until("the panes stand side by side", |text| {
        text.lines().any(|line| line.contains("best configurations") && line.contains("workers"))
    })?;
    ensure_exit(&mut terminal, 0)?;
    ensure!(terminal.is_restored()?, "the terminal is not what it was");
    let text = terminal.text();
    ensure!(
        text.contains("sweep 1 (seen): finished") && text.contains("6 of 6 ended: 6 completed"),
        "{text}"
    );
    ensure!(!text.contains("running trials"), "something of the full screen is left:\n{text}");
    cluster.check_remains()
}

#[test]
fn who_leaves_finds_the_terminal_as_it_was_and_the_sweep_goes_on() -> Result<()> {
    let mut cluster = launched()?;
    let _worker = cluster.add_worker()?;
    for keys in ["q", "\u{3}", "\u{1b}"] {
        let mut terminal = watch(&cluster)?;
        terminal.type_keys(keys)?;
        ensure_exit(&mut terminal, 0)?;
        ensure!(terminal.is_restored()?, "the terminal is not what it was after {keys:?}");
        let text = terminal.text();
        ensure!(text.contains("the sweep goes on; `sweep watch 1` shows it again"), "{text}");
        ensure!(!text.contains("error"), "{text}");
    }
    for signal in ["INT", "TERM"] {
        let mut terminal = watch(&cluster)?;
        let sent = Command::new("kill").args(["-s", signal, &terminal.id().to_string()]).status()?;
        ensure!(sent.success(), "kill: {sent}");
        ensure_exit(&mut terminal, 0)?;
        ensure!(terminal.is_restored()?, "the terminal is not what it was after SIG{signal}");
    }
    wait_until("the sweep has ended", || Ok(cluster.sweep(&["status", "seen"])?["state"] == "finished"))?;
    cluster.check_remains()
}

#[test]
fn keys_and_sizes_of_every_kind_are_lived_through() -> Result<()> {
    let cluster = launched()?;
    let mut terminal = watch(&cluster)?;
    terminal.type_keys("?")?;
    terminal.wait_for("show or hide this help")?;
    terminal.type_keys("?")?;
    terminal.wait_until("the help is gone", |text| !text.contains("show or hide this help"))?;
    terminal.type_keys("\t")?;
    terminal.wait_for("▸ workers")?;
    terminal.type_keys("\u{1b}[Z\u{1b}[D")?;
    terminal.wait_for("▸ best configurations")?;
    for (lines, columns) in [(1, 1), (2, 200), (5, 20), (100, 3), (60, 250)] {
        terminal.resize(lines, columns)?;
        terminal.type_keys("jGk\u{1b}[6~\u{1b}[5~")?;
    }
    terminal.resize(24, 80)?;
    terminal.wait_until("all of it is back", |text| {
        ["best configurations", "running trials", "workers", "what happened", "q quit"]
            .iter()
            .all(|part| text.contains(part))
    })?;
    terminal.type_keys("q")?;
    ensure_exit(&mut terminal, 0)?;
    ensure!(terminal.is_restored()?, "the terminal is not what it was");
    Ok(())
}

#[test]
fn a_lost_connection_is_shown_and_found_again() -> Result<()> {
    let mut cluster = launched()?;
    let mut terminal = watch(&cluster)?;
    cluster.crash_coordinator()?;
    terminal.wait_for("connected again after")?;
    terminal.wait_for("● connected")?;
    ensure!(terminal.text().contains("connection lost ("), "{}", terminal.text());
    terminal.type_keys("q")?;
    ensure_exit(&mut terminal, 0)
}

#[test]
fn a_sweep_that_is_cancelled_ends_the_watching_with_its_exit_code() -> Result<()> {
    let cluster = launched()?;
    let mut terminal = watch(&cluster)?;
    cluster.sweep(&["cancel", "seen"])?;
    ensure_exit(&mut terminal, 1)?;
    ensure!(terminal.is_restored()?, "the terminal is not what it was");
    let text = terminal.text();
    ensure!(text.contains("sweep 1 (seen): cancelled") && text.contains("sweep 1 was cancelled"), "{text}");
    Ok(())
}

#[test]
fn the_screen_is_not_taken_where_that_is_not_wanted() -> Result<()> {
    let cluster = launched()?;
    let ways = [
        (&["--plain"][..], "xterm", "waiting: no worker is connected"),
        (&["--json"], "xterm", "\"name\":\"seen\""),
        (&[], "dumb", "waiting: no worker is connected"),
    ];
    for (more, name, shown) in ways {
        let mut command = watch_command(&cluster, more)?;
        command.env("TERM", name);
        let mut terminal = PseudoTerminal::start(&command, 24, 80)?;
        terminal.wait_for(shown)?;
        ensure!(!terminal.is_taken(), "{more:?} takes the whole screen");
        terminal.type_keys("\u{3}")?;
        ensure_exit(&mut terminal, 0)?;
    }
    Ok(())
}
