//! The data folder: it names its coordinator, is for its owner only, and is read where no coordinator runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use coordinator::{ServerConfig, StoreChoice};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, geteuid, setfsuid};
use serde_json::Value;
use sweep_proto::WorkerId;

use support::{SWEEP, ScriptedWorker, User, page as get};

/// How long a command may take to say something.
const PATIENCE: Duration = Duration::from_mins(1);

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// A person's folder.
struct Folder(tempfile::TempDir);

/// A command that serves until this value is dropped.
struct Serving {
    child: Child,
    url: String,
    /// What it said after that, once it has ended.
    said: Receiver<String>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail only where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(arguments).current_dir(self.0.path());
        for name in ["RUST_LOG", "SWEEP_SERVER", "SWEEP_TOKEN", "SWEEP_STORE"] {
            command.env_remove(name);
        }
        command
    }

    fn sweep(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that must succeed tells scripts.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.sweep(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a command says that must fail with this exit code.
    fn fails(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.sweep(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        said
    }

    /// `sweep serve` with more options.
    fn serve(&self, more: &[&str]) -> Serving {
        let mut command = self.command(&[&["serve"], more].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            line.split_once("listening on ").map(|(_, rest)| rest.split(';').next().unwrap().to_owned())
        });
        // It is read all the time, so that it never blocks the command.
        let (told, said) = channel();
        std::thread::spawn(move || told.send(lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")));
        Serving { child, url: url.expect("it listens"), said }
    }

    fn here(&self) -> Serving {
        self.serve(&["--listen", "127.0.0.1:0"])
    }

    fn write_sweep(&self) {
        std::fs::write(self.path("tiny.toml"), SWEEP).unwrap();
    }

    /// A coordinator in this process, on the data folder of commands here.
    async fn start(&self) -> coordinator::Server {
        support::start(&self.path(".sweep")).await
    }

    /// Trains a sweep to its end, and stops the coordinator.
    async fn with_a_finished_sweep() -> Self {
        let folder = Self::new();
        let server = folder.start().await;
        User::of(&server).await.launch(SWEEP, false).await.unwrap();
        let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
        worker.work_off().await;
        drop(worker);
        server.stop().await.unwrap();
        folder
    }
}

/// As [`get`], by another user of this machine: a socket belongs to the user for whom its thread uses files.
fn get_as(user: u32, address: &str, page: &str) -> String {
    let (address, page) = (address.to_owned(), page.to_owned());
    let asking = std::thread::spawn(move || {
        setfsuid(Uid::from_raw(user));
        get(&address, &page)
    });
    asking.join().unwrap()
}

fn authority(url: &str) -> &str {
    url.split_once("://").unwrap().1
}

#[test]
fn commands_act_on_the_coordinator_of_their_folder_and_on_no_other() {
    let (other, here) = (Folder::new(), Folder::new());
    let of_other = other.here();
    let of_here = here.here();
    here.write_sweep();
    assert_eq!(here.json(&["launch", "tiny.toml"])["name"], "tiny");
    assert_eq!(here.json(&["list"])[0]["name"], "tiny");
    assert_eq!(other.json(&["list"]), Value::Array(Vec::new()), "nothing was launched elsewhere");
    // From another folder it is found by its data folder, too.
    let data = here.path(".sweep");
    assert_eq!(other.json(&["list", "--data-dir", data.to_str().unwrap()])[0]["name"], "tiny");
    here.json(&["cancel", "tiny"]);

    // Its port may be another's when it has gone.
    let address = authority(&of_here.url).to_owned();
    drop(of_here);
    let third = Folder::new();
    let _at_its_port = third.serve(&["--listen", &address]);
    for command in [&["launch", "tiny.toml"][..], &["pause", "tiny"], &["drain", "someone"], &["workers"]] {
        let said = here.fails(command, 3);
        assert!(said.contains("is not running") && said.contains("sweep serve"), "{command:?}: {said}");
    }
    assert_eq!(third.json(&["list"]), Value::Array(Vec::new()));

    // A file that leads to another coordinator, in a folder that somebody holds.
    let _back = here.here();
    let known = here.path(".sweep/coordinator.json");
    let mut presence: Value = serde_json::from_slice(&std::fs::read(&known).unwrap()).unwrap();
    presence["address"] = of_other.url.clone().into();
    std::fs::write(&known, presence.to_string()).unwrap();
    let said = here.fails(&["launch", "tiny.toml"], 3);
    assert!(said.contains("another coordinator than that of .sweep"), "{said}");
    assert_eq!(other.json(&["list"]), Value::Array(Vec::new()));
}

#[test]
fn without_a_data_folder_no_coordinator_is_guessed() {
    let folder = Folder::new();
    for command in [&["list"][..], &["status"], &["cancel", "1"], &["open"], &["report", "1"], &["audit"]] {
        let said = folder.fails(command, 3);
        assert!(
            said.contains("no data folder .sweep here") && said.contains("--server"),
            "{command:?}: {said}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_read_where_no_coordinator_runs() {
    let folder = Folder::with_a_finished_sweep().await;
    assert_eq!(folder.json(&["list"])[0]["state"], "finished");
    assert_eq!(folder.json(&["status"])["name"], "tiny");
    folder.json(&["watch", "tiny"]);
    folder.json(&["report", "tiny", "-o", "there"]);
    assert_eq!(folder.json(&["verify", "there"])["store_checked"], true);
    folder.json(&["export", "tiny", "--format", "tensorboard", "--into", "runs"]);
    assert!(folder.sweep(&["audit"]).status.success());
    for command in [&["pause", "tiny"][..], &["workers"], &["verify", "there", "--rerun", "1"]] {
        assert!(folder.fails(command, 3).contains("is not running"), "{command:?}");
    }
    // What a person is to read can be read by others, what lies in the data folder cannot.
    let mode = |path: &str| std::fs::metadata(folder.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("there"), mode("there/report.html"), mode(".sweep")), (0o755, 0o644, 0o700));
    assert!(folder.json(&["fsck", "--strict"])["problems"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_folder_are_opened_without_a_coordinator() {
    let folder = Folder::with_a_finished_sweep().await;
    let mut child = folder.command(&["open"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let mut opened = Serving { child, url: url.trim().to_owned(), said: channel().1 };
    assert!(get(authority(&opened.url), "/").contains("tiny"));
    // Others find it, and its page is not opened twice.
    assert_eq!(folder.json(&["status"])["state"], "finished");
    assert_eq!(folder.json(&["open"])["url"], opened.url);
    kill(Pid::from_raw(opened.child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert!(opened.child.wait().unwrap().success());
    assert_eq!(folder.json(&["status"])["state"], "finished");
}

#[test]
fn a_data_folder_is_for_its_owner_only() {
    fn check(path: &Path, open: &mut Vec<PathBuf>) {
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        if mode & 0o077 != 0 {
            open.push(path.to_owned());
        }
        for entry in std::fs::read_dir(path).into_iter().flatten() {
            check(&entry.unwrap().path(), open);
        }
    }
    let folder = Folder::new();
    let serving = folder.here();
    folder.write_sweep();
    folder.json(&["launch", "tiny.toml"]);
    let mut open = Vec::new();
    check(&folder.path(".sweep"), &mut open);
    assert_eq!(open, Vec::<PathBuf>::new());
    drop(serving);

    let change = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(".sweep"), permissions).unwrap();
    };
    for mode in [0o777, 0o770] {
        change(mode);
        for command in [&["serve"][..], &["list"], &["fsck"], &["open"], &["launch", "tiny.toml"]] {
            let said = folder.fails(command, 2);
            assert!(said.contains("chmod 700 .sweep"), "{command:?}: {said}");
        }
    }
    change(0o755);
    drop(folder.here());
    open.clear();
    check(&folder.path(".sweep"), &mut open);
    assert_eq!(open, Vec::<PathBuf>::new(), "it was closed to others");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_loopback_other_users_of_the_machine_are_refused_with_the_remedy() {
    let folder = Folder::new();
    let open = Folder::new();
    let server = folder.start().await;
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::local(listen, open.path(".sweep"), StoreChoice::Sqlite);
    let open_server =
        coordinator::start(ServerConfig { is_open_to_local_users: true, ..config }).await.unwrap();
    let asking = tokio::task::spawn_blocking(move || {
        let [own, open] = [&server, &open_server].map(|server| server.address().to_string());
        for page in ["/", "/api/v1/sweeps", "/workers", "/healthz", "/sweep.v1.SweepService/Launch"] {
            let answer = get(&own, page);
            assert!(!answer.contains(" 403 "), "the owner is refused {page}: {answer}");
            assert!(page == "/healthz" || answer.contains("sweep-coordinator: "), "{page}: {answer}");
        }
        // Only the superuser can play another user.
        if geteuid().is_root() {
            for page in ["/", "/api/v1/sweeps", "/workers", "/sweeps/1/report/report.html"] {
                let answer = get_as(NOBODY, &own, page);
                assert!(
                    answer.contains(" 403 ") && answer.contains("--open-to-local-users"),
                    "{page}: {answer}"
                );
                assert!(!answer.contains("sweep-coordinator"), "a stranger is told the identity: {answer}");
                assert!(!get_as(NOBODY, &open, page).contains(" 403 "), "{page}");
            }
            assert!(get_as(NOBODY, &own, "/healthz").contains(" 200 "), "it tells nothing");
        }
        (server, open_server)
    });
    let (server, open_server) = asking.await.unwrap();
    server.stop().await.unwrap();
    open_server.stop().await.unwrap();
    if geteuid().is_root() {
        let audit = folder.sweep(&["audit"]);
        let said = String::from_utf8_lossy(&audit.stdout).into_owned();
        assert!(said.contains(&format!("user {NOBODY} of this machine")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_superuser_starts_no_coordinator_in_the_folder_of_another_user_and_may_check_it() {
    // Only the superuser can play this.
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::with_a_finished_sweep().await;
    let owned = |path: &Path| {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    };
    let data = folder.path(".sweep");
    owned(&data);
    std::fs::read_dir(&data).unwrap().for_each(|entry| owned(&entry.unwrap().path()));
    for command in
        [&["serve", "--listen", "127.0.0.1:0"][..], &["list"], &["audit", "--forget-older-than", "30"]]
    {
        let said = folder.fails(command, 2);
        assert!(said.contains("sudo -u nobody"), "{command:?}: {said}");
    }
    for command in [&["fsck", "--strict"][..], &["audit"]] {
        let output = folder.sweep(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), NOBODY, "{}", entry.path().display());
    }
}

#[test]
fn variables_of_another_day_do_not_stop_what_needs_none_of_them() {
    let folder = Folder::new();
    folder.write_sweep();
    let with = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = folder.command(arguments).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let dead = [("SWEEP_TOKEN", "sw1.cut"), ("SWEEP_SERVER", "https://dead.example:7077")];
    for command in [&["plan", "tiny.toml"][..], &["data", "inspect", "snippets"], &["hyperparameters"]] {
        with(&dead, command);
    }
    let stale = [("SWEEP_TOKEN", "sw1.cut"), ("SWEEP_SERVER", "")];
    {
        let _plain = folder.here();
        with(&stale, &["list"]);
    }
    let serving = folder.serve(&["--tls", "--listen", "127.0.0.1:0"]);
    with(&stale, &["list"]);
    // The same address, as people write it: the owner of the data folder is its administrator.
    with(&[("SWEEP_SERVER", &format!("{}/", serving.url))], &["token", "list"]);
}

#[test]
fn a_data_folder_that_goes_away_ends_its_coordinator_with_the_reason() {
    for is_replaced in [false, true] {
        let folder = Folder::new();
        let mut serving = folder.here();
        std::fs::rename(folder.path(".sweep"), folder.path("elsewhere")).unwrap();
        if is_replaced {
            std::fs::create_dir(folder.path(".sweep")).unwrap();
        }
        assert_eq!(serving.child.wait().unwrap().code(), Some(1), "it does not promise what it cannot keep");
        let said = serving.said.recv_timeout(PATIENCE).unwrap();
        assert!(said.contains("was removed, moved or replaced") && said.contains("--data-dir"), "{said}");
        // What was there before is sound where it went.
        let moved = folder.json(&["fsck", "--strict", "--data-dir", "elsewhere"]);
        assert_eq!(moved["problems"], Value::Array(Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_sweep_that_nobody_works_on_it_is_said() {
    let folder = Folder::new();
    folder.write_sweep();
    let server = folder.start().await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    let waits = folder.json(&["status", "1"]);
    assert_eq!((&waits["outlook"], &waits["eta_seconds"]), (&"no_worker".into(), &Value::Null), "{waits}");
    server.stop().await.unwrap();
    let stopped = folder.json(&["status", "1"]);
    assert_eq!((&stopped["state"], &stopped["outlook"]), (&"open".into(), &"stopped".into()));
    for command in [&["status", "1"][..], &["list"]] {
        let told = String::from_utf8(folder.sweep(command).stdout).unwrap();
        assert!(told.contains("open, stopped"), "{told}");
        assert!(!told.contains("time left") && !told.contains("running"), "{told}");
    }
    let told = String::from_utf8(folder.sweep(&["status"]).stdout).unwrap();
    assert!(told.contains("waiting   nobody works on it: `sweep run FILE` goes on, or `sweep serve` where it was launched on one"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sweep_has_a_folder_for_its_report() {
    let folder = Folder::with_a_finished_sweep().await;
    folder.json(&["report", "tiny"]);
    assert!(folder.path("report/tiny/report.html").is_file());
    folder.json(&["report", "1"]);
    assert_eq!(
        std::fs::read_dir(folder.path("report")).unwrap().count(),
        1,
        "the same sweep, the same folder"
    );
    {
        // A newer sweep of the same name.
        let server = folder.start().await;
        User::of(&server).await.launch(SWEEP, false).await.unwrap();
        server.stop().await.unwrap();
    }
    assert_eq!(folder.json(&["report", "tiny"])["directory"], "report/tiny-2");
    assert_eq!(folder.json(&["verify", "report/tiny"])["sweep"], 1);
    // Where a person names the folder of another sweep's report, it is said.
    let refused = folder.fails(&["report", "2", "-o", "report/tiny"], 2);
    assert!(
        refused.contains("holds the report of sweep 1 (tiny)") && refused.contains("--force"),
        "{refused}"
    );
    assert_eq!(folder.json(&["verify", "report/tiny"])["sweep"], 1, "nothing was written");
    // The names of the folders are names of the sweeps.
    assert_eq!(folder.json(&["status", "tiny-1"])["id"], 1);
    assert_eq!(folder.json(&["report", "tiny-2"])["directory"], "report/tiny-2");
    let output = folder.sweep(&["report", "2", "--force", "-o", "report/tiny"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("of sweep 1 (tiny), was replaced"), "{said}");
}
