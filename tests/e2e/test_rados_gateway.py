"""Trails whose buckets live on a real Ceph RADOS gateway.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import gzip
import json
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
import botocore.config

import harness
from harness import ACCOUNT, Server, ServerCase, wait_until
from rados_gateway import RadosGateway

OWNER = ("OWNERKEY", "ownersecret")
STRANGER = ("STRANGERKEY", "strangersecret")
PROBE_LIMIT = 30
REFUSED = "InsufficientS3BucketPolicyException"


class Wire:
    """Passes connections on to an endpoint, until it swallows what it hears."""

    def __init__(self, endpoint):
        self._port = int(endpoint.rsplit(":", 1)[1])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hangs = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near = self._listener.accept()[0]
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        try:
            with near, socket.create_connection(("127.0.0.1", self._port)) as far:
                self._pass_on(near, far)
        except OSError:
            pass  # one of them is gone, and so is the connection

    def _pass_on(self, near, far):
        while True:
            for side in select.select([near, far], [], [])[0]:
                data = side.recv(1 << 16)
                if not data:
                    return
                if not self.hangs:
                    (far if side is near else near).sendall(data)


class OnRadosGateway(ServerCase):
    """One cluster, one server whose configuration names the gateway's buckets."""

    @classmethod
    def setUpClass(cls):
        cls.gateway = RadosGateway()
        cls.gateway.__enter__()
        cls.addClassCleanup(cls.gateway.__exit__, None, None, None)
        cls.gateway.add_user("owner", *OWNER)
        cls.gateway.add_user("stranger", *STRANGER)
        cls.far = cls.client_of(OWNER)
        for bucket in ("plain-logs", "versioned-logs", "tampered-logs", "one-logs", "two-logs"):
            cls.far.create_bucket(Bucket=bucket)
        cls.far.put_bucket_versioning(Bucket="versioned-logs",
                                      VersioningConfiguration={"Status": "Enabled"})
        cls.client_of(STRANGER).create_bucket(Bucket="foreign-logs")
        cls.wire = Wire(cls.gateway.endpoint)
        cls.server = Server()
        cls.server.options += ["--config", str(cls.write_configuration())]
        cls.server.__enter__()
        cls.addClassCleanup(cls._leave)
        cls.s3 = cls.server.client("s3")
        cls.trail = cls.server.client("cloudtrail")
        # validate-logs has one key for the trail and for the bucket.
        cls.gateway.add_key("owner", cls.server.key_id, cls.server.secret)

    @classmethod
    def client_of(cls, key):
        return boto3.client("s3", endpoint_url=cls.gateway.endpoint, aws_access_key_id=key[0],
                            aws_secret_access_key=key[1], region_name="us-east-1",
                            config=botocore.config.Config(s3={"addressing_style": "path"}))

    @classmethod
    def write_configuration(cls):
        folder = cls.server.folder
        credentials = folder / "rgw.ini"
        credentials.write_text(f"[owner]\naws_access_key_id = {OWNER[0]}\n"
                               f"aws_secret_access_key = {OWNER[1]}\n")
        credentials.chmod(0o600)
        buckets = {name: cls.gateway.endpoint for name in (
            "plain-logs", "versioned-logs", "tampered-logs", "foreign-logs", "missing-logs")}
        buckets |= {name: cls.wire.endpoint for name in ("one-logs", "two-logs")}
        path = folder / "traccia.toml"
        path.write_text("".join(
            f'[outside-buckets.{name}]\nendpoint = "{endpoint}"\naccounts = ["{ACCOUNT}"]\n'
            f'credentials-file = "{credentials}"\nprofile = "owner"\ntimeout = "5s"\n'
            for name, endpoint in buckets.items()))
        return path

    def health(self):
        with urllib.request.urlopen(self.server.endpoint + "/healthz", timeout=10) as answer:
            return json.load(answer)["outsideBuckets"]

    def keys(self, bucket, folder="CloudTrail", region="us-east-1"):
        pages = self.far.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"AWSLogs/{ACCOUNT}/{folder}/{region}/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def records(self, bucket):
        out = []
        for key in self.keys(bucket):
            body = self.far.get_object(Bucket=bucket, Key=key)["Body"].read()
            out += json.loads(gzip.decompress(body))["Records"]
        return out

    def start_trail(self, name, bucket):
        self.trail.create_trail(Name=name, S3BucketName=bucket, EnableLogFileValidation=True)
        # By then the server may have another port.
        self.addCleanup(lambda: self.trail.delete_trail(Name=name))
        self.trail.start_logging(Name=name)

    def send_events(self, mark, count):
        """Events of their own; their names."""
        names = [f"{mark}{i}" for i in range(count)]
        lines = [json.dumps({"eventTime": harness.now_text(), "eventSource": "test.example.com",
                             "eventName": name, "awsRegion": "us-east-1"}) for name in names]
        answer = self.server.post_events("\n".join(lines).encode())
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["accepted"], count)
        return names

    def named(self, bucket, mark):
        return sorted(r["eventName"] for r in self.records(bucket)
                      if r["eventName"].startswith(mark))

    def wait_delivered(self, bucket, mark, names):
        """Each once."""
        wait_until(lambda: len(self.named(bucket, mark)) >= len(names), what="the deliveries")
        self.assertEqual(self.named(bucket, mark), sorted(names))

    def verify(self, bucket):
        return self.server.traccia("verify", f"s3://{bucket}", "--bucket-endpoint",
                                   self.gateway.endpoint, "--output", "json")


