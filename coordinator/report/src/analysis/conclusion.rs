//! From the answer's numbers to what a reader may do with them.

use crate::model::{Answer, Conclusion, NextStep, Strongest, TestSplit, VerdictReason, Worth};
use coordinator_statistics::strata::INTERVAL_REPLICATES_MIN;

/// The conclusion of an answer; `None` where no trial has completed.
pub(super) fn conclusion(answer: &Answer, test_split: Option<&TestSplit>) -> Option<Conclusion> {
    answer.configuration.as_ref()?;
    let accuracy = answer.validation_accuracy?.mean;
    let is_guess = test_split.and_then(|test| test.baseline).zip(answer.test_accuracy);
    let is_guess = is_guess.is_some_and(|(baseline, accuracy)| !baseline.is_beaten_by(accuracy));
    let worth = match answer.test_accuracy {
        _ if answer.provisional => Worth::SoFar { accuracy },
        Some(_) if is_guess => Worth::NoBetterThanGuessing,
        Some(accuracy) => Worth::Tested {
            accuracy,
            interval: answer.test_accuracy_interval.or(answer.test_accuracy_rows_interval),
        },
        None => Worth::NotTested { accuracy },
    };
    Some(Conclusion { label: answer.label.clone(), worth, next: next_step(&answer.strongest_hyperparameter) })
}

fn next_step(strongest: &Strongest) -> NextStep {
    match (&strongest.reason, strongest.leading) {
        (VerdictReason::NothingSwept | VerdictReason::OnlySwept(_), _) => NextStep::Nothing,
        (_, Some(leading)) if strongest.decided => NextStep::Tune(leading),
        (VerdictReason::OneReplicate, _) => NextStep::Replicate(INTERVAL_REPLICATES_MIN as u32),
        _ => strongest.replicates_needed.map_or(NextStep::Undecided, NextStep::Replicate),
    }
}
