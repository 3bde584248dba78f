"""boto3 and the AWS CLI against buckets that keep versions.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ServerCase


class Versions(ServerCase):
    bucket = "versions"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket)
        cls.enable(cls.bucket)

    @classmethod
    def enable(cls, bucket, status="Enabled"):
        cls.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def put(self, key, body, **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)["VersionId"]

    def body(self, key, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def test_versions_come_back_and_go_for_good(self):
        first, second = self.put("life", b"one"), self.put("life", b"two")
        self.assertEqual(self.body("life"), b"two")
        self.assertEqual(self.body("life", VersionId=first), b"one")
        self.assertEqual(
            self.s3.head_object(Bucket=self.bucket, Key="life", VersionId=first)["VersionId"],
            first)
        marker = self.s3.delete_object(Bucket=self.bucket, Key="life")
        self.assertTrue(marker["DeleteMarker"])
        self.fails("NoSuchKey", self.body, key="life")
        self.fails("405", self.s3.head_object, Bucket=self.bucket, Key="life",
                   VersionId=marker["VersionId"])
        self.fails("MethodNotAllowed", self.body, key="life", VersionId=marker["VersionId"],
                   message="The specified method is not allowed against this resource.")
        self.fails("NoSuchVersion", self.body, key="life", VersionId="0" * 32,
                   message="The specified version does not exist.")
        self.fails("InvalidArgument", self.body, key="life", VersionId="mine",
                   message="Invalid version id specified")
        shown = self.s3.list_object_versions(Bucket=self.bucket, Prefix="life")
        self.assertEqual([v["VersionId"] for v in shown["Versions"]], [second, first])
        self.assertEqual([(m["VersionId"], m["IsLatest"]) for m in shown["DeleteMarkers"]],
                         [(marker["VersionId"], True)])
        gone = self.s3.delete_object(Bucket=self.bucket, Key="life", VersionId=marker["VersionId"])
        self.assertTrue(gone["DeleteMarker"])
        self.assertEqual(self.body("life"), b"two")
        self.s3.delete_object(Bucket=self.bucket, Key="life", VersionId=second)
        self.assertEqual(self.body("life"), b"one")

    def test_pages_and_batches(self):
        bucket = "versions-pages"
        self.s3.create_bucket(Bucket=bucket)
        self.enable(bucket)
        keys = ["a b/é", "a b/+", "c", "d/e"]
        made = {(key, self.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"])
                for key in keys for _ in range(3)}
        self.s3.delete_object(Bucket=bucket, Key="c")
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": 2})
        entries = [e for page in pages
                   for e in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        found = {(e["Key"], e["VersionId"]) for e in entries}
        self.assertEqual(len(entries), len(found), "each once")
        self.assertLess(made, found)
        self.assertEqual(sum(e["IsLatest"] for e in entries), len(keys))
        grouped = self.s3.list_object_versions(Bucket=bucket, Delimiter="/")
        self.assertEqual([p["Prefix"] for p in grouped["CommonPrefixes"]], ["a b/", "d/"])
        self.fails("BucketNotEmpty", self.s3.delete_bucket, Bucket=bucket)
        # Pages begun before a batch was deleted go on behind it.
        while True:
            page = self.s3.list_object_versions(Bucket=bucket, MaxKeys=5)
            batch = [{"Key": e["Key"], "VersionId": e["VersionId"]}
                     for e in page.get("Versions", []) + page.get("DeleteMarkers", [])]
            if not batch:
                break
            done = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": batch})
            self.assertEqual(len(done["Deleted"]), len(batch))
            self.assertNotIn("Errors", done)
        self.s3.delete_bucket(Bucket=bucket)

    def test_suspended(self):
        bucket = "versions-suspended"
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"before")
        self.enable(bucket)
        kept = self.s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
        self.enable(bucket, "Suspended")
        for body in (b"one", b"two"):
            self.assertEqual(self.s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"],
                             "null")
        shown = self.s3.list_object_versions(Bucket=bucket)["Versions"]
        self.assertEqual([v["VersionId"] for v in shown], ["null", kept])
        self.assertEqual(self.s3.delete_object(Bucket=bucket, Key="k")["VersionId"], "null")
        shown = self.s3.list_object_versions(Bucket=bucket)
        self.assertEqual([v["VersionId"] for v in shown["Versions"]], [kept])
        self.s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
        self.assertEqual(self.s3.get_object(Bucket=bucket, Key="k")["VersionId"], kept)

    def test_multipart_and_copies(self):
        first = self.put("parts", b"one")
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1,
                                   Body=b"two")
        done = self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key="parts", UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertNotEqual(done["VersionId"], first)
        self.assertEqual(self.body("parts"), b"two")
        copied = self.s3.copy_object(
            Bucket=self.bucket, Key="parts",
            CopySource={"Bucket": self.bucket, "Key": "parts", "VersionId": first})
        self.assertEqual(copied["CopySourceVersionId"], first)
        self.assertNotIn(copied["VersionId"], (first, done["VersionId"]))
        self.assertEqual(self.body("parts"), b"one")

    def test_permissions_of_versions(self):
        iam = self.server.client("iam")
        iam.create_user(UserName="reader")
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"],
                "Resource": f"arn:aws:s3:::{self.bucket}/*"}}))
        reader = self.server.client("s3", key_id=key["AccessKeyId"],
                                    secret=key["SecretAccessKey"])
        version = self.put("guarded", b"x")
        reader.get_object(Bucket=self.bucket, Key="guarded")
        self.fails("AccessDenied", reader.get_object, Bucket=self.bucket, Key="guarded",
                   VersionId=version)
        self.fails("AccessDenied", reader.delete_object, Bucket=self.bucket, Key="guarded",
                   VersionId=version)
        self.fails("AccessDenied", reader.list_object_versions, Bucket=self.bucket)
        reader.delete_object(Bucket=self.bucket, Key="guarded")
        self.assertEqual(self.body("guarded", VersionId=version), b"x")

    def test_the_cli(self):
        shown = self.server.aws("s3api", "get-bucket-versioning", "--bucket", self.bucket)
        self.assertEqual(shown["Status"], "Enabled")
        version = self.put("cli", b"x")
        self.server.aws("s3api", "delete-object", "--bucket", self.bucket, "--key", "cli")
        shown = self.server.aws("s3api", "list-object-versions", "--bucket", self.bucket,
                                "--prefix", "cli")
        self.assertEqual([v["VersionId"] for v in shown["Versions"]], [version])
        self.server.aws("s3api", "delete-object", "--bucket", self.bucket, "--key", "cli",
                        "--version-id", shown["DeleteMarkers"][0]["VersionId"])
        self.assertEqual(self.body("cli"), b"x")

    def test_versions_outlive_a_restart(self):
        version = self.put("restart", b"one")
        self.put("restart", b"two")
        self.server.stop()
        self.server.start()
        type(self).s3 = self.server.client("s3")
        self.assertEqual(self.body("restart", VersionId=version), b"one")
        self.assertEqual(self.body("restart"), b"two")


if __name__ == "__main__":
    harness.main()
