//! The Pareto front: what a reader may trade for what, as a chart of the first two objectives and a table.

use sweep_proto::FrontObjective;

use super::{Block, Chart, ChartSpec, Head, Section, TextTable, format, names};
use crate::language::{Language, heads, say};
use crate::model::{Front, ReportModel, Summary, WeighedConfiguration};

/// Points of the chart that are not on the front; those beyond are worse in the first objective and stand in `report.json`.
const OTHERS_MAX: usize = 2_000;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let blocks = model.front.as_ref().map(|front| blocks(front, language)).unwrap_or_default();
    Section { id: "front", title: say!(language, "Pareto front"), blocks }
}

fn blocks(front: &Front, language: Language) -> Vec<Block> {
    let mut blocks = vec![Block::Text(what_it_is(front, language))];
    if front.devices.len() > 1 {
        blocks.push(Block::Warning(say!(
            language,
            "Trials were trained on different devices ({devices}): their seconds tell of the devices, too.",
            devices = front.devices.join(", ")
        )));
    }
    blocks.extend(sureness(front, language).map(Block::Text));
    blocks.push(Block::Charts(vec![chart(front, language)]));
    blocks
}

fn what_it_is(front: &Front, language: Language) -> String {
    let objectives: Vec<String> = front.objectives.iter().map(|one| towards(one.name, language)).collect();
    let members = front.members().count() as u64;
    let said = say!(
        language,
        "On the Pareto front of {objectives} are {members} of {compared} configurations: for each of them, no other configuration is \
         at least as good in every objective and better in one. Means over {replicates} replicates are compared.",
        members = format::count(members),
        compared = format::count(front.compared),
        objectives = objectives.join(", "),
        replicates = front.replicates
    );
    if front.left_out == 0 {
        return said;
    }
    say!(
        language,
        "{said} Not compared are {count} configurations that did not complete the same replicates.",
        said = said,
        count = format::count(front.left_out)
    )
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
    if front.configurations.iter().any(|one| one.bootstrap_share_on_front.is_some()) {
        return Some(
            say!(
                language,
                "The share on the front is that of sweeps in which the configuration is on the front, drawn from the replicates with \
                 replacement, the same ones for all configurations (bootstrap). Below ten replicates it is a rough figure."
            )
            .to_owned(),
        );
    }
    (front.replicates < 3).then(|| {
        say!(
            language,
            "With fewer than three replicates nothing tells how sure a place on the front is: seed noise alone puts configurations on it."
        )
        .to_owned()
    })
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
    let others = front.configurations.iter().filter(|one| !one.on_front).take(OTHERS_MAX);
    let points = front
        .members()
        .chain(others)
        .map(|one| (drawn(one, 1), drawn(one, 0), names::configuration(&one.label, language), one.on_front));
    let is_apart = front.objectives.len() > 2;
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
        title: say!(
            language,
            "Front of {up} and {across}",
            up = names::objective(up, language),
            across = names::objective(across, language)
        ),
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
            row.push(format::chance(one.bootstrap_share_on_front));
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
