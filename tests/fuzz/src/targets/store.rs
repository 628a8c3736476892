//! Stored rows and a whole database file, damaged: what is not what was written is noticed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::sync::LazyLock;

use coordinator_core::{
    AttemptRecord, AuditEntry, CertificateRecord, EpochRecord, Mutation, Packed, Row, SearchEventRecord,
    SweepRecord, Tables, TokenRecord, TrialRecord, WorkerRecord,
};
use coordinator_store::conformance::one_of_each;
use coordinator_store::rows::{
    StepsRow, pack_steps, read_audit_entry, read_record, read_steps, sum_of_record, sum_of_steps,
    write_record,
};
use coordinator_store::{SqliteStore, StepBatch, Store, StoreError, StoreReader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::{AttemptId, StepMetric, SweepId, TrialId};

use super::seeds;
use crate::registry::Seed;
use crate::scratch;

/// The attempt whose points the rows hold.
const ATTEMPT: AttemptId = AttemptId { trial: TrialId { sweep: SweepId(1), index: 0 }, number: 1 };

/// Bytes before the points of an input: whether its checksum is mended, first sequence, count.
const STEPS_HEAD: usize = 17;

/// A row of step metrics. An odd first byte gives it the checksum that it should have.
pub(crate) fn steps(bytes: &[u8]) {
    let Some((head, packed)) = bytes.split_at_checked(STEPS_HEAD) else { return };
    let number = |at: usize| i64::from_le_bytes(head[at..at + 8].try_into().expect("eight"));
    let (first, count) = (number(1), number(9));
    let is_mended = head[0] % 2 == 1;
    let sum = if is_mended { sum_of_steps(ATTEMPT, first.cast_unsigned(), packed) } else { 0 };
    match read_steps(ATTEMPT, StepsRow { first, count, packed, sum }) {
        Ok(points) => {
            assert!(is_mended, "a wrong checksum was taken");
            assert_eq!(points.len() as i64, count);
            assert_eq!(pack_steps(&points), packed);
            assert!(points.iter().zip(first.cast_unsigned()..).all(|(point, at)| point.sequence == at));
        }
        Err(error) => assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
    }
}

/// The text of a row, its kind chosen by the first byte, its checksum right.
pub(crate) fn records(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let Ok(body) = std::str::from_utf8(body) else { return };
    match kind % 9 {
        0 => record::<SweepRecord>(body),
        1 => record::<TrialRecord>(body),
        2 => record::<AttemptRecord>(body),
        3 => record::<WorkerRecord>(body),
        4 => record::<TokenRecord>(body),
        5 => record::<CertificateRecord>(body),
        6 => record::<EpochRecord>(body),
        8 => record::<SearchEventRecord>(body),
        _ => drop(read_audit_entry(body)),
    }
}

fn record<T: DeserializeOwned + Serialize + PartialEq + Debug>(body: &str) {
    let sum = sum_of_record("kind", "id", body);
    let wrong = read_record::<T>("kind", "id", body, sum.wrapping_add(1));
    assert!(wrong.is_err(), "a wrong checksum was taken");
    if let Ok(read) = read_record::<T>("kind", "id", body, sum) {
        let (written, sum) = write_record("kind", "id", &read).expect("it was read");
        let again: T = read_record("kind", "id", &written, sum).expect("what was written is read");
        assert_eq!(again, read, "{written}");
    }
}

/// A sound database: its file, its rows, its points and its audit log.
struct Sound {
    file: Vec<u8>,
    tables: Tables,
    points: Vec<StepMetric>,
    audit: Vec<AuditEntry>,
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let path = scratch::folder("sound").join("store.sqlite");
    let mut store = SqliteStore::open(&path).expect("a store");
    let mutations = one_of_each();
    store.commit(&mutations).expect("committed");
    let point = |sequence| StepMetric { sequence, epoch: 1, step: 5, loss: 0.5, examples_per_second: 9.0 };
    let points: Vec<_> = (0..20).map(point).collect();
    store.append_steps(&[StepBatch { attempt: ATTEMPT, points: points.clone() }]).expect("appended");
    let (tables, audit) = (store.load().expect("sound"), store.read_audit(0, 100).expect("sound"));
    drop(store);
    Sound { file: fs::read(path).expect("closed"), tables, points, audit }
});

/// Bytes of one patch: offset u32, and the byte that stands there from then on.
const PATCH_BYTES: usize = 5;

