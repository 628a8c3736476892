-- The logs of steered searches: what has happened in each, in the order in which that was decided.

CREATE TABLE search_events (
    sweep INTEGER NOT NULL REFERENCES sweeps (id) DEFERRABLE INITIALLY DEFERRED,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (sweep, number)
) STRICT, WITHOUT ROWID;
