//! Real networks that break under real workers: short faults cost no lease, long ones exactly one, and nothing is counted
//! twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::network::{Cable, Fate, Filter, Namespace};
use sweep_tests::processes::{Cluster, FAR_PORT, Process, Setup, WorkerSetup, wait_until};
use sweep_tests::progress::{all_in_mid_trial, all_ready, has_lost_its_lease, running, silence_ms, worker};

/// Far shorter than a lease of 30 s.
const SHORT: Duration = Duration::from_secs(8);

const EPOCHS: u32 = 60;

/// What the worker says when it stops by itself.
const FENCED: &str = "its lease could not be renewed in time";

/// Trials of some seconds each, one for each of these numbers of units, with small checkpoints.
fn sweep_of(units: &[u32], vocabulary: u32) -> String {
    format!(
        r#"
name = "net"
[data]
dataset = "snippets"
max_length = 24
train_rows = 1500
test_rows = 200
[grid]
units = {units:?}
[model]
embedding = 16
[train]
epochs = {EPOCHS}
replicates = 1
"#
    )
    .replace("max_length", &format!("vocabulary = {vocabulary}\nmax_length"))
}

/// A coordinator on a machine of its own, and workers on theirs, each at a cable of its own.
struct Network {
    /// Dropped before the directory that holds their logs.
    workers: Vec<Worker>,
    cluster: Cluster,
    hub: Arc<Namespace>,
}

struct Worker {
    name: &'static str,
    machine: Arc<Namespace>,
    cable: Cable,
    process: Process,
}

impl Worker {
    fn fenced_itself(&self) -> bool {
        self.process.log_text().contains(FENCED)
    }

    /// Loses what the worker sends: it hears and is not heard.
    fn mute<'a>(&self, hub: &'a Namespace, fate: Fate) -> Result<Filter<'a>> {
        hub.filter("input", &format!("ip saddr {} tcp dport {FAR_PORT}", self.cable.far), fate)
    }

    /// Loses what the coordinator sends: the worker is heard and hears nothing.
    fn deafen(&self, fate: Fate) -> Result<Filter<'_>> {
        self.machine.filter("input", &format!("tcp sport {FAR_PORT}"), fate)
    }
}

