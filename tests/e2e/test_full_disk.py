"""A server whose data lies on a small file system that fills up: it refuses events before the disk is
full and says why, what manages it goes on and is recorded, it starts again on the full disk, and with
room it takes events again. Nothing that was acknowledged is lost.

Needs the right to mount a tmpfs; skipped without. SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import os
import pathlib
import random
import subprocess
import tempfile
import unittest
import uuid

import harness
from harness import ACCOUNT, Server, now_text, send, wait_until

BUCKET = "away"
KEPT_FREE = 1 << 30   # the server's reserve
FIRST_ROOM = 160 << 20
RECORD_PAD = 100_000  # random bytes a record, as hexadecimal text
RECORDS_PER_BATCH = 10
BATCHES_MAX = 1000
SEED = 20261101


class SmallDisk:
    """A tmpfs, or unittest.SkipTest."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="traccia-small-disk-"))
        done = self.mount("-t", "tmpfs", "-o", f"size={KEPT_FREE + FIRST_ROOM}", "tmpfs")
        if done.returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest(f"cannot mount a tmpfs: {done.stderr.strip()}")
        return self

    def mount(self, *args):
        try:
            return subprocess.run(["mount", *args, str(self.path)], capture_output=True, text=True,
                                  check=False)
        except OSError as error:
            return subprocess.CompletedProcess(args, 1, "", str(error))

    def grow(self, size):
        done = self.mount("-o", f"remount,size={size}")
        assert done.returncode == 0, done.stderr

    def free(self):
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def __exit__(self, kind, value, trace):
        subprocess.run(["umount", str(self.path)], check=False)
        self.path.rmdir()


class FullServer(Server):
    """Ready, too, when it is up and says that it is full."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def _ready(self):
        if super()._ready():
            return True
        endpoint = self.data / "endpoint"
        if not endpoint.exists() or not endpoint.read_text().strip():
            return False
        try:
            return send(endpoint.read_text().strip() + "/healthz").json()["status"] == "full"
        except OSError:
            return False


class FullDisk(unittest.TestCase):

    def setUp(self):
        print(f"seed {SEED}")
        self.rng = random.Random(SEED)
        self.disk = self.enterContext(SmallDisk())
        self.server = self.enterContext(FullServer(self.disk.path / "data"))
        self.acknowledged = collections.Counter()

    def enterContext(self, context):  # unittest's own from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def health(self):
        return send(self.server.endpoint + "/healthz")

    def metric(self, name):
        for line in send(self.server.endpoint + "/metrics").body.decode().splitlines():
            if line.rsplit(" ", 1)[0] == name:
                return float(line.rsplit(" ", 1)[1])
        return None

    def post(self, records=RECORDS_PER_BATCH):
        """The answer; what it acknowledges is remembered."""
        ids = [str(uuid.UUID(int=self.rng.getrandbits(128))) for _ in range(records)]
        body = "\n".join(json.dumps(
            {"eventTime": now_text(), "eventSource": "shop.example.com", "eventName": "Fill",
             "eventID": one, "requestParameters": {"pad": self.rng.randbytes(RECORD_PAD).hex()}})
            for one in ids).encode()
        answer = self.server.post_events(body, self.token)
        if answer.status == 200:
            self.assertEqual(answer.json()["accepted"], records)
            self.acknowledged.update(ids)
        return answer

    def fill(self):
        for _ in range(BATCHES_MAX):
            answer = self.post()
            if answer.status != 200:
                return answer
        self.fail("the disk does not fill up")

    def expect_full(self):
        told = self.health()
        self.assertEqual(told.status, 503, told)
        self.assertEqual(told.json()["status"], "full")
        kept = told.json()["logKeptBytes"]
        self.assertIn(f"'{max(kept, key=kept.get)}' keeps the most", told.json()["message"])
        self.assertGreater(kept["delivery"], 1 << 20, kept)
        self.assertEqual(self.metric("traccia_log_disk_full"), 1)
        self.assertGreater(self.metric('traccia_log_kept_bytes{by="delivery"}'), 1 << 20)
        self.assertGreater(self.disk.free(), KEPT_FREE // 2, "the reserve is there")

    def expect_managing(self, name):
        """Calls that change something work and are recorded."""
        self.server.client("s3").create_bucket(Bucket=name)
        recorded = wait_until(lambda: [r for r in self.server.lookup("CreateBucket")
                                       if r["requestParameters"]["bucketName"] == name])
        self.assertEqual(len(recorded), 1)

    def expect_all_delivered(self):
        def delivered():
            found = collections.Counter(r["eventID"] for r in self.server.delivered(BUCKET)
                                        if r["eventName"] == "Fill")
            return found if self.acknowledged.keys() <= found.keys() else None
        found = wait_until(delivered, what="delivery of everything")
        self.assertEqual(found, self.acknowledged, "each in exactly one log file")

    def test_fills_up_and_goes_on(self):
        self.token = self.server.token()
        self.server.trail_without_bucket("stuck", BUCKET)
        refused = self.fill()
        self.assertEqual(refused.status, 503, refused)
        self.assertIn("Retry-After", refused.headers)
        self.assertIn("LogDiskFull", refused.body.decode())
        self.expect_full()
        status = self.server.client("cloudtrail").get_trail_status(Name="stuck")
        self.assertEqual(status["LatestDeliveryError"], "NoSuchBucket")
        self.expect_managing("made-while-full")

        self.server.kill9()
        self.server.start()  # on the full disk
        # What the start gave up or made smaller is used first.
        self.assertIn("LogDiskFull", self.fill().body.decode())
        self.expect_full()
        self.assertEqual(self.post(1).status, 503)
        self.expect_managing("made-after-a-restart")

        self.disk.grow(4 * KEPT_FREE)
        wait_until(lambda: self.health().status == 200, what="room to be noticed")
        self.assertEqual(self.metric("traccia_log_disk_full"), 0)
        self.assertEqual(self.post().status, 200)
        self.server.trail_bucket(BUCKET, "stuck")
        self.server.restart()  # tries the files at once, not in up to a minute
        self.expect_all_delivered()
        status = self.server.client("cloudtrail").get_trail_status(Name="stuck")
        self.assertEqual(status.get("LatestDeliveryError", ""), "")
        found = {r["eventID"] for r in self.server.lookup("Fill")}
        self.assertEqual(found, set(self.acknowledged))
        self.assertEqual(self.server.client("sts").get_caller_identity()["Account"], ACCOUNT)


if __name__ == "__main__":
    harness.main()
