//! Does to a running simulation what a plan's events say, and takes everything back at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use turmoil::Sim;

use crate::oracle::Oracle;
use crate::plan::{COORDINATOR, Event, LinkFault, OPERATOR, Plan};

/// The faults that are in force.
pub struct Faults {
    oracle: Oracle,
    latency_max: Duration,
    links: BTreeMap<String, LinkFault>,
    dead: BTreeSet<String>,
}

impl Faults {
    /// None yet.
    pub fn new(plan: &Plan, oracle: Oracle) -> Self {
        Self { oracle, latency_max: plan.latency_max, links: BTreeMap::new(), dead: BTreeSet::new() }
    }

    /// Makes an event happen.
    pub fn happen(&mut self, sim: &mut Sim<'_>, event: &Event) {
        self.oracle.event(&format!("{event:?}"));
        match event {
            Event::Begin(host, fault) => {
                if let Some(before) = self.links.remove(host) {
                    self.end(sim, host, before);
                }
                self.begin(sim, host, *fault);
                self.links.insert(host.clone(), *fault);
            }
            Event::End(host, fault) => {
                if self.links.get(host) == Some(fault) {
                    self.links.remove(host);
                    self.end(sim, host, *fault);
                }
            }
            Event::Crash(host) => {
                let what = if host == COORDINATOR { "coordinator crashed" } else { "worker crashed" };
                self.oracle.corner(what);
                self.dead.insert(host.clone());
                sim.crash(host.as_str());
            }
            Event::Start(host) => {
                if self.dead.remove(host) {
                    sim.bounce(host.as_str());
                }
            }
        }
    }

    /// Ends every fault.
    pub fn heal(&mut self, sim: &mut Sim<'_>) {
        self.oracle.event("everything heals");
        for (host, fault) in std::mem::take(&mut self.links) {
            self.end(sim, &host, fault);
        }
        for host in std::mem::take(&mut self.dead) {
            sim.bounce(host.as_str());
        }
    }

    fn begin(&self, sim: &Sim<'_>, host: &str, fault: LinkFault) {
        let name = match fault {
            LinkFault::Cut => "link cut",
            LinkFault::CutTowardsCoordinator | LinkFault::CutFromCoordinator => "link cut one way",
            LinkFault::Hold => "link held",
            LinkFault::Slow(_) => "link slow",
        };
        self.oracle.corner(name);
        if host == OPERATOR {
            self.oracle.corner("operator cut off");
        }
        match fault {
            LinkFault::Cut => sim.partition(host, COORDINATOR),
            LinkFault::CutTowardsCoordinator => sim.partition_oneway(host, COORDINATOR),
            LinkFault::CutFromCoordinator => sim.partition_oneway(COORDINATOR, host),
            LinkFault::Hold => sim.hold(host, COORDINATOR),
            LinkFault::Slow(longest) => sim.set_link_max_message_latency(host, COORDINATOR, longest),
        }
    }

    fn end(&self, sim: &Sim<'_>, host: &str, fault: LinkFault) {
        match fault {
            LinkFault::Cut => sim.repair(host, COORDINATOR),
            LinkFault::CutTowardsCoordinator => sim.repair_oneway(host, COORDINATOR),
            LinkFault::CutFromCoordinator => sim.repair_oneway(COORDINATOR, host),
            LinkFault::Hold => sim.release(host, COORDINATOR),
            LinkFault::Slow(_) => sim.set_link_max_message_latency(host, COORDINATOR, self.latency_max),
        }
    }
}
