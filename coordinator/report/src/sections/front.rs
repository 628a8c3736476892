//! The Pareto front: what a reader may trade for what, as a chart of the first two objectives and a table.

use coordinator_statistics::bootstrap::REPLICATES_MIN;
use sweep_proto::FrontObjective;

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, format, names};
use crate::language::{Language, heads, say};
use crate::model::{Front, ReportModel, Summary, WeighedConfiguration};

/// Points of the chart on the front, and as many that are not on it. All stand in `report.json`.
const POINTS_MAX: usize = 2_000;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let blocks = model.front.as_ref().map(|front| blocks(front, language)).unwrap_or_default();
    Section { id: "front", title: say!(language, "Pareto front"), blocks }
}

fn blocks(front: &Front, language: Language) -> Vec<Block> {
    if front.configurations.is_empty() {
        return not_compared(front, language).into_iter().map(Block::Text).collect();
    }
    let mut blocks = vec![Block::Text(what_it_is(front, language))];
    blocks.extend(not_compared(front, language).map(Block::Text));
    if front.devices.len() > 1 {
        blocks.push(Block::Warning(say!(
            language,
            "Trials were trained on different devices ({devices}): their seconds tell of the devices, too.",
            devices = front.devices.join(", ")
        )));
    }
    if front.reused > 0 {
        blocks.push(Block::Text(say!(
            language,
            "Results that were reused from earlier sweeps: {count}. Their training seconds were measured in those sweeps.",
            count = format::count(front.reused)
        )));
    }
    blocks.extend(sureness(front, language).map(Block::Text));
    let chart = chart(front, language);
    if let ChartSpec::Scatter { points, .. } = &chart.spec
        && points.len() < front.configurations.len()
    {
        blocks.push(Block::Text(say!(
            language,
            "The chart shows {shown} of the {compared} configurations.",
            shown = format::count(points.len() as u64),
            compared = format::count(front.compared)
        )));
    }
    blocks.push(Block::Charts(vec![chart]));
    blocks
}

fn what_it_is(front: &Front, language: Language) -> String {
    let objectives: Vec<String> = front.objectives.iter().map(|one| towards(one.name, language)).collect();
    if front.compared == 1 {
        return say!(
            language,
            "One configuration was compared, so it alone is the Pareto front of {objectives}.",
            objectives = objectives.join(", ")
        );
    }
    let members = front.members().count() as u64;
    say!(
        language,
        "On the Pareto front of {objectives} are {members} of {compared} configurations: for each of them, no other configuration is \
         at least as good in every objective and better in one. Means over {replicates} replicates are compared.",
        members = format::count(members),
        compared = format::count(front.compared),
        objectives = objectives.join(", "),
        replicates = front.replicates
    )
}

fn not_compared(front: &Front, language: Language) -> Option<String> {
    (front.left_out > 0).then(|| {
        say!(
            language,
            "Not compared are {count} configurations: some of their trials of the same replicates have no result (failed, diverged, \
             running or cancelled), or no epochs.",
            count = format::count(front.left_out)
        )
    })
}

/// An objective with its direction: `validation accuracy (higher is better)`.
fn towards(objective: FrontObjective, language: Language) -> String {
    let name = names::objective(objective, language);
    match objective.better() {
        "higher" => say!(language, "{name} (higher is better)", name = name),
        _ => say!(language, "{name} (lower is better)", name = name),
    }
}

/// What the shares are, or why there are none.
fn sureness(front: &Front, language: Language) -> Option<String> {
    if let Some(draws) = front.bootstrap_draws {
        return Some(say!(
            language,
            "The share on the front is that of {draws} sweeps in which the configuration is on the front. They are drawn from the \
             replicates with replacement, the same ones for all configurations (bootstrap).",
            draws = format::count(u64::from(draws))
        ));
    }
    (front.compared > 1 && (front.replicates as usize) < REPLICATES_MIN).then(|| {
        say!(
            language,
            "Fewer than ten replicates do not tell how sure a place on the front is: seed noise alone puts configurations on it."
        )
        .to_owned()
    })
}

/// Some of many, spread evenly over their order.
fn thinned<T>(all: Vec<T>) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(POINTS_MAX).max(1);
    all.into_iter().step_by(step)
}

