//! The sweep of `deploy/gpu/check` with this build's programs on processors, so that the check itself holds where a GPU
//! is at hand.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use sweep_tests::processes::{program, root};

fn check_sweep(device_name: &str) -> Result<Output> {
    let (sweep, _worker) = (program("sweep")?, program("sweep-worker")?);
    let programs = sweep.parent().context("a program's folder")?;
    let mut check = Command::new(root().join("deploy").join("gpu").join("check"));
    Ok(check.arg("sweep").arg(programs).arg(device_name).output()?)
}

#[test]
fn the_sweep_of_the_gpu_check_ends_with_a_verified_report() -> Result<()> {
    let output = check_sweep("")?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}:\n{out}{err}", output.status);
    for told in ["8 of 8 ended: 8 completed", "has the same records", "\"balanced\": true"] {
        ensure!(out.contains(told), "not told: {told}\n{out}{err}");
    }
    Ok(())
}

#[test]
fn the_gpu_check_fails_where_trials_ran_on_something_else() -> Result<()> {
    let output = check_sweep("a device that nobody has")?;
    let err = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && err.contains("not every trial ran on a device that nobody has"),
        "{err}"
    );
    Ok(())
}
