//! Parallel coordinates: every configuration as a line across its levels to its validation loss.

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, format, scored, shortened};
use crate::analysis::binned::Bins;
use crate::language::{Language, heads, say, told};
use crate::model::{Levels, RankedConfiguration, ReportModel};
use sweep_proto::Value;

/// Lines drawn: beyond some hundreds they are one area of colour.
const LINES_MAX: usize = 300;
/// Of these, the first of the ranking, which a reader looks for.
const BEST_LINES: usize = 100;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    let ranking: Vec<&RankedConfiguration> =
        model.ranking.iter().filter(|one| one.is_covered_like_first).collect();
    if model.set_up.axes.len() >= 2 && ranking.len() >= 2 {
        let count = ranking.len();
        let how = told!(
            language,
            model.objective(),
            "Each line is a configuration: it crosses each hyperparameter's axis at its level and ends at its mean validation \
             loss, which gives its colour. Dragging along an axis picks the lines that cross it there."
        );
        blocks.push(Block::Text(if count > LINES_MAX {
            say!(
                language,
                "{how} Drawn are {drawn} of {count} configurations: the first {first} of the ranking, and {sampled} taken evenly \
                 from the others, the last one among them.",
                how = how,
                drawn = LINES_MAX,
                count = format::count(count as u64),
                first = BEST_LINES,
                sampled = LINES_MAX - BEST_LINES
            )
        } else {
            how
        }));
        if count < model.ranking.len() {
            blocks.push(Block::Text(say!(
                language,
                "Only configurations that completed the same replicates as the first of the ranking are compared: {count} of {ranked} with a \
                 result, {replicates} trials each.",
                count = format::count(count as u64),
                ranked = format::count(model.ranking.len() as u64),
                replicates = ranking[0].validation_loss.replicates
            )));
        }
        blocks.push(Block::Charts(vec![chart(model, &ranking, language)]));
    }
    Section { id: "parallel", title: say!(language, "Parallel coordinates"), blocks }
}

fn chart(model: &ReportModel, ranking: &[&RankedConfiguration], language: Language) -> Chart {
    let (axes, objective) = (&model.set_up.axes, model.objective());
    let bins: Vec<Option<Bins>> = axes.iter().map(|axis| axis.range.as_ref().map(Bins::of)).collect();
    let levels_drawn = |(axis, bins): (&Levels, &Option<Bins>)| {
        bins.as_ref().map_or_else(|| axis.levels.clone(), Bins::middles)
    };
    let names: Vec<Vec<Value>> = axes.iter().zip(&bins).map(levels_drawn).collect();
    let line = |at: usize| {
        let one = ranking[at];
        let level = |((axis, bins), names): ((&Levels, &Option<Bins>), &Vec<Value>)| {
            let value = one.values.get(&axis.hyperparameter)?;
            let bin = bins.as_ref().map(|bins| bins.middle_of(value));
            names.iter().position(|level| level == bin.as_ref().unwrap_or(value))
        };
        let levels: Option<Vec<usize>> = axes.iter().zip(&bins).zip(&names).map(level).collect();
        Some((levels?, format::rounded(one.validation_loss.mean)))
    };
    let mut head = heads!(language, "#rank");
    head.extend(axes.iter().map(|axis| Head::text(axis.hyperparameter.name())));
    head.extend(heads!(language, "#validation loss"));
    let head = scored(head, objective, language);
    let cells = |one: &&RankedConfiguration| {
        let mut cells = vec![one.rank.to_string()];
        cells.extend(axes.iter().map(|axis| {
            one.values.get(&axis.hyperparameter).map_or_else(|| format::NONE.to_owned(), ToString::to_string)
        }));
        cells.push(format::number(one.validation_loss.mean));
        cells
    };
    let caption =
        told!(language, objective, "Level of each hyperparameter and mean validation loss, in ranking order");
    Chart {
        id: "parallel-coordinates".to_owned(),
        title: told!(language, objective, "Levels and validation loss of the configurations"),
        description: told!(
            language,
            objective,
            "One line for each configuration across the levels of its hyperparameters to its mean validation loss"
        ),
        spec: ChartSpec::Parallel {
            axes: axes
                .iter()
                .zip(&names)
                .map(|(axis, names)| {
                    (axis.hyperparameter.to_string(), names.iter().map(ToString::to_string).collect())
                })
                .collect(),
            lines: drawn(ranking.len()).into_iter().filter_map(line).collect(),
        },
        fallback: shortened(TextTable::new(caption, head), ranking.iter().map(cells), language),
    }
}

/// The positions in the ranking of the lines to draw, in order.
fn drawn(count: usize) -> Vec<usize> {
    if count <= LINES_MAX {
        return (0..count).collect();
    }
    let sampled = LINES_MAX - BEST_LINES;
    let last_of_others = count - BEST_LINES - 1;
    let others = (0..sampled).map(|one| BEST_LINES + one * last_of_others / (sampled - 1));
    (0..BEST_LINES).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lines_the_best_and_an_even_sample_are_drawn() {
        assert!(drawn(0).is_empty());
        assert_eq!(drawn(LINES_MAX), (0..LINES_MAX).collect::<Vec<_>>());
        for count in [LINES_MAX + 1, 1_000, 100_000] {
            let drawn = drawn(count);
            assert_eq!(drawn.len(), LINES_MAX);
            assert!(drawn.is_sorted_by(|one, next| one < next), "one stands twice of {count}");
            assert_eq!((drawn[BEST_LINES - 1], drawn[LINES_MAX - 1]), (BEST_LINES - 1, count - 1));
            let steps: Vec<_> = drawn[BEST_LINES..].windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (least, most) = (steps.iter().min(), steps.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{count}: {steps:?}");
        }
    }
}
