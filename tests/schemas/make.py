"""Writes the SQLite dumps beside this file from the database of a coordinator of schema 2.

How the dumps here came to be: a coordinator and a worker of commit 8999a5c (`sweep serve --tls`, `sweep token create
worker --uses 0`, one sweep of four trials to its end, one of two trials until epoch 1, then SIGKILL to both) gave the
database that this program read. Schema 1 had no tokens, certificates and audit log, and its workers no troubles: they
are taken out, and the checksums of the workers made anew as `coordinator/store/src/encoding.rs` says. `postgres-1.sql`
is what `pg_dump --inserts` printed after `sweep backup` of that folder and `sweep restore` into PostgreSQL 15.

    python3 tests/schemas/make.py FOLDER/sweep.db
"""

import hashlib
import json
import pathlib
import sqlite3
import sys

HERE = pathlib.Path(__file__).parent


def checksum(*parts):
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "little") + part)
    return int.from_bytes(hasher.digest()[:8], "little", signed=True)


def dump(connection, version):
    text = "\n".join(connection.iterdump()) + "\n"
    (HERE / f"sqlite-{version}.sql").write_text(text)


source = sqlite3.connect(sys.argv[1])
database = sqlite3.connect(":memory:")
source.backup(database)
assert database.execute("SELECT version FROM schema_version").fetchone() == (2,)
dump(database, 2)

for table in ["tokens", "certificates", "audit"]:
    database.execute(f"DROP TABLE {table}")
for identity, body in database.execute("SELECT id, body FROM workers").fetchall():
    worker = json.loads(body)
    del worker["troubles"]
    body = json.dumps(worker, separators=(",", ":"))
    sum_of_body = checksum(b"worker", worker["id"].encode(), body.encode())
    database.execute("UPDATE workers SET body = ?, checksum = ? WHERE id = ?", (body, sum_of_body, identity))
database.execute("UPDATE schema_version SET version = 1")
dump(database, 1)
