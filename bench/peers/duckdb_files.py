"""DuckDB on the very .json.gz files that Traccia delivered. SPDX-License-Identifier: Apache-2.0"""
import statistics
import time

from harness.server import BUCKET
from peers import corpus

BYTES_MAX = 300_000_000  # of compressed files


def fetch(run, folder):
    """Copies of delivered log files, up to the limit."""
    import boto3
    import botocore.config
    env = run.server.env
    client = boto3.client("s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-east-1",
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                          config=botocore.config.Config(s3={"addressing_style": "path"}))
    total = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="AWSLogs/"):
        for item in page.get("Contents", []):
            key = item["Key"]
            if "/CloudTrail/" not in key or not key.endswith(".json.gz") or total > BYTES_MAX * max(run.share, 0.05):
                continue
            client.download_file(BUCKET, key, str(folder / key.rsplit("/", 1)[1]))
            total += item["Size"]
    return total


def largest(folder):
    """Bytes of the largest file's content, from the end of its gzip member."""
    return max(int.from_bytes(path.read_bytes()[-4:], "little") for path in folder.iterdir())


def timed(work, times):
    seconds = []
    for _ in range(times):
        start = time.monotonic()
        result = work()
        seconds.append(time.monotonic() - start)
    return result, statistics.median(seconds)


def measure(run):
    try:
        import duckdb
    except ImportError as missing:
        raise corpus.Skip("it is not installed (PyPI: duckdb)") from missing
    run.know_events()
    folder = run.work / "duckdb"
    folder.mkdir()
    size = fetch(run, folder)
    database = duckdb.connect()
    # Its own way to read them; naming the columns made it slower.
    source = (f"(SELECT unnest(Records) AS e FROM read_json('{folder}/*.json.gz', "
              f"maximum_object_size={largest(folder) + 1}))")

    def count():
        return database.execute(f"SELECT e.eventName, count(*) FROM {source} GROUP BY 1").fetchall()

    counts, count_seconds = timed(count, 2)
    events = sum(number for _, number in counts)
    one = database.execute(f"SELECT e.eventID FROM {source} LIMIT 1").fetchone()[0]

    def find():
        return database.execute(f"SELECT e.eventID FROM {source} WHERE e.eventID = '{one}'").fetchall()

    found, find_seconds = timed(find, 2)
    if len(found) != 1:
        raise corpus.Skip(f"it finds the event {len(found)} times")
    return {"version": duckdb.__version__, "events": events, "compressed_bytes": size,
            "count_by_name_seconds": count_seconds, "count_events_per_second": events / count_seconds,
            "lookup_us": find_seconds * 1e6}
