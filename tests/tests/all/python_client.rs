//! The Python client against this build's programs: its own tests, in an environment made of pinned packages.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use sweep_tests::processes::{program, root};
use sweep_tests::python::Environment;

#[test]
fn the_python_client_passes_its_tests_against_this_build() -> Result<()> {
    let client = root().join("proto").join("python");
    let pins = std::fs::read_to_string(client.join("requirements-test.txt")).context("read the pins")?;
    let environment = Environment::of("client", &pins, &[])?;
    // The package as it is now, outside of what others may use at this time. Its build tool is one of the pins.
    let package = tempfile::tempdir()?;
    let source = client.to_string_lossy();
    environment.install_into(package.path(), &["--no-deps", "--no-build-isolation", &source])?;
    let output = Command::new(environment.program("python"))
        .args(["-B", "-m", "pytest", "-q"])
        .current_dir(&client)
        .env("PYTHONPATH", package.path())
        .env("SWEEP_BIN", program("sweep")?)
        .env("SWEEP_WORKER_BIN", program("sweep-worker")?)
        .output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pytest ended with {}:\n{out}{err}", output.status);
    println!("{out}");
    Ok(())
}
