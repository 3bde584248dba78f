"""boto3 against the embedded object service.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import datetime
import hashlib
import io
import json
import unittest.mock
import xml.etree.ElementTree
import zlib

import harness
from harness import ACCOUNT, ServerCase, send

PART_BYTES = 5 << 20  # the least that S3 takes for a part that is not the last


class Buckets(ServerCase):

    def test_life_of_a_bucket(self):
        made = self.s3.create_bucket(Bucket="first-bucket")
        self.assertEqual(made["Location"], "/first-bucket")
        listed = {b["Name"]: b for b in self.s3.list_buckets()["Buckets"]}
        self.assertIn("first-bucket", listed)
        self.assertEqual(self.s3.head_bucket(Bucket="first-bucket")["BucketRegion"], "us-east-1")
        self.s3.put_object(Bucket="first-bucket", Key="k", Body=b"x")
        self.fails("BucketNotEmpty", self.s3.delete_bucket, Bucket="first-bucket")
        self.s3.delete_object(Bucket="first-bucket", Key="k")
        self.s3.delete_bucket(Bucket="first-bucket")
        self.fails("404", self.s3.head_bucket, Bucket="first-bucket")
        self.fails("NoSuchBucket", self.s3.delete_bucket, Bucket="first-bucket",
                   message="The specified bucket does not exist")

    def test_location(self):
        south = self.server.client("s3", "eu-south-1")
        south.create_bucket(Bucket="south-bucket",
                            CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
        self.s3.create_bucket(Bucket="north-bucket")
        self.assertEqual(self.s3.get_bucket_location(Bucket="south-bucket")["LocationConstraint"],
                         "eu-south-1")
        self.assertIsNone(
            self.s3.get_bucket_location(Bucket="north-bucket").get("LocationConstraint"))
        self.fails("InvalidLocationConstraint", self.s3.create_bucket, Bucket="far-bucket",
                   CreateBucketConfiguration={"LocationConstraint": "mars-north-1"})
        self.fails("BucketAlreadyOwnedByYou", south.create_bucket, Bucket="south-bucket",
                   CreateBucketConfiguration={"LocationConstraint": "eu-south-1"})
        self.s3.create_bucket(Bucket="north-bucket")  # us-east-1 keeps the old way

    def test_bad_names(self):
        # Raw requests: botocore itself would refuse some of these.
        for name in ("ab", "a" * 64, "Upper", "under_score", "a..b", "-dash", "dash-", ".dot",
                     "192.168.5.4", "xn--a", "name-s3alias", "healthz", "metrics", "console", "v1"):
            with self.subTest(name=name):
                answer = self.server.signed("PUT", f"/{name}")
                self.assertEqual((answer.status, code_of(answer.body)),
                                 (400, "InvalidBucketName"))
        names = [b["Name"] for b in self.s3.list_buckets()["Buckets"]]
        self.assertNotIn("a..b", names)

    def test_documents(self):
        bucket = "documents"
        self.s3.create_bucket(Bucket=bucket)
        self.fails("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket=bucket)
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"}]}
        self.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        self.assertEqual(json.loads(self.s3.get_bucket_policy(Bucket=bucket)["Policy"]), policy)
        self.fails("MalformedPolicy", self.s3.put_bucket_policy, Bucket=bucket, Policy="{broken")
        self.assertEqual(json.loads(self.s3.get_bucket_policy(Bucket=bucket)["Policy"]), policy)
        self.s3.delete_bucket_policy(Bucket=bucket)
        self.fails("NoSuchBucketPolicy", self.s3.get_bucket_policy, Bucket=bucket)

        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket=bucket))
        self.s3.put_bucket_versioning(Bucket=bucket,
                                      VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")

        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                  "BucketKeyEnabled": True}]
        self.assertFalse(self.encryption(bucket)[0]["BucketKeyEnabled"])
        self.s3.put_bucket_encryption(Bucket=bucket,
                                      ServerSideEncryptionConfiguration={"Rules": rules})
        self.assertTrue(self.encryption(bucket)[0]["BucketKeyEnabled"])
        self.s3.delete_bucket_encryption(Bucket=bucket)
        self.assertFalse(self.encryption(bucket)[0]["BucketKeyEnabled"])

        tags = [{"Key": "team", "Value": "audit & trail <1>"}]
        self.fails("NoSuchTagSet", self.s3.get_bucket_tagging, Bucket=bucket)
        self.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        self.assertEqual(self.s3.get_bucket_tagging(Bucket=bucket)["TagSet"], tags)

        block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                               "RestrictPublicBuckets"), True)
        self.fails("NoSuchPublicAccessBlockConfiguration", self.s3.get_public_access_block,
                   Bucket=bucket)
        self.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
        self.assertEqual(self.s3.get_public_access_block(Bucket=bucket)
                         ["PublicAccessBlockConfiguration"], block)

        controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        self.assertEqual(self.s3.get_bucket_ownership_controls(Bucket=bucket)
                         ["OwnershipControls"], controls)
        self.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
        self.assertEqual(self.s3.get_bucket_ownership_controls(Bucket=bucket)
                         ["OwnershipControls"], controls)
        self.assertEqual(self.s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"], ACCOUNT)
        self.fails("NoSuchBucket", self.s3.get_bucket_policy, Bucket="no-such-bucket")
        self.fails("NoSuchBucket", self.s3.put_bucket_versioning, Bucket="no-such-bucket",
                   VersioningConfiguration={"Status": "Enabled"})

    def encryption(self, bucket):
        return (self.s3.get_bucket_encryption(Bucket=bucket)
                ["ServerSideEncryptionConfiguration"]["Rules"])

    def test_what_is_not_there_yet_says_so(self):
        self.s3.create_bucket(Bucket="not-yet")
        self.fails("NotImplemented", self.s3.get_bucket_cors, Bucket="not-yet")
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="not-yet"))


def code_of(body):
    return xml.etree.ElementTree.fromstring(body).findtext("Code")


class Objects(ServerCase):
    bucket = "objects"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket)

    def put(self, key, body, **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def get(self, key, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)

    def body(self, key, **more):
        return self.get(key, **more)["Body"].read()

    def test_put_get_head(self):
        content = bytes(range(256)) * 100
        put = self.put("a/b.bin", content, ContentType="application/x-test",
                       ContentEncoding="identity", CacheControl="no-store",
                       ContentDisposition="attachment", ContentLanguage="it",
                       Metadata={"color": "blue", "two-words": "a b"})
        self.assertEqual(put["ETag"], f'"{hashlib.md5(content).hexdigest()}"')
        for answer in (self.get("a/b.bin"), self.s3.head_object(Bucket=self.bucket, Key="a/b.bin")):
            self.assertEqual(answer["ContentLength"], len(content))
            self.assertEqual(answer["ETag"], put["ETag"])
            self.assertEqual(answer["ContentType"], "application/x-test")
            self.assertEqual(answer["CacheControl"], "no-store")
            self.assertEqual(answer["ContentDisposition"], "attachment")
            self.assertEqual(answer["ContentLanguage"], "it")
            self.assertEqual(answer["Metadata"], {"color": "blue", "two-words": "a b"})
            self.assertEqual(answer["AcceptRanges"], "bytes")
        self.assertEqual(self.body("a/b.bin"), content)
        headers = self.get("a/b.bin")["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual(headers["content-security-policy"], "sandbox")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.put("a/b.bin", b"second")
        self.assertEqual(self.body("a/b.bin"), b"second")
        self.assertEqual(self.get("a/b.bin")["Metadata"], {})

    def test_empty_and_large_objects(self):
        large = b"0123456789abcdef" * (20 << 16)  # 20 MiB
        self.put("empty", b"")
        self.put("large", large)
        self.assertEqual(self.body("empty"), b"")
        self.assertEqual(hashlib.sha256(self.body("large")).digest(),
                         hashlib.sha256(large).digest())
        self.assertEqual(self.body("large", Range="bytes=1048570-3145730"), large[1048570:3145731])
        self.fails("InvalidRange", self.get, key="empty", Range="bytes=0-0")

    def test_missing(self):
        self.fails("NoSuchKey", self.get, key="nothing",
                   message="The specified key does not exist.")
        self.fails("404", self.s3.head_object, Bucket=self.bucket, Key="nothing")
        self.fails("NoSuchBucket", self.s3.get_object, Bucket="no-such-bucket", Key="k")
        self.fails("NoSuchBucket", self.s3.put_object, Bucket="no-such-bucket", Key="k", Body=b"x")
        self.s3.delete_object(Bucket=self.bucket, Key="nothing")  # deleting nothing succeeds

    def test_ranges(self):
        self.put("digits", b"0123456789")
        for asked, wanted, told in (("bytes=0-0", b"0", "bytes 0-0/10"),
                                    ("bytes=3-5", b"345", "bytes 3-5/10"),
                                    ("bytes=8-", b"89", "bytes 8-9/10"),
                                    ("bytes=-3", b"789", "bytes 7-9/10"),
                                    ("bytes=-99", b"0123456789", "bytes 0-9/10"),
                                    ("bytes=5-99", b"56789", "bytes 5-9/10")):
            with self.subTest(range=asked):
                answer = self.get("digits", Range=asked)
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 206)
                self.assertEqual(answer["ContentRange"], told)
                self.assertEqual(answer["Body"].read(), wanted)
        for asked in ("bytes=5-3", "lines=1-2", "bytes=x-y"):
            with self.subTest(range=asked):
                answer = self.get("digits", Range=asked)
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 200)
                self.assertEqual(answer["Body"].read(), b"0123456789")
        for asked in ("bytes=10-", "bytes=-0"):
            answer = self.fails("InvalidRange", self.get, key="digits", Range=asked)
            self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 416)

    def test_conditions_on_get(self):
        put = self.put("conditional", b"x")
        modified = self.get("conditional")["LastModified"]
        self.assertEqual(self.body("conditional", IfMatch=put["ETag"]), b"x")
        self.assertEqual(self.body("conditional", IfNoneMatch='"other"'), b"x")
        self.fails("PreconditionFailed", self.get, key="conditional", IfMatch='"other"')
        self.fails("304", self.get, key="conditional", IfNoneMatch=put["ETag"])
        self.fails("304", self.get, key="conditional", IfModifiedSince=modified)
        self.fails("304", self.s3.head_object, Bucket=self.bucket, Key="conditional",
                   IfNoneMatch=put["ETag"])
        early = modified.replace(year=2020)
        self.fails("PreconditionFailed", self.get, key="conditional", IfUnmodifiedSince=early)
        self.assertEqual(self.body("conditional", IfModifiedSince=early), b"x")

    def test_conditions_on_put(self):
        first = self.put("once", b"first", IfNoneMatch="*")
        self.fails("PreconditionFailed", self.put, key="once", body=b"second", IfNoneMatch="*")
        self.assertEqual(self.body("once"), b"first")
        self.fails("PreconditionFailed", self.put, key="once", body=b"second", IfMatch='"other"')
        self.put("once", b"second", IfMatch=first["ETag"])
        self.assertEqual(self.body("once"), b"second")
        self.fails("NoSuchKey", self.put, key="never", body=b"x", IfMatch=first["ETag"])

    def test_checksums(self):
        content = b"checked content"
        sums = {"ChecksumCRC32": zlib.crc32(content).to_bytes(4, "big"),
                "ChecksumSHA1": hashlib.sha1(content).digest(),
                "ChecksumSHA256": hashlib.sha256(content).digest()}
        for name, value in sums.items():
            with self.subTest(name=name):
                text = base64.b64encode(value).decode()
                self.assertEqual(self.put("sum", content, **{name: text})[name], text)
                self.assertEqual(self.get("sum", ChecksumMode="ENABLED")[name], text)
                wrong = base64.b64encode(bytes(len(value))).decode()
                self.fails("BadDigest", self.put, key="wrong", body=content, **{name: wrong})
        for algorithm in ("CRC32", "SHA1", "SHA256"):  # the client adds a trailer or header itself
            self.put("sum", content, ChecksumAlgorithm=algorithm)
            self.assertIn(f"Checksum{algorithm}", self.get("sum", ChecksumMode="ENABLED"))
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        self.put("sum", content, ContentMD5=md5)
        self.fails("BadDigest", self.put, key="wrong", body=b"other", ContentMD5=md5)
        self.fails("InvalidDigest", self.put, key="wrong", body=content, ContentMD5="nonsense")
        self.fails("NoSuchKey", self.get, key="wrong")

    def test_known_crc32c_and_crc64nvme(self):
        # Check values of the CRC catalogue for the text 123456789.
        for name, value in (("ChecksumCRC32C", 0xE3069283.to_bytes(4, "big")),
                            ("ChecksumCRC64NVME", 0xAE8B14860A799888.to_bytes(8, "big"))):
            with self.subTest(name=name):
                text = base64.b64encode(value).decode()
                self.put("crc", b"123456789", **{name: text})
                self.assertEqual(self.get("crc", ChecksumMode="ENABLED")[name], text)
                self.fails("BadDigest", self.put, key="crc", body=b"12345678", **{name: text})

    def test_streaming_uploads(self):
        """Unseekable and file bodies: aws-chunked with a trailer, and unsigned payloads."""
        content = bytes(range(251)) * 4000
        self.s3.upload_fileobj(io.BytesIO(content), self.bucket, "streamed")
        self.assertEqual(self.body("streamed"), content)
        for name, config in (("signed", {"s3": {"payload_signing_enabled": True,
                                                "addressing_style": "path"}}),
                             ("unsigned", {"s3": {"payload_signing_enabled": False,
                                                  "addressing_style": "path"}})):
            for when in ("when_supported", "when_required"):
                with self.subTest(name=name, when=when):
                    client = self.server.client("s3", request_checksum_calculation=when, **config)
                    client.put_object(Bucket=self.bucket, Key=name, Body=io.BytesIO(content))
                    self.assertEqual(self.body(name), content)
                    self.assertNotIn("aws-chunked", self.get(name).get("ContentEncoding", ""))

    def test_content_encoding_of_chunked_upload_is_the_objects_own(self):
        client = self.server.client("s3", request_checksum_calculation="when_supported")
        client.put_object(Bucket=self.bucket, Key="zipped", Body=io.BytesIO(b"zz"),
                          ContentEncoding="gzip", ChecksumAlgorithm="SHA256")
        self.assertEqual(self.get("zipped")["ContentEncoding"], "gzip")

    def test_copy(self):
        self.put("source", b"content", Metadata={"k": "v"}, ContentType="text/plain")
        copied = self.s3.copy_object(Bucket=self.bucket, Key="copy/ö +%",
                                     CopySource={"Bucket": self.bucket, "Key": "source"})
        self.assertEqual(copied["CopyObjectResult"]["ETag"],
                         f'"{hashlib.md5(b"content").hexdigest()}"')
        copy = self.get("copy/ö +%")
        self.assertEqual((copy["Body"].read(), copy["Metadata"], copy["ContentType"]),
                         (b"content", {"k": "v"}, "text/plain"))
        self.s3.copy_object(Bucket=self.bucket, Key="source", MetadataDirective="REPLACE",
                            Metadata={"n": "1"},
                            CopySource={"Bucket": self.bucket, "Key": "copy/ö +%"})
        self.assertEqual(self.get("source")["Metadata"], {"n": "1"})
        self.fails("InvalidRequest", self.s3.copy_object, Bucket=self.bucket, Key="source",
                   CopySource={"Bucket": self.bucket, "Key": "source"})
        self.fails("NoSuchKey", self.s3.copy_object, Bucket=self.bucket, Key="x",
                   CopySource={"Bucket": self.bucket, "Key": "nothing"})
        self.fails("PreconditionFailed", self.s3.copy_object, Bucket=self.bucket, Key="x",
                   CopySource={"Bucket": self.bucket, "Key": "source"},
                   CopySourceIfMatch='"other"')

    def test_delete_objects(self):
        keys = [f"del/{i} & <{i}>" for i in range(5)]
        for key in keys:
            self.put(key, b"x")
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={
            "Objects": [{"Key": k} for k in keys[:4] + ["del/never-was"]]})
        self.assertEqual([d["Key"] for d in answer["Deleted"]], keys[:4] + ["del/never-was"])
        self.assertNotIn("Errors", answer)
        self.assertEqual(self.server.keys(self.bucket, "del/"), keys[4:])
        quiet = self.s3.delete_objects(Bucket=self.bucket, Delete={
            "Objects": [{"Key": keys[4]}], "Quiet": True})
        self.assertNotIn("Deleted", quiet)
        self.assertEqual(self.server.keys(self.bucket, "del/"), [])
        answer = self.server.signed("POST", f"/{self.bucket}?delete=", b"<Delete></Delete>")
        self.assertEqual((answer.status, code_of(answer.body)), (400, "MalformedXML"))

    def test_presigned(self):
        client = self.server.client("s3", signature_version="s3v4")
        self.put("shared/ü file", b"shared")
        url = client.generate_presigned_url("get_object", ExpiresIn=60, Params={
            "Bucket": self.bucket, "Key": "shared/ü file", "ResponseContentType": "text/x-own"})
        answer = send(url)
        self.assertEqual((answer.status, answer.body), (200, b"shared"))
        self.assertEqual(answer.headers["Content-Type"], "text/x-own")
        self.assert_refused(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
                            "SignatureDoesNotMatch")
        self.assert_refused(url.replace("shared/", "other/"), "SignatureDoesNotMatch")
        self.assert_refused(url.split("?")[0], "AccessDenied")
        put = client.generate_presigned_url("put_object", ExpiresIn=60, Params={
            "Bucket": self.bucket, "Key": "shared/put"})
        self.assertEqual(send(put, "PUT", b"by url").status, 200)
        self.assertEqual(self.body("shared/put"), b"by url")

    def test_presigned_that_expired(self):
        self.put("old", b"x")
        past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
        client = self.server.client("s3", signature_version="s3v4")
        with unittest.mock.patch("botocore.auth.get_current_datetime", return_value=past):
            url = client.generate_presigned_url("get_object", ExpiresIn=60, Params={
                "Bucket": self.bucket, "Key": "old"})
        self.assert_refused(url, "AccessDenied")

    def assert_refused(self, url, code):
        answer = send(url)
        self.assertEqual((answer.status, code_of(answer.body)), (403, code))

    def test_keys_of_every_kind(self):
        keys = ["../up", "a/../b", "./here", "a//b", "/leading", "trailing/", "...", "..",
                "Ünïcödé/日本語/🦊", "q?x=1&y#z", "100%25 +", "back\\slash", "'\"<&>", "\t",
                "k" * 1024, "é" * 512]
        for key in keys:
            with self.subTest(key=key[:40]):
                content = key.encode()
                self.put(key, content)
                self.assertEqual(self.body(key), content)
        listed = self.server.keys(self.bucket)
        for key in keys:
            self.assertIn(key, listed)
        self.fails("KeyTooLongError", self.put, key="k" * 1025, body=b"x")
        self.fails("KeyTooLongError", self.put, key="é" * 513, body=b"x")
        self.assertFalse((self.server.folder / "up").exists())
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.assertFalse(set(keys) & set(self.server.keys(self.bucket)))

    def test_virtual_hosted(self):
        port = self.server.endpoint.rsplit(":", 1)[1]
        self.put("hosted", b"by host")
        for host in (f"{self.bucket}.s3.us-east-1.amazonaws.com:{port}",
                     f"{self.bucket}.localhost:{port}"):
            with self.subTest(host=host):
                answer = self.server.signed("GET", "/hosted", host=host)
                self.assertEqual((answer.status, answer.body), (200, b"by host"))

    def test_traccia_cat(self):
        content = bytes(range(256)) * 3
        self.put("cat/ö file.bin", content)
        url = f"s3://{self.bucket}/cat/ö file.bin"
        for where in ((), ("--data", self.server.data)):
            result = self.server.traccia("cat", *where, url)
            self.assertEqual((result.returncode, result.stdout), (0, content), result.stderr)
        result = self.server.traccia("cat", f"s3://{self.bucket}/nothing")
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertIn(b"NoSuchKey", result.stderr)
        self.assertEqual(self.server.traccia("cat", "no-url").returncode, 2)

    def test_metadata_limit(self):
        self.put("meta", b"x", Metadata={"m": "v" * 2000})
        self.fails("MetadataTooLarge", self.put, key="meta", body=b"y", Metadata={"m": "v" * 2100})
        self.assertEqual(self.body("meta"), b"x")


class Listing(ServerCase):
    bucket = "listing"
    keys = sorted(["a/1", "a/2", "a/b/3", "b", "b/4", "c+d e", "ä/5", "z&<>", "z/9"] +
                  [f"many/{i:04}" for i in range(1105)], key=str.encode)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket)
        for key in cls.keys:
            cls.s3.put_object(Bucket=cls.bucket, Key=key, Body=key.encode())

    def pages(self, operation, **arguments):
        return list(self.s3.get_paginator(operation).paginate(Bucket=self.bucket, **arguments))

    def test_all_keys_in_byte_order_over_pages(self):
        for operation in ("list_objects", "list_objects_v2"):
            with self.subTest(operation=operation):
                pages = self.pages(operation)
                self.assertEqual([len(p["Contents"]) for p in pages],
                                 [1000, len(self.keys) - 1000])
                self.assertEqual([c["Key"] for p in pages for c in p["Contents"]], self.keys)
        entry = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="a/1")["Contents"][0]
        self.assertEqual(entry["Size"], 3)
        self.assertEqual(entry["ETag"], f'"{hashlib.md5(b"a/1").hexdigest()}"')
        self.assertEqual(entry["StorageClass"], "STANDARD")

    def test_delimiter(self):
        for operation in ("list_objects", "list_objects_v2"):
            for page_size in (1, 2, 1000):
                with self.subTest(operation=operation, page_size=page_size):
                    pages = self.pages(operation, Delimiter="/",
                                       PaginationConfig={"PageSize": page_size})
                    self.assertEqual([c["Key"] for p in pages for c in p.get("Contents", [])],
                                     ["b", "c+d e", "z&<>"])
                    self.assertEqual([c["Prefix"] for p in pages
                                      for c in p.get("CommonPrefixes", [])],
                                     ["a/", "b/", "many/", "z/", "ä/"])
        page = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="a/", Delimiter="/")
        self.assertEqual([c["Key"] for c in page["Contents"]], ["a/1", "a/2"])
        self.assertEqual(page["CommonPrefixes"], [{"Prefix": "a/b/"}])
        self.assertEqual(page["KeyCount"], 3)

    def test_start(self):
        page = self.s3.list_objects_v2(Bucket=self.bucket, StartAfter="many/1103")
        self.assertEqual([c["Key"] for c in page["Contents"]],
                         ["many/1104", "z&<>", "z/9", "ä/5"])
        page = self.s3.list_objects(Bucket=self.bucket, Marker="many/1103", MaxKeys=2)
        self.assertEqual([c["Key"] for c in page["Contents"]], ["many/1104", "z&<>"])
        self.assertTrue(page["IsTruncated"])
        self.fails("InvalidArgument", self.s3.list_objects_v2, Bucket=self.bucket,
                   ContinuationToken="!")

    def test_no_keys_asked_for(self):
        page = self.s3.list_objects_v2(Bucket=self.bucket, MaxKeys=0)
        self.assertNotIn("Contents", page)
        self.assertFalse(page["IsTruncated"])

    def test_encoding(self):
        name = "{http://s3.amazonaws.com/doc/2006-03-01/}Key"

        def listed(query):
            answer = self.server.signed("GET", f"/{self.bucket}?prefix=z{query}")
            self.assertEqual(answer.status, 200, answer)
            return [e.text for e in xml.etree.ElementTree.fromstring(answer.body).iter(name)]
        self.assertEqual(listed(""), ["z&<>", "z/9"])
        self.assertEqual(listed("&encoding-type=url"), ["z%26%3C%3E", "z/9"])
        answer = self.server.signed("GET", f"/{self.bucket}?encoding-type=odd")
        self.assertEqual((answer.status, code_of(answer.body)), (400, "InvalidArgument"))

    def test_missing_bucket(self):
        self.fails("NoSuchBucket", self.s3.list_objects_v2, Bucket="no-such-bucket")


class Multipart(ServerCase):
    bucket = "multipart"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket)

    def begin(self, key, **more):
        made = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **more)
        return {"Bucket": self.bucket, "Key": key, "UploadId": made["UploadId"]}

    def part(self, upload, number, body):
        answer = self.s3.upload_part(**upload, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def test_upload(self):
        upload = self.begin("big", ContentType="text/x-big", Metadata={"k": "v"})
        contents = [b"a" * PART_BYTES, b"b" * PART_BYTES, b"c"]
        parts = [self.part(upload, n, c) for n, c in zip((3, 7, 10), contents)]
        self.fails("NoSuchKey", self.s3.get_object, Bucket=self.bucket, Key="big")
        self.assertEqual([u["Key"] for u in
                          self.s3.list_multipart_uploads(Bucket=self.bucket)["Uploads"]], ["big"])
        page = self.s3.list_parts(**upload, MaxParts=2)
        self.assertEqual([p["PartNumber"] for p in page["Parts"]], [3, 7])
        self.assertTrue(page["IsTruncated"])
        rest = self.s3.list_parts(**upload, PartNumberMarker=page["NextPartNumberMarker"])
        self.assertEqual([(p["PartNumber"], p["Size"]) for p in rest["Parts"]], [(10, 1)])
        done = self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        sums = b"".join(hashlib.md5(c).digest() for c in contents)
        self.assertEqual(done["ETag"], f'"{hashlib.md5(sums).hexdigest()}-3"')
        found = self.s3.get_object(Bucket=self.bucket, Key="big")
        self.assertEqual(found["ContentType"], "text/x-big")
        self.assertEqual(found["Metadata"], {"k": "v"})
        self.assertEqual(found["Body"].read(), b"".join(contents))
        at = PART_BYTES - 2
        found = self.s3.get_object(Bucket=self.bucket, Key="big", Range=f"bytes={at}-{at + 3}")
        self.assertEqual(found["Body"].read(), b"aabb")
        self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=self.bucket))
        self.fails("NoSuchUpload", self.s3.list_parts, **upload)

    def test_part_is_replaced(self):
        upload = self.begin("replaced")
        self.part(upload, 1, b"old")
        part = self.part(upload, 1, b"new")
        self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
        found = self.s3.get_object(Bucket=self.bucket, Key="replaced")
        self.assertEqual(found["Body"].read(), b"new")

    def test_abort(self):
        upload = self.begin("aborted")
        self.part(upload, 1, b"x")
        self.s3.abort_multipart_upload(**upload)
        self.fails("NoSuchUpload", self.s3.upload_part, **upload, PartNumber=2, Body=b"y")
        self.fails("NoSuchUpload", self.s3.abort_multipart_upload, **upload)
        self.fails("NoSuchKey", self.s3.get_object, Bucket=self.bucket, Key="aborted")

    def test_refusals(self):
        upload = self.begin("refused")
        self.addCleanup(self.s3.abort_multipart_upload, **upload)
        first = self.part(upload, 1, b"small")
        second = self.part(upload, 2, b"s" * PART_BYTES)

        def complete(*parts):
            return {**upload, "MultipartUpload": {"Parts": list(parts)}}
        finish = self.s3.complete_multipart_upload
        self.fails("EntityTooSmall", finish, **complete(first, second))
        self.fails("InvalidPartOrder", finish, **complete(second, first))
        self.fails("InvalidPart", finish, **complete({"PartNumber": 1, "ETag": '"wrong"'}))
        self.fails("InvalidPart", finish, **complete({"PartNumber": 9, "ETag": first["ETag"]}))
        self.fails("MalformedXML", finish, **upload, MultipartUpload={"Parts": []})
        for number in (0, 10001):
            self.fails("InvalidArgument", self.s3.upload_part, **upload, PartNumber=number,
                       Body=b"x")
        self.fails("NoSuchBucket", self.s3.create_multipart_upload, Bucket="no-such-bucket",
                   Key="k")

    def test_transfer_of_a_large_file(self):
        content = bytes(range(256)) * (18 << 12)  # 18 MiB: three parts
        file = self.server.folder / "large"
        file.write_bytes(content)
        self.s3.upload_file(str(file), self.bucket, "transferred")
        self.assertRegex(self.s3.head_object(Bucket=self.bucket, Key="transferred")["ETag"],
                         r'^"[0-9a-f]{32}-3"$')
        back = self.server.folder / "back"
        self.s3.download_file(self.bucket, "transferred", str(back))
        self.assertEqual(hashlib.sha256(back.read_bytes()).digest(),
                         hashlib.sha256(content).digest())


if __name__ == "__main__":
    harness.main()
