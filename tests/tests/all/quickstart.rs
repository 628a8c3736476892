//! The README's first command shows what the product is for: an effect that is there, told within the replicates of the file.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::processes::command;

#[test]
fn the_quickstart_ends_with_a_conclusion_to_act_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = command("sweep")?.arg("run").current_dir(folder.path()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));

    let report = std::fs::read(folder.path().join("report/quickstart/report.json"))?;
    let report: Value = serde_json::from_slice(&report)?;
    let answer = &report["answer"];
    let strongest = &answer["strongest_hyperparameter"];
    ensure!(strongest["decided"] == true && strongest["verdict"] == "learning_rate", "{strongest}");
    let accuracy = answer["test_accuracy"].as_f64().context("it is measured")?;
    ensure!(accuracy >= 0.75, "{accuracy}");

    let conclusion = answer["conclusion"].as_str().context("a conclusion")?;
    ensure!(conclusion.starts_with("Use learning_rate="), "{conclusion}");
    ensure!(conclusion.ends_with("learning_rate matters most: tune it first."), "{conclusion}");
    ensure!(printed.starts_with(conclusion), "the terminal begins otherwise: {printed}");
    Ok(())
}
