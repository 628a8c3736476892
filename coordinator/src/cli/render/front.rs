//! The Pareto front of a finished sweep as a table, read from its `report.json`.

use serde::Deserialize;

use super::super::output::plain;
use super::table::{self, Align};
use coordinator_report::sections::format;
use sweep_proto::FrontObjective;

/// Rows of the table.
const ROWS_MAX: usize = 10;

/// The part of `report.json` that tells of the front.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Front {
    objectives: Vec<Weighed>,
    bootstrap_draws: Option<u32>,
    configurations: Vec<Configuration>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Weighed {
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Configuration {
    rank: u32,
    label: String,
    objectives: Vec<Mean>,
    on_front: bool,
    bootstrap_share_on_front: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Mean {
    mean: Option<f64>,
}

/// The configurations on the front, the best in the first objective first.
pub(super) fn front(front: &Front) -> String {
    let names: Vec<String> = front.objectives.iter().map(|one| plain(&one.name).to_uppercase()).collect();
    let mut columns = vec![("RANK", Align::Right)];
    columns.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    columns.extend([("ON THE FRONT", Align::Right), ("CONFIGURATION", Align::Left)]);
    let members: Vec<&Configuration> = front.configurations.iter().filter(|one| one.on_front).collect();
    let rows = members.iter().take(ROWS_MAX).map(|one| {
        let mut row = vec![one.rank.to_string()];
        row.extend(
            front.objectives.iter().zip(&one.objectives).map(|(objective, mean)| told(objective, mean)),
        );
        row.extend([
            format::drawn_share(one.bootstrap_share_on_front.zip(front.bootstrap_draws)),
            plain(&one.label),
        ]);
        row
    });
    let more = members.len().saturating_sub(ROWS_MAX);
    let more = if more > 0 { format!("\n... and {more} more in the report") } else { String::new() };
    format!("Pareto front\n{}{more}", table::table(&columns, rows))
}

/// A mean; of an objective that only a later program knows, the number.
fn told(objective: &Weighed, mean: &Mean) -> String {
    let Some(mean) = mean.mean else { return "-".to_owned() };
    FrontObjective::from_name(&objective.name)
        .map_or_else(|_| format::number(mean), |objective| format::objective(objective, mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_their_order_and_those_beyond_are_counted() {
        let configuration = |rank: u32| Configuration {
            rank,
            label: format!("units={}", 64 - rank),
            objectives: [0.875, 12_345.0 - f64::from(rank)].map(|mean| Mean { mean: Some(mean) }).into(),
            on_front: rank != 2,
            bootstrap_share_on_front: Some(0.5),
        };
        let objectives = ["validation_accuracy", "parameters"].map(|name| Weighed { name: name.to_owned() });
        let of = |count| Front {
            objectives: objectives.clone().into(),
            bootstrap_draws: Some(2_000),
            configurations: (1..=count).map(configuration).collect(),
        };
        let few = front(&of(3));
        assert_eq!(
            few,
            "Pareto front\n\
             RANK  VALIDATION_ACCURACY  PARAMETERS  ON THE FRONT  CONFIGURATION\n   \
             1              87.50 %      12,344        50.0 %  units=63\n   \
             3              87.50 %      12,342        50.0 %  units=61"
        );
        assert!(front(&of(14)).ends_with("... and 3 more in the report"));
        assert!(front(&Front::default()).starts_with("Pareto front\nRANK"));
    }
}
