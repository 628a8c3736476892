//! Main effects: marginal means per level, tests, shares of the variance, the rule behind the verdict.

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, answer, format, scored, variance, warnings};
use crate::language::{Language, heads, say, told};
use crate::model::{Factor, FactorTest, LevelEffect, ReportModel, Variance};
use coordinator_statistics::strata::INTERVAL_REPLICATES_MIN;
use sweep_proto::Objective;

/// The probability up to which an effect is significant.
const SIGNIFICANCE: f64 = 0.05;
/// Replicates whose own means are drawn: of more, the lines are one area of colour.
const REPLICATES_DRAWN_MAX: usize = 12;
/// Room above and below what is drawn, as a share of it.
const SHOWN_MARGIN: f64 = 0.04;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if model.set_up.axes.is_empty() || model.ranking.is_empty() {
        return Section { id: "effects", title: say!(language, "Main effects"), blocks };
    }
    if model.set_up.leaves_out {
        blocks.push(Block::Text(how_compared(model, language)));
    } else {
        blocks.extend(comparable(model, language));
    }
    blocks.push(Block::Text(answer::strongest(&model.answer, language)));
    let rule = model.answer.strongest_hyperparameter.rule.say(language);
    blocks.push(Block::Text(say!(language, "Rule for \"matters most\": {rule}", rule = rule)));
    let factors = &model.main_effects.factors;
    let shown = shown(factors);
    let words = (model.objective(), language);
    let charts = factors.iter().enumerate().map(|(position, factor)| chart(position, factor, shown, words));
    blocks.push(Block::Charts(charts.collect()));
    blocks.extend(tests(model, language));
    match &model.main_effects.variance {
        Some(variance) => {
            blocks.extend(variance::seed_unknown(variance.replicates, language).map(Block::Text));
            blocks.push(Block::Table(shares(model, variance, language)));
        }
        None if model.set_up.leaves_out => {}
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

/// A caption for the means of levels when the trials do not form a whole grid.
fn how_compared(model: &ReportModel, language: Language) -> String {
    let is_searched = model.set_up.search.as_ref().is_some_and(|search| !search.is_of_grid());
    let what = if is_searched {
        say!(
            language,
            "The search trained some configurations of its space, and not every combination of values."
        )
    } else {
        say!(language, "Not every combination of levels is part of this sweep.")
    };
    let how = say!(
        language,
        "Each mean is of all completed trials at a level, whatever their other values, so that it tells of these, too; the \
         variance is not split between the hyperparameters, because that needs a whole grid. The importance below holds for \
         such trials."
    );
    let all = format!("{what} {how}");
    if model.set_up.axes.iter().all(|axis| axis.range.is_none()) {
        return all;
    }
    let bins = say!(
        language,
        "A range is cut into bins of equal width on its scale; each is named by its middle, and those without a trial are left out."
    );
    format!("{all} {bins}")
}

/// What is compared while trials are missing, and that more may come.
fn comparable(model: &ReportModel, language: Language) -> Option<Block> {
    let levels = || model.main_effects.factors.iter().flat_map(|factor| &factor.levels);
    let completed: u64 = model.ranking.iter().map(|one| u64::from(one.validation_loss.replicates)).sum();
    let is_short =
        levels().any(|level| level.compared_trials < level.trials) || completed < model.ledger.all();
    if model.answer.provisional {
        return Some(Block::Warning(say!(
            language,
            "Provisional: {completed} of {planned} trials have a result. Levels are compared only by trials with the same other \
             values and the same replicate at every level that has a result; their number stands beside each mean.",
            completed = format::count(completed),
            planned = format::count(model.ledger.all())
        )));
    }
    is_short.then(|| {
        Block::Text(say!(
            language,
            "{completed} of {planned} trials have a result. Levels are compared only by trials with the same other values and \
             the same replicate at every level that has a result; their number stands beside each mean.",
            completed = format::count(completed),
            planned = format::count(model.ledger.all())
        ))
    })
}

/// The losses that the charts show, so that panels beside each other can be compared by eye.
fn shown(factors: &[Factor]) -> Option<(f64, f64)> {
    let ends = factors.iter().flat_map(|factor| {
        let half = factor.least_significant_difference.unwrap_or_default() / 2.0;
        let drawn =
            factor.levels.iter().flat_map(|level| level.by_replicate.iter().take(REPLICATES_DRAWN_MAX));
        let means = factor.levels.iter().filter_map(|level| level.validation_loss);
        means.flat_map(move |loss| [loss.mean - half, loss.mean + half]).chain(drawn.map(|one| one.mean))
    });
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)));
    let margin = SHOWN_MARGIN * (high - low);
    (low <= high).then(|| (format::rounded(low - margin), format::rounded(high + margin)))
}

