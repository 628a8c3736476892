//! The ledger: every planned trial accounted for, as numbers and as a map.

use super::{Block, Section, StateGroup, StateMap, TextTable, format};
use crate::model::{Ledger, ReportModel};
use crate::table::Table;

/// Squares of the map; more would not be told apart.
const MAP_TRIALS_MAX: usize = 3_000;

pub(super) fn section(model: &ReportModel, table: &Table) -> Section {
    let ledger = &model.ledger;
    let mut blocks = vec![check(ledger)];
    let states = ledger.states.iter().map(|(state, count)| vec![(*state).to_owned(), format::count(*count)]);
    let mut rows = vec![vec!["planned (grid × replicates)".to_owned(), format::count(ledger.planned)]];
    rows.extend(states.filter(|row| row[1] != "0"));
    rows.push(vec!["sum of states".to_owned(), format::count(ledger.recorded)]);
    blocks.push(Block::Table(
        TextTable::new("Trials", &["state", "#trials"]).with_rows(rows.into_iter(), "report.json"),
    ));
    let rows: Vec<_> = [
        ("results reused from earlier sweeps", ledger.reused),
        ("attempts", ledger.attempts),
        ("failed attempts", ledger.failed_attempts),
        ("diverged attempts", ledger.diverged_attempts),
        ("lost leases", ledger.lost_leases),
        ("attempts handed back", ledger.released_attempts),
        ("attempts revoked", ledger.revoked_attempts),
        ("duplicate trials", ledger.duplicates),
    ]
    .into_iter()
    .map(|(name, count)| vec![name.to_owned(), format::count(count)])
    .collect();
    let attempts = TextTable::new("Attempts (training and test measurement)", &["what", "#count"]);
    blocks.push(Block::Table(attempts.with_rows(rows.into_iter(), "report.json")));
    if table.trials.len() <= MAP_TRIALS_MAX {
        if !table.trials.is_empty() {
            blocks.push(Block::StateMap(state_map(table)));
        }
    } else {
        blocks.push(Block::Text(format!(
            "The map of states is left out above {MAP_TRIALS_MAX} trials; each trial's state stands in trials.csv."
        )));
    }
    Section { id: "ledger", title: "Ledger", blocks }
}

fn check(ledger: &Ledger) -> Block {
    let sums = format!(
        "planned {} = sum of states {}",
        format::count(ledger.planned),
        format::count(ledger.recorded)
    );
    if ledger.balanced {
        return Block::Text(format!(
            "Balanced: {sums}; no trial stands twice, every completed trial has a result."
        ));
    }
    Block::Warning(format!(
        "Not balanced: planned {}, sum of states {}, duplicates {}, completed without a result {}.",
        ledger.planned, ledger.recorded, ledger.duplicates, ledger.without_result
    ))
}

fn state_map(table: &Table) -> StateMap {
    let mut groups: Vec<StateGroup> = (0..table.configurations.len())
        .map(|configuration| StateGroup { label: table.label(configuration), states: Vec::new() })
        .collect();
    let mut legend: Vec<(coordinator_core::TrialState, &'static str)> = Vec::new();
    for trial in &table.trials {
        groups[trial.configuration].states.push((trial.state.name(), trial.reused_from.is_some()));
        if !legend.iter().any(|(state, _)| *state == trial.state) {
            legend.push((trial.state, trial.state.name()));
        }
    }
    legend.sort_unstable();
    StateMap { groups, legend: legend.into_iter().map(|(_, name)| name).collect() }
}
