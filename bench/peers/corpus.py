"""The events as peers take them: lines, and rows for tables. SPDX-License-Identifier: Apache-2.0"""
import datetime
import json
import pathlib
import socket

from harness.process import ROOT, Skip  # peers raise corpus.Skip
from harness.server import run_load

SEED = 20
EVENTS = 1_000_000  # of a full run
EVENTS_MIN = 32_000
SINGLES = 200_000
BATCH = 1000
INSTALLED = ROOT / "build" / "peers"
# The columns of an event table, each with an index of its own beside the time, as look-ups need it.
INDEXED = ("event_name", "read_only", "username", "resource_type", "resource_name", "event_source", "access_key")


def lines(run, part="batches"):
    """Path of the events as NDJSON, written once a run; `singles` are others than `batches`."""
    path = run.work / f"peers-{part}.ndjson"
    if not path.exists():
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        count = max(EVENTS_MIN, int(EVENTS * run.share)) if part == "batches" else SINGLES
        run_load(run.build, "write", seed=SEED if part == "batches" else SEED + 1, count=count, time=now,
                 positional=path)
    return path


def batches(run, part="batches"):
    """Lists of BATCH lines."""
    batch = []
    with open(lines(run, part), encoding="utf-8") as file:
        for line in file:
            batch.append(line.rstrip("\n"))
            if len(batch) == BATCH:
                yield batch
                batch = []


def username(identity):
    kind = identity.get("type")
    if kind == "AssumedRole":
        return identity["principalId"].split(":", 1)[1]
    return identity.get("userName") or identity.get("invokedBy") or ""


def row(line):
    """id, time, the INDEXED columns, the event's text. Cut out before the clock runs, in favour of the peer."""
    event = json.loads(line)
    resource = (event.get("resources") or [{}])[0]
    identity = event["userIdentity"]
    return (event["eventID"], event["eventTime"], event["eventName"], str(event["readOnly"]).lower(),
            username(identity), resource.get("type", ""), resource.get("ARN", ""), event["eventSource"],
            identity.get("accessKeyId", ""), line)


def percentiles(seconds):
    """As traccia_load prints them, in microseconds."""
    values = sorted(seconds)

    def at(share):
        return round(values[min(len(values) - 1, int(share * len(values)))] * 1e6, 1)

    return {"count": len(values), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
            "max": round(values[-1] * 1e6, 1)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def log_of(path):
    return pathlib.Path(path).read_text(errors="replace")[-1500:]
