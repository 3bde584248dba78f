"""KMS with boto3 and the AWS CLI: keys, policies, contexts, and what the trail tells of them.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json

import harness
from harness import ACCOUNT, ServerCase, wait_until

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"},
        *[{"Effect": "Allow", "Resource": "*"} | one for one in statements]]})


class Kms(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kms = cls.server.client("kms")
        cls.stranger = cls.server.account("stranger")

    def key(self, **options):
        return self.kms.create_key(**options)["KeyMetadata"]

    def user(self, name, *actions):
        """A client of a user that may do this to any key."""
        iam = self.server.client("iam")
        iam.create_user(UserName=name)
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions,
                                                        "Resource": "*"}}))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.server.client("kms", key_id=key["AccessKeyId"], secret=key["SecretAccessKey"])

    def test_a_key_from_its_making_to_its_end(self):
        key = self.key(Description="logs", Tags=[{"TagKey": "team", "TagValue": "audit"}])
        self.assertEqual((key["KeyState"], key["KeySpec"], key["AWSAccountId"]),
                         ("Enabled", "SYMMETRIC_DEFAULT", ACCOUNT))
        self.assertEqual(key["Arn"], f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key['KeyId']}")
        self.kms.create_alias(AliasName="alias/life", TargetKeyId=key["KeyId"])
        for name in (key["KeyId"], key["Arn"], "alias/life",
                     f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/life"):
            self.assertEqual(self.kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"], key["KeyId"])
        self.kms.update_key_description(KeyId=key["KeyId"], Description="more logs")
        self.kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "stage", "TagValue": "test"}])
        self.kms.untag_resource(KeyId=key["KeyId"], TagKeys=["team"])
        self.assertEqual(self.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"],
                         [{"TagKey": "stage", "TagValue": "test"}])
        self.kms.disable_key(KeyId=key["KeyId"])
        self.fails("DisabledException", self.kms.encrypt, f"{key['Arn']} is disabled.",
                   KeyId="alias/life", Plaintext=b"x")
        self.kms.enable_key(KeyId=key["KeyId"])
        deletion = self.server.aws("kms", "schedule-key-deletion", "--key-id", key["KeyId"],
                                   "--pending-window-in-days", "7")
        self.assertEqual(deletion["KeyState"], "PendingDeletion")
        self.fails("KMSInvalidStateException", self.kms.encrypt,
                   f"{key['Arn']} is pending deletion.", KeyId=key["KeyId"], Plaintext=b"x")
        self.kms.cancel_key_deletion(KeyId=key["KeyId"])
        described = self.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual((described["KeyState"], described["Description"]), ("Disabled", "more logs"))
        self.kms.delete_alias(AliasName="alias/life")
        self.fails("NotFoundException", self.kms.describe_key,
                   f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/life is not found.",
                   KeyId="alias/life")

    def test_ciphertexts_survive_a_restart(self):
        key = self.key()["KeyId"]
        context = {"purpose": "tests"}
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)
        data = self.kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        type(self).server.restart()
        type(self).kms = self.server.client("kms")
        opened = self.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], EncryptionContext=context)
        self.assertEqual(opened["Plaintext"], b"secret")
        self.assertEqual(self.kms.decrypt(CiphertextBlob=data["CiphertextBlob"], KeyId=key,
                                          EncryptionContext=context)["Plaintext"], data["Plaintext"])
        self.fails("InvalidCiphertextException", self.kms.decrypt,
                   CiphertextBlob=blob["CiphertextBlob"])
        other = self.key()["KeyId"]
        self.fails("IncorrectKeyException", self.kms.decrypt, KeyId=other,
                   CiphertextBlob=blob["CiphertextBlob"], EncryptionContext=context)
        moved = self.kms.re_encrypt(CiphertextBlob=blob["CiphertextBlob"], DestinationKeyId=other,
                                    SourceEncryptionContext=context)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"],
                         b"secret")

    def test_the_command_line_encrypts(self):
        key = self.key()["KeyId"]
        plain = self.server.folder / "plain"
        plain.write_bytes(b"from a file")
        blob = self.server.aws("kms", "encrypt", "--key-id", key, "--plaintext", f"fileb://{plain}",
                               "--encryption-context", "a=b")["CiphertextBlob"]
        sealed = self.server.folder / "sealed"
        sealed.write_bytes(base64.b64decode(blob))
        opened = self.server.aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}",
                                 "--encryption-context", "a=b")
        self.assertEqual(base64.b64decode(opened["Plaintext"]), b"from a file")
        self.assertEqual(self.server.aws("kms", "get-key-policy", "--key-id", key)["PolicyName"],
                         "default")

    def test_rotation(self):
        key = self.key()["KeyId"]
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
        self.assertFalse(self.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        self.server.aws("kms", "enable-key-rotation", "--key-id", key,
                        "--rotation-period-in-days", "180")
        status = self.kms.get_key_rotation_status(KeyId=key)
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 180))
        self.kms.rotate_key_on_demand(KeyId=key)
        opened = self.kms.decrypt(CiphertextBlob=blob)
        self.assertEqual(opened["Plaintext"], b"old")
        pages = self.kms.get_paginator("list_key_rotations").paginate(KeyId=key)
        rotations = [entry for page in pages for entry in page["Rotations"]]
        self.assertEqual([entry["RotationType"] for entry in rotations], ["ON_DEMAND"])
        self.assertNotEqual(rotations[0]["KeyMaterialId"], opened["KeyMaterialId"])
        self.kms.disable_key_rotation(KeyId=key)
        self.assertTrue(wait_until(lambda: [r for r in self.server.lookup("RotateKey")
                                            if r["serviceEventDetails"]["keyId"] == key]))

    def test_grants(self):
        key, context = self.key(), {"team": "audit"}
        grantee = self.user("grantee")
        arn = f"arn:aws:iam::{ACCOUNT}:user/grantee"
        blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret",
                                EncryptionContext=context)["CiphertextBlob"]
        self.fails("AccessDeniedException", grantee.decrypt, CiphertextBlob=blob,
                   EncryptionContext=context)
        grant = self.server.aws("kms", "create-grant", "--key-id", key["KeyId"],
                                "--grantee-principal", arn, "--operations", "Decrypt",
                                "RetireGrant", "--constraints",
                                '{"EncryptionContextSubset": {"team": "audit"}}')
        self.assertEqual(grantee.decrypt(CiphertextBlob=blob, EncryptionContext=context,
                                         GrantTokens=[grant["GrantToken"]])["Plaintext"], b"secret")
        self.fails("AccessDeniedException", grantee.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
        listed = self.kms.list_grants(KeyId=key["KeyId"])["Grants"]
        self.assertEqual([(g["GrantId"], g["GranteePrincipal"], g["Operations"]) for g in listed],
                         [(grant["GrantId"], arn, ["Decrypt", "RetireGrant"])])
        grantee.retire_grant(KeyId=key["Arn"], GrantId=grant["GrantId"])
        self.fails("AccessDeniedException", grantee.decrypt, CiphertextBlob=blob,
                   EncryptionContext=context)
        self.assertEqual(self.kms.list_grants(KeyId=key["KeyId"])["Grants"], [])

    def test_message_authentication_codes(self):
        key = self.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
        mac = self.kms.generate_mac(KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]
        asked = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_256", "Mac": mac}
        self.assertTrue(self.kms.verify_mac(Message=b"message", **asked)["MacValid"])
        self.fails("KMSInvalidMacException", self.kms.verify_mac, Message=b"other", **asked)
        self.fails("InvalidKeyUsageException", self.kms.encrypt, KeyId=key, Plaintext=b"x")

    def test_lists_have_pages(self):
        made = {self.key()["KeyId"] for _ in range(3)}
        pages = self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
        self.assertLessEqual(made, {key["KeyId"] for page in pages for key in page["Keys"]})
        target = made.pop()
        for name in ("alias/p1", "alias/p2", "alias/p3"):
            self.kms.create_alias(AliasName=name, TargetKeyId=target)
        pages = self.kms.get_paginator("list_aliases").paginate(KeyId=target,
                                                                PaginationConfig={"PageSize": 2})
        self.assertEqual([a["AliasName"] for page in pages for a in page["Aliases"]],
                         ["alias/p1", "alias/p2", "alias/p3"])
        elsewhere = self.server.client("kms", "eu-south-1").list_keys()["Keys"]
        self.assertFalse(made & {key["KeyId"] for key in elsewhere})

    def test_key_policies_decide(self):
        arn = f"arn:aws:iam::{ACCOUNT}:user/named"
        named, broad = self.user("named"), self.user("broad", "kms:*")
        key = self.key()
        self.fails("AccessDeniedException", named.encrypt,
                   f"User: {arn} is not authorized to perform: kms:Encrypt on resource: "
                   f"{key['Arn']} because no identity-based policy allows the kms:Encrypt action",
                   KeyId=key["KeyId"], Plaintext=b"x")
        broad.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        self.kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Resource": "*", "Action": "kms:*", "Principal": {
                    "AWS": f"arn:aws:iam::{ACCOUNT}:user/administrator"}},
                {"Effect": "Allow", "Resource": "*", "Action": "kms:Encrypt",
                 "Principal": {"AWS": arn}}]}))
        named.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        self.fails("AccessDeniedException", broad.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
        shown = json.loads(self.kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
        self.assertEqual(shown["Statement"][1]["Principal"], {"AWS": arn})
        self.fails("MalformedPolicyDocumentException", self.kms.put_key_policy,
                   "The new key policy will not allow you to update the key policy in the future.",
                   KeyId=key["KeyId"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [
                       {"Effect": "Allow", "Resource": "*", "Action": "kms:Encrypt",
                        "Principal": {"AWS": arn}}]}))

    def test_other_accounts_by_arn(self):
        theirs = self.server.client_of(self.stranger, "kms")
        key = self.key(Policy=policy({
            "Principal": {"AWS": self.stranger["AccountId"]},
            "Action": ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
            "Condition": {"StringEquals": {"kms:EncryptionContext:team": "audit"}}}))
        context = {"team": "audit"}
        blob = theirs.encrypt(KeyId=key["Arn"], Plaintext=b"ours", EncryptionContext=context)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"],
                                          EncryptionContext=context)["Plaintext"], b"ours")
        self.fails("AccessDeniedException", theirs.encrypt, KeyId=key["Arn"], Plaintext=b"x")
        self.fails("AccessDeniedException", theirs.disable_key, KeyId=key["Arn"])
        told = wait_until(lambda: [r for r in self.server.lookup("Encrypt")
                                   if r.get("sharedEventID")])[0]
        self.assertEqual(told["userIdentity"]["accountId"], self.stranger["AccountId"])

    def test_the_documented_policy_of_a_trail(self):
        """What CloudTrail seals only who presents the file's context opens."""
        key = self.key(Policy=policy(
            {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*",
             "Condition": {"StringEquals": {"aws:SourceArn": TRAIL}, "StringLike": {
                 "kms:EncryptionContext:aws:cloudtrail:arn":
                     f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}},
            {"Principal": {"AWS": "*"}, "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
             "Condition": {"StringEquals": {"kms:CallerAccount": ACCOUNT}, "StringLike": {
                 "kms:EncryptionContext:aws:cloudtrail:arn":
                     f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}}))
        reader = self.user("reader")
        context = {"aws:cloudtrail:arn": TRAIL, "aws:s3:arn": "arn:aws:s3:::bucket/AWSLogs/file"}
        blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"log", EncryptionContext=context)
        self.assertEqual(reader.decrypt(CiphertextBlob=blob["CiphertextBlob"],
                                        EncryptionContext=context)["Plaintext"], b"log")
        self.fails("AccessDeniedException", reader.decrypt, CiphertextBlob=blob["CiphertextBlob"])
        self.fails("AccessDeniedException", reader.generate_data_key, KeyId=key["KeyId"],
                   KeySpec="AES_256", EncryptionContext=context)

    def test_keys_of_services(self):
        made = self.server.aws("kms", "describe-key", "--key-id", "alias/aws/s3")["KeyMetadata"]
        self.assertEqual((made["KeyManager"], made["KeyState"]), ("AWS", "Enabled"))
        self.assertEqual(self.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"],
                         made["Arn"])
        shown = json.loads(self.kms.get_key_policy(KeyId=made["KeyId"])["Policy"])
        self.assertEqual(shown["Statement"][0]["Condition"], {"StringEquals": {
            "kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT}})
        self.fails("AccessDeniedException", self.kms.schedule_key_deletion, KeyId=made["KeyId"])
        self.fails("AccessDeniedException", self.kms.encrypt, KeyId="alias/aws/s3", Plaintext=b"x")
        elsewhere = self.server.client("kms", "eu-south-1").describe_key(KeyId="alias/aws/s3")
        self.assertNotEqual(elsewhere["KeyMetadata"]["KeyId"], made["KeyId"])

    def test_events(self):
        key = self.key()
        secret = b"nobody may read this in an event"
        blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=secret,
                                EncryptionContext={"case": "events"})["CiphertextBlob"]
        self.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"case": "events"})

        def found():
            return [r for r in self.server.lookup("Decrypt")
                    if (r["requestParameters"] or {}).get("encryptionContext") == {
                        "case": "events"}]
        record = wait_until(found)[0]
        self.assertEqual(record["resources"], [
            {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key["Arn"]}])
        self.assertTrue(record["readOnly"])
        self.assertIsNone(record["responseElements"])
        text = json.dumps(self.server.lookup("Encrypt")) + json.dumps(found())
        for hidden in (secret, blob):
            self.assertNotIn(base64.b64encode(hidden).decode(), text)


if __name__ == "__main__":
    harness.main()