class Stores(OnRadosGateway):
    def test_probes(self):
        """What the gateway makes of If-None-Match depends on the bucket's versioning."""
        # Other tests take the gateway away and bring it back.
        wait_until(lambda: self.health()["plain-logs"]["conditionalPut"] == "honoured", PROBE_LIMIT)
        wait_until(lambda: "AccessDenied" in self.health()["foreign-logs"].get("error", ""),
                   PROBE_LIMIT)
        wait_until(lambda: self.health()["versioned-logs"]["conditionalPut"] == "ignored",
                   PROBE_LIMIT)
        wait_until(lambda: "NoSuchBucket" in self.health()["missing-logs"].get("error", ""),
                   PROBE_LIMIT)
        found = self.health()
        self.assertNotIn("error", found["plain-logs"])
        self.assertIn("s3:PutObject", found["foreign-logs"]["error"])
        wait_until(lambda: "does not honour If-None-Match" in self.server.log(), PROBE_LIMIT)
        self.assertNotIn(OWNER[1], self.server.log())
        with urllib.request.urlopen(self.server.endpoint + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        self.assertIn('traccia_outside_bucket_conditional_put{bucket="plain-logs"} 1', text)
        self.assertIn('traccia_outside_bucket_sound{bucket="missing-logs"} 0', text)

    def test_create_trail(self):
        self.fails("S3BucketDoesNotExistException", self.trail.create_trail, Name="lost",
                   S3BucketName="missing-logs",
                   message="S3 bucket missing-logs does not exist!")
        self.fails(REFUSED, self.trail.create_trail, Name="lost", S3BucketName="foreign-logs",
                   message="Incorrect S3 bucket policy is detected for bucket: foreign-logs")
        self.fails("BucketAlreadyExists", self.s3.create_bucket, Bucket="plain-logs")
        tenant = self.server.account("tenant", "444455556666")
        theirs = self.server.client_of(tenant, "cloudtrail")
        self.fails(REFUSED, theirs.create_trail, Name="theirs", S3BucketName="plain-logs")
        self.assertEqual(self.trail.list_trails()["Trails"], [])

    def test_files_and_digests(self):
        """The files are what AWS's tools and ours take for valid."""
        bucket = "tampered-logs"
        self.start_trail("whole", bucket)
        names = self.send_events("Whole", 20)
        self.wait_delivered(bucket, "Whole", names)
        key = self.keys(bucket)[0]
        head = self.far.head_object(Bucket=bucket, Key=key)
        self.assertEqual(head["ContentType"], "application/json")
        self.assertEqual(head["ContentEncoding"], "gzip")
        digests = wait_until(lambda: self.keys(bucket, "CloudTrail-Digest"), what="a digest")
        metadata = self.far.head_object(Bucket=bucket, Key=digests[-1])["Metadata"]
        self.assertEqual(metadata["signature-algorithm"], "SHA256withRSA")
        self.assertEqual(len(metadata["signature"]), 512)
        self.assertEqual(self.trail.get_trail_status(Name="whole").get("LatestDeliveryError"), None)

        def listed():
            """Once a digest lists a file there is something to validate."""
            body = self.far.get_object(Bucket=bucket, Key=self.keys(bucket, "CloudTrail-Digest")[-1])
            return json.loads(gzip.decompress(body["Body"].read()))["previousDigestS3Object"]
        wait_until(listed, what="a second digest")
        self.trail.stop_logging(Name="whole")
        report = self.verify(bucket)
        self.assertEqual(report.returncode, 0, report.stdout + report.stderr)
        # The bucket's key may be another one than the server's.
        env = self.server.env | {"AWS_SHARED_CREDENTIALS_FILE": str(self.server.folder / "rgw.ini")}
        report = harness.traccia("verify", f"s3://{bucket}", "--bucket-endpoint",
                                 self.gateway.endpoint, "--bucket-profile", "owner", env=env)
        self.assertEqual(report.returncode, 0, report.stdout + report.stderr)
        start = (datetime.datetime.now(datetime.timezone.utc)
                 - datetime.timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
        env = self.server.env | {"AWS_ENDPOINT_URL_S3": self.gateway.endpoint}
        told = subprocess.run(
            [sys.executable, "-m", "awscli", "cloudtrail", "validate-logs", "--trail-arn",
             f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/whole", "--start-time", start,
             "--region", "us-east-1"], env=env, capture_output=True, text=True, timeout=120,
            check=False)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertRegex(told.stdout, r"(\d+)/\1 digest files valid")
        self.far.put_object(Bucket=bucket, Key=key, Body=b"tampered")
        report = self.verify(bucket)
        self.assertEqual(report.returncode, 1, report.stdout)
        self.assertIn(key.encode(), report.stdout)

    def test_outage(self):
        """The gateway goes away, the server crashes, both come back: nothing is lost or twice."""
        for bucket in ("plain-logs", "versioned-logs"):
            with self.subTest(bucket):
                self.outage(bucket, "out-" + bucket.split("-", maxsplit=1)[0])

    def outage(self, bucket, name):
        mark = name.replace("-", "")
        self.start_trail(name, bucket)
        names = self.send_events(mark, 10)
        self.wait_delivered(bucket, mark, names)
        self.gateway.stop_gateway()
        try:
            names += self.send_events(mark + "Later", 10)
            wait_until(lambda: self.trail.get_trail_status(Name=name).get("LatestDeliveryError")
                       == "EndpointConnectionError", what="the outage to be told")
            self.server.kill9()
            self.server.start()
            self.__class__.trail = self.server.client("cloudtrail")
            names += self.send_events(mark + "Again", 10)
        finally:
            self.gateway.start_gateway()
        self.wait_delivered(bucket, mark, names)
        wait_until(lambda: "LatestDeliveryError" not in self.trail.get_trail_status(Name=name))

    def test_taken_keys(self):
        """Somebody else's object is never replaced, whatever the store makes of the condition."""
        for bucket in ("plain-logs", "versioned-logs"):
            with self.subTest(bucket):
                self.taken(bucket, "taken-" + bucket.split("-", maxsplit=1)[0])

    def taken(self, bucket, name):
        now = datetime.datetime.now(datetime.timezone.utc)
        keys = []
        for second in range(60):
            end = now + datetime.timedelta(seconds=second)
            keys.append(f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/{end:%Y/%m/%d}/{ACCOUNT}"
                        f"_CloudTrail-Digest_us-east-1_{name}_us-east-1_{end:%Y%m%dT%H%M%SZ}"
                        ".json.gz")
            self.far.put_object(Bucket=bucket, Key=keys[-1], Body=b"theirs")
        self.start_trail(name, bucket)
        wait_until(lambda: self.trail.get_trail_status(Name=name).get("LatestDigestDeliveryError")
                   == "ObjectAlreadyExistsWithOtherContent", what="the digest to be refused")
        for key in keys:
            body = self.far.get_object(Bucket=bucket, Key=key)["Body"].read()
            self.assertEqual(body, b"theirs")
        for key in keys:
            self.far.delete_object(Bucket=bucket, Key=key)
        wait_until(lambda: "LatestDigestDeliveryError"
                   not in self.trail.get_trail_status(Name=name), what="the digest's delivery")

    def test_hanging_stores(self):
        """Two stores that hear and say nothing hold up neither a third nor the end."""
        for name, bucket in (("one", "one-logs"), ("two", "two-logs"), ("free", "plain-logs")):
            self.start_trail(name, bucket)
        self.wire.hangs = True
        try:
            names = []
            for i in range(5):
                names += self.send_events(f"Hang{i}", 5)
                time.sleep(1)
            began = time.monotonic()
            self.wait_delivered("plain-logs", "Hang", names)
            self.assertLess(time.monotonic() - began, 10)
            self.fails("ServiceUnavailableException", self.trail.update_trail, Name="one",
                       S3KeyPrefix="other")
            began = time.monotonic()
            self.server.stop()
            self.assertLess(time.monotonic() - began, 10)
        finally:
            self.wire.hangs = False
            if self.server.process is None:
                self.server.start()
                self.__class__.trail = self.server.client("cloudtrail")
        for bucket in ("one-logs", "two-logs"):
            self.wait_delivered(bucket, "Hang", names)


if __name__ == "__main__":
    harness.main()
