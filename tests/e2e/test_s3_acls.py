"""boto3 and the AWS CLI: access control lists and the ownership of objects, between accounts.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ACCOUNT, ServerCase, send

TENANT = "444455556666"
FULL = "bucket-owner-full-control"


def canonical(account, permission):
    return {"Grantee": {"ID": account, "Type": "CanonicalUser"}, "Permission": permission}


class Acls(ServerCase):
    bucket = "acls"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenant = cls.server.client_of(cls.server.account("acme", TENANT), "s3")

    def make(self, bucket, ownership, *actions):
        """A bucket in which the tenant may do that."""
        self.s3.create_bucket(Bucket=bucket, ObjectOwnership=ownership)
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": TENANT},
            "Action": ["s3:PutObject", "s3:PutObjectAcl", *actions],
            "Resource": f"arn:aws:s3:::{bucket}/*"}]}
        self.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return bucket

    def ownership(self, bucket):
        return (self.s3.get_bucket_ownership_controls(Bucket=bucket)
                ["OwnershipControls"]["Rules"][0]["ObjectOwnership"])

    def test_disabled_by_default(self):
        bucket = "acls-off"
        self.s3.create_bucket(Bucket=bucket)
        self.assertEqual(self.ownership(bucket), "BucketOwnerEnforced")
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL=FULL)
        for call, more in ((self.s3.put_object, {"Body": b"x", "Key": "k"}),
                           (self.s3.put_object_acl, {"Key": "k"}), (self.s3.put_bucket_acl, {})):
            self.fails("AccessControlListNotSupported", call, Bucket=bucket, ACL="public-read",
                       message="The bucket does not allow ACLs", **more)
        self.assertEqual(self.s3.get_object_acl(Bucket=bucket, Key="k")["Grants"],
                         [canonical(ACCOUNT, "FULL_CONTROL")])

    def test_who_owns_what_others_write(self):
        writer = self.make("acls-writer", "ObjectWriter")
        preferred = self.make("acls-preferred", "BucketOwnerPreferred")
        for bucket in (writer, preferred):
            self.tenant.put_object(Bucket=bucket, Key="kept", Body=b"theirs")
            self.tenant.put_object(Bucket=bucket, Key="given", Body=b"ours", ACL=FULL)
            self.fails("AccessDenied", self.s3.get_object, Bucket=bucket, Key="kept")
            found = self.s3.get_object(Bucket=bucket, Key="given")
            self.assertEqual(found["Body"].read(), b"ours")
        self.assertEqual(self.s3.get_object_acl(Bucket=preferred, Key="given")["Owner"]["ID"],
                         ACCOUNT)
        self.assertEqual(self.s3.get_object_acl(Bucket=writer, Key="given")["Owner"]["ID"], TENANT)
        self.tenant.put_object_acl(Bucket=writer, Key="kept", ACL=FULL)
        self.assertEqual(self.s3.get_object(Bucket=writer, Key="kept")["Body"].read(), b"theirs")
        self.s3.put_bucket_ownership_controls(
            Bucket=preferred,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        self.assertEqual(self.s3.get_object(Bucket=preferred, Key="kept")["Body"].read(),
                         b"theirs")

    def test_grants(self):
        bucket = self.make("acls-grants", "ObjectWriter")
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{TENANT}"')
        self.assertEqual(self.tenant.get_object(Bucket=bucket, Key="k")["Body"].read(), b"x")
        self.fails("AccessDenied", self.tenant.get_object_acl, Bucket=bucket, Key="k")
        self.s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy={
            "Owner": {"ID": ACCOUNT}, "Grants": [canonical(ACCOUNT, "FULL_CONTROL"),
                                                 canonical(TENANT, "READ_ACP")]})
        self.fails("AccessDenied", self.tenant.get_object, Bucket=bucket, Key="k")
        self.assertIn(canonical(TENANT, "READ_ACP"),
                      self.tenant.get_object_acl(Bucket=bucket, Key="k")["Grants"])
        self.s3.put_bucket_acl(Bucket=bucket, GrantRead=f"id={TENANT}")
        self.assertEqual(self.tenant.list_objects_v2(Bucket=bucket)["KeyCount"], 1)

    def test_public(self):
        bucket = self.make("acls-public", "ObjectWriter")
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"open", ACL="public-read")
        url = f"{self.server.endpoint}/{bucket}/k"
        self.assertEqual(send(url).body, b"open")
        block = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
        self.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
        self.assertEqual(send(url).status, 403)
        self.fails("AccessDenied", self.s3.put_object_acl, Bucket=bucket, Key="k",
                   ACL="authenticated-read")

    def test_conditions(self):
        """A policy that lets nobody write but with the ACL that gives the owner all."""
        bucket = "acls-conditions"
        self.s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerPreferred")
        allow = {"Effect": "Allow", "Principal": {"AWS": TENANT},
                 "Action": ["s3:PutObject", "s3:PutObjectAcl"],
                 "Resource": f"arn:aws:s3:::{bucket}/*"}
        conditions = ({"s3:x-amz-acl": FULL}, {"s3:x-amz-grant-read": f"id={TENANT}"})
        self.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({
            "Version": "2012-10-17",
            "Statement": [allow | {"Condition": {"StringEquals": one}} for one in conditions]}))
        self.fails("AccessDenied", self.tenant.put_object, Bucket=bucket, Key="k", Body=b"x")
        self.tenant.put_object(Bucket=bucket, Key="k", Body=b"x", ACL=FULL)
        self.tenant.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f"id={TENANT}")

    def test_cli(self):
        bucket = "acls-cli"
        self.server.aws("s3api", "create-bucket", "--bucket", bucket, "--object-ownership",
                        "BucketOwnerPreferred")
        self.server.aws("s3api", "put-bucket-acl", "--bucket", bucket, "--acl",
                        "log-delivery-write")
        grants = self.server.aws("s3api", "get-bucket-acl", "--bucket", bucket)["Grants"]
        self.assertEqual([(g["Grantee"].get("URI", "").rsplit("/", 1)[-1], g["Permission"])
                          for g in grants],
                         [("", "FULL_CONTROL"), ("LogDelivery", "WRITE"),
                          ("LogDelivery", "READ_ACP")])
        self.server.aws("s3api", "put-object", "--bucket", bucket, "--key", "k", "--acl", FULL)
        self.server.aws("s3api", "put-object-acl", "--bucket", bucket, "--key", "k", "--acl",
                        "private")


if __name__ == "__main__":
    harness.main()
