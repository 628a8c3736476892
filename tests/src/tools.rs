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
    let outcome = install(package);
    if !is_there()?.status.success() {
        outcome
            .with_context(|| format!("this test needs `{program}`; install the Debian package {package}"))?;
        bail!("the Debian package {package} holds no `{program}`");
    }
    Ok(())
}

/// Installs a Debian package.
///
/// # Errors
/// With what apt printed, where it fails.
pub fn install(package: &str) -> Result<()> {
    // Tests run side by side, and apt takes one at a time; somebody else's is waited for.
    let apt = "apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300";
    let all = format!("{apt} update && {apt} install -y {package}");
    shell(&format!("DEBIAN_FRONTEND=noninteractive flock {APT_LOCK} sh -c '{all}'"))?;
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
