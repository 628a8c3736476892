//! The Python client against this build's programs: its own tests, in an environment made of pinned packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sweep_tests::processes::{program, root};
use sweep_tests::tools;

/// Makes the environment anew where its pins have changed, and gives its interpreter.
fn environment(client: &Path) -> Result<PathBuf> {
    let home = root().join("target").join("python-client");
    let pins = std::fs::read_to_string(client.join("requirements-test.txt")).context("read the pins")?;
    let (python, installed) = (home.join("bin").join("python"), home.join("installed.txt"));
    if !std::fs::read_to_string(&installed).is_ok_and(|text| text == pins) {
        tools::need("python3", "python3")?;
        let make = format!("python3 -m venv --clear '{}'", home.display());
        if tools::shell(&make).is_err() {
            tools::install("python3-venv")?;
            tools::shell(&make)?;
        }
        let pip = format!("'{}' -m pip --disable-pip-version-check install --quiet", python.display());
        tools::shell(&format!("{pip} -r '{}'", client.join("requirements-test.txt").display()))?;
        // Last, so that an installation that was cut off is made again.
        std::fs::write(&installed, pins)?;
    }
    // The package itself may have changed under the same pins; its build tool is one of them.
    let pip = format!("'{}' -m pip --disable-pip-version-check install --quiet", python.display());
    tools::shell(&format!("{pip} --no-deps --no-build-isolation --force-reinstall '{}'", client.display()))?;
    Ok(python)
}

#[test]
fn the_python_client_passes_its_tests_against_this_build() -> Result<()> {
    let client = root().join("proto").join("python");
    let output = Command::new(environment(&client)?)
        .args(["-B", "-m", "pytest", "-q"])
        .current_dir(&client)
        .env("SWEEP_BIN", program("sweep")?)
        .env("SWEEP_WORKER_BIN", program("sweep-worker")?)
        .output()?;
    ensure!(
        output.status.success(),
        "pytest ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
