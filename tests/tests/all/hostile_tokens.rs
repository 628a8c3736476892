//! Tokens that are stolen, spent, guessed or torn, and certificates that age: who may come in stays who may come in.

mod answers;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::castle::Castle;
use sweep_tests::frames::{self, END_HEADERS, END_STREAM, PREFACE};
use sweep_tests::processes::{Process, command, wait_until};
use sweep_tests::raw::{self, heard, say};
use sweep_tests::tools;

/// One trial that outlasts the test.
const SWEEP: &str = r#"
name = "long"
[data]
dataset = "snippets"
max_length = 20
vocabulary = 500 # checkpoints that fit on small disks
train_rows = 2000
test_rows = 100
[grid]
units = [32]
embedding = [16]
[train]
epochs = 10000
replicates = 1
"#;

/// The attempt and the last epoch of the one trial.
fn running(castle: &Castle) -> Result<Option<(u64, u64)>> {
    let status = castle.sweep(&["status", "long"])?;
    let running = status["running"].as_array().and_then(|running| running.first());
    let number = |trial: &Value, name: &str| trial[name].as_u64().unwrap_or_default();
    Ok(running.map(|trial| (number(trial, "attempt"), number(trial, "epoch"))))
}

fn workers(castle: &Castle, state: &str) -> Result<usize> {
    let workers = castle.sweep(&["workers"])?;
    Ok(workers.as_array().map_or(0, |all| all.iter().filter(|one| one["state"] == state).count()))
}

fn refusals(castle: &Castle) -> Result<Vec<Value>> {
    Ok(castle.audit()?.into_iter().filter(|entry| entry["is_allowed"] == false).collect())
}

fn id(token: &str) -> Result<&str> {
    token.split('.').nth(1).context("a token has an id")
}

/// Whether a token is still good, as its administrator is told.
fn is_valid(castle: &Castle, token: &str) -> Result<bool> {
    let tokens = castle.sweep(&["token", "list"])?;
    let all = tokens.as_array().context("a list")?;
    let one = all.iter().find(|one| id(token).is_ok_and(|id| one["id"] == id)).context("the token")?;
    Ok(one["is_valid"] == true)
}

#[test]
fn a_stolen_token_opens_once_and_its_revocation_takes_everything_back() -> Result<()> {
    let castle = Castle::start()?;
    let token = castle.token("worker", &[])?;
    let mut owner = castle.worker("sweep-worker", "owner", &[("SWEEP_TOKEN", &token)])?;
    wait_until("the owner has joined", || Ok(workers(&castle, "ready")? == 1))?;
    let mut thief = castle.worker("sweep-worker", "thief", &[("SWEEP_TOKEN", &token)])?;
    ensure!(!thief.ended_well()?, "the thief was let in");
    ensure!(thief.log_text().contains("used as often as it may be"), "{}", thief.log_text());
    let secret = token.split('.').nth(2).context("a secret")?;
    ensure!(!thief.log_text().contains(secret), "the log holds the secret");
    let refused = refusals(&castle)?;
    let seen = refused
        .iter()
        .find(|entry| entry["action"] == "/sweep.v1.AccessService/Join")
        .context("the audit log misses it")?;
    let text = seen.to_string();
    println!("in the audit log: {text}");
    ensure!(text.contains("127.0.0.1") && text.contains(id(&token)?), "whose, from where: {text}");
    ensure!(text.contains("used as often as it may be") && !text.contains(secret), "why: {text}");

    // Revoked alone, the token's worker stays, and whoever revokes it is told so.
    let revoked = castle.sweep(&["token", "revoke", id(&token)?])?;
    ensure!(revoked["workers"] == 0 && revoked["workers_left"] == 1, "{revoked}");
    ensure!(workers(&castle, "ready")? == 1, "the worker went with its token");
    let revoked = castle.sweep(&["token", "revoke", id(&token)?, "--with-workers"])?;
    ensure!(revoked["workers"] == 1 && revoked["workers_left"] == 0, "{revoked}");
    ensure!(!owner.ended_well()?, "a worker goes on whose token was revoked with its workers");
    ensure!(owner.log_text().contains("revoked"), "{}", owner.log_text());
    castle.check_remains()
}