fn chart(
    position: usize,
    factor: &Factor,
    shown: Option<(f64, f64)>,
    (objective, language): (Objective, Language),
) -> Chart {
    let name = factor.hyperparameter.name();
    let half = factor.least_significant_difference.map(|difference| format::rounded(difference / 2.0));
    let levels = factor.levels.iter().map(|level| {
        let loss = level.validation_loss.map(|loss| format::rounded(loss.mean));
        (level.level.to_string(), loss, half.filter(|_| loss.is_some()), level.compared_trials)
    });
    let mut head = vec![Head::text(name)];
    head.extend(heads!(
        language,
        "#trials",
        "#compared",
        "#validation loss",
        "#interval",
        "#validation accuracy"
    ));
    let head = scored(head, objective, language);
    let rows = factor.levels.iter().map(|level| {
        vec![
            level.level.to_string(),
            level.trials.to_string(),
            level.compared_trials.to_string(),
            format::loss_band(level.validation_loss),
            format::interval(level.validation_loss_interval, language),
            format::accuracy_band(level.validation_accuracy),
        ]
    });
    let description = match factor.least_significant_difference {
        Some(difference) => told!(
            language,
            objective,
            "Mean validation loss at each level of {name}, and of each replicate (thin lines). Bars are half the least significant \
             difference, {difference}: two levels whose bars do not overlap differ with p ≤ 0.05, not corrected, by the \
             error of the test ({name} × seed)",
            name = name,
            difference = format::number(difference)
        ),
        None => told!(
            language,
            objective,
            "Mean validation loss at each level of {name}, and of each replicate (thin lines); no bars: there are too few seeds \
             for an interval, or the grid is not complete",
            name = name
        ),
    };
    Chart {
        id: format!("effect-{position}"),
        title: say!(
            language,
            "{name}: range {range}",
            name = name,
            range = format::optional(factor.range)
        ),
        description,
        spec: ChartSpec::Levels {
            name: name.to_owned(),
            levels: levels.collect(),
            replicates: replicates(factor),
            shown,
        },
        fallback: TextTable::new(
            told!(
                language,
                objective,
                "Marginal means by {name} over the compared trials ± standard deviation over replicates of each replicate's mean, with \
                 the 95 % interval of the expected loss under other seeds",
                name = name
            ),
            head,
        )
        .with_rows(rows, "report.json", language),
    }
}

/// The means of each replicate that is drawn, level by level.
fn replicates(factor: &Factor) -> Vec<Vec<Option<f64>>> {
    let mut all: Vec<u32> =
        factor.levels.iter().flat_map(|level| level.by_replicate.iter().map(|one| one.replicate)).collect();
    all.sort_unstable();
    all.dedup();
    let mean_of = |replicate: u32, level: &LevelEffect| {
        let found = level.by_replicate.iter().find(|one| one.replicate == replicate);
        found.map(|one| format::rounded(one.mean))
    };
    all.into_iter()
        .take(REPLICATES_DRAWN_MAX)
        .map(|replicate| factor.levels.iter().map(|level| mean_of(replicate, level)).collect())
        .collect()
}

