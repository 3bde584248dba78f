"""What is measured on Traccia. Each phase adds to the results. SPDX-License-Identifier: Apache-2.0"""
import concurrent.futures
import datetime
import http.client
import json
import os
import subprocess
import time

from harness import server as servers
from harness.process import Skip, Watch, io_bytes
from harness.server import Server, finish_load, run_load

HISTORY_EVENTS = 10_000_000
BACKLOG_BYTES = 10_000_000_000
FULL_SECONDS = 60
CHECK_SECONDS_MAX = 600  # that checking the log behind a start may take
# The seeds of events, so that no phase repeats another's ids.
BULK, HISTORY, SINGLE, OPEN, FRESH, BACKGROUND, FULL, RECOVERY, SIGNED = range(1, 10)
FEW = ("event-id", "access-key", "resource")
PAGES = ("event-name", "event-source", "username", "read-only", "resource-type", "resource-name", "any")


class Run:
    """One run's settings, its working folder and, from its first use on, its server."""

    def __init__(self, build, work, seconds):
        self.build, self.work, self.seconds = build, work, seconds
        self.share = min(1.0, seconds / FULL_SECONDS)  # of the full amounts of data
        self.events_sent = 0
        self.known = None  # (seed, below): events that are there for look-ups
        self._server = None

    @property
    def server(self):
        if self._server is None:
            self._server = Server(self.build, self.work)
            self._server.create_trail()
        return self._server

    def stop(self):
        if self._server is not None:
            self._server.stop()

    def send(self, seed, **options):
        report = self.server.load("events", seed=seed, **options)
        self.events_sent += report["accepted"]
        if self.known is None or report["complete_below"] > self.known[1]:
            if report["complete_below"] >= 16000:
                self.known = (seed, report["complete_below"])
        return report

    def know_events(self):
        """Look-ups need events; a run that begins with them sends some first."""
        if self.known is None:
            self.send(BULK, connections=4, batch=1000, seconds=FULL_SECONDS, count=480_000)
            self.server.wait_landed()
        return self.known


def limits(run):
    return run_load(run.build, "limits", directory=run.work, seconds=min(1.0, run.seconds / 5))


def loaded(run, seed, **options):
    """A load with what it cost the server, and the landing of its events."""
    with Watch(run.server.process.pid) as watch:
        report = run.send(seed, **options)
        lag = run.server.wait_landed()
    report.update(watch.result(), catch_up_seconds=lag,
                  landed_per_second=report["events"] / (report["seconds"] + lag))
    return report


def bulk(run):
    return loaded(run, BULK, connections=4, batch=1000, seconds=run.seconds)


def single(run):
    return loaded(run, SINGLE, connections=64, batch=1, seconds=run.seconds, warmup=1)


