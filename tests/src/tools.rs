//! Debian packages that tests need, installed where they are missing.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Held by whoever installs something.
const APT_LOCK: &str = "/var/lock/sweep-tests-apt";

/// Makes sure that a program is there, from this Debian package.
///
/// # Errors
/// With the package to install, where it cannot be installed from here.
pub fn need(program: &str, package: &str) -> Result<()> {
    let is_there = || Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    if is_there()?.status.success() {
        return Ok(());
    }
    // Tests run side by side, and apt takes one at a time.
    let install = format!(
        "flock {APT_LOCK} sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q {package}'"
    );
    let output = Command::new("sh").args(["-c", &install]).output().context("run apt-get")?;
    if !is_there()?.status.success() {
        bail!(
            "this test needs `{program}`; install the Debian package {package}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Runs a shell command that must succeed, and gives what it printed.
///
/// # Errors
/// With everything that it printed, where it fails.
pub fn shell(command: &str) -> Result<String> {
    let output = Command::new("sh").args(["-c", command]).output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "`{command}` failed with {}:\n{out}{err}", output.status);
    Ok(out.into_owned())
}
