//! Importance: which hyperparameters decide whether a trial is among the best, beside the exact shares.

use super::{Block, Section, TextTable, fanova, format};
use crate::language::{Language, heads, say, told};
use crate::model::{Importance, ReportModel};
use sweep_proto::Objective;

/// Shares that differ less are equal.
const TIE: f64 = 1e-9;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let blocks = model.importance.as_ref().map(|one| blocks(one, model.objective(), language));
    let mut blocks = blocks.unwrap_or_default();
    if model.answer.provisional && !blocks.is_empty() {
        let warning = say!(
            language,
            "Provisional: trials are missing, and those that have a result may be of other seeds at one level than at another."
        );
        blocks.insert(0, Block::Warning(warning.to_owned()));
    }
    Section { id: "importance", title: say!(language, "Importance"), blocks }
}

fn blocks(importance: &Importance, objective: Objective, language: Language) -> Vec<Block> {
    let rows = importance.hyperparameters.iter().enumerate().map(|(at, one)| {
        let of_forest = fanova::main_effect(importance.fanova.as_ref(), at);
        vec![
            one.hyperparameter.name().to_owned(),
            format!("{} %", format::fixed(one.share * 100.0, 1)),
            one.interval.map_or_else(|| format::NONE.to_owned(), |one| fanova::range(one, language)),
            of_forest.map_or_else(
                || format::NONE.to_owned(),
                |share| format!("{} %", format::fixed(share.share * 100.0, 1)),
            ),
            fanova::of_most_trees(of_forest, language),
            format::optional_percent(one.eta_squared),
        ]
    });
    let caption = say!(
        language,
        "What sets the best {best} of {trials} completed trials apart (PED-ANOVA: shares of the divergence between their levels and \
         those of all trials, with the 95 % interval over sweeps drawn from the trials); its share of what a forest of regression \
         trees predicts over the whole grid (fANOVA, with the range of 95 % of the trees); and the exact share of all \
         variance (η²) where the grid is balanced",
        best = importance.best_trials,
        trials = importance.trials
    );
    let head = heads!(
        language,
        "hyperparameter",
        "#among the best",
        "#95 % interval",
        "#over the grid (fANOVA)",
        "#95 % of the trees",
        "#of all variance",
    );
    let table = Block::Table(TextTable::new(caption, head).with_rows(rows, "report.json", language));
    std::iter::once(table)
        .chain(agreement(importance, objective, language).map(Block::Text))
        .chain(fanova::blocks(importance, language))
        .collect()
}

/// Whether both methods have the same hyperparameter in front; `None` where only one of them has spoken.
fn agreement(importance: &Importance, objective: Objective, language: Language) -> Option<String> {
    let rows = &importance.hyperparameters;
    let largest = rows.iter().map(|one| one.share).max_by(f64::total_cmp)?;
    let first: Vec<_> = rows.iter().filter(|one| one.share > largest - TIE).collect();
    let of_variance = |one: &crate::model::HyperparameterImportance| one.eta_squared.unwrap_or(-1.0);
    let by_variance = rows.iter().max_by(|left, right| of_variance(left).total_cmp(&of_variance(right)))?;
    by_variance.eta_squared?;
    let by_variance = by_variance.hyperparameter;
    let [by_best] = first[..] else {
        return Some(say!(
            language,
            "Among the best none is alone in front; over the whole grid {name} is.",
            name = by_variance
        ));
    };
    let by_best = by_best.hyperparameter;
    Some(if by_best == by_variance {
        say!(language, "Both have {name} in front.", name = by_best)
    } else {
        told!(
            language,
            objective,
            "They ask different questions and differ: {by_best} matters most for being among the best, {by_variance} for \
             the loss over the whole grid.",
            by_best = by_best,
            by_variance = by_variance
        )
    })
}
