"""Server access logs of buckets with boto3 and the AWS CLI, on a clock that the test moves.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import unittest
import urllib.request

import botocore.exceptions
import harness
from harness import ACCOUNT, Server, ServerCase, wait_until

BATCH_SECONDS = 5 * 60
# As the manual's query for Athena reads records, with the field that came later.
RECORD = re.compile(
    r'(?P<owner>[^ ]*) (?P<bucket>[^ ]*) \[(?P<time>.*?)\] (?P<ip>[^ ]*) (?P<requester>[^ ]*) '
    r'(?P<request_id>[^ ]*) (?P<operation>[^ ]*) (?P<key>[^ ]*) (?P<uri>"[^"]*"|-) '
    r'(?P<status>-|[0-9]*) (?P<error>[^ ]*) (?P<sent>[^ ]*) (?P<size>[^ ]*) (?P<total>[^ ]*) '
    r'(?P<turn_around>[^ ]*) (?P<referer>"[^"]*"|-) (?P<agent>"[^"]*"|-) (?P<version>[^ ]*) '
    r'(?P<host_id>[^ ]*) (?P<signature>[^ ]*) (?P<cipher>[^ ]*) (?P<authentication>[^ ]*) '
    r'(?P<host>[^ ]*) (?P<tls>[^ ]*) (?P<access_point>[^ ]*) (?P<acl_required>[^ ]*) '
    r'(?P<source_region>[^ ]*)')


def delivery_policy(target, source):
    """What the manual asks of the target's policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Sid": "S3ServerAccessLogsPolicy", "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": ["s3:PutObject"],
        "Resource": f"arn:aws:s3:::{target}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
                      "StringEquals": {"aws:SourceAccount": ACCOUNT}}}]})


def records_of(server, bucket, prefix=""):
    s3 = server.client("s3")
    out = []
    for key in server.keys(bucket, prefix):
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("ascii")
        assert text.endswith("\n")
        for line in text.splitlines():
            found = RECORD.fullmatch(line)
            assert found, line
            out.append(found.groupdict())
    return out


