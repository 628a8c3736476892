//! Cost: what the sweep took, and accuracy against time.

use super::{Block, Chart, ChartSpec, Figure, Section, TextTable, devices, format, shortened};
use crate::analysis::front::{Point, on_front};
use crate::model::{Cost, ReportModel};

/// Points of the scatter; configurations beyond are worse and stand in `report.json`.
const POINTS_MAX: usize = 2_000;

pub(super) fn section(model: &ReportModel) -> Section {
    let cost = &model.cost;
    let mut blocks = vec![Block::Figures(figures(cost))];
    if cost.configurations.iter().any(|one| one.seconds.is_some()) {
        blocks.push(Block::Charts(vec![scatter(cost)]));
    }
    blocks.extend(devices::tables(cost));
    Section { id: "cost", title: "Cost", blocks }
}

fn figures(cost: &Cost) -> Vec<Figure> {
    let figure = |label, seconds: f64, detail: &str| Figure {
        label,
        value: format::seconds(seconds),
        detail: detail.to_owned(),
    };
    let mut figures = vec![
        figure("Wall time", cost.wall_seconds, "from launch to end"),
        figure("Training", cost.training_seconds, "inside the epochs of the results"),
        figure("Under leases", cost.attempt_seconds, "by all ended attempts"),
        figure("Lost", cost.lost_attempt_seconds, "of that, by attempts without a result"),
    ];
    if cost.reused_seconds > 0.0 {
        figures.push(figure("Saved", cost.reused_seconds, "training that reused trials did not repeat"));
    }
    figures.extend(devices::figures(cost));
    figures
}

fn scatter(cost: &Cost) -> Chart {
    let points = drawn(cost);
    let caption = "Cost of one trial: means over the completed replicates; on the front, no other configuration is \
        as accurate, as fast and as small";
    let has_energy = cost.configurations.iter().any(|one| one.energy_joules.is_some());
    let mut head = vec![
        "#rank",
        "configuration",
        "#seconds",
        "#examples/s",
        "#peak memory",
        "#parameters",
        "#validation accuracy",
        "front",
    ];
    head.extend(has_energy.then_some("#energy"));
    let rows = cost.configurations.iter().map(|one| {
        let mut row = vec![
            one.rank.to_string(),
            one.label.clone(),
            one.seconds.map_or_else(|| format::NONE.to_owned(), |seconds| format!("{seconds:.2}")),
            one.examples_per_second.map_or_else(|| format::NONE.to_owned(), |rate| format!("{rate:.0}")),
            one.peak_memory_bytes.map_or_else(|| format::NONE.to_owned(), format::bytes),
            format::count(one.parameters),
            format::percent(one.validation_accuracy),
            if one.on_front { "yes" } else { "" }.to_owned(),
        ];
        row.extend(has_energy.then(|| devices::energy_of_trial(one)));
        row
    });
    Chart {
        id: "cost-scatter".to_owned(),
        title: "Accuracy against time".to_owned(),
        description: "Validation accuracy against training seconds of each configuration; the line is the front of these two"
            .to_owned(),
        spec: ChartSpec::Scatter { points },
        fallback: shortened(TextTable::new(caption, &head), rows),
    }
}

/// The points; on the drawn line is what no other one beats in time and accuracy, whatever its size.
fn drawn(cost: &Cost) -> Vec<(f64, f64, String, bool)> {
    let timed = cost.configurations.iter().take(POINTS_MAX).filter_map(|one| Some((one, one.seconds?)));
    let flat: Vec<Point> = timed
        .clone()
        .map(|(one, seconds)| Point { seconds, parameters: 0, accuracy: one.validation_accuracy })
        .collect();
    timed
        .zip(on_front(&flat))
        .map(|((one, seconds), is_on)| {
            let accuracy = format::rounded(one.validation_accuracy * 100.0);
            (format::rounded(seconds), accuracy, one.label.clone(), is_on)
        })
        .collect()
}
