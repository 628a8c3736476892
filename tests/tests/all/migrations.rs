//! Databases that earlier programs have left, one of each schema version: this program opens them and goes on.
//!
//! `tests/schemas/make.py` tells where the dumps come from.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use coordinator_core::{Command, Engine, SweepState, Tables, TrialState};
use coordinator_store::{PostgresStore, SqliteStore, Store};
use rusqlite::Connection;
use sweep_proto::Timestamp;
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::root;

/// A little after the dumps were made.
const NOW: Timestamp = Timestamp(1_795_600_000_000);

/// Trials of the sweep that had ended, and of the one that had not.
const TRIALS: [usize; 2] = [4, 2];

fn dump(store: &str, version: i64) -> Result<String> {
    let path: PathBuf = root().join(format!("tests/schemas/{store}-{version}.sql"));
    std::fs::read_to_string(&path).with_context(|| {
        format!("{}: each schema version needs a database that a program of it has left", path.display())
    })
}

/// Everything that the dumps hold is there, and it goes on from there.
fn check(store: &mut dyn Store, has_access: bool, has_energy: bool) -> Result<()> {
    let tables = store.load()?;
    check_energy(&tables, has_energy)?;
    let engine = Engine::restore(tables.clone(), NOW);
    ensure!(engine.audit().is_empty(), "{:?}", engine.audit());
    check_trials(&tables, &engine)?;
    for attempt in tables.attempts.values().filter(|one| one.first_epoch == 1) {
        let points = store.read_steps(attempt.id, 0, 10_000)?;
        let is_training = attempt.work == sweep_proto::WorkKind::Train;
        ensure!(is_training != points.is_empty(), "attempt {}: {} points", attempt.id, points.len());
    }
    let entries = store.read_audit(0, 100)?;
    ensure!(entries.is_empty() != has_access, "{} entries of the audit log", entries.len());
    ensure!(tables.tokens.is_empty() != has_access && tables.certificates.is_empty() != has_access);

    // What it decides it can write and read again.
    let underway = engine.resolve("underway").context("a sweep")?;
    let decision = engine.decide(NOW, &Command::Cancel(underway))?;
    ensure!(!decision.mutations.is_empty());
    store.commit(&decision.mutations)?;
    let mut after = engine;
    after.fold(&decision);
    ensure!(after.tables() == &store.load()?, "the engine is the fold of the store");
    ensure!(after.audit().is_empty(), "{:?}", after.audit());
    Ok(())
}

/// The dumps that have energies have them in the first sweep, as `make.py` says.
fn check_energy(tables: &Tables, has_energy: bool) -> Result<()> {
    ensure!(!tables.epochs.is_empty());
    for epoch in tables.epochs.values() {
        let expected = 100.5 * f64::from(epoch.trial.index + 1) + f64::from(epoch.metric.epoch) / 3.0;
        let expected = (has_energy && epoch.trial.sweep.0 == 1).then_some(expected);
        ensure!(epoch.metric.energy_joules == expected, "{epoch:?}");
    }
    Ok(())
}

fn check_trials(tables: &Tables, engine: &Engine) -> Result<()> {
    let states: Vec<_> =
        tables.sweeps.values().map(|sweep| (sweep.spec.name.as_str(), sweep.state)).collect();
    ensure!(states == [("finished", SweepState::Finished), ("underway", SweepState::Open)], "{states:?}");
    for (sweep, expected) in tables.sweeps.keys().zip(TRIALS) {
        ensure!(tables.trials_of(*sweep).count() == expected, "sweep {sweep}");
    }
    let ended: Vec<_> = tables.trials.values().filter(|one| one.state == TrialState::Completed).collect();
    ensure!(ended.len() == TRIALS[0] && ended.iter().all(|one| one.result.is_some()));
    ensure!(
        ended.iter().filter(|one| one.test.is_some()).count() == 2,
        "the chosen configuration's are measured"
    );
    let open: Vec<_> = tables.trials.values().filter(|one| !one.state.is_terminal()).collect();
    ensure!(open.iter().all(|one| one.checkpoint.is_some_and(|kept| kept.epoch >= 1 && kept.batches == 0)));
    ensure!(engine.resolve("finished").is_some());
    Ok(())
}

#[test]
fn sqlite_of_every_schema_version() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let newest: i64 = {
        let path = folder.path().join("empty.db");
        drop(SqliteStore::open(&path)?);
        Connection::open(&path)?.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?
    };
    for version in 1..=newest {
        let path = folder.path().join(format!("{version}.db"));
        let connection = Connection::open(&path)?;
        // A dump makes its tables by name, children before parents.
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.execute_batch(&dump("sqlite", version)?)?;
        drop(connection);
        let mut store = SqliteStore::open(&path)?;
        check(&mut store, version >= 2, version >= 3).with_context(|| format!("schema {version}"))?;
        drop(store);
        SqliteStore::open(&path)?;
    }
    Ok(())
}

#[test]
fn postgres_of_every_schema_version() -> Result<()> {
    let server = PostgresServer::start()?;
    let empty = server.fresh_url()?;
    drop(PostgresStore::open(&empty)?);
    let schema =
        |url: &str| -> Result<String> { Ok(url.rsplit("%3D").next().context("a schema")?.to_owned()) };
    let newest: i64 =
        server.sql(&format!("SELECT version FROM {}.schema_version", schema(&empty)?))?.trim().parse()?;
    for version in 1..=newest {
        let url = server.fresh_url()?;
        let text = dump("postgres", version)?.replace("public.", &format!("{}.", schema(&url)?));
        let mut psql = server.psql().stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        psql.stdin.take().context("its input")?.write_all(text.as_bytes())?;
        ensure!(psql.wait()?.success(), "psql");
        let mut store = PostgresStore::open(&url)?;
        check(&mut store, true, version >= 2).with_context(|| format!("schema {version}"))?;
    }
    Ok(())
}
