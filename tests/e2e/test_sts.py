"""STS with boto3 and the AWS CLI: roles and the credentials that act for them.

SPDX-License-Identifier: Apache-2.0
"""
import json
import struct
import time
import zlib

import boto3
import botocore.config
import harness
from harness import ACCOUNT, ServerCase, send, wait_until
from mfa import Device

ACCOUNT_ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def allowing(action, resource="*"):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": resource}]})


def trusting(principal, condition=None, actions="sts:AssumeRole"):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def pixels(png):
    """Width and rows of a picture with one bit a pixel and no filters; True is dark."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        data = png[at + 8:at + 8 + size]
        assert zlib.crc32(kind + data) == struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]
        chunks[kind] = data
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (width, depth, colour) == (height, 1, 0)
    raw, row = zlib.decompress(chunks[b"IDAT"]), 1 + (width + 7) // 8
    assert len(raw) == row * height
    return width, [[not raw[y * row + 1 + x // 8] >> (7 - x % 8) & 1 for x in range(width)]
                   for y in range(height)]


class StsCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iam = cls.server.client("iam")
        cls.sts = cls.server.client("sts")

    def role(self, name, trust, *actions):
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if actions:
            self.iam.put_role_policy(RoleName=name, PolicyName="p",
                                     PolicyDocument=allowing(list(actions)))
        return arn

    def user(self, name, *actions):
        """A user who may do the actions, and its key."""
        self.iam.create_user(UserName=name)
        if actions:
            self.iam.put_user_policy(UserName=name, PolicyName="p",
                                     PolicyDocument=allowing(list(actions)))
        return self.iam.create_access_key(UserName=name)["AccessKey"]

    def client(self, service, credentials, region="us-east-1"):
        """A client with the credentials of a key or of a session."""
        session = boto3.session.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"), region_name=region)
        return session.client(service, endpoint_url=self.server.endpoint,
                              config=botocore.config.Config(
                                  retries={"total_max_attempts": 1}, signature_version=(
                                      "s3v4" if service == "s3" else "v4"),
                                  s3={"addressing_style": "path"}))

    def assume(self, arn, sts=None, **more):
        return (sts or self.sts).assume_role(RoleArn=arn, RoleSessionName="night-shift", **more)


class Roles(StsCase):

    def test_a_session_acts_for_its_role_in_every_service(self):
        arn = self.role("worker", trusting(ACCOUNT_ROOT), "s3:*", "cloudtrail:ListTrails")
        self.assertEqual(self.iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"], {})
        made = self.assume(arn)
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/night-shift"
        self.assertEqual(made["AssumedRoleUser"]["Arn"], session)
        credentials = made["Credentials"]
        self.assertRegex(credentials["AccessKeyId"], "^ASIA[A-Z2-7]{16}$")
        who = self.client("sts", credentials).get_caller_identity()
        self.assertEqual(who["Arn"], session)
        self.assertEqual(who["UserId"], made["AssumedRoleUser"]["AssumedRoleId"])
        s3 = self.client("s3", credentials)
        s3.create_bucket(Bucket="of-a-session")
        s3.put_object(Bucket="of-a-session", Key="k", Body=b"hello")
        url = s3.generate_presigned_url("get_object", {"Bucket": "of-a-session", "Key": "k"})
        self.assertIn("X-Amz-Security-Token", url)
        self.assertEqual(send(url).body, b"hello")
        self.client("cloudtrail", credentials).list_trails()
        self.fails("AccessDenied", self.client("iam", credentials).list_users,
                   f"User: {session} is not authorized to perform: iam:ListUsers on resource: "
                   f"arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the "
                   "iam:ListUsers action")
        record = wait_until(lambda: self.server.lookup("ListUsers"))[0]
        identity = record["userIdentity"]
        self.assertEqual((identity["type"], identity["arn"]), ("AssumedRole", session))
        self.assertEqual(identity["accessKeyId"], credentials["AccessKeyId"])
        self.assertEqual(identity["sessionContext"]["sessionIssuer"]["arn"], arn)
        self.assertEqual(identity["sessionContext"]["attributes"]["mfaAuthenticated"], "false")
        used = self.iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"]
        self.assertEqual(used["Region"], "us-east-1")
        self.assertLess(abs(used["LastUsedDate"].timestamp() - time.time()), 60)

    def test_a_token_that_is_not_the_keys(self):
        arn = self.role("mixed", trusting(ACCOUNT_ROOT), "sts:*", "s3:*")
        first, second = (self.assume(arn)["Credentials"] for _ in range(2))
        swapped = first | {"SessionToken": second["SessionToken"]}
        for bad in (swapped, first | {"SessionToken": "x"}, first | {"SessionToken": None}):
            self.fails("InvalidClientTokenId", self.client("sts", bad).get_caller_identity,
                       "The security token included in the request is invalid.")
        self.fails("InvalidToken", self.client("s3", swapped).list_buckets)
        self.fails("SignatureDoesNotMatch", self.client(
            "sts", first | {"SecretAccessKey": "x" * 40}).get_caller_identity)
        self.client("sts", first).get_caller_identity()

    def test_a_session_ends_with_its_role_and_outlives_a_restart(self):
        trust = trusting(ACCOUNT_ROOT)
        credentials = self.assume(self.role("lasting", trust, "iam:ListUsers"))["Credentials"]
        self.server.restart()
        type(self).iam = self.server.client("iam")
        type(self).sts = self.server.client("sts")
        self.client("iam", credentials).list_users()
        self.iam.delete_role_policy(RoleName="lasting", PolicyName="p")
        self.fails("AccessDenied", self.client("iam", credentials).list_users)
        self.iam.delete_role(RoleName="lasting")
        self.role("lasting", trust, "iam:ListUsers")
        self.fails("InvalidClientTokenId", self.client("iam", credentials).list_users)

    def test_external_id(self):
        arn = self.role("partner", trusting(
            ACCOUNT_ROOT, {"StringEquals": {"sts:ExternalId": "contract-7"}}))
        self.fails("AccessDenied", self.assume,
                   f"User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to perform: "
                   f"sts:AssumeRole on resource: {arn}", arn=arn)
        self.assume(arn, ExternalId="contract-7")

    def test_a_session_policy_narrows(self):
        arn = self.role("wide", trusting(ACCOUNT_ROOT), "s3:*")
        made = self.assume(arn, Policy=allowing("s3:ListAllMyBuckets"))
        self.assertGreater(made["PackedPolicySize"], 0)
        s3 = self.client("s3", made["Credentials"])
        s3.list_buckets()
        answer = self.fails("AccessDenied", s3.create_bucket, Bucket="too-much")
        self.assertIn("because no session policy allows the s3:CreateBucket action",
                      answer["Error"]["Message"])

    def test_trust_is_of_a_user_not_of_a_name(self):
        self.user("changing")
        arn = self.role("changed", trusting(f"arn:aws:iam::{ACCOUNT}:user/changing"))
        self.iam.delete_access_key(UserName="changing", AccessKeyId=self.iam.list_access_keys(
            UserName="changing")["AccessKeyMetadata"][0]["AccessKeyId"])
        user_id = self.iam.get_user(UserName="changing")["User"]["UserId"]
        self.iam.delete_user(UserName="changing")
        key = self.user("changing", "iam:List*")
        self.fails("AccessDenied", self.assume, arn=arn, sts=self.client("sts", key))
        shown = self.iam.get_role(RoleName="changed")["Role"]["AssumeRolePolicyDocument"]
        self.assertEqual(shown["Statement"][0]["Principal"], {"AWS": user_id})
        self.fails("MalformedPolicyDocument", self.iam.create_role, RoleName="x",
                   AssumeRolePolicyDocument=trusting(f"arn:aws:iam::{ACCOUNT}:user/nobody"))

    def test_chained_roles_are_short(self):
        second = self.role("second", trusting(ACCOUNT_ROOT))
        self.iam.update_role(RoleName="second", MaxSessionDuration=7200)
        first = self.role("first", trusting(ACCOUNT_ROOT), "sts:AssumeRole")
        sts = self.client("sts", self.assume(first)["Credentials"])
        self.fails("ValidationError", self.assume,
                   "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                   "assumed by role chaining.", arn=second, sts=sts, DurationSeconds=7200)
        self.assume(second, sts)
        self.assume(second, DurationSeconds=7200)

    def test_secrets_are_nowhere(self):
        credentials = self.assume(self.role("quiet", trusting(ACCOUNT_ROOT)))["Credentials"]
        record = wait_until(lambda: [
            r for r in self.server.lookup("AssumeRole") if (r["responseElements"] or {}).get(
                "credentials", {}).get("accessKeyId") == credentials["AccessKeyId"]])[0]
        self.assertTrue(record["readOnly"])
        self.assertEqual(record["responseElements"]["credentials"]["secretAccessKey"],
                         "HIDDEN_DUE_TO_SECURITY_REASONS")
        for file in self.server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(credentials["SecretAccessKey"].encode(), file.read_bytes(), file)


TENANT = "444455556666"


class AcrossAccounts(StsCase):

    def test_both_must_allow_and_both_are_told(self):
        tenant = self.server.account("acme", TENANT)
        theirs = self.server.client_of(tenant, "iam")
        arn = theirs.create_role(RoleName="auditor", AssumeRolePolicyDocument=trusting(
            ACCOUNT_ROOT))["Role"]["Arn"]
        theirs.put_role_policy(RoleName="auditor", PolicyName="p",
                               PolicyDocument=allowing("s3:ListAllMyBuckets"))
        own = self.user("visitor")
        self.fails("AccessDenied", self.assume, arn=arn, sts=self.client("sts", own))
        self.iam.put_user_policy(UserName="visitor", PolicyName="p",
                                 PolicyDocument=allowing("sts:AssumeRole", arn))
        credentials = self.assume(arn, self.client("sts", own))["Credentials"]
        self.client("s3", credentials).list_buckets()
        who = self.client("sts", credentials).get_caller_identity()
        self.assertEqual(who["Account"], TENANT)

        def told(client):
            pages = client.get_paginator("lookup_events").paginate(LookupAttributes=[
                {"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}])
            found = [json.loads(e["CloudTrailEvent"]) for page in pages for e in page["Events"]]
            return [r for r in found if r.get("sharedEventID")]
        ours = wait_until(lambda: told(self.trail))[0]
        shown = wait_until(lambda: told(self.server.client_of(tenant, "cloudtrail")))[0]
        self.assertEqual(ours["sharedEventID"], shown["sharedEventID"])
        self.assertNotEqual(ours["eventID"], shown["eventID"])
        self.assertEqual(ours["userIdentity"]["userName"], "visitor")
        self.assertEqual(set(shown["userIdentity"]), {"type", "principalId", "accountId"})
        self.assertEqual((shown["userIdentity"]["type"], shown["recipientAccountId"]),
                         ("AWSAccount", TENANT))


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


class Mfa(StsCase):

    def test_a_role_that_asks_for_a_device(self):
        key = self.user("careful", "sts:AssumeRole")
        device = Device(self.iam, "careful")
        device.enable(self.iam, "careful")
        arn = self.role("guarded", trusting(ACCOUNT_ROOT, MFA), "iam:ListRoles")
        sts = self.client("sts", key)
        self.fails("AccessDenied", self.assume, arn=arn, sts=sts)
        code = device.code()
        made = self.assume(arn, sts, SerialNumber=device.serial, TokenCode=code)
        self.client("iam", made["Credentials"]).list_roles()
        self.fails("AccessDenied", self.assume,
                   "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
                   arn=arn, sts=sts, SerialNumber=device.serial, TokenCode=code)
        record = wait_until(lambda: [r for r in self.server.lookup("ListRoles") if
                                     r["userIdentity"]["type"] == "AssumedRole"])[0]
        self.assertEqual(record["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"],
                         "true")

    def test_a_session_token_with_a_device(self):
        key = self.user("prover")
        self.iam.put_user_policy(UserName="prover", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": MFA}]}))
        device = Device(self.iam, "prover")
        device.enable(self.iam, "prover")
        self.fails("AccessDenied", self.client("s3", key).list_buckets)
        sts = self.client("sts", key)
        plain = sts.get_session_token(DurationSeconds=900)["Credentials"]
        self.fails("AccessDenied", self.client("s3", plain).list_buckets)
        self.fails("InvalidClientTokenId", self.client("iam", plain).list_users)
        proved = sts.get_session_token(SerialNumber=device.serial,
                                       TokenCode=device.code())["Credentials"]
        self.client("s3", proved).list_buckets()
        self.client("iam", proved).list_users()
        self.assertEqual(self.client("sts", proved).get_caller_identity()["Arn"],
                         f"arn:aws:iam::{ACCOUNT}:user/prover")

    def test_deleting_asks_for_a_device(self):
        """The bucket's policy guards its objects from whoever has but a stolen key."""
        key = self.user("remover", "s3:*")
        device = Device(self.iam, "remover")
        device.enable(self.iam, "remover")
        own = self.server.client("s3")
        own.create_bucket(Bucket="guarded")
        own.put_object(Bucket="guarded", Key="evidence", Body=b"x")
        own.put_bucket_policy(Bucket="guarded", Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject*",
                "Resource": "arn:aws:s3:::guarded/*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}, {
                "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject*",
                "Resource": "arn:aws:s3:::guarded/*",
                "Condition": {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "600"}}}]}))
        evidence = {"Bucket": "guarded", "Key": "evidence"}
        self.assertEqual(self.client("s3", key).get_object(**evidence)["Body"].read(), b"x")
        self.fails("AccessDenied", self.client("s3", key).delete_object, **evidence)
        self.fails("AccessDenied", own.delete_object,
                   f"User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to perform: "
                   "s3:DeleteObject on resource: \"arn:aws:s3:::guarded/evidence\" with an explicit "
                   "deny in a resource-based policy", **evidence)
        sts = self.client("sts", key)
        plain = sts.get_session_token()["Credentials"]
        self.fails("AccessDenied", self.client("s3", plain).delete_object, **evidence)
        proved = sts.get_session_token(SerialNumber=device.serial,
                                       TokenCode=device.code())["Credentials"]
        self.client("s3", proved).delete_object(**evidence)
        self.fails("NoSuchKey", own.get_object, **evidence)

    def test_a_federated_user(self):
        key = self.user("broker", "sts:GetFederationToken", "s3:*")
        made = self.client("sts", key).get_federation_token(
            Name="guest", Policy=allowing("s3:ListAllMyBuckets"))
        s3 = self.client("s3", made["Credentials"])
        s3.list_buckets()
        self.fails("AccessDenied", s3.create_bucket, Bucket="of-a-guest")

    def test_the_picture_and_the_life_of_a_device(self):
        self.user("holder")
        device = Device(self.iam, "phone")
        self.assertEqual(len(device.text), 64)
        width, rows = pixels(device.picture)
        self.assertTrue(rows[16][16] and not rows[0][0] and rows[16][width - 17])
        self.fails("InvalidAuthenticationCode", self.iam.enable_mfa_device,
                   "Authentication code for device is not valid.", UserName="holder",
                   SerialNumber=device.serial, AuthenticationCode1="000000",
                   AuthenticationCode2="000000")
        device.enable(self.iam, "holder")
        listed = self.iam.list_mfa_devices(UserName="holder")["MFADevices"]
        self.assertEqual([d["SerialNumber"] for d in listed], [device.serial])
        self.fails("DeleteConflict", self.iam.delete_virtual_mfa_device,
                   "MFA VirtualDevice in use. Must deactivate first.", SerialNumber=device.serial)
        for file in self.server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(device.seed, file.read_bytes(), file)
                self.assertNotIn(device.text, file.read_bytes(), file)
        self.iam.deactivate_mfa_device(UserName="holder", SerialNumber=device.serial)
        self.iam.delete_virtual_mfa_device(SerialNumber=device.serial)
        self.assertEqual(self.iam.list_mfa_devices(UserName="holder")["MFADevices"], [])