fn chart(front: &Front, language: Language) -> Chart {
    let [up, across] = [0, 1].map(|at| front.objectives[at].name);
    let scale = |objective: FrontObjective| match objective {
        FrontObjective::Metric(metric) if metric.is_fraction() => {
            format!("{} (%)", names::objective(objective, language))
        }
        _ => names::objective(objective, language).to_owned(),
    };
    let drawn = |one: &WeighedConfiguration, at: usize| {
        let scaled = match front.objectives[at].name {
            FrontObjective::Metric(metric) if metric.is_fraction() => 100.0,
            _ => 1.0,
        };
        format::rounded(one.objectives[at].mean * scaled)
    };
    let others = front.configurations.iter().filter(|one| !one.on_front);
    let points = thinned(front.members().collect())
        .chain(thinned(others.collect()))
        .map(|one| (drawn(one, 1), drawn(one, 0), names::configuration(&one.label, language), one.on_front));
    let is_apart = front.objectives.len() > 2;
    let title = if is_apart {
        say!(
            language,
            "Front of all objectives, by {up} and {across}",
            up = names::objective(up, language),
            across = names::objective(across, language)
        )
    } else {
        say!(
            language,
            "Front of {up} and {across}",
            up = names::objective(up, language),
            across = names::objective(across, language)
        )
    };
    let description = if is_apart {
        say!(
            language,
            "{up} against {across} of each configuration; diamonds are on the front of all objectives",
            up = names::objective(up, language),
            across = names::objective(across, language)
        )
    } else {
        say!(
            language,
            "{up} against {across} of each configuration; the line is the Pareto front",
            up = names::objective(up, language),
            across = names::objective(across, language)
        )
    };
    Chart {
        id: "front-scatter".to_owned(),
        title,
        description,
        spec: ChartSpec::Scatter {
            points: points.collect(),
            scales: Some([scale(across), scale(up)]),
            is_apart,
        },
        fallback: members(front, language),
    }
}

/// The members, the best in the first objective first.
fn members(front: &Front, language: Language) -> TextTable {
    let mut head = heads!(language, "#rank", "configuration");
    head.extend(front.objectives.iter().map(|one| Head::number(names::objective(one.name, language))));
    head.extend(heads!(language, "#share on the front"));
    let caption = say!(
        language,
        "Configurations on the Pareto front, in ranking order: means over the replicates (± standard deviation)"
    );
    let rows: Vec<Vec<String>> = front
        .members()
        .map(|one| {
            let mut row = vec![one.rank.to_string(), names::configuration(&one.label, language)];
            let objectives = front.objectives.iter().zip(&one.objectives);
            row.extend(objectives.map(|(objective, summary)| spread(objective.name, summary)));
            row.push(format::drawn_share(one.bootstrap_share_on_front.zip(front.bootstrap_draws)));
            row
        })
        .collect();
    TextTable::new(caption, head).with_rows(rows.into_iter(), "report.json", language)
}

/// `mean ± standard deviation` of an objective; of a number of parameters the number.
fn spread(objective: FrontObjective, summary: &Summary) -> String {
    let deviation = summary.standard_deviation;
    match objective {
        FrontObjective::Metric(metric) if metric.is_fraction() => format::accuracy(summary.mean, deviation),
        FrontObjective::Metric(_) => format::loss(summary.mean, deviation),
        FrontObjective::Parameters => format::objective(objective, summary.mean),
        FrontObjective::Seconds => deviation.map_or_else(
            || format::fixed(summary.mean, 2),
            |deviation| format!("{} ± {}", format::fixed(summary.mean, 2), format::fixed(deviation, 2)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::Objective;

    use super::*;
    use crate::model::{Values, WeighedObjective};

    #[test]
    fn a_chart_of_very_many_configurations_shows_some_of_each_kind_and_says_so() {
        let summary = |mean| Summary { mean, standard_deviation: None, replicates: 1 };
        let configuration = |rank: u32| WeighedConfiguration {
            rank,
            label: format!("units={rank}"),
            values: Values::new(),
            objectives: vec![summary(f64::from(rank)), summary(-f64::from(rank))],
            on_front: rank <= 4_001,
            bootstrap_share_on_front: None,
        };
        let metric = FrontObjective::Metric(Objective::default());
        let front = Front {
            objectives: [metric, FrontObjective::Parameters].map(WeighedObjective::of).into(),
            compared: 4_011,
            left_out: 0,
            replicates: 1,
            bootstrap_draws: None,
            best_is_compared: true,
            best_is_beaten_by: None,
            cheapest: None,
            devices: Vec::new(),
            reused: 0,
            configurations: (1..=4_011).map(configuration).collect(),
        };
        let blocks = blocks(&front, Language::English);
        let is_said = |block: &Block| matches!(block, Block::Text(text) if text == "The chart shows 1,344 of the 4,011 configurations.");
        assert!(blocks.iter().any(is_said), "{blocks:?}");
    }
}
