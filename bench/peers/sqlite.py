"""SQLite as an event table: WAL journal, synchronous=FULL. SPDX-License-Identifier: Apache-2.0"""
import os
import sqlite3
import time

from harness.process import Watch, bytes_on_disk
from peers import corpus

COLUMNS = ("event_id", "event_time") + corpus.INDEXED + ("body",)
INSERT = f"INSERT INTO events VALUES ({','.join('?' * len(COLUMNS))})"


def open_table(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(f"CREATE TABLE events ({','.join(name + ' TEXT' for name in COLUMNS)})")
    database.execute("CREATE UNIQUE INDEX by_id ON events (event_id)")
    for name in corpus.INDEXED:
        database.execute(f"CREATE INDEX by_{name} ON events ({name}, event_time)")
    return database


def insert_batches(database, source, seconds):
    spent, events = 0.0, 0
    for batch in source:
        rows = [corpus.row(line) for line in batch]
        start = time.monotonic()
        database.execute("BEGIN")
        database.executemany(INSERT, rows)
        database.execute("COMMIT")
        spent += time.monotonic() - start
        events += len(rows)
        if spent > seconds:
            break
    return {"events": events, "seconds": spent, "events_per_second": events / spent}


def insert_singles(database, source, seconds):
    latencies = []
    for batch in source:
        for row in [corpus.row(line) for line in batch]:
            start = time.monotonic()
            database.execute(INSERT, row)
            latencies.append(time.monotonic() - start)
        if sum(latencies) > seconds:
            break
    return {"events": len(latencies), "events_per_second": len(latencies) / sum(latencies),
            "latency_us": corpus.percentiles(latencies)}


def look_up(database, seconds):
    """In the process of the asker: no network, no authorisation."""
    ids = [one for one, in database.execute("SELECT event_id FROM events ORDER BY random() LIMIT 5000")]
    names = [one for one, in database.execute("SELECT DISTINCT event_name FROM events")]

    def ask(query, values):
        latencies, end, i = [], time.monotonic() + seconds, 0
        while time.monotonic() < end:
            start = time.monotonic()
            database.execute(query, (values[i % len(values)],)).fetchall()
            latencies.append(time.monotonic() - start)
            i += 1
        return corpus.percentiles(latencies)

    return {"event_id_us": ask("SELECT body FROM events WHERE event_id = ?", ids),
            "page_us": ask("SELECT body FROM events WHERE event_name = ? ORDER BY event_time DESC LIMIT 50", names)}


def measure(run):
    folder = run.work / "sqlite"
    folder.mkdir()
    database = open_table(folder / "events.db")
    with Watch(os.getpid()) as watch:
        batches = insert_batches(database, corpus.batches(run), run.seconds / 2)
    batches.update(watch.result())
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    result = {"version": sqlite3.sqlite_version, "durability": "WAL journal, synchronous=FULL", "batches": batches,
              "bytes_per_event": bytes_on_disk(folder) / batches["events"],
              "lookups": look_up(database, max(0.5, run.seconds / 20)),
              "singles": insert_singles(database, corpus.batches(run, "singles"), run.seconds / 4)}
    database.close()
    return result
