"""kill -9 at random moments while the server is saturated: batches of 1000 events over several
connections, and single events beside them. Every acknowledged event ends up in exactly one log file
and once in event history, a batch sent again is known, and `aws cloudtrail validate-logs` and
`traccia verify` agree that everything is valid.

One server directory lives through all rounds. SPDX-License-Identifier: Apache-2.0
"""
import argparse
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zlib

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/crash"
BUCKET = "crash-trail-bucket"
REGION = "us-east-1"
START_LIMIT = 60
CATCH_UP_LIMIT = 300
BATCH = 1000
BULK_SENDERS, SINGLE_SENDERS = 3, 2
SAMPLES = 3  # look-ups by eventID after each restart
ROUNDS_PER_CHECK = 20
EVENT_ID = re.compile(rb'"eventID":"([^"]+)"')
LOAD_ID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-4000-8000-([0-9a-f]{12})$")


def give_up(text):
    raise SystemExit(f"kill9: {text}")


def load_id(number, sender, event):
    return f"{number:08x}-{sender:04x}-4000-8000-{event:012x}"


class Server:
    def __init__(self, binary, directory):
        self.binary, self.directory, self.process = binary, pathlib.Path(directory), None

    def start(self):
        (self.directory / "endpoint").unlink(missing_ok=True)
        with open(self.directory.parent / "server.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", str(self.directory), "--listen", "127.0.0.1:0",
                 "--delivery-interval", "1s", "--digest-interval", "2s",
                 "--regions", f"{REGION},eu-south-1"], stderr=log)
        end = time.monotonic() + START_LIMIT
        while not (self.directory / "endpoint").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                give_up(f"the server did not start: {self.tail()}")
            time.sleep(0.01)
        self.endpoint = (self.directory / "endpoint").read_text().strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if self.process.wait(60) != 0:
            give_up(f"the server did not stop well: {self.tail()}")

    def tail(self):
        return (self.directory.parent / "server.log").read_text()[-2000:]

    def environment(self):
        out = subprocess.run([self.binary, "env", "--data", str(self.directory)], check=True,
                             capture_output=True, text=True).stdout
        env = dict(os.environ, AWS_CONFIG_FILE="/nonexistent",
                   AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
                   PATH=f"{ROOT}/build/python/bin:{os.environ['PATH']}")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            env.pop(name, None)
        for line in out.splitlines():
            if line.startswith("export "):
                name, value = line[len("export "):].split("=", 1)
                env[name] = value
        return env

    def aws(self, *args):
        return subprocess.run(["aws", *args], env=self.environment(), capture_output=True,
                              text=True, check=False)

    def cloudtrail(self):
        env = self.environment()
        session = boto3.session.Session(aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                                        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                                        region_name=REGION)
        return session.client("cloudtrail", endpoint_url=self.endpoint,
                              config=botocore.config.Config(retries={"total_max_attempts": 1}))


