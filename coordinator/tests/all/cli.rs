//! The command line without a coordinator: help, errors, plans, completions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// Every command, as typed.
const COMMANDS: [&str; 35] = [
    "",
    "run",
    "serve",
    "launch",
    "open",
    "list",
    "status",
    "watch",
    "cancel",
    "pause",
    "resume",
    "retry",
    "delete",
    "extend",
    "report",
    "export",
    "verify",
    "plan",
    "data inspect",
    "model best",
    "predict",
    "workers",
    "drain",
    "token",
    "token create",
    "token list",
    "token revoke",
    "revoke",
    "audit",
    "backup",
    "restore",
    "fsck",
    "hyperparameters",
    "completions",
    "data",
];

fn sweep(arguments: &[&str], folder: &Path) -> std::process::Output {
    Command::new(assert_cmd::cargo::cargo_bin!("sweep"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SWEEP_SERVER")
        .env_remove("RUST_LOG")
        .output()
        .expect("the program starts")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples")
}

/// Both streams and the exit code, as one text.
fn told(output: &std::process::Output) -> String {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    format!("exit code {}\n--- stdout\n{stdout}--- stderr\n{stderr}", output.status.code().unwrap_or(-1))
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = sweep(&words, Path::new("."));
        assert!(output.status.success(), "{command}");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        insta::assert_snapshot!(format!("help_{}", command.replace(' ', "_")), help);
    }
}

#[test]
fn what_is_wrong_with_a_path_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("folder")).expect("made");
    std::fs::write(folder.path().join("latin1.toml"), b"name = \"caf\xe9\"\n").expect("written");
    std::fs::write(folder.path().join("large.toml"), vec![b'#'; 2 << 20]).expect("written");
    for (name, file) in [
        ("missing", "missing.toml"),
        ("folder", "folder"),
        ("not_utf8", "latin1.toml"),
        ("large", "large.toml"),
    ] {
        for command in ["plan", "run", "launch"] {
            let output = sweep(&[command, file], folder.path());
            assert_eq!(output.status.code(), Some(2), "{command} {file}");
            insta::assert_snapshot!(format!("path_{name}"), told(&output));
        }
    }
}

