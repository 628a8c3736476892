"""Writes the SQLite dumps beside this file from the database of a coordinator of schema 2.

How the dumps here came to be: a coordinator and a worker of commit 8999a5c (`sweep serve --tls`, `sweep token create
worker --uses 0`, one sweep of four trials to its end, one of two trials until epoch 1, then SIGKILL to both) gave the
database that this program read. Schema 1 had no tokens, certificates and audit log, and its workers no troubles: they
are taken out, and the checksums of the workers made anew as `coordinator/store/src/encoding.rs` says. `postgres-1.sql`
is what `pg_dump --inserts` printed after `sweep backup` of that folder and `sweep restore` into PostgreSQL 15.

    python3 tests/schemas/make.py FOLDER/sweep.db

Without a database it makes only the dumps of later schemas, from those here. SQLite's schema 3 and PostgreSQL's schema 2 have the
energy of epochs: the migration is applied, and the first sweep's epochs get energies and, with them, new checksums. SQLite's schema
4 and PostgreSQL's schema 3 have the marks of the database: the migration is applied, and nothing is marked, since nobody has signed.
SQLite's schema 5 and PostgreSQL's schema 4 have the tables of those before, and rows that mean more: the sweep underway gets the order
of its trials, which is that of schema 4, too, since it has one configuration. SQLite's schema 6 and PostgreSQL's schema 5 have the
same tables again: the trials underway get how far they may train now, which is epoch 100 of 200. SQLite's schema 7 and PostgreSQL's
schema 6 have the logs of steered searches: the migration is applied, and there is none, since no sweep is steered.
"""

import hashlib
import json
import pathlib
import re
import sqlite3
import struct
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


def sum_of_epoch(sweep, trial, epoch, attempt, reals, memory, energy):
    place = f"{sweep}/{trial}/{epoch}/{attempt}".encode()
    parts = [b"epoch", place, struct.pack("<7d", *reals), memory.to_bytes(8, "little")]
    return checksum(*parts, *([] if energy is None else [struct.pack("<d", energy)]))


def energy_of(sweep, trial, epoch):
    return 100.5 * (trial + 1) + epoch / 3 if sweep == 1 else None


def with_energy(row):
    """The energy and the checksum of a row of epochs that has none."""
    sweep, trial, epoch, attempt, *reals, memory, found = row
    assert sum_of_epoch(sweep, trial, epoch, attempt, reals, memory, None) == found
    energy = energy_of(sweep, trial, epoch)
    return energy, sum_of_epoch(sweep, trial, epoch, attempt, reals, memory, energy)


def sqlite_with_energy():
    database = sqlite3.connect(":memory:")
    database.executescript("PRAGMA foreign_keys = OFF;" + (HERE / "sqlite-2.sql").read_text())
    rows = database.execute("SELECT * FROM epochs").fetchall()
    migration = HERE.parent.parent / "coordinator/store/migrations/sqlite/0003_energy.sql"
    database.executescript(migration.read_text())
    for row in rows:
        sql = "UPDATE epochs SET energy_joules = ?, checksum = ? WHERE sweep = ? AND trial = ? AND epoch = ?"
        database.execute(sql, (*with_energy(row), *row[:3]))
    database.execute("UPDATE schema_version SET version = 3")
    dump(database, 3)


def postgres_with_energy():
    def epoch(line):
        numbers = line[1].split(", ")
        row = [int(one) if at in (0, 1, 2, 3, 11, 12) else float(one) for at, one in enumerate(numbers)]
        energy, sum_of_row = with_energy(row)
        told = "NULL" if energy is None else repr(energy)
        return f"INSERT INTO public.epochs VALUES ({', '.join(numbers[:-1])}, {sum_of_row}, {told});"

    text = (HERE / "postgres-1.sql").read_text()
    text = re.sub(r"^INSERT INTO public\.epochs VALUES \((.*)\);$", epoch, text, flags=re.MULTILINE)
    column = re.compile(r"(CREATE TABLE public\.epochs \([^;]*checksum bigint NOT NULL)")
    text = column.sub(r"\1,\n    energy_joules double precision", text)
    version = "INSERT INTO public.schema_version VALUES ({});"
    (HERE / "postgres-2.sql").write_text(text.replace(version.format(1), version.format(2)))


def sqlite_with_marks():
    database = sqlite3.connect(":memory:")
    database.executescript("PRAGMA foreign_keys = OFF;" + (HERE / "sqlite-3.sql").read_text())
    migration = HERE.parent.parent / "coordinator/store/migrations/sqlite/0004_marks.sql"
    database.executescript(migration.read_text())
    database.execute("UPDATE schema_version SET version = 4")
    dump(database, 4)


def postgres_with_marks():
    text = (HERE / "postgres-2.sql").read_text()
    table = "CREATE TABLE public.marks (\n    name text NOT NULL,\n    body text NOT NULL\n);\n\n\n"
    key = "ALTER TABLE ONLY public.marks\n    ADD CONSTRAINT marks_pkey PRIMARY KEY (name);\n\n\n"
    schema, first = "CREATE TABLE public.schema_version", "ALTER TABLE ONLY public.attempts"
    assert text.count(schema) == 1 and first in text
    text = text.replace(schema, table + schema).replace(first, key + first, 1)
    version = "INSERT INTO public.schema_version VALUES ({});"
    assert version.format(2) in text
    (HERE / "postgres-3.sql").write_text(text.replace(version.format(2), version.format(3)))


def with_order(identity, body):
    """The body and the checksum of a sweep whose trials are made replicate by replicate."""
    body = body.removesuffix("}") + ',"order":"by_replicate"}'
    return body, checksum(b"sweep", str(identity).encode(), body.encode())


