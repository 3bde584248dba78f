"""PostgreSQL as an event table: synchronous_commit=on. SPDX-License-Identifier: Apache-2.0"""
import multiprocessing
import os
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import time

from harness.process import Watch
from peers import corpus

USER = "postgres"
COLUMNS = ("event_id", "event_time") + corpus.INDEXED + ("body",)
CONNECTIONS, CLIENTS = 4, 64
SETTINGS = {"listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "shared_buffers": "1GB",
            "max_wal_size": "8GB", "max_connections": "100"}
STAGED = 50_000


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise corpus.Skip("PostgreSQL is not installed (Debian: postgresql)")
    return found[-1].parent


class Cluster:
    """A server on a socket in its own folder. PostgreSQL refuses to run as root, so root hands it on."""

    def __init__(self, work):
        try:
            import psycopg
        except ImportError as missing:
            raise corpus.Skip("psycopg is not installed (PyPI: psycopg[binary])") from missing
        self.psycopg, self.bin = psycopg, binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=work.parent, prefix="traccia-bench-pg-"))
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, USER)
            self.prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        self.data = self.folder / "data"
        self.command("initdb", "-D", self.data, "-A", "trust", "-U", USER, "--encoding=UTF8", "--locale=C")
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        self.process = subprocess.Popen(
            [*self.prefix, str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.folder), *options],
            stderr=open(self.folder / "log", "w", encoding="utf-8"), cwd=self.folder)
        self.wait()

    def command(self, name, *args):
        return subprocess.run([*self.prefix, str(self.bin / name), *map(str, args)], check=True, capture_output=True,
                              text=True, cwd=self.folder).stdout

    def wait(self):
        for _ in range(300):
            try:
                self.connect().close()
                return
            except self.psycopg.OperationalError:
                time.sleep(0.1)
        raise corpus.Skip(f"PostgreSQL did not start: {corpus.log_of(self.folder / 'log')}")

    def connect(self):
        return self.psycopg.connect(f"host={self.folder} user={USER} dbname=postgres", autocommit=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def create_table(connection):
    types = {"event_time": "timestamptz"}
    columns = ",".join(f"{name} {types.get(name, 'text')}" for name in COLUMNS)
    connection.execute(f"CREATE TABLE events ({columns})")
    connection.execute("CREATE UNIQUE INDEX ON events (event_id)")
    for name in corpus.INDEXED:
        connection.execute(f"CREATE INDEX ON events ({name}, event_time)")


def copy_text(batch):
    def escaped(field):
        return field.replace("\\", "\\\\")
    return ("\n".join("\t".join(escaped(field) for field in corpus.row(line)) for line in batch) + "\n").encode()


def copy_batches(cluster, run):
    """COPY of 1 000 rows a transaction from four connections; the text is made before the clock runs."""
    waiting = queue.SimpleQueue()
    for batch in corpus.batches(run):
        waiting.put((len(batch), copy_text(batch)))
        if waiting.qsize() * corpus.BATCH > 30_000 * run.seconds:  # more than it will take
            break
    end, done = time.monotonic() + run.seconds / 2, []

    def work():
        with cluster.connect() as connection, connection.cursor() as cursor:
            while time.monotonic() < end:
                try:
                    count, text = waiting.get_nowait()
                except queue.Empty:
                    return
                with cursor.copy("COPY events FROM STDIN") as copy:
                    copy.write(text)
                done.append(count)

    start = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    return {"events": sum(done), "seconds": seconds, "events_per_second": sum(done) / seconds}


def insert_singles(cluster, run):
    """pgbench's 64 clients, each a commit an event. A client in Python would be the bottleneck, so each
    statement takes its event from a table of staged ones and gives it a fresh id."""
    names = ",".join(COLUMNS[2:])
    with cluster.connect() as connection, connection.cursor() as cursor:
        columns = ",".join(f"{name} text" for name in COLUMNS)
        cursor.execute(f"CREATE UNLOGGED TABLE staged ({columns}, n serial PRIMARY KEY)")
        with cursor.copy(f"COPY staged ({','.join(COLUMNS)}) FROM STDIN") as copy:
            for i, batch in enumerate(corpus.batches(run, "singles")):
                if i * corpus.BATCH >= STAGED:
                    break
                copy.write(copy_text(batch))
        cursor.execute("ANALYZE staged")
    script = cluster.folder / "single.sql"
    script.write_text(f"\\set id random(1, {STAGED})\nINSERT INTO events SELECT gen_random_uuid()::text, now(), "
                      f"{names} FROM staged WHERE n = :id;\n")
    cluster.command("pgbench", "-h", cluster.folder, "-U", USER, "-n", "-M", "prepared", "-c", CLIENTS, "-j", 2,
                    "-T", max(2, int(run.seconds / 4)), "--log", f"--log-prefix={cluster.folder}/latency",
                    "-f", script, "postgres")
    latencies, times = [], []
    for path in cluster.folder.glob("latency.*"):
        for line in path.read_text().splitlines():
            fields = line.split()
            latencies.append(int(fields[2]) / 1e6)
            times.append(int(fields[4]) + int(fields[5]) / 1e6)
    return {"events": len(latencies), "events_per_second": len(latencies) / (max(times) - min(times)),
            "latency_us": corpus.percentiles(latencies)}


QUERIES = {"event_id": "SELECT body FROM events WHERE event_id = %s",
           "page": "SELECT body FROM events WHERE event_name = %s ORDER BY event_time DESC LIMIT 50"}


def ask(cluster, query, values, seconds, ready=None):
    """One connection's latencies."""
    latencies, i = [], 0
    with cluster.connect() as connection, connection.cursor() as cursor:
        if ready is not None:
            ready.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            cursor.execute(query, (values[i % len(values)],), prepare=True).fetchall()
            latencies.append(time.monotonic() - start)
            i += 1
    return latencies


def ask_from_many(cluster, query, values, seconds):
    """Answers a second to several processes, for one in Python would be the bottleneck."""
    counts, ready = multiprocessing.SimpleQueue(), multiprocessing.Barrier(CONNECTIONS + 1)
    askers = [multiprocessing.Process(target=lambda: counts.put(len(ask(cluster, query, values, seconds, ready))))
              for _ in range(CONNECTIONS)]
    for asker in askers:
        asker.start()
    ready.wait()
    start = time.monotonic()
    total = sum(counts.get() for _ in askers)
    spent = time.monotonic() - start
    for asker in askers:
        asker.join()
    return total / spent


def look_up(cluster, seconds):
    with cluster.connect() as connection:
        connection.execute("ANALYZE events")
        rows = connection.execute("SELECT event_id FROM events ORDER BY random() LIMIT 5000").fetchall()
        values = {"event_id": [one for one, in rows]}
        rows = connection.execute("SELECT DISTINCT event_name FROM events").fetchall()
        values["page"] = [one for one, in rows]
    result = {}
    for name, query in QUERIES.items():
        result[f"{name}_us"] = corpus.percentiles(ask(cluster, query, values[name], seconds))
        result[f"{name}_per_second"] = ask_from_many(cluster, query, values[name], seconds)
    return result


def measure(run):
    cluster = Cluster(run.work)
    try:
        with cluster.connect() as connection:
            create_table(connection)
            version = connection.execute("SHOW server_version").fetchone()[0]
        with Watch(cluster.process.pid) as watch:
            batches = copy_batches(cluster, run)
        batches.update(watch.result())
        with cluster.connect() as connection:
            size = connection.execute("SELECT pg_total_relation_size('events')").fetchone()[0]
        return {"version": version, "durability": "fsync=on, synchronous_commit=on", "batches": batches,
                "bytes_per_event": size / batches["events"],
                "lookups": look_up(cluster, max(0.5, run.seconds / 20)), "singles": insert_singles(cluster, run)}
    finally:
        cluster.stop()
