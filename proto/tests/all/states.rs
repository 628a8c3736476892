//! Lists of states in other languages are those of `sweep_proto::state`.

use std::path::Path;

use sweep_proto::state::{State, SweepState, TrialState, WorkerCondition};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} after {start:?}")).0
}

/// `` `a`, `b` or `c` ``.
fn listed<S: State>() -> String {
    let names: Vec<_> = S::ALL.iter().map(|state| format!("`{}`", state.name())).collect();
    let (last, others) = names.split_last().unwrap();
    format!("{} or {last}", others.join(", "))
}

#[test]
fn the_python_client_has_the_states_of_the_list() {
    let status = read("python/src/lstm_sweep/status.py");
    let ended: Vec<_> = SweepState::ALL.into_iter().filter(|state| state.is_ended()).collect();
    let quoted: Vec<_> = ended.iter().map(|state| format!("\"{}\"", state.name())).collect();
    assert_eq!(between(&status, "ENDED: Final = frozenset({", "})"), quoted.join(", "));

    let ledger = between(&status, "class Ledger:", "@property");
    let name = |line: &str| line.trim().trim_end_matches(" | None").strip_suffix(": int").map(str::to_owned);
    let fields: Vec<_> = ledger.lines().filter_map(name).collect();
    let expected = ["planned"].into_iter().chain(TrialState::ALL.map(TrialState::name)).chain(["reused"]);
    assert_eq!(fields, expected.collect::<Vec<_>>());
    let sum = between(between(&status, "def ended(self)", "@dataclass"), "return ", "\n").to_owned();
    let ran = TrialState::ALL.into_iter().filter(|state| state.ran_to_an_end());
    let ran: Vec<_> = ran.map(|state| format!("self.{}", state.name())).collect();
    assert_eq!(sum, ran.join(" + "));

    let sweep = between(&status, "class Status:", "ledger: Ledger");
    assert!(sweep.contains(&listed::<SweepState>()), "{sweep}");
    let worker = between(&status, "class Worker:", "last_seen_seconds");
    assert!(worker.contains(&listed::<WorkerCondition>()), "{worker}");
}

#[test]
fn the_schema_names_the_states_of_the_list() {
    let schema = read("schema/sweep/v1/sweep.proto");
    let names = SweepState::ALL.map(SweepState::name).join(", ");
    assert!(schema.contains(&format!("string state = 3;  // {names}\n")), "{names}");
    let names = WorkerCondition::ALL.map(WorkerCondition::name).join(", ");
    assert!(schema.contains(&format!("string state = 3;  // {names}\n")), "{names}");
}
