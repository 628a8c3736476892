//! One hyperparameter at a time, as the study looked at it, beside what the full grid says.

use super::{Block, Head, Section, TextTable, format, scored};
use crate::language::{Language, heads, say, told};
use crate::model::{OneFactor, ReportModel, VerdictReason};
use sweep_proto::Objective;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let rows = &model.one_factor_at_a_time;
    let mut blocks = Vec::new();
    if rows.len() > 1 {
        blocks.push(Block::Text(verdict(model, language)));
        let table = |row: &OneFactor| Block::Table(table(row, model.objective(), language));
        blocks.extend(rows.iter().map(table));
    }
    Section { id: "one-factor", title: say!(language, "One factor at a time"), blocks }
}

/// Whether this view would name the hyperparameter that the full grid does.
fn verdict(model: &ReportModel, language: Language) -> String {
    let way = say!(
        language,
        "Each hyperparameter changes while the others stay at the best configuration: one row of the grid each, without \
         intervals and blind to interactions."
    );
    if matches!(model.answer.strongest_hyperparameter.reason, VerdictReason::Searched) {
        return say!(
            language,
            "{way} A search trains few of these rows: a level without a result was not tried, or its trial was pruned.",
            way = way
        );
    }
    let widest = model
        .one_factor_at_a_time
        .iter()
        .filter_map(|row| Some((row.range.filter(|range| *range > 0.0)?, row.hyperparameter)))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let Some((range, name)) = widest else {
        return say!(language, "{way} Too few configurations have a result, or all are equal.", way = way);
    };
    let is_full = model.factorial.is_some();
    let whole = match (is_full, model.answer.strongest_hyperparameter.leading) {
        (true, Some(leading)) if leading == name => {
            say!(language, "the full grid has the same one in front").to_owned()
        }
        (true, Some(leading)) => say!(language, "the full grid has {name} in front", name = leading),
        (true, None) => say!(language, "the full grid has none in front").to_owned(),
        (false, Some(leading)) if leading == name => {
            say!(language, "all completed trials together have the same one in front").to_owned()
        }
        (false, Some(leading)) => {
            say!(language, "all completed trials together have {name} in front", name = leading)
        }
        (false, None) => say!(language, "all completed trials together have none in front").to_owned(),
    };
    told!(
        language,
        model.objective(),
        "{way} Here {name} moves the validation loss the most, by {range}; {whole}.",
        way = way,
        name = name,
        range = format::number(range),
        whole = whole
    )
}

fn table(row: &OneFactor, objective: Objective, language: Language) -> TextTable {
    let name = row.hyperparameter.name();
    let caption = say!(
        language,
        "{name}, held at {held} (± standard deviation over replicates)",
        name = name,
        held = row.held
    );
    let mut head = vec![Head::text(name)];
    head.extend(heads!(language, "#validation loss", "#validation accuracy", "#replicates"));
    let head = scored(head, objective, language);
    let rows = row.levels.iter().map(|level| {
        let (loss, accuracy) = (level.validation_loss, level.validation_accuracy);
        vec![
            level.level.to_string(),
            loss.map_or_else(
                || format::NONE.to_owned(),
                |one| format::loss(one.mean, one.standard_deviation),
            ),
            accuracy.map_or_else(
                || format::NONE.to_owned(),
                |one| format::accuracy(one.mean, one.standard_deviation),
            ),
            loss.map_or(0, |one| one.replicates).to_string(),
        ]
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}
