-- Who may come in. Secrets are not here: a token's body holds the digest of its secret.

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Written once, never changed. Each entry's digest covers the one before, so no checksum is needed.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
