-- The first schema. Rows carry what is asked for as columns and the whole record as JSON in `body`.
-- `checksum` is the first eight bytes of a SHA-256 over the row: SQLite's own check does not see a
-- flipped bit inside a value, this one does.

CREATE TABLE sweeps (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE trials (
    sweep INTEGER NOT NULL REFERENCES sweeps (id) DEFERRABLE INITIALLY DEFERRED,
    trial INTEGER NOT NULL,
    state TEXT NOT NULL,
    key BLOB NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sweep, trial)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    sweep INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    token INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sweep, trial, attempt),
    FOREIGN KEY (sweep, trial) REFERENCES trials (sweep, trial) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    sweep INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    train_loss REAL NOT NULL,
    train_accuracy REAL NOT NULL,
    validation_loss REAL NOT NULL,
    validation_accuracy REAL NOT NULL,
    validation_macro_f1 REAL NOT NULL,
    seconds REAL NOT NULL,
    examples_per_second REAL NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sweep, trial, epoch),
    FOREIGN KEY (sweep, trial) REFERENCES trials (sweep, trial) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per batch. `points` packs 28 bytes a point, little-endian: epoch u32, step u64, loss f64,
-- examples per second f64. The sequences are first_sequence, first_sequence + 1, ...
CREATE TABLE steps (
    sweep INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    points BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sweep, trial, attempt, first_sequence),
    FOREIGN KEY (sweep, trial, attempt) REFERENCES attempts (sweep, trial, attempt) DEFERRABLE INITIALLY DEFERRED
) STRICT;
