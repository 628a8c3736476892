//! The answer box: what a reader wants to know first.

use super::test_split::is_better_than_guessing;
use super::{Block, Figure, Section, TextTable, format};
use crate::model::{Answer, Gap, Interval, RankedConfiguration, ReportModel, Summary};

/// What the interval of a number is that took part in the choice.
const BEFOREHAND: &str = " if named beforehand";

/// The probability with which a set of configurations holds the best one.
const SURE: f64 = 0.95;

pub(super) fn section(model: &ReportModel) -> Section {
    let answer = &model.answer;
    let mut blocks = Vec::new();
    if answer.provisional {
        blocks.push(Block::Warning(format!(
            "Provisional: the sweep is {}, so this answer may change.",
            model.set_up.state
        )));
    }
    if !model.ledger.balanced {
        blocks.push(Block::Warning(
            "The ledger does not balance: see below before you trust any number here.".to_owned(),
        ));
    }
    if answer.configuration.is_none() {
        blocks.push(Block::Text("No trial has completed: there is no answer yet.".to_owned()));
        return Section { id: "answer", title: "Answer", blocks };
    }
    blocks.push(Block::Text(format!("Best configuration: {} ({}).", answer.label, why_best(model))));
    blocks.push(Block::Figures(figures(answer)));
    if let Some(baseline) = model.test_split.as_ref().and_then(|test| test.baseline)
        && !is_better_than_guessing(model)
    {
        blocks.push(Block::Warning(format!(
            "The chosen configuration is not shown to know more than the most frequent class, which is right in {} of the \
             test examples: the ranking below may be one of noise.",
            format::percent(baseline.accuracy)
        )));
    }
    if let Some(sureness) = sureness(model) {
        blocks.push(Block::Text(sureness));
    }
    let strongest = &answer.strongest_hyperparameter;
    blocks.push(Block::Text(format!(
        "Which hyperparameter matters most: {}. {}.",
        if strongest.decided {
            strongest.verdict.clone()
        } else {
            let leading = strongest.leading.map(|one| format!(" (leading: {one})")).unwrap_or_default();
            format!("undecided{leading}")
        },
        capitalised(&strongest.reason)
    )));
    if let Some(gap) = &answer.gap {
        blocks.push(Block::Table(gap_table(gap)));
        if covered_like_best(model) == 1 {
            blocks.push(Block::Text(
                "The worst configuration completed fewer replicates than the best, so the gap between them is not \
                 measured on equal terms."
                    .to_owned(),
            ));
        }
    }
    let short = model.ranking.iter().filter(|one| is_short(one)).count();
    if short > 0 {
        blocks.push(Block::Text(format!(
            "{short} of {} ranked configurations completed fewer replicates than planned; their means are less sure \
             and rank after those over more replicates.",
            model.ranking.len()
        )));
    }
    Section { id: "answer", title: "Answer", blocks }
}

/// How probable it is that the chosen one is the best, and which ones it may be instead.
fn sureness(model: &ReportModel) -> Option<String> {
    let probability = model.answer.probability_best?;
    let mut probabilities: Vec<f64> = model.ranking.iter().filter_map(|one| one.probability_best).collect();
    probabilities.sort_by(|left, right| right.total_cmp(left));
    let mut sum = 0.0;
    let candidates = probabilities
        .iter()
        .take_while(|one| {
            let goes_on = sum < SURE;
            sum += **one;
            goes_on
        })
        .count();
    let alike = probabilities.len();
    let among = match candidates {
        1 => "no other one comes close".to_owned(),
        _ => format!("the likeliest {candidates} of them hold the best one with {:.0} %", 100.0 * SURE),
    };
    Some(format!(
        "It has the lowest expected loss of the {alike} configurations with the same replicates with a probability of \
         {}; {among}. This and the intervals count normal seed noise, equal in all configurations, and nothing that only \
         another dataset would show. The intervals are those of a configuration named beforehand: a mean that was picked \
         as the lowest of many looks better than it is, which the cross-fitted gap below takes out.",
        format::chance(Some(probability))
    ))
}

/// What the best configuration won, and against how many.
fn why_best(model: &ReportModel) -> String {
    let ranked = model.ranking.len();
    let Some(best) = model.ranking.first().filter(|_| model.ranking.iter().any(is_short)) else {
        return format!("lowest mean validation loss of {ranked} configurations with a result");
    };
    let (completed, planned) = (best.validation_loss.replicates, best.replicates_planned);
    let alike = covered_like_best(model);
    let configurations = model.ledger.planned / u64::from(planned.max(1));
    let replicates = if completed == planned {
        format!("all {planned} replicates completed")
    } else {
        format!("{completed} of {planned} replicates completed")
    };
    let won = if alike == 1 {
        format!("the only configuration with {replicates}")
    } else {
        format!("lowest mean validation loss of the {alike} configurations with {replicates}")
    };
    match configurations.saturating_sub(alike) {
        0 => won,
        fewer if model.answer.provisional => format!("{won}; {fewer} more have completed fewer so far"),
        fewer => format!("{won}; {fewer} more completed fewer"),
    }
}

