//! Strangers that attack a coordinator's port: whatever they do, its worker trains on and its people are answered.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::castle::Castle;
use sweep_tests::frames::{self, END_HEADERS, END_STREAM, PREFACE};
use sweep_tests::processes::{Process, program, wait_until};
use sweep_tests::raw::{self, Tls, heard, say};
use sweep_tests::vitals::Vitals;

/// One trial that outlasts every attack.
const SWEEP: &str = r#"
name = "siege"
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

/// Memory that attackers may cost, in MiB: a thousand strangers with full TLS and HTTP/2 buffers.
const MEMORY_MIB: u64 = 300;

/// File descriptors that attackers may cost: one for each stranger, and some that come and go.
const FILES: usize = 1_024 + 64;

/// What comes and goes by itself: commands, uploads, database files.
const SLACK_FILES: usize = 24;

/// How long `sweep status` may take under attack.
const ANSWER_WAIT: Duration = Duration::from_secs(8);

/// A coordinator with a worker that trains, under attack.
struct Siege {
    /// Dropped before the castle, whose folder holds its log.
    _worker: Process,
    castle: Castle,
    before: Vitals,
}

impl Siege {
    fn begin() -> Result<Self> {
        Self::of(Castle::start()?)
    }

    fn of(castle: Castle) -> Result<Self> {
        let worker = castle.add_worker("healthy")?;
        castle.launch(SWEEP)?;
        wait_until("it trains", || Ok(running(&castle)?.is_some_and(|(_, epoch)| epoch >= 1)))?;
        Ok(Self { before: castle.vitals()?, castle, _worker: worker })
    }

    /// People are answered, the trial is still the first try, and the attack costs no more than it may.
    fn holds(&self, what: &str) -> Result<Vitals> {
        let asked = Instant::now();
        let (attempt, _) = running(&self.castle)?.with_context(|| self.unmoved(what))?;
        let took = asked.elapsed();
        ensure!(took < ANSWER_WAIT, "{what}: a status took {took:?}");
        ensure!(attempt == 1, "{what}: the trial was begun again");
        let now = self.castle.vitals()?;
        ensure!(now.memory_mib <= self.before.memory_mib + MEMORY_MIB, "{what}: {now:?}, {:?}", self.before);
        ensure!(now.files <= self.before.files + FILES, "{what}: {now:?}, {:?}", self.before);
        Ok(now)
    }

    /// The attack's descriptors come back and the trial goes on.
    fn recovers(&self, what: &str) -> Result<()> {
        wait_until(&format!("the coordinator has recovered: {what}"), || {
            Ok(self.castle.vitals()?.files <= self.before.files + SLACK_FILES)
        })?;
        let (_, before) = running(&self.castle)?.with_context(|| self.unmoved(what))?;
        wait_until(&format!("another epoch is done: {what}"), || {
            Ok(running(&self.castle)?.is_some_and(|(attempt, epoch)| attempt == 1 && epoch > before))
        })?;
        let now = self.holds(what)?;
        println!("{what}: {:?} before, {now:?} now", self.before);
        Ok(())
    }

    /// What is said where nothing runs: how the sweep stands.
    fn unmoved(&self, what: &str) -> String {
        let status = self.castle.sweep(&["status", "siege"]);
        let status = status.map_or_else(|error| format!("{error:#}"), |status| status.to_string());
        format!("{what}: nothing runs: {status}")
    }

    fn end(self) -> Result<()> {
        self.castle.sweep(&["cancel", "siege"])?;
        self.castle.check_remains()
    }

    fn tls(&self, source: u8) -> Result<Tls> {
        raw::tls(address(source), self.castle.address())
    }

    fn tcp(&self, source: u8) -> Result<TcpStream> {
        Ok(raw::tcp(address(source), self.castle.address())?)
    }

