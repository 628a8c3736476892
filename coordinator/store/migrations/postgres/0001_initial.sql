-- The first schema: what SQLite's schema 2 holds. Rows carry what is asked for as columns and the whole
-- record as JSON text in `body`; `checksum` is the first eight bytes of a SHA-256 over the row.

-- Who may write. Times are the database's: no coordinator's clock matters.
CREATE TABLE leader (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    address TEXT NOT NULL,
    term BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE sweeps (
    id BIGINT PRIMARY KEY,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL
);

CREATE TABLE trials (
    sweep BIGINT NOT NULL REFERENCES sweeps (id) DEFERRABLE INITIALLY DEFERRED,
    trial BIGINT NOT NULL,
    state TEXT NOT NULL,
    key BYTEA NOT NULL,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (sweep, trial)
);

CREATE TABLE attempts (
    sweep BIGINT NOT NULL,
    trial BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    state TEXT NOT NULL,
    token BIGINT NOT NULL,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (sweep, trial, attempt),
    FOREIGN KEY (sweep, trial) REFERENCES trials (sweep, trial) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE epochs (
    sweep BIGINT NOT NULL,
    trial BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    train_loss DOUBLE PRECISION NOT NULL,
    train_accuracy DOUBLE PRECISION NOT NULL,
    validation_loss DOUBLE PRECISION NOT NULL,
    validation_accuracy DOUBLE PRECISION NOT NULL,
    validation_macro_f1 DOUBLE PRECISION NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    examples_per_second DOUBLE PRECISION NOT NULL,
    peak_memory_bytes BIGINT NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (sweep, trial, epoch),
    FOREIGN KEY (sweep, trial) REFERENCES trials (sweep, trial) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE workers (
    id UUID PRIMARY KEY,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL
);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL,
    checksum BIGINT NOT NULL
);

-- One row per batch, packed as in SQLite.
CREATE TABLE steps (
    sweep BIGINT NOT NULL,
    trial BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    first_sequence BIGINT NOT NULL,
    count BIGINT NOT NULL,
    points BYTEA NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (sweep, trial, attempt, first_sequence),
    FOREIGN KEY (sweep, trial, attempt) REFERENCES attempts (sweep, trial, attempt) DEFERRABLE INITIALLY DEFERRED
);

-- Who may come in. Secrets are not here: a token's body holds the digest of its secret.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL
);

CREATE TABLE certificates (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL
);

-- Written once, never changed. Each entry's digest covers the one before, so no checksum is needed.
CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY,
    body TEXT NOT NULL
);