def sender_policy():
    """Ten statements, as src/api/sender_bench.cc has them."""
    reads = [{"Effect": "Allow", "Action": [f"{service}:{verb}*" for verb in ("Describe", "List", "Get")],
              "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-south-1", "us-east-1"]}}}
             for service in ("ec2", "iam", "sns", "sqs", "logs", "kms", "sts", "s3")]
    return {"Version": "2012-10-17", "Statement": reads + [
        {"Effect": "Allow", "Action": "traccia:PutEvents", "Resource": "*"},
        {"Effect": "Deny", "NotAction": ["traccia:*", "sts:*"], "Resource": "*",
         "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}]}


def signed(run):
    """One event a request, signed by a user with a policy; what of the server's work is that."""
    signer = run.server.create_user("bench-sender", sender_policy())
    result = loaded(run, SIGNED, connections=64, batch=1, seconds=run.seconds, warmup=1, signer=signer)
    parts = benchmarks(run, "api_bench")
    result["parts_ns"] = {name: one["cpu_time"] for name, one in parts.items()}
    result["server_ns"] = result["cpu_seconds"] / result["accepted"] * 1e9  # landing included
    result["access_share"] = sum(result["parts_ns"].values()) / result["server_ns"]
    return result


def open_loop(run):
    return loaded(run, OPEN, connections=64, batch=1, rate=20_000, seconds=run.seconds, warmup=1)


def history(run):
    """Fills history to its full size; bytes an event, at once and once merging has come to rest."""
    wanted = int(HISTORY_EVENTS * run.share)
    missing = wanted - run.events_sent
    if missing > 0:
        run.send(HISTORY, connections=4, batch=1000, seconds=3600, count=missing - missing % 1000 + 1000)
        run.server.wait_landed()
    result = {"events": run.events_sent, "bytes_at_full_rate": run.server.history_bytes()}
    start, quiet, before = time.monotonic(), 0, result["bytes_at_full_rate"]
    while quiet < 5 and time.monotonic() - start < 120:
        time.sleep(1)
        now = run.server.history_bytes()
        quiet = quiet + 1 if now == before else 0
        before = now
    result.update(bytes_merged=before, merging_seconds=time.monotonic() - start - quiet)
    for name in ("at_full_rate", "merged"):
        result[f"bytes_per_event_{name}"] = result[f"bytes_{name}"] / run.events_sent
    return result


def memory(run):
    """Bulk once more, on top of the full history."""
    report = loaded(run, FULL, connections=4, batch=1000, seconds=max(2, run.seconds / 4))
    report["history_events"] = run.events_sent - report["accepted"]
    return report


def lookups(run):
    seed, below = run.know_events()
    seconds = max(1, run.seconds / 10)
    common = {"seed": seed, "below": below, "warmup": 0.5}
    result = {"history_events": run.events_sent, "by_attribute": {}}
    for kind in FEW + PAGES:
        result["by_attribute"][kind] = run.server.load("lookups", kind=kind, connections=1, seconds=seconds, **common)
    for name, kinds in (("few", FEW), ("pages", PAGES)):
        with Watch(run.server.process.pid) as watch:
            report = run.server.load("lookups", kind=",".join(kinds), connections=16, questions=10_000,
                                     seconds=max(2, run.seconds / 4), questions_seed=2, **common)
        result[name] = dict(report, **watch.result())
    return result


def freshness(run):
    """From the receipt to the first look-up that finds: at rest, and beside half a bulk load."""
    result = {"idle": run.server.load("freshness", seed=FRESH, count=200)}
    background = run.server.load("events", seed=BACKGROUND, connections=8, batch=100, rate=500,
                                 seconds=run.seconds / 2 + 1, background=True)
    time.sleep(1)
    count = max(50, int(run.seconds * 1000 / 2 / 15))
    result["under_load"] = run.server.load("freshness", seed=FRESH, first=16000, count=count)
    result["background"] = finish_load(background)
    run.events_sent += result["background"]["accepted"] + 200 + count
    run.server.wait_landed()
    return result


def verification(run):
    """`traccia verify` and the AWS CLI's validate-logs on the same bucket."""
    run.know_events()
    server = run.server
    server.aws("cloudtrail", "stop-logging", "--name", servers.TRAIL)
    time.sleep(12)  # the final digest, with room
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    start = time.monotonic()
    cli = server.aws("cloudtrail", "validate-logs", "--trail-arn", servers.ARN, "--start-time",
                     since.strftime("%Y-%m-%dT%H:%M:%SZ"), check=False)
    cli_seconds = time.monotonic() - start
    start = time.monotonic()
    ours = subprocess.run([str(run.build / "traccia"), "verify", f"s3://{servers.BUCKET}", "--data", str(server.data),
                           "--output", "json"], capture_output=True, text=True, check=False)
    our_seconds = time.monotonic() - start
    server.aws("cloudtrail", "start-logging", "--name", servers.TRAIL)
    report = json.loads(ours.stdout)
    if cli.returncode != 0 or not report["valid"]:
        raise SystemExit(f"bench: not valid: {cli.stdout}{cli.stderr}{ours.stdout[:2000]}")
    return {"validate_logs_seconds": cli_seconds, "traccia_verify_seconds": our_seconds,
            "ratio": cli_seconds / our_seconds, "log_bytes": report["logBytes"],
            "verify_bytes_per_second": report["logBytes"] / our_seconds, "log_files": report["logs"]["valid"]}


def first_acknowledged(server, body):
    """Starts the server; seconds until it has acknowledged an event."""
    start = time.monotonic()
    server.start()
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", int(server.port), timeout=60)
            connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {server.token}"})
            answer = connection.getresponse()
            if answer.status == 200 and json.loads(answer.read())["accepted"] == 1:
                return time.monotonic() - start
        except (OSError, http.client.HTTPException):
            pass
        if server.process.poll() is not None:
            raise SystemExit(f"bench: the server did not come back: {server.log_tail()}")
        time.sleep(0.001)


def catch_up(server, limit):
    """How fast each sink takes in log that is no longer in memory, over `limit` seconds or until it is even."""
    start, first, taken = time.monotonic(), server.behind(), {}
    sinks = [name for name in first if name.startswith("traccia_sink")]
    while len(taken) < len(sinks):
        now, seconds = server.behind(), time.monotonic() - start
        for name in sinks:
            if name not in taken and (now[name] == 0 or seconds > limit):
                taken[name] = {"seconds": seconds, "log_bytes": first[name] - now[name], "even": now[name] == 0}
        time.sleep(0.05)
    rates = [one["log_bytes"] / one["seconds"] for one in taken.values()]
    return {"sinks": taken, "slowest_log_bytes_per_second": min(rates)}


def log_check(server, started):
    """Waits until all of the log is checked behind the start; how fast that went."""
    while True:
        values, seconds = server.metrics(), time.monotonic() - started
        if values["traccia_log_damaged_segments"] != 0:
            raise SystemExit("bench: the log is damaged")
        checked = values["traccia_log_checked_bytes"]
        if checked >= values["traccia_log_check_bytes"]:
            return {"bytes": checked, "seconds": seconds, "bytes_per_second": checked / seconds}
        if seconds > CHECK_SECONDS_MAX:
            raise SystemExit(f"bench: {checked:,.0f} bytes of the log are checked after {seconds:.0f} s")
        time.sleep(0.05)


def forget_pages(folder):
    """After a machine's restart nothing of the files is in memory."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def recovery(run):
    """kill -9 with nothing to catch up, then with much in the log that no sink has seen."""
    server = Server(run.build, run.work, "recovery")
    result = {}
    try:
        server.create_trail()
        server.load("events", seed=RECOVERY, connections=4, batch=1000, seconds=2)
        times = []
        for i in range(5):
            server.wait_landed()
            time.sleep(1)
            server.kill()
            times.append(first_acknowledged(server, probe(run, i)))
        result["empty_tail_seconds"] = sorted(times)[len(times) // 2]
        result["empty_tail_seconds_all"] = times
        server.wait_landed()
        server.stop()
        filled = run_load(run.build, "backlog", data=server.data, bytes=int(BACKLOG_BYTES * run.share),
                          seed=RECOVERY, first=16_000_000)
        forget_pages(server.data / "wal")
        body, started = probe(run, 99), time.monotonic()
        filled["first_acknowledged_seconds"] = first_acknowledged(server, body)
        filled["read_bytes"] = io_bytes(server.process.pid)  # whether the log was checked, and from the disk
        # Both at once, as they run in the server: neither waits for the other.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            check = pool.submit(log_check, server, started)
            filled["catch_up"] = catch_up(server, max(10, run.seconds))
            filled["log_check"] = check.result()
        filled["catch_up_events_per_second"] = (filled["catch_up"]["slowest_log_bytes_per_second"]
                                                / filled["log_bytes"] * filled["events"])
        result["backlog"] = filled
    finally:
        server.stop()
    return result


def probe(run, number):
    path = run.work / "probe.ndjson"
    run_load(run.build, "write", seed=100 + number, count=1, positional=path)
    return path.read_bytes()


def benchmarks(run, *programs):
    """The modules' own benchmarks, where they are built."""
    result = {}
    for program in (found for name in programs for found in sorted(run.build.rglob(name))):
        out = subprocess.run([str(program), "--benchmark_format=json"], capture_output=True, text=True,
                             check=True).stdout
        for one in json.loads(out)["benchmarks"]:
            result[one["name"]] = {name: one[name] for name in ("cpu_time", "time_unit", "items_per_second")
                                   if name in one}
    if not result:
        raise Skip(f"{programs[0]} is not built")
    return result


OBJECT_BYTES = (1 << 10, 64 << 10, 1 << 20, 5 << 20)
# Many short turns: the machine drifts by more within seconds than what is compared differs.
TURNS = ("plain", "keyed", "keyed", "plain") * 4
LISTED_KEYS = 1_000_000


def encryption(algorithm, key=None):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    if key:
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key
        rule["BucketKeyEnabled"] = True
    return json.dumps({"Rules": [rule]})


def object_limits(run):
    """What new files with fsync, and MD5 + SHA-256, do with objects of these sizes."""
    return run_load(run.build, "object-limits", directory=run.work, seconds=1)


def objects(run):
    """PUT and GET of 1 KiB to 5 MiB beside what disk and hashes do, with 16 clients; under SSE-KMS with a
    Bucket Key, in turns with SSE-S3; listings of many keys."""
    seconds = max(1, run.seconds / 10)
    server = Server(run.build, run.work, "objects")
    result = {"limits": object_limits(run), "sizes": {}}
    try:
        key = json.loads(server.aws("kms", "create-key", "--output", "json").stdout)["KeyMetadata"]["Arn"]
        for name, rule in (("plain", encryption("AES256")), ("keyed", encryption("aws:kms", key))):
            server.aws("s3", "mb", f"s3://bench-{name}")
            server.aws("s3api", "put-bucket-encryption", "--bucket", f"bench-{name}",
                       "--server-side-encryption-configuration", rule)
        first = 0
        for size in OBJECT_BYTES:
            one = result["sizes"][size] = {}
            for name in TURNS:
                common = {"bucket": f"bench-{name}", "bytes": size, "first": first}
                for work in ("put", "get"):
                    with Watch(server.process.pid) as watch:
                        report = server.load("objects", work=work, seconds=seconds / 4, warmup=0.2, **common)
                    report.update(watch.result(), bytes_per_second=report["requests_per_second"] * size)
                    one.setdefault(f"{name}_{work}", []).append(report)
                    common["count"] = max(1, report["keys_put"] - 32)
                first += 10_000_000
    finally:
        server.stop()
    after = object_limits(run)
    for size, one in result["sizes"].items():
        limit = result["limits"][str(size)]
        for name in limit:
            limit[name] = (limit[name] + after[str(size)][name]) / 2
        for name, runs in list(one.items()):
            one[name] = {"per_second": sum(r["requests_per_second"] for r in runs) / len(runs), "runs": runs}
            one[name]["bytes_per_second"] = one[name]["per_second"] * size
        one["put_share_of_limit"] = one["plain_put"]["bytes_per_second"] / min(
            limit["disk_bytes_per_second"], limit["hash_bytes_per_second"])
        one["kms_put_ratio"] = one["keyed_put"]["per_second"] / one["plain_put"]["per_second"]
        one["kms_get_ratio"] = one["keyed_get"]["per_second"] / one["plain_get"]["per_second"]
    result["listing"] = listing(run)
    return result


def listing(run):
    """Pages of 1 000 keys out of a million, four at a time."""
    server = Server(run.build, run.work, "listing")
    keys = int(LISTED_KEYS * run.share) // 1000 * 1000 or 1000
    try:
        server.aws("s3", "mb", "s3://bench-many")
        server.stop()
        run_load(run.build, "fill-bucket", data=server.data, bucket="bench-many", count=keys)
        server.start()
        report = server.load("objects", work="list", bucket="bench-many", count=keys, connections=4,
                             seconds=max(1, run.seconds / 10))
        return dict(report, keys=keys, keys_per_second=report["keys_listed"] / report["seconds"])
    finally:
        server.stop()


def matching(run):
    """Selectors by the thousand."""
    return benchmarks(run, "match_bench", "trail_bench")


def deciding(run):
    """Who may do what: a decision over several policies, a request's keys, a policy parsed."""
    return benchmarks(run, "policy_bench")


ALL = {"limits": limits, "bulk": bulk, "history": history, "memory": memory, "lookups": lookups,
       "single": single, "signed": signed, "open": open_loop, "freshness": freshness, "verification": verification,
       "recovery": recovery, "objects": objects, "matching": matching, "deciding": deciding}