impl Network {
    fn new(names: &[&'static str]) -> Result<Self> {
        let hub = Arc::new(Namespace::new()?);
        let mut cables = Vec::new();
        for name in names {
            let machine = Arc::new(Namespace::new()?);
            let cable = Cable::between(Some(&hub), &machine)?;
            cables.push((*name, machine, cable));
        }
        let cluster = Cluster::start_with(Setup { machine: Some(Arc::clone(&hub)), ..Setup::default() })?;
        let mut network = Self { cluster, hub, workers: Vec::new() };
        for (name, machine, cable) in cables {
            let url = format!("https://{}:{FAR_PORT}", cable.near);
            network.join(name, machine, cable, url)?;
        }
        Ok(network)
    }

    fn join(&mut self, name: &'static str, machine: Arc<Namespace>, cable: Cable, url: String) -> Result<()> {
        let process = self.cluster.start_worker(&WorkerSetup {
            name: name.to_owned(),
            url: Some(url),
            machine: Some(Arc::clone(&machine)),
            environment: vec![("RUST_LOG".to_owned(), "info,sweep_transport=debug".to_owned())],
            group: None,
        })?;
        self.workers.push(Worker { name, machine, cable, process });
        Ok(())
    }

    /// Launches a sweep with a trial for each worker, and waits until each is in the middle of one.
    fn launch(&self, text: &str) -> Result<()> {
        let names: Vec<_> = self.workers.iter().map(|worker| worker.name).collect();
        all_ready(&self.cluster, &names)?;
        let file = self.cluster.write("net.toml", text)?;
        self.cluster.sweep(&["launch", &file.to_string_lossy()])?;
        all_in_mid_trial(&self.cluster, "net", &names)?;
        Ok(())
    }

    fn is_back(&self, name: &str) -> Result<bool> {
        Ok(worker(&self.cluster, name)?["state"] == "ready" && silence_ms(&self.cluster, name)? < 5_000)
    }

    /// The sweep ends; its report and its store are whole, and only so many attempts were made again.
    fn ends(self, trials: usize, again: usize) -> Result<()> {
        let report = finished(&self.cluster, "net")?;
        report.check_complete(trials, EPOCHS)?;
        report.check_attempts(1, again)?;
        drop(self.workers);
        self.cluster.check_remains()
    }
}

#[test]
fn short_faults_cost_no_lease() -> Result<()> {
    let network = Network::new(&["mute", "deaf", "unplugged", "reset", "lossy"])?;
    network.launch(&sweep_of(&[8, 10, 12, 14, 16], 400))?;
    let [mute, deaf, unplugged, reset, lossy] = &network.workers[..] else { unreachable!("five workers") };

    let began = Instant::now();
    let losses = [lossy.mute(&network.hub, Fate::LostInPercent(10))?, lossy.deafen(Fate::LostInPercent(10))?];
    let silences = [mute.mute(&network.hub, Fate::Lost)?, deaf.deafen(Fate::Lost)?];
    unplugged.machine.run(&format!("ip link set {} down", unplugged.cable.far_device))?;
    for round in 1..=3 {
        let resets = reset.mute(&network.hub, Fate::Reset)?;
        wait_until("a connection was reset", || Ok(resets.met()? > 0))?;
        println!("{} packets reset in round {round}", resets.lift()?);
        wait_until("the worker is back after the reset", || network.is_back("reset"))?;
    }
    wait_until("the faults have lasted", || Ok(began.elapsed() >= SHORT))?;
    for silent in ["mute", "unplugged"] {
        let silence_ms = silence_ms(&network.cluster, silent)?;
        ensure!(silence_ms > 5_000, "{silent} was heard {silence_ms} ms ago");
    }
    for silence in silences {
        println!("{} packets swallowed", silence.lift()?);
    }
    unplugged.machine.run(&format!("ip link set {} up", unplugged.cable.far_device))?;
    println!("healed after {:?}", began.elapsed());

    finished(&network.cluster, "net")?;
    for loss in losses {
        println!("{} packets lost", loss.lift()?);
    }
    for worker in &network.workers {
        ensure!(!worker.fenced_itself(), "{} gave its work up", worker.name);
    }
    network.ends(5, 0)
}

#[test]
fn long_partitions_cost_one_lease_each() -> Result<()> {
    let network = Network::new(&["mute", "deaf", "whole"])?;
    network.launch(&sweep_of(&[8, 12, 16], 400))?;
    let [mute, deaf, _whole] = &network.workers[..] else { unreachable!("three workers") };
    let began = Instant::now();
    let silences = [mute.mute(&network.hub, Fate::Lost)?, deaf.deafen(Fate::Lost)?];
    let held = all_in_mid_trial(&network.cluster, "net", &["mute", "deaf"])?;

    // Each worker stops by itself while its lease still stands, so that no two ever train the same trial.
    for (worker, held) in [mute, deaf].into_iter().zip(&held) {
        wait_until(&format!("{} stops by itself", worker.name), || Ok(worker.fenced_itself()))?;
        println!("{} stopped by itself after {:?}", worker.name, began.elapsed());
        let now = running(&network.cluster, "net")?;
        let is_still_held = |one| now.iter().any(|other| (&other.trial, other.attempt, &other.worker) == one);
        ensure!(is_still_held((&held.trial, held.attempt, &held.worker)), "{held:?} is not in {now:?}");
    }
    for held in &held {
        wait_until(&format!("another worker has {}", held.trial), || {
            let has_moved = |log: &str| log.contains(&format!("attempt={}/{}", held.trial, held.attempt + 1));
            Ok(has_moved(&network.workers[2].process.log_text()))
        })?;
        println!("{} of {} went on elsewhere after {:?}", held.trial, held.worker, began.elapsed());
    }
    for silence in silences {
        println!("{} packets swallowed", silence.lift()?);
    }
    for worker in [mute, deaf] {
        wait_until(&format!("{} comes back", worker.name), || network.is_back(worker.name))?;
        wait_until(&format!("{} hears that its lease is lost", worker.name), || {
            Ok(has_lost_its_lease(&worker.process.log_text()))
        })?;
    }
    network.ends(3, 2)
}

/// Of every direction of the slow line. A checkpoint of this test takes longer than a lease lasts.
const KILOBITS_PER_SECOND: u32 = 64;

#[test]
fn an_upload_over_a_slow_line_starves_no_heartbeat() -> Result<()> {
    let network = Network::new(&["slow"])?;
    network.launch(&sweep_of(&[16], 1_600))?;
    let [slow] = &network.workers[..] else { unreachable!("one worker") };
    let ends = [(&*network.hub, &slow.cable.near_device), (&*slow.machine, &slow.cable.far_device)];
    for (machine, device) in ends {
        machine.narrow(device, KILOBITS_PER_SECOND)?;
    }
    let began = Instant::now();
    let at = all_in_mid_trial(&network.cluster, "net", &["slow"])?[0].epoch;
    let mut longest_ms = 0;
    wait_until("a lease would have ended", || {
        longest_ms = longest_ms.max(silence_ms(&network.cluster, "slow")?);
        Ok(began.elapsed() >= Duration::from_secs(40))
    })?;
    let (bytes, waits) = slow.machine.narrowed(&slow.cable.far_device)?;
    let now = all_in_mid_trial(&network.cluster, "net", &["slow"])?[0].epoch;
    println!(
        "{bytes} bytes in {:?}, {waits} waits, epoch {at} to {now}, longest silence {longest_ms} ms",
        began.elapsed()
    );
    ensure!(waits > 0 && bytes > 200_000, "the line was not busy: {bytes} bytes");
    ensure!(longest_ms < 12_000, "heartbeats waited: silent for {longest_ms} ms");
    let log = slow.process.log_text();
    ensure!(!log.contains("no session with the coordinator") && !log.contains(FENCED), "it lost its session");
    for (machine, device) in ends {
        machine.widen(device)?;
    }
    network.ends(1, 0)
}

#[test]
fn a_router_that_forgets_its_connections_is_found_out() -> Result<()> {
    let mut network = Network::new(&[])?;
    sweep_tests::tools::need("conntrack", "conntrack")?;
    // The worker sits behind a router, which lends it its own address.
    let (router, machine) = (Namespace::new()?, Arc::new(Namespace::new()?));
    let outer = Cable::between(Some(&network.hub), &router)?;
    let inner = Cable::between(Some(&router), &machine)?;
    router.run("sysctl -q -w net.ipv4.ip_forward=1")?;
    router.run(&format!(
        "nft \"add table ip nat; add chain ip nat out {{ type nat hook postrouting priority 100; }}; \
         add rule ip nat out oifname {} masquerade\"",
        outer.far_device
    ))?;
    machine.run(&format!("ip route add default via {}", inner.near))?;
    network.join("inside", machine, inner, format!("https://{}:{FAR_PORT}", outer.near))?;
    network.launch(&sweep_of(&[16], 400))?;

    // What it has on its list is forgotten and never learnt again: only new connections pass.
    let ports = "conntrack -L -p tcp 2>/dev/null | grep -o \"dport=[0-9]*\" | grep -v dport=7077 | sort -u";
    let mapped = router.run(ports)?;
    let ports: Vec<_> = mapped.lines().filter_map(|line| line.strip_prefix("dport=")).collect();
    ensure!(!ports.is_empty(), "nothing is mapped: {mapped}");
    let ports = ports.join(", ");
    // The router's ports alone: what this test itself asks the coordinator comes from ports of the hub, which may be equal.
    let mapping = format!("ip saddr {} tcp sport {{ {ports} }}", outer.far);
    let forgotten = network.hub.filter("input", &mapping, Fate::Lost)?;
    let answers = router.filter("prerouting", &format!("tcp dport {{ {ports} }}"), Fate::Lost)?;
    router.run("conntrack -F")?;
    let began = Instant::now();
    wait_until("the worker's silence is noticed", || Ok(silence_ms(&network.cluster, "inside")? > 5_500))?;
    wait_until("the worker is back", || network.is_back("inside"))?;
    println!("back after {:?}, old ports {ports}", began.elapsed());
    let met = forgotten.lift()?;
    println!("{met} packets of the old mapping vanished, {} answers", answers.met()?);
    ensure!(!network.workers[0].fenced_itself(), "it gave its work up");
    let own = router.run("conntrack -L -p tcp 2>/dev/null")?;
    ensure!(own.contains(&outer.far), "the router masks the worker: {own}");
    network.ends(1, 0)
}

#[test]
fn a_coordinator_is_found_by_name_wherever_it_moves() -> Result<()> {
    let mut network = Network::new(&[])?;
    let machine = Arc::new(Namespace::new()?);
    let cable = Cable::between(Some(&network.hub), &machine)?;
    // The machine's own list of names, which it sees in place of this one's.
    let names = Names::of(&machine)?;
    names.set("127.0.0.1 localhost\n")?;
    network.join("searching", machine, cable.clone(), format!("https://head-node:{FAR_PORT}"))?;
    wait_until("the worker looked the name up in vain", || {
        Ok(network.workers[0].process.log_text().contains("a coordinator does not answer"))
    })?;
    names.set(&format!("{} head-node\n", cable.near))?;
    network.launch(&sweep_of(&[16], 400))?;

    let moved = format!("{}.77", cable.near.strip_suffix(".1").context("the first address")?);
    network.hub.run(&format!(
        "ip address delete {1}/24 dev {0} && ip address add {moved}/24 dev {0}",
        cable.near_device, cable.near
    ))?;
    names.set(&format!("{moved} head-node\n"))?;
    let began = Instant::now();
    wait_until("the worker's silence is noticed", || Ok(silence_ms(&network.cluster, "searching")? > 5_500))?;
    wait_until("the worker is back", || network.is_back("searching"))?;
    println!("found again after {:?}", began.elapsed());
    network.ends(1, 0)
}

/// `/etc/hosts` of a network namespace: `ip netns exec` lays it over this machine's. Removed when dropped.
struct Names {
    folder: std::path::PathBuf,
}

impl Names {
    fn of(machine: &Namespace) -> Result<Self> {
        let folder = std::path::Path::new("/etc/netns").join(machine.name());
        std::fs::create_dir_all(&folder).context("make the namespace's own /etc")?;
        Ok(Self { folder })
    }

    fn set(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.join("hosts"), text)?)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // It is out of use with its namespace.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
