"""boto3 and the AWS CLI against buckets with Object Lock.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json

import harness
from harness import ServerCase

PROTECTED = "Access Denied because object protected by object lock."


def days(count):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=count)
    return when.replace(microsecond=0)


class ObjectLock(ServerCase):
    bucket = "locked"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket, ObjectLockEnabledForBucket=True)

    def put(self, key, **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"x", **more)["VersionId"]

    def remove(self, key, version, **more):
        return self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version, **more)

    def test_governance(self):
        until = days(3)
        version = self.put("governance", ObjectLockMode="GOVERNANCE",
                           ObjectLockRetainUntilDate=until)
        read = self.s3.head_object(Bucket=self.bucket, Key="governance")
        self.assertEqual((read["ObjectLockMode"], read["ObjectLockRetainUntilDate"]),
                         ("GOVERNANCE", until))
        self.fails("AccessDenied", self.remove, message=PROTECTED, key="governance",
                   version=version)
        self.fails("AccessDenied", self.s3.put_object_retention, message=PROTECTED,
                   Bucket=self.bucket, Key="governance",
                   Retention={"Mode": "GOVERNANCE", "RetainUntilDate": days(1)})
        iam = self.server.client("iam")
        iam.create_user(UserName="remover")
        key = iam.create_access_key(UserName="remover")["AccessKey"]
        iam.put_user_policy(UserName="remover", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": ["s3:DeleteObject*", "s3:GetObject"],
                "Resource": "*"}}))
        remover = self.server.client("s3", key_id=key["AccessKeyId"],
                                     secret=key["SecretAccessKey"])
        self.fails("AccessDenied", remover.delete_object, Bucket=self.bucket, Key="governance",
                   VersionId=version, BypassGovernanceRetention=True)
        self.assertNotIn("ObjectLockMode",
                         remover.get_object(Bucket=self.bucket, Key="governance"))
        self.remove("governance", version, BypassGovernanceRetention=True)

    def test_compliance_binds_everybody(self):
        version = self.put("compliance")
        self.s3.put_object_retention(
            Bucket=self.bucket, Key="compliance",
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": days(3)})
        self.fails("AccessDenied", self.remove, message=PROTECTED, key="compliance",
                   version=version, BypassGovernanceRetention=True)
        self.fails("AccessDenied", self.s3.put_object_retention, message=PROTECTED,
                   Bucket=self.bucket, Key="compliance", BypassGovernanceRetention=True,
                   Retention={"Mode": "COMPLIANCE", "RetainUntilDate": days(2)})
        done = self.s3.delete_objects(Bucket=self.bucket, BypassGovernanceRetention=True, Delete={
            "Objects": [{"Key": "compliance", "VersionId": version}]})
        self.assertEqual([e["Message"] for e in done["Errors"]], [PROTECTED])
        marker = self.s3.delete_object(Bucket=self.bucket, Key="compliance")["VersionId"]
        self.remove("compliance", marker)
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="compliance")["VersionId"],
                         version)

    def test_legal_hold_and_uploads(self):
        upload = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key="held", ObjectLockLegalHoldStatus="ON")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="held", UploadId=upload, PartNumber=1,
                                   Body=b"x")
        version = self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key="held", UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})["VersionId"]
        hold = self.s3.get_object_legal_hold(Bucket=self.bucket, Key="held")["LegalHold"]
        self.assertEqual(hold["Status"], "ON")
        self.fails("NoSuchObjectLockConfiguration", self.s3.get_object_retention,
                   Bucket=self.bucket, Key="held")
        self.fails("AccessDenied", self.remove, message=PROTECTED, key="held", version=version)
        self.s3.put_object_legal_hold(Bucket=self.bucket, Key="held",
                                      LegalHold={"Status": "OFF"})
        self.remove("held", version)

    def test_configuration_by_the_cli(self):
        bucket = "locked-later"
        self.s3.create_bucket(Bucket=bucket)
        self.fails("ObjectLockConfigurationNotFoundError",
                   self.s3.get_object_lock_configuration, Bucket=bucket)
        wanted = {"ObjectLockEnabled": "Enabled",
                  "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}}
        self.fails("InvalidBucketState", self.s3.put_object_lock_configuration, Bucket=bucket,
                   ObjectLockConfiguration=wanted)
        self.s3.put_bucket_versioning(Bucket=bucket,
                                      VersioningConfiguration={"Status": "Enabled"})
        self.server.aws("s3api", "put-object-lock-configuration", "--bucket", bucket,
                        "--object-lock-configuration", json.dumps(wanted))
        shown = self.server.aws("s3api", "get-object-lock-configuration", "--bucket", bucket)
        self.assertEqual(shown["ObjectLockConfiguration"], wanted)
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        kept = self.s3.get_object_retention(Bucket=bucket, Key="k")["Retention"]
        self.assertEqual(kept["Mode"], "COMPLIANCE")
        self.assertGreater(kept["RetainUntilDate"], days(364))
        self.fails("InvalidBucketState", self.s3.put_bucket_versioning, Bucket=bucket,
                   VersioningConfiguration={"Status": "Suspended"})


if __name__ == "__main__":
    harness.main()
