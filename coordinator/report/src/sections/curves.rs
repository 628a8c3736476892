//! Learning curves: one panel per swept hyperparameter, then best and worst; and how steadily they end.

use super::{Block, Chart, ChartSpec, CurveData, Head, Section, TextTable, convergence, format, names};
use crate::analysis::stability::LAST_EPOCHS;
use crate::language::{Language, heads, say};
use crate::model::{Band, CurveGroup, CurvePanel, CurvePoint, PanelTitle, ReportModel};

/// Rows of a panel's table of numbers; every epoch of every trial stands in `epochs.csv`.
const FALLBACK_EPOCHS_MAX: usize = 50;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    let drawn = |panel: &CurvePanel| panel.groups.iter().any(|group| !group.points.is_empty());
    let charts: Vec<Chart> = model
        .curves
        .iter()
        .enumerate()
        .filter(|(_, panel)| drawn(panel))
        .map(|(position, panel)| chart(position, panel, language))
        .collect();
    if !charts.is_empty() {
        blocks.push(Block::Text(
            say!(
                language,
                "Means over the completed trials of all other hyperparameters and replicates; the band is one standard \
                 deviation over replicates. A trial that stopped early is in the mean up to its last epoch."
            )
            .to_owned(),
        ));
        blocks.push(Block::MetricChoice);
        blocks.push(Block::Charts(charts));
        blocks.push(Block::Table(stability(model, language)));
        blocks.push(Block::Table(convergence::table(model, language)));
    }
    Section { id: "curves", title: say!(language, "Learning curves"), blocks }
}

pub(super) fn chart(position: usize, panel: &CurvePanel, language: Language) -> Chart {
    let title = panel.title.say(language);
    Chart {
        id: format!("curves-{position}"),
        description: say!(language, "Learning curves by {what}", what = title),
        spec: ChartSpec::Curves {
            groups: panel.groups.iter().map(|group| data(group, language)).collect(),
            value: None,
            place: None,
            names_below: matches!(panel.title, PanelTitle::First { .. }),
        },
        fallback: fallback(panel, &title, language),
        title,
    }
}

fn data(group: &CurveGroup, language: Language) -> CurveData {
    let metric = |of: fn(&CurvePoint) -> Band| {
        let bands = || group.points.iter().map(of);
        (
            bands().map(|band| format::rounded(band.mean)).collect(),
            bands().map(|band| band.standard_deviation.map(format::rounded)).collect(),
        )
    };
    CurveData {
        label: group.label.say(language),
        epochs: group.points.iter().map(|point| u64::from(point.epoch)).collect(),
        trials: group.points.iter().map(|point| point.trials).collect(),
        metrics: vec![
            metric(|point| point.validation_loss),
            metric(|point| point.train_loss),
            metric(|point| point.validation_accuracy),
            metric(|point| point.train_accuracy),
        ],
    }
}

fn fallback(panel: &CurvePanel, title: &str, language: Language) -> TextTable {
    let mut epochs: Vec<u32> =
        panel.groups.iter().flat_map(|group| group.points.iter().map(|point| point.epoch)).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let mut caption = say!(language, "Validation loss by epoch: {what}", what = title);
    if epochs.len() > FALLBACK_EPOCHS_MAX {
        caption = say!(language, "{caption} (thinned; every epoch stands in epochs.csv)", caption = caption);
    }
    let mut head = heads!(language, "#epoch");
    head.extend(panel.groups.iter().map(|group| Head::number(group.label.say(language))));
    let stride = epochs.len().div_ceil(FALLBACK_EPOCHS_MAX).max(1);
    let rows: Vec<Vec<String>> = epochs
        .into_iter()
        .step_by(stride)
        .map(|epoch| {
            let cell = |group: &CurveGroup| {
                format::loss_band(
                    group.points.iter().find(|one| one.epoch == epoch).map(|one| one.validation_loss),
                )
            };
            std::iter::once(epoch.to_string()).chain(panel.groups.iter().map(cell)).collect()
        })
        .collect();
    TextTable::new(caption, head).with_rows(rows.into_iter(), "epochs.csv", language)
}

fn stability(model: &ReportModel, language: Language) -> TextTable {
    let caption = say!(
        language,
        "How steadily each configuration ends: validation loss over its last epochs, at most {epochs} (slope per epoch, \
         standard deviation), its last less its best value, and validation less training loss at the end",
        epochs = LAST_EPOCHS
    );
    let head = heads!(
        language,
        "#rank",
        "configuration",
        "#slope",
        "#deviation",
        "#last - best",
        "#validation - training"
    );
    let rows = model.stability.iter().map(|one| {
        vec![
            one.rank.to_string(),
            names::configuration(&one.label, language),
            format::optional(one.last_epochs_slope),
            format::optional(one.last_epochs_standard_deviation),
            format::optional(one.overfitting),
            format::optional(one.generalization_gap),
        ]
    });
    super::shortened(TextTable::new(caption, head), rows, language)
}
