//! Main effects: marginal means per level, tests, shares of the variance, the rule behind the verdict.

use super::{Block, Chart, ChartSpec, Section, TextTable, format};
use crate::analysis::equal_noise::WARNED_BELOW;
use crate::model::{Factor, ReportModel, Variance};

/// The probability below which a test speaks.
const SIGNIFICANCE: f64 = 0.05;

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
    blocks.extend(tests(&model.main_effects.factors));
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
    let head = [name, "#trials", "#validation loss", "#interval", "#validation accuracy"];
    let rows = factor.levels.iter().map(|level| {
        vec![
            level.level.to_string(),
            level.trials.to_string(),
            format::loss_band(level.validation_loss),
            format::interval(level.validation_loss_interval),
            format::accuracy_band(level.validation_accuracy),
        ]
    });
    Chart {
        id: format!("effect-{position}"),
        title: format!("{name}: range {}", format::optional(factor.range)),
        description: format!("Mean validation loss at each level of {name}, with its spread over replicates"),
        spec: ChartSpec::Levels { name: name.to_owned(), levels: levels.collect() },
        fallback: TextTable::new(
            format!(
                "Marginal means by {name} ± standard deviation over replicates of each replicate's mean, with the 95 % \
                 interval of the expected loss under other seeds"
            ),
            &head,
        )
        .with_rows(rows, "report.json"),
    }
}

/// Whether each hyperparameter has an effect, and between which levels.
fn tests(factors: &[Factor]) -> Vec<Block> {
    let tested: Vec<_> = factors.iter().filter_map(|factor| Some((factor, factor.test?))).collect();
    if tested.is_empty() {
        return Vec::new();
    }
    let head =
        ["hyperparameter", "#F", "#p", "#p (Holm)", "#p by exchanging levels", "#lowest such p", "#ω²"];
    let caption = "Tests of no effect on the validation loss: F against the residual, corrected by Holm for the \
        hyperparameters; and by exchanging the levels within each replicate, which assumes no distribution";
    let rows = tested.iter().map(|(factor, test)| {
        vec![
            factor.hyperparameter.name().to_owned(),
            test.f.map_or_else(|| format::NONE.to_owned(), |f| format!("{f:.2}")),
            format::p(Some(test.p)),
            format::p(Some(test.p_holm)),
            format::p(test.permutation_p),
            format::p(test.permutation_p_min),
            format::percent(test.omega_squared),
        ]
    });
    let mut blocks = vec![Block::Table(TextTable::new(caption, &head).with_rows(rows, "report.json"))];
    let unequal: Vec<&str> = tested
        .iter()
        .filter(|(_, test)| test.equal_noise_p.is_some_and(|p| p < WARNED_BELOW))
        .map(|(factor, _)| factor.hyperparameter.name())
        .collect();
    if !unequal.is_empty() {
        blocks.push(Block::Warning(format!(
            "Seed noise is not the same at every level of {} (Bartlett's test): intervals, tests and probabilities pool it, \
             so they are less sure than they say.",
            unequal.join(", ")
        )));
    }
    let blind: Vec<&str> = tested
        .iter()
        .filter(|(_, test)| test.permutation_p_min.is_some_and(|p| p > SIGNIFICANCE))
        .map(|(factor, _)| factor.hyperparameter.name())
        .collect();
    if !blind.is_empty() {
        blocks.push(Block::Text(format!(
            "With so few replicates the exchange of levels cannot reach p = {SIGNIFICANCE} for {}, however large the \
             effect: only the F test, which assumes normal seed noise, can.",
            blind.join(", ")
        )));
    }
    let pairs: Vec<_> = tested
        .iter()
        .flat_map(|(factor, _)| factor.comparisons.iter().map(|pair| (factor.hyperparameter, pair)))
        .collect();
    let head = [
        "hyperparameter",
        "level",
        "less",
        "#difference",
        "#95 % interval",
        "#in seed deviations",
        "#p (Holm)",
    ];
    let caption = "Levels compared: mean validation loss at one less that at the other, over the replicates that every \
        configuration completed; p is corrected by Holm for the \
        pairs of the hyperparameter";
    let rows = pairs.into_iter().map(|(name, pair)| {
        vec![
            name.name().to_owned(),
            pair.level.to_string(),
            pair.other.to_string(),
            format::number(pair.difference),
            format::interval(Some(pair.interval)),
            pair.effect_size.map_or_else(|| format::NONE.to_owned(), |size| format!("{size:.2}")),
            format::p(Some(pair.p_holm)),
        ]
    });
    blocks.push(Block::Table(
        TextTable::new(caption, &head).with_rows(rows.collect::<Vec<_>>().into_iter(), "report.json"),
    ));
    blocks
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
