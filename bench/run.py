"""First figures: events acknowledged and delivered a second, verification against the AWS CLI.

Everything in one run on one machine, durability on. SPDX-License-Identifier: Apache-2.0
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUCKET = "bench-trail-bucket"
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/bench"


class Server:
    def __init__(self, binary, work):
        self.binary, self.data = str(binary), work / "data"
        self.log = open(work / "server.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", "--regions", "us-east-1",
             "--delivery-interval", "1s", "--digest-interval", "5s"], stderr=self.log)
        while not (self.data / "endpoint").exists():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the server did not start, see {work}/server.log")
            time.sleep(0.05)
        self.endpoint = (self.data / "endpoint").read_text().strip()
        self.port = self.endpoint.rsplit(":", 1)[1]
        out = self.traccia("env", "--data", str(self.data))
        self.env = dict(os.environ, PATH=f"{ROOT}/build/python/bin:{os.environ['PATH']}",
                        AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent")
        for line in out.splitlines():
            if line.startswith("export "):
                name, value = line[len("export "):].split("=", 1)
                self.env[name] = value
        self.token = self.traccia("token", "create", "--data", str(self.data)).strip()

    def traccia(self, *args):
        return subprocess.run([self.binary, *args], check=True, capture_output=True, text=True).stdout

    def aws(self, *args, check=True):
        return subprocess.run(["aws", *args], env=self.env, check=check, capture_output=True, text=True)


def disk_syncs(work):
    """fdatasync of 4 KiB appends a second, on the disk that holds the data."""
    with open(work / "sync.probe", "wb", buffering=0) as probe:
        start, count = time.monotonic(), 0
        while time.monotonic() - start < 1.0:
            probe.write(b"x" * 4096)
            os.fdatasync(probe.fileno())
            count += 1
        return count / (time.monotonic() - start)


def load(build, server, connections, batch, seconds, seed):
    """Closed loop; the generator's report."""
    out = subprocess.run([str(build / "traccia_load"), "events", "--port", server.port, "--token", server.token,
                          "--connections", str(connections), "--batch", str(batch), "--seconds", str(seconds),
                          "--seed", str(seed)], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def behind(server):
    out = subprocess.run(["curl", "-fsS", f"{server.endpoint}/metrics"], check=True, capture_output=True, text=True).stdout
    values = {}
    for line in out.splitlines():
        if line.startswith(("traccia_sink_behind_bytes", "traccia_delivery_files_pending")):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def wait_landed(server, limit=600):
    """Seconds until history and delivery have taken everything in and no file is pending."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        if all(value == 0 for value in behind(server).values()):
            return time.monotonic() - start
        time.sleep(0.05)
    raise SystemExit("bench: the sinks did not catch up")


def verification(server):
    server.aws("cloudtrail", "stop-logging", "--name", "bench")
    time.sleep(12)  # the final digest, with room
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    start = time.monotonic()
    cli = server.aws("cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time", since, check=False)
    cli_seconds = time.monotonic() - start
    start = time.monotonic()
    ours = subprocess.run([server.binary, "verify", f"s3://{BUCKET}", "--data", str(server.data), "--output", "json"],
                          capture_output=True, text=True, check=False)
    our_seconds = time.monotonic() - start
    report = json.loads(ours.stdout)
    if cli.returncode != 0 or not report["valid"]:
        raise SystemExit(f"bench: not valid: {cli.stdout}{cli.stderr}{ours.stdout[:2000]}")
    return {"validate_logs_seconds": cli_seconds, "traccia_verify_seconds": our_seconds,
            "ratio": cli_seconds / our_seconds, "log_bytes": report["logBytes"],
            "verify_bytes_per_second": report["logBytes"] / our_seconds, "log_files": report["logs"]["valid"]}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit,
            "load_before": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    build = pathlib.Path(args.build).resolve()
    results = {"date": datetime.date.today().isoformat(), "machine": machine(), "durability": "fdatasync per commit group"}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        results["fdatasync_per_second"] = disk_syncs(work)
        server = Server(build / "traccia", work)
        server.aws("s3", "mb", f"s3://{BUCKET}")
        server.aws("cloudtrail", "create-trail", "--name", "bench", "--s3-bucket-name", BUCKET,
                   "--enable-log-file-validation")
        server.aws("cloudtrail", "start-logging", "--name", "bench")
        bulk = load(build, server, 4, 1000, args.seconds, 1)
        lag = wait_landed(server)
        results["bulk"] = dict(bulk, acknowledged_per_second=bulk["events"] / bulk["seconds"],
                               landed_per_second=bulk["events"] / (bulk["seconds"] + lag), catch_up_seconds=lag)
        single = load(build, server, 64, 1, args.seconds, 2)
        lag = wait_landed(server)
        results["single"] = dict(single, requests_per_second=single["requests"] / single["seconds"],
                                 landed_per_second=single["events"] / (single["seconds"] + lag), catch_up_seconds=lag)
        results["verification"] = verification(server)
        server.process.terminate()
        server.process.wait(60)
    out = ROOT / "bench" / "results" / f"{results['date']}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    bulk, single, check = results["bulk"], results["single"], results["verification"]
    print(f"fdatasync                 {results['fdatasync_per_second']:>12,.0f} /s")
    print(f"bulk acknowledged         {bulk['acknowledged_per_second']:>12,.0f} events/s")
    print(f"bulk landed (all sinks)   {bulk['landed_per_second']:>12,.0f} events/s")
    print(f"single, 64 connections    {single['requests_per_second']:>12,.0f} requests/s  "
          f"p50 {single['latency_us']['p50']:.0f} us  p99 {single['latency_us']['p99']:.0f} us")
    print(f"traccia verify            {check['verify_bytes_per_second'] / 1e6:>12,.0f} MB/s of log")
    print(f"validate-logs / verify    {check['ratio']:>12,.1f} times the time, same bucket")
    print(f"written: {out.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
