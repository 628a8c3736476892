//! Main effects: marginal means per level, tests, shares of the variance, the rule behind the verdict.

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, format};
use crate::analysis::equal_noise::WARNED_BELOW;
use crate::language::{Language, heads, say};
use crate::model::{Factor, FactorTest, ReportModel, Variance};

/// The probability below which a test speaks.
const SIGNIFICANCE: f64 = 0.05;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if model.set_up.axes.is_empty() || model.ranking.is_empty() {
        return Section { id: "effects", title: say!(language, "Main effects"), blocks };
    }
    let rule = model.answer.strongest_hyperparameter.rule.say(language);
    blocks.push(Block::Text(say!(language, "Rule for \"matters most\": {rule}", rule = rule)));
    let charts = model
        .main_effects
        .factors
        .iter()
        .enumerate()
        .map(|(position, factor)| chart(position, factor, language));
    blocks.push(Block::Charts(charts.collect()));
    blocks.extend(tests(&model.main_effects.factors, language));
    match &model.main_effects.variance {
        Some(variance) => blocks.push(Block::Table(shares(model, variance, language))),
        None => blocks.push(Block::Text(
            say!(
                language,
                "No replicate is complete on the whole grid (or all scores are equal), so the variance is not split \
                 between the hyperparameters."
            )
            .to_owned(),
        )),
    }
    Section { id: "effects", title: say!(language, "Main effects"), blocks }
}

fn chart(position: usize, factor: &Factor, language: Language) -> Chart {
    let name = factor.hyperparameter.name();
    let levels = factor.levels.iter().map(|level| {
        let loss = level.validation_loss;
        let spread = loss.and_then(|loss| loss.standard_deviation);
        (level.level.to_string(), loss.map(|loss| format::rounded(loss.mean)), spread.map(format::rounded))
    });
    let mut head = vec![Head::text(name)];
    head.extend(heads!(language, "#trials", "#validation loss", "#interval", "#validation accuracy"));
    let rows = factor.levels.iter().map(|level| {
        vec![
            level.level.to_string(),
            level.trials.to_string(),
            format::loss_band(level.validation_loss),
            format::interval(level.validation_loss_interval, language),
            format::accuracy_band(level.validation_accuracy),
        ]
    });
    Chart {
        id: format!("effect-{position}"),
        title: say!(
            language,
            "{name}: range {range}",
            name = name,
            range = format::optional(factor.range)
        ),
        description: say!(
            language,
            "Mean validation loss at each level of {name}, with its spread over replicates",
            name = name
        ),
        spec: ChartSpec::Levels { name: name.to_owned(), levels: levels.collect() },
        fallback: TextTable::new(
            say!(
                language,
                "Marginal means by {name} ± standard deviation over replicates of each replicate's mean, with the 95 % \
                 interval of the expected loss under other seeds",
                name = name
            ),
            head,
        )
        .with_rows(rows, "report.json", language),
    }
}

/// Whether each hyperparameter has an effect, and between which levels.
fn tests(factors: &[Factor], language: Language) -> Vec<Block> {
    let tested: Vec<_> = factors.iter().filter_map(|factor| Some((factor, factor.test?))).collect();
    if tested.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Table(test_table(&tested, language))];
    let names_where = |holds: fn(&FactorTest) -> bool| {
        let those = tested.iter().filter(|(_, test)| holds(test));
        those.map(|(factor, _)| factor.hyperparameter.name()).collect::<Vec<_>>()
    };
    let unequal = names_where(|test| test.equal_noise_p.is_some_and(|p| p < WARNED_BELOW));
    if !unequal.is_empty() {
        blocks.push(Block::Warning(say!(
            language,
            "Seed noise is not the same at every level of {names} (Bartlett's test): intervals, tests and probabilities pool it, \
             so they are less sure than they say.",
            names = unequal.join(", ")
        )));
    }
    let blind = names_where(|test| test.permutation_p_min.is_some_and(|p| p > SIGNIFICANCE));
    if !blind.is_empty() {
        blocks.push(Block::Text(say!(
            language,
            "With so few replicates the exchange of levels cannot reach p = {p} for {names}, however large the \
             effect: only the F test, which assumes normal seed noise, can.",
            p = SIGNIFICANCE,
            names = blind.join(", ")
        )));
    }
    blocks.push(Block::Table(pairs(&tested, language)));
    blocks
}

fn test_table(tested: &[(&Factor, FactorTest)], language: Language) -> TextTable {
    let head = heads!(
        language,
        "hyperparameter",
        "#F",
        "#p",
        "#p (Holm)",
        "#p by exchanging levels",
        "#lowest such p",
        "#ω²"
    );
    let caption = say!(
        language,
        "Tests of no effect on the validation loss: F against the residual, corrected by Holm for the hyperparameters; and \
         by exchanging the levels within each replicate, which assumes no distribution"
    );
    let rows = tested.iter().map(|(factor, test)| {
        vec![
            factor.hyperparameter.name().to_owned(),
            test.f.map_or_else(|| format::NONE.to_owned(), |f| format::fixed(f, 2)),
            format::p(Some(test.p)),
            format::p(Some(test.p_holm)),
            format::p(test.permutation_p),
            format::p(test.permutation_p_min),
            format::percent(test.omega_squared),
        ]
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}

/// The levels of each hyperparameter, two by two.
fn pairs(tested: &[(&Factor, FactorTest)], language: Language) -> TextTable {
    let pairs: Vec<_> = tested
        .iter()
        .flat_map(|(factor, _)| factor.comparisons.iter().map(|pair| (factor.hyperparameter, pair)))
        .collect();
    let head = heads!(
        language,
        "hyperparameter",
        "level",
        "less",
        "#difference",
        "#95 % interval",
        "#in seed deviations",
        "#p (Holm)"
    );
    let caption = say!(
        language,
        "Levels compared: mean validation loss at one less that at the other, over the replicates that every configuration \
         completed; p is corrected by Holm for the pairs of the hyperparameter"
    );
    let rows = pairs.into_iter().map(|(name, pair)| {
        vec![
            name.name().to_owned(),
            pair.level.to_string(),
            pair.other.to_string(),
            format::number(pair.difference),
            format::interval(Some(pair.interval), language),
            pair.effect_size.map_or_else(|| format::NONE.to_owned(), |size| format::fixed(size, 2)),
            format::p(Some(pair.p_holm)),
        ]
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}

fn shares(model: &ReportModel, variance: &Variance, language: Language) -> TextTable {
    let caption = say!(
        language,
        "Share of the sum of squares of the validation loss (η²), {configurations} configurations × {replicates} replicates \
         that all of them completed",
        configurations = variance.configurations,
        replicates = variance.replicates
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
        (say!(language, "interactions, all together"), variance.interactions_share),
        (say!(language, "seed (differences between whole replicates)"), variance.replicates_share),
        (say!(language, "residual (seed noise within configurations)"), variance.residual_share),
    ];
    rows.extend(rest.map(|(name, share)| vec![name.to_owned(), format::percent(share), String::new()]));
    TextTable::new(caption, heads!(language, "source", "#share", "#range of marginal means")).with_rows(
        rows.into_iter(),
        "report.json",
        language,
    )
}
