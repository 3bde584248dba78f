"""VictoriaLogs, a log store with an index. It answers before anything is on disk.

SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import queue
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from harness.process import Watch, bytes_on_disk
from peers import corpus

MODULE, VERSION = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs", "v1.52.1"
CONNECTIONS, READY_SECONDS_MAX = 4, 30
INSERT = "/insert/jsonline?_stream_fields=eventSource&_time_field=eventTime&_msg_field=requestID"


def install():
    folder = corpus.INSTALLED / f"victorialogs-{VERSION}"
    program = folder / "victoria-logs"
    if not program.exists():
        if shutil.which("go") is None:
            raise corpus.Skip("go is not installed, which builds it from its module")
        done = subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], env=dict(os.environ, GOBIN=str(folder)),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise corpus.Skip(f"the module cannot be built: {done.stderr[-300:]}")
    return program


class Store:
    def __init__(self, work):
        program = install()
        self.folder, self.port = work / "victorialogs", corpus.free_port()
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [str(program), f"-storageDataPath={self.folder / 'data'}", f"-httpListenAddr=127.0.0.1:{self.port}"],
            stderr=open(self.folder / "log", "w", encoding="utf-8"))
        end = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                self.get("/health")
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    raise corpus.Skip(f"it did not start: {corpus.log_of(self.folder / 'log')}") from None
                time.sleep(0.1)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read()

    def query(self, text, limit=50):
        return self.get("/select/logsql/query?" + urllib.parse.urlencode({"query": text, "limit": limit}))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def insert_batches(store, run):
    waiting = queue.SimpleQueue()
    for batch in corpus.batches(run):
        waiting.put((len(batch), ("\n".join(batch) + "\n").encode()))
    end, done = time.monotonic() + run.seconds / 2, []

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
        while time.monotonic() < end:
            try:
                count, text = waiting.get_nowait()
            except queue.Empty:
                return
            connection.request("POST", INSERT, text)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                done.append(count)

    start = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    store.get("/internal/force_flush")
    kept = int(json.loads(store.query("* | count() as kept"))["kept"])
    return {"events": kept, "sent": sum(done), "seconds": seconds, "events_per_second": kept / seconds}


def look_up(store, run, events):
    ids, names = [], set()
    for batch in corpus.batches(run):
        if len(ids) >= min(events, 5000):
            break
        for line in batch[:50]:
            row = corpus.row(line)
            ids.append(row[0])
            names.add(row[2])

    def ask(queries):
        latencies, end, i = [], time.monotonic() + max(1, run.seconds / 20), 0
        while time.monotonic() < end:
            start = time.monotonic()
            if not store.query(queries[i % len(queries)]):
                raise corpus.Skip(f"it does not find {queries[i % len(queries)]}")
            latencies.append(time.monotonic() - start)
            i += 1
        return corpus.percentiles(latencies)

    return {"event_id_us": ask([f'_time:1d eventID:="{one}"' for one in ids]),
            "page_us": ask([f'_time:1d eventName:="{one}" | sort by (_time) desc limit 50' for one in sorted(names)])}


def measure(run):
    corpus.lines(run)
    store = Store(run.work)
    try:
        with Watch(store.process.pid) as watch:
            batches = insert_batches(store, run)
        batches.update(watch.result())
        lookups = look_up(store, run, batches["events"])
        time.sleep(10)  # it writes its memory down every five seconds
        return {"version": VERSION, "durability": "none before the answer; flushed every 5 s", "batches": batches,
                "bytes_per_event": bytes_on_disk(store.folder / "data") / batches["events"], "lookups": lookups}
    finally:
        store.stop()