    /// A connection over which HTTP/2 is spoken, beginning with these settings.
    fn http2(&self, source: u8, settings: &[(u16, u32)]) -> Result<Tls> {
        let mut stream = self.tls(source)?;
        ensure!(say(&mut stream, PREFACE) && say(&mut stream, &frames::settings(settings)), "it was cut");
        Ok(stream)
    }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

/// The attempt and the last epoch of the one trial.
fn running(castle: &Castle) -> Result<Option<(u64, u64)>> {
    let status = castle.sweep(&["status", "siege"])?;
    let running = status["running"].as_array().and_then(|running| running.first());
    let number = |trial: &Value, name: &str| trial[name].as_u64().unwrap_or_default();
    Ok(running.map(|trial| (number(trial, "attempt"), number(trial, "epoch"))))
}

/// A connection that goes on and on, slowly.
struct Slow {
    what: &'static str,
    stream: Tls,
    /// What it says next, once a second.
    drip: Box<dyn FnMut() -> Vec<u8>>,
    heard: Vec<u8>,
    is_over: bool,
}

impl Slow {
    fn new(
        what: &'static str,
        mut stream: Tls,
        first: &[u8],
        drip: impl FnMut() -> Vec<u8> + 'static,
    ) -> Result<Self> {
        ensure!(say(&mut stream, first), "{what}: it was cut at once");
        stream.sock.set_nonblocking(true)?;
        Ok(Self { what, stream, drip: Box::new(drip), heard: Vec::new(), is_over: false })
    }

