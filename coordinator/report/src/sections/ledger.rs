//! The ledger: every planned trial accounted for, as numbers and as a map.

use super::{Block, Section, StateGroup, StateMap, TextTable, format, names};
use crate::language::{Language, heads, say};
use crate::model::{ReportModel, TrialAccount};
use crate::table::Table;
use sweep_proto::Amount;

/// Squares of the map; more would not be told apart.
const MAP_TRIALS_MAX: usize = 3_000;

pub(super) fn section(model: &ReportModel, table: &Table, language: Language) -> Section {
    let ledger = &model.ledger;
    let mut blocks = vec![check(ledger, language)];
    let states = ledger
        .states
        .iter()
        .map(|(state, count)| vec![names::name(state, language).to_owned(), format::count(*count)]);
    let planned = match &model.set_up.search {
        _ if ledger.planned.is_none() => say!(language, "made (as many as the budget allowed)"),
        Some(_) => say!(language, "planned (budget of the search)"),
        None => say!(language, "planned (grid × replicates)"),
    };
    let mut rows = vec![vec![planned.to_owned(), format::count(ledger.all())]];
    rows.extend(states.filter(|row| row[1] != "0"));
    rows.push(vec![say!(language, "sum of states").to_owned(), format::count(sum(ledger))]);
    if ledger.unmade > 0 {
        rows.push(vec![say!(language, "of these without a record").to_owned(), format::count(ledger.unmade)]);
    }
    blocks.push(Block::Table(
        TextTable::new(say!(language, "Trials"), heads!(language, "state", "#trials")).with_rows(
            rows.into_iter(),
            "report.json",
            language,
        ),
    ));
    let rows: Vec<_> = [
        (say!(language, "results reused from other trials"), ledger.reused),
        (say!(language, "attempts"), ledger.attempts),
        (say!(language, "failed attempts"), ledger.failed_attempts),
        (say!(language, "diverged attempts"), ledger.diverged_attempts),
        (say!(language, "lost leases"), ledger.lost_leases),
        (say!(language, "attempts handed back"), ledger.released_attempts),
        (say!(language, "attempts revoked"), ledger.revoked_attempts),
        (say!(language, "duplicate trials"), ledger.duplicates),
    ]
    .into_iter()
    .map(|(name, count)| vec![name.to_owned(), format::count(count)])
    .collect();
    let caption = say!(language, "Attempts (training and test measurement)");
    let attempts = TextTable::new(caption, heads!(language, "what", "#count"));
    blocks.push(Block::Table(attempts.with_rows(rows.into_iter(), "report.json", language)));
    blocks.extend(spent(model, language).map(Block::Text));
    if table.trials.len() <= MAP_TRIALS_MAX {
        if !table.trials.is_empty() {
            blocks.push(Block::StateMap(state_map(table, language)));
        }
    } else {
        blocks.push(Block::Text(say!(
            language,
            "The map of states is left out above {trials} trials; each trial's state stands in trials.csv.",
            trials = MAP_TRIALS_MAX
        )));
    }
    Section { id: "ledger", title: say!(language, "Ledger"), blocks }
}

/// What is spent of a budget of hours or money; `None` without one.
fn spent(model: &ReportModel, language: Language) -> Option<String> {
    let budget = model.set_up.search.as_ref()?.budget;
    budget.metered_ms()?;
    let held = model.cost.attempt_seconds / 3_600.0;
    let told = |spent: f64, most: Amount| {
        say!(language, "{spent} of {most}", spent = format::amount(spent), most = most)
    };
    let hours = budget.hours.map_or_else(|| format::amount(held), |most| told(held, most));
    let money = budget.money.zip(budget.price_per_hour);
    Some(match money.map(|(most, price)| told(held * price.get(), most)) {
        Some(money) => {
            say!(
                language,
                "Budget: attempts held their slots for {hours} hours, which cost {money}.",
                hours = hours,
                money = money
            )
        }
        None => say!(language, "Budget: attempts held their slots for {hours} hours.", hours = hours),
    })
}

/// Of the trials in every state.
fn sum(ledger: &TrialAccount) -> u64 {
    ledger.recorded + ledger.unmade
}

fn check(ledger: &TrialAccount, language: Language) -> Block {
    let [planned, recorded] = [ledger.all(), sum(ledger)].map(format::count);
    if ledger.balanced && ledger.planned.is_none() {
        return Block::Text(say!(
            language,
            "Balanced: the states of {recorded} trials; no trial stands twice, every completed trial has a result.",
            recorded = recorded
        ));
    }
    if ledger.balanced {
        return Block::Text(say!(
            language,
            "Balanced: planned {planned} = sum of states {recorded}; no trial stands twice, every completed trial has a result.",
            planned = planned,
            recorded = recorded
        ));
    }
    Block::Warning(say!(
        language,
        "Not balanced: planned {planned}, sum of states {recorded}, duplicates {duplicates}, completed without a result \
         {without_result}.",
        planned = ledger.all(),
        recorded = sum(ledger),
        duplicates = ledger.duplicates,
        without_result = ledger.without_result
    ))
}

fn state_map(table: &Table, language: Language) -> StateMap {
    let mut groups: Vec<StateGroup> = (0..table.configurations.len())
        .map(|configuration| StateGroup {
            label: names::configuration(&table.label(configuration), language),
            states: Vec::new(),
        })
        .collect();
    let mut legend: Vec<(coordinator_core::TrialState, &'static str)> = Vec::new();
    for trial in &table.trials {
        groups[trial.configuration].states.push((trial.state.name(), trial.reused_from.is_some()));
        if !legend.iter().any(|(state, _)| *state == trial.state) {
            legend.push((trial.state, trial.state.name()));
        }
    }
    legend.sort_unstable();
    StateMap {
        groups,
        legend: legend.into_iter().map(|(_, name)| (name, names::name(name, language))).collect(),
    }
}
