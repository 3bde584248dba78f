"""Starts a Traccia server on a free port for a test and gives it real AWS clients.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import datetime
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import urllib.error
import urllib.parse
import urllib.request

# The client's library in C signs and sums in place of botocore's own code: only for tests that ask.
os.environ.setdefault("BOTO_DISABLE_CRT", "true")

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ACCOUNT = "111122223333"
START_LIMIT = 60
STOP_LIMIT = 60
DELIVERY_LIMIT = 60
_POLL_SECONDS = 0.1

binary = ROOT / "build" / "dev" / "traccia"


def wait_until(predicate, limit=DELIVERY_LIMIT, what=None):
    """Polls until the predicate gives something true, and returns that; fails after `limit` s."""
    end = time.monotonic() + limit
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"gave up after {limit} s waiting for {what or predicate}")
        time.sleep(_POLL_SECONDS)


def now_text(delta_seconds=0):
    """UTC in CloudTrail's form, `delta_seconds` from now."""
    when = datetime.datetime.now(datetime.timezone.utc)
    when += datetime.timedelta(seconds=delta_seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def clean_environment():
    """The caller's environment without anything that configures an AWS client."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("AWS_", "BOTO_")) and k.lower() not in ("http_proxy", "https_proxy",
                                                                        "all_proxy", "no_proxy")}
    env.update(AWS_CONFIG_FILE="/nonexistent/config",
               AWS_SHARED_CREDENTIALS_FILE="/nonexistent/credentials",
               BOTO_CONFIG="/nonexistent/boto", AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
               BOTO_DISABLE_CRT=os.environ["BOTO_DISABLE_CRT"], AWS_RETRY_MODE="standard", AWS_MAX_ATTEMPTS="1", PYTHONUTF8="1", LC_ALL="C.UTF-8")
    return env


def traccia(*args, env=None, input_bytes=None, limit=60):
    """Runs the program; stdout and stderr are bytes."""
    return subprocess.run([str(binary), *map(str, args)], env=env or clean_environment(),
                          input=input_bytes, capture_output=True, timeout=limit, check=False)


def any_trail_policy(bucket):
    """Any trail of the account may deliver to the bucket, under any prefix."""
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        allow | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}",
                 "Condition": source},
        allow | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
                 "Condition": source | {"StringEquals": {
                     "s3:x-amz-acl": "bucket-owner-full-control"}}}]})


class Answer:
    """What came back for a raw request."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


def send(url, method="GET", body=b"", headers=None):
    """One request as it is: no header is added but Host and Content-Length."""
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, target, body=body or None, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


class CliError(Exception):
    """An AWS CLI command that failed; `text` is its stderr."""

    def __init__(self, args, code, text):
        super().__init__(f"aws {' '.join(args)}: exit {code}: {text}")
        self.code = code
        self.text = text.strip()


class Server:
    """A server on its own data directory. As a context manager: started, stopped, removed."""

    def __init__(self, *options, regions="us-east-1,eu-south-1", delivery="1s", digest="3s"):
        self._folder = tempfile.TemporaryDirectory(prefix="traccia-e2e-")
        self.folder = pathlib.Path(self._folder.name)
        self.data = self.folder / "data"
        self.log_path = self.folder / "server.log"
        self.options = ["--delivery-interval", delivery, "--digest-interval", digest,
                        "--regions", regions, *options]
        self.process = None
        self.endpoint = None
        self.env = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            if self.process is not None and kind is None:
                self.stop()
        finally:
            self._discard()

    def _discard(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self._folder.cleanup()

    def command(self, listen="127.0.0.1:0"):
        return [str(binary), "serve", "--data", str(self.data), "--listen", listen, *self.options]

    def start(self):
        assert self.process is None, "the server runs"
        (self.data / "endpoint").unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=clean_environment())
        wait_until(self._ready, START_LIMIT, "the server to be ready")
        self.env = self._environment()
        self.endpoint = self.env["AWS_ENDPOINT_URL"]

    def _ready(self):
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise AssertionError(f"serve exited {code} at its start:\n{self.log()[-3000:]}")
        file = self.data / "endpoint"
        if not file.exists() or not file.read_text().strip():
            return False
        address = file.read_text().strip()
        url = address if "://" in address else "http://" + address
        try:
            with urllib.request.urlopen(url + "/healthz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _environment(self):
        result = traccia("env", "--data", self.data)
        assert result.returncode == 0, result.stderr
        env = clean_environment()
        for line in result.stdout.decode().splitlines():
            if line.startswith("export "):
                name, value = line.removeprefix("export ").split("=", 1)
                env[name] = value.strip("'\"")
        return env

    def stop(self):
        """SIGTERM; a graceful stop exits 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "killed: it did not stop"
        self.process = None
        assert code == 0, f"serve ended with {code} on SIGTERM:\n{self.log()[-3000:]}"

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        """Stops when running, then starts on the same directory (another port may be taken)."""
        if self.process is not None:
            self.stop()
        self.start()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def traccia(self, *args, **options):
        """Runs a client command in the server's environment."""
        return traccia(*args, env=self.env, **options)

    def aws_raw(self, *args, region=None):
        """The real AWS CLI; the finished process with text output."""
        # validate-logs takes the region whose chain it walks from this option alone.
        chosen = ["--region", region] if region is not None else []
        return subprocess.run([sys.executable, "-m", "awscli", *args, *chosen], env=self.env,
                              text=True, capture_output=True, timeout=120, check=False)

    def aws(self, *args, region=None):
        """The real AWS CLI; its JSON output, or CliError."""
        result = self.aws_raw(*args, "--output", "json", region=region)
        if result.returncode != 0:
            raise CliError(args, result.returncode, result.stderr)
        return json.loads(result.stdout) if result.stdout.strip() else {}

    @property
    def key_id(self):
        return self.env["AWS_ACCESS_KEY_ID"]

    @property
    def secret(self):
        return self.env["AWS_SECRET_ACCESS_KEY"]

    def client(self, service, region="us-east-1", key_id=None, secret=None, **config):
        """A boto3 client that sees nothing of the user's configuration and never retries."""
        config.setdefault("retries", {"total_max_attempts": 1})
        config.setdefault("read_timeout", 60)
        if service == "s3":
            config.setdefault("s3", {"addressing_style": "path"})
        session = boto3.session.Session(aws_access_key_id=key_id or self.key_id,
                                        aws_secret_access_key=secret or self.secret,
                                        region_name=region)
        return session.client(service, endpoint_url=self.endpoint,
                              config=botocore.config.Config(**config))

    def sign(self, method, target, body=b"", headers=None, service="s3", region="us-east-1",
             key_id=None, secret=None, session=None, at=None, host=None):
        """botocore's signature over a request; its headers. `at` is the signer's clock."""
        where = f"http://{host}" if host else self.endpoint
        request = botocore.awsrequest.AWSRequest(method=method, url=where + target, data=body,
                                                 headers=dict(headers or {}))
        credentials = botocore.credentials.Credentials(key_id or self.key_id,
                                                       secret or self.secret, session)
        kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        at = at or datetime.datetime.now(datetime.timezone.utc)
        with unittest.mock.patch("botocore.auth.get_current_datetime", return_value=at):
            kind(credentials, service, region).add_auth(request)
        return dict(request.headers.items()) | ({"Host": host} if host else {})

    def signed(self, method, target, body=b"", headers=None, sent_body=None, **signing):
        """Signs and sends; `sent_body` goes out instead of what was signed."""
        signed = self.sign(method, target, body, headers, **signing)
        return send(self.endpoint + target, method, body if sent_body is None else sent_body,
                    signed)

    def post_events(self, body, token=None, headers=None, **signing):
        """POST /v1/events with a bearer token, or signed for the service traccia."""
        headers = {"Content-Type": "application/x-ndjson"} | (headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
            return send(self.endpoint + "/v1/events", "POST", body, headers)
        return self.signed("POST", "/v1/events", body, headers,
                           **({"service": "traccia"} | signing))

    def trail_bucket(self, bucket, *trails, region="us-east-1", prefix=""):
        """A bucket (of us-east-1, made when it is not there) that takes the deliveries of these
        trails, by name or ARN, under the policy that the product prints; without names, of any
        trail of the account."""
        if trails:
            named = [word for trail in trails for word in ("--trail", trail)]
            result = self.traccia("bucket-policy", bucket, "--region", region, "--prefix", prefix,
                                  *named)
            assert result.returncode == 0, result.stderr
            policy = result.stdout.decode()
        else:
            policy = any_trail_policy(bucket)
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        return policy

    def trail_without_bucket(self, name, bucket):
        """A trail that logs, and whose bucket exists no more: delivery needs the log."""
        s3, trail = self.client("s3"), self.client("cloudtrail")
        self.trail_bucket(bucket, name)
        trail.create_trail(Name=name, S3BucketName=bucket)
        trail.start_logging(Name=name)

        def deleted():
            for key in self.keys(bucket):
                s3.delete_object(Bucket=bucket, Key=key)
            try:
                s3.delete_bucket(Bucket=bucket)
            except s3.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "BucketNotEmpty":
                    raise
                return False
            return True
        wait_until(deleted, what="the bucket to be deleted")

    def connect(self):
        """A plain TCP connection to the server."""
        parts = urllib.parse.urlsplit(self.endpoint)
        return socket.create_connection((parts.hostname, parts.port), timeout=60)

    def token(self, *args):
        result = self.traccia("token", "create", "--data", self.data, *args)
        assert result.returncode == 0, result.stderr
        return result.stdout.decode().strip()

    def account(self, name, account_id=None):
        """A further account; what `account create` tells of it, with its administrator's key."""
        chosen = ["--account-id", account_id] if account_id else []
        result = self.traccia("account", "create", "--name", name, "--email",
                              f"{name}@accounts.example", *chosen, "--output", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def client_of(self, account, service, region="us-east-1", **config):
        """A client with the key that account() gave."""
        return self.client(service, region, key_id=account["AccessKeyId"],
                           secret=account["SecretAccessKey"], **config)

    def keys(self, bucket, prefix=""):
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket,
                                                                            Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def log_keys(self, bucket, region="us-east-1", account=ACCOUNT, prefix=""):
        return [k for k in self.keys(bucket, f"{prefix}AWSLogs/{account}/CloudTrail/{region}/")
                if k.endswith(".json.gz")]

    def digest_keys(self, bucket, region="us-east-1", account=ACCOUNT, prefix=""):
        folder = f"{prefix}AWSLogs/{account}/CloudTrail-Digest/{region}/"
        return [k for k in self.keys(bucket, folder) if k.endswith(".json.gz")]

    def delivered(self, bucket, region="us-east-1", account=ACCOUNT, prefix=""):
        """Every record in the region's log files, in key order."""
        s3 = self.client("s3")
        records = []
        for key in self.log_keys(bucket, region, account, prefix):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            records += json.loads(gzip.decompress(body))["Records"]
        return records

    def lookup(self, name, region="us-east-1"):
        """Event history's records of one event name."""
        pages = self.client("cloudtrail", region).get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
        return [json.loads(e["CloudTrailEvent"]) for page in pages for e in page["Events"]]


class ServerCase(unittest.TestCase):
    """A test case whose tests share one server."""

    server_options = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(**cls.server_options)
        cls.server.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.s3 = cls.server.client("s3")
        cls.trail = cls.server.client("cloudtrail")

    @classmethod
    def _leave(cls):
        cls.server.__exit__(None, None, None)

    def fails(self, code, call, message=None, **arguments):
        """The boto3 call fails with just this error; returns the error's answer."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code, answer["Error"].get("Message"))
        if message is not None:
            self.assertEqual(answer["Error"]["Message"], message)
        return answer


def main():
    """Runs the calling test file: [--binary PATH] and unittest's own arguments."""
    global binary
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--binary", type=pathlib.Path, default=binary)
    known, rest = parser.parse_known_args()
    binary = known.binary.resolve()
    if not binary.exists():
        sys.exit(f"{binary}: no such program; build it, or say --binary PATH")
    unittest.main(module="__main__", argv=[sys.argv[0], "-v", *rest])
