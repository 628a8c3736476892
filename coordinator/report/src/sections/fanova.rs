//! The forest's view of importance: what it is worth, whether it agrees with the other methods, its interactions.

use super::{Block, TextTable, format};
use crate::language::{Language, heads, say};
use crate::model::{Fanova, Importance, Interval, VarianceShare};

/// Interactions that are shown.
const INTERACTIONS_MAX: usize = 10;
/// The explained share below which the forest knows the trials too little for its shares to count.
const EXPLAINED_MIN: f64 = 0.25;

/// The main effect of the hyperparameter at a place in the sweep file.
pub(super) fn main_effect(fanova: Option<&Fanova>, at: usize) -> Option<&VarianceShare> {
    fanova?.shares.get(at).filter(|share| share.of.len() == 1)
}

/// Where most trees lie, or a dash.
pub(super) fn of_most_trees(share: Option<&VarianceShare>, language: Language) -> String {
    let interval = share.and_then(|share| share.of_most_trees);
    interval.map_or_else(|| format::NONE.to_owned(), |one| range(one, language))
}

/// A range of shares, in per cent.
pub(super) fn range(interval: Interval, language: Language) -> String {
    format::percents(interval.times(100.0), 1, language)
}

/// What stands below the table of importance.
pub(super) fn blocks(importance: &Importance, language: Language) -> Vec<Block> {
    let Some(fanova) = &importance.fanova else { return Vec::new() };
    let mut blocks = vec![Block::Text(worth(fanova, language))];
    blocks.extend(agreement(importance, fanova, language).map(Block::Text));
    let table = interactions(fanova, language);
    blocks.extend((!table.rows.is_empty()).then_some(Block::Table(table)));
    blocks
}

/// How well the forest knows the trials.
fn worth(fanova: &Fanova, language: Language) -> String {
    let (trees, trials) = (fanova.trees, format::count(u64::from(fanova.trials)));
    let how = say!(language, "{trees} trees on {trials} trials", trees = trees, trials = trials);
    match fanova.explained_of_unseen {
        None => say!(language, "The forest of fANOVA: {how}.", how = how),
        Some(explained) if explained < EXPLAINED_MIN => say!(
            language,
            "The forest of fANOVA ({how}) predicts {share} % of the variance of trials that a tree has not seen. That is little: \
             seed noise is large beside the effects, and its shares say little.",
            how = how,
            share = format::fixed(explained.max(0.0) * 100.0, 1)
        ),
        Some(explained) => say!(
            language,
            "The forest of fANOVA ({how}) predicts {share} % of the variance of trials that a tree has not seen.",
            how = how,
            share = format::fixed(explained * 100.0, 1)
        ),
    }
}

/// Whether the forest has the same hyperparameter in front as the exact shares, or else as PED-ANOVA.
fn agreement(importance: &Importance, fanova: &Fanova, language: Language) -> Option<String> {
    let rows = &importance.hyperparameters;
    let first = (0..rows.len())
        .filter_map(|at| Some((at, main_effect(Some(fanova), at)?.share)))
        .max_by(|left, right| left.1.total_cmp(&right.1))?;
    let forest = rows[first.0].hyperparameter;
    let in_front = |of: fn(&crate::model::HyperparameterImportance) -> Option<f64>| {
        rows.iter()
            .filter_map(|one| Some((one.hyperparameter, of(one)?)))
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .map(|(one, _)| one)
    };
    if let Some(exact) = in_front(|one| one.eta_squared) {
        return Some(if exact == forest {
            say!(language, "The forest has {forest} in front, as the exact shares have.", forest = forest)
        } else {
            say!(
                language,
                "The forest has {forest} in front, the exact shares {exact}: these count, the grid being balanced.",
                forest = forest,
                exact = exact
            )
        });
    }
    let best = in_front(|one| Some(one.share))?;
    Some(if best == forest {
        say!(language, "The forest has {forest} in front, and so has PED-ANOVA.", forest = forest)
    } else {
        say!(
            language,
            "Over the whole grid the forest has {forest} in front, among the best PED-ANOVA has {best}.",
            forest = forest,
            best = best
        )
    })
}

fn interactions(fanova: &Fanova, language: Language) -> TextTable {
    let mut pairs: Vec<&VarianceShare> = fanova.shares.iter().filter(|share| share.of.len() > 1).collect();
    // A stable sort: equal shares stay in the order of the sweep file.
    pairs.sort_by(|left, right| right.share.total_cmp(&left.share));
    let caption = say!(
        language,
        "Interactions of two in the forest, the largest first; seed noise is part of them. Interactions of more: {share} %",
        share = format::fixed(fanova.higher_order_share * 100.0, 1)
    );
    let rows = pairs.iter().take(INTERACTIONS_MAX).map(|pair| {
        let names: Vec<&str> = pair.of.iter().map(|one| one.name()).collect();
        vec![
            names.join(" × "),
            format!("{} %", format::fixed(pair.share * 100.0, 1)),
            of_most_trees(Some(pair), language),
        ]
    });
    let head = heads!(language, "interaction", "#share (fANOVA)", "#95 % of the trees");
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}