/// A sound database with some bytes patched: what is read is what was written, if not all of it.
pub(crate) fn database(bytes: &[u8]) {
    let sound = &*SOUND;
    let mut file = sound.file.clone();
    for patch in bytes.as_chunks::<PATCH_BYTES>().0 {
        let at = u32::from_le_bytes([patch[0], patch[1], patch[2], patch[3]]) as usize % file.len();
        file[at] = patch[4];
    }
    let path = scratch::folder("damaged").join("store.sqlite");
    fs::write(&path, file).expect("written");
    let Ok(mut store) = SqliteStore::open(&path) else { return };
    if let Ok(tables) = store.load() {
        check_part("sweeps", &tables.sweeps, &sound.tables.sweeps);
        check_rows("trials", &tables.trials, &sound.tables.trials);
        check_rows("attempts", &tables.attempts, &sound.tables.attempts);
        check_rows("epochs", &tables.epochs, &sound.tables.epochs);
        check_part("workers", &tables.workers, &sound.tables.workers);
        check_part("tokens", &tables.tokens, &sound.tables.tokens);
        check_part("certificates", &tables.certificates, &sound.tables.certificates);
        assert!([0, sound.tables.last_token].contains(&tables.last_token), "{}", tables.last_token);
    }
    if let Ok(points) = store.read_steps(ATTEMPT, 0, 100) {
        assert!(points.iter().all(|point| sound.points.contains(point)), "{points:?}");
    }
    // Entries are covered by the digests of those after them, which the reader of the log follows.
    if let Ok(entries) = store.read_audit(0, 100) {
        assert!(entries.len() <= sound.audit.len() + 1, "{entries:?}");
    }
    store.integrity().ok();
}

fn check_rows<R: Row<Key: Debug> + PartialEq + Debug>(kind: &str, found: &Packed<R>, all: &Packed<R>) {
    for row in found.values() {
        let key = row.key();
        assert_eq!(Some(row), all.get(&key), "{kind}: {key:?} is not what was written");
    }
}

fn check_part<K: Ord + Debug, V: PartialEq + Debug>(
    kind: &str,
    found: &BTreeMap<K, V>,
    all: &BTreeMap<K, V>,
) {
    for (key, row) in found {
        assert_eq!(Some(row), all.get(key), "{kind}: {key:?} is not what was written");
    }
}

/// Two rows, one with a wrong checksum.
pub(crate) fn steps_seeds() -> Vec<Seed> {
    let packed = pack_steps(&SOUND.points[..2]);
    let row = |mended: u8| {
        [&[mended], &7_i64.to_le_bytes()[..], &2_i64.to_le_bytes()[..], packed.as_slice()].concat()
    };
    seeds([("sound", row(1)), ("damaged", row(0))])
}

/// A row of each kind.
pub(crate) fn record_seeds() -> Vec<Seed> {
    let mut all: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for mutation in one_of_each() {
        let (name, bytes) = match &mutation {
            Mutation::Sweep(record) => ("sweep", json(0, record)),
            Mutation::Trial(record) => ("trial", json(1, record)),
            Mutation::Attempt(record) => ("attempt", json(2, record)),
            Mutation::Worker(record) => ("worker", json(3, record)),
            Mutation::Token(record) => ("token", json(4, record)),
            Mutation::Certificate(record) => ("certificate", json(5, record)),
            Mutation::Epoch(record) => ("epoch", json(6, record)),
            Mutation::Audit(record) => ("audit", json(7, record)),
            Mutation::SearchEvent(record) => ("search_event", json(8, record)),
            Mutation::LastToken(_)
            | Mutation::TruncateEpochs { .. }
            | Mutation::AuditBase(_)
            | Mutation::AuditSeal(_)
            | Mutation::Remove(_) => continue,
        };
        all.insert(name, bytes);
    }
    seeds(all)
}

fn json<T: Serialize>(kind: u8, record: &T) -> Vec<u8> {
    [vec![kind], serde_json::to_vec(record).expect("a record")].concat()
}

/// Patches of the file's header, of a page's head, and of cells.
pub(crate) fn database_seeds() -> Vec<Seed> {
    let patch = |at: u32, byte: u8| [&at.to_le_bytes()[..], &[byte]].concat();
    let cell = SOUND.file.windows(6).position(|six| six == b"pendin").expect("a pending trial") as u32;
    seeds([
        ("none", Vec::new()),
        ("header", patch(24, 0xFF)),
        ("page", [patch(4096, 5), patch(8195, 0)].concat()),
        ("cell", [patch(cell, b'P'), patch(cell + 1, b'E')].concat()),
    ])
}
