"""A collector of others follows a trail: trail -> SNS -> SQS -> AWS's CloudTrail Processing Library, which
fetches each file that is announced. All of it as `traccia setup trail --kms --sns` makes it, and the collector
a user who may do no more than collectors must.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import queue
import subprocess
import threading
import unittest

import harness
from harness import ACCOUNT, ROOT, ServerCase, wait_until

TRAIL, BUCKET, QUEUE = "collected", "collected-logs", "collected-files"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:cloudtrail-{TRAIL}"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{QUEUE}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", **statement} for statement in statements]})


class Collector:
    """The Java program. `lines` are what it told, each [event id, name, bucket, key]."""

    def __init__(self, endpoint, key, url):
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        env |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self.process = subprocess.Popen(
            ["java", "-cp", f"{ROOT}/build/java/*", ROOT / "tests" / "collector" / "Collector.java",
             endpoint, "us-east-1", url],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.errors, self._came = [], "", queue.Queue()
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._came.put(line.split())

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def events(self):
        while not self._came.empty():
            self.lines.append(self._came.get())
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended: {self.errors}")
        return self.lines

    def stop(self):
        """Its exit code: 0 when it never met an exception."""
        self.process.stdin.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            for reader in self.readers:
                reader.join(10)
            self.process.stdout.close()
            self.process.stderr.close()


class CloudTrailProcessingLibrary(ServerCase):

    @classmethod
    def setUpClass(cls):
        made = subprocess.run([ROOT / "tests" / "java_env.sh"], capture_output=True, text=True, check=False)
        told = f"tests/java_env.sh: {made.stdout}{made.stderr}"
        # Also a plugin that Maven never got: "No plugin found", "could not be resolved".
        if any(words in told for words in ("Could not transfer", "No plugin found", "not be resolved")):
            raise unittest.SkipTest(f"Maven's repository cannot be reached: {told}")
        assert made.returncode == 0, told
        super().setUpClass()
        done = cls.server.traccia("setup", "trail", "--region", "us-east-1", "--name", TRAIL,
                                  "--bucket", BUCKET, "--kms", "--sns")
        assert done.returncode == 0, done.stderr
        cls.iam = cls.server.client("iam")

    def make_queue(self):
        sqs, sns = self.server.client("sqs"), self.server.client("sns")
        url = sqs.create_queue(QueueName=QUEUE, Attributes={"Policy": policy(
            {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE_ARN,
             "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}})})["QueueUrl"]
        sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE_ARN)
        return url

    def make_user(self, *statements):
        self.iam.create_user(UserName="collector")
        self.iam.put_user_policy(UserName="collector", PolicyName="collect", PolicyDocument=policy(*statements))
        return self.iam.create_access_key(UserName="collector")["AccessKey"]

    def test_every_event_of_every_file_once(self):
        url = self.make_queue()
        key = self.make_user(
            {"Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": QUEUE_ARN},
            {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/*"},
            {"Action": "kms:Decrypt", "Resource": "*",
             "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}})
        collector = Collector(self.server.endpoint, key, url)
        try:
            for number in range(3):
                self.iam.create_group(GroupName=f"collected-{number}")
            wait_until(lambda: [name for _, name, _, _ in collector.events()].count("CreateGroup") == 3,
                       what="the collector to be given the events")
            self.trail.stop_logging(Name=TRAIL)

            def all_files():
                return {at for _, _, _, at in collector.events()} >= set(self.server.log_keys(BUCKET))
            wait_until(all_files, what="the collector to have fetched every file")
            wanted = sorted(record["eventID"] for record in self.server.delivered(BUCKET))
            wait_until(lambda: len(collector.events()) >= len(wanted), what="the events of the last file")
        finally:
            code = collector.stop()
        self.assertEqual(code, 0, collector.errors)
        self.assertEqual(sorted(line[0] for line in collector.lines), wanted)
        self.assertEqual({line[2] for line in collector.lines}, {BUCKET})
        left = self.server.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages",
                                          "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
        self.assertEqual(set(left.values()), {"0"}, "what was read is deleted")


if __name__ == "__main__":
    harness.main()
