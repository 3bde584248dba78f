"""Tags of S3 objects with boto3: on objects and versions, in copies and uploads, in policies.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ServerCase


def tag_set(**tags):
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


class ObjectTags(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3 = cls.server.client("s3")
        cls.s3.create_bucket(Bucket="tags")

    def tags(self, key, **options):
        shown = self.s3.get_object_tagging(Bucket="tags", Key=key, **options)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in shown}

    def test_tags_come_and_go(self):
        self.s3.put_object(Bucket="tags", Key="a", Body=b"x", Tagging="team=audit&note=a%20b")
        self.assertEqual(self.tags("a"), {"team": "audit", "note": "a b"})
        self.assertEqual(self.s3.get_object(Bucket="tags", Key="a")["TagCount"], 2)
        self.s3.put_object_tagging(Bucket="tags", Key="a", Tagging=tag_set(stage="test"))
        self.assertEqual(self.tags("a"), {"stage": "test"})
        self.server.restart()
        type(self).s3 = self.server.client("s3")
        self.assertEqual(self.tags("a"), {"stage": "test"})
        self.s3.delete_object_tagging(Bucket="tags", Key="a")
        self.assertEqual(self.tags("a"), {})
        self.assertNotIn("TagCount", self.s3.get_object(Bucket="tags", Key="a"))
        self.fails("NoSuchKey", self.s3.get_object_tagging, Bucket="tags", Key="none")

    def test_what_is_no_tag(self):
        self.s3.put_object(Bucket="tags", Key="b", Body=b"x")
        for tags in ({"k" * 129: "v"}, {"k": "v" * 257}, {"aws:k": "v"}):
            self.fails("InvalidTag", self.s3.put_object_tagging, Bucket="tags", Key="b",
                       Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
        self.fails("InvalidTag", self.s3.put_object_tagging, Bucket="tags", Key="b", Tagging={
            "TagSet": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]})
        many = {f"k{number}": "v" for number in range(11)}
        self.fails("BadRequest", self.s3.put_object_tagging, Bucket="tags", Key="b",
                   Tagging=tag_set(**many))

    def test_copies_and_uploads(self):
        self.s3.put_object(Bucket="tags", Key="from", Body=b"x", Tagging="a=1")
        source = {"Bucket": "tags", "Key": "from"}
        self.s3.copy_object(Bucket="tags", Key="to", CopySource=source)
        self.assertEqual(self.tags("to"), {"a": "1"})
        self.s3.copy_object(Bucket="tags", Key="to", CopySource=source, TaggingDirective="REPLACE",
                            Tagging="b=2")
        self.assertEqual(self.tags("to"), {"b": "2"})
        upload = self.s3.create_multipart_upload(Bucket="tags", Key="parts", Tagging="c=3")
        part = self.s3.upload_part(Bucket="tags", Key="parts", UploadId=upload["UploadId"],
                                   PartNumber=1, Body=b"x")
        self.s3.complete_multipart_upload(
            Bucket="tags", Key="parts", UploadId=upload["UploadId"],
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(self.tags("parts"), {"c": "3"})

    def test_each_version_has_its_own(self):
        self.s3.create_bucket(Bucket="versions")
        self.s3.put_bucket_versioning(Bucket="versions",
                                      VersioningConfiguration={"Status": "Enabled"})
        first = self.s3.put_object(Bucket="versions", Key="v", Body=b"1", Tagging="n=1")["VersionId"]
        self.s3.put_object(Bucket="versions", Key="v", Body=b"2", Tagging="n=2")
        shown = self.s3.get_object_tagging(Bucket="versions", Key="v", VersionId=first)
        self.assertEqual((shown["VersionId"], shown["TagSet"]),
                         (first, [{"Key": "n", "Value": "1"}]))

    def test_policies_by_tags(self):
        iam = self.server.client("iam")
        iam.create_user(UserName="reader")
        iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {
                    "StringEquals": {"s3:ExistingObjectTag/level": "public"}}},
                {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectTagging"],
                 "Resource": "*", "Condition": {
                     "StringEquals": {"s3:RequestObjectTag/level": "secret"}}}]}))
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        theirs = self.server.client("s3", key_id=key["AccessKeyId"],
                                    secret=key["SecretAccessKey"])
        self.s3.put_object(Bucket="tags", Key="open", Body=b"x", Tagging="level=public")
        self.s3.put_object(Bucket="tags", Key="shut", Body=b"x", Tagging="level=secret")
        self.assertEqual(theirs.get_object(Bucket="tags", Key="open")["Body"].read(), b"x")
        self.fails("AccessDenied", theirs.get_object, Bucket="tags", Key="shut")
        theirs.put_object(Bucket="tags", Key="new", Body=b"x", Tagging="level=secret")
        self.fails("AccessDenied", theirs.put_object, Bucket="tags", Key="new", Body=b"x",
                   Tagging="level=public")
        self.fails("AccessDenied", theirs.put_object, Bucket="tags", Key="new", Body=b"x")


if __name__ == "__main__":
    harness.main()