class Cli(StsCase):

    def test_a_profile_that_assumes_a_role(self):
        """As people configure it: the CLI asks STS by itself."""
        arn = self.role("profiled", trusting(ACCOUNT_ROOT), "s3:ListAllMyBuckets")
        config = self.server.folder / "aws-config"
        config.write_text(f"[profile auditor]\nrole_arn = {arn}\nrole_session_name = ann\n"
                          "credential_source = Environment\nregion = us-east-1\n")
        kept = dict(self.server.env)
        # The CLI keeps a role's credentials below HOME.
        self.server.env.update(AWS_CONFIG_FILE=str(config), HOME=str(self.server.folder))
        try:
            who = self.server.aws("sts", "get-caller-identity", "--profile", "auditor")
            self.assertEqual(who["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/profiled/ann")
            self.server.aws("s3api", "list-buckets", "--profile", "auditor")
        finally:
            self.server.env = kept

    def test_assume_role(self):
        arn = self.role("by-hand", trusting(ACCOUNT_ROOT, actions=["sts:AssumeRole",
                                                                   "sts:TagSession"]))
        made = self.server.aws("sts", "assume-role", "--role-arn", arn, "--role-session-name",
                               "x1", "--tags", "Key=team,Value=a")
        self.assertEqual(made["PackedPolicySize"], 1)
        text = self.server.aws_raw("sts", "assume-role", "--role-arn", arn + "x",
                                   "--role-session-name", "x1").stderr
        self.assertIn("An error occurred (AccessDenied) when calling the AssumeRole operation", text)
        self.assertIn(f": User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to "
                      f"perform: sts:AssumeRole on resource: {arn}x", text)


if __name__ == "__main__":
    harness.main()
