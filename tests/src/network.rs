//! Machines made up of network namespaces, the cables between them, and what goes wrong with those.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tools::{need, shell};

/// A number that no other machine, cable or filter of this process has.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A network of its own, as far as the processes in it can tell. It goes when it is dropped, with its cables.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A machine without a cable.
    ///
    /// # Errors
    /// Where a tool is missing or the system refuses; both need root.
    pub fn new() -> Result<Self> {
        need("ip", "iproute2")?;
        need("nft", "nftables")?;
        // A name that no other test run on this machine has.
        let name = format!("sweep-{}-{}", std::process::id(), number());
        shell(&format!("ip netns add {name}"))?;
        let machine = Self { name };
        machine.run("ip link set lo up")?;
        Ok(machine)
    }

    /// Its name, as `ip netns` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program, to be started on this machine.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        // It becomes the program, so that signals meet it.
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a shell command on this machine, which must succeed, and gives what it printed.
    ///
    /// # Errors
    /// With everything that it printed, where it fails.
    pub fn run(&self, command: &str) -> Result<String> {
        shell(&format!("ip netns exec {} sh -c '{command}'", self.name))
    }

    /// Has the machine treat packets in another way until the filter is lifted. `hook` and `packets` are as nft takes
    /// them.
    ///
    /// # Errors
    /// Where nft does not take it.
    pub fn filter(&self, hook: &str, packets: &str, fate: Fate) -> Result<Filter<'_>> {
        let table = format!("fault_{}", number());
        let fate = match fate {
            Fate::Lost => "counter drop".to_owned(),
            Fate::LostInPercent(share) => format!("numgen random mod 100 < {share} counter drop"),
            Fate::Reset => "counter reject with tcp reset".to_owned(),
        };
        self.run(&format!(
            "nft \"add table inet {table}; \
                 add chain inet {table} packets {{ type filter hook {hook} priority 0; policy accept; }}; \
                 add rule inet {table} packets {packets} {fate}\""
        ))?;
        Ok(Filter { machine: self, table })
    }

    /// Lets at most so much leave through a device, with a queue of a second before it.
    ///
    /// # Errors
    /// Where tc does not take it.
    pub fn narrow(&self, device: &str, kilobits_per_second: u32) -> Result<()> {
        let rate = format!("rate {kilobits_per_second}kbit burst 3000 latency 1s");
        self.run(&format!("tc qdisc replace dev {device} root tbf {rate}"))?;
        Ok(())
    }

    /// What [`Self::narrow`] did to a device: bytes that left it, and how often something had to wait.
    ///
    /// # Errors
    /// Where the device is not narrowed.
    pub fn narrowed(&self, device: &str) -> Result<(u64, u64)> {
        let printed = self.run(&format!("tc -s -j qdisc show dev {device}"))?;
        let queues: Value = serde_json::from_str(&printed)?;
        let queue = queues.as_array().and_then(|all| all.iter().find(|one| one["kind"] == "tbf"));
        let queue = queue.context("the device is not narrowed")?;
        let count = |name: &str| queue[name].as_u64().with_context(|| format!("{name} in {queue}"));
        Ok((count("bytes")?, count("overlimits")?))
    }

    /// Undoes [`Self::narrow`].
    ///
    /// # Errors
    /// Where the device is not narrowed.
    pub fn widen(&self, device: &str) -> Result<()> {
        self.run(&format!("tc qdisc delete dev {device} root")).map(drop)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Cables and filters go with it.
        let _ = shell(&format!("ip netns delete {}", self.name));
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It vanishes.
    Lost,
    /// It vanishes as often as this.
    LostInPercent(u32),
    /// Its connection is reset.
    Reset,
}

/// A filter that is at work.
#[derive(Debug)]
#[must_use = "a filter works until it is lifted"]
pub struct Filter<'a> {
    machine: &'a Namespace,
    table: String,
}

impl Filter<'_> {
    /// How many packets it has met.
    ///
    /// # Errors
    /// Where nft does not tell.
    pub fn met(&self) -> Result<u64> {
        let listed = self.machine.run(&format!("nft -j list table inet {}", self.table))?;
        let listed: Value = serde_json::from_str(&listed)?;
        let objects = listed["nftables"].as_array().context("a list")?;
        let rules = objects.iter().filter_map(|object| object["rule"]["expr"].as_array()).flatten();
        let mut counts = rules.filter_map(|part| part["counter"]["packets"].as_u64());
        counts.next().with_context(|| format!("no counter in {listed}"))
    }

    /// Ends it, after it has met something; tells how much.
    ///
    /// # Errors
    /// Where it was without effect.
    pub fn lift(self) -> Result<u64> {
        let met = self.met()?;
        self.machine.run(&format!("nft delete table inet {}", self.table))?;
        ensure!(met > 0, "no packet met the filter {}", self.table);
        Ok(met)
    }
}

/// A cable between two machines, with an address at each end.
#[derive(Clone, Debug)]
pub struct Cable {
    /// The address at the near end.
    pub near: String,
    /// The device at the near end.
    pub near_device: String,
    /// The address at the far end.
    pub far: String,
    /// The device at the far end.
    pub far_device: String,
}

impl Cable {
    /// Joins two machines; without the near one, this machine and the far one.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn between(near: Option<&Namespace>, far: &Namespace) -> Result<Self> {
        let (process, number) = (std::process::id(), number());
        let subnet = format!("10.{}.{}", 64 + process % 128, number % 256);
        let cable = Self {
            near: format!("{subnet}.1"),
            near_device: format!("sn{process}-{number}"),
            far: format!("{subnet}.2"),
            far_device: format!("sf{process}-{number}"),
        };
        let Self { near: near_address, near_device, far: far_address, far_device } = &cable;
        let far_name = far.name();
        shell(&format!("ip link add {near_device} type veth peer name {far_device} netns {far_name}"))?;
        let plug =
            format!("ip address add {near_address}/24 dev {near_device} && ip link set {near_device} up");
        match near {
            Some(near) => {
                shell(&format!("ip link set {near_device} netns {}", near.name()))?;
                near.run(&plug)?;
            }
            None => _ = shell(&plug)?,
        }
        far.run(&format!("ip address add {far_address}/24 dev {far_device} && ip link set {far_device} up"))?;
        Ok(cable)
    }
}
