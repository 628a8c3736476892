//! The ranking of the configurations: the best and the worst of them.

use super::{Block, Section, TextTable, format, names, scored, shortened};
use crate::language::{Language, heads, say, told};
use crate::model::ReportModel;

/// The place of the column that stands beside the probability of being the best.
const AFTER_PROBABILITY: usize = 5;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if !model.ranking.is_empty() {
        let bootstrap = model.ranking.iter().any(|one| one.bootstrap_share_best.is_some());
        let objective = model.objective();
        let mut caption = told!(
            language,
            objective,
            "Configurations by completed replicates, then by mean validation loss at the best epoch (± standard \
             deviation over replicates). The interval is that of the expected loss under other seeds, 95 %, \
             as if the configuration had been named beforehand; the \
             probability of being the best is among those that completed the same replicates as the first"
        );
        let mut head = heads!(
            language,
            "#rank",
            "configuration",
            "#validation loss",
            "#interval",
            "#probability of being the best",
            "#validation accuracy",
            "#replicates",
            "#best epoch",
            "#parameters",
            "#test accuracy",
        );
        if bootstrap {
            caption = say!(
                language,
                "{caption}; beside it the share of the sweeps, drawn from the replicates with replacement, in which the configuration \
                 has the lowest mean (bootstrap)",
                caption = caption
            );
            head.splice(AFTER_PROBABILITY..AFTER_PROBABILITY, heads!(language, "#bootstrap"));
        }
        let head = scored(head, objective, language);
        let rows = model.ranking.iter().map(|one| {
            let (loss, accuracy) = (&one.validation_loss, &one.validation_accuracy);
            let mut row = vec![
                one.rank.to_string(),
                names::configuration(&one.label, language),
                format::loss(loss.mean, loss.standard_deviation),
                format::interval(one.validation_loss_interval, language),
                format::chance(one.probability_best),
                format::accuracy(accuracy.mean, accuracy.standard_deviation),
                format::of(loss.replicates, one.replicates_planned, language),
                format::fixed(one.best_epoch, 1),
                format::count(one.parameters),
                format::optional_percent(one.test_accuracy),
            ];
            if bootstrap {
                row.insert(AFTER_PROBABILITY, format::chance(one.bootstrap_share_best));
            }
            row
        });
        blocks.push(Block::Table(shortened(TextTable::new(caption, head), rows, language)));
    }
    Section { id: "ranking", title: say!(language, "Ranking"), blocks }
}