/// Whether each hyperparameter has an effect, and between which levels.
fn tests(model: &ReportModel, language: Language) -> Vec<Block> {
    let factors = &model.main_effects.factors;
    let tested: Vec<_> = factors.iter().filter_map(|factor| Some((factor, factor.test?))).collect();
    let Some(variance) = model.main_effects.variance.filter(|_| !tested.is_empty()) else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Text(say!(
        language,
        "The error of each effect is its own interaction with the seed, because a hyperparameter may work differently under each \
         seed: what one seed makes is no effect. It is never pooled with other errors. More replicates (here {replicates}) \
         make tests and intervals sharper, more configurations do not.",
        replicates = variance.replicates
    ))];
    if (variance.replicates as usize) < INTERVAL_REPLICATES_MIN {
        blocks.push(Block::Text(say!(
            language,
            "There are too few seeds for an interval: {replicates} replicates complete on the whole grid, at least {needed} are needed. \
             Tests are made, but only very large effects pass them.",
            replicates = variance.replicates,
            needed = INTERVAL_REPLICATES_MIN
        )));
    }
    blocks.push(Block::Table(test_table(&tested, model.objective(), language)));
    let names_where = |holds: fn(&FactorTest) -> bool| {
        let those = tested.iter().filter(|(_, test)| holds(test));
        those.map(|(factor, _)| factor.hyperparameter.name()).collect::<Vec<_>>()
    };
    let noise = tested.iter().map(|(factor, test)| (factor.hyperparameter.name(), test.equal_noise_p));
    blocks.extend(warnings::unequal_noise(noise, language).map(Block::Warning));
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
    blocks.push(Block::Table(pairs(&tested, model.objective(), language)));
    blocks
}

fn test_table(tested: &[(&Factor, FactorTest)], objective: Objective, language: Language) -> TextTable {
    let head = heads!(
        language,
        "hyperparameter",
        "error",
        "#df",
        "#F",
        "#p",
        "#p (Holm)",
        "#p by exchanging levels",
        "#lowest such p",
        "#ω²"
    );
    let caption = told!(
        language,
        objective,
        "Tests of no effect on the validation loss: F against the hyperparameter's interaction with the seed, with the degrees of \
         freedom of both, corrected by Holm for the hyperparameters; and by exchanging the level means within each replicate, which \
         assumes no distribution"
    );
    let rows = tested.iter().map(|(factor, test)| {
        vec![
            factor.hyperparameter.name().to_owned(),
            say!(language, "{name} × seed", name = factor.hyperparameter.name()),
            format!("{}, {}", test.degrees_of_freedom, test.error_degrees_of_freedom),
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
fn pairs(tested: &[(&Factor, FactorTest)], objective: Objective, language: Language) -> TextTable {
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
    let caption = told!(
        language,
        objective,
        "Levels compared: mean validation loss at one less that at the other, over the replicates that every configuration \
         completed, with the error of the hyperparameter's test; p is corrected by Holm for the pairs of the hyperparameter"
    );
    let rows = pairs.into_iter().map(|(name, pair)| {
        vec![
            name.name().to_owned(),
            pair.level.to_string(),
            pair.other.to_string(),
            format::number(pair.difference),
            format::interval(pair.interval, language),
            pair.effect_size.map_or_else(|| format::NONE.to_owned(), |size| format::fixed(size, 2)),
            format::p(Some(pair.p_holm)),
        ]
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}

fn shares(model: &ReportModel, variance: &Variance, language: Language) -> TextTable {
    let caption = told!(
        language,
        model.objective(),
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
        (say!(language, "interactions, all together"), Some(variance.interactions_share)),
        (say!(language, "seed (differences between whole replicates)"), variance.replicates_share),
        (
            say!(language, "residual (seed noise within configurations, all interactions with the seed)"),
            variance.residual_share,
        ),
    ];
    rows.extend(
        rest.map(|(name, share)| vec![name.to_owned(), format::optional_percent(share), String::new()]),
    );
    TextTable::new(caption, heads!(language, "source", "#share", "#range of marginal means")).with_rows(
        rows.into_iter(),
        "report.json",
        language,
    )
}
