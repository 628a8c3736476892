//! Failures: every attempt that brought no result, and what followed.

use super::{Block, Section, TextTable, format};
use crate::model::ReportModel;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    if model.failures.is_empty() {
        blocks.push(Block::Text("Every attempt brought a result.".to_owned()));
        return Section { id: "failures", title: "Failures", blocks };
    }
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
