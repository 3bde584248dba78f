"""An OpenSearch node that syncs its log before it answers, its default. SPDX-License-Identifier: Apache-2.0"""
import http.client
import json
import pathlib
import shutil
import subprocess
import time

from harness.process import Watch
from peers import corpus, maven, posting

HERE = pathlib.Path(__file__).resolve().parent / "opensearch_node"
READY_SECONDS_MAX = 90
KEYWORD = {"type": "keyword"}
INDEX = {
    "settings": {"number_of_shards": 1, "number_of_replicas": 0, "index.translog.durability": "request"},
    # What LookupEvents can ask for, and nothing else.
    "mappings": {"dynamic": False, "properties": {
        "eventTime": {"type": "date"}, "eventID": KEYWORD, "eventName": KEYWORD, "eventSource": KEYWORD,
        "readOnly": {"type": "boolean"}, "resources": {"properties": {"type": KEYWORD, "ARN": KEYWORD}},
        "userIdentity": {"properties": {"accessKeyId": KEYWORD, "principalId": KEYWORD, "userName": KEYWORD}}}}}


class Node:
    def __init__(self, work):
        jars = maven.jars(HERE / "pom.xml", "opensearch")
        if shutil.which("javac") is None:
            raise corpus.Skip("javac is not installed (Debian: default-jdk-headless)")
        self.home, self.port = work / "opensearch", corpus.free_port()
        (self.home / "config").mkdir(parents=True)
        with open(self.home / "output", "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                ["java", "-Xms2g", "-Xmx2g", "-cp", f"{jars}/*", str(HERE / "SingleNode.java"), str(self.home),
                 str(self.port), str(corpus.free_port())], stdout=output, stderr=subprocess.STDOUT)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        end = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                self.call("PUT", "/events", INDEX)
                return
            except OSError:
                self.connection.close()
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    raise corpus.Skip(f"it did not start: {corpus.log_of(self.home / 'output')}") from None
                time.sleep(0.2)

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise corpus.Skip(f"it answers {answer.status} to {method} {path}: {content[:200]}")
        return json.loads(content)

    def search(self, query):
        return self.call("POST", "/events/_search?request_cache=false", query)["hits"]["hits"]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def bulk_bodies(run):
    """The eventID is the document's own, so that a repeat is refused as Traccia does."""
    for batch in corpus.batches(run):
        text = "".join(f'{{"create":{{"_id":"{corpus.row(line)[0]}"}}}}\n{line}\n' for line in batch)
        yield len(batch), text.encode()


def measure(run):
    corpus.lines(run)
    node = Node(run.work)
    try:
        with Watch(node.process.pid) as watch:
            batches = posting.post_batches(node.port, "/events/_bulk", "application/x-ndjson", bulk_bodies(run),
                                           run.seconds / 2, lambda content: b'"errors":false' in content[:60])
        batches.update(watch.result())
        node.call("POST", "/events/_refresh")
        ids, names = posting.questions(run, batches["events"])
        seconds = max(1, run.seconds / 20)
        lookups = {
            "event_id_us": posting.time_queries(
                node.search, [{"query": {"term": {"eventID": one}}} for one in ids], seconds),
            "page_us": posting.time_queries(
                node.search, [{"size": 50, "query": {"term": {"eventName": one}}, "sort": [{"eventTime": "desc"}]}
                              for one in names], seconds)}
        node.call("POST", "/events/_flush")
        size = node.call("GET", "/events/_stats/store")["_all"]["primaries"]["store"]["size_in_bytes"]
        return {"version": "2.19.6", "durability": "translog synced before each answer", "batches": batches,
                "bytes_per_event": size / batches["events"], "lookups": lookups}
    finally:
        node.stop()
