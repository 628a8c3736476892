//! From the answer's numbers to what a reader may do with them.

use coordinator_core::SweepState;

use crate::model::{
    Answer, Conclusion, Front, FrontNote, NextStep, Strongest, TestSplit, VerdictReason, Worth,
};

/// The conclusion of a sweep in this state; `None` where no trial has completed.
pub(super) fn conclusion(
    answer: &Answer,
    test_split: Option<&TestSplit>,
    front: Option<&Front>,
    state: SweepState,
) -> Option<Conclusion> {
    answer.configuration.as_ref()?;
    let validation = answer.validation_accuracy?.mean;
    let worth = match answer.test_accuracy {
        _ if state == SweepState::Cancelled => Worth::UpToCancel { accuracy: validation },
        _ if answer.provisional => Worth::SoFar { accuracy: validation },
        Some(accuracy) => tested(answer, accuracy, test_split),
        None => Worth::NotTested { accuracy: validation },
    };
    let (label, next) = (answer.label.clone(), next_step(&answer.strongest_hyperparameter));
    let front = front.and_then(|front| FrontNote::of(front, &answer.label));
    Some(Conclusion { label, worth, search_end: answer.search_end.clone(), front, next })
}

fn tested(answer: &Answer, accuracy: f64, test_split: Option<&TestSplit>) -> Worth {
    match test_split.and_then(|test| test.baseline).filter(|baseline| !baseline.is_beaten_by(accuracy)) {
        Some(baseline) if accuracy > baseline.accuracy => {
            Worth::NotShownBetter { accuracy, baseline: baseline.accuracy }
        }
        Some(baseline) => Worth::NoBetter { accuracy, baseline: baseline.accuracy },
        None => Worth::Tested { accuracy, interval: answer.test_accuracy_interval },
    }
}

fn next_step(strongest: &Strongest) -> NextStep {
    match (&strongest.reason, strongest.leading) {
        (VerdictReason::NothingSwept | VerdictReason::OnlySwept(_), _) => NextStep::Nothing,
        (_, Some(leading)) if strongest.decided => NextStep::Tune(leading),
        (VerdictReason::Searched, _) => NextStep::Grid,
        (VerdictReason::OneReplicate, _) => NextStep::SeveralSeeds,
        _ => strongest.replicates_needed.map_or(NextStep::Undecided, NextStep::Replicate),
    }
}
