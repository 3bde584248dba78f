"""boto3 and the AWS CLI: checksums of multipart objects, and GetObjectAttributes.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import os
import zlib

os.environ["BOTO_DISABLE_CRT"] = "false"  # CRC32C and CRC64NVME are in the library in C only

import awscrt.checksums
import boto3.exceptions
import boto3.s3.transfer

import harness
from harness import ServerCase

PART_BYTES = 5 << 20  # the least that S3 takes for a part that is not the last


# Of botocore's own library, which has no server to agree with.
SUMS = {"CRC32": lambda b: zlib.crc32(b).to_bytes(4, "big"),
        "CRC32C": lambda b: awscrt.checksums.crc32c(b).to_bytes(4, "big"),
        "CRC64NVME": lambda b: awscrt.checksums.crc64nvme(b).to_bytes(8, "big"),
        "SHA1": lambda b: hashlib.sha1(b).digest(),
        "SHA256": lambda b: hashlib.sha256(b).digest()}


def text(number_or_bytes):
    value = number_or_bytes
    if isinstance(value, int):
        value = value.to_bytes(4, "big")
    return base64.b64encode(value).decode()


class Checksums(ServerCase):
    bucket = "checksums"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3.create_bucket(Bucket=cls.bucket)
        cls.content = bytes(range(251)) * (13 << 12)  # 12.8 MiB: three parts
        cls.file = cls.server.folder / "large"
        cls.file.write_bytes(cls.content)

    def head(self, key):
        return self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")

    def attributes(self, key, *names):
        return self.s3.get_object_attributes(Bucket=self.bucket, Key=key, ObjectAttributes=names)

    def pieces(self):
        return [self.content[at:at + PART_BYTES] for at in range(0, len(self.content), PART_BYTES)]

    def upload_file(self, key, **extra):
        config = boto3.s3.transfer.TransferConfig(multipart_threshold=PART_BYTES,
                                                  multipart_chunksize=PART_BYTES)
        self.s3.upload_file(str(self.file), self.bucket, key, Config=config, ExtraArgs=extra)
        back = self.server.folder / "back"
        self.s3.download_file(self.bucket, key, str(back), Config=config)
        self.assertEqual(back.read_bytes(), self.content)
        return self.head(key)

    def test_parts_are_read_by_number(self):
        self.upload_file("parts")
        for number, piece in enumerate(self.pieces(), 1):
            part = self.s3.get_object(Bucket=self.bucket, Key="parts", PartNumber=number)
            self.assertEqual(part["Body"].read(), piece)
            self.assertEqual((part["PartsCount"], part["ContentLength"]), (3, len(piece)))
        last = self.s3.head_object(Bucket=self.bucket, Key="parts", PartNumber=3)
        self.assertEqual(last["ContentLength"], len(self.content) - 2 * PART_BYTES)
        with self.assertRaises(self.s3.exceptions.ClientError) as refused:
            self.s3.get_object(Bucket=self.bucket, Key="parts", PartNumber=4)
        self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidPartNumber")

    def test_upload_file_by_each_algorithm(self):
        for name, compute in SUMS.items():
            with self.subTest(algorithm=name):
                found = self.upload_file(name, ChecksumAlgorithm=name)
                known = self.attributes(name, "Checksum", "ObjectParts", "ObjectSize", "ETag",
                                        "StorageClass")
                self.assertEqual(known["ObjectParts"]["TotalPartsCount"], 3)
                self.assertEqual(known["ObjectSize"], len(self.content))
                self.assertEqual(f'"{known["ETag"]}"', found["ETag"])
                self.assertEqual(known["StorageClass"], "STANDARD")
                if name == "CRC64NVME":
                    whole = text(compute(self.content))
                    self.assertEqual((found["ChecksumCRC64NVME"], found["ChecksumType"]),
                                     (whole, "FULL_OBJECT"))
                    self.assertNotIn("Parts", known["ObjectParts"])
                    self.assertEqual(known["Checksum"]["ChecksumCRC64NVME"], whole)
                    continue
                of_parts = [compute(piece) for piece in self.pieces()]
                whole = text(compute(b"".join(of_parts)))
                self.assertEqual((found[f"Checksum{name}"], found["ChecksumType"]),
                                 (f"{whole}-3", "COMPOSITE"))
                self.assertEqual(known["Checksum"][f"Checksum{name}"], whole)
                self.assertEqual([p[f"Checksum{name}"] for p in known["ObjectParts"]["Parts"]],
                                 [text(one) for one in of_parts])
                self.assertEqual(sum(p["Size"] for p in known["ObjectParts"]["Parts"]),
                                 len(self.content))

    def test_upload_file_as_it_comes(self):
        """The transfer manager's own default: CRC32 of each part."""
        found = self.upload_file("default")
        self.assertRegex(found["ChecksumCRC32"], r"^[A-Za-z0-9+/]{6}==-3$")
        self.assertEqual(found["ChecksumType"], "COMPOSITE")

    def test_upload_file_with_the_sum_of_the_whole(self):
        for name in ("CRC32", "CRC32C", "CRC64NVME"):
            with self.subTest(algorithm=name):
                whole = text(SUMS[name](self.content))
                found = self.upload_file("whole", **{f"Checksum{name}": whole})
                self.assertEqual((found[f"Checksum{name}"], found["ChecksumType"]),
                                 (whole, "FULL_OBJECT"))
                with self.assertRaises(boto3.exceptions.S3UploadFailedError) as caught:
                    self.upload_file("wrong", **{f"Checksum{name}": text(SUMS[name](b"other"))})
                self.assertIn("BadDigest", str(caught.exception))
                self.fails("404", self.head, key="wrong")

    def test_without_an_algorithm(self):
        """S3 adds CRC64NVME where nobody asked for a checksum."""
        plain = self.server.client("s3", request_checksum_calculation="when_required")
        made = plain.create_multipart_upload(Bucket=self.bucket, Key="none")
        self.assertNotIn("ChecksumAlgorithm", made)
        upload = {"Bucket": self.bucket, "Key": "none", "UploadId": made["UploadId"]}
        parts = [{"PartNumber": n, "ETag": plain.upload_part(**upload, PartNumber=n,
                                                             Body=piece)["ETag"]}
                 for n, piece in enumerate(self.pieces(), 1)]
        plain.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        self.assertEqual(self.head("none")["ChecksumCRC64NVME"],
                         text(SUMS["CRC64NVME"](self.content)))
        plain.put_object(Bucket=self.bucket, Key="plain", Body=b"plain")
        self.assertEqual(self.head("plain")["ChecksumCRC64NVME"], text(SUMS["CRC64NVME"](b"plain")))

    def begin(self, key, **more):
        made = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **more)
        return made, {"Bucket": self.bucket, "Key": key, "UploadId": made["UploadId"]}

    def test_life_of_an_upload(self):
        made, upload = self.begin("by-hand", ChecksumAlgorithm="CRC32",
                                  ChecksumType="FULL_OBJECT")
        self.assertEqual((made["ChecksumAlgorithm"], made["ChecksumType"]),
                         ("CRC32", "FULL_OBJECT"))
        listed = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix="by-hand")["Uploads"][0]
        self.assertEqual((listed["ChecksumAlgorithm"], listed["ChecksumType"]),
                         ("CRC32", "FULL_OBJECT"))
        parts = []
        for number, piece in enumerate(self.pieces(), 1):
            put = self.s3.upload_part(**upload, PartNumber=number, Body=piece,
                                      ChecksumAlgorithm="CRC32")
            self.assertEqual(put["ChecksumCRC32"], text(zlib.crc32(piece)))
            parts.append({"PartNumber": number, "ETag": put["ETag"],
                          "ChecksumCRC32": put["ChecksumCRC32"]})
        shown = self.s3.list_parts(**upload)
        self.assertEqual([p["ChecksumCRC32"] for p in shown["Parts"]],
                         [p["ChecksumCRC32"] for p in parts])
        done = {**upload, "MultipartUpload": {"Parts": parts}}
        finish = self.s3.complete_multipart_upload
        self.fails("InvalidRequest", finish, **done, MpuObjectSize=1)
        self.fails("BadDigest", finish, **done, ChecksumCRC32=text(1), ChecksumType="FULL_OBJECT")
        self.fails("InvalidRequest", finish, **done, ChecksumType="COMPOSITE",
                   message="The upload was created using the FULL_OBJECT checksum mode. The "
                           "complete request must use the same checksum mode.")
        whole = text(zlib.crc32(self.content))
        answer = finish(**done, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT",
                        MpuObjectSize=len(self.content))
        self.assertEqual((answer["ChecksumCRC32"], answer["ChecksumType"]),
                         (whole, "FULL_OBJECT"))
        known = self.attributes("by-hand", "ObjectParts", "Checksum")
        self.assertEqual(known["ObjectParts"]["TotalPartsCount"], 3)
        self.assertNotIn("Parts", known["ObjectParts"])
        self.assertEqual(known["Checksum"], {"ChecksumCRC32": whole,
                                             "ChecksumType": "FULL_OBJECT"})

    def test_refusals(self):
        for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
            self.fails("InvalidRequest", self.begin, key="refused", ChecksumAlgorithm=algorithm,
                       ChecksumType=kind,
                       message=f"The {kind} checksum type cannot be used with the "
                               f"{algorithm.lower()} checksum algorithm.")
        _, upload = self.begin("refused", ChecksumAlgorithm="SHA256")
        self.addCleanup(self.s3.abort_multipart_upload, **upload)
        self.fails("InvalidRequest", self.s3.upload_part, **upload, PartNumber=1, Body=b"x",
                   ChecksumAlgorithm="CRC32",
                   message="Checksum Type mismatch occurred, expected checksum Type: sha256, "
                           "actual checksum Type: crc32")
        put = self.s3.upload_part(**upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
        part = {"PartNumber": 1, "ETag": put["ETag"]}
        self.fails("InvalidRequest", self.s3.complete_multipart_upload, **upload,
                   MultipartUpload={"Parts": [part]},
                   message="The upload was created using a sha256 checksum. The complete request "
                           "must include the checksum for each part. It was missing for part 1 in "
                           "the request.")
        part["ChecksumSHA256"] = text(hashlib.sha256(b"y").digest())
        self.fails("InvalidPart", self.s3.complete_multipart_upload, **upload,
                   MultipartUpload={"Parts": [part]})
        self.s3.put_object(Bucket=self.bucket, Key="known", Body=b"x")
        self.fails("InvalidArgument", self.s3.get_object_attributes, Bucket=self.bucket,
                   Key="known", ObjectAttributes=["Colour"])

    def test_cli(self):
        """`aws s3 cp` of a large file, and back with its checksum looked at."""
        url = f"s3://{self.bucket}/cli"
        self.server.aws_raw("s3", "cp", str(self.file), url).check_returncode()
        back = self.server.folder / "cli-back"
        self.server.aws_raw("s3", "cp", url, str(back), "--checksum-mode",
                            "ENABLED").check_returncode()
        self.assertEqual(back.read_bytes(), self.content)
        for algorithm in SUMS:
            with self.subTest(algorithm=algorithm):
                self.server.aws_raw("s3", "cp", str(self.file), url, "--checksum-algorithm",
                                    algorithm).check_returncode()
                known = self.server.aws(
                    "s3api", "get-object-attributes", "--bucket", self.bucket, "--key", "cli",
                    "--object-attributes", "Checksum", "ObjectParts")
                full = algorithm == "CRC64NVME"
                self.assertEqual(known["Checksum"]["ChecksumType"],
                                 "FULL_OBJECT" if full else "COMPOSITE")
                self.assertEqual(known["ObjectParts"]["TotalPartsCount"], 2)
                self.assertEqual(len(known["ObjectParts"].get("Parts", [])), 0 if full else 2)


if __name__ == "__main__":
    harness.main()
