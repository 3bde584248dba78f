"""MFA delete with the real AWS CLI and boto3: an administrator without the device gets nowhere.

SPDX-License-Identifier: Apache-2.0
"""
import json
import subprocess
import sys

import harness
from harness import ACCOUNT, ServerCase, wait_until
from mfa import Device

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device"
MISSING = "Mfa Authentication must be used for this request"


class MfaDelete(ServerCase):
    bucket = "guarded"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        made = cls.server.traccia("root", "reset", "--data", cls.server.data, "--output", "json")
        cls.root = json.loads(made.stdout)
        cls.server.start()
        cls.s3 = cls.server.client("s3")
        keys = {"key_id": cls.root["AccessKeyId"], "secret": cls.root["SecretAccessKey"]}
        cls.root_s3 = cls.server.client("s3", **keys)
        iam = cls.server.client("iam", **keys)
        cls.device = Device(iam, "root-account-mfa-device")
        cls.device.enable(iam, ACCOUNT)
        cls.s3.create_bucket(Bucket=cls.bucket)

    def proof(self):
        return f"{self.device.serial} {self.device.code()}"

    def cli(self, *args, root=False):
        """The CLI's exit code and what it says."""
        key = ((self.root["AccessKeyId"], self.root["SecretAccessKey"]) if root
               else (self.server.key_id, self.server.secret))
        env = harness.clean_environment() | {
            "AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1],
            "AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run([sys.executable, "-m", "awscli", "--endpoint-url",
                               self.server.endpoint, "s3api", *args], env=env,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def test_the_administrator_needs_the_root_users_device(self):
        self.assertEqual(self.device.serial, SERIAL)
        enable = ("put-bucket-versioning", "--bucket", self.bucket,
                  "--versioning-configuration", "Status=Enabled,MFADelete=Enabled")
        code, text = self.cli(*enable)
        self.assertNotEqual(code, 0)
        self.assertIn("(AccessDenied) when calling the PutBucketVersioning operation", text)
        self.assertIn(MISSING, text)
        code, text = self.cli(*enable, "--mfa", f"{SERIAL} 123456")
        self.assertIn("This operation may only be performed by the bucket owner", text)
        code, text = self.cli(*enable, "--mfa", self.proof(), root=True)
        self.assertEqual(code, 0, text)
        code, text = self.cli("get-bucket-versioning", "--bucket", self.bucket)
        self.assertEqual(json.loads(text), {"Status": "Enabled", "MFADelete": "Enabled"})

        version = self.s3.put_object(Bucket=self.bucket, Key="log", Body=b"x")["VersionId"]
        remove = ("delete-object", "--bucket", self.bucket, "--key", "log", "--version-id",
                  version)
        code, text = self.cli(*remove)
        self.assertNotEqual(code, 0)
        self.assertIn("(AccessDenied) when calling the DeleteObject operation", text)
        self.assertIn(MISSING, text)
        for status in ("Enabled", "Suspended"):
            code, text = self.cli("put-bucket-versioning", "--bucket", self.bucket,
                                  "--versioning-configuration", f"Status={status}")
            self.assertIn(MISSING, text)
        self.fails("AccessDenied", self.s3.delete_objects, message=MISSING, Bucket=self.bucket,
                   Delete={"Objects": [{"Key": "log", "VersionId": version}]})
        self.s3.delete_object(Bucket=self.bucket, Key="log")  # a marker needs no code
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="log", VersionId=version)
                         ["Body"].read(), b"x")
        code, text = self.cli(*remove, root=True)
        self.assertIn(MISSING, text, "root without its device")
        used = self.proof()
        code, text = self.cli(*remove, "--mfa", used, root=True)
        self.assertEqual((code, json.loads(text)), (0, {"VersionId": version}))
        marker = self.s3.list_object_versions(Bucket=self.bucket)["DeleteMarkers"][0]["VersionId"]
        self.fails("AccessDenied", self.root_s3.delete_object, Bucket=self.bucket, Key="log",
                   VersionId=marker, MFA=used)
        self.root_s3.delete_objects(
            Bucket=self.bucket, MFA=self.proof(),
            Delete={"Objects": [{"Key": "log", "VersionId": marker}]})
        self.assertNotIn("DeleteMarkers", self.s3.list_object_versions(Bucket=self.bucket))
        denied = wait_until(lambda: [r for r in self.server.lookup("PutBucketVersioning")
                                     if r.get("errorCode") == "AccessDenied"])
        self.assertEqual({r["userIdentity"]["type"] for r in denied}, {"IAMUser"})
        self.assertNotIn(used.split()[1], json.dumps(denied))


if __name__ == "__main__":
    harness.main()
