//! One hyperparameter at a time, as the study looked at it, beside what the full grid says.

use super::{Block, Section, TextTable, format};
use crate::model::{OneFactor, ReportModel};

pub(super) fn section(model: &ReportModel) -> Section {
    let rows = &model.one_factor_at_a_time;
    let mut blocks = Vec::new();
    if rows.len() > 1 {
        blocks.push(Block::Text(verdict(model)));
        let table = |row: &OneFactor| Block::Table(table(row));
        blocks.extend(rows.iter().map(table));
    }
    Section { id: "one-factor", title: "One factor at a time", blocks }
}

/// Whether this view would name the hyperparameter that the full grid does.
fn verdict(model: &ReportModel) -> String {
    let widest = model
        .one_factor_at_a_time
        .iter()
        .filter_map(|row| Some((row.range.filter(|range| *range > 0.0)?, row.hyperparameter)))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let way = "Each hyperparameter changes while the others stay at the best configuration: one row of the grid each, \
        without intervals and blind to interactions.";
    let Some((range, name)) = widest else {
        return format!("{way} Too few configurations have a result, or all are equal.");
    };
    let all =
        if model.factorial.is_some() { "the full grid has" } else { "all completed trials together have" };
    let whole = match model.answer.strongest_hyperparameter.leading {
        Some(leading) if leading == name => format!("{all} the same one in front"),
        Some(leading) => format!("{all} {leading} in front"),
        None => format!("{all} none in front"),
    };
    format!("{way} Here {name} moves the validation loss the most, by {}; {whole}.", format::number(range))
}

fn table(row: &OneFactor) -> TextTable {
    let name = row.hyperparameter.name();
    let caption = format!("{name}, held at {} (± standard deviation over replicates)", row.held);
    let head = [name, "#validation loss", "#validation accuracy", "#replicates"];
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
    TextTable::new(caption, &head).with_rows(rows, "report.json")
}
