//! `sweep watch` and `sweep run` on a real terminal: what a person sees, types and finds afterwards.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
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

/// What of a text makes a terminal do more than show lines, colours aside: the first such place.
fn redrawing(written: &str) -> Option<&str> {
    let mut rest = written;
    while let Some(at) = rest.find(['\r', '\u{1b}']) {
        let steering = &rest[at..];
        rest = if let Some(after) = steering.strip_prefix("\r\n") {
            after
        } else {
            let style = steering.strip_prefix("\u{1b}[").map(|style| {
                style.trim_start_matches(|one: char| one.is_ascii_digit() || one == ';').strip_prefix('m')
            });
            match style.flatten() {
                Some(after) => after,
                None => return Some(steering),
            }
        };
    }
    None
}

#[test]
fn a_run_shows_lines_where_they_are_asked_for_and_redraws_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("seen.toml"), SWEEP)?;
    let run = |more: &[&str]| -> Result<PseudoTerminal> {
        let mut command = command("sweep")?;
        command.args(["run", "seen.toml", "--slots", "2", "--again", "--no-reuse"]).args(more);
        command.current_dir(folder.path()).env_remove("SWEEP_TOKEN").env_remove("SWEEP_SERVER");
        PseudoTerminal::start(&command, 40, 80)
    };
    let mut plain = run(&["--plain"])?;
    ensure_exit(&mut plain, 0)?;
    let written = plain.written();
    ensure!(redrawing(&written).is_none(), "something is drawn again: {:?}", redrawing(&written));
    // Progress comes in lines of its own, the last of them at the end, and then the answer.
    let progress: Vec<_> = written.lines().filter(|line| line.contains("/6 trials, ")).collect();
    ensure!(progress.len() >= 3, "{progress:?}");
    ensure!(progress.iter().any(|line| line.contains("0/6 trials, ")), "{progress:?}");
    ensure!(progress.last().is_some_and(|line| line.contains("6/6 trials, 48/48 epochs")), "{progress:?}");
    let answer = written.find("report: ").filter(|report| written.find("6/6 trials") < Some(*report));
    ensure!(answer.is_some(), "no answer after the progress: {written}");

    // Bars are drawn again and again: the same look finds that.
    let mut bars = run(&[])?;
    bars.wait_until("a bar is drawn", |text| text.contains("/6 trials") && text.contains("epochs"))?;
    bars.type_keys("\u{3}")?;
    bars.ended()?;
    ensure!(redrawing(&bars.written()).is_some(), "no bar is drawn: {:?}", bars.written());
    ensure!(bars.is_restored()?, "the terminal is not what it was");
    Ok(())
}

/// A page of the coordinator, as it is sent.
fn page(cluster: &Cluster, path: &str) -> Result<String> {
    let output =
        Command::new("curl").args(["-sf", &format!("http://{}{path}", cluster.address())]).output()?;
    ensure!(output.status.success(), "curl: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a shown number is this one, to as many decimals as are shown.
fn is_shown(shown: &str, number: f64) -> bool {
    let decimals = shown.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    decimals >= 3 && format!("{number:.decimals$}") == shown
}

/// What stands between two texts, at the first place where both do.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

#[test]
fn the_best_so_far_is_the_same_trial_and_number_in_every_view() -> Result<()> {
    let mut cluster = launched()?;
    let worker = cluster.add_worker()?;
    let completed = |status: &Value| status["ledger"]["completed"].as_u64().unwrap_or_default();
    wait_until("most trials have completed", || Ok(completed(&cluster.sweep(&["status", "seen"])?) >= 4))?;
    cluster.sweep(&["pause", "seen"])?;
    wait_until("nothing runs", || Ok(cluster.sweep(&["status", "seen"])?["ledger"]["leased"] == 0))?;
    // From here on every view shows the same moment.
    let status = cluster.sweep(&["status", "seen"])?;
    ensure!((4..6).contains(&completed(&status)), "too late or too early: {status}");
    let best = &status["best"][0];
    let label = best["label"].as_str().context("a label")?;
    let loss = best["validation_loss"].as_f64().context("a loss")?;
    let lowest = status["lowest"]["validation_loss"].as_f64().context("a lowest loss")?;
    let replicates = best["completed"].as_u64().context("a count")?;
    ensure!(replicates > 1 && lowest < loss, "a mean and a single trial are to differ: {status}");
    let of = if replicates < 3 { format!("{replicates} of 3") } else { "3".to_owned() };

    let mut screen = PseudoTerminal::start(&watch_command(&cluster, &[])?, 40, 160)?;
    screen.wait_for(&format!("lowest trial {lowest:.4}"))?;
    screen.wait_until("the best configuration is that of the status", |text| {
        text.lines().any(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let ranked = words.windows(2).any(|pair| pair[0] == "1" && is_shown(pair[1], loss));
            ranked && words.contains(&format!("{replicates}/3").as_str()) && line.contains(label)
        })
    })?;
    screen.type_keys("q")?;
    ensure_exit(&mut screen, 0)?;

    let line = |text: &str| -> Option<(String, String)> {
        let best = between(text, "best loss ", &format!(" ({of} replicates)"))?;
        let single = text.split_once("lowest trial ")?.1;
        let end = single.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(single.len());
        Some((best.to_owned(), single[..end].to_owned()))
    };
    let is_line = |text: &str| {
        // A long line is broken between words.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line(&text).is_some_and(|(best, single)| is_shown(&best, loss) && is_shown(&single, lowest))
    };
    let mut plain = PseudoTerminal::start(&watch_command(&cluster, &["--plain"])?, 40, 80)?;
    plain.wait_until("the line shows the best of the status", is_line)?;
    plain.type_keys("\u{3}")?;
    plain.ended()?;

    let overview = page(&cluster, "/")?;
    let told = between(&overview, "<td>loss ", &format!(" over {of} replicates ({label})"));
    ensure!(told.is_some_and(|told| is_shown(told, loss)), "{told:?}, not {loss}, on {overview}");
    let sweep = page(&cluster, "/sweeps/1")?;
    let row = format!("<td>{label}</td><td class=\"number\">{replicates} of 3</td><td class=\"number\">");
    let told = between(&sweep, &row, "</td>");
    ensure!(told.is_some_and(|told| is_shown(told, loss)), "{told:?}, not {loss}, on the sweep's page");
    let told = between(&sweep, "Lowest single trial: ", "(").and_then(|told| told.split("with ").nth(1));
    ensure!(told.is_some_and(|told| is_shown(told.trim(), lowest)), "{told:?}, not {lowest}");

    // `sweep run` goes on from there: its first line with a best one is of the same moment.
    drop(worker);
    cluster.signal_coordinator("KILL")?;
    wait_until("the coordinator is gone", || Ok(cluster.sweep(&["list"]).is_err()))?;
    let mut run = command("sweep")?;
    run.args(["run", "seen.toml", "--plain"]).current_dir(cluster.directory());
    run.env_remove("SWEEP_TOKEN").env_remove("SWEEP_SERVER");
    let mut run = PseudoTerminal::start(&run, 40, 200)?;
    run.wait_for("going on with sweep 1 (seen)")?;
    run.wait_for("best loss ")?;
    run.wait_for("lowest trial ")?;
    let text = run.text();
    let first = text.lines().find(|line| line.contains("best loss ")).context("a line")?;
    ensure!(is_line(first), "{first}: not {loss} ({of} replicates) and {lowest}");
    run.type_keys("\u{3}")?;
    run.ended()?;
    Ok(())
}
