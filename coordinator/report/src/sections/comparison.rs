//! The sections of a comparison: the two sweeps, their differences in settings and in losses.

use super::{Block, Section, TextTable, curves, format, shortened_from};
use crate::model::comparison::{Comparison, PairedDifference};

/// Every section, in the order of the page.
pub fn sections(comparison: &Comparison) -> Vec<Section> {
    let all = [answer(comparison), pairs(comparison), best_curves(comparison), settings(comparison)];
    all.into_iter().filter(|section| !section.blocks.is_empty()).collect()
}

fn answer(comparison: &Comparison) -> Section {
    let mut blocks = Vec::new();
    for sweep in comparison.sweeps.iter().filter(|sweep| sweep.provisional) {
        blocks.push(Block::Warning(format!(
            "Provisional: sweep {} is {}, so its numbers may change.",
            sweep.sweep, sweep.state
        )));
    }
    if !comparison.is_same_data {
        blocks.push(Block::Warning(
            "The two sweeps were not trained and validated on the same rows: their losses tell of the data, too."
                .to_owned(),
        ));
    }
    blocks.push(Block::Table(bests(comparison)));
    blocks.push(Block::Text(verdict(comparison)));
    Section { id: "answer", title: "The two sweeps", blocks }
}

fn bests(comparison: &Comparison) -> TextTable {
    let caption = "The best configuration of each sweep: validation loss at the best epoch (± standard deviation over \
        replicates), with the 95 % interval of its expected loss as if it had been named beforehand";
    let head = [
        "#sweep",
        "name",
        "state",
        "#completed",
        "best configuration",
        "#validation loss",
        "#interval",
        "#validation accuracy",
        "#test accuracy",
    ];
    let mut table = TextTable::new(caption, &head);
    for sweep in &comparison.sweeps {
        let mut row = vec![
            sweep.sweep.to_string(),
            sweep.name.clone(),
            sweep.state.to_owned(),
            format!("{} of {}", format::count(sweep.trials_completed), format::count(sweep.trials_planned)),
        ];
        row.extend(sweep.best.as_ref().map_or_else(
            || vec![format::NONE.to_owned(); 5],
            |best| {
                let (loss, accuracy) = (&best.validation_loss, &best.validation_accuracy);
                vec![
                    best.label.clone(),
                    format::loss(loss.mean, loss.standard_deviation),
                    format::interval(best.validation_loss_interval),
                    format::accuracy(accuracy.mean, accuracy.standard_deviation),
                    format::optional_percent(best.test_accuracy),
                ]
            },
        ));
        table.rows.push(row);
    }
    table
}

/// What the matched configurations say together.
fn verdict(comparison: &Comparison) -> String {
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| sweep.sweep);
    if comparison.pairs.is_empty() {
        return unpaired(comparison);
    }
    let Some(overall) = &comparison.overall else {
        return "No seed is common to all configurations that both sweeps have.".to_owned();
    };
    let studied: Vec<String> = comparison.under_study.iter().map(ToString::to_string).collect();
    let because = match studied.as_slice() {
        [] => String::new(),
        studied => format!(" They differ in {}.", studied.join(", ")),
    };
    let sure = match (overall.interval, overall.p) {
        (Some(interval), Some(p)) if p <= 0.05 => {
            let lower = if interval.high < 0.0 { second } else { first };
            format!("sweep {lower} has the lower loss (p {})", format::p(Some(p)))
        }
        (Some(_), p) => format!("no difference is shown (p {})", format::p(p)),
        _ if overall.seeds < 2 => "one seed does not tell how sure that is".to_owned(),
        _ => "every seed gave the same, so no test can be made".to_owned(),
    };
    format!(
        "Over {} configurations that both sweeps have, and {} seeds common to all of them, the mean validation loss of \
         sweep {second} less that of sweep {first} is {} (95 %: {}): {sure}.{because}",
        comparison.pairs.len(),
        overall.seeds,
        format::number(overall.mean),
        format::interval(overall.interval),
    )
}

/// Why nothing can be paired, and what to do.
fn unpaired(comparison: &Comparison) -> String {
    if let Some(sweep) = comparison.sweeps.iter().find(|sweep| sweep.trials_completed == 0) {
        return format!("No trial of sweep {} has completed, so nothing can be paired.", sweep.sweep);
    }
    match comparison.matched {
        0 => "The two sweeps have no configuration in common, so nothing can be paired.".to_owned(),
        matched => format!(
            "{matched} configurations completed in both sweeps, but never under the same seed, so nothing can be \
             paired: launch both with the same seed."
        ),
    }
}

fn pairs(comparison: &Comparison) -> Section {
    let mut blocks = Vec::new();
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| sweep.sweep);
    if !comparison.pairs.is_empty() {
        let caption = format!(
            "Configurations that completed in both sweeps, in the ranking of sweep {first}: mean validation loss over \
             the common seeds, and the paired difference (sweep {second} less sweep {first}) with its 95 % interval by \
             Student's t, not corrected; p is corrected by Holm over all lines"
        );
        let titles = [format!("#loss, sweep {first}"), format!("#loss, sweep {second}")];
        let head = ["configuration", &titles[0], &titles[1], "#difference", "#interval", "#p", "#seeds"];
        let rows = comparison.pairs.iter().map(|pair| {
            let PairedDifference { seeds, mean, standard_deviation, interval, .. } = pair.difference;
            vec![
                pair.label.clone(),
                format::number(pair.validation_loss[0]),
                format::number(pair.validation_loss[1]),
                format::loss(mean, standard_deviation),
                format::interval(interval),
                format::p(pair.p_holm),
                seeds.to_string(),
            ]
        });
        blocks.push(Block::Table(shortened_from(TextTable::new(caption, &head), rows, "comparison.json")));
    }
    let [only_first, only_second] = comparison.unmatched;
    if only_first + only_second > 0 {
        blocks.push(Block::Text(format!(
            "Configurations with a result in one of the two only: {only_first} of sweep {first}, {only_second} of sweep \
             {second}."
        )));
    }
    Section { id: "pairs", title: "Configuration by configuration", blocks }
}

fn best_curves(comparison: &Comparison) -> Section {
    let panel = &comparison.curves;
    let mut blocks = Vec::new();
    if panel.groups.iter().any(|group| !group.points.is_empty()) {
        blocks.push(Block::MetricChoice);
        blocks.push(Block::Charts(vec![curves::chart(0, panel)]));
    }
    Section { id: "curves", title: "Learning curves", blocks }
}

fn settings(comparison: &Comparison) -> Section {
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| format!("sweep {}", sweep.sweep));
    let mut blocks = Vec::new();
    if comparison.settings.is_empty() {
        blocks.push(Block::Text("Both sweeps have the same settings.".to_owned()));
    } else {
        let rows = comparison
            .settings
            .iter()
            .map(|one| vec![one.setting.clone(), one.values[0].clone(), one.values[1].clone()]);
        let table = TextTable::new("Settings that differ", &["setting", &first, &second]);
        blocks.push(Block::Table(table.with_rows(rows, "comparison.json")));
    }
    Section { id: "settings", title: "Settings", blocks }
}
