//! A searched sweep: which proposals it wants, and what a sampler is asked for them.
//!
//! All of that follows from rows: how many trials were made, how many have ended, and the sweep's [`Lead`]. So what is asked
//! after a restart is what was asked before.

use coordinator_search::{CalledOff, Ended, Lead, News, Request, Space, sampler};
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::{Configuration, Search, SweepId, SweepSpec, TrialId};

use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::quota::epochs_max;
use crate::record::{AskingRecord, SearchRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::source::{Tally, uncounted_trials_max};
use crate::standings::scores_so_far;

/// A question to a sampler, and for which state of its sweep the answer holds.
#[derive(Clone, Debug)]
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

/// How much of a sweep's history somebody has a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The version of its search.
    pub version: u64,
    /// Trials.
    pub made: u64,
    /// The number of the last end; of a steered sweep that of the last event of its log.
    pub ended: u64,
}

/// What whoever has a copy of a sweep's history lacks to ask its sampler.
#[derive(Clone, Debug)]
pub struct Question {
    /// The sweep.
    pub sweep: SweepId,
    /// The question without any history, where the copy is of no use any more: of another version, or none.
    pub begun: Option<Request>,
    /// What the copy lacks, or a part of it.
    pub news: News,
    /// How much the copy knows with it.
    pub known: Known,
    /// How many trials are wanted; none where the copy lacks more.
    pub count: u64,
    /// What each is chosen from.
    pub lead: Lead,
    /// Where the sampler's own sequence goes on.
    pub from: u64,
    /// Ends the search for an answer that nobody wants any more.
    pub called_off: CalledOff,
}

impl Question {
    /// Puts the question, with the copy that there is; `None` where there is none, and one is needed.
    pub fn put(self, copy: Option<ProposalRequest>) -> Option<ProposalRequest> {
        let Self { sweep, begun, news, known, count, lead, from, called_off } = self;
        let mut request = begun.or(copy.map(|copy| copy.request))?;
        request.history.learn(news);
        let request = Request { count, lead, from, called_off, ..request };
        Some(ProposalRequest { sweep, version: known.version, first: known.made, request })
    }
}

/// How a spec is searched, where its trials are proposed. The whole grid needs no proposals.
pub(crate) fn of(spec: &SweepSpec) -> Option<&Search> {
    spec.search.as_deref().filter(|search| !search.is_of_grid())
}

/// Whether one model chooses, pauses and promotes the trials of a spec.
pub(crate) fn is_steered(spec: &SweepSpec) -> bool {
    of(spec).is_some_and(Search::is_steered)
}

/// Whether a sweep is steered on: it goes on, and its search has not come to its end.
pub(crate) fn awaits_steering(sweep: &SweepRecord) -> bool {
    sweep.is_unconcluded() && !sweep.is_deleted() && !sweep.is_reviving()
}

/// What the budget of a steered sweep leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteeredRoom {
    /// Trials that may be made, each with all its epochs.
    pub(crate) trials: u64,
    /// Epochs that trials may train which go on from where they wait.
    pub(crate) epochs: u64,
}

impl SteeredRoom {
    /// Nothing is left of a budget that is spent by the clock.
    pub(crate) fn of(sweep: &SweepRecord, tally: Tally) -> Self {
        let Some(search) = of(&sweep.spec).filter(|_| sweep.spent().is_none()) else {
            return Self { trials: 0, epochs: 0 };
        };
        let most = search.budget.trials.or_else(|| uncounted_trials_max(search));
        let trials = most.map_or(TRIALS_MAX, u64::from).saturating_sub(tally.made);
        let epochs = search.budget.epochs.map_or(u64::MAX, |epochs| steered_epochs_left(epochs, tally));
        Self { trials: trials.min(epochs / epochs_max(&sweep.spec).max(1)), epochs }
    }

    /// How many trials may be made or go on, where that many wait.
    pub(crate) fn with(self, waiting: u64) -> u64 {
        self.trials.max(waiting.min(self.epochs))
    }
}