def body_of(number, sender, first, count, pads):
    """NDJSON of events that differ as real ones do, made quickly."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return "\n".join(
        f'{{"eventTime":"{now}","eventName":"Load","eventSource":"load.example.com",'
        f'"eventID":"{load_id(number, sender, n)}","awsRegion":"{REGION}",'
        f'"requestParameters":{{"n":{n},"pad":"{pads[n % len(pads)]}"}}}}'
        for n in range(first, first + count)).encode()


def post(connection, body, token):
    connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def sender_main(endpoint, token, number, sender, count, seed, pipe):
    """Sends until the server is gone; tells how many events, from 0, were acknowledged in turn."""
    rng = random.Random(seed)
    pads = [rng.randbytes(rng.randint(20, 300)).hex() for _ in range(97)]
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc, timeout=60)
    acknowledged, busy, last, wrong = 0, 0, b"", None
    while wrong is None:
        body = body_of(number, sender, acknowledged, count, pads)
        try:
            status, text = post(connection, body, token)
        except (OSError, http.client.HTTPException):
            break
        if status in (429, 503):
            busy += 1  # overload: the batch may be sent again
            continue
        result = json.loads(text)
        if status != 200 or result["accepted"] != count or result["rejected"]:
            wrong = f"{status} {text[:500]!r}"
            break
        acknowledged += count
        last = body
    pipe.send((acknowledged, busy, last, wrong))
    pipe.close()


class Ledger:
    """What was acknowledged, and how often each event was seen in log files."""

    def __init__(self):
        self.acknowledged = {}  # (round, sender) → count
        self.seen = {}          # (round, sender) → bytearray by event
        self.others = {}        # eventIDs of the server's own records → count
        self.read = set()       # files
        self.busy = 0           # requests refused for overload

    def total(self):
        return sum(self.acknowledged.values())

    def note(self, event_id):
        load = LOAD_ID.match(event_id)
        if load is None:
            self.others[event_id] = self.others.get(event_id, 0) + 1
            return
        counts = self.seen.setdefault((int(load[1], 16), int(load[2], 16)), bytearray())
        event = int(load[3], 16)
        if event >= len(counts):
            counts.extend(bytes(event + 1 - len(counts)))
        counts[event] = min(counts[event] + 1, 255)

    def missing(self):
        """Acknowledged events in no file, at most a few."""
        found = []
        for (number, sender), count in self.acknowledged.items():
            counts = self.seen.get((number, sender), b"")
            if len(counts) >= count and counts.find(0, 0, count) < 0:
                continue
            found += [load_id(number, sender, n) for n in range(count)
                      if n >= len(counts) or counts[n] == 0][:5]
        return found

    def repeated(self):
        found = [one for one, count in self.others.items() if count > 1]
        for (number, sender), counts in self.seen.items():
            found += [load_id(number, sender, n) for n, count in enumerate(counts) if count > 1][:5]
        return found


def one_round(server, token, ledger, number, rng):
    """Saturates, kills, starts again; the last acknowledged bodies."""
    pipes, processes = [], []
    for sender in range(BULK_SENDERS + SINGLE_SENDERS):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        count = BATCH if sender < BULK_SENDERS else 1
        processes.append(multiprocessing.Process(
            target=sender_main, daemon=True,
            args=(server.endpoint, token, number, sender, count, rng.getrandbits(64), theirs)))
        processes[-1].start()
        theirs.close()
        pipes.append(ours)
    time.sleep(rng.uniform(0.1, 1.3))
    server.kill()
    bodies = []
    for sender, (pipe, process) in enumerate(zip(pipes, processes)):
        acknowledged, busy, last, wrong = pipe.recv()
        process.join()
        if wrong:
            give_up(f"round {number}: unexpected answer {wrong}")
        ledger.acknowledged[number, sender] = acknowledged
        ledger.busy += busy
        if acknowledged:
            bodies.append((last, BATCH if sender < BULK_SENDERS else 1))
    server.start()
    return bodies


def check_restart(server, token, ledger, number, bodies, rng):
    """What was acknowledged last is known; some of it is looked up."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.endpoint).netloc,
                                            timeout=60)
    for body, count in bodies:
        status, text = post(connection, body, token)
        result = json.loads(text)
        if status != 200 or result["duplicates"] != count or result["accepted"] != 0:
            give_up(f"round {number}: a batch that was acknowledged is not known: {text!r}")
    connection.close()
    client = server.cloudtrail()
    senders = [s for s in range(BULK_SENDERS + SINGLE_SENDERS) if ledger.acknowledged[number, s]]
    for _ in range(SAMPLES if senders else 0):
        sender = rng.choice(senders)
        one = load_id(number, sender, rng.randrange(ledger.acknowledged[number, sender]))
        end = time.monotonic() + CATCH_UP_LIMIT
        while True:
            events = client.lookup_events(LookupAttributes=[
                {"AttributeKey": "EventId", "AttributeValue": one}])["Events"]
            if len(events) == 1:
                break
            if events or time.monotonic() > end:
                give_up(f"round {number}: LookupEvents finds {one} {len(events)} times")
            time.sleep(0.05)


def read_files(server, folder, ledger):
    done = server.aws("s3", "sync", "--only-show-errors", f"s3://{BUCKET}/AWSLogs/", str(folder))
    if done.returncode != 0:
        give_up(f"s3 sync: {done.stderr}")
    for path in pathlib.Path(folder).rglob("*_CloudTrail_*.json.gz"):
        if path in ledger.read:
            continue
        ledger.read.add(path)
        inflate, text, rest = zlib.decompressobj(31), b"", path.read_bytes()
        while rest:  # members follow one another
            text += inflate.decompress(rest)
            rest, inflate = inflate.unused_data, zlib.decompressobj(31)
        for match in EVENT_ID.finditer(text):
            ledger.note(match[1].decode())


