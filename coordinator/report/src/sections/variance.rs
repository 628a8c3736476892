//! The analysis of variance: every effect and interaction with its share, its F and its probability.

use super::{Block, Section, TextTable, format};
use crate::language::{Language, heads, say, told};
use crate::model::{Effect, Factorial, ReportModel};
use sweep_proto::Objective;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if let Some(factorial) = &model.factorial {
        blocks.extend(seed_unknown(factorial.replicates, language).map(Block::Text));
        blocks.push(Block::Table(table(factorial, model.objective(), language)));
    }
    Section { id: "variance", title: say!(language, "Analysis of variance"), blocks }
}

/// That one replicate does not tell noise from effects; `None` of more.
pub(super) fn seed_unknown(replicates: u32, language: Language) -> Option<String> {
    (replicates < 2).then(|| {
        say!(
            language,
            "Of one replicate the part of the seed is not known: its noise stands within the shares of the effects, which are \
             those of what this one seed shows and not of all variance."
        )
        .to_owned()
    })
}

fn table(factorial: &Factorial, objective: Objective, language: Language) -> TextTable {
    let caption = told!(
        language,
        objective,
        "Validation loss of {configurations} configurations × {replicates} replicates: a factorial in randomised complete blocks, the seeds being \
         random blocks; every effect against its own interaction with the seed, whose degrees of freedom and mean square stand beside \
         it. η² is the share of the total sum of squares, ω² the same less what that error adds; p is not corrected for the \
         number of lines",
        configurations = factorial.configurations,
        replicates = factorial.replicates
    );
    let head = heads!(
        language,
        "source",
        "#df",
        "#sum of squares",
        "#mean square",
        "#df of the error",
        "#mean square of the error",
        "#F",
        "#p",
        "#η²",
        "#ω²"
    );
    let mut rows: Vec<Vec<String>> =
        factorial.effects.iter().map(|effect| row(name(effect, language), effect)).collect();
    rows.push(row(say!(language, "seed (whole replicates)").to_owned(), &factorial.seed));
    rows.push(row(
        say!(language, "residual (all interactions with the seed)").to_owned(),
        &factorial.residual,
    ));
    TextTable::new(caption, head).with_rows(rows.into_iter(), "report.json", language)
}

fn name(effect: &Effect, language: Language) -> String {
    if effect.of.is_empty() {
        return say!(language, "interactions of higher order").to_owned();
    }
    effect.of.iter().map(|one| one.name()).collect::<Vec<_>>().join(" × ")
}

fn row(name: String, effect: &Effect) -> Vec<String> {
    vec![
        name,
        effect.degrees_of_freedom.to_string(),
        format::optional(effect.sum_of_squares),
        format::optional(effect.mean_square),
        effect
            .error_degrees_of_freedom
            .map_or_else(|| format::NONE.to_owned(), |degrees| degrees.to_string()),
        format::optional(effect.error_mean_square),
        effect.f.map_or_else(|| format::NONE.to_owned(), |f| format::fixed(f, 2)),
        format::p(effect.p),
        format::optional_percent(effect.eta_squared),
        format::optional_percent(effect.omega_squared),
    ]
}
