//! Databases that earlier programs have left, one of each schema version: this program opens them and goes on.
//!
//! `tests/schemas/make.py` tells where the dumps come from.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use coordinator_core::{Command, Engine, GridOrder, SweepState, Tables, TrialState};
use coordinator_store::{PostgresStore, SqliteStore, Store};
use rusqlite::Connection;
use sweep_proto::Timestamp;
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::root;

/// A little after the dumps were made.
const NOW: Timestamp = Timestamp(1_795_600_000_000);

/// The schema of either store since a sweep's row may name its order and its deletion: earlier programs read such rows wrong, and refuse
/// this schema.
const WITH_ORDER: Versions = Versions { sqlite: 5, postgres: 4 };

/// The schema of either store since rows may name a search, how far a trial may train now, and a group: earlier programs refuse it, too.
const WITH_SEARCH: Versions = Versions { sqlite: 6, postgres: 5 };

struct Versions {
    sqlite: i64,
    postgres: i64,
}

/// What a dump has, by its schema.
struct Has {
    access: bool,
    energy: bool,
    rows: Rows,
}

/// What rows may say, each more than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rows {
    Plain,
    WithOrder,
    WithSearch,
}

impl Rows {
    fn of(version: i64, order: i64, search: i64) -> Self {
        match version {
            version if version >= search => Self::WithSearch,
            version if version >= order => Self::WithOrder,
            _ => Self::Plain,
        }
    }
}

/// Trials of the sweep that had ended, and of the one that had not.
const TRIALS: [usize; 2] = [4, 2];

fn dump(store: &str, version: i64) -> Result<String> {
    let path: PathBuf = root().join(format!("tests/schemas/{store}-{version}.sql"));
    std::fs::read_to_string(&path).with_context(|| {
        format!("{}: each schema version needs a database that a program of it has left", path.display())
    })
}

/// Everything that the dumps hold is there, and it goes on from there.
fn check(store: &mut dyn Store, has: &Has) -> Result<()> {
    let tables = store.load()?;
    check_energy(&tables, has.energy)?;
    check_order(&tables, has.rows >= Rows::WithOrder)?;
    check_reach(&tables, has.rows >= Rows::WithSearch)?;
    let engine = Engine::restore(tables.clone(), NOW);
    ensure!(engine.audit().is_empty(), "{:?}", engine.audit());
    check_trials(&tables, &engine)?;
    for attempt in tables.attempts.values().filter(|one| one.first_epoch == 1) {
        let points = store.read_steps(attempt.id, 0, 10_000)?;
        let is_training = attempt.work == sweep_proto::WorkKind::Train;
        ensure!(is_training != points.is_empty(), "attempt {}: {} points", attempt.id, points.len());
    }
    let entries = store.read_audit(0, 100)?;
    ensure!(entries.is_empty() != has.access, "{} entries of the audit log", entries.len());
    ensure!(tables.tokens.is_empty() != has.access && tables.certificates.is_empty() != has.access);

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

/// The dumps whose sweeps may name an order have one in the sweep underway, as `make.py` says.
fn check_order(tables: &Tables, has_order: bool) -> Result<()> {
    for sweep in tables.sweeps.values() {
        let is_named = has_order && sweep.spec.name == "underway";
        let expected = if is_named { GridOrder::ByReplicate } else { GridOrder::ByConfiguration };
        ensure!(sweep.order == expected, "sweep {}: {:?}", sweep.id, sweep.order);
    }
    Ok(())
}

/// The dumps whose trials may have a reach have one in the sweep underway, as `make.py` says.
fn check_reach(tables: &Tables, has_reach: bool) -> Result<()> {
    for trial in tables.trials.values() {
        let expected = (has_reach && !trial.state.is_terminal()).then_some(100);
        ensure!(trial.until_epoch == expected, "trial {}: {:?}", trial.spec.id, trial.until_epoch);
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

fn version_of(path: &Path) -> Result<i64> {
    Ok(Connection::open(path)?.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?)
}

#[test]
fn sqlite_of_every_schema_version() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let newest: i64 = {
        let path = folder.path().join("empty.db");
        drop(SqliteStore::open(&path)?);
        version_of(&path)?
    };
    ensure!(newest >= WITH_SEARCH.sqlite, "programs of schema {newest} would read rows of this one wrong");
    for version in 1..=newest {
        let path = folder.path().join(format!("{version}.db"));
        let connection = Connection::open(&path)?;
        // A dump makes its tables by name, children before parents.
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.execute_batch(&dump("sqlite", version)?)?;
        drop(connection);
        let mut store = SqliteStore::open(&path)?;
        let has = Has {
            access: version >= 2,
            energy: version >= 3,
            rows: Rows::of(version, WITH_ORDER.sqlite, WITH_SEARCH.sqlite),
        };
        check(&mut store, &has).with_context(|| format!("schema {version}"))?;
        drop(store);
        ensure!(version_of(&path)? == newest, "schema {version} was not brought up to date");
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
    let version_of = |url: &str| -> Result<i64> {
        Ok(server.sql(&format!("SELECT version FROM {}.schema_version", schema(url)?))?.trim().parse()?)
    };
    let newest = version_of(&empty)?;
    ensure!(newest >= WITH_SEARCH.postgres, "programs of schema {newest} would read rows of this one wrong");
    for version in 1..=newest {
        let url = server.fresh_url()?;
        let text = dump("postgres", version)?.replace("public.", &format!("{}.", schema(&url)?));
        let mut psql = server.psql().stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        psql.stdin.take().context("its input")?.write_all(text.as_bytes())?;
        ensure!(psql.wait()?.success(), "psql");
        let mut store = PostgresStore::open(&url)?;
        let has = Has {
            access: true,
            energy: version >= 2,
            rows: Rows::of(version, WITH_ORDER.postgres, WITH_SEARCH.postgres),
        };
        check(&mut store, &has).with_context(|| format!("schema {version}"))?;
        ensure!(version_of(&url)? == newest, "schema {version} was not brought up to date");
    }
    Ok(())
}