    /// Says the next bit; it is over where the other side ends the connection or answers the request.
    fn drip(&mut self) {
        let next = (self.drip)();
        // Where it is not taken, reading tells why.
        say(&mut self.stream, &next);
        let (bytes, has_ended) = heard(&mut self.stream);
        self.heard.extend(bytes);
        let answered = frames::read(&self.heard).iter().any(|(kind, _, _)| *kind == frames::HEADERS);
        self.is_over = self.is_over || has_ended || answered;
    }
}

/// Every way to be slow.
fn slow_ones(siege: &Siege, source: u8) -> Result<Vec<Slow>> {
    let greeting = [PREFACE, &frames::settings(&[])].concat();
    let mut preface = PREFACE.iter();
    let unended = frames::frame(frames::HEADERS, 0, 1, &frames::get("/healthz"));
    let call = frames::call("/grpc.health.v1.Health/Check", None);
    let body = [
        frames::frame(frames::HEADERS, END_HEADERS, 1, &call),
        frames::frame(frames::DATA, 0, 1, &frames::prefix(1_000)),
    ];
    let more = frames::frame(frames::CONTINUATION, 0, 1, &frames::block(&[("a", "b")]));
    let byte = frames::frame(frames::DATA, 0, 1, b"\x0a");
    let one = |what, first: &[u8], drip: Box<dyn FnMut() -> Vec<u8>>| {
        Slow::new(what, siege.tls(source)?, first, drip)
    };
    Ok(vec![
        one("says nothing", b"", Box::new(Vec::new))?,
        one("preface byte by byte", b"", Box::new(move || preface.next().into_iter().copied().collect()))?,
        one("acknowledges no settings", &greeting, Box::new(Vec::new))?,
        one("headers without end", &[&greeting[..], &unended].concat(), Box::new(move || more.clone()))?,
        one("body byte by byte", &[greeting, body.concat()].concat(), Box::new(move || byte.clone()))?,
        one("HTTP/1 headers byte by byte", b"GET /healthz HTTP/1.1\r\nx: ", Box::new(|| b"y".to_vec()))?,
    ])
}

#[test]
fn who_is_slow_is_sent_away() -> Result<()> {
    let siege = Siege::begin()?;
    let silent: Vec<_> = (0..1_500).map(|at| siege.tcp(2 + (at % 8) as u8)).collect::<Result<_>>()?;
    let mut slow = Vec::new();
    for source in 10..30 {
        slow.extend(slow_ones(&siege, source)?);
    }
    let mut dripped = Instant::now();
    let over = wait_until("every slow connection was sent away", || {
        if dripped.elapsed() < Duration::from_secs(1) {
            return Ok(false);
        }
        dripped = Instant::now();
        siege.holds("slow connections")?;
        slow.iter_mut().filter(|one| !one.is_over).for_each(Slow::drip);
        Ok(slow.iter().all(|one| one.is_over))
    });
    let left: Vec<_> = slow.iter().filter(|one| !one.is_over).map(|one| one.what).collect();
    over.with_context(|| format!("still there: {left:?}"))?;
    for mut stream in &silent {
        stream.set_nonblocking(true)?;
        ensure!(heard(&mut stream).1, "a silent connection is still there");
    }
    // The slow bodies were answered, and their connections may live: they have asked for what they may have.
    slow.retain(|one| one.what != "body byte by byte");
    siege.recovers("slow connections, their ends still open on the other side")?;
    drop((slow, silent));
    siege.end()
}

/// Says one thing again and again; how often it was taken, and how the other side ended it, if it did.
fn flood(stream: &mut Tls, what: &[u8], times: usize) -> (usize, Option<u32>, bool) {
    let taken = (0..times).take_while(|_| stream.write_all(what).is_ok()).count();
    _ = stream.flush();
    let (bytes, has_ended) = heard(stream);
    (taken, frames::goaway(&bytes), has_ended)
}

/// See [`forbidden_floods`].
const UNPACKED: &str = "headers that unpack to 32 MB";

/// Attacks that HTTP/2 has a word for: the connection is ended with an error.
fn forbidden_floods() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let get = frames::get("/healthz");
    let begin = frames::frame(frames::HEADERS, 0, 1, &get);
    let chunk = frames::block(&[("x", &"y".repeat(8_000))]);
    // One large header goes into the dynamic table and is then named again and again.
    let mut bomb = vec![0x40, 1, b'x'];
    bomb.extend([&[0x7f, 0x81, 0x1e][..], &[b'y'; 4_000]].concat());
    bomb.extend([0xbe; 8_000]);
    let calls = frames::call("/grpc.health.v1.Health/Check", None);
    let open = frames::frame(frames::HEADERS, END_HEADERS, 1, &calls);
    vec![
        ("a frame of 16 MiB", Vec::new(), frames::head(0xff_ffff, frames::DATA, 0, 1)),
        ("a header block without end", begin, frames::frame(frames::CONTINUATION, 0, 1, &chunk)),
        (UNPACKED, Vec::new(), frames::frame(frames::HEADERS, END_HEADERS | END_STREAM, 1, &bomb)),
        ("data on no stream", Vec::new(), frames::frame(frames::DATA, 0, 7, b"x")),
        ("headers on an even stream", Vec::new(), frames::frame(frames::HEADERS, END_HEADERS, 2, &get)),
        ("more data than the window", open, frames::frame(frames::DATA, 0, 1, &[0; 16_000])),
    ]
}

