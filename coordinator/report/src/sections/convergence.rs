//! The table of how soon configurations learn.

use super::{TextTable, format, names, shortened};
use crate::analysis::convergence::NEAR;
use crate::language::{Language, heads, say};
use crate::model::{ReportModel, Summary};

/// In ranking order.
pub(super) fn table(model: &ReportModel, language: Language) -> TextTable {
    let caption = say!(
        language,
        "How soon each configuration learns (mean ± standard deviation over replicates): the epoch of its lowest validation loss, \
         and the first epoch within {near} % of that loss, with the seconds until its end",
        near = NEAR * 100.0
    );
    let head = heads!(
        language,
        "#rank",
        "configuration",
        "#lowest at epoch",
        "#near it at epoch",
        "#seconds until near"
    );
    let rows = model.convergence.iter().map(|one| {
        vec![
            one.rank.to_string(),
            names::configuration(&one.label, language),
            spread(one.lowest_loss_epoch),
            spread(one.epochs_to_near_lowest),
            spread(one.seconds_to_near_lowest),
        ]
    });
    shortened(TextTable::new(caption, head), rows, language)
}

fn spread(summary: Option<Summary>) -> String {
    match summary {
        None => format::NONE.to_owned(),
        Some(Summary { mean, standard_deviation: None, .. }) => format::fixed(mean, 1),
        Some(Summary { mean, standard_deviation: Some(deviation), .. }) => {
            format!("{} ± {}", format::fixed(mean, 1), format::fixed(deviation, 1))
        }
    }
}