#[test]
fn tokens_that_are_none_open_nothing() -> Result<()> {
    let castle = Castle::start()?;
    let viewer = castle.token("viewer", &[])?;
    let worker = castle.token("worker", &[])?;
    let short = castle.token("viewer", &["--ttl", "1s"])?;
    wait_until("the short token has expired", || Ok(!is_valid(&castle, &short)?))?;
    std::fs::write(castle.folder().join("sweep.toml"), SWEEP)?;
    let mut parts: Vec<_> = viewer.split('.').map(str::to_owned).collect();
    parts[2] = worker.split('.').nth(2).context("a secret")?.to_owned();
    let guessed = parts.join(".");
    let list = &["list"][..];
    let launch = &["launch", "../sweep.toml"][..];
    let long = "x".repeat(100_000);
    for (what, token, arguments, expected) in [
        ("guessed", guessed.as_str(), list, "not known here"),
        ("expired", &short, list, "has expired"),
        ("empty", "", list, "without a token"),
        ("torn", &viewer[..viewer.len() - 1], list, "is no token"),
        ("overlong", &long, list, "is no token"),
        ("a worker's", &worker, list, "may not do this"),
        ("a worker's, for a launch", &worker, launch, "may not do this"),
        ("a viewer's, for a launch", &viewer, launch, "may not do this"),
    ] {
        let (is_let_in, said) = castle.sweep_as(token, arguments)?;
        println!("{what}: {}", said.trim());
        ensure!(!is_let_in && said.contains(expected), "{what}: {said}");
        ensure!(token.len() < 20 || !said.contains(token), "{what}: the secret is printed");
    }
    ensure!(castle.sweep_as(&viewer, list)?.0, "the good one is refused");
    ensure!(castle.sweep(&["list"])? == serde_json::json!([]), "a sweep was launched");
    castle.check_remains()
}

/// A viewer who listens for ever: a watch, and a page's events.
fn listeners(castle: &Castle, token: &str, name: &str) -> Result<[Process; 2]> {
    let log = |kind: &str| castle.folder().join(format!("{name}-{kind}.log"));
    let elsewhere = castle.folder().join("elsewhere");
    std::fs::create_dir_all(&elsewhere)?;
    let mut watch = command("sweep")?;
    watch.args(["--json", "--server", &castle.url(), "watch", "long"]).current_dir(elsewhere);
    watch.env("SWEEP_TOKEN", token).env_remove("SWEEP_SERVER");
    let mut page = std::process::Command::new("curl");
    page.args(["-skN", "-H", &format!("Authorization: Bearer {token}"), &format!("{}/events", castle.url())]);
    let listeners = [Process::spawn(watch, &log("watch"))?, Process::spawn(page, &log("page"))?];
    wait_until("both listen", || Ok(listeners.iter().all(|one| !one.log_text().is_empty())))?;
    Ok(listeners)
}

#[test]
fn who_listens_is_cut_off_when_the_token_is_revoked_or_expires() -> Result<()> {
    let castle = Castle::start()?;
    castle.launch(SWEEP)?;
    let _worker = castle.add_worker("worker")?;
    wait_until("it trains", || Ok(running(&castle)?.is_some_and(|(_, epoch)| epoch >= 1)))?;
    let (viewer, stays) = (castle.token("viewer", &[])?, castle.token("viewer", &[])?);
    let mut honest = listeners(&castle, &stays, "honest")?;
    let mut thief = listeners(&castle, &viewer, "thief")?;
    castle.sweep(&["token", "revoke", id(&viewer)?])?;
    // Without a cut neither would ever end: the sweep goes on.
    ensure!(!thief[0].ended_well()?, "the watch ends as if all were well");
    ensure!(thief[0].log_text().contains("the token was revoked"), "{}", thief[0].log_text());
    ensure!(!thief[1].ended_well()?, "the page's events end as if all were well");
    println!("revoked: {}", thief[0].log_text().lines().last().unwrap_or_default());

    let short = castle.token("viewer", &["--ttl", "20s"])?;
    let mut late = listeners(&castle, &short, "late")?;
    ensure!(!late[0].ended_well()?, "the watch ends as if all were well");
    ensure!(late[0].log_text().contains("has expired"), "{}", late[0].log_text());
    ensure!(!late[1].ended_well()?, "the page's events end as if all were well");
    for listener in &mut honest {
        let heard = listener.log_text().len();
        wait_until("whoever may listen hears more", || Ok(listener.log_text().len() > heard))?;
    }
    castle.check_remains()
}

