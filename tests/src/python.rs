//! Python packages that tests need, each in an environment of its own under the target folder.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;

use crate::processes::root;
use crate::tools;

/// A program of an environment with these packages, which is made where it is missing.
///
/// # Errors
/// With what the installer printed, where it fails.
pub fn program(environment: &str, packages: &str, name: &str) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let home = root().join("target").join(environment);
    let done = home.join("installed");
    if !done.is_file() {
        tools::need("python3", "python3")?;
        install(&home, packages)?;
        std::fs::write(&done, packages)?;
    }
    Ok(home.join("bin").join(name))
}

fn install(home: &Path, packages: &str) -> Result<()> {
    let home = home.display();
    if tools::shell(&format!("python3 -m venv --clear {home}")).is_err() {
        tools::install("python3-venv")?;
        tools::shell(&format!("python3 -m venv --clear {home}"))?;
    }
    tools::shell(&format!("{home}/bin/pip install --quiet {packages}"))?;
    Ok(())
}
