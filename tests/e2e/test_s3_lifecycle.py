"""Lifecycle rules with boto3 and the AWS CLI, on a clock that the test moves.

SPDX-License-Identifier: Apache-2.0
"""
import json
import unittest

import harness
from harness import Server, wait_until

A_DAY = 24 * 3600


class Lifecycle(unittest.TestCase):

    def setUp(self):
        self.server = self.enterContext(Server("--test-clock"))
        self.s3 = self.server.client("s3")
        self.s3.create_bucket(Bucket="aging")

    def to_day(self, day):
        (self.server.data / "test-clock").write_text(f"{day * A_DAY}\n")

    def left(self):
        shown = self.s3.list_object_versions(Bucket="aging")
        return ([v["Key"] for v in shown.get("Versions", [])],
                [m["Key"] for m in shown.get("DeleteMarkers", [])])

    def test_versions_age(self):
        rules = {"Rules": [
            {"ID": "old logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
             "Expiration": {"Days": 2}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
             "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
            {"ID": "cold", "Status": "Enabled", "Filter": {"Prefix": "cold/"},
             "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]}]}
        self.server.aws("s3api", "put-bucket-lifecycle-configuration", "--bucket", "aging",
                        "--lifecycle-configuration", json.dumps(rules))
        shown = self.server.aws("s3api", "get-bucket-lifecycle-configuration", "--bucket", "aging")
        self.assertEqual(shown["Rules"], rules["Rules"])
        self.s3.put_bucket_versioning(Bucket="aging",
                                      VersioningConfiguration={"Status": "Enabled"})
        put = self.s3.put_object(Bucket="aging", Key="logs/a", Body=b"x")
        self.assertIn('rule-id="old%20logs"', put["Expiration"])
        self.s3.put_object(Bucket="aging", Key="cold/a", Body=b"x")
        upload = self.s3.create_multipart_upload(Bucket="aging", Key="logs/part")
        self.assertEqual(upload["AbortRuleId"], "old%20logs")
        self.to_day(4)
        wait_until(lambda: self.left() == (["cold/a", "logs/a"], ["logs/a"]))
        wait_until(lambda: "Uploads" not in self.s3.list_multipart_uploads(Bucket="aging"))
        self.to_day(9)
        wait_until(lambda: self.left()[0] == ["cold/a"])
        self.to_day(10)
        wait_until(lambda: self.left() == (["cold/a"], []))
        self.s3.delete_bucket_lifecycle(Bucket="aging")
        self.assertIn("NoSuchLifecycleConfiguration", self.refusal(
            self.s3.get_bucket_lifecycle_configuration, Bucket="aging"))

    def test_logs_go_to_cold_storage_and_come_back(self):
        """The practices' rule: Glacier after a year. Readers restore what they need."""
        self.s3.create_bucket(Bucket="cold-logs")
        log = b'{"eventName": "one like another"}\n' * 10_000
        self.s3.put_object(Bucket="cold-logs", Key="AWSLogs/a", Body=log)
        self.s3.put_object(Bucket="cold-logs", Key="AWSLogs/small", Body=b"x")
        rule = {"ID": "archive", "Status": "Enabled", "Filter": {"Prefix": "AWSLogs/"},
                "Transitions": [{"Days": 365, "StorageClass": "GLACIER"}]}
        self.server.aws("s3api", "put-bucket-lifecycle-configuration", "--bucket", "cold-logs",
                        "--lifecycle-configuration", json.dumps({"Rules": [rule]}))
        self.to_day(380)
        archived = {"Bucket": "cold-logs", "Key": "AWSLogs/a"}
        wait_until(lambda: self.s3.head_object(**archived).get("StorageClass") == "GLACIER")
        listed = self.s3.list_objects_v2(Bucket="cold-logs")["Contents"]
        self.assertEqual([e["StorageClass"] for e in listed], ["GLACIER", "STANDARD"])
        self.assertIn("InvalidObjectState", self.refusal(self.s3.get_object, **archived))
        self.assertIn("not valid for the source object's storage class", self.refusal(
            self.s3.copy_object, Bucket="cold-logs", Key="copy", CopySource=archived))
        verdict = self.server.aws_raw("s3api", "restore-object", "--bucket", "cold-logs", "--key",
                                      "AWSLogs/a", "--restore-request", "Days=3")
        self.assertEqual(verdict.returncode, 0, verdict.stderr)
        self.assertIn('ongoing-request="false"', self.s3.head_object(**archived)["Restore"])
        self.assertEqual(self.s3.get_object(**archived)["Body"].read(), log)
        self.to_day(385)
        wait_until(lambda: "Restore" not in self.s3.head_object(**archived))
        self.assertIn("InvalidObjectState", self.refusal(self.s3.get_object, **archived))

    def test_rules_are_checked(self):
        for rule in ({"Filter": {}, "Expiration": {"Days": -1}}, {"Filter": {}},
                     {"Filter": {"Prefix": "a"}, "Expiration": {"Days": 10},
                      "Transitions": [{"Days": 20, "StorageClass": "GLACIER"}]}):
            with self.subTest(rule=rule):
                self.assertRegex(self.refusal(
                    self.s3.put_bucket_lifecycle_configuration, Bucket="aging",
                    LifecycleConfiguration={"Rules": [rule | {"Status": "Enabled"}]}),
                    "InvalidArgument|InvalidRequest")

    def refusal(self, call, **arguments):
        with self.assertRaises(self.s3.exceptions.ClientError) as caught:
            call(**arguments)
        return str(caught.exception)


if __name__ == "__main__":
    harness.main()
