//! A searched sweep: which proposals it wants, and what a sampler is asked for them.
//!
//! All of that follows from rows: how many trials were made, how many have ended, and the sweep's [`Lead`]. So what is asked
//! after a restart is what was asked before.

use coordinator_search::{Ended, History, Lead, Request, Space, sampler};
use sweep_proto::{Search, SweepId, SweepSpec};

use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::record::{SearchRecord, SweepRecord, SweepState, TrialRecord};

/// A question to a sampler, and for which state of its sweep the answer holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalRequest {
    /// The sweep.
    pub sweep: SweepId,
    /// The version of its search.
    pub version: u64,
    /// The number of the first trial that is wanted.
    pub first: u64,
    /// The question.
    pub request: Request,
}

/// How a spec is searched, where its trials are proposed. The whole grid needs no proposals.
pub(crate) fn of(spec: &SweepSpec) -> Option<&Search> {
    spec.search.as_deref().filter(|search| !search.is_of_grid())
}

/// The search of a sweep that is launched.
pub(crate) fn launched(spec: &SweepSpec) -> Option<SearchRecord> {
    let search = of(spec)?;
    let lead = Lead { first: 0, count: sampler::of(search.sampler).ahead(), known: 0 };
    Some(SearchRecord { version: 1, lead, is_exhausted: false })
}

/// How many further trials a sweep may have now, of those that its budget leaves.
pub(crate) fn room(sweep: &SweepRecord, index: &SweepIndex) -> u64 {
    let Some(record) = &sweep.search else { return 0 };
    if sweep.state != SweepState::Open || sweep.is_deleted() {
        return 0;
    }
    record.lead.allowed(index.ended_last()).saturating_sub(index.made()).min(index.unmade())
}

/// How many trials of a sweep are to be proposed now. A sampler that proposes ahead is asked for many at one time.
pub(crate) fn wanted(sweep: &SweepRecord, index: &SweepIndex) -> u64 {
    let Some(search) = of(&sweep.spec) else { return 0 };
    let is_stocked = index.pending.len() as u64 > sampler::of(search.sampler).ahead() / 2;
    if is_stocked { 0 } else { room(sweep, index) }
}

/// Whether workers could train more of a sweep than its lead allows: nothing waits, nothing is to be proposed, and its budget is
/// not spent.
pub(crate) fn is_starving(sweep: &SweepRecord, index: &SweepIndex) -> bool {
    let is_open = sweep.state == SweepState::Open && !sweep.is_deleted() && sweep.search.is_some();
    is_open && index.pending.is_empty() && index.unmade() > 0 && room(sweep, index) == 0
}

impl Engine {
    /// The sweeps that want proposals.
    pub fn wanting(&self) -> impl Iterator<Item = SweepId> {
        self.index.wanting.iter().copied()
    }

    /// What a sampler is to be asked for a sweep; `None` where the sweep wants nothing. Copies what the answer depends on.
    pub fn proposal_request(&self, id: SweepId) -> Option<ProposalRequest> {
        let (sweep, index) = (self.sweep(id)?, self.index.sweeps.get(&id)?);
        let (search, record) = (of(&sweep.spec)?, sweep.search?);
        let count = wanted(sweep, index).min(self.slice.0 as u64);
        if count == 0 {
            return None;
        }
        let mut history = History::new(sweep.spec.replicates);
        for trial in self.tables.trials_of(id) {
            history.push(trial.spec.configuration.clone(), trial.spec.replicate, ended(trial));
        }
        Some(ProposalRequest {
            sweep: id,
            version: record.version,
            first: index.made(),
            request: Request {
                sampler: search.sampler,
                seed: sweep.spec.seed,
                space: Space::of(&sweep.spec),
                history,
                lead: record.lead,
                count,
            },
        })
    }
}

/// How a trial has ended, as samplers see it.
fn ended(trial: &TrialRecord) -> Option<Ended> {
    let number = trial.ended_number?;
    let score = trial.result.as_ref().map(|result| result.score);
    Some(Ended { number, state: trial.state, score })
}
