"""Encryption at rest with real clients: buckets' defaults, and trails whose files are under a key.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ACCOUNT, CliError, ServerCase, wait_until

TRAILS = f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"


def arn_of(trail):
    return f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail}"


def key_policy(trail, *more):
    """As "Configure AWS KMS key policies for CloudTrail" has it; users of the account decrypt by
    their own policies."""
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
               "Resource": "*"}
    source = {"StringEquals": {"aws:SourceArn": arn_of(trail)}}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
         "Action": "kms:*", "Resource": "*"},
        service | {"Action": "kms:GenerateDataKey*",
                   "Condition": source | {"StringLike": {CONTEXT: TRAILS}}},
        service | {"Action": "kms:DescribeKey", "Condition": source}, *more]})


def encryption_policy(bucket, allowed):
    """The practices' statement: what comes without one of these headers is denied."""
    policy = json.loads(harness.any_trail_policy(bucket))
    policy["Statement"].append({
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": allowed}}})
    return json.dumps(policy)


class KeyCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kms = cls.server.client("kms")

    def key(self, trail, *more):
        made = self.kms.create_key(Policy=key_policy(trail, *more))
        return made["KeyMetadata"]["Arn"]

    def user(self, name, *statements):
        """A key of a user that may do just this."""
        iam = self.server.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Resource": "*"} | one for one in statements]}))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return {"key_id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}

    def head(self, bucket, key):
        head = self.s3.head_object(Bucket=bucket, Key=key)
        return head["ServerSideEncryption"], head.get("SSEKMSKeyId")


class Trails(KeyCase):

    def create(self, name, bucket, **more):
        self.server.trail_bucket(bucket, name)
        made = self.trail.create_trail(Name=name, S3BucketName=bucket,
                                       EnableLogFileValidation=True, **more)
        self.addCleanup(self.trail.delete_trail, Name=name)
        self.trail.start_logging(Name=name)
        return made

    def status(self, name):
        return self.trail.get_trail_status(Name=name)

    def test_log_and_digest_files_are_under_the_key(self):
        bucket, key = "keyed-logs", self.key("keyed")
        self.kms.create_alias(AliasName="alias/trail", TargetKeyId=key)
        made = self.create("keyed", bucket, KmsKeyId="alias/trail")
        self.assertEqual(made["KmsKeyId"], key, "an alias is made an ARN")
        self.assertEqual(self.trail.get_trail(Name="keyed")["Trail"]["KmsKeyId"], key)
        wait_until(lambda: self.server.log_keys(bucket) and self.server.digest_keys(bucket))
        for name in self.server.keys(bucket):
            self.assertEqual(self.head(bucket, name), ("aws:kms", key), name)
        used = wait_until(lambda: [r for r in self.server.lookup("GenerateDataKey")
                                   if "CloudTrail/us-east-1/" in json.dumps(r)])[0]
        self.assertEqual(used["userIdentity"]["invokedBy"], "cloudtrail.amazonaws.com")
        context = used["requestParameters"]["encryptionContext"]
        self.assertEqual(context["aws:cloudtrail:arn"], arn_of("keyed"))
        self.assertTrue(context["aws:s3:arn"].startswith(f"arn:aws:s3:::{bucket}/AWSLogs/"))
        # Readers need the key, too, and may be bound to the context of trails.
        file = {"Bucket": bucket, "Key": self.server.log_keys(bucket)[0]}
        reads = {"Action": "s3:GetObject"}
        auditor = self.server.client("s3", **self.user("auditor", reads, {
            "Action": "kms:Decrypt", "Condition": {"Null": {CONTEXT: "false"}}}))
        self.assertTrue(auditor.get_object(**file)["Body"].read())
        curious = self.server.client("s3", **self.user("curious", reads))
        refused = self.fails("AccessDenied", curious.get_object, **file)
        self.assertIn(f"is not authorized to perform: kms:Decrypt on resource: {key}",
                      refused["Error"]["Message"])
        self.assertEqual(curious.head_object(**file)["SSEKMSKeyId"], key)
        # The verifiers of AWS and of this product, with the administrator's permissions.
        def validated():
            done = self.server.aws_raw("cloudtrail", "validate-logs", "--trail-arn",
                                       arn_of("keyed"), "--start-time", harness.now_text(-3600),
                                       region="us-east-1")
            return done.returncode == 0 and "log files valid" in done.stdout and done.stdout
        self.assertNotIn("INVALID", wait_until(validated))
        verified = self.server.traccia("verify", f"s3://{bucket}")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_a_key_that_is_disabled_delays_and_loses_nothing(self):
        bucket, key = "paused-logs", self.key("paused")
        self.create("paused", bucket, KmsKeyId=key)
        wait_until(lambda: "LatestDeliveryTime" in self.status("paused"))
        self.kms.disable_key(KeyId=key)
        self.s3.create_bucket(Bucket="made-in-the-meantime")
        wait_until(lambda: self.status("paused").get("LatestDeliveryError")
                   == "KMS.DisabledException")
        wait_until(lambda: self.status("paused").get("LatestDigestDeliveryError")
                   == "KMS.DisabledException")
        self.kms.enable_key(KeyId=key)
        wait_until(lambda: not {"LatestDeliveryError", "LatestDigestDeliveryError"}
                   & set(self.status("paused")))
        wanted = {"DisableKey", "EnableKey", "CreateBucket"}
        wait_until(lambda: wanted <= {r["eventName"] for r in self.server.delivered(bucket)})
        ids = [r["eventID"] for r in self.server.delivered(bucket)]
        self.assertEqual(len(ids), len(set(ids)))
        # For one that is lost for good: another key, or none.
        self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        wait_until(lambda: self.status("paused").get("LatestDeliveryError")
                   == "KMS.KMSInvalidStateException")
        self.assertNotIn("KmsKeyId", self.trail.update_trail(Name="paused", KmsKeyId=""))
        wait_until(lambda: "LatestDeliveryError" not in self.status("paused"))
        self.assertIn(("AES256", None), [self.head(bucket, k) for k in self.server.log_keys(bucket)])

    def test_keys_that_a_trail_cannot_have(self):
        bucket = "choosy-logs"
        self.server.trail_bucket(bucket, "choosy")
        key = self.key("choosy")

        def refused(code, message, name):
            self.fails(code, self.trail.create_trail, message, Name="choosy",
                       S3BucketName=bucket, KmsKeyId=name)
            self.assertEqual(self.server.keys(bucket), [], "a refused trail leaves nothing")
        insufficient = "Insufficient permissions to access S3 bucket choosy-logs or KMS key {}."
        other = self.kms.create_key()["KeyMetadata"]["Arn"]
        refused("InsufficientEncryptionPolicyException", insufficient.format(other), other)
        foreign = self.key("another")
        refused("InsufficientEncryptionPolicyException", insufficient.format(foreign), foreign)
        missing = key[:-4] + "0000"
        refused("InsufficientEncryptionPolicyException", insufficient.format(missing), missing)
        elsewhere = self.server.client("kms", "eu-south-1").create_key()["KeyMetadata"]["Arn"]
        refused("KmsKeyNotFoundException", None, elsewhere)
        refused("KmsKeyNotFoundException", None, "arn:aws:kms:nonsense")
        self.kms.disable_key(KeyId=key)
        refused("KmsException", f"{key} is disabled.", key)
        self.kms.enable_key(KeyId=key)
        self.create("choosy", bucket, KmsKeyId=key.split("/")[1])
        self.fails("InsufficientEncryptionPolicyException", self.trail.update_trail,
                   Name="choosy", KmsKeyId=foreign)
        self.assertEqual(self.trail.get_trail(Name="choosy")["Trail"]["KmsKeyId"], key)

    def test_the_practices_bucket_policy(self):
        """Both forms: one that takes either kind of encryption, and one that takes KMS only."""
        bucket, key = "strict-logs", self.key("strict")
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_policy(Bucket=bucket, Policy=encryption_policy(bucket, "aws:kms"))
        self.fails("InsufficientS3BucketPolicyException", self.trail.create_trail, Name="strict",
                   S3BucketName=bucket)
        self.trail.create_trail(Name="strict", S3BucketName=bucket, KmsKeyId=key,
                                EnableLogFileValidation=True)
        self.addCleanup(self.trail.delete_trail, Name="strict")
        self.fails("InsufficientS3BucketPolicyException", self.trail.update_trail, Name="strict",
                   KmsKeyId="")
        self.s3.put_bucket_policy(Bucket=bucket, Policy=encryption_policy(
            bucket, ["aws:kms", "AES256"]))
        self.trail.update_trail(Name="strict", KmsKeyId="")
        self.fails("AccessDenied", self.s3.put_object, Bucket=bucket, Key="k", Body=b"x")
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")


class Buckets(KeyCase):

    def test_defaults_by_the_cli(self):
        bucket, key = "default-bucket", self.key("any")
        self.s3.create_bucket(Bucket=bucket)
        shown = self.server.aws("s3api", "get-bucket-encryption", "--bucket", bucket)
        rule = shown["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
        wanted = {"Rules": [{"ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}]}
        self.server.aws("s3api", "put-bucket-encryption", "--bucket", bucket,
                        "--server-side-encryption-configuration", json.dumps(wanted))
        shown = self.server.aws("s3api", "get-bucket-encryption", "--bucket", bucket)
        self.assertEqual(shown["ServerSideEncryptionConfiguration"], wanted)
        file = self.server.folder / "large"
        file.write_bytes(bytes(range(256)) * 70_000)  # in parts
        self.server.aws_raw("s3", "cp", str(file), f"s3://{bucket}/large")
        head = self.s3.head_object(Bucket=bucket, Key="large")
        self.assertEqual((head["ServerSideEncryption"], head["SSEKMSKeyId"],
                          head["BucketKeyEnabled"]), ("aws:kms", key, True))
        back = self.server.folder / "back"
        self.server.aws_raw("s3", "cp", f"s3://{bucket}/large", str(back))
        self.assertEqual(back.read_bytes(), file.read_bytes())
        type(self).server.restart()
        type(self).s3 = self.server.client("s3")
        type(self).kms = self.server.client("kms")
        self.assertEqual(self.s3.get_object(Bucket=bucket, Key="large")["Body"].read(),
                         file.read_bytes())
        self.kms.disable_key(KeyId=key)
        with self.assertRaisesRegex(CliError, "KMS.DisabledException"):
            self.server.aws("s3api", "get-object", "--bucket", bucket, "--key", "large", str(back))

    def test_objects_of_another_accounts_key(self):
        """The key's policy and the user's own must both allow."""
        stranger = self.server.account("stranger")
        key = self.key("any", {"Effect": "Allow", "Resource": "*", "Action": [
            "kms:GenerateDataKey", "kms:Decrypt"], "Principal": {
                "AWS": f"arn:aws:iam::{stranger['AccountId']}:root"},
            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}})
        theirs = self.server.client_of(stranger, "s3")
        theirs.create_bucket(Bucket="of-a-stranger")
        theirs.put_object(Bucket="of-a-stranger", Key="k", Body=b"x",
                          ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
        self.assertEqual(theirs.get_object(Bucket="of-a-stranger", Key="k")["Body"].read(), b"x")
        direct = self.server.client_of(stranger, "kms")
        self.fails("AccessDeniedException", direct.generate_data_key, KeyId=key, KeySpec="AES_256")


if __name__ == "__main__":
    harness.main()
