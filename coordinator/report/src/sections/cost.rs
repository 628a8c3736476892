//! Cost: what the sweep took, and accuracy against time.

use coordinator_core::spans::is_much_longer;

use super::{Block, Chart, ChartSpec, Figure, Section, TextTable, devices, format, names, shortened};
use crate::language::{Language, heads, say};
use crate::model::{Cost, ReportModel};
use coordinator_statistics::front::{Point, on_front};

/// Points of the scatter; configurations beyond are worse and stand in `report.json`.
const POINTS_MAX: usize = 2_000;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let cost = &model.cost;
    let mut blocks = vec![Block::Figures(figures(cost, language))];
    if cost.configurations.iter().any(|one| one.seconds.is_some()) {
        blocks.push(Block::Charts(vec![scatter(cost, language)]));
    }
    blocks.extend(devices::tables(cost, language));
    Section { id: "cost", title: say!(language, "Cost"), blocks }
}

fn figures(cost: &Cost, language: Language) -> Vec<Figure> {
    let figure = |label: &'static str, seconds: f64, detail: &'static str| Figure {
        label,
        value: format::seconds(seconds),
        detail: detail.to_owned(),
    };
    let mut figures = vec![
        Figure {
            label: say!(language, "Took"),
            value: format::seconds(cost.running_seconds),
            detail: took(cost, language),
        },
        figure(
            say!(language, "Training"),
            cost.training_seconds,
            say!(language, "inside the epochs of the results"),
        ),
        figure(say!(language, "Slots in use"), cost.attempt_seconds, say!(language, "by all ended attempts")),
        figure(
            say!(language, "Lost"),
            cost.lost_attempt_seconds,
            say!(language, "of that, work after the last checkpoint that had to be done again"),
        ),
    ];
    if cost.reused_seconds > 0.0 {
        figures.push(figure(
            say!(language, "Saved"),
            cost.reused_seconds,
            say!(language, "training that reused trials did not repeat"),
        ));
    }
    figures.extend(cost.forecast.map(|forecast| Figure {
        label: say!(language, "Forecast"),
        value: format::seconds(forecast.forecast_seconds),
        detail: say!(
            language,
            "time left after {completed} trials, as told then ({low} to {high}); it took {taken}. Of {made} forecasts from then \
             on the interval of {held} held the end",
            completed = forecast.completed,
            low = format::seconds(forecast.low_seconds),
            high = format::seconds(forecast.high_seconds),
            taken = format::seconds(forecast.seconds),
            made = forecast.made,
            held = forecast.held
        ),
    }));
    figures.extend(devices::figures(cost, language));
    figures
}

/// In which time trials ran; the calendar's beside it where that is much longer.
fn took(cost: &Cost, language: Language) -> String {
    if is_much_longer(cost.wall_seconds, cost.running_seconds) {
        return say!(
            language,
            "in which trials ran; {calendar} from launch to end",
            calendar = format::seconds(cost.wall_seconds)
        );
    }
    say!(language, "in which trials ran").to_owned()
}

fn scatter(cost: &Cost, language: Language) -> Chart {
    let points = drawn(cost, language);
    let caption = say!(
        language,
        "Cost of one trial: means over the completed replicates; on the front, no other configuration is as accurate, as fast \
         and as small"
    );
    let has_energy = cost.configurations.iter().any(|one| one.energy_joules.is_some());
    let mut head = heads!(
        language,
        "#rank",
        "configuration",
        "#seconds",
        "#examples/s",
        "#peak memory",
        "#parameters",
        "#validation accuracy",
        "front",
    );
    if has_energy {
        head.extend(heads!(language, "#energy"));
    }
    let rows = cost.configurations.iter().map(|one| {
        let mut row = vec![
            one.rank.to_string(),
            names::configuration(&one.label, language),
            one.seconds.map_or_else(|| format::NONE.to_owned(), |seconds| format::fixed(seconds, 2)),
            one.examples_per_second.map_or_else(|| format::NONE.to_owned(), |rate| format::fixed(rate, 0)),
            one.peak_memory_bytes.map_or_else(|| format::NONE.to_owned(), format::bytes),
            format::count(one.parameters),
            format::percent(one.validation_accuracy),
            if one.on_front { say!(language, "yes") } else { "" }.to_owned(),
        ];
        row.extend(has_energy.then(|| devices::energy_of_trial(one)));
        row
    });
    Chart {
        id: "cost-scatter".to_owned(),
        title: say!(language, "Accuracy against time").to_owned(),
        description: say!(
            language,
            "Validation accuracy against training seconds of each configuration; the line is the front of these two"
        )
        .to_owned(),
        spec: ChartSpec::Scatter { points, scales: None, is_apart: false },
        fallback: shortened(TextTable::new(caption, head), rows, language),
    }
}

/// The points; on the drawn line is what no other one beats in time and accuracy, whatever its size.
fn drawn(cost: &Cost, language: Language) -> Vec<(f64, f64, String, bool)> {
    let timed = cost.configurations.iter().take(POINTS_MAX).filter_map(|one| Some((one, one.seconds?)));
    let flat: Vec<Point> =
        timed.clone().map(|(one, seconds)| [seconds, -one.validation_accuracy, 0.0]).collect();
    timed
        .zip(on_front(&flat))
        .map(|((one, seconds), is_on)| {
            let accuracy = format::rounded(one.validation_accuracy * 100.0);
            let label = names::configuration(&one.label, language);
            (format::rounded(seconds), accuracy, label, is_on)
        })
        .collect()
}
