"""traccia setup trail: one command, the same state as its printed AWS CLI commands, nothing weakened.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import subprocess
import sys

import harness
from harness import ACCOUNT, Server, ServerCase, wait_until

KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def setup(server, *options, code=0):
    result = server.traccia("setup", "trail", "--region", "us-east-1", *options)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result


def steps(server, *options):
    return json.loads(setup(server, "--output", "json", *options).stdout)["Steps"]


def state_of(server, name, bucket):
    """All that a set-up makes, with ids of keys left out."""
    s3, kms, sns, trail = (server.client(one) for one in ("s3", "kms", "sns", "cloudtrail"))
    key = kms.describe_key(KeyId=f"alias/cloudtrail-{name}")["KeyMetadata"]
    topic = sns.get_topic_attributes(
        TopicArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:cloudtrail-{name}")["Attributes"]
    found = {
        "location": s3.get_bucket_location(Bucket=bucket)["LocationConstraint"],
        "block": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "versioning": s3.get_bucket_versioning(Bucket=bucket)["Status"],
        "encryption": s3.get_bucket_encryption(
            Bucket=bucket)["ServerSideEncryptionConfiguration"],
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"],
        "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
        "key": {name: key[name] for name in ("Description", "KeyState", "KeyUsage")},
        "key policy": json.loads(kms.get_key_policy(KeyId=key["Arn"],
                                                    PolicyName="default")["Policy"]),
        "rotation": kms.get_key_rotation_status(KeyId=key["Arn"])["KeyRotationEnabled"],
        "topic policy": json.loads(topic["Policy"]),
        "topic key": topic["KmsMasterKeyId"],
        "trail": trail.get_trail(Name=name)["Trail"],
        "access log": s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled"),
        "logging": trail.get_trail_status(Name=name)["IsLogging"]}
    if found["access log"]:
        target = found["access log"]["TargetBucket"]
        found["access log policy"] = json.loads(s3.get_bucket_policy(Bucket=target)["Policy"])
        found["access log block"] = s3.get_public_access_block(
            Bucket=target)["PublicAccessBlockConfiguration"]
    return json.loads(KEY_ID.sub("KEY", json.dumps(found)))


class SetupTrail(ServerCase):
    def test_all_in_one_go(self):
        """The state is what the practices ask; a second run finds it; the printed commands make it
        on another server; files arrive under the key."""
        wanted = ("--name", "whole", "--bucket", "whole-logs", "--kms", "--sns",
                  "--access-logs", "whole-access")
        script = setup(self.server, *wanted).stdout.decode()
        self.assertNotIn("# planned", script)
        state = state_of(self.server, "whole", "whole-logs")
        self.check_practices(state)
        again = steps(self.server, *wanted)
        self.assertEqual({one["State"] for one in again}, {"there"}, again)
        self.assertEqual(state_of(self.server, "whole", "whole-logs"), state)
        with Server() as fresh:
            shell = f'set -e\naws() {{ "{sys.executable}" -m awscli "$@"; }}\n{script}'
            done = subprocess.run(["bash", "-c", shell], env=fresh.env, capture_output=True,
                                  text=True, timeout=180, check=False)
            self.assertEqual(done.returncode, 0, script + done.stdout + done.stderr)
            self.assertEqual(state_of(fresh, "whole", "whole-logs"), state)
        keys = wait_until(lambda: self.server.log_keys("whole-logs"))
        head = self.s3.head_object(Bucket="whole-logs", Key=keys[0])
        self.assertEqual(head["ServerSideEncryption"], "aws:kms")
        wait_until(lambda: "LatestNotificationTime" in self.trail.get_trail_status(Name="whole"))
        status = self.trail.get_trail_status(Name="whole")
        self.assertNotIn("LatestDeliveryError", status)
        self.assertNotIn("LatestNotificationError", status)

    def check_practices(self, state):
        self.assertEqual(set(state["block"].values()), {True})
        self.assertEqual(state["versioning"], "Enabled")
        rule = state["encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        self.assertEqual(rule["SSEAlgorithm"], "aws:kms")
        self.assertEqual(state["lifecycle"][0]["Transitions"], [{"Days": 365, "StorageClass":
                                                                 "GLACIER"}])
        # Without a size the rule would leave most log files, and all digests, where they are.
        self.assertEqual(state["lifecycle"][0]["Filter"]["And"],
                         {"Prefix": "AWSLogs/", "ObjectSizeGreaterThan": 0})
        self.assertEqual(state["access log"], {"TargetBucket": "whole-access",
                                               "TargetPrefix": "whole-logs/"})
        self.assertEqual(set(state["access log block"].values()), {True})
        condition = state["access log policy"]["Statement"][0]["Condition"]
        self.assertEqual(condition["ArnLike"], {"aws:SourceArn": "arn:aws:s3:::whole-logs"})
        self.assertTrue(state["rotation"])
        self.assertTrue(state["logging"])
        for name in ("IsMultiRegionTrail", "IncludeGlobalServiceEvents",
                     "LogFileValidationEnabled"):
            self.assertTrue(state["trail"][name], name)
        self.assertTrue(state["trail"]["KmsKeyId"].endswith("key/KEY"))
        self.assertEqual(state["trail"]["SnsTopicName"], "cloudtrail-whole")
        self.assertEqual(state["topic key"], "alias/cloudtrail-whole")
        arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/whole"
        for policy in ("policy", "key policy", "topic policy"):
            of_service = [one for one in state[policy]["Statement"]
                          if "cloudtrail" in json.dumps(one["Principal"])]
            self.assertTrue(of_service)
            for statement in of_service:
                condition = statement["Condition"]["StringEquals"]
                self.assertEqual(condition["aws:SourceArn"], arn)

    def test_what_is_there_stays(self):
        """Policies are extended, stricter settings left, other trails' destinations untouched."""
        deny = {"Sid": "AWSCloudTrailWrite20150319", "Effect": "Deny", "Principal": "*",
                "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::kept-logs/AWSLogs/*"}
        self.s3.create_bucket(Bucket="kept-logs")
        self.s3.put_bucket_policy(Bucket="kept-logs", Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": [deny]}))
        rules = [{"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""},
                  "Expiration": {"Days": 4000}}]
        self.s3.put_bucket_lifecycle_configuration(Bucket="kept-logs",
                                                   LifecycleConfiguration={"Rules": rules})
        setup(self.server, "--name", "kept", "--bucket", "kept-logs", "--prefix", "pre")
        policy = json.loads(self.s3.get_bucket_policy(Bucket="kept-logs")["Policy"])
        self.assertEqual(policy["Statement"][0], deny)
        self.assertEqual([one["Sid"] for one in policy["Statement"][1:]],
                         ["AWSCloudTrailAclCheck20150319", "AWSCloudTrailWrite20150319kept"])
        found = self.s3.get_bucket_lifecycle_configuration(Bucket="kept-logs")["Rules"]
        self.assertEqual([one["ID"] for one in found], ["theirs"])
        # A second trail joins the bucket; the first one's statements stay.
        setup(self.server, "--name", "joins", "--bucket", "kept-logs")
        after = json.loads(self.s3.get_bucket_policy(Bucket="kept-logs")["Policy"])
        self.assertEqual(after["Statement"][:3], policy["Statement"])
        self.assertEqual(len(after["Statement"]), 5)
        # What a trail lacks is added later.
        later = steps(self.server, "--name", "joins", "--bucket", "kept-logs", "--kms")
        self.assertIn({"Step": "trail joins, extended", "State": "done",
                       "Command": "aws --region us-east-1 cloudtrail update-trail --name joins "
                                  "--kms-key-id alias/cloudtrail-joins"}, later)
        refused = setup(self.server, "--name", "joins", "--bucket", "other-logs", code=3)
        self.assertIn(b"trail joins delivers to s3://kept-logs/", refused.stderr)

    def test_an_access_log_that_is_there_stays(self):
        for bucket in ("logged", "elsewhere"):
            self.s3.create_bucket(Bucket=bucket)
        theirs = {"TargetBucket": "elsewhere", "TargetPrefix": "x"}
        self.s3.put_bucket_logging(Bucket="logged", BucketLoggingStatus={"LoggingEnabled": theirs})
        done = steps(self.server, "--name", "logged", "--bucket", "logged", "--access-logs",
                     "logged-access")
        self.assertIn({"Step": "access log in elsewhere: left as it is", "State": "there"}, done)
        self.assertEqual(self.s3.get_bucket_logging(Bucket="logged")["LoggingEnabled"], theirs)
        self.fails("404", self.s3.head_bucket, Bucket="logged-access")
        refused = setup(self.server, "--bucket", "logged", "--access-logs", "logged", code=2)
        self.assertIn(b"name another bucket", refused.stderr)

    def test_dry_run(self):
        planned = steps(self.server, "--name", "dry", "--bucket", "dry-logs", "--kms", "--sns",
                        "--access-logs", "dry-access", "--dry-run")
        self.assertEqual({one["State"] for one in planned if "Command" in one}, {"planned"})
        self.assertGreater(len(planned), 10)
        self.fails("404", self.s3.head_bucket, Bucket="dry-logs")
        self.fails("404", self.s3.head_bucket, Bucket="dry-access")
        self.fails("TrailNotFoundException", self.trail.get_trail, Name="dry")
        topics = self.server.client("sns").list_topics()["Topics"]
        self.assertFalse([one for one in topics if "dry" in one["TopicArn"]])

    def test_clear_errors(self):
        tenant = self.server.account("neighbour", "444455556666")
        self.server.client_of(tenant, "s3").create_bucket(Bucket="neighbours-logs")
        refused = setup(self.server, "--bucket", "neighbours-logs", code=3)
        self.assertIn(b"belongs to somebody else", refused.stderr)
        self.assertEqual(setup(self.server, code=2).stdout, b"")
        self.fails("404", self.s3.head_bucket, Bucket="short-name-logs")
        bad = setup(self.server, "--name", "x", "--bucket", "short-name-logs", code=3)
        self.assertIn(b"cloudtrail GetTrail: HTTP 400: InvalidTrailName", bad.stderr)


if __name__ == "__main__":
    harness.main()
