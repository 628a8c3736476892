//! Interactions: one heat map per pair of swept hyperparameters.

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, format};
use crate::language::{Language, say, told};
use crate::model::{Interaction, ReportModel};
use sweep_proto::Objective;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let (mut blocks, objective) = (Vec::new(), model.objective());
    let filled = |one: &&Interaction| one.cells.iter().flatten().any(Option::is_some);
    let charts: Vec<Chart> = model
        .interactions
        .iter()
        .filter(filled)
        .enumerate()
        .map(|(position, one)| chart(position, one, objective, language))
        .collect();
    if !charts.is_empty() {
        blocks.push(Block::Text(
            told!(
                language,
                objective,
                "Mean validation loss of each pair of levels, over all other hyperparameters and replicates. Lower is better."
            ),
        ));
        blocks.extend(compared(model, language).map(Block::Text));
        blocks.push(Block::Charts(charts));
    }
    Section { id: "interactions", title: say!(language, "Interactions"), blocks }
}

/// How many trials stand behind each cell, where that is not the plan.
fn compared(model: &ReportModel, language: Language) -> Option<String> {
    let is_short = |one: &Interaction| {
        one.trials.iter().flatten().map(|count| u64::from(*count)).sum::<u64>() < model.ledger.all()
    };
    let behind = |one: &Interaction| {
        let count = one.trials.iter().flatten().max().copied().unwrap_or_default();
        format!("{} × {}: {count}", one.rows.hyperparameter, one.columns.hyperparameter)
    };
    model.interactions.iter().any(is_short).then(|| {
        say!(
            language,
            "Only trials with the same other values and the same replicate in every cell that has a result are compared. Trials behind \
             each cell that is shown: {counts}.",
            counts = model.interactions.iter().map(behind).collect::<Vec<_>>().join(", ")
        )
    })
}

fn chart(position: usize, interaction: &Interaction, objective: Objective, language: Language) -> Chart {
    let (rows, columns) = (&interaction.rows, &interaction.columns);
    let names = |levels: &[sweep_proto::Value]| levels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let title = format!("{} × {}", rows.hyperparameter, columns.hyperparameter);
    let mut head = vec![Head::text(format!("{} \\ {}", rows.hyperparameter, columns.hyperparameter))];
    head.extend(columns.levels.iter().map(|level| Head::number(level.to_string())));
    let lines = rows.levels.iter().zip(&interaction.cells).map(|(level, cells)| {
        std::iter::once(level.to_string()).chain(cells.iter().map(|cell| format::optional(*cell))).collect()
    });
    let lines: Vec<Vec<String>> = lines.collect();
    Chart {
        id: format!("interaction-{position}"),
        description: told!(
            language,
            objective,
            "Heat map of the mean validation loss by {pair}",
            pair = title
        ),
        spec: ChartSpec::Heat {
            row_name: rows.hyperparameter.to_string(),
            column_name: columns.hyperparameter.to_string(),
            rows: names(&rows.levels),
            columns: names(&columns.levels),
            cells: interaction
                .cells
                .iter()
                .map(|row| row.iter().map(|one| one.map(format::rounded)).collect())
                .collect(),
        },
        fallback: TextTable::new(
            told!(language, objective, "Mean validation loss by {pair}", pair = title),
            head,
        )
        .with_rows(lines.into_iter(), "report.json", language),
        title,
    }
}
