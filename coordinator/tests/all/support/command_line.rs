//! A person's folder, in which `sweep` commands are given to a coordinator.

use std::path::PathBuf;
use std::process::{Command, Output};

use coordinator::Server;
use serde_json::Value;
use tempfile::TempDir;

/// The folder, and where the coordinator listens.
pub(crate) struct CommandLine {
    folder: TempDir,
    address: String,
}

impl CommandLine {
    /// In this folder, to this coordinator.
    pub(crate) fn new(folder: TempDir, server: &Server) -> Self {
        Self { folder, address: server.address().to_string() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that is still to be run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_to(&self.address, arguments)
    }

    fn command_to(&self, address: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(["--server", address]).args(arguments);
        command.current_dir(self.folder.path()).env_remove("RUST_LOG");
        command
    }

    pub(crate) fn sweep(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// A command to another coordinator.
    pub(crate) fn ask(&self, server: &Server, arguments: &[&str]) -> Output {
        self.command_to(&server.address().to_string(), arguments).output().expect("the program starts")
    }

    /// What a command that must succeed tells scripts.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.sweep(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The error of a command that must fail with this exit code.
    pub(crate) fn fails(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.sweep(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {stderr}");
        assert!(stderr.contains("error: "), "{arguments:?}: {stderr}");
        stderr
    }
}