/// Wrong tokens that are tried.
const GUESSES: usize = 1_500;

/// Wrong tokens that are tried at one time.
const BURST: usize = 8;

/// Refusals that the audit log takes in a minute, and what may come of another minute.
const WRITTEN_MAX: usize = 2 * 60 + 10;

#[test]
fn guessing_is_slow_and_does_not_fill_the_log() -> Result<()> {
    let castle = Castle::start()?;
    let viewer = castle.token("viewer", &[])?;
    let mut parts: Vec<_> = viewer.split('.').map(str::to_owned).collect();
    let rest = parts[2].split_off(3);
    // The third letter is never the right one.
    let third = if parts[2].ends_with('A') { 'B' } else { 'A' };
    let guess = |number: usize| {
        let letter = |place: usize| char::from(b'A' + (number / place % 26) as u8);
        format!("{}.{}.{}{}{third}{rest}.{}", parts[0], parts[1], letter(1), letter(26), parts[3])
    };
    let before = castle.vitals()?;
    let began = Instant::now();
    let (mut connections, mut guesses) = (0, 0);
    while guesses < GUESSES {
        let mut stream = raw::tls(Ipv4Addr::new(127, 0, 0, 2), castle.address())?;
        stream.sock.set_read_timeout(Some(Duration::from_millis(2)))?;
        ensure!(say(&mut stream, &[PREFACE, &frames::settings(&[])].concat()), "it was cut");
        connections += 1;
        // Eight at one time, until the connection is ended.
        let (mut answers, mut has_ended) = (Vec::new(), false);
        for burst in 0..1_000 {
            let request = |at: usize| {
                let token = if guesses == 0 && at == 0 { "A".repeat(8_000) } else { guess(guesses + at) };
                let headers = frames::call("/sweep.v1.SweepService/List", Some(&token));
                let id = (2 * (BURST * burst + at) + 1) as u32;
                frames::frame(frames::HEADERS, END_HEADERS | END_STREAM, id, &headers)
            };
            say(&mut stream, &(0..BURST).flat_map(request).collect::<Vec<_>>());
            guesses += BURST;
            let is_answered = |answers: &[u8]| {
                let frames = frames::read(answers);
                frames.iter().filter(|(kind, _, _)| *kind == frames::HEADERS).count() >= BURST * (burst + 1)
            };
            wait_until("the guesses are answered", || {
                let (bytes, is_over) = heard(&mut stream);
                answers.extend(bytes);
                has_ended = has_ended || is_over;
                Ok(has_ended || is_answered(&answers))
            })?;
            if has_ended || guesses >= GUESSES {
                break;
            }
        }
    }
    let written = refusals(&castle)?;
    let now = castle.vitals()?;
    println!(
        "{guesses} guesses over {connections} connections in {:?}: {} in the log; {before:?} before, {now:?} now",
        began.elapsed(),
        written.len()
    );
    ensure!(connections >= GUESSES / (2 * 32), "one connection may guess for ever: {connections}");
    ensure!((1..=WRITTEN_MAX).contains(&written.len()), "{} refusals are written", written.len());
    ensure!(now.memory_mib <= before.memory_mib + 64, "{before:?}, {now:?}");
    // Whoever has the right one is let in all the same.
    ensure!(castle.sweep_as(&viewer, &["list"])?.0, "the good token is refused");
    castle.check_remains()
}

/// Logins of one browser.
const LOGINS: usize = 200;

#[test]
fn logins_do_not_fill_the_log() -> Result<()> {
    let castle = Castle::start()?;
    let viewer = castle.token("viewer", &[])?;
    let output = std::process::Command::new("curl")
        .args(["-sk", "-o", "/dev/null", "-w", "%{http_code}\n", "--data", "next=/", "--data-urlencode"])
        .args([format!("token={viewer}"), format!("{}/login?[1-{LOGINS}]", castle.url())])
        .output()?;
    let codes = String::from_utf8(output.stdout)?;
    let count = |code: &str| codes.lines().filter(|one| *one == code).count();
    let written = castle.audit()?.iter().filter(|entry| entry["action"] == "log in").count();
    println!("{LOGINS} logins: {} let in, {} too many, {written} in the log", count("303"), count("429"));
    ensure!(count("303") >= 1 && count("429") >= 1, "{codes}");
    ensure!((1..=WRITTEN_MAX).contains(&written), "{written} logins are written");
    castle.check_remains()
}