#[test]
fn standard_input_is_not_both_the_sweep_file_and_the_token() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["launch", "plan"] {
        let output = sweep(&[command, "-", "--token-file", "-"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(told(&output).contains("cannot both come from standard input"), "{}", told(&output));
    }
}

#[test]
fn a_broken_file_gets_all_its_problems_and_exit_code_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "name = \"broken\"\n[data]\ndataset = \"imbd\"\n[grid]\nunit = [32, 64]\nbatch_size = [0]\n";
    std::fs::write(folder.path().join("broken.toml"), text).expect("written");
    for command in ["plan", "run", "launch"] {
        let output = sweep(&[command, "broken.toml"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{command}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in
            ["broken.toml:3:", "imdb", "broken.toml:5:", "units", "broken.toml:6:", "error: 3 problems"]
        {
            assert!(stderr.contains(part), "{command}: {part} is not in\n{stderr}");
        }
    }
}

#[test]
fn wrong_command_lines_get_exit_code_two() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [
        &["no-such-command"][..],
        &["extend", "1"],
        &["extend", "1", "--replicates", "0"],
        &["run", "--slots", "many"],
        &["run", "--workers", "0"],
        &["serve", "--listen", "somewhere"],
        &["completions", "no-shell"],
        &["list", "--server", "https://127.0.0.1:1"],
        &["predict", "--model", "missing", "text"],
    ] {
        let output = sweep(arguments, folder.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains("error:"), "{arguments:?}");
    }
}

#[test]
fn without_a_coordinator_every_request_says_so_with_exit_code_three() {
    let folder = tempfile::tempdir().expect("a folder");
    // Port 1 of loopback is reserved and refuses.
    let server = ["--server", "http://127.0.0.1:1"];
    for request in [
        &["list"][..],
        &["status"],
        &["watch", "1"],
        &["cancel", "1"],
        &["pause", "1"],
        &["resume", "1"],
        &["extend", "1", "--replicates", "2"],
        &["report", "1"],
        &["model", "best", "1"],
        &["workers"],
        &["drain", "someone"],
        &["token", "list"],
        &["revoke", "someone"],
        &["audit"],
    ] {
        let output = sweep(&[request, &server].concat(), folder.path());
        assert_eq!(output.status.code(), Some(3), "{request:?}: {}", told(&output));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("no coordinator answers at http://127.0.0.1:1"), "{request:?}: {stderr}");
        assert!(stderr.contains("hint: "), "{request:?}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "nothing is left behind");
}

#[test]
fn plans_of_the_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    for example in ["quickstart", "paper-imdb", "paper-nsmc", "your-csv"] {
        let file = examples().join(format!("{example}.toml"));
        let plan = ["plan", "--no-data", "--no-measure", &file.to_string_lossy()];
        let output = sweep(&plan, folder.path());
        assert!(output.status.success(), "{}", told(&output));
        insta::assert_snapshot!(format!("plan_{example}"), String::from_utf8_lossy(&output.stdout));
        let json = sweep(&[&plan[..], &["--json"]].concat(), folder.path());
        let plan: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
        let trials =
            plan["configurations"].as_u64().zip(plan["replicates"].as_u64()).map(|(one, two)| one * two);
        assert_eq!(plan["trials"].as_u64(), trials);
        assert!(plan["models"][0]["parameters"].as_u64() > Some(0));
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "nothing is left behind");
}

/// A table of two classes of the same size.
fn reviews(rows: usize) -> String {
    let rows = (0..rows).map(|row| {
        let label = if row % 2 == 0 { "good" } else { "bad" };
        format!("this film is {label} in its way number {row},{label}\n")
    });
    std::iter::once("review,sentiment\n".to_owned()).chain(rows).collect()
}

/// A search with all that a file may say of one.
const SEARCHED: &str = "name = \"searched\"\n[data]\ndataset = \"snippets\"\n[grid]\nlayers = [1, 2]\n\
    units = { min = 16, max = 128, step = 16 }\nlearning_rate = { min = 3e-4, max = 1e-2, log = true }\n\
    dropout = { levels = [0.2, 0.4], when = { layers = 2 } }\nconstraints = [\"units * layers <= 128\"]\n\
    [search]\nsampler = \"sobol\"\npruner = \"asha\"\ntrials = 90\nepochs = 900\n[train]\nepochs = 27\n";

#[test]
fn a_plan_of_a_search_tells_its_sampler_pruner_budget_conditions_and_constraints() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("searched.toml"), SEARCHED).expect("written");
    let plan = ["plan", "--no-data", "--no-measure", "searched.toml"];
    let output = sweep(&plan, folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!("plan_of_a_search", String::from_utf8_lossy(&output.stdout));
    let json = sweep(&[&plan[..], &["--json"]].concat(), folder.path());
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(plan["search"]["sampler"], "sobol");
    assert_eq!(plan["search"]["rungs"], serde_json::json!([1, 3, 9]));
    assert_eq!((plan["search"]["budget_trials"].as_u64(), plan["trials"].as_u64()), (Some(90), Some(90)));
    assert_eq!(plan["axes"][3]["when"][0]["hyperparameter"], "layers");
    assert_eq!(plan["constraints"], serde_json::json!(["units * layers <= 128"]));
    let share = plan["constraints_leave"].as_f64().expect("a share");
    assert!((share - 0.75).abs() < 0.05, "{share}");
}

