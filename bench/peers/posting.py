"""Batches to a peer that takes them over HTTP. SPDX-License-Identifier: Apache-2.0"""
import http.client
import queue
import threading
import time

from peers import corpus

CONNECTIONS = 4


def post_batches(port, path, content_type, bodies, seconds, good):
    """Posts (count, body) pairs, made before the clock runs, from four keep-alive connections until the time
    is over. `good` judges an answer's body; what it does not take counts as not sent."""
    waiting = queue.SimpleQueue()
    for body in bodies:
        waiting.put(body)
    end, done = time.monotonic() + seconds, []

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.monotonic() < end:
            try:
                count, body = waiting.get_nowait()
            except queue.Empty:
                return
            connection.request("POST", path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status == 200 and good(content):
                done.append(count)

    start = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.monotonic() - start
    if not done:
        raise corpus.Skip("it took nothing")
    return {"events": sum(done), "seconds": spent, "events_per_second": sum(done) / spent}


def time_queries(ask, queries, seconds):
    """Latencies of ask(query), which is true when something was found, over and over."""
    latencies, end, i = [], time.monotonic() + seconds, 0
    while time.monotonic() < end:
        query = queries[i % len(queries)]
        start = time.monotonic()
        if not ask(query):
            raise corpus.Skip(f"it does not find {query}")
        latencies.append(time.monotonic() - start)
        i += 1
    return corpus.percentiles(latencies)


def questions(run, events):
    """Ids and names among the first `events` that were posted."""
    ids, names = [], set()
    for batch in corpus.batches(run):
        if len(ids) * corpus.BATCH / 50 >= min(events, 100_000):
            break
        for line in batch[:50]:
            row = corpus.row(line)
            ids.append(row[0])
            names.add(row[2])
    return ids, sorted(names)
