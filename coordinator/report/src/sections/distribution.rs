//! How the losses of each level are distributed: whether a level is better for good and for bad choices of the rest.

use super::{Block, Chart, ChartSpec, Section, TextTable, format};
use crate::language::{Language, heads, say, told};
use crate::model::{LevelQuantiles, LossQuantiles, ReportModel};
use sweep_proto::Objective;

/// The shares of the table, in percent; the chart has more of them.
const SHOWN_PERCENTS: [u32; 7] = [0, 10, 25, 50, 75, 90, 100];

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let (mut blocks, objective) = (Vec::new(), model.objective());
    let drawn = |one: &&LossQuantiles| one.levels.len() >= 2;
    let shown = model.loss_quantiles.iter().enumerate().filter(|(_, one)| drawn(one));
    let charts: Vec<Chart> = shown.map(|(position, one)| chart(position, one, objective, language)).collect();
    if !charts.is_empty() {
        blocks.push(Block::Text(
            told!(
                language,
                objective,
                "The completed trials of each level from the lowest validation loss to the highest, whatever their other \
                 hyperparameters and seeds. A level whose line lies below another's at every share has the lower losses for good \
                 and for bad choices of the rest; where lines cross, it depends on the rest. At 50 % stands the median."
            ),
        ));
        blocks.push(Block::Charts(charts));
    }
    let title = if objective == Objective::default() {
        say!(language, "Distribution of the losses")
    } else {
        say!(language, "Distribution of the scores")
    };
    Section { id: "distribution", title, blocks }
}

fn chart(position: usize, quantiles: &LossQuantiles, objective: Objective, language: Language) -> Chart {
    let name = quantiles.hyperparameter.name();
    let group = |one: &LevelQuantiles| {
        let losses = one.losses.iter().map(|loss| format::rounded(*loss)).collect();
        (one.level.to_string(), one.trials, losses)
    };
    Chart {
        id: format!("distribution-{position}"),
        title: told!(language, objective, "Validation loss by share of the trials: {name}", name = name),
        description: told!(language, objective, "Quantiles of the validation loss by {name}", name = name),
        spec: ChartSpec::Quantiles {
            percents: quantiles.percents.clone(),
            groups: quantiles.levels.iter().map(group).collect(),
        },
        fallback: fallback(quantiles, objective, language),
    }
}

fn fallback(quantiles: &LossQuantiles, objective: Objective, language: Language) -> TextTable {
    let name = quantiles.hyperparameter.name();
    let caption = told!(
        language,
        objective,
        "Validation loss by share of the trials: {name} (the lowest loss that so many of a level's trials have at most)",
        name = name
    );
    let mut head = vec![super::Head::text(name)];
    head.extend(heads!(
        language, "#trials", "#lowest", "#10 %", "#25 %", "#median", "#75 %", "#90 %", "#highest"
    ));
    let at = |one: &LevelQuantiles, percent: &u32| {
        let place = quantiles.percents.iter().position(|known| known == percent);
        format::optional(place.and_then(|place| one.losses.get(place).copied()))
    };
    let rows = quantiles.levels.iter().map(|one| {
        let counted = [one.level.to_string(), format::count(u64::from(one.trials))];
        counted.into_iter().chain(SHOWN_PERCENTS.iter().map(|percent| at(one, percent))).collect()
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}
