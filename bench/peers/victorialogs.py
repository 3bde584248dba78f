"""VictoriaLogs, a log store with an index. It answers before anything is on disk.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

from harness.process import Watch, bytes_on_disk
from peers import corpus, posting

MODULE, VERSION = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs", "v1.52.1"
READY_SECONDS_MAX = 30
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
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(program), f"-storageDataPath={self.folder / 'data'}",
                                             f"-httpListenAddr=127.0.0.1:{self.port}"], stderr=log)
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
    bodies = ((len(batch), ("\n".join(batch) + "\n").encode()) for batch in corpus.batches(run))
    result = posting.post_batches(store.port, INSERT, "application/stream+json", bodies, run.seconds / 2,
                                  lambda content: True)
    store.get("/internal/force_flush")
    kept = int(json.loads(store.query("* | count() as kept"))["kept"])
    if kept != result["events"]:  # its answer does not tell
        raise corpus.Skip(f"it kept {kept} of {result['events']} events")
    return result


def measure(run):
    corpus.lines(run)
    store = Store(run.work)
    try:
        with Watch(store.process.pid) as watch:
            batches = insert_batches(store, run)
        batches.update(watch.result())
        ids, names = posting.questions(run, batches["events"])
        seconds = max(1, run.seconds / 20)
        by_id = [f'_time:1d eventID:="{one}"' for one in ids]
        pages = [f'_time:1d eventName:="{one}" | sort by (_time) desc limit 50' for one in names]
        lookups = {"event_id_us": posting.time_queries(store.query, by_id, seconds),
                   "page_us": posting.time_queries(store.query, pages, seconds)}
        time.sleep(10)  # it writes its memory down every five seconds
        return {"version": VERSION, "durability": "none before the answer; flushed every 5 s", "batches": batches,
                "bytes_per_event": bytes_on_disk(store.folder / "data") / batches["events"], "lookups": lookups}
    finally:
        store.stop()