class Configuration(ServerCase):

    def test_with_the_cli(self):
        for bucket in ("configured", "configured-logs"):
            self.s3.create_bucket(Bucket=bucket)
        self.assertEqual(
            self.server.aws("s3api", "get-bucket-logging", "--bucket", "configured"), {})
        self.assertNotIn("LoggingEnabled", self.s3.get_bucket_logging(Bucket="configured"))
        wanted = {"LoggingEnabled": {
            "TargetBucket": "configured-logs", "TargetPrefix": "of/",
            "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}}
        self.server.aws("s3api", "put-bucket-logging", "--bucket", "configured",
                        "--bucket-logging-status", json.dumps(wanted))
        self.assertEqual(
            self.server.aws("s3api", "get-bucket-logging", "--bucket", "configured"), wanted)
        # As checks of posture ask: "s3_bucket_server_access_logging_enabled".
        shown = self.s3.get_bucket_logging(Bucket="configured")
        self.assertEqual(shown["LoggingEnabled"]["TargetBucket"], "configured-logs")
        self.server.aws("s3api", "put-bucket-logging", "--bucket", "configured",
                        "--bucket-logging-status", "{}")
        self.assertNotIn("LoggingEnabled", self.s3.get_bucket_logging(Bucket="configured"))
        names = {one["eventName"] for name in ("PutBucketLogging", "GetBucketLogging")
                 for one in wait_until(lambda n=name: self.server.lookup(n))}
        self.assertEqual(names, {"PutBucketLogging", "GetBucketLogging"})

    def test_targets_are_checked(self):
        self.s3.create_bucket(Bucket="checked")
        self.s3.create_bucket(Bucket="checked-far",
                              CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
        tenant = self.server.account("stranger", "777788889999")
        self.server.client_of(tenant, "s3").create_bucket(Bucket="strangers")

        def status(target, **more):
            return {"Bucket": "checked", "BucketLoggingStatus": {"LoggingEnabled": {
                "TargetBucket": target, "TargetPrefix": ""} | more}}
        put = self.s3.put_bucket_logging
        self.fails("InvalidTargetBucketForLogging", put,
                   "The target bucket for logging does not exist", **status("nowhere-at-all"))
        self.fails("InvalidTargetBucketForLogging", put,
                   "The owner for the bucket to be logged and the target bucket must be the same.",
                   **status("strangers"))
        self.fails("CrossLocationLoggingProhibitted", put, **status("checked-far"))
        self.fails("AccessControlListNotSupported", put,
                   "Target grants not allowed for bucket owner enforced buckets",
                   **status("checked", TargetGrants=[{
                       "Grantee": {"Type": "CanonicalUser", "ID": ACCOUNT},
                       "Permission": "READ"}]))


class Records(unittest.TestCase):

    def setUp(self):
        self.server = self.enterContext(Server("--test-clock"))
        self.s3 = self.server.client("s3")
        self.moved = 0
        for bucket in ("watched", "logs"):
            self.s3.create_bucket(Bucket=bucket)

    def log(self, source="watched", prefix="of/"):
        self.s3.put_bucket_policy(Bucket="logs", Policy=delivery_policy("logs", source))
        self.s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": {
            "TargetBucket": "logs", "TargetPrefix": prefix}})

    def pass_time(self, seconds=BATCH_SECONDS):
        self.moved += seconds
        (self.server.data / "test-clock").write_text(f"{self.moved}\n")

    def delivered(self, count, prefix="of/"):
        self.pass_time()
        wait_until(lambda: len(records_of(self.server, "logs", prefix)) >= count)
        return records_of(self.server, "logs", prefix)

    def metric(self, name):
        with urllib.request.urlopen(self.server.endpoint + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return float(re.search(rf"^{name} (.*)$", text, re.MULTILINE).group(1))

    def test_requests_become_records(self):
        self.log()
        self.s3.put_object(Bucket="watched", Key="a b/ü", Body=b"12345")
        self.s3.get_object(Bucket="watched", Key="a b/ü", Range="bytes=0-2")["Body"].read()
        self.s3.put_object(Bucket="watched", Key="large", Body=b"l" * (3 << 20))
        self.s3.get_object(Bucket="watched", Key="large")["Body"].read()
        with self.assertRaises(botocore.exceptions.ClientError):
            self.s3.get_object(Bucket="watched", Key="none")
        url = self.server.client("s3", signature_version="s3v4").generate_presigned_url("get_object", Params={
            "Bucket": "watched", "Key": "a b/ü"})
        with urllib.request.urlopen(urllib.request.Request(url, headers={
                "Referer": "http://here/", "User-Agent": 'say "x" \\ -'}), timeout=10) as answer:
            self.assertEqual(answer.read(), b"12345")
        unknown = self.server.client("s3", secret="wrong")
        with self.assertRaises(botocore.exceptions.ClientError):
            unknown.get_object(Bucket="watched", Key="a b/ü")
        self.s3.delete_objects(Bucket="watched", Delete={"Objects": [{"Key": "a b/ü"}]})
        found = self.delivered(10)
        key = "a%20b/%C3%BC"

        def one(**wanted):
            fitting = [r for r in found if all(r[name] == wanted[name] for name in wanted)]
            self.assertEqual(len(fitting), 1, (wanted, found))
            return fitting[0]
        # Answers on several connections may be recorded in another order.
        self.assertCountEqual(
            [(r["operation"], r["key"], r["status"], r["error"], r["size"]) for r in found],
            [("REST.PUT.LOGGING_STATUS", "-", "200", "-", "-"),
             ("REST.PUT.OBJECT", key, "200", "-", "5"),
             ("REST.GET.OBJECT", key, "206", "-", "5"),
             ("REST.PUT.OBJECT", "large", "200", "-", str(3 << 20)),
             ("REST.GET.OBJECT", "large", "200", "-", str(3 << 20)),
             ("REST.GET.OBJECT", "none", "404", "NoSuchKey", "-"),
             ("REST.GET.OBJECT", key, "200", "-", "5"),
             ("REST.GET.OBJECT", key, "403", "SignatureDoesNotMatch", "-"),
             ("REST.POST.MULTI_OBJECT_DELETE", "-", "200", "-", "-"),
             ("BATCH.DELETE.OBJECT", key, "204", "-", "5")])
        for record in found:
            self.assertEqual((record["owner"], record["bucket"], record["ip"]),
                             (ACCOUNT, "watched", "127.0.0.1"))
            self.assertEqual((record["cipher"], record["tls"]), ("-", "-"))
            self.assertEqual(record["host"], self.server.endpoint.removeprefix("http://"))
        put = one(operation="REST.PUT.OBJECT", key=key)
        self.assertTrue(put["requester"].startswith(f"arn:aws:iam::{ACCOUNT}:user/"))
        self.assertEqual((put["sent"], put["authentication"]), ("-", "AuthHeader"))
        self.assertEqual(one(status="206")["sent"], "3")
        large = one(operation="REST.GET.OBJECT", key="large")
        self.assertEqual(large["sent"], str(3 << 20))
        self.assertGreaterEqual(int(large["total"]), int(large["turn_around"]))
        self.assertGreater(int(one(status="404")["sent"]), 100)
        self.assertEqual(one(status="403")["requester"], "-")
        presigned = one(operation="REST.GET.OBJECT", key=key, status="200")
        self.assertEqual((presigned["signature"], presigned["authentication"]),
                         ("SigV4", "QueryString"))
        self.assertEqual((presigned["referer"], presigned["agent"]),
                         ('"http://here/"', '"say %22x%22 %5C -"'))
        self.assertIn("X-Amz-Signature=HIDDEN_DUE_TO_SECURITY_REASONS", presigned["uri"])
        self.assertNotIn(url.split("X-Amz-Signature=")[1][:64], presigned["uri"])
        key = self.server.keys("logs", "of/")[0]
        self.assertRegex(key, r"^of/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$")
        self.assertEqual(self.metric("traccia_access_log_dropped_total"), 0)
        self.assertGreaterEqual(self.metric("traccia_access_log_delivered_total"), 10)

    def test_the_log_of_a_trails_bucket(self):
        """CIS: access logging on the trail's bucket. The trail's own files are recorded, and so is
        whoever reads them."""
        self.server.trail_bucket("trail-bucket", "main")
        self.log("trail-bucket", "trail/")
        trail = self.server.client("cloudtrail")
        trail.create_trail(Name="main", S3BucketName="trail-bucket")
        trail.start_logging(Name="main")
        keys = wait_until(lambda: self.server.log_keys("trail-bucket"))
        self.s3.get_object(Bucket="trail-bucket", Key=keys[0])["Body"].read()
        # As an auditor goes about it.
        for one in self.server.aws("cloudtrail", "describe-trails")["trailList"]:
            shown = self.server.aws("s3api", "get-bucket-logging", "--bucket",
                                    one["S3BucketName"])
            self.assertEqual(shown["LoggingEnabled"]["TargetBucket"], "logs")
        trail.stop_logging(Name="main")
        self.pass_time()
        wait_until(lambda: {"REST.PUT.OBJECT", "REST.GET.OBJECT"} <= {
            one["operation"] for one in records_of(self.server, "logs", "trail/")})
        found = records_of(self.server, "logs", "trail/")
        put = next(one for one in found if one["key"] == keys[0]
                   and one["operation"] == "REST.PUT.OBJECT")
        self.assertEqual((put["requester"], put["status"]),
                         ("svc:cloudtrail.amazonaws.com", "200"))
        got = next(one for one in found if one["key"] == keys[0]
                   and one["operation"] == "REST.GET.OBJECT")
        self.assertTrue(got["requester"].startswith(f"arn:aws:iam::{ACCOUNT}:user/"))

    def test_a_stop_delivers(self):
        self.log()
        self.s3.put_object(Bucket="watched", Key="k", Body=b"x")
        self.server.restart()
        begun = ["REST.PUT.LOGGING_STATUS", "REST.PUT.OBJECT"]
        self.assertEqual([one["operation"] for one in records_of(self.server, "logs", "of/")],
                         begun)
        # What is configured is still so.
        self.s3 = self.server.client("s3")
        self.s3.delete_object(Bucket="watched", Key="k")
        self.assertEqual([one["operation"] for one in self.delivered(3)],
                         [*begun, "REST.DELETE.OBJECT"])

    def test_what_the_policy_refuses_is_told_and_tried_again(self):
        self.log()
        self.s3.delete_bucket_policy(Bucket="logs")
        self.s3.put_object(Bucket="watched", Key="k", Body=b"x")
        self.pass_time()
        wait_until(lambda: self.metric("traccia_access_log_refusals_total") >= 1)
        self.assertIn("an access log was refused", self.server.log())
        self.assertEqual(self.server.keys("logs"), [])
        self.s3.put_bucket_policy(Bucket="logs", Policy=delivery_policy("logs", "watched"))
        self.assertEqual([one["operation"] for one in self.delivered(2)],
                         ["REST.PUT.LOGGING_STATUS", "REST.PUT.OBJECT"])


if __name__ == "__main__":
    harness.main()