def check_files(server, ledger, work):
    end = time.monotonic() + CATCH_UP_LIMIT
    while True:
        read_files(server, work / "copy", ledger)
        missing = ledger.missing()
        if not missing:
            break
        if time.monotonic() > end:
            give_up(f"acknowledged events are in no log file, e.g. {missing[:3]}")
        time.sleep(0.5)
    repeated = ledger.repeated()
    if repeated:
        give_up(f"{len(repeated)} events are in several log files, e.g. {repeated[:3]}")


def check_history(server, ledger):
    """Every acknowledged event once in event history; what was never acknowledged at most once."""
    in_history = Ledger()
    in_history.acknowledged = ledger.acknowledged
    with subprocess.Popen([server.binary, "lookup", "--limit", "0", "--output", "json",
                           "EventName=Load"], env=server.environment(),
                          stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            in_history.note(EVENT_ID.search(line)[1].decode())
    if process.returncode != 0:
        give_up("traccia lookup failed")
    missing, repeated = in_history.missing(), in_history.repeated()
    if missing or repeated:
        give_up(f"event history: missing {missing[:3]}, repeated {repeated[:3]}")


def digests(server):
    out = server.aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix",
                     f"AWSLogs/111122223333/CloudTrail-Digest/{REGION}/",
                     "--query", "length(Contents)")
    return int(out.stdout or 0)


def check_digests(server):
    before = digests(server)
    if server.aws("cloudtrail", "stop-logging", "--name", "crash").returncode != 0:
        give_up("stop-logging failed")
    end = time.monotonic() + 60
    while digests(server) == before and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(3)  # a digest interval: the final digest may follow a regular one
    since = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 86400))
    valid = server.aws("cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time", since)
    if valid.returncode != 0 or "INVALID" in valid.stdout or "log files valid" not in valid.stdout:
        give_up(f"validate-logs: {valid.stdout}{valid.stderr}")
    verify = subprocess.run([server.binary, "verify", f"s3://{BUCKET}", "--data",
                             str(server.directory), "--output", "json"],
                            capture_output=True, text=True, check=False)
    if verify.returncode != 0 or not json.loads(verify.stdout)["valid"]:
        give_up(f"traccia verify: {verify.stdout[:3000]}{verify.stderr}")
    print(valid.stdout.strip().splitlines()[-2:], flush=True)


def prepare(server):
    made = server.aws("s3", "mb", f"s3://{BUCKET}")
    if made.returncode != 0:
        give_up(f"s3 mb: {made.stderr}")
    policy = subprocess.run([server.binary, "bucket-policy", BUCKET, "--trail", ARN],
                            check=True, capture_output=True, text=True).stdout
    for command in (["s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", policy],
                    ["cloudtrail", "create-trail", "--name", "crash", "--s3-bucket-name", BUCKET,
                     "--enable-log-file-validation"],
                    ["cloudtrail", "start-logging", "--name", "crash"]):
        done = server.aws(*command)
        if done.returncode != 0:
            give_up(f"{' '.join(command)}: {done.stderr}")
    return subprocess.run([server.binary, "token", "create", "--data", str(server.directory)],
                          check=True, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    args = parser.parse_args()
    print(f"kill9: seed {args.seed}, {args.rounds} rounds", flush=True)
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        server = Server(str(pathlib.Path(args.binary).resolve()), work / "data")
        server.directory.mkdir()
        server.start()
        try:
            token = prepare(server)
            ledger = Ledger()
            for number in range(1, args.rounds + 1):
                bodies = one_round(server, token, ledger, number, rng)
                check_restart(server, token, ledger, number, bodies, rng)
                if number % ROUNDS_PER_CHECK == 0:
                    check_files(server, ledger, work)
                    print(f"kill9: {number} rounds, {ledger.total()} events acknowledged",
                          flush=True)
            check_files(server, ledger, work)
            check_history(server, ledger)
            check_digests(server)
            server.stop()
        finally:
            server.process.kill()
        print(f"kill9: {args.rounds} rounds, {ledger.total()} acknowledged events, each in exactly "
              "one log file and once in event history; validate-logs and traccia verify agree: "
              f"valid; {len(ledger.read)} files, {ledger.busy} requests refused for overload")
    return 0


if __name__ == "__main__":
    sys.exit(main())
