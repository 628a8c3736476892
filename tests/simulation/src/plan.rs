//! A schedule drawn from its seed: who takes part, what is launched, and what goes wrong when.

use std::time::Duration;

use crate::planted::Bug;
use crate::random::Random;

/// How long everything may go wrong, in simulated milliseconds: several lives of a lease.
const CHAOS_MS: (u64, u64) = (40_000, 120_000);

/// Shortest and longest of one fault of a link, in milliseconds: below and above a lease's life.
const LINK_FAULT_MS: (u64, u64) = (500, 55_000);

/// What a link suffers for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// Nothing passes.
    Cut,
    /// Nothing passes towards the coordinator.
    CutTowardsCoordinator,
    /// Nothing passes from the coordinator.
    CutFromCoordinator,
    /// Everything waits, and passes at the end.
    Hold,
    /// Everything takes up to this long.
    Slow(Duration),
}

/// What happens to the cluster at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A fault of the link between a host and the coordinator begins.
    Begin(String, LinkFault),
    /// It ends.
    End(String, LinkFault),
    /// A host dies.
    Crash(String),
    /// It starts again.
    Start(String),
}

/// What the operator does at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Launches a sweep by its number in the plan, or attaches to it.
    Launch(usize),
    /// The same twice at the same time.
    LaunchTwice(usize),
    /// Pauses the newest sweep of that number, and resumes it after a while.
    Pause(usize, Duration),
    /// Adds a level or replicates.
    Extend(usize, Extension),
    /// Cancels.
    Cancel(usize),
    /// Deletes, where it has ended.
    Delete(usize),
    /// Drains a worker.
    Drain(usize),
}

/// What an extension adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// A level of `units`.
    Level,
    /// A replicate.
    Replicate,
}

/// A sweep to launch.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// The text of its file.
    pub text: String,
    /// Its replicates.
    pub replicates: u64,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// Its host.
    pub host: String,
    /// Its slots.
    pub slots: u32,
    /// Most trials that one of them trains together.
    pub group: u32,
    /// A seed for its waits and what its slots suffer.
    pub seed: u64,
}

/// A schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// A bug that the world has.
    pub bug: Option<Bug>,
    /// The workers.
    pub workers: Vec<WorkerPlan>,
    /// What is launched.
    pub sweeps: Vec<SweepPlan>,
    /// What goes wrong, in order.
    pub events: Vec<(Duration, Event)>,
    /// What the operator does, in order.
    pub acts: Vec<(Duration, Act)>,
    /// When the faults end.
    pub healed_at: Duration,
    /// Usual longest delay of a message.
    pub latency_max: Duration,
    /// Chance in a thousand that a request is sent twice.
    pub repeats_permille: u64,
    /// Chance in a thousand that the coordinator's disk refuses a commit, while things go wrong.
    pub disk_faults_permille: u64,
    /// Chance in a thousand that an epoch of a slot ends in a crash, while things go wrong.
    pub crashes_permille: u64,
}

/// The coordinator's host.
pub const COORDINATOR: &str = "coordinator";
/// The operator's host.
pub const OPERATOR: &str = "operator";

impl Plan {
    /// Draws a schedule.
    pub fn draw(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Random::new(seed);
        let mut workers: Vec<_> = (0..random.within(2, 5))
            .map(|number| WorkerPlan {
                host: format!("worker-{number}"),
                slots: random.within(1, 4) as u32,
                group: 1,
                seed: random.bits(),
            })
            .collect();
        let sweeps: Vec<_> = (0..random.within(1, 3)).map(|number| sweep(number, &mut random)).collect();
        // Drawn apart, so that everything else of a seed stays what it was.
        let mut groups = Random::new(seed.rotate_left(29));
        let is_grouped = groups.permille(500);
        for worker in workers.iter_mut().filter(|_| is_grouped) {
            worker.group = groups.within(1, 5) as u32;
        }
        let chaos_ms = random.within(CHAOS_MS.0, CHAOS_MS.1);
        let events = events(&workers, chaos_ms, &mut random.split());
        let acts = acts(sweeps.len(), workers.len(), chaos_ms, &mut random.split());
        Self {
            seed,
            bug,
            workers,
            sweeps,
            events,
            acts,
            healed_at: Duration::from_millis(chaos_ms),
            latency_max: Duration::from_millis(random.within(5, 200)),
            repeats_permille: random.below(4) * 100,
            // A crash of a group is no trial's fault: it takes more of them until one has failed.
            crashes_permille: random.below(5) * if is_grouped { 30 } else { 15 },
            disk_faults_permille: if random.permille(300) { random.within(1, 40) } else { 0 },
        }
    }
}

fn sweep(number: u64, random: &mut Random) -> SweepPlan {
    let levels = random.within(1, 4);
    let units: Vec<_> = (1..=levels).map(|level| (level * 8).to_string()).collect();
    let (replicates, epochs) = (random.within(1, 3), random.within(2, 5));
    let seed = random.below(2);
    let search = search(&mut random.split(), number);
    let objective = ["validation_loss", "validation_accuracy", "validation_macro_f1"][number as usize % 3];
    let text = format!(
        "name = \"sweep-{number}\"\nobjective = \"{objective}\"\n[data]\npath = \"rows.csv\"\ntext = \"text\"\nlabel = \"label\"\n\
         validation_share = 0.2\ntest_share = 0.2\ntokenizer = \"word\"\nvocabulary = 50\nmax_length = 8\n\
         [grid]\nunits = [{}]\n[train]\nbatch_size = 1\nepochs = {epochs}\npatience = 2\nreplicates = {replicates}\nseed = {seed}\n{search}",
        units.join(", "),
    );
    SweepPlan { text, replicates }
}