/// Epochs of a budget that trials of a steered sweep have neither brought nor may bring as they stand.
pub(crate) fn steered_epochs_left(budget: u64, tally: Tally) -> u64 {
    budget.saturating_sub(tally.epochs.saturating_sub(tally.epochs_beyond_rungs))
}

/// How many trials a sampler likes to propose ahead of the workers.
pub(crate) fn ahead(search: &Search) -> u64 {
    sampler::of(search.sampler).map_or(0, |sampler| sampler.ahead())
}

/// The search of a sweep that is launched.
pub(crate) fn launched(spec: &SweepSpec) -> Option<SearchRecord> {
    let search = of(spec)?;
    let lead = Lead { first: 0, count: ahead(search), known: 0 };
    Some(SearchRecord {
        version: 1,
        lead,
        is_exhausted: false,
        from: 0,
        spent: None,
        finalist: None,
        finalists: 0,
        revives_from: None,
        asking: AskingRecord::default(),
    })
}

/// How many further trials a sweep may have now, of those that its budget leaves.
pub(crate) fn room(sweep: &SweepRecord, index: &SweepIndex) -> u64 {
    let Some(record) = &sweep.search else { return 0 };
    // What goes on is not yet counted among what is to be trained.
    if sweep.state != SweepState::Open || sweep.is_deleted() || sweep.is_reviving() {
        return 0;
    }
    record.lead.allowed(index.ended_last()).saturating_sub(index.made()).min(index.unmade())
}

/// How many trials of a sweep are to be proposed now. A sampler that proposes ahead is asked for many at one time.
pub(crate) fn wanted(sweep: &SweepRecord, index: &SweepIndex) -> u64 {
    let Some(search) = of(&sweep.spec).filter(|search| !search.is_steered()) else { return 0 };
    let is_stocked = index.pending.len() as u64 > ahead(search) / 2;
    if is_stocked { 0 } else { room(sweep, index) }
}

/// Whether workers could train more of a sweep than its lead allows: nothing waits, nothing is to be proposed, and its budget is
/// not spent.
pub(crate) fn is_starving(sweep: &SweepRecord, index: &SweepIndex) -> bool {
    if let Some(SearchRecord { asking, .. }) = sweep.search.filter(|_| is_steered(&sweep.spec)) {
        let lacks = index.pending.is_empty() && asking.asked.is_none() && !asking.is_dry;
        return awaits_steering(sweep)
            && lacks
            && SteeredRoom::of(sweep, index.tally()).with(index.at_rungs.len() as u64) > 0;
    }
    let is_open = sweep.state == SweepState::Open && !sweep.is_deleted() && sweep.search.is_some();
    is_open
        && !sweep.is_reviving()
        && index.pending.is_empty()
        && index.unmade() > 0
        && room(sweep, index) == 0
}

/// Whether attempts of a sweep spend its budget by holding their slots, and have not spent it. Not while its trials go on slice by
/// slice: the leading one may be among those that are yet to follow.
pub(crate) fn is_metered(sweep: &SweepRecord) -> bool {
    let has_meter = sweep.spec.metered_ms().is_some() && !sweep.is_reviving();
    has_meter && sweep.state == SweepState::Open && !sweep.is_deleted() && sweep.spent().is_none()
}

impl Engine {
    /// The sweeps that want proposals.
    pub fn wanting(&self) -> impl Iterator<Item = SweepId> {
        self.index.wanting.iter().copied()
    }

    /// Whether an answer for that state of a sweep is still wanted.
    pub fn awaits(&self, id: SweepId, known: Known) -> bool {
        let (Some(sweep), Some(index)) = (self.sweep(id), self.index.sweeps.get(&id)) else { return false };
        if is_steered(&sweep.spec) {
            return awaits_steering(sweep);
        }
        let is_present = |record: SearchRecord| record.version == known.version && index.made() == known.made;
        sweep.search.is_some_and(is_present) && room(sweep, index) > 0
    }

