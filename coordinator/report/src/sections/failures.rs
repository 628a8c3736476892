//! Failures: every attempt that brought no result, and what followed.

use super::{Block, Section, TextTable, format, names};
use crate::language::{Language, heads, say};
use crate::model::{ReportModel, Sensitivity};

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if model.failures.is_empty() {
        blocks.push(Block::Text(say!(language, "Every attempt brought a result.").to_owned()));
        return Section { id: "failures", title: say!(language, "Failures"), blocks };
    }
    blocks.extend(model.if_failures_were_worst.as_ref().map(|one| sensitivity(one, language)));
    let head = heads!(
        language,
        "attempt",
        "configuration",
        "#replicate",
        "work",
        "worker",
        "outcome",
        "reason",
        "#seconds",
        "consequence",
    );
    let rows = model.failures.iter().map(|one| {
        let kind = one.kind.map(|kind| names::name(kind, language));
        let reason = match (kind, &one.reason) {
            (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
            (Some(kind), None) => kind.to_owned(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => format::NONE.to_owned(),
        };
        vec![
            one.attempt.clone(),
            names::configuration(&one.label, language),
            one.replicate.to_string(),
            names::name(one.work, language).to_owned(),
            one.worker.clone(),
            names::name(one.outcome, language).to_owned(),
            reason,
            one.seconds.map_or_else(|| format::NONE.to_owned(), |seconds| format::fixed(seconds, 1)),
            one.consequence.say(language),
        ]
    });
    let caption = say!(language, "Attempts without a result (sweep/trial/attempt)");
    blocks.push(Block::Table(TextTable::new(caption, head).with_rows(rows, "report.json", language)));
    Section { id: "failures", title: say!(language, "Failures"), blocks }
}

/// Whether the answer hangs on the trials that brought no result.
fn sensitivity(sensitivity: &Sensitivity, language: Language) -> Block {
    let count = sensitivity.without_result;
    let trials = if count == 1 {
        say!(language, "1 trial failed or diverged").to_owned()
    } else {
        say!(language, "{count} trials failed or diverged", count = count)
    };
    if sensitivity.is_same {
        Block::Text(say!(
            language,
            "{trials}. Were each as bad as the worst completed trial, the best configuration would still be the same.",
            trials = trials
        ))
    } else {
        Block::Warning(say!(
            language,
            "{trials}. Were each as bad as the worst completed trial, {configuration} would still have the lowest mean: it ranks \
             behind the best only because replicates of it are missing.",
            trials = trials,
            configuration = names::configuration(&sensitivity.best, language)
        ))
    }
}
