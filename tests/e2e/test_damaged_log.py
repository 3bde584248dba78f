"""A byte of a sealed log segment goes bad on the disk. Where only delivery still needs it, the server
starts, finds it behind the start, says where it is and who needs it, and takes events; with the
file restored it goes on. Where the start itself needs it, it does not start and names the place.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import random
import struct
import subprocess
import unittest
import uuid

import harness
from harness import Server, clean_environment, now_text, send, wait_until

BUCKET = "away"
SEED = 20261125
PAD = 20_000            # random bytes, so that the entry with the event is the longest
SEGMENT_HEADER, ENTRY_HEADER = 32, 24
A_DAY = 25 * 3600       # by then history and the repeat window have written down all


class DamagedServer(Server):
    """Ready, too, when it is up and says that its log is damaged."""

    def _ready(self):
        if super()._ready():
            return True
        endpoint = self.data / "endpoint"
        if not endpoint.exists() or not endpoint.read_text().strip():
            return False
        try:
            return send(endpoint.read_text().strip() + "/healthz").json()["status"] == "damaged"
        except OSError:
            return False


def entries(segment):
    """(offset, length of the payload) of each entry, by docs/formats/wal.md."""
    data, at, found = segment.read_bytes(), SEGMENT_HEADER, []
    while data[at:at + 4] == b"TREN":
        length = struct.unpack_from("<I", data, at + 4)[0]
        found.append((at, length))
        at += ENTRY_HEADER + -(-length // 8) * 8
    return found


class DamagedLog(unittest.TestCase):

    def setUp(self):
        print(f"seed {SEED}")
        self.rng = random.Random(SEED)
        self.server = DamagedServer("--test-clock")
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.token = self.server.token()
        self.sent = collections.Counter()

    def segments(self):
        return sorted((self.server.data / "wal").glob("*.wal"))

    def health(self):
        return send(self.server.endpoint + "/healthz")

    def metric(self, name):
        for line in send(self.server.endpoint + "/metrics").body.decode().splitlines():
            if line.rsplit(" ", 1)[0] == name:
                return float(line.rsplit(" ", 1)[1])
        return None

    def post(self, name, pad=0):
        one = {"eventTime": now_text(), "eventSource": "shop.example.com", "eventName": name,
               "eventID": str(uuid.UUID(int=self.rng.getrandbits(128))),
               "requestParameters": {"pad": self.rng.randbytes(pad).hex()}}
        answer = self.server.post_events(json.dumps(one).encode(), self.token)
        self.assertEqual((answer.status, answer.json()["accepted"]), (200, 1), answer)
        self.sent[one["eventID"]] += 1

    def seal(self):
        """A segment that was begun before a start is left once there is a better one; its path."""
        self.server.restart()
        segment = self.segments()[-1]

        def sealed():
            self.post("Filler")
            return self.segments()[-1] != segment
        wait_until(sealed, what="the next segment")
        return segment

    def damage(self, segment):
        """Flips a bit in the longest entry; the entry's place in the file."""
        at, length = max(entries(segment), key=lambda one: one[1])
        self.assertGreater(length, PAD)
        self.flip(segment, at + ENTRY_HEADER + length // 2)
        return at

    def flip(self, segment, byte):
        with open(segment, "r+b") as file:
            file.seek(byte)
            old = file.read(1)[0]
            file.seek(byte)
            file.write(bytes([old ^ 0x10]))

    def pass_a_day(self, position):
        """History and the repeat window let go of the log below the position."""
        (self.server.data / "test-clock").write_text(f"{A_DAY}\n")

        def passed():
            kept = self.health().json()["logKeptBytes"]
            end = self.metric("traccia_log_position_bytes")
            return all(end - kept[name] >= position for name in ("history", "repeatWindow"))
        wait_until(passed, what="checkpoints")

    def expect_damage(self, segment, byte):
        told = wait_until(lambda: (answer := self.health()).status == 503 and answer,
                          what="the damage to be found").json()
        self.assertEqual(told["status"], "damaged")
        self.assertIn("events are accepted", told["message"])
        damage, = told["logCheck"]["damages"]
        self.assertEqual((damage["file"], damage["byte"], damage["places"], damage["neededBy"]),
                         (str(segment), byte, 1, "delivery"))
        self.assertIn("checksum", damage["error"])
        self.assertEqual(self.metric("traccia_log_damaged_segments"), 1)
        wait_until(lambda: self.metric("traccia_log_checked_bytes")
                   == self.metric("traccia_log_check_bytes") > 0, what="the check's end")
        lines = [line for line in self.server.log().splitlines() if "the log is damaged" in line]
        self.assertEqual(len(lines), 1, lines)
        for part in (" error ", str(segment), f"byte={byte}", "needed_by=delivery"):
            self.assertIn(part, lines[0])

    def test_what_only_delivery_needs(self):
        self.server.trail_without_bucket("stuck", BUCKET)
        self.post("Kept", PAD)
        segment = self.seal()
        wait_until(lambda: self.metric("traccia_delivery_files_pending"), what="a closed file")
        self.pass_a_day(int(self.segments()[-1].stem))
        self.assertIn(segment, self.segments(), "delivery keeps the log")
        self.server.stop()
        whole = segment.read_bytes()
        byte = self.damage(segment)
        self.server.start()
        self.expect_damage(segment, byte)
        self.post("Meanwhile")
        wait_until(lambda: self.server.lookup("Meanwhile"), what="history to go on")
        self.assertTrue(self.server.lookup("Kept"), "history has its own copy")
        self.server.trail_bucket(BUCKET, "stuck")
        error = wait_until(lambda: self.health().json()["sinks"]["delivery"].get("error"),
                           what="delivery to meet the damage")
        self.assertIn(f"'{segment}' at byte {byte}: the entry's checksum does not match", error)

        self.server.stop()
        segment.write_bytes(whole)
        self.server.start()
        self.assertEqual(self.health().json()["status"], "ok")

        def delivered():
            found = collections.Counter(r["eventID"] for r in self.server.delivered(BUCKET)
                                        if r["eventName"] in ("Kept", "Filler", "Meanwhile"))
            return found if self.sent.keys() <= found.keys() else None
        self.assertEqual(wait_until(delivered, what="delivery of everything"), self.sent)
        self.assertEqual(self.metric("traccia_log_damaged_segments"), 0)

    def test_what_the_start_needs(self):
        self.post("Kept", PAD)
        segment = self.seal()
        self.server.stop()
        whole = segment.read_bytes()
        byte = self.damage(segment)
        refused = subprocess.run(self.server.command(), timeout=60, env=clean_environment(),
                                 capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn(f"'{segment}' at byte {byte}: the entry's checksum", refused.stderr)
        segment.write_bytes(whole)
        self.server.start()
        self.assertTrue(wait_until(lambda: self.server.lookup("Kept")))


if __name__ == "__main__":
    harness.main()
