//! Failures: every attempt that brought no result, and what followed.

use super::{Block, Section, TextTable, format};
use crate::model::{ReportModel, Sensitivity};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    if model.failures.is_empty() {
        blocks.push(Block::Text("Every attempt brought a result.".to_owned()));
        return Section { id: "failures", title: "Failures", blocks };
    }
    blocks.extend(model.if_failures_were_worst.as_ref().map(sensitivity));
    let head = [
        "attempt",
        "configuration",
        "#replicate",
        "work",
        "worker",
        "outcome",
        "reason",
        "#seconds",
        "consequence",
    ];
    let rows = model.failures.iter().map(|one| {
        let reason = match (one.kind, &one.reason) {
            (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
            (Some(kind), None) => kind.to_owned(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => format::NONE.to_owned(),
        };
        vec![
            one.attempt.clone(),
            one.label.clone(),
            one.replicate.to_string(),
            one.work.to_owned(),
            one.worker.clone(),
            one.outcome.to_owned(),
            reason,
            one.seconds.map_or_else(|| format::NONE.to_owned(), |seconds| format!("{seconds:.1}")),
            one.consequence.clone(),
        ]
    });
    let caption = "Attempts without a result (sweep/trial/attempt)";
    blocks.push(Block::Table(TextTable::new(caption, &head).with_rows(rows, "report.json")));
    Section { id: "failures", title: "Failures", blocks }
}

/// Whether the answer hangs on the trials that brought no result.
fn sensitivity(sensitivity: &Sensitivity) -> Block {
    let count = sensitivity.without_result;
    let trials = if count == 1 {
        "1 trial failed or diverged".to_owned()
    } else {
        format!("{count} trials failed or diverged")
    };
    if sensitivity.is_same {
        Block::Text(format!(
            "{trials}. Were each as bad as the worst completed trial, the best configuration would still be the same."
        ))
    } else {
        Block::Warning(format!(
            "{trials}. Were each as bad as the worst completed trial, {} would still have the lowest mean: it ranks behind \
             the best only because replicates of it are missing.",
            sensitivity.best
        ))
    }
}