/// The search of a sweep, if it has one.
fn search(random: &mut Random, number: u64) -> String {
    if random.permille(500) {
        return String::new();
    }
    let sampler = ["grid", "shuffled_grid", "random", "sobol", "tpe", "auto"][random.below(6) as usize];
    let pruner = ["none", "median", "asha"][random.below(3) as usize];
    // A steered search pauses trials itself, and models the loss alone.
    let (sampler, pruner) = match (sampler, number % 3) {
        ("auto", 0) => ("auto", "none"),
        ("auto", _) => ("tpe", pruner),
        _ => (sampler, pruner),
    };
    // A grid has an end of its own, and so has a steered search.
    let needs_budget = ["random", "sobol", "tpe"].contains(&sampler);
    let is_bounded = random.permille(500) || needs_budget;
    let budget = if is_bounded { format!("trials = {}\n", random.within(1, 8)) } else { String::new() };
    // Drawn last, so that the other searches stay as they are.
    let hours =
        if random.permille(250) { format!("hours = 0.{:03}\n", random.within(1, 20)) } else { String::new() };
    format!("[search]\nsampler = \"{sampler}\"\npruner = \"{pruner}\"\n{budget}{hours}")
}

fn acts(sweeps: usize, workers: usize, chaos_ms: u64, random: &mut Random) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    for sweep in 0..sweeps {
        let at = random.below(chaos_ms / 3);
        acts.push((at, if random.permille(300) { Act::LaunchTwice(sweep) } else { Act::Launch(sweep) }));
        // Somebody presses the button once more: at once, or much later.
        acts.push((at + random.below(2) * random.below(20_000), Act::Launch(sweep)));
    }
    for _ in 0..random.below(5) {
        let at = random.within(chaos_ms / 10, chaos_ms);
        let sweep = random.below(sweeps as u64) as usize;
        let act = match random.below(12) {
            0..=3 => Act::Pause(sweep, Duration::from_millis(random.within(1_000, 40_000))),
            4..=5 => Act::Extend(sweep, Extension::Level),
            6 => Act::Extend(sweep, Extension::Replicate),
            7..=8 => Act::Drain(random.below(workers as u64) as usize),
            9..=10 => Act::Delete(sweep),
            _ => Act::Cancel(sweep),
        };
        acts.push((at, act));
    }
    acts.sort_by_key(|(at, _)| *at);
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

fn events(workers: &[WorkerPlan], chaos_ms: u64, random: &mut Random) -> Vec<(Duration, Event)> {
    let mut events = Vec::new();
    let hosts: Vec<_> = workers.iter().map(|worker| worker.host.clone()).collect();
    if random.permille(250) {
        swizzle(&hosts, chaos_ms, random, &mut events);
    } else {
        let others = [OPERATOR.to_owned()];
        for host in hosts.iter().chain(&others) {
            link_faults(host, chaos_ms, random, &mut events);
        }
    }
    let coordinator = [COORDINATOR.to_owned()];
    for host in hosts.iter().chain(&coordinator) {
        crashes(host, chaos_ms, random, &mut events);
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(at, event)| (Duration::from_millis(at), event)).collect()
}

/// Faults of one link, one after another.
fn link_faults(host: &str, chaos_ms: u64, random: &mut Random, events: &mut Vec<(u64, Event)>) {
    let mut at = random.below(chaos_ms);
    while at < chaos_ms {
        let fault = match random.below(8) {
            0..=2 => LinkFault::Cut,
            3 => LinkFault::CutTowardsCoordinator,
            4 => LinkFault::CutFromCoordinator,
            5..=6 => LinkFault::Hold,
            _ => LinkFault::Slow(Duration::from_millis(random.within(200, 5_000))),
        };
        // Most are short.
        let longest = random.within(LINK_FAULT_MS.0 + 1, LINK_FAULT_MS.1);
        let end = (at + random.within(LINK_FAULT_MS.0, longest + 1)).min(chaos_ms);
        events.push((at, Event::Begin(host.to_owned(), fault)));
        events.push((end, Event::End(host.to_owned(), fault)));
        at = end + 1 + random.below(chaos_ms / 2);
    }
}

/// Cuts some hosts off one by one and heals them in another order, several times. (FoundationDB's swizzle-clogging.)
fn swizzle(hosts: &[String], chaos_ms: u64, random: &mut Random, events: &mut Vec<(u64, Event)>) {
    let mut at = random.below(10_000);
    while at < chaos_ms {
        let mut chosen: Vec<_> = hosts.iter().filter(|_| random.permille(700)).cloned().collect();
        shuffle(&mut chosen, random);
        for host in &chosen {
            at += random.below(8_000);
            events.push((at.min(chaos_ms), Event::Begin(host.clone(), LinkFault::Cut)));
        }
        shuffle(&mut chosen, random);
        for host in &chosen {
            at += random.below(8_000);
            events.push((at.min(chaos_ms), Event::End(host.clone(), LinkFault::Cut)));
        }
        at += 1 + random.below(30_000);
    }
}

fn shuffle(hosts: &mut [String], random: &mut Random) {
    for last in (1..hosts.len()).rev() {
        hosts.swap(last, random.below(last as u64 + 1) as usize);
    }
}

fn crashes(host: &str, chaos_ms: u64, random: &mut Random, events: &mut Vec<(u64, Event)>) {
    let mut at = random.below(2 * chaos_ms);
    while at < chaos_ms {
        // A short absence is a restart; a long one outlasts leases.
        let longest = if random.permille(700) { 3_000 } else { 50_000 };
        let back = (at + random.within(1, longest)).min(chaos_ms);
        events.push((at, Event::Crash(host.to_owned())));
        events.push((back, Event::Start(host.to_owned())));
        at = back + 1 + random.below(chaos_ms);
    }
}
