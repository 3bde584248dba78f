"""A Traccia server of its own for a run, and the load for it. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

from harness import process

BUCKET = "bench-trail-bucket"
TRAIL = "bench"
ARN = f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{TRAIL}"
LANDING_SECONDS_MAX = 1800


class Server:
    """Durability as always: an answer only after fdatasync. One trail takes everything, with log-file
    validation; history on. Files and digests close often, so that landing does not mean waiting."""

    def __init__(self, build, work, name="server"):
        self.build, self.data, self.work, self.name = build, work / name, work, name
        self.process, self.endpoint, self.port = None, None, None
        self.start()
        self.env = self.client_environment()
        self.token = self.traccia("token", "create", "--data", str(self.data)).strip()

    def start(self):
        (self.data / "endpoint").unlink(missing_ok=True)
        with open(self.work / f"{self.name}.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [str(self.build / "traccia"), "serve", "--data", str(self.data), "--listen", "127.0.0.1:0",
                 "--regions", "us-east-1", "--delivery-interval", "1s", "--digest-interval", "5s"], stderr=log)
        while not (self.data / "endpoint").exists():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the server did not start: {self.log_tail()}")
            time.sleep(0.001)
        self.endpoint = (self.data / "endpoint").read_text().strip()
        self.port = self.endpoint.rsplit(":", 1)[1]

    def log_tail(self):
        return (self.work / f"{self.name}.log").read_text()[-2000:]

    def client_environment(self):
        env = dict(os.environ, AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent")
        for line in self.traccia("env", "--data", str(self.data)).splitlines():
            if line.startswith("export "):
                name, value = line[len("export "):].split("=", 1)
                env[name] = value
        return env

    def traccia(self, *args):
        return subprocess.run([str(self.build / "traccia"), *args], check=True, capture_output=True, text=True).stdout

    def aws(self, *args, check=True):
        return subprocess.run([sys.executable, "-m", "awscli", *args], env=self.env, check=check,
                              capture_output=True, text=True)

    def create_trail(self):
        self.aws("s3", "mb", f"s3://{BUCKET}")
        policy = self.traccia("bucket-policy", BUCKET, "--data", str(self.data), "--trail", TRAIL)
        self.aws("s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", policy)
        self.aws("cloudtrail", "create-trail", "--name", TRAIL, "--s3-bucket-name", BUCKET,
                 "--enable-log-file-validation")
        self.aws("cloudtrail", "start-logging", "--name", TRAIL)

    def load(self, command, signer=None, **options):
        """Runs traccia_load against this server; its report, with `ok` for a run without complaints.
        Events go with the token, or are signed by `signer`, an environment of create_user()."""
        args = ["--port", self.port]
        if signer is not None:
            args.append("--sign")
        elif command in ("events", "freshness"):
            args += ["--token", self.token]
        return run_load(self.build, command, *args, env=signer or self.env, **options)

    def create_user(self, name, policy):
        """A user whose only policy this is; the environment in which clients are this user."""
        self.aws("iam", "create-user", "--user-name", name)
        self.aws("iam", "put-user-policy", "--user-name", name, "--policy-name", "p",
                 "--policy-document", json.dumps(policy))
        key = json.loads(self.aws("iam", "create-access-key", "--user-name", name, "--output", "json").stdout)["AccessKey"]
        return dict(self.env, AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])

    def metrics(self):
        with urllib.request.urlopen(f"{self.endpoint}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        values = {}
        for line in lines:
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def behind(self):
        """What history and delivery have not taken in, and files not delivered yet."""
        return {name: value for name, value in self.metrics().items()
                if name.startswith(("traccia_sink_behind_bytes", "traccia_delivery_files_pending"))}

    def wait_landed(self, limit=LANDING_SECONDS_MAX):
        """Seconds until history and delivery have taken everything in and no file is pending."""
        start = time.monotonic()
        while time.monotonic() - start < limit:
            if all(value == 0 for value in self.behind().values()):
                return time.monotonic() - start
            time.sleep(0.02)
        raise SystemExit(f"bench: the sinks did not catch up: {self.behind()} {self.log_tail()}")

    def history_bytes(self):
        return process.bytes_on_disk(self.data / "history")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()


def run_load(build, command, *args, env=None, background=False, **options):
    """`seconds=5` becomes --seconds 5; `positional` goes last."""
    line = [str(build / "traccia_load"), command, *args]
    for name, value in options.items():
        if name != "positional":
            line += [f"--{name.replace('_', '-')}", str(value)]
    if "positional" in options:
        line.append(str(options["positional"]))
    started = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    return started if background else finish_load(started)


def finish_load(started):
    out, complaint = started.communicate()
    if started.returncode not in (0, 1) or not out.strip():
        raise SystemExit(f"bench: {' '.join(started.args[:2])} failed: {complaint}")
    report = json.loads(out.splitlines()[-1])
    report["ok"] = started.returncode == 0
    if complaint:
        report["complaint"] = complaint[:500]
    return report
