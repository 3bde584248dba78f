"""From results to figures: what was to be reached, what was measured. SPDX-License-Identifier: Apache-2.0"""


class Figure:
    """One row of the table and one plot. `peers` maps a name to a value of the same unit."""

    def __init__(self, name, title, unit, reach, value, better="more", peers=None, note=""):
        self.name, self.title, self.unit, self.note = name, title, unit, note
        self.reach, self.value, self.better = reach, value, better
        self.peers = {peer: amount for peer, amount in (peers or {}).items() if amount is not None}

    @property
    def met(self):
        if self.reach is None:
            return None
        return self.value >= self.reach if self.better == "more" else self.value <= self.reach

    def json(self):
        return {"name": self.name, "title": self.title, "unit": self.unit, "reach": self.reach, "value": self.value,
                "better": self.better, "met": self.met, "peers": self.peers, "note": self.note}


def dig(results, path):
    """The value at "phases/bulk/events"; None when it is not there."""
    for name in path.split("/"):
        if not isinstance(results, dict) or name not in results:
            return None
        results = results[name]
    return results


# name, title, unit, reach, better, where the value is, {peer: where}, factor of values
PLAN = [
    ("bulk-acknowledged", "Bulk NDJSON, acknowledged", "events/s", 150_000, "more", "phases/bulk/events_per_second",
     {"SQLite, 1 000 a transaction": "peers/sqlite/batches/events_per_second",
      "PostgreSQL, COPY of 1 000": "peers/postgres/batches/events_per_second",
      "Kafka, flush.messages=1": "peers/kafka/batches/events_per_second",
      "OpenSearch, bulk of 1 000": "peers/opensearch/batches/events_per_second",
      "VictoriaLogs (no fsync)": "peers/victorialogs/batches/events_per_second"}, 1),
    ("bulk-landed", "Bulk NDJSON, landed in history, log files and digests", "events/s", 150_000, "more",
     "phases/bulk/landed_per_second", {}, 1),
    ("single-rate", "One event a request, 64 connections", "requests/s", 40_000, "more",
     "phases/single/requests_per_second",
     {"SQLite, 1 writer": "peers/sqlite/singles/events_per_second",
      "PostgreSQL, 64 clients": "peers/postgres/singles/events_per_second",
      "Kafka, 64 in flight": "peers/kafka/singles/events_per_second"}, 1),
    ("single-p99", "One event a request, 64 connections: p99", "ms", 5, "less", "phases/single/latency_us/p99",
     {"SQLite, 1 writer": "peers/sqlite/singles/latency_us/p99",
      "PostgreSQL, 64 clients": "peers/postgres/singles/latency_us/p99",
      "Kafka, 64 in flight": "peers/kafka/singles/latency_us/p99"}, 1e-3),
    ("signed-rate", "One signed event a request, 64 connections", "requests/s", None, "more",
     "phases/signed/requests_per_second", {}, 1),
    ("signed-share", "Of the server's work on it, signature and authorisation", "%", 25, "less",
     "phases/signed/access_share", {}, 100),
    ("open-p50", "20 000 single requests/s, open loop: p50", "us", 400, "less", "phases/open/latency_us/p50", {}, 1),
    ("open-p99", "20 000 single requests/s, open loop: p99", "ms", 2, "less", "phases/open/latency_us/p99", {}, 1e-3),
    ("freshness-p99", "Acknowledged to visible, beside 50 000 events/s: p99", "ms", 50, "less",
     "phases/freshness/under_load/visible_us/p99", {}, 1e-3),
    ("lookup-few-p50", "Look-up by eventID, one connection, client side: p50", "us", 300, "less",
     "phases/lookups/by_attribute/event-id/latency_us/p50",
     {"SQLite in process": "peers/sqlite/lookups/event_id_us/p50",
      "PostgreSQL": "peers/postgres/lookups/event_id_us/p50",
      "DuckDB on the log files": "peers/duckdb/lookup_us",
      "OpenSearch": "peers/opensearch/lookups/event_id_us/p50",
      "VictoriaLogs": "peers/victorialogs/lookups/event_id_us/p50"}, 1),
    ("lookup-worst-p99", "Look-up by the slowest attribute, one connection: p99", "ms", 5, "less",
     "phases/lookups/worst_p99_us", {}, 1e-3),
    ("lookup-few-rate", "Look-ups with at most 10 hits, 16 connections", "look-ups/s", 10_000, "more",
     "phases/lookups/few/requests_per_second",
     {"PostgreSQL, 4 connections": "peers/postgres/lookups/event_id_per_second"}, 1),
    ("lookup-page-rate", "Look-ups with a full page of 50, 16 connections", "look-ups/s", 1_500, "more",
     "phases/lookups/pages/requests_per_second",
     {"PostgreSQL, 4 connections": "peers/postgres/lookups/page_per_second"}, 1),
    ("history-bytes", "History on disk, index included, at full rate", "B/event", 210, "less",
     "phases/history/bytes_per_event_at_full_rate",
     {"SQLite": "peers/sqlite/bytes_per_event", "PostgreSQL": "peers/postgres/bytes_per_event",
      "Kafka (no index)": "peers/kafka/bytes_per_event",
      "OpenSearch": "peers/opensearch/bytes_per_event",
      "VictoriaLogs": "peers/victorialogs/bytes_per_event"}, 1),
    ("history-bytes-merged", "History on disk, index included, merged", "B/event", 175, "less",
     "phases/history/bytes_per_event_merged", {}, 1),
    ("selectors", "10 000 advanced selectors, added to an event", "us", 2, "less", "phases/matching/worst_ns",
     {}, 1e-3),
    ("verify-rate", "traccia verify", "MB/s of log", 1_000, "more", "phases/verification/verify_bytes_per_second",
     {}, 1e-6),
    ("verify-ratio", "Time of the AWS CLI's validate-logs over traccia verify's", "times", 50, "more",
     "phases/verification/ratio", {}, 1),
    ("recovery-empty", "kill -9 to the first acknowledged event, empty tail", "ms", 300, "less",
     "phases/recovery/empty_tail_seconds", {}, 1e3),
    ("recovery-backlog", "The same with a backlog of compressed log", "s", 20, "less",
     "phases/recovery/backlog/first_acknowledged_seconds", {}, 1),
    ("recovery-check", "The log checked behind that start, beside the sinks catching up", "MB/s", 500, "more",
     "phases/recovery/backlog/log_check/bytes_per_second", {}, 1e-6),
    ("recovery-catch-up", "Sinks catching up", "events/s", 200_000, "more",
     "phases/recovery/backlog/catch_up_events_per_second", {}, 1),
    ("memory", "Resident at full rate on top of the history", "MB", 512, "less", "phases/memory/peak_resident_bytes",
     {"SQLite, with its client": "peers/sqlite/batches/peak_resident_bytes",
      "PostgreSQL": "peers/postgres/batches/peak_resident_bytes",
      "Kafka": "peers/kafka/batches/peak_resident_bytes",
      "OpenSearch": "peers/opensearch/batches/peak_resident_bytes",
      "VictoriaLogs": "peers/victorialogs/batches/peak_resident_bytes"}, 1 / 2**20),
]


