"""Stops, kills and restarts keep everything; starts that must not happen are refused clearly.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import json
import signal
import subprocess
import unittest
import uuid

import harness
from harness import (ACCOUNT, Server, clean_environment, now_text, send, traccia, wait_until)

BUCKET = "kept-logs"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/kept"
PART = b"p" * (5 << 20)


def event(name, **members):
    return {"eventTime": now_text(), "eventSource": "shop.example.com", "eventName": name,
            "eventID": str(uuid.uuid4())} | members


class Restarts(unittest.TestCase):

    def fill(self, server):
        """State of every kind; returns what must still be there afterwards."""
        s3, trail = server.client("s3"), server.client("cloudtrail")
        server.trail_bucket(BUCKET, "kept")
        s3.put_object(Bucket=BUCKET, Key="object", Body=b"content", Metadata={"k": "v"})
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
        part = s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload, PartNumber=1, Body=PART)
        trail.create_trail(Name="kept", S3BucketName=BUCKET, EnableLogFileValidation=True,
                           IsMultiRegionTrail=True, TagsList=[{"Key": "t", "Value": "v"}])
        trail.put_event_selectors(TrailName="kept", EventSelectors=[{
            "ReadWriteType": "All", "DataResources": [
                {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data-of-kept/"]}]}])
        trail.start_logging(Name="kept")
        events = [event("Kept") for _ in range(20)]
        token = server.token()
        answer = server.post_events(b"\n".join(json.dumps(e).encode() for e in events), token)
        self.assertEqual(answer.json()["accepted"], 20)
        return {"events": events, "token": token, "upload": upload, "part": part["ETag"],
                "receipt": answer.json()["receipts"][0], "credentials": server.key_id,
                "selectors": trail.get_event_selectors(TrailName="kept")["EventSelectors"]}

    def check(self, server, kept):
        s3, trail = server.client("s3"), server.client("cloudtrail")
        self.assertEqual(server.key_id, kept["credentials"])
        found = s3.get_object(Bucket=BUCKET, Key="object")
        self.assertEqual((found["Body"].read(), found["Metadata"]), (b"content", {"k": "v"}))
        self.assertIn("Statement", s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
        parts = s3.list_parts(Bucket=BUCKET, Key="big", UploadId=kept["upload"])["Parts"]
        self.assertEqual([(p["PartNumber"], p["ETag"]) for p in parts], [(1, kept["part"])])
        status = trail.get_trail_status(Name="kept")
        self.assertTrue(status["IsLogging"])
        self.assertEqual(trail.get_event_selectors(TrailName="kept")["EventSelectors"],
                         kept["selectors"])
        tags = trail.list_tags(ResourceIdList=[ARN])["ResourceTagList"][0]["TagsList"]
        self.assertEqual(tags, [{"Key": "t", "Value": "v"}])
        # Everything that was acknowledged is known: sent again it is a duplicate at its old place.
        body = b"\n".join(json.dumps(e).encode() for e in kept["events"])
        answer = server.post_events(body, kept["token"]).json()
        self.assertEqual((answer["accepted"], answer["duplicates"], answer["receipts"]),
                         (0, len(kept["events"]), [kept["receipt"]]))
        changed = kept["events"][0] | {"eventName": "Changed"}
        answer = server.post_events(json.dumps(changed).encode(), kept["token"]).json()
        self.assertEqual([r["code"] for r in answer["rejected"]], ["EventIdConflict"])
        looked_up = wait_until(lambda: len(r := server.lookup("Kept")) >= 20 and r)
        self.assertEqual(sorted(r["eventID"] for r in looked_up),
                         sorted(e["eventID"] for e in kept["events"]))

    def check_delivery(self, server, ids, since):
        """Each event in exactly one log file, and all of it valid, with digests over the gaps."""
        def done():
            delivered = [r["eventID"] for r in server.delivered(BUCKET)]
            return set(ids) <= set(delivered) and delivered
        delivered = wait_until(done, what="delivery of everything")
        self.assertEqual(len(delivered), len(set(delivered)), "an event lies in two log files")
        server.client("cloudtrail").stop_logging(Name="kept")
        stopped = wait_until(lambda: server.lookup("StopLogging"))[0]["eventID"]

        def covered():
            s3 = server.client("s3")
            found = set()
            for key in server.digest_keys(BUCKET):
                body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                for file in json.loads(gzip.decompress(body))["logFiles"]:
                    self.assertNotIn(file["s3Object"], found, "a log file is in two digests")
                    found.add(file["s3Object"])
            logs = server.log_keys(BUCKET)
            last = [r for r in server.delivered(BUCKET) if r["eventID"] == stopped]
            return last and found == set(logs) and len(logs)
        count = wait_until(covered, what="digests over every log file")
        told = server.aws_raw("cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time",
                              since)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertIn(f"{count}/{count} log files valid", told.stdout)
        self.assertNotIn("INVALID", told.stdout)

    def story(self, end):
        since = now_text(-3600)
        with Server() as server:
            kept = self.fill(server)
            ids = [e["eventID"] for e in kept["events"]]
            for i in range(4):
                end(server)
                server.start()
                self.check(server, kept)
                extra = event("Extra", n=i)
                self.assertEqual(server.post_events(json.dumps(extra).encode(), kept["token"])
                                 .json()["accepted"], 1)
                ids.append(extra["eventID"])
            s3 = server.client("s3")
            s3.complete_multipart_upload(Bucket=BUCKET, Key="big", UploadId=kept["upload"],
                                         MultipartUpload={"Parts": [
                                             {"PartNumber": 1, "ETag": kept["part"]}]})
            self.assertEqual(s3.get_object(Bucket=BUCKET, Key="big")["Body"].read(), PART)
            self.check_delivery(server, ids, since)

    def test_terminated(self):
        self.story(lambda server: server.stop())

    def test_killed(self):
        self.story(lambda server: server.kill9())

    def test_deleted_things_stay_deleted(self):
        with Server() as server:
            s3, trail = server.client("s3"), server.client("cloudtrail")
            server.trail_bucket(BUCKET, "gone")
            trail.create_trail(Name="gone", S3BucketName=BUCKET)
            trail.start_logging(Name="gone")
            s3.put_object(Bucket=BUCKET, Key="gone", Body=b"x")
            s3.delete_object(Bucket=BUCKET, Key="gone")
            trail.delete_trail(Name="gone")
            server.kill9()
            server.start()
            self.assertNotIn("gone", server.keys(BUCKET))
            self.assertEqual(server.client("cloudtrail").list_trails()["Trails"], [])

    def test_answered_while_stopping(self):
        """Whatever was answered before a stop under load is kept."""
        with Server() as server:
            token = server.token()
            accepted = []
            stopping = False
            while True:
                one = event("Busy")
                try:
                    answer = server.post_events(json.dumps(one).encode(), token)
                except OSError:
                    break
                if answer.status == 200:
                    accepted.append(one["eventID"])
                if len(accepted) == 50 and not stopping:
                    stopping = True
                    server.process.send_signal(signal.SIGTERM)
            self.assertGreaterEqual(len(accepted), 50)
            self.assertEqual(server.process.wait(harness.STOP_LIMIT), 0)
            server.process = None
            server.start()
            found = wait_until(lambda: len(r := server.lookup("Busy")) >= len(accepted) and r)
            self.assertLessEqual(set(accepted), {r["eventID"] for r in found})


class Starts(unittest.TestCase):

    def serve(self, *args):
        """A start that must fail: exit code and stderr."""
        result = subprocess.run([str(harness.binary), "serve", *map(str, args)], timeout=60,
                                env=clean_environment(), capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.stdout, "")
        return result.returncode, result.stderr

    def test_second_server_on_a_directory(self):
        with Server() as server:
            code, told = self.serve("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 3, told)
            self.assertIn("another traccia serve runs on", told)
            self.assertIn(str(server.data), told)
            # The first one is not disturbed: its address still stands and it answers.
            self.assertEqual(traccia("env", "--data", server.data).returncode, 0)
            self.assertEqual(send(server.endpoint + "/healthz").status, 200)
            self.assertTrue(server.client("sts").get_caller_identity()["Arn"])

    def test_newer_format(self):
        with Server() as server:
            server.stop()
            format_file = server.data / "FORMAT"
            known = format_file.read_text()
            format_file.write_text(f"{int(known) + 1}\n")
            code, told = self.serve("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 3, told)
            self.assertIn(f"has format {int(known) + 1}", told)
            self.assertEqual(format_file.read_text(), f"{int(known) + 1}\n")
            format_file.write_text("1\n")
            code, told = self.serve("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 3, told)
            self.assertIn("has format 1, which no release wrote", told)
            format_file.write_text("nonsense")
            code, told = self.serve("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 3, told)
            self.assertIn("FORMAT", told)
            format_file.write_text(known)
            server.start()

    def test_beyond_loopback_without_tls(self):
        with Server() as server:
            server.stop()
            for address in ("0.0.0.0:0", "[::]:0"):
                code, told = self.serve("--data", server.data, "--listen", address)
                self.assertEqual(code, 2, told)
                self.assertIn("--insecure", told)
            server.options += ["--insecure"]
            command = server.command
            server.command = lambda: command("0.0.0.0:0")
            server.start()
            self.assertTrue(server.endpoint.startswith("http://127.0.0.1:"), server.endpoint)
            self.assertTrue(server.client("sts").get_caller_identity()["Arn"])

    def test_bad_options(self):
        with Server() as server:
            server.stop()
            for args in (["--delivery-interval", "0s"], ["--digest-interval", "soon"],
                         ["--delivery-interval", "500ms"], ["--regions", "mars"],
                         ["--account-id", "12"], ["--listen", "127.0.0.1"],
                         ["--listen", "127.0.0.1:99999"], ["--listen", ":4780"],
                         ["--tls-certificate", "/nonexistent.pem"], ["--no-such-option"]):
                with self.subTest(args=args):
                    code, told = self.serve("--data", server.data, *args)
                    self.assertEqual(code, 2, told)
                    self.assertTrue(told.strip())
            self.assertEqual(self.serve("--listen", "127.0.0.1:0")[0], 2)
            server.start()

    def test_port_in_use(self):
        with Server() as first, Server() as second:
            second.stop()
            listen = first.endpoint.removeprefix("http://")
            code, told = self.serve("--data", second.data, "--listen", listen)
            self.assertEqual(code, 3, told)
            self.assertIn(listen.rsplit(":", 1)[1], told)
            second.start()

    def test_test_clock_only_where_it_was_made(self):
        with Server() as server:
            server.stop()
            code, told = self.serve("--data", server.data, "--listen", "127.0.0.1:0",
                                    "--test-clock")
            self.assertEqual(code, 3, told)
            self.assertIn("--test-clock", told)
            server.start()

    def test_first_start(self):
        with Server() as server:
            credentials = (server.data / "credentials").read_text()
            self.assertIn(server.key_id, credentials)
            self.assertNotIn(server.secret, server.log())
            self.assertIn("master", server.log().lower(), "serve says where the master key lies")
            before = server.key_id, server.secret
            server.restart()
            self.assertEqual((server.key_id, server.secret), before)

    def test_env(self):
        with Server() as server:
            told = traccia("env", "--data", server.data).stdout.decode().splitlines()
            names = [line.split("=")[0] for line in told]
            self.assertEqual(names, [
                "export AWS_ACCESS_KEY_ID", "export AWS_SECRET_ACCESS_KEY",
                "export AWS_DEFAULT_REGION", "export AWS_REGION", "export AWS_ENDPOINT_URL",
                "unset AWS_SESSION_TOKEN AWS_PROFILE"])
            nowhere = traccia("env", "--data", server.folder / "nowhere")
            self.assertEqual((nowhere.returncode, nowhere.stdout), (3, b""))
            self.assertTrue(nowhere.stderr)
            self.assertEqual(traccia("env").returncode, 2)


if __name__ == "__main__":
    harness.main()
