//! Whether the answer hangs on trials that brought no result: they are taken as bad as the worst that was seen.

use coordinator_core::TrialState;

use super::ranking::Contender;
use crate::model::Sensitivity;
use crate::table::Table;
use coordinator_statistics::means::mean;

/// The best configuration if each failed and each diverged trial had the highest validation loss of all completed ones;
/// `None` where there is no such trial, or no result.
pub fn sensitivity(table: &Table, contenders: &[Contender<'_>]) -> Option<Sensitivity> {
    let worst = table.completed().map(|(_, outcome)| outcome.score).max_by(f64::total_cmp)?;
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); table.configurations.len()];
    let mut without_result = 0_u32;
    for trial in &table.trials {
        let score = match trial.state {
            TrialState::Failed | TrialState::Diverged => {
                without_result += 1;
                Some(worst)
            }
            _ => trial.outcome.map(|outcome| outcome.score),
        };
        scores[trial.configuration].extend(score);
    }
    if without_result == 0 {
        return None;
    }
    let covered = scores.iter().map(Vec::len).max()?;
    let best = scores
        .iter()
        .enumerate()
        .filter(|(_, scores)| scores.len() == covered)
        .filter_map(|(at, scores)| Some((mean(scores.iter().copied())?, at)))
        .min_by(|left, right| left.0.total_cmp(&right.0))?
        .1;
    Some(Sensitivity {
        without_result,
        best: table.label(best),
        is_same: contenders.first().is_some_and(|contender| contender.configuration == best),
    })
}
