//! Python environments of pinned packages under the target folder: made once, and anew where their pins have changed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::processes::root;
use crate::tools;

/// Holds what an environment was made of; it is written last, so that one that was cut off is made again.
const STAMP: &str = "made-of.txt";

/// An environment that stays as it is while this value lives.
#[derive(Debug)]
pub struct Environment {
    home: PathBuf,
    /// Locked by all who use the environment: whoever has to make it anew waits for them.
    _lock: File,
}

impl Environment {
    /// The environment of that name, with the packages that `requirements` lists as pip's requirements files do, installed
    /// with these options of `pip install`. Several test programs may ask for it at one time.
    ///
    /// # Errors
    /// With what Python printed, where it cannot be made.
    pub fn of(name: &str, requirements: &str, options: &[&str]) -> Result<Self> {
        let folder = root().join("target").join("python");
        std::fs::create_dir_all(&folder)?;
        let home = folder.canonicalize()?.join(name);
        let lock =
            File::create(folder.join(format!("{name}.lock"))).context("open the lock of an environment")?;
        let wanted = format!("pip install {}\n{requirements}", options.join(" "));
        let is_made = || std::fs::read_to_string(home.join(STAMP)).is_ok_and(|text| text == wanted);
        loop {
            lock.lock_shared()?;
            if is_made() {
                return Ok(Self { home, _lock: lock });
            }
            // A shared lock cannot be widened; whoever comes in between makes it first, or finds it made.
            lock.unlock()?;
            lock.lock()?;
            if !is_made() {
                make(&home, requirements, options).with_context(|| format!("make {}", home.display()))?;
                std::fs::write(home.join(STAMP), &wanted)?;
            }
            lock.unlock()?;
        }
    }

    /// A program of the environment: `python`, or one that a package has brought.
    pub fn program(&self, name: &str) -> PathBuf {
        self.home.join("bin").join(name)
    }

    /// Runs `pip install` with these arguments, for a folder outside of the environment.
    ///
    /// # Errors
    /// With what pip printed, where it fails.
    pub fn install_into(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        run(pip(&self.home).arg("--target").arg(folder).args(arguments))
    }
}

fn make(home: &Path, requirements: &str, options: &[&str]) -> Result<()> {
    tools::need("python3", "python3")?;
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(home);
    if run(&mut create).is_err() {
        tools::install("python3-venv")?;
        run(&mut create)?;
    }
    let list = home.join("requirements.txt");
    std::fs::write(&list, requirements)?;
    run(pip(home).args(options).arg("--requirement").arg(list))
}

fn pip(home: &Path) -> Command {
    let mut pip = Command::new(home.join("bin").join("python"));
    pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet"]);
    pip
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?} failed with {}:\n{out}{err}", output.status);
    Ok(())
}
