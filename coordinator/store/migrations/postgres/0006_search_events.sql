-- The logs of steered searches: what has happened in each, in the order in which that was decided.

CREATE TABLE search_events (
    sweep BIGINT NOT NULL REFERENCES sweeps (id) DEFERRABLE INITIALLY DEFERRED,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (sweep, number)
);
