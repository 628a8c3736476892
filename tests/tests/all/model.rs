//! From a finished sweep to a model that classifies text, as a user takes it away.

use std::process::Command;

use anyhow::{Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, program};

const SWEEP: &str = r#"
name = "model"
[data]
dataset = "snippets"
max_length = 30
[grid]
units = [24, 32]
[train]
epochs = 2
learning_rate = 3e-3
"#;

#[test]
fn the_best_model_classifies_text_that_it_has_never_seen() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("model.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "model")?.check_complete(2, 2)?;
    let model = cluster.directory().join("model");
    cluster.sweep(&["model", "best", "model", "-o", &model.to_string_lossy()])?;
    let output = Command::new(program("sweep")?)
        .args(["predict", "--model", &model.to_string_lossy()])
        .args(["a wonderful , moving and funny film", "a dull , tedious and pointless mess"])
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let labels: Vec<_> = printed.lines().filter_map(|line| line.split('\t').next()).collect();
    ensure!(labels == ["positive", "negative"], "predicted {printed}");
    Ok(())
}