#[test]
fn floods_are_bounded() -> Result<()> {
    let siege = Siege::begin()?;
    for (what, first, again) in forbidden_floods() {
        let mut stream = siege.http2(2, &[])?;
        ensure!(say(&mut stream, &first), "{what}: cut too soon");
        let (taken, goaway, has_ended) = flood(&mut stream, &again, 2_000);
        println!("{what}: taken {taken} times, GOAWAY {goaway:?}, ended: {has_ended}");
        // Too many headers get an answer of their own (431), and only their stream is ended.
        ensure!(goaway.is_some_and(|code| code != 0) || has_ended || what == UNPACKED, "{what}: it goes on");
        siege.holds(what)?;
    }

    // A reset for every request (CVE-2023-44487).
    let mut stream = siege.http2(2, &[])?;
    let (mut sent, mut goaway, mut has_ended) = (0, None, false);
    while sent < 100_000 && goaway.is_none() && !has_ended {
        let stream_id = |at: u32| 2 * (sent + at) + 1;
        let burst: Vec<u8> = (0..1_000)
            .flat_map(|at| {
                let headers = frames::frame(
                    frames::HEADERS,
                    END_HEADERS | END_STREAM,
                    stream_id(at),
                    &frames::get("/healthz"),
                );
                [headers, frames::frame(frames::RST_STREAM, 0, stream_id(at), &8_u32.to_be_bytes())].concat()
            })
            .collect();
        let (_, code, ended) = flood(&mut stream, &burst, 1);
        (goaway, has_ended) = (code, ended);
        sent += 1_000;
    }
    println!("resets: {sent} sent, GOAWAY {goaway:?}, ended: {has_ended}");
    ensure!(goaway == Some(11) || has_ended, "rapid resets go on");
    siege.holds("rapid resets")?;

    // What is allowed, in absurd numbers and with no answer read: taken as it can be, and then sent away.
    let mut open = Vec::new();
    let check =
        frames::frame(frames::HEADERS, END_HEADERS, 1, &frames::call("/grpc.health.v1.Health/Check", None));
    for (what, first, again) in [
        ("pings", Vec::new(), frames::frame(frames::PING, 0, 0, &[0; 8])),
        ("settings", Vec::new(), frames::settings(&[(3, 100)])),
        ("empty data", check, frames::frame(frames::DATA, 0, 1, b"")),
    ] {
        let mut stream = siege.http2(3, &[])?;
        ensure!(say(&mut stream, &first), "{what}: cut too soon");
        let again = again.repeat(1_000);
        let taken = (0..2_000).take_while(|_| stream.write_all(&again).is_ok()).count();
        println!("{what}: {taken} thousand taken");
        ensure!(taken > 0, "{what}: nothing was taken");
        siege.holds(what)?;
        open.push(stream);
    }
    siege.recovers("floods, their ends still open on the other side")?;
    drop(open);
    siege.end()
}

#[test]
fn who_reads_nothing_holds_little() -> Result<()> {
    let siege = Siege::begin()?;
    let viewer = siege.castle.token("viewer", &[])?;
    let none = [(frames::INITIAL_WINDOW_SIZE, 0)];
    let mut open = Vec::new();
    let watch = [&[0x0a, 5][..], b"siege"].concat();
    for source in 2..4 {
        let mut stream = siege.http2(source, &none)?;
        for id in 0..400 {
            let headers = frames::call("/sweep.v1.SweepService/Watch", Some(&viewer));
            let headers = frames::frame(frames::HEADERS, END_HEADERS, 2 * id + 1, &headers);
            let request = frames::frame(frames::DATA, END_STREAM, 2 * id + 1, &frames::message(&watch));
            ensure!(say(&mut stream, &[headers, request].concat()), "it was cut");
        }
        open.push(stream);
    }
    for source in 4..14 {
        let mut stream = siege.http2(source, &none)?;
        for id in 0..64 {
            let headers = frames::get("/download/sweep-worker");
            let headers = frames::frame(frames::HEADERS, END_HEADERS | END_STREAM, 2 * id + 1, &headers);
            ensure!(say(&mut stream, &headers), "it was cut");
        }
        open.push(stream);
    }
    let mut answers = 0;
    for stream in &mut open {
        let (bytes, has_ended) = heard(stream);
        ensure!(!has_ended, "it was cut");
        answers += frames::read(&bytes).iter().filter(|(kind, _, _)| *kind == frames::HEADERS).count();
    }
    let now = siege.holds("zero windows")?;
    println!("{answers} answers began, none is read: {:?} before, {now:?} now", siege.before);
    ensure!(answers >= 800 + 640, "{answers} answers began");
    // A download holds no file.
    ensure!(now.files <= siege.before.files + open.len() + SLACK_FILES, "{now:?}");
    let (_, before) = running(&siege.castle)?.with_context(|| siege.unmoved("zero windows"))?;
    wait_until("five epochs were watched by nobody", || {
        Ok(running(&siege.castle)?.is_some_and(|(_, epoch)| epoch >= before + 5))
    })?;
    siege.holds("zero windows")?;
    drop(open);
    siege.recovers("zero windows")?;
    siege.end()
}

