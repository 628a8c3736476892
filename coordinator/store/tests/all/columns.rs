//! Each figure of an epoch in the table of metrics has a column of its name.

use std::collections::BTreeSet;

use coordinator_store::SqliteStore;
use rusqlite::Connection;
use sweep_proto::EpochFigure;

/// Which epoch it is, and the row's checksum.
const OTHERS: [&str; 5] = ["sweep", "trial", "epoch", "attempt", "checksum"];

fn expected() -> BTreeSet<String> {
    OTHERS.into_iter().chain(EpochFigure::ALL.map(EpochFigure::name)).map(str::to_owned).collect()
}

#[test]
fn columns_of_sqlite_are_those_of_the_table_of_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('epochs')").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    assert_eq!(names.collect::<Result<BTreeSet<String>, _>>().unwrap(), expected());
}

#[test]
fn columns_of_postgresql_are_those_of_the_table_of_metrics() {
    let initial = include_str!("../../migrations/postgres/0001_initial.sql");
    let energy = include_str!("../../migrations/postgres/0002_energy.sql");
    let table = initial.split("CREATE TABLE epochs (").nth(1).unwrap().split(");").next().unwrap();
    let columns = table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("PRIMARY") && !line.starts_with("FOREIGN"));
    let mut names: BTreeSet<String> =
        columns.map(|line| line.split_whitespace().next().unwrap().trim_matches('"').to_owned()).collect();
    let added =
        energy.split("ADD COLUMN ").skip(1).map(|rest| rest.split_whitespace().next().unwrap().to_owned());
    names.extend(added);
    assert_eq!(names, expected());
}