#[test]
fn a_plan_tells_a_budget_of_money_and_refuses_one_without_a_price() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = SEARCHED.replace("epochs = 900", "hours = 8\nmoney = 10\nprice_per_hour = 2.5");
    std::fs::write(folder.path().join("priced.toml"), &text).expect("written");
    let plan = ["plan", "--no-data", "--no-measure", "priced.toml"];
    let told = String::from_utf8_lossy(&sweep(&plan, folder.path()).stdout).into_owned();
    assert!(told.contains("90 trials, 8 hours of slots, 10 of money at 2.5 for an hour of a slot"), "{told}");
    std::fs::write(folder.path().join("priced.toml"), text.replace("price_per_hour = 2.5", ""))
        .expect("written");
    let output = sweep(&plan, folder.path());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("a budget of money needs price_per_hour"), "{told}");
}

#[test]
fn a_plan_of_constraints_that_leave_nothing_tells_it_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = SEARCHED.replace("units * layers <= 128\"", "dropout >= 0.3\", \"layers <= 1\"");
    std::fs::write(folder.path().join("empty.toml"), text).expect("written");
    let output = sweep(&["plan", "--no-data", "--no-measure", "empty.toml"], folder.path());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("none of 20000 random configurations fulfils the constraints"), "{told}");
    assert!(told.contains("loosen a constraint"), "{told}");
}

const PLANNED: &str = "name = \"planned\"\n[data]\npath = \"PATH\"\ntext = \"TEXT\"\nlabel = \"sentiment\"\n\
    tokenizer = \"word\"\n[grid]\nunits = [8, 16]\n[train]\nepochs = 3\nreplicates = 2\n";

/// A sweep file over these columns of a file, in the folder.
fn write_planned(folder: &Path, path: &str, text: &str) {
    std::fs::write(folder.join("planned.toml"), PLANNED.replace("PATH", path).replace("TEXT", text))
        .expect("written");
}

#[test]
fn a_plan_opens_the_data_and_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("reviews.csv"), reviews(60)).expect("written");
    std::fs::write(folder.path().join("one-class.csv"), reviews(60).replace(",bad", ",good"))
        .expect("written");
    for (path, text, said) in [
        ("missing.csv", "review", "missing.csv"),
        ("reviews.csv", "reviw", "no column is named \"reviw\""),
        ("one-class.csv", "review", "all its rows have the one label \"good\""),
    ] {
        write_planned(folder.path(), path, text);
        let output = sweep(&["plan", "planned.toml"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{path}: {}", told(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{path}: {}", told(&output));
        assert!(output.stdout.is_empty(), "{path}: {}", told(&output));
    }
}

#[test]
fn a_plan_counts_parameters_by_the_vocabulary_and_the_classes_that_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("reviews.csv"), reviews(60)).expect("written");
    write_planned(folder.path(), "reviews.csv", "review");
    let output = sweep(&["plan", "planned.toml", "--no-measure", "--json"], folder.path());
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(plan["data"]["rows"].as_array().map(Vec::len), Some(3));
    assert_eq!(plan["data"]["classes"], serde_json::json!(["bad", "good"]));
    // Seven words, good, bad, a number for each training row, padding and unknown.
    let vocabulary = plan["data"]["vocabulary"].as_u64().expect("a number");
    assert!(vocabulary < 100, "{vocabulary}");
    for (model, units) in [(0, 8), (1, 16)] {
        let expected = vocabulary * 64 + 4 * units * (64 + units + 2) + units + 1;
        assert_eq!(plan["models"][model]["parameters"].as_u64(), Some(expected));
    }
    assert!(plan["disk"]["total_bytes"].as_u64() > Some(4 * 4 * vocabulary * 64), "four models of weights");
    assert_eq!(plan["time"], serde_json::Value::Null);
}

#[test]
fn the_reference_names_every_hyperparameter() {
    let output = sweep(&["hyperparameters", "--json"], Path::new("."));
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let all = sweep_proto::Hyperparameter::ALL;
    assert_eq!(rows.as_array().map(Vec::len), Some(all.len()));
    let text = sweep(&["hyperparameters"], Path::new(".")).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(all.iter().all(|one| text.contains(one.name())), "{text}");
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = sweep(&["completions", shell], Path::new("."));
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn colour_comes_only_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = sweep(&["plan", "missing.toml"], folder.path());
    assert!(!plain.stderr.contains(&0x1b));
    let coloured = sweep(&["--color", "always", "plan", "missing.toml"], folder.path());
    assert!(coloured.stderr.contains(&0x1b));
}

