//! Main effects: marginal means per level, shares of the variance, the rule behind the verdict.

use super::{Block, Chart, ChartSpec, Section, TextTable, format};
use crate::model::{Factor, ReportModel, Variance};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    if model.set_up.axes.is_empty() || model.ranking.is_empty() {
        return Section { id: "effects", title: "Main effects", blocks };
    }
    blocks.push(Block::Text(format!(
        "Rule for \"matters most\": {}",
        model.answer.strongest_hyperparameter.rule
    )));
    let charts =
        model.main_effects.factors.iter().enumerate().map(|(position, factor)| chart(position, factor));
    blocks.push(Block::Charts(charts.collect()));
    match &model.main_effects.variance {
        Some(variance) => blocks.push(Block::Table(shares(model, variance))),
        None => blocks.push(Block::Text(
            "No replicate is complete on the whole grid (or all scores are equal), so the variance is not split \
             between the hyperparameters."
                .to_owned(),
        )),
    }
    Section { id: "effects", title: "Main effects", blocks }
}

fn chart(position: usize, factor: &Factor) -> Chart {
    let name = factor.hyperparameter.name();
    let levels = factor.levels.iter().map(|level| {
        let loss = level.validation_loss;
        let spread = loss.and_then(|loss| loss.standard_deviation);
        (level.level.to_string(), loss.map(|loss| format::rounded(loss.mean)), spread.map(format::rounded))
    });
    let head = [name, "#trials", "#validation loss", "#validation accuracy"];
    let rows = factor.levels.iter().map(|level| {
        vec![
            level.level.to_string(),
            level.trials.to_string(),
            format::loss_band(level.validation_loss),
            format::accuracy_band(level.validation_accuracy),
        ]
    });
    Chart {
        id: format!("effect-{position}"),
        title: format!("{name}: range {}", format::optional(factor.range)),
        description: format!("Mean validation loss at each level of {name}, with its spread over replicates"),
        spec: ChartSpec::Levels { name: name.to_owned(), levels: levels.collect() },
        fallback: TextTable::new(
            format!("Marginal means by {name} ± standard deviation over replicates of each replicate's mean"),
            &head,
        )
        .with_rows(rows, "report.json"),
    }
}

fn shares(model: &ReportModel, variance: &Variance) -> TextTable {
    let caption = format!(
        "Share of the sum of squares of the validation loss (η²), {} configurations × {} replicates that all of them \
         completed",
        variance.configurations, variance.replicates
    );
    let mut rows: Vec<Vec<String>> = model
        .main_effects
        .factors
        .iter()
        .map(|factor| {
            let share = format::optional_percent(factor.share);
            vec![factor.hyperparameter.name().to_owned(), share, format::optional(factor.range)]
        })
        .collect();
    let rest = [
        ("interactions, all together", variance.interactions_share),
        ("seed (differences between whole replicates)", variance.replicates_share),
        ("residual (seed noise within configurations)", variance.residual_share),
    ];
    rows.extend(rest.map(|(name, share)| vec![name.to_owned(), format::percent(share), String::new()]));
    TextTable::new(caption, &["source", "#share", "#range of marginal means"])
        .with_rows(rows.into_iter(), "report.json")
}