#[test]
fn messages_too_large_and_torn_are_refused() -> Result<()> {
    let siege = Siege::begin()?;
    let token = siege.castle.token("worker", &["--uses", "1"])?;
    let call = frames::frame(
        frames::HEADERS,
        END_HEADERS,
        1,
        &frames::call("/sweep.v1.AccessService/Join", Some(&token)),
    );
    for (what, length) in [("4 GiB", u32::MAX), ("5 MiB", 5 << 20), ("65 KiB", 65 << 10)] {
        let mut stream = siege.http2(2, &[])?;
        let data = frames::frame(frames::DATA, 0, 1, &[frames::prefix(length), vec![0; 100]].concat());
        ensure!(say(&mut stream, &[&call[..], &data].concat()), "{what}: cut too soon");
        let mut answer = Vec::new();
        wait_until("the message is refused before it has come", || {
            answer.extend(heard(&mut stream).0);
            Ok(frames::read(&answer).iter().any(|(kind, id, _)| *kind == frames::HEADERS && *id == 1))
        })?;
        siege.holds(what)?;
    }
    // Torn at every byte: of the frames' heads, the headers, the message.
    let whole = [
        PREFACE,
        &frames::settings(&[]),
        &call,
        &frames::frame(frames::DATA, END_STREAM, 1, &frames::message(&[0x0a, 3, b'a', b'b', b'c'])),
    ]
    .concat();
    let mut cuts = 0;
    for length in (0..whole.len()).step_by(3) {
        let mut stream = siege.tls(2)?;
        ensure!(say(&mut stream, &whole[..length]), "cut too soon");
        cuts += 1;
    }
    for (what, bytes) in [("zeros", vec![0; 4_096]), ("noise", noise(4_096)), ("a line", vec![b'x'; 100_000])]
    {
        let mut stream = siege.tls(2)?;
        say(&mut stream, &bytes);
        let mut has_ended = false;
        wait_until(&format!("{what} is sent away"), || {
            has_ended = has_ended || heard(&mut stream).1;
            Ok(has_ended)
        })?;
    }
    println!("{cuts} torn connections");
    let tokens = siege.castle.sweep(&["token", "list"])?;
    let id = token.split('.').nth(1).context("an id")?;
    let kept =
        tokens.as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).context("the token")?;
    ensure!(kept["uses_left"] == 1, "a torn request has used the token: {kept}");
    siege.recovers("torn messages")?;
    siege.end()
}

/// Bytes without a pattern, the same each time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(|_| next()).collect()
}

/// What a client says first, as bytes.
fn client_hello() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    raw::connection(None)?.write_tls(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn handshakes_that_are_none() -> Result<()> {
    let siege = Siege::begin()?;
    let hello = client_hello()?;
    let garbage = [&[0x16, 3, 1, 2, 0][..], &noise(512)].concat();
    let plain = b"GET /api/v1/sweeps HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    for (what, bytes) in [("plain HTTP", plain), ("a garbage hello", garbage), ("HTTP/2", PREFACE.to_vec())] {
        let mut stream = siege.tcp(2)?;
        say(&mut stream, &bytes);
        let (answer, has_ended) = heard(&mut stream);
        ensure!(has_ended && !answer.starts_with(b"HTTP"), "{what}: {answer:?}");
    }
    // Far more stalled handshakes than the coordinator takes at one time: half a hello, a whole one, a record
    // that is announced and does not come.
    let (half, announced) = (&hello[..hello.len() / 2], [0x16, 3, 1, 0x40, 0]);
    let mut stalled = Vec::new();
    for at in 0..1_800 {
        let mut stream = siege.tcp(2 + (at % 6) as u8)?;
        let first = [half, &hello, &announced][at % 3];
        ensure!(say(&mut stream, first), "cut too soon");
        stalled.push(stream);
    }
    let now = siege.holds("stalled handshakes")?;
    println!("1800 stalled handshakes: {:?} before, {now:?} now", siege.before);
    ensure!(now.files > siege.before.files + 256, "there were not many at one time: {now:?}");
    siege.recovers("stalled handshakes, their ends still open on the other side")?;
    for _ in 0..1_000 {
        let mut stream = siege.tcp(2)?;
        say(&mut stream, half);
    }
    siege.recovers("handshakes that broke off")?;
    drop(stalled);
    siege.end()
}