/// Ranked configurations with as many completed replicates as the first, itself counted.
fn covered_like_best(model: &ReportModel) -> u64 {
    let completed = |one: &RankedConfiguration| one.validation_loss.replicates;
    let best = model.ranking.first().map(completed);
    model.ranking.iter().filter(|one| Some(completed(one)) == best).count() as u64
}

fn is_short(one: &RankedConfiguration) -> bool {
    one.validation_loss.replicates < one.replicates_planned
}

fn figures(answer: &Answer) -> Vec<Figure> {
    let test = answer.test_accuracy_summary.as_ref();
    let mut figures = vec![Figure {
        label: "Test accuracy",
        value: test.map_or_else(
            || "not measured".to_owned(),
            |test| format::accuracy(test.mean, test.standard_deviation),
        ),
        detail: test.map_or_else(
            || "measured once the choice is made".to_owned(),
            |test| {
                // The choice was made on the validation split: it does not favour this number.
                let interval = format::interval_of_percent(answer.test_accuracy_interval);
                interval_detail(&interval, "", test)
            },
        ),
    }];
    if let Some(loss) = &answer.validation_loss {
        figures.push(Figure {
            label: "Validation loss",
            value: format::loss(loss.mean, loss.standard_deviation),
            detail: interval_detail(&format::interval(answer.validation_loss_interval), BEFOREHAND, loss),
        });
    }
    if let Some(accuracy) = &answer.validation_accuracy {
        figures.push(Figure {
            label: "Validation accuracy",
            value: format::accuracy(accuracy.mean, accuracy.standard_deviation),
            detail: interval_detail(
                &format::interval_of_percent(answer.validation_accuracy_interval),
                BEFOREHAND,
                accuracy,
            ),
        });
    }
    if answer.probability_best.is_some() {
        figures.push(Figure {
            label: "Is the best of all",
            value: format::chance(answer.probability_best),
            detail: "probability of the lowest expected loss".to_owned(),
        });
    }
    if let Some(gap) = &answer.gap {
        figures.push(Figure {
            label: "Gap best to worst",
            value: gap
                .loss_percent
                .map_or_else(|| format::NONE.to_owned(), |percent| format!("{percent:.1} % loss")),
            detail: format!("{:.2} points of accuracy", gap.accuracy_points),
        });
    }
    figures.push(Figure {
        label: "Strongest hyperparameter",
        value: answer.strongest_hyperparameter.verdict.clone(),
        detail: match answer.strongest_hyperparameter.leading {
            Some(leading) if !answer.strongest_hyperparameter.decided => format!("leading: {leading}"),
            _ => "by the rule under main effects".to_owned(),
        },
    });
    figures
}

/// The interval where there is one, and how the number was measured.
fn interval_detail(interval: &str, of_what: &str, summary: &Summary) -> String {
    if interval == format::NONE {
        return format::replicates(summary);
    }
    format!("95 % interval {interval}{of_what}; {}", format::replicates(summary))
}

fn gap_table(gap: &Gap) -> TextTable {
    let head = ["measured", "#loss (%)", "#loss", "#accuracy (points)"];
    let caption = "Gap between the best configuration and the worst of those with as many completed replicates, both by \
        mean validation loss; loss (%) is (worst - best) / worst. Cross-fitted: selected on all replicates but one, measured on that one, which takes \
        out the luck of being selected. The interval holds whichever two configurations come out as best and worst (Tukey).";
    let row = |name: &str, percent: Option<f64>, loss: f64, points: f64| {
        let percent = percent.map_or_else(|| format::NONE.to_owned(), |percent| format!("{percent:.2}"));
        vec![name.to_owned(), percent, format::number(loss), format!("{points:.2}")]
    };
    let mut rows = vec![row("on all replicates", gap.loss_percent, gap.loss_absolute, gap.accuracy_points)];
    if let Some(loss) = gap.loss_absolute_interval {
        let of = |interval: Option<Interval>| {
            interval
                .map_or_else(|| format::NONE.to_owned(), |one| format!("{:.2} to {:.2}", one.low, one.high))
        };
        rows.push(vec![
            "95 % interval".to_owned(),
            of(gap.loss_percent_interval),
            format::interval(Some(loss)),
            of(gap.accuracy_points_interval),
        ]);
    }
    if let Some(fair) = &gap.cross_fitted {
        rows.push(row("cross-fitted", fair.loss_percent, fair.loss_absolute, fair.accuracy_points));
    }
    TextTable::new(caption, &head).with_rows(rows.into_iter(), "report.json")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
