//! Parallel coordinates: every configuration as a line across its levels to its validation loss.

use super::{Block, Chart, ChartSpec, Section, TextTable, format, shortened};
use crate::model::{Levels, RankedConfiguration, ReportModel};

/// Lines drawn: beyond some hundreds they are one area of colour.
const LINES_MAX: usize = 300;
/// Of these, the first of the ranking, which a reader looks for.
const BEST_LINES: usize = 100;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    if model.set_up.axes.len() >= 2 && model.ranking.len() >= 2 {
        let count = model.ranking.len();
        let shown = if count > LINES_MAX {
            format!(
                " Drawn are {LINES_MAX} of {} configurations: the first {BEST_LINES} of the ranking, and {} taken evenly from \
                 the others, the last one among them.",
                format::count(count as u64),
                LINES_MAX - BEST_LINES
            )
        } else {
            String::new()
        };
        blocks.push(Block::Text(format!(
            "Each line is a configuration: it crosses each hyperparameter's axis at its level and ends at its mean validation \
             loss, which gives its colour. Dragging along an axis picks the lines that cross it there.{shown}"
        )));
        blocks.push(Block::Charts(vec![chart(model)]));
    }
    Section { id: "parallel", title: "Parallel coordinates", blocks }
}

fn chart(model: &ReportModel) -> Chart {
    let axes = &model.set_up.axes;
    let line = |at: usize| {
        let one = &model.ranking[at];
        let level = |axis: &Levels| {
            let value = one.values.get(&axis.hyperparameter)?;
            axis.levels.iter().position(|level| level == value)
        };
        let levels: Option<Vec<usize>> = axes.iter().map(level).collect();
        Some((levels?, format::rounded(one.validation_loss.mean)))
    };
    let mut head: Vec<String> = vec!["#rank".to_owned()];
    head.extend(axes.iter().map(|axis| axis.hyperparameter.to_string()));
    head.push("#validation loss".to_owned());
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let cells = |one: &RankedConfiguration| {
        let mut cells = vec![one.rank.to_string()];
        cells.extend(axes.iter().map(|axis| {
            one.values.get(&axis.hyperparameter).map_or_else(|| format::NONE.to_owned(), ToString::to_string)
        }));
        cells.push(format::number(one.validation_loss.mean));
        cells
    };
    let caption = "Level of each hyperparameter and mean validation loss, in ranking order";
    Chart {
        id: "parallel-coordinates".to_owned(),
        title: "Levels and validation loss of the configurations".to_owned(),
        description: "One line for each configuration across the levels of its hyperparameters to its mean validation loss"
            .to_owned(),
        spec: ChartSpec::Parallel {
            axes: axes
                .iter()
                .map(|axis| {
                    (axis.hyperparameter.to_string(), axis.levels.iter().map(ToString::to_string).collect())
                })
                .collect(),
            lines: drawn(model.ranking.len()).into_iter().filter_map(line).collect(),
        },
        fallback: shortened(TextTable::new(caption, &head), model.ranking.iter().map(cells)),
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