def sqlite_with_meanings():
    database = sqlite3.connect(":memory:")
    database.executescript("PRAGMA foreign_keys = OFF;" + (HERE / "sqlite-4.sql").read_text())
    migration = HERE.parent.parent / "coordinator/store/migrations/sqlite/0005_meanings.sql"
    database.executescript(migration.read_text())
    identity, body, found = database.execute("SELECT id, body, checksum FROM sweeps WHERE state = 'open'").fetchone()
    assert checksum(b"sweep", str(identity).encode(), body.encode()) == found
    database.execute("UPDATE sweeps SET body = ?, checksum = ? WHERE id = ?", (*with_order(identity, body), identity))
    database.execute("UPDATE schema_version SET version = 5")
    dump(database, 5)


def postgres_with_meanings():
    def sweep(line):
        body, sum_of_body = with_order(line[2], line[3].replace("''", "'"))
        quoted = body.replace("'", "''")
        return f"{line[1]}'{quoted}', {sum_of_body});"

    text = (HERE / "postgres-3.sql").read_text()
    row = re.compile(r"^(INSERT INTO public\.sweeps VALUES \((\d+), 'open', )'(.*)', -?\d+\);$", re.MULTILINE)
    text, count = row.subn(sweep, text)
    version = "INSERT INTO public.schema_version VALUES ({});"
    assert count == 1 and version.format(3) in text
    (HERE / "postgres-4.sql").write_text(text.replace(version.format(3), version.format(4)))


def with_reach(sweep, trial, body):
    """The body and the checksum of a trial that may train until epoch 100 for now."""
    body = body.removesuffix("}") + ',"until_epoch":100}'
    return body, checksum(b"trial", f"{sweep}/{trial}".encode(), body.encode())


def sqlite_with_search():
    database = sqlite3.connect(":memory:")
    database.executescript("PRAGMA foreign_keys = OFF;" + (HERE / "sqlite-5.sql").read_text())
    migration = HERE.parent.parent / "coordinator/store/migrations/sqlite/0006_search.sql"
    database.executescript(migration.read_text())
    rows = database.execute("SELECT sweep, trial, body, checksum FROM trials WHERE sweep = 2").fetchall()
    assert len(rows) == 2
    for sweep, trial, body, found in rows:
        assert checksum(b"trial", f"{sweep}/{trial}".encode(), body.encode()) == found
        sql = "UPDATE trials SET body = ?, checksum = ? WHERE sweep = ? AND trial = ?"
        database.execute(sql, (*with_reach(sweep, trial, body), sweep, trial))
    database.execute("UPDATE schema_version SET version = 6")
    dump(database, 6)


def postgres_with_search():
    def trial(line):
        body, sum_of_body = with_reach(2, line[2], line[3].replace("''", "'"))
        quoted = body.replace("'", "''")
        return f"{line[1]}'{quoted}', {sum_of_body});"

    text = (HERE / "postgres-4.sql").read_text()
    row = re.compile(r"^(INSERT INTO public\.trials VALUES \(2, (\d+), '\w+', '[^']*', )'(.*)', -?\d+\);$", re.MULTILINE)
    text, count = row.subn(trial, text)
    version = "INSERT INTO public.schema_version VALUES ({});"
    assert count == 2 and version.format(4) in text
    (HERE / "postgres-5.sql").write_text(text.replace(version.format(4), version.format(5)))


def sqlite_with_search_events():
    database = sqlite3.connect(":memory:")
    database.executescript("PRAGMA foreign_keys = OFF;" + (HERE / "sqlite-6.sql").read_text())
    migration = HERE.parent.parent / "coordinator/store/migrations/sqlite/0007_search_events.sql"
    database.executescript(migration.read_text())
    database.execute("UPDATE schema_version SET version = 7")
    dump(database, 7)


def postgres_with_search_events():
    """As `pg_dump` writes what the migration makes."""
    text = (HERE / "postgres-5.sql").read_text()
    columns = "sweep bigint NOT NULL,\n    number bigint NOT NULL,\n    body text NOT NULL,\n    checksum bigint NOT NULL"
    table = f"CREATE TABLE public.search_events (\n    {columns}\n);\n"
    only = "ALTER TABLE ONLY public."
    key = f"{only}search_events\n    ADD CONSTRAINT search_events_pkey PRIMARY KEY (sweep, number);\n"
    sweeps = "FOREIGN KEY (sweep) REFERENCES public.sweeps(id) DEFERRABLE INITIALLY DEFERRED;\n"
    foreign = f"{only}search_events\n    ADD CONSTRAINT search_events_sweep_fkey {sweeps}"
    schema, keys = "CREATE TABLE public.steps", f"{only}steps\n    ADD CONSTRAINT steps_pkey"
    references = f"{only}steps\n    ADD CONSTRAINT steps_sweep_trial_attempt_fkey"
    assert all(text.count(place) == 1 for place in [schema, keys, references])
    for place, before in [(schema, table), (keys, key), (references, foreign)]:
        text = text.replace(place, before + place)
    version = "INSERT INTO public.schema_version VALUES ({});"
    assert version.format(5) in text
    (HERE / "postgres-6.sql").write_text(text.replace(version.format(5), version.format(6)))


if len(sys.argv) > 1:
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

sqlite_with_energy()
postgres_with_energy()
sqlite_with_marks()
postgres_with_marks()
sqlite_with_meanings()
postgres_with_meanings()
sqlite_with_search()
postgres_with_search()
sqlite_with_search_events()
postgres_with_search_events()
