"""kill -9 at random moments under load: every acknowledged event ends up in exactly one log file, and
`aws cloudtrail validate-logs` and `traccia verify` agree that everything is valid.

One server directory lives through all rounds. SPDX-License-Identifier: Apache-2.0
"""
import argparse
import concurrent.futures
import gzip
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/crash"
BUCKET = "crash-trail-bucket"
START_LIMIT = 60
SENDERS = 4


class Server:
    def __init__(self, binary, directory):
        self.binary, self.directory, self.process = binary, pathlib.Path(directory), None

    def start(self):
        (self.directory / "endpoint").unlink(missing_ok=True)
        self.log = open(self.directory.parent / "server.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.directory), "--listen", "127.0.0.1:0",
             "--delivery-interval", "1s", "--digest-interval", "2s", "--regions", "us-east-1,eu-south-1"],
            stderr=self.log)
        end = time.monotonic() + START_LIMIT
        while not (self.directory / "endpoint").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"kill9: the server did not start: {self.tail()}")
            time.sleep(0.01)
        self.endpoint = (self.directory / "endpoint").read_text().strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if self.process.wait(60) != 0:
            raise SystemExit(f"kill9: the server did not stop well: {self.tail()}")

    def tail(self):
        return (self.directory.parent / "server.log").read_text()[-2000:]

    def environment(self):
        out = subprocess.run([self.binary, "env", "--data", str(self.directory)], check=True,
                             capture_output=True, text=True).stdout
        env = dict(os.environ, AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
                   PATH=f"{ROOT}/build/python/bin:{os.environ['PATH']}")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            env.pop(name, None)
        for line in out.splitlines():
            if line.startswith("export "):
                name, value = line[len("export "):].split("=", 1)
                env[name] = value
        return env

    def aws(self, *args):
        return subprocess.run(["aws", *args], env=self.environment(), capture_output=True, text=True,
                              check=False)


def send_until(stop, endpoint, token, acknowledged, lock, seed):
    """Sends small batches until told to stop or the server is gone; notes the ids of answered ones."""
    rng = random.Random(seed)
    while not stop.is_set():
        ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(rng.randint(1, 20))]
        lines = [json.dumps({"eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                             "eventName": "Load", "eventSource": "load.example.com", "eventID": one,
                             "awsRegion": "us-east-1", "pad": "x" * rng.randint(0, 1000)}) for one in ids]
        request = urllib.request.Request(f"{endpoint}/v1/events", "\n".join(lines).encode(),
                                         {"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                result = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            if stop.is_set():
                return
            time.sleep(0.005)
            continue
        if result["accepted"] + result["duplicates"] != len(ids) or result["rejected"]:
            raise SystemExit(f"kill9: unexpected answer {result}")
        with lock:
            acknowledged.update(ids)


def one_round(server, token, acknowledged, rng):
    stop, lock = threading.Event(), threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send_until, stop, server.endpoint, token, acknowledged, lock,
                               rng.getrandbits(64)) for _ in range(SENDERS)]
        time.sleep(rng.uniform(0.05, 1.2))
        stop.set()
        server.kill()
        for sender in senders:
            sender.result()
    server.start()


def load_files(server, folder):
    """{eventID: number of log files that hold it}, from the trail's bucket."""
    done = server.aws("s3", "sync", "--only-show-errors", f"s3://{BUCKET}/AWSLogs/", str(folder))
    if done.returncode != 0:
        raise SystemExit(f"kill9: s3 sync: {done.stderr}")
    seen = {}
    for path in pathlib.Path(folder).rglob("*_CloudTrail_*.json.gz"):
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            seen[record["eventID"]] = seen.get(record["eventID"], 0) + 1
    return seen


def wait_for_files(server, acknowledged, work, limit=120):
    end = time.monotonic() + limit
    while True:
        seen = load_files(server, work / "copy")
        missing = acknowledged - seen.keys()
        if not missing or time.monotonic() > end:
            return seen, missing
        time.sleep(0.5)


def digests(server):
    out = server.aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix",
                     "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/", "--query", "length(Contents)")
    return int(out.stdout or 0)


def check(server, acknowledged, work):
    seen, missing = wait_for_files(server, acknowledged, work)
    if missing:
        raise SystemExit(f"kill9: {len(missing)} acknowledged events are in no log file, e.g. {sorted(missing)[:3]}")
    twice = [one for one, count in seen.items() if count > 1]
    if twice:
        raise SystemExit(f"kill9: {len(twice)} events are in several log files, e.g. {twice[:3]}")
    before = digests(server)
    if server.aws("cloudtrail", "stop-logging", "--name", "crash").returncode != 0:
        raise SystemExit("kill9: stop-logging failed")
    end = time.monotonic() + 60
    while digests(server) == before and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(3)  # a digest interval: the final digest may follow a regular one
    valid = server.aws("cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time",
                       time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 86400)))
    if valid.returncode != 0 or "INVALID" in valid.stdout or "log files valid" not in valid.stdout:
        raise SystemExit(f"kill9: validate-logs: {valid.stdout}{valid.stderr}")
    verify = subprocess.run([server.binary, "verify", f"s3://{BUCKET}", "--data", str(server.directory),
                             "--output", "json"], capture_output=True, text=True, check=False)
    if verify.returncode != 0 or not json.loads(verify.stdout)["valid"]:
        raise SystemExit(f"kill9: traccia verify: {verify.stdout[:3000]}{verify.stderr}")
    print(valid.stdout.strip().splitlines()[-2:], flush=True)


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
        for command in (["s3", "mb", f"s3://{BUCKET}"],
                        ["cloudtrail", "create-trail", "--name", "crash", "--s3-bucket-name", BUCKET,
                         "--enable-log-file-validation"],
                        ["cloudtrail", "start-logging", "--name", "crash"]):
            done = server.aws(*command)
            if done.returncode != 0:
                raise SystemExit(f"kill9: {' '.join(command)}: {done.stderr}")
        token = subprocess.run([server.binary, "token", "create", "--data", str(server.directory)],
                               check=True, capture_output=True, text=True).stdout.strip()
        acknowledged = set()
        for number in range(args.rounds):
            one_round(server, token, acknowledged, rng)
            if (number + 1) % 20 == 0:
                print(f"kill9: {number + 1} rounds, {len(acknowledged)} events acknowledged", flush=True)
        check(server, acknowledged, work)
        server.stop()
        print(f"kill9: {args.rounds} rounds, {len(acknowledged)} acknowledged events, each in exactly one "
              "log file; validate-logs and traccia verify agree: valid")
    return 0


if __name__ == "__main__":
    sys.exit(main())