def figures(results):
    lookups = dig(results, "phases/lookups")
    if lookups:
        lookups["worst_p99_us"] = max(one["latency_us"]["p99"] for one in lookups["by_attribute"].values())
    benches = dig(results, "phases/matching") or {}
    evaluations = [one["cpu_time"] for name, one in benches.items()
                   if name.startswith("evaluate/") and name.endswith("/10000")]
    if evaluations:
        benches["worst_ns"] = max(evaluations)
    found = []
    for name, title, unit, reach, better, where, peers, factor in PLAN:
        value = dig(results, where)
        if value is None:
            continue
        others = {peer: dig(results, place) for peer, place in peers.items()}
        found.append(Figure(name, title, unit, reach, value * factor, better,
                            {peer: amount * factor for peer, amount in others.items() if amount is not None},
                            note_of(name, results)))
    return found


def note_of(name, results):
    if name.startswith("history") or name == "memory" or name.startswith("lookup"):
        return f"{dig(results, 'phases/history/events') or dig(results, 'phases/lookups/history_events') or 0:,} events"
    if name == "recovery-backlog":
        return f"{dig(results, 'phases/recovery/backlog/log_bytes') / 1e9:.1f} GB of log"
    if name == "recovery-catch-up":
        return f"{dig(results, 'phases/recovery/backlog/events'):,} events behind"
    return ""


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(found):
    lines = [f"{'figure':<58} {'reach':>9} {'measured':>10}  unit"]
    for one in found:
        mark = {True: "reached", False: "NOT reached", None: ""}[one.met]
        reach = "" if one.reach is None else (">=" if one.better == "more" else "<=") + number(one.reach)
        lines.append(f"{one.title[:58]:<58} {reach:>9} {number(one.value):>10}  {one.unit}  {mark}"
                     + (f"  ({one.note})" if one.note else ""))
        lines += [f"    {peer:<54} {'':>9} {number(amount):>10}  {one.unit}" for peer, amount in one.peers.items()]
    return "\n".join(lines)


def markdown(found):
    """The table of bench/README.md."""
    lines = ["| figure | reach | measured | peers, same run |", "|---|---|---|---|"]
    for one in found:
        reach = "" if one.reach is None else f"{'≥' if one.better == 'more' else '≤'} {number(one.reach)} {one.unit}"
        peers = "; ".join(f"{peer} {number(amount)}" for peer, amount in one.peers.items())
        note = f" ({one.note})" if one.note else ""
        bold = "**" if one.met is False else ""
        lines.append(f"| {one.title}{note} | {reach} | {bold}{number(one.value)}{bold} | {peers} |")
    return "\n".join(lines)
