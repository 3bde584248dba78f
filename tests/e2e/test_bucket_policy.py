"""Bucket policies with real clients: CloudTrail as a service principal, and requests without a key.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ACCOUNT, ServerCase, send, wait_until

REFUSED = "InsufficientS3BucketPolicyException"


def arn_of(name, region="us-east-1", account=ACCOUNT):
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


class Deliveries(ServerCase):
    """A trail writes where, and only where, the bucket's policy names it."""

    def create(self, name, bucket, **more):
        made = self.trail.create_trail(Name=name, S3BucketName=bucket, **more)
        self.addCleanup(self.trail.delete_trail, Name=name)
        return made

    def test_without_a_policy(self):
        self.s3.create_bucket(Bucket="bare-logs")
        self.fails(REFUSED, self.trail.create_trail, Name="bare", S3BucketName="bare-logs",
                   message="Incorrect S3 bucket policy is detected for bucket: bare-logs")
        self.assertEqual(self.trail.list_trails()["Trails"], [])
        self.assertEqual(self.server.keys("bare-logs"), [], "a refused trail leaves nothing")

    def test_confused_deputy(self):
        """The bucket trusts one trail; CloudTrail does not write to it for another."""
        self.server.trail_bucket("deputy-logs", "trusted")
        self.create("trusted", "deputy-logs")
        for arn in (arn_of("intruder", "eu-south-1"), arn_of("intruder", account="444455556666")):
            self.server.trail_bucket("deputy-logs", "trusted", arn)
            self.fails(REFUSED, self.trail.create_trail, Name="intruder",
                       S3BucketName="deputy-logs")
        self.server.trail_bucket("own-logs", "intruder")
        self.create("intruder", "own-logs")
        self.fails(REFUSED, self.trail.update_trail, Name="intruder", S3BucketName="deputy-logs")
        found = self.trail.get_trail(Name="intruder")["Trail"]
        self.assertEqual(found["S3BucketName"], "own-logs")

    def test_prefix(self):
        self.server.trail_bucket("prefix-logs", "prefixed", prefix="one")
        self.fails(REFUSED, self.trail.create_trail, Name="prefixed", S3BucketName="prefix-logs")
        self.create("prefixed", "prefix-logs", S3KeyPrefix="one")
        self.fails(REFUSED, self.trail.update_trail, Name="prefixed", S3KeyPrefix="two")
        self.server.trail_bucket("prefix-logs", "prefixed", prefix="two")
        self.trail.update_trail(Name="prefixed", S3KeyPrefix="two")

    def test_policy_lost_and_restored(self):
        """The status tells, nothing is lost, and delivery goes on."""
        bucket, name = "lost-logs", "lost"
        policy = self.server.trail_bucket(bucket, name)
        self.create(name, bucket, EnableLogFileValidation=True)
        self.trail.start_logging(Name=name)
        status = lambda: self.trail.get_trail_status(Name=name)  # noqa: E731
        wait_until(lambda: "LatestDeliveryTime" in status())
        self.s3.delete_bucket_policy(Bucket=bucket)
        self.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
        wait_until(lambda: status().get("LatestDeliveryError") == "AccessDenied"
                   and status().get("LatestDigestDeliveryError") == "AccessDenied")
        self.assertTrue(status()["IsLogging"])
        self.assertNotIn("PutBucketTagging",
                         [r["eventName"] for r in self.server.delivered(bucket)])
        self.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
        wait_until(lambda: not {"LatestDeliveryError", "LatestDigestDeliveryError"} & set(status()))
        wanted = {"DeleteBucketPolicy", "PutBucketTagging", "PutBucketPolicy"}
        wait_until(lambda: wanted <= {r["eventName"] for r in self.server.delivered(bucket)
                                      if r["requestParameters"].get("bucketName") == bucket})
        ids = [r["eventID"] for r in self.server.delivered(bucket)]
        self.assertEqual(len(ids), len(set(ids)))

    def test_printed_policy(self):
        printed = self.server.traccia("bucket-policy", "some-logs", "--trail", "a", "--trail",
                                      arn_of("b", account="444455556666"), "--prefix", "p")
        allows = json.loads(printed.stdout)["Statement"]
        self.assertEqual(allows[1]["Resource"],
                         [f"arn:aws:s3:::some-logs/p/AWSLogs/{account}/*"
                          for account in (ACCOUNT, "444455556666")])
        self.assertEqual(allows[0]["Condition"]["StringEquals"]["aws:SourceArn"],
                         [arn_of("a"), arn_of("b", account="444455556666")])
        self.assertEqual(self.server.traccia("bucket-policy", "some-logs").returncode, 2)


class Requests(ServerCase):
    """People's requests under a bucket's policy."""

    def put_policy(self, bucket, *statements):
        self.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": list(statements)}))

    def test_malformed(self):
        self.s3.create_bucket(Bucket="malformed")
        self.fails("MalformedPolicy", self.put_policy, bucket="malformed")
        self.fails("MalformedPolicy", self.s3.put_bucket_policy, Bucket="malformed", Policy="[]")
        self.fails("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket="malformed")

    def test_deny_beats_the_administrator(self):
        self.s3.create_bucket(Bucket="denied")
        self.s3.put_object(Bucket="denied", Key="k", Body=b"x")
        self.put_policy("denied", {
            "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::denied", "arn:aws:s3:::denied/*"]})
        self.fails("AccessDenied", self.s3.get_object, Bucket="denied", Key="k", message=(
            f"User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to perform: "
            "s3:GetObject on resource: \"arn:aws:s3:::denied/k\" with an explicit deny in a "
            "resource-based policy"))
        self.fails("AccessDenied", self.s3.list_objects_v2, Bucket="denied")
        denied = wait_until(lambda: [r for r in self.server.lookup("DeleteBucketTagging")
                                     if r.get("errorCode") == "AccessDenied"]
                            or self.fails("AccessDenied", self.s3.delete_bucket_tagging,
                                          Bucket="denied") and None)
        self.assertIn("explicit deny", denied[0]["errorMessage"])
        self.s3.delete_bucket_policy(Bucket="denied")  # the way out
        self.assertEqual(self.s3.get_object(Bucket="denied", Key="k")["Body"].read(), b"x")

    def test_without_a_key(self):
        self.s3.create_bucket(Bucket="public")
        self.s3.put_object(Bucket="public", Key="open/k", Body=b"hello")
        url = f"{self.server.endpoint}/public/open/k"
        self.assertEqual(send(url).status, 403)
        self.put_policy("public", {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                   "Resource": "arn:aws:s3:::public/open/*"})
        answer = send(url)
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        for method, target in (("GET", "/public"), ("GET", "/public/other"), ("GET", "/"),
                               ("PUT", "/public/open/k"), ("DELETE", "/public/open/k"),
                               ("PUT", "/public?policy"), ("PUT", "/made-by-nobody")):
            with self.subTest(method=method, target=target):
                answer = send(self.server.endpoint + target, method, b"")
                self.assertEqual(answer.status, 403, answer)
                self.assertIn(b"<Message>Access Denied</Message>", answer.body)
        wrong = send(url, headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"})
        self.assertEqual(wrong.status, 400, "a signature that is there must be right")


if __name__ == "__main__":
    harness.main()
