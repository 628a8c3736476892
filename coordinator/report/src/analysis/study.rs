//! The study behind this program, beside a sweep of its hyperparameters.

use sweep_proto::{Hyperparameter, Objective, SweepSpec};

use crate::model::{BesideStudy, Strongest, StudyVerdict};

/// What the study varied.
const VARIED: [Hyperparameter; 3] =
    [Hyperparameter::Units, Hyperparameter::BatchSize, Hyperparameter::Embedding];
/// What its abstract tells of the gap between settings: see [`BesideStudy`].
const LOSS_PERCENT: f64 = 41.9;
const ACCURACY_PERCENT: f64 = 11.4;
/// What it found the strongest.
const STRONGEST: Hyperparameter = Hyperparameter::Embedding;

/// The study and what this sweep says of it; `None` unless all that the study varied is swept.
pub(super) fn beside_study(spec: &SweepSpec, strongest: &Strongest) -> Option<BesideStudy> {
    let swept = spec.swept();
    // It told of the loss.
    let is_by_loss = spec.objective == Objective::default();
    (is_by_loss && VARIED.iter().all(|one| swept.contains(one))).then(|| BesideStudy {
        loss_percent: LOSS_PERCENT,
        accuracy_percent: ACCURACY_PERCENT,
        strongest: STRONGEST,
        verdict: verdict(strongest),
    })
}

/// The strongest of all is the strongest of the three; that something else is says nothing of their order.
fn verdict(strongest: &Strongest) -> StudyVerdict {
    match strongest.leading.filter(|leading| strongest.decided && VARIED.contains(leading)) {
        Some(STRONGEST) => StudyVerdict::Supported,
        Some(_) => StudyVerdict::Contradicted,
        None => StudyVerdict::Undecided,
    }
}