/// Sets the descriptor limit of a process while it runs.
fn limit_files(process: u32, files: usize) -> Result<()> {
    let limit = format!("--nofile={files}:64");
    let status = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status()?;
    ensure!(status.success(), "prlimit: {status}");
    Ok(())
}

#[test]
fn without_descriptors_it_waits_and_goes_on() -> Result<()> {
    let castle = Castle::start_by(|arguments, log| {
        let mut command = Command::new("sh");
        command
            .env("RUST_LOG", "info")
            .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
            .arg(program("sweep")?)
            .args(arguments);
        Process::spawn(command, log)
    })?;
    let siege = Siege::of(castle)?;
    // Connections are bounded below the limit, so files can be opened under a flood.
    let flood: Vec<_> = (0..200).map(|at| siege.tcp(2 + (at % 4) as u8)).collect::<Result<_>>()?;
    let now = siege.holds("200 connections at 64 descriptors")?;
    println!("64 descriptors, 200 connections: {:?} before, {now:?} now", siege.before);
    ensure!(now.files < 64, "nothing is kept for files: {now:?}");
    drop(flood);
    siege.recovers("few descriptors")?;

    // The limit falls below what is used: the system itself refuses.
    let process = siege.castle.coordinator().id();
    limit_files(process, 8)?;
    let refused: Vec<_> = (0..4).map(|_| siege.tcp(2)).collect::<Result<_>>()?;
    wait_until("the system refuses a connection", || {
        Ok(siege.castle.coordinator().log_text().contains("a connection could not be taken"))
    })?;
    limit_files(process, 64)?;
    drop(refused);
    siege.recovers("no descriptors")?;
    siege.end()
}

#[test]
fn ten_thousand_connections() -> Result<()> {
    let own = std::process::id().to_string();
    let status = Command::new("prlimit").args(["--pid", &own, "--nofile=15000:"]).status()?;
    ensure!(status.success(), "prlimit: {status}");
    let siege = Siege::begin()?;
    let began = Instant::now();
    let (mut open, mut spoke) = (Vec::new(), 0);
    for at in 0..10_000 {
        open.push(siege.tcp(2 + (at % 10) as u8)?);
        if at % 200 == 199 {
            let mut stream = siege.http2(100, &[])?;
            let get = frames::frame(frames::HEADERS, END_HEADERS | END_STREAM, 1, &frames::get("/healthz"));
            ensure!(say(&mut stream, &get), "a healthy connection was cut");
            let mut answer = Vec::new();
            wait_until("a healthy connection is answered", || {
                let mut part = [0; 4_096];
                let count = stream.read(&mut part).unwrap_or_default();
                answer.extend_from_slice(&part[..count]);
                Ok(frames::read(&answer).iter().any(|(kind, _, _)| *kind == frames::DATA))
            })?;
            spoke += 1;
        }
        if at % 2_000 == 1_999 {
            siege.holds("many connections")?;
        }
    }
    let now = siege.holds("ten thousand connections")?;
    println!(
        "{} connections in {:?}, {spoke} of healthy clients answered among them: {:?} before, {now:?} now",
        open.len(),
        began.elapsed(),
        siege.before
    );
    siege.recovers("ten thousand connections, their ends still open on the other side")?;
    drop(open);
    let began = Instant::now();
    for at in 0..10_000 {
        drop(siege.tcp(2 + (at % 10) as u8)?);
    }
    println!("10000 connections opened and closed in {:?}", began.elapsed());
    siege.recovers("connections opened and closed")?;
    siege.end()
}
