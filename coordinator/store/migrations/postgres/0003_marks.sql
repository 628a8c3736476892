-- Facts about the whole database, by name. The signature under the end of the audit log stands here as well as in the log's
-- own table, so that it does not go with the log. A restoration marks the database until it is complete.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

INSERT INTO marks SELECT 'audit seal', body FROM audit WHERE sequence = -2;
