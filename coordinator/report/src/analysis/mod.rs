//! From rows to numbers: one file per section of the model.

pub mod answer;
pub mod balanced;
pub mod cost;
pub mod curves;
pub mod failures;
pub mod interactions;
pub mod ledger;
pub mod main_effects;
pub mod ranking;
pub mod set_up;
pub mod stability;
pub mod statistics;
pub mod strongest;

use crate::input::ReportInput;
use crate::model::{ReportModel, SCHEMA_VERSION};
use crate::table::Table;

/// Every number of the report; the same for the same input.
pub fn analyse(input: &ReportInput) -> ReportModel {
    analyse_table(input, &Table::new(input))
}

/// As [`analyse`], for callers that need the rows too.
pub fn analyse_table(input: &ReportInput, table: &Table) -> ReportModel {
    let standings = ranking::standings(table, &input.sweep.spec);
    let main_effects = main_effects::main_effects(table, &input.sweep.spec);
    let answer = answer::answer(input, table, &standings, &main_effects);
    ReportModel {
        schema_version: SCHEMA_VERSION,
        generated_at_ms: input.generated_at_ms,
        build: input.build.clone(),
        ledger: ledger::ledger(input, table),
        set_up: set_up::set_up(input),
        curves: curves::curves(table, &input.sweep.spec, &standings),
        interactions: interactions::interactions(table, &input.sweep.spec),
        ranking: ranking::ranking(table, &standings),
        cost: cost::cost(input, table, &standings),
        stability: stability::stability(table, &standings),
        failures: failures::failures(input, table),
        answer,
        main_effects,
    }
}
