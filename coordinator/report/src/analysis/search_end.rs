//! What a steered search says of its end, from the records.

use coordinator_core::CANDIDATES_MAX;

use crate::input::ReportInput;
use crate::model::SearchEnd;

/// `None` where the search was not steered, or has not come to its end.
pub(super) fn search_end(input: &ReportInput) -> Option<SearchEnd> {
    let sweep = &input.sweep;
    let conclusion = sweep.conclusion.as_deref()?;
    let swept = sweep.spec.swept();
    // The coordinator chooses another one where no trial of the named one has completed: what is known is not of that.
    let named = Some(&conclusion.named).filter(|named| named.configuration == sweep.chosen);
    let space = sweep.spec.space_size();
    let trials = space.map(|size| size.saturating_mul(sweep.spec.replicates.into()));
    Some(SearchEnd {
        reason: conclusion.reason,
        probability: named.and_then(|named| named.probability),
        margin: named.and_then(|named| named.margin),
        tied: named.iter().flat_map(|named| &named.tied).map(|one| one.label(&swept)).collect(),
        looked_at_all: space.is_some_and(|size| size <= CANDIDATES_MAX),
        epochs: input.epochs.iter().filter(|epoch| epoch.trial.sweep == sweep.id).count() as u64,
        epochs_of_grid: trials.map(|trials| trials.saturating_mul(sweep.spec.fixed.epochs())),
    })
}
