//! Sweeps over the real corpora beside the checkout: the shape of what users run, on a share of the rows.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use sweep_tests::processes::{program, root};

fn corpora() -> Result<PathBuf> {
    let folder = root().join("../shared/data");
    folder.canonicalize().with_context(|| format!("{} is needed for these tests", folder.display()))
}

/// Runs `sweep run` and gives its `report.json`.
fn run(text: &str, folder: &Path) -> Result<Value> {
    let file = folder.join("sweep.toml");
    std::fs::write(&file, text)?;
    let output = Command::new(program("sweep")?)
        .arg("run")
        .arg(&file)
        .args(["--data-dir", &folder.join("data").to_string_lossy()])
        .args(["-o", &folder.join("report").to_string_lossy()])
        .current_dir(folder)
        .output()?;
    ensure!(output.status.success(), "sweep run: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&std::fs::read(folder.join("report/report.json"))?)?)
}

#[test]
fn a_small_nsmc_sweep_learns_korean() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let text = format!(
        r#"
        name = "nsmc"
        [data]
        dataset = "nsmc"
        path = "{}"
        train_rows = 6000
        test_rows = 2000
        max_length = 40
        [grid]
        units = [32, 48]
        [train]
        epochs = 3
        learning_rate = 3e-3
        "#,
        corpora()?.join("nsmc").display()
    );
    let report = run(&text, folder.path())?;
    let accuracy = report["answer"]["test_accuracy"].as_f64().context("a test accuracy")?;
    ensure!(accuracy > 0.70, "test accuracy {accuracy}");
    Ok(())
}
