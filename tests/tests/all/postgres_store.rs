//! The PostgreSQL store on real servers: the conformance suite, leadership, lost connections, lost servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use coordinator_core::Mutation;
use coordinator_store::conformance::{self, Fixture};
use coordinator_store::{Candidate, PostgresStore, Store, StoreError, StoreReader};
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::PATIENCE;

/// One server for all tests that do not kill theirs; the process's end takes it along.
static SERVER: LazyLock<PostgresServer> = LazyLock::new(|| PostgresServer::start().expect("a server"));

struct Schema(String);

impl Fixture for Schema {
    fn open(&self) -> Box<dyn Store> {
        Box::new(PostgresStore::open(&self.0).expect("opens"))
    }
}

fn fresh() -> String {
    SERVER.fresh_url().expect("a schema")
}

fn candidate(name: &str) -> Candidate {
    Candidate { holder: name.to_owned(), address: format!("http://{name}:7077") }
}

fn token_of(url: &str) -> u64 {
    PostgresStore::open(url).unwrap().load().unwrap().last_token
}

/// Tries until it does not fail.
fn insist<T>(mut act: impl FnMut() -> Result<T, StoreError>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match act() {
            Ok(done) => return done,
            Err(error) if Instant::now() > end => panic!("still {error}"),
            Err(_) => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}

#[test]
fn the_conformance_suite() {
    conformance::run(|| Schema(fresh()));
}

#[test]
fn one_leads_and_the_other_follows_when_it_has_gone() {
    let url = fresh();
    let mut first = PostgresStore::lead(&url, &candidate("first")).unwrap();
    first.commit(&[Mutation::LastToken(1)]).unwrap();
    first.verify().unwrap();
    let Err(StoreError::NotLeader { address }) = PostgresStore::lead(&url, &candidate("second")) else {
        panic!("two lead");
    };
    assert_eq!(address, "http://first:7077");
    // It gives up its term when it ends as it should.
    drop(first);
    let mut second = PostgresStore::lead(&url, &candidate("second")).unwrap();
    second.commit(&[Mutation::LastToken(2)]).unwrap();
    assert_eq!(token_of(&url), 2);
}

#[test]
fn a_deposed_leader_writes_nothing() {
    let url = fresh();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let mut first = PostgresStore::lead(&url, &candidate("first")).unwrap();
    first.commit(&[Mutation::LastToken(1)]).unwrap();
    // The first one's term runs out on the database's clock, as after a long silence.
    let mut second = insist(|| {
        let expire = format!("UPDATE {schema}.leader SET expires_at = clock_timestamp() - interval '1 s'");
        SERVER.sql(&expire).unwrap();
        PostgresStore::lead(&url, &candidate("second"))
    });
    let refused = first.commit(&[Mutation::LastToken(7)]);
    assert!(matches!(&refused, Err(StoreError::NotLeader { address }) if address == "http://second:7077"));
    assert!(matches!(first.append_steps(&[]), Err(StoreError::NotLeader { .. })));
    second.commit(&[Mutation::LastToken(2)]).unwrap();
    assert_eq!(token_of(&url), 2);
    insist(|| match first.verify() {
        Err(StoreError::NotLeader { .. }) => Ok(()),
        _ => Err(StoreError::Conflict("it does not know yet".to_owned())),
    });
    // Its end does not end the term of the other.
    drop(first);
    second.commit(&[Mutation::LastToken(3)]).unwrap();
}

#[test]
fn a_takeover_waits_for_a_running_commit() {
    let url = fresh();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    drop(PostgresStore::lead(&url, &candidate("first")).unwrap());
    // A transaction that has checked its term and not ended.
    let mut running = SERVER.psql().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut sql = running.stdin.take().unwrap();
    writeln!(sql, "BEGIN; SELECT term FROM {schema}.leader FOR SHARE;").unwrap();
    let mut seen = [0_u8; 1];
    running.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
    let taking = std::thread::spawn(move || PostgresStore::lead(&url, &candidate("second")).map(|_| ()));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    insist(|| match SERVER.sql(waits).unwrap().trim() {
        "0" => Err(StoreError::Conflict("nobody waits".to_owned())),
        _ => Ok(()),
    });
    assert!(!taking.is_finished());
    writeln!(sql, "COMMIT;").unwrap();
    drop(sql);
    taking.join().unwrap().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_terminated_session_comes_back() {
    let server = PostgresServer::start().unwrap();
    let url = server.fresh_url().unwrap();
    let mut store = PostgresStore::open(&url).unwrap();
    for token in 1..=5 {
        store.commit(&[Mutation::LastToken(token)]).unwrap();
        server
            .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lstm-sweep'")
            .unwrap();
    }
    assert_eq!(store.load().unwrap().last_token, 5);
}

#[test]
fn a_deadlock_is_repeated() {
    let url = fresh();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let mut store = PostgresStore::open(&url).unwrap();
    let sql = format!("INSERT INTO {schema}.counters VALUES ('last_token', 0, 0)");
    SERVER.sql(&sql).unwrap();
    // Another program holds the counter; our transaction waits for it under a lock that the other wants next.
    let lock = format!("BEGIN; UPDATE {schema}.counters SET value = value WHERE name = 'last_token';");
    let mut other = SERVER.psql().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut sql = other.stdin.take().unwrap();
    writeln!(sql, "{lock} SELECT 1;").unwrap();
    let mut seen = [0_u8; 1];
    other.stdout.as_mut().unwrap().read_exact(&mut seen).unwrap();
    let worker = conformance_worker();
    let committing = std::thread::spawn(move || {
        store.commit(&[worker, Mutation::LastToken(9)]).map(|()| store.load().unwrap().last_token)
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'lstm-sweep'";
    insist(|| match SERVER.sql(waits).unwrap().trim() {
        "0" => Err(StoreError::Conflict("nobody waits".to_owned())),
        _ => Ok(()),
    });
    writeln!(sql, "LOCK TABLE {schema}.workers IN ACCESS EXCLUSIVE MODE; COMMIT;").unwrap();
    drop(sql);
    // Whichever of the two the server chose to fail: ours is there in the end.
    assert_eq!(committing.join().unwrap().unwrap(), 9);
    other.wait().unwrap();
}

/// Some worker's row.
fn conformance_worker() -> Mutation {
    use coordinator_core::{WorkerRecord, WorkerState};
    let id = sweep_proto::WorkerId::generate();
    let profile = sweep_proto::WorkerProfile {
        name: "w".into(),
        build: "b".into(),
        slots: 1,
        devices: Vec::new(),
        group: 1,
    };
    let now = sweep_proto::Timestamp(1);
    Mutation::Worker(WorkerRecord {
        id,
        profile,
        state: WorkerState::Ready,
        registered_at: now,
        answered: None,
        troubles: coordinator_core::Troubles::default(),
        process: coordinator_core::ProcessRecord::default(),
        left_at: None,
    })
}

#[test]
fn what_was_acknowledged_survives_the_death_of_the_server() {
    let mut server = PostgresServer::start().unwrap();
    let url = server.fresh_url().unwrap();
    let mut store = PostgresStore::open(&url).unwrap();
    let mut acknowledged = 0;
    for round in 0..3 {
        for token in 1..=50 {
            let token = round * 100 + token;
            store.commit(&[Mutation::LastToken(token)]).unwrap();
            acknowledged = token;
        }
        server.kill().unwrap();
        // Its backend may outlive the server for a moment, and what that acknowledges counts, too.
        let refused = (51..100).find_map(|token| {
            let token = round * 100 + token;
            let refused = store.commit(&[Mutation::LastToken(token)]).err();
            acknowledged = if refused.is_none() { token } else { acknowledged };
            refused
        });
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
        server.resume().unwrap();
        // The one that was refused may have been written: its answer died with the server.
        let kept = insist(|| store.load()).last_token;
        assert!((acknowledged..=acknowledged + 1).contains(&kept), "{kept} of {acknowledged}");
    }
}

#[test]
fn a_promoted_standby_has_every_acknowledged_commit() {
    let mut primary = PostgresServer::start().unwrap();
    let standby = primary.synchronous_standby().unwrap();
    let (one, two) = (primary.port(), standby.port());
    let url = format!("postgres://postgres@127.0.0.1:{one},127.0.0.1:{two}/postgres");
    let mut store = PostgresStore::open(&url).unwrap();
    for token in 1..=100 {
        store.commit(&[Mutation::LastToken(token)]).unwrap();
    }
    primary.kill().unwrap();
    standby.promote().unwrap();
    assert_eq!(insist(|| store.load()).last_token, 100);
    insist(|| store.commit(&[Mutation::LastToken(101)]));
    assert_eq!(token_of(&standby.url()), 101);
}

/// What a relay does with a COMMIT.
const PASS: u8 = 0;
const LOSE_THE_COMMIT: u8 = 1;
const LOSE_THE_ANSWER: u8 = 2;

/// A relay before a server that cuts connections around a COMMIT. Gives its port.
fn relay(to: u16, mode: Arc<AtomicU8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let mode = Arc::clone(&mode);
            let is_cut = Arc::new(Mutex::new(false));
            let cut = Arc::clone(&is_cut);
            std::thread::spawn(move || {
                let mut bytes = vec![0_u8; 65_536];
                while let Ok(count @ 1..) = from_server.read(&mut bytes) {
                    if *cut.lock().unwrap() || to_client.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                let _ = to_client.shutdown(std::net::Shutdown::Both);
            });
            std::thread::spawn(move || forward(client, server, &mode, &is_cut));
        }
    });
    port
}

fn forward(mut client: TcpStream, mut server: TcpStream, mode: &AtomicU8, is_cut: &Mutex<bool>) {
    let mut bytes = vec![0_u8; 65_536];
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        // The whole statement: its beginning stands in "READ COMMITTED", too.
        let is_commit = bytes[..count].windows(7).any(|seven| seven == b"COMMIT\0");
        match mode.load(Ordering::SeqCst) {
            LOSE_THE_COMMIT if is_commit => break,
            LOSE_THE_ANSWER if is_commit => {
                *is_cut.lock().unwrap() = true;
                server.write_all(&bytes[..count]).unwrap();
                // The server answers into the cut; its answer ends the other half.
                return;
            }
            _ => server.write_all(&bytes[..count]).unwrap(),
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = server.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_is_lost_is_whole_or_not_at_all() {
    let url = fresh();
    let mode = Arc::new(AtomicU8::new(PASS));
    let port = relay(SERVER.port(), Arc::clone(&mode));
    let relayed = url.replace(&SERVER.port().to_string(), &port.to_string());
    for (token, fault, there) in [(1, LOSE_THE_COMMIT, 0), (2, LOSE_THE_ANSWER, 2), (3, PASS, 3)] {
        let mut store = insist(|| PostgresStore::lead(&relayed, &candidate("one")));
        mode.store(fault, Ordering::SeqCst);
        let committed = store.commit(&[Mutation::LastToken(token)]);
        mode.store(PASS, Ordering::SeqCst);
        if fault == PASS {
            committed.unwrap();
        } else {
            assert!(matches!(committed, Err(StoreError::Unavailable(_))), "nobody can know: {committed:?}");
        }
        // As the coordinator does: a new term waits until the transaction of the old one has ended.
        drop(store);
        let mut again = insist(|| PostgresStore::lead(&relayed, &candidate("one")));
        assert_eq!(again.load().unwrap().last_token, there);
        assert_eq!(token_of(&url), there);
    }
}

#[test]
fn a_newer_schema_is_refused_and_two_may_start_together() {
    let url = fresh();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || PostgresStore::open(&url).map(|_| ()))
        })
        .collect();
    starts.into_iter().for_each(|start| start.join().unwrap().unwrap());
    let schema = url.rsplit("%3D").next().unwrap();
    SERVER.sql(&format!("UPDATE {schema}.schema_version SET version = 99")).unwrap();
    assert!(matches!(PostgresStore::open(&url), Err(StoreError::NewerSchema { found: 99, .. })));
}

#[test]
fn a_damaged_row_is_found() {
    let url = fresh();
    let schema = url.rsplit("%3D").next().unwrap();
    let mut store = PostgresStore::open(&url).unwrap();
    store.commit(&[conformance_worker()]).unwrap();
    SERVER.sql(&format!("UPDATE {schema}.workers SET body = replace(body, 'ready', 'departed')")).unwrap();
    assert!(matches!(store.load(), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_server_that_is_not_there_is_named_without_the_password() {
    let error = PostgresStore::open("postgres://me:secret@127.0.0.1:1/nowhere").unwrap_err().to_string();
    assert!(error.contains("refused") && !error.contains("secret"), "{error}");
}
