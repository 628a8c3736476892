//! The command line against a coordinator in this process, without workers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator::{Server, ServerConfig, StoreChoice};
use serde_json::Value;
use support::command_line::CommandLine;

const SWEEP: &str = "name = \"small\"\n[data]\ndataset = \"snippets\"\ntrain_rows = 200\ntest_rows = 50\n\
    [grid]\nunits = [4, 8]\n[train]\nepochs = 3\n";

/// A coordinator and a folder with a sweep file.
struct Place {
    server: Server,
    line: CommandLine,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("small.toml"), SWEEP).expect("written");
        let listen = "127.0.0.1:0".parse().expect("an address");
        let config = ServerConfig::local(listen, folder.path().join("data"), StoreChoice::Memory);
        let server = coordinator::start(config).await.expect("the coordinator starts");
        let line = CommandLine::new(folder, &server);
        Self { server, line }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_is_launched_paused_resumed_extended_and_cancelled() {
    let place = Place::new().await;
    assert_eq!(place.line.json(&["list"]), serde_json::json!([]));
    let launched = place.line.json(&["launch", "small.toml"]);
    assert_eq!((&launched["id"], &launched["ledger"]["planned"]), (&1.into(), &2.into()));
    assert_eq!(place.line.json(&["list"])[0]["name"], "small");
    assert_eq!(place.line.json(&["status"])["id"], 1, "without an id, the newest");
    assert_eq!(place.line.json(&["pause", "small"])["state"], "paused");
    assert_eq!(place.line.json(&["resume", "1"])["state"], "open");
    assert_eq!(place.line.json(&["extend", "1", "--grid", "units = [16]"])["ledger"]["planned"], 3);
    assert_eq!(place.line.json(&["extend", "1", "--replicates", "2"])["ledger"]["planned"], 6);
    let cancelled = place.line.json(&["cancel", "1"]);
    assert_eq!((&cancelled["state"], &cancelled["ledger"]["cancelled"]), (&"cancelled".into(), &6.into()));
    assert!(place.line.fails(&["watch", "1"], 1).contains("was cancelled"));
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_a_search_is_raised() {
    let place = Place::new().await;
    let searched = SWEEP.replace("[train]", "[search]\nsampler = \"random\"\ntrials = 1\n[train]");
    assert!(searched.contains("[search]"), "{searched}");
    std::fs::write(place.line.path("searched.toml"), searched).expect("written");
    assert_eq!(place.line.json(&["launch", "searched.toml"])["ledger"]["planned"], 1);
    assert_eq!(place.line.json(&["extend", "1", "--trials", "2"])["ledger"]["planned"], 2);
    while place.line.json(&["status", "1"])["search"]["trials_made"] != 2 {}
    let stderr = place.line.fails(&["extend", "1", "--trials", "1"], 2);
    assert!(stderr.contains("cannot lower it to 1"), "{stderr}");
    let stderr = place.line.fails(&["extend", "1", "--epochs", "9"], 2);
    assert!(stderr.contains("no budget of epochs"), "{stderr}");
    let stderr = place.line.fails(&["extend", "1", "--hours", "-1"], 2);
    assert!(stderr.contains("it must be a number from 0.000001 to 1000000000, not -1"), "{stderr}");
    let stderr = place.line.fails(&["extend", "1", "--trials", "-1"], 2);
    assert!(stderr.contains("it must be a whole number from 1 to 1000000"), "{stderr}");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hours_and_the_money_of_a_search_are_told_and_changed() {
    let place = Place::new().await;
    let budget = "[search]\nsampler = \"random\"\nhours = 8\nmoney = 10\nprice_per_hour = 2.5\n[train]";
    std::fs::write(place.line.path("searched.toml"), SWEEP.replace("[train]", budget)).expect("written");
    let search = &place.line.json(&["launch", "searched.toml"])["search"];
    assert_eq!((search["hours_max"].as_f64(), search["money_max"].as_f64()), (Some(8.0), Some(10.0)));
    assert_eq!((search["hours_spent"].as_f64(), search["money_spent"].as_f64()), (Some(0.0), Some(0.0)));
    assert!(search["spent"].is_null() && search["epochs_max"].is_null(), "{search}");
    let told = String::from_utf8(place.line.sweep(&["status", "1"]).stdout).expect("UTF-8");
    assert!(told.contains("0.00 of 8 hours spent, 0.00 of 10 money spent"), "{told}");
    let extended = place.line.json(&["extend", "1", "--hours", "4", "--money", "12.5"]);
    let search = &extended["search"];
    assert_eq!((search["hours_max"].as_f64(), search["money_max"].as_f64()), (Some(4.0), Some(12.5)));
    let stderr = place.line.fails(&["extend", "1", "--hours", "0"], 2);
    assert!(stderr.contains("it must be a number from 0.000001 to 1000000000, not 0"), "{stderr}");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_the_same_as_scripts() {
    let place = Place::new().await;
    let launched = place.line.sweep(&["launch", "small.toml"]);
    assert_eq!(
        String::from_utf8_lossy(&launched.stdout),
        "launched sweep 1 (small): 2 trials, 0 of them reused\n"
    );
    let status = place.line.sweep(&["status", "small"]);
    insta::assert_snapshot!("status_of_a_new_sweep", String::from_utf8_lossy(&status.stdout));
    let list = String::from_utf8(place.line.sweep(&["list"]).stdout).expect("UTF-8");
    assert!(list.lines().nth(1).is_some_and(|row| row.contains("small") && row.contains("open")), "{list}");
    let workers = place.line.sweep(&["workers"]);
    assert!(workers.status.success() && workers.stdout.is_empty());
    assert!(String::from_utf8_lossy(&workers.stderr).contains("sweep-worker join"));
    assert_eq!(place.line.json(&["workers"]), serde_json::json!([]));
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_coordinator_refuses_is_told() {
    let place = Place::new().await;
    for unknown in ["7", "nobody"] {
        for command in ["status", "watch", "cancel", "pause", "resume", "report"] {
            let stderr = place.line.fails(&[command, unknown], 1);
            assert!(stderr.contains(unknown) && stderr.contains("sweep list"), "{command}: {stderr}");
        }
    }
    place.line.fails(&["drain", "nobody"], 1);
    place.line.json(&["launch", "small.toml"]);
    let stderr = place.line.fails(&["extend", "1", "--grid", "unit = [16]"], 2);
    assert!(stderr.contains("units"), "{stderr}");
    let missing = SWEEP.replace("dataset = \"snippets\"", "path = \"gone.csv\"\ntext = \"a\"\nlabel = \"b\"");
    std::fs::write(place.line.path("missing.toml"), missing).expect("written");
    let stderr = place.line.fails(&["launch", "missing.toml"], 2);
    assert!(stderr.contains("gone.csv"), "{stderr}");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_an_open_sweep_is_written_whole() {
    let place = Place::new().await;
    place.line.json(&["launch", "small.toml"]);
    let written = place.line.json(&["report", "small", "-o", "there"]);
    let names: Vec<&str> =
        written["files"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"report.json"), "{names:?}");
    for name in &names {
        assert!(place.line.path("there").join(name).metadata().expect("there").len() > 0, "{name}");
    }
    let found = std::fs::read_dir(place.line.path("there")).expect("there").count();
    assert_eq!(found, names.len(), "no partial file stays");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_report_is_rewritten_until_the_sweep_ends() {
    let place = Place::new().await;
    place.line.json(&["launch", "small.toml"]);
    let mut watching = place
        .line
        .command(&["report", "1", "--watch", "-o", "there", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(watching.stdout.take().expect("piped")));
    let mut line =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("UTF-8")).expect("JSON") };
    let first = line();
    assert_eq!((&first["state"], &first["trials_planned"]), (&"open".into(), &2.into()));
    let page = place.line.path("there/report.json");
    let state = || -> Value { serde_json::from_slice(&std::fs::read(&page).expect("there")).expect("whole") };
    assert_eq!(state()["set_up"]["state"], "open");
    place.line.json(&["cancel", "1"]);
    let mut last = line();
    // The cancelling may be seen in two steps.
    while last["state"] != "cancelled" {
        last = line();
    }
    assert!(watching.wait().expect("ends").success());
    // Both were cancelled before they had begun.
    assert_eq!(last["trials_ended"], 0);
    assert_eq!(state()["set_up"]["state"], "cancelled");
    let found = std::fs::read_dir(place.line.path("there")).expect("there").count();
    assert_eq!(found, last["files"].as_array().expect("names").len(), "no partial file stays");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_sweep_ends_when_nobody_reads_any_more() {
    let place = Place::new().await;
    place.line.json(&["launch", "small.toml"]);
    for follow in [&["watch", "1", "--json"][..], &["report", "1", "--watch", "-o", "there", "--json"]] {
        let mut following = place
            .line
            .command(follow)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(following.stdout.take().expect("piped")));
        lines.next().expect("a line").expect("UTF-8");
        drop(lines);
        // No trial runs, so nothing else would wake it: a test that hangs here has found it still waiting.
        assert_eq!(following.wait().expect("ends").code(), Some(0), "{follow:?}");
    }
    assert_eq!(place.line.json(&["status", "1"])["state"], "open", "the sweep goes on");
    place.server.stop().await.expect("stops");
}
