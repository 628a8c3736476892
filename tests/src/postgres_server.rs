//! Real PostgreSQL servers from Debian's package, each in a folder of its own, killed when dropped.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};

use crate::processes::wait_until;
use crate::tools::{install, shell};

/// Makes the package come without a cluster of its own.
const WITHOUT_CLUSTER: &str = "mkdir -p /etc/postgresql-common && \
    (grep -qs create_main_cluster /etc/postgresql-common/createcluster.conf || \
     echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf)";

/// A server. It runs as the user `postgres`, because it refuses to run as root.
#[derive(Debug)]
pub struct PostgresServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    process: Option<Child>,
    schemas: AtomicU32,
}

impl PostgresServer {
    /// Installs the package where it is missing, makes a database cluster and starts it on a free port.
    ///
    /// # Errors
    /// With what the server printed, where it does not come up.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = owned_folder()?;
        run(
            &programs,
            "initdb",
            &["-A", "trust", "-U", "postgres", "--data-checksums", "-D", &data(&folder)],
        )?;
        let mut server = Self::in_folder(folder, programs)?;
        server.resume()?;
        Ok(server)
    }

    fn in_folder(folder: tempfile::TempDir, programs: PathBuf) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { folder, programs, port, process: None, schemas: AtomicU32::new(0) })
    }

    /// Starts a standby that follows this server, which waits for it at every commit.
    ///
    /// # Errors
    /// With what a program printed.
    pub fn synchronous_standby(&self) -> Result<Self> {
        let folder = owned_folder()?;
        let port = self.port.to_string();
        run(
            &self.programs,
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-D", &data(&folder)],
        )?;
        let mut standby = Self::in_folder(folder, self.programs.clone())?;
        standby.resume()?;
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.sql("SELECT pg_reload_conf()")?;
        wait_until("the standby follows in step", || {
            Ok(self.sql("SELECT sync_state FROM pg_stat_replication")?.trim() == "sync")
        })?;
        Ok(standby)
    }

    /// Makes a standby writable.
    ///
    /// # Errors
    /// Where it refuses.
    pub fn promote(&self) -> Result<()> {
        self.sql("ALTER SYSTEM SET synchronous_standby_names = ''")?;
        self.sql("SELECT pg_reload_conf()")?;
        self.sql("SELECT pg_promote()").map(|_| ())
    }

    /// Starts the server on what is in its folder.
    ///
    /// # Errors
    /// With what it printed, where it does not come up.
    pub fn resume(&mut self) -> Result<()> {
        let log = self.folder.path().join("log");
        let output = File::options().create(true).append(true).open(&log)?;
        let sockets = self.folder.path().to_string_lossy().into_owned();
        let (uid, gid) = user()?;
        let child = Command::new(self.programs.join("postgres"))
            .args(["-D", &data(&self.folder), "-p", &self.port.to_string(), "-k", &sockets])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"])
            .current_dir("/")
            .uid(uid)
            .gid(gid)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("start postgres")?;
        self.process = Some(child);
        wait_until("PostgreSQL answers", || Ok(self.sql("SELECT 1").is_ok()))
            .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// SIGKILL to the server, whose sessions end at once.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the server does not run")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Where it listens on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The URL of a new schema, as empty as a new database.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn fresh_url(&self) -> Result<String> {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        self.sql(&format!("CREATE SCHEMA s{number}"))?;
        Ok(format!("{}?options=-csearch_path%3Ds{number}", self.url()))
    }

    /// Runs SQL as the superuser and gives what it printed, without headings.
    ///
    /// # Errors
    /// With what the server said.
    pub fn sql(&self, sql: &str) -> Result<String> {
        let output = self.psql().args(["-c", sql]).output()?;
        ensure!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A `psql` without its commands.
    pub fn psql(&self) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        let port = self.port.to_string();
        command.args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-X", "-q", "-t", "-A"]);
        command.args(["-v", "ON_ERROR_STOP=1", "postgres"]).env("PGCONNECT_TIMEOUT", "5");
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            // It fails only where the server has ended, which is what is wanted.
            let _ = self.kill();
        }
    }
}

fn data(folder: &tempfile::TempDir) -> String {
    folder.path().join("data").to_string_lossy().into_owned()
}

/// A folder of the user `postgres`.
fn owned_folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let (uid, gid) = user()?;
    std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
    Ok(folder)
}

fn user() -> Result<(u32, u32)> {
    let id = |option: &str| -> Result<u32> { Ok(shell(&format!("id {option} postgres"))?.trim().parse()?) };
    Ok((id("-u")?, id("-g")?))
}

/// Runs one of the server's programs as its user.
fn run(programs: &Path, name: &str, arguments: &[&str]) -> Result<()> {
    let (uid, gid) = user()?;
    let mut command = Command::new(programs.join(name));
    let output = command.args(arguments).current_dir("/").uid(uid).gid(gid).output()?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The folder of the newest server that is installed.
fn programs() -> Result<PathBuf> {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let find = || -> Option<PathBuf> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
        folders.filter(|folder| folder.join("postgres").is_file()).max()
    };
    if let Some(folder) = find() {
        return Ok(folder);
    }
    let installed = shell(WITHOUT_CLUSTER).and_then(|_| install("postgresql"));
    installed.context("this test needs PostgreSQL; install the Debian package postgresql")?;
    find().context("the Debian package postgresql brought no server")
}