    /// Whether a sweep may come to want proposals as it is. A trial that ends before its last epoch gives a budget of epochs some back.
    pub fn is_searched_on(&self, id: SweepId) -> bool {
        let (Some(sweep), Some(index)) = (self.sweep(id), self.index.sweeps.get(&id)) else { return false };
        let goes_on = matches!(sweep.state, SweepState::Open | SweepState::Paused);
        goes_on
            && !sweep.is_deleted()
            && sweep.search.is_some()
            && (index.open_in(sweep) > 0 || index.unmade() > 0 || awaits_steering(sweep))
    }

    /// What a sampler is to be asked for a sweep; `None` where the sweep wants nothing. Copies all that the answer depends on.
    pub fn proposal_request(&self, id: SweepId) -> Option<ProposalRequest> {
        self.question(id, None, usize::MAX)?.put(None)
    }

    /// What is to be told to whoever asks the sampler of a sweep and has a copy of its history; `None` where the sweep wants nothing.
    /// At most that many trials and ends are copied, so that nobody waits long.
    pub fn question(&self, id: SweepId, known: Option<Known>, most: usize) -> Option<Question> {
        let (sweep, index) = (self.sweep(id)?, self.index.sweeps.get(&id)?);
        let (search, record) = (of(&sweep.spec)?, sweep.search?);
        let count = wanted(sweep, index).min(self.slice.0 as u64);
        if count == 0 {
            return None;
        }
        let (made, ended) = (index.made(), index.ended_last());
        let is_of_use =
            |known: &Known| known.version == record.version && known.made <= made && known.ended <= ended;
        let known = known.filter(is_of_use);
        let spec = &sweep.spec;
        let begun = known.is_none().then(|| {
            Request::begun(search.sampler, spec.seed, Space::of(spec), spec.replicates, record.lead)
        });
        let mut known = known.unwrap_or(Known { version: record.version, made: 0, ended: 0 });
        let news = self.news(id, index, &mut known, most);
        let is_whole = known.made == made && known.ended == ended;
        let count = if is_whole { count } else { 0 };
        let SearchRecord { lead, from, .. } = record;
        Some(Question { sweep: id, begun, news, known, count, lead, from, called_off: CalledOff::default() })
    }

    /// What has happened to a sweep beyond what is known, trials first.
    fn news(&self, id: SweepId, index: &SweepIndex, known: &mut Known, most: usize) -> News {
        let mut news = News { made: self.made_since(id, known, most), ..News::default() };
        // An end is told after its trial.
        let rest = if known.made == index.made() { most.saturating_sub(news.made.len()) } else { 0 };
        for (number, trial) in index.ended.range((known.ended + 1, 0)..=(u64::MAX, u32::MAX)).take(rest) {
            let trial = self.tables.trials.get(&TrialId { sweep: id, index: *trial });
            news.ended.extend(trial.and_then(|trial| Some((trial.spec.id.index, self.ended(trial)?))));
            known.ended = *number;
        }
        news
    }

    /// The trials that were made beyond what is known, at most that many of them, which are known then.
    pub(crate) fn made_since(
        &self,
        id: SweepId,
        known: &mut Known,
        most: usize,
    ) -> Vec<(Configuration, u32)> {
        let first = TrialId { sweep: id, index: known.made as u32 };
        let last = TrialId { sweep: id, index: u32::MAX };
        let trials = self.tables.trials.range(first..=last).take(most);
        let made: Vec<_> =
            trials.map(|trial| (trial.spec.configuration.clone(), trial.spec.replicate)).collect();
        known.made += made.len() as u64;
        made
    }

    /// How a trial has ended, as samplers see it.
    fn ended(&self, trial: &TrialRecord) -> Option<Ended> {
        let number = trial.ended_number?;
        let id = trial.spec.id;
        // A pruned trial left no result, but its epochs say how good it was.
        let pruned = (trial.state == TrialState::Pruned).then(|| self.sweep(id.sweep)).flatten();
        let of_epochs = pruned.and_then(|sweep| {
            let epochs = self.tables.epochs_of(id).map(|epoch| &epoch.metric);
            scores_so_far(sweep.spec.objective, epochs).last()
        });
        let epochs = self.tables.epochs_recorded(trial.reused_from.unwrap_or(id));
        Some(Ended { number, state: trial.state, score: trial.score().or(of_epochs), epochs })
    }
}