/// Where libfaketime lies, and what it reads the time from.
struct Clock {
    library: String,
    file: String,
}

impl Clock {
    fn new(folder: &Path) -> Result<Self> {
        tools::need("faketime", "faketime")?;
        let library = tools::shell("find /usr/lib -name libfaketimeMT.so.1 | head -n 1")?.trim().to_owned();
        ensure!(!library.is_empty(), "Debian's package libfaketime has no libfaketimeMT.so.1");
        let clock = Self { library, file: folder.join("clock").to_string_lossy().into_owned() };
        clock.set(0)?;
        Ok(clock)
    }

    /// Moves every clock that this one rules to so many seconds from now.
    fn set(&self, seconds: u64) -> Result<()> {
        // Put at its place whole: a process may read it at any time.
        let new = format!("{}.new", self.file);
        std::fs::write(&new, format!("+{seconds}"))?;
        Ok(std::fs::rename(new, &self.file)?)
    }

    fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

const DAY_S: u64 = 24 * 3_600;

/// A certificate reaches back by a day and lasts for seven more; at a third of that it is renewed.
const RENEWAL_S: u64 = 7 * DAY_S - 8 * DAY_S / 3;

#[test]
fn a_certificate_is_renewed_under_a_trial_that_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let clock = Clock::new(folder.path())?;
    let serve = |arguments: &[&str], log: &Path| {
        let mut command = command("sweep")?;
        command.args(arguments).envs(clock.variables());
        Process::spawn(command, log)
    };
    let mut castle = Castle::start_by(serve)?;
    castle.set_environment(&clock.variables());
    let token = castle.token("worker", &[])?;
    let joining = Instant::now();
    let environment = [&clock.variables()[..], &[("SWEEP_TOKEN", &token)]].concat();
    let mut worker = castle.worker("sweep-worker", "member", &environment)?;
    wait_until("the worker has joined", || Ok(workers(&castle, "ready")? == 1))?;
    worker.terminate()?;
    let identity = castle.folder().join("member/identity.json");
    let first = std::fs::read_to_string(&identity)?;

    // Four days later, a little over a minute before the renewal is due.
    clock.set(RENEWAL_S - 75 - joining.elapsed().as_secs())?;
    castle.restart(serve)?;
    castle.launch(SWEEP)?;
    let worker = castle.worker("sweep-worker", "member", &clock.variables())?;
    wait_until("it trains", || Ok(running(&castle)?.is_some_and(|(_, epoch)| epoch >= 1)))?;
    ensure!(std::fs::read_to_string(&identity)? == first, "it was renewed too soon");
    let (attempt, _) = running(&castle)?.context("a trial")?;
    wait_until("the certificate was renewed", || {
        Ok(worker.log_text().contains("the certificate was renewed"))
    })?;
    let renewed = std::fs::read_to_string(&identity)?;
    ensure!(renewed != first, "the renewed certificate is not kept");
    let goes_on = |castle: &Castle| -> Result<()> {
        let (_, before) = running(castle)?.context("a trial")?;
        wait_until("the trial goes on", || {
            Ok(running(castle)?.is_some_and(|(now, epoch)| now == attempt && epoch > before))
        })
    };
    goes_on(&castle)?;
    ensure!(!worker.log_text().contains("no session"), "the session was dropped for it");

    // On the eighth day the first certificate has ended; the coordinator starts anew and sees only the second.
    clock.set(8 * DAY_S)?;
    castle.restart(serve)?;
    goes_on(&castle)?;
    let audit = castle.audit()?;
    ensure!(audit.iter().filter(|entry| entry["action"] == "renew").count() == 1, "{audit:?}");
    drop(worker);
    std::fs::write(&identity, &first)?;
    let mut old = castle.worker("sweep-worker", "member", &clock.variables())?;
    ensure!(!old.ended_well()?, "the first certificate still opens");
    println!("with the first certificate: {}", old.log_text().lines().last().unwrap_or_default());
    castle.check_remains()
}
