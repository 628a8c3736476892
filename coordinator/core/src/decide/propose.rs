//! A sampler has answered: the trials that it proposes are made.
//!
//! What is proposed is data, and not trusted: each trial is checked against the space and against those there are. An answer for
//! another state of the sweep than the present one changes nothing; it is asked again.

use std::collections::BTreeSet;

use coordinator_search::{Answer, Proposal};
use sweep_proto::{SweepId, Timestamp, TrialId};

use super::grid;
use crate::command::{Decision, Reply};
use crate::configurations::Rows;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{SearchRecord, SweepRecord, TrialState};
use crate::search;

/// For which state of a sweep an answer holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    pub(crate) sweep: SweepId,
    pub(crate) version: u64,
    pub(crate) first: u64,
}

pub(crate) fn propose(
    engine: &Engine,
    now: Timestamp,
    stand: Stand,
    answer: &Result<Answer, String>,
) -> Decision {
    let proposed = answer.as_ref().map_or(0, |answer| answer.proposals.len() as u64);
    let Some((sweep, record)) = wanting(engine, stand, proposed) else { return Decision::default() };
    let mut draft = Draft::new(engine, now);
    let made = match answer {
        Ok(answer) => check(engine, sweep, answer).and_then(|()| draft.make_proposed(sweep, record, answer)),
        Err(reason) => Err(reason.clone()),
    };
    match made {
        Ok(()) => draft.finish(Reply::Done),
        // Nothing of what was begun above stays.
        Err(reason) => hold(engine, now, sweep, &reason),
    }
}

/// The sweep, where it wants just what was answered, and all of it. A budget may have less room than when the sampler was asked: a trial
/// that had ended early starts over, or one is promoted. Then fewer are asked for.
fn wanting(engine: &Engine, stand: Stand, proposed: u64) -> Option<(&SweepRecord, SearchRecord)> {
    let sweep = engine.sweep(stand.sweep)?;
    let index = engine.index.sweeps.get(&stand.sweep)?;
    let record = sweep.search?;
    let is_present = record.version == stand.version && index.made() == stand.first;
    (is_present && search::room(sweep, index) >= proposed.max(1)).then_some((sweep, record))
}

/// Checks what a sampler has answered.
fn check(engine: &Engine, sweep: &SweepRecord, answer: &Answer) -> Result<(), String> {
    let Some(index) = engine.index.sweeps.get(&sweep.id) else { return Ok(()) };
    let Answer { proposals, is_exhausted, .. } = answer;
    if proposals.is_empty() && (!is_exhausted || index.made() == 0) {
        return Err("the sampler proposed nothing: no configuration fulfils the constraints".to_owned());
    }
    check_each(engine, sweep, proposals)
}

/// Checks trials that are proposed: that they are of the space, and that none was made before.
pub(super) fn check_each(engine: &Engine, sweep: &SweepRecord, proposals: &[Proposal]) -> Result<(), String> {
    let Some(index) = engine.index.sweeps.get(&sweep.id) else { return Ok(()) };
    let mut seen = BTreeSet::new();
    let is_made = |proposal: &Proposal| {
        let rows = Rows { tables: &engine.tables, sweep: sweep.id };
        let number = index.configurations.number(rows, &proposal.configuration);
        let trials = number.into_iter().flat_map(|number| index.configurations.trials_of(number));
        let mut trials =
            trials.filter_map(|trial| engine.tables.trials.get(&TrialId { sweep: sweep.id, index: trial }));
        trials.any(|trial| trial.spec.replicate == proposal.replicate)
    };
    for proposal in proposals {
        let wrong = |what: &str| {
            let axes: Vec<_> = sweep.spec.axes.iter().map(|axis| axis.hyperparameter).collect();
            let label = proposal.configuration.label(&axes);
            Err(format!("the sampler proposed replicate {} of \"{label}\", {what}", proposal.replicate))
        };
        if !sweep.spec.allows(&proposal.configuration) {
            return wrong("which lies outside the search space");
        }
        if proposal.replicate >= sweep.spec.replicates {
            return wrong("beyond the replicates of the sweep");
        }
        if !seen.insert(proposal) || is_made(proposal) {
            return wrong("which exists already");
        }
    }
    Ok(())
}

pub(super) fn hold(engine: &Engine, now: Timestamp, sweep: &SweepRecord, reason: &str) -> Decision {
    let mut draft = Draft::new(engine, now);
    draft.hold(sweep, &format!("{reason}; cancel the sweep, or resume it to ask the sampler again"));
    draft.finish(Reply::Done)
}

impl Draft<'_> {
    fn make_proposed(
        &mut self,
        sweep: &SweepRecord,
        record: SearchRecord,
        answer: &Answer,
    ) -> Result<(), String> {
        for proposal in &answer.proposals {
            self.make_one(sweep, proposal)?;
        }
        let after = SearchRecord {
            is_exhausted: record.is_exhausted || answer.is_exhausted,
            from: record.from.max(answer.from),
            ..record
        };
        if after != record {
            self.set_sweep(SweepRecord { search: Some(after), ..sweep.clone() });
        }
        Ok(())
    }

    /// Makes a trial that is proposed.
    pub(super) fn make_one(&mut self, sweep: &SweepRecord, proposal: &Proposal) -> Result<(), String> {
        let id = sweep.id;
        let trial = grid::trial_id(id, self.made(id) as usize);
        let configuration = self.numbered(id, proposal.configuration.clone());
        let trial =
            grid::new_trial(trial, configuration, proposal.replicate, sweep.spec.seed, &sweep.datasets);
        let trial = trial.map_err(|error| error.to_string())?;
        debug_assert_eq!(trial.state, TrialState::Pending);
        self.add_trial(trial, sweep.spec.reuse);
        Ok(())
    }
}