#[test]
fn a_look_at_a_table_shows_classes_lengths_and_bad_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "review,sentiment\n\"a fine, fine film\",good\ndull,bad\n\"two\nlines\",good\n,bad\nno label,\n";
    std::fs::write(folder.path().join("reviews.csv"), text).expect("written");
    let output = sweep(&["data", "inspect", "reviews.csv"], folder.path());
    insta::assert_snapshot!("inspect_csv", told(&output));
    let json = sweep(&["data", "inspect", "reviews.csv", "--json"], folder.path());
    let inspection: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(inspection["rows"], 3);
    let missing = sweep(&["data", "inspect", "missing.csv"], folder.path());
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
}

#[test]
fn a_look_says_by_its_exit_code_whether_a_sweep_would_take_the_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |row: u32| format!("{},a film number {row} that was seen\n", row % 3);
    std::fs::write(folder.path().join("bare.csv"), (0..90).map(row).collect::<String>()).expect("written");
    std::fs::write(folder.path().join("few.csv"), "text,label\na,1\nb,2\n").expect("written");
    let look = |more: &[&str]| {
        let output = sweep(
            &[&["data", "inspect", "bare.csv", "--label", "1", "--text", "2"], more].concat(),
            folder.path(),
        );
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let keys = ["--header", "false", "--labels", "0=bad", "--labels", "1=good", "--labels-dropped", "2"];
    let earlier = ["--no-header", "--label-name", "0=bad", "--label-name", "1=good", "--drop-label", "2"];
    let (code, shown) = look(&keys);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("rows        60,") && shown.contains("30 rows: its label \"2\" is dropped"),
        "{shown}"
    );
    assert_eq!(look(&earlier), (code, shown), "earlier names of the options mean the same");
    let few = sweep(&["data", "inspect", "few.csv"], folder.path());
    assert_eq!(few.status.code(), Some(1), "{}", told(&few));
    assert!(String::from_utf8_lossy(&few.stdout).contains("would be refused"), "{}", told(&few));
    let json = sweep(&["data", "inspect", "few.csv", "--json"], folder.path());
    assert_eq!(json.status.code(), Some(1), "{}", told(&json));
    let seen: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert!(seen["refused"].as_str().is_some_and(|reason| reason.contains("too small")), "{seen}");
    assert!(!folder.path().join(".sweep").exists(), "a look leaves nothing behind");
}

#[test]
fn a_look_at_data_tells_what_a_sweep_would_find_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    // Every text stands in the file three times, once under the other label.
    let rows = (0..60)
        .map(|row| format!("the same film number {},{}\n", row % 20, u32::from(row >= 40 && row % 2 == 0)));
    let other = (0..20).map(|row| format!("another film number {row},1\n"));
    let text: String = std::iter::once("text,label\n".to_owned()).chain(rows).chain(other).collect();
    std::fs::write(folder.path().join("reviews.csv"), text).expect("written");
    let output = sweep(&["data", "inspect", "reviews.csv", "--json"], folder.path());
    assert!(output.status.success(), "{}", told(&output));
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let splits = seen["account"]["splits"].as_array().expect("splits");
    let of = |name: &str| splits.iter().map(|split| split[name].as_u64().expect("a number")).sum::<u64>();
    assert_eq!(of("rows"), 80);
    assert!(of("in_training") > 20 && of("other_label") > 0, "{seen:#}");
    let warnings = seen["warnings"].to_string();
    assert!(warnings.contains("test texts also stand in the training split"), "{warnings}");
    let output = sweep(&["data", "inspect", "reviews.csv"], folder.path());
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("a sweep     splits: train 65 rows; validation 7 rows; test 8 rows"), "{shown}");
}
