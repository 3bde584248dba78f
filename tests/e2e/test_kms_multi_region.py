"""Multi-Region keys of KMS: replicas, what they open, who is primary, and how they end.

SPDX-License-Identifier: Apache-2.0
"""
import json

import harness
from harness import ACCOUNT, ServerCase, wait_until

HERE, THERE = "us-east-1", "eu-south-1"


class MultiRegion(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.here, cls.there = cls.server.client("kms", HERE), cls.server.client("kms", THERE)

    def primary(self, **options):
        return self.here.create_key(MultiRegion=True, **options)["KeyMetadata"]

    def arn(self, key, region):
        return f"arn:aws:kms:{region}:{ACCOUNT}:key/{key['KeyId']}"

    def describe(self, client, key):
        return client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]

    def test_what_one_encrypts_the_other_opens(self):
        key = self.primary()
        self.assertRegex(key["KeyId"], "^mrk-[0-9a-f]{32}$")
        self.assertEqual(key["MultiRegionConfiguration"], {
            "MultiRegionKeyType": "PRIMARY", "ReplicaKeys": [],
            "PrimaryKey": {"Arn": key["Arn"], "Region": HERE}})
        before = self.here.encrypt(KeyId=key["KeyId"], Plaintext=b"before")["CiphertextBlob"]
        self.fails("NotFoundException", self.there.describe_key, KeyId=key["KeyId"])
        replica = self.here.replicate_key(
            KeyId=key["KeyId"], ReplicaRegion=THERE, Description="there",
            Tags=[{"TagKey": "team", "TagValue": "audit"}])
        made = replica["ReplicaKeyMetadata"]
        self.assertEqual((made["Arn"], made["KeyId"], made["Description"]),
                         (self.arn(key, THERE), key["KeyId"], "there"))
        self.assertEqual(made["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA")
        self.assertEqual(made["MultiRegionConfiguration"]["ReplicaKeys"],
                         [{"Arn": made["Arn"], "Region": THERE}])
        self.assertEqual(replica["ReplicaTags"], [{"TagKey": "team", "TagValue": "audit"}])
        self.assertEqual(json.loads(replica["ReplicaPolicy"])["Id"], "key-default-1")
        opened = self.there.decrypt(CiphertextBlob=before)
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (b"before", made["Arn"]))
        blob = self.there.encrypt(KeyId=key["KeyId"], Plaintext=b"there")["CiphertextBlob"]
        self.assertEqual(self.here.decrypt(CiphertextBlob=blob)["Plaintext"], b"there")
        self.fails("AlreadyExistsException", self.here.replicate_key, KeyId=key["KeyId"],
                   ReplicaRegion=THERE)
        self.fails("UnsupportedOperationException", self.there.replicate_key,
                   f"{made['Arn']} is not a multi-region primary key.", KeyId=key["KeyId"],
                   ReplicaRegion=HERE)
        single = self.here.create_key()["KeyMetadata"]
        self.fails("UnsupportedOperationException", self.here.replicate_key,
                   f"{single['Arn']} is not a multi-region primary key.", KeyId=single["KeyId"],
                   ReplicaRegion=THERE)
        told = wait_until(lambda: [r for r in self.server.lookup("CreateKey", region=THERE)
                                   if r["resources"][0]["ARN"] == made["Arn"]])
        self.assertEqual(told[0]["eventType"], "AwsServiceEvent")

    def test_rotation_is_shared(self):
        key = self.primary()
        self.here.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
        self.here.enable_key_rotation(KeyId=key["KeyId"])
        self.assertTrue(self.there.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"])
        for change in (self.there.enable_key_rotation, self.there.disable_key_rotation,
                       self.there.rotate_key_on_demand):
            self.fails("UnsupportedOperationException", change, KeyId=key["KeyId"])
        old = self.there.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
        self.here.rotate_key_on_demand(KeyId=key["KeyId"])
        self.assertEqual(self.describe(self.here, key)["CurrentKeyMaterialId"],
                         self.describe(self.there, key)["CurrentKeyMaterialId"])
        new = self.there.encrypt(KeyId=key["KeyId"], Plaintext=b"new")["CiphertextBlob"]
        self.assertEqual(self.here.decrypt(CiphertextBlob=new)["Plaintext"], b"new")
        self.assertEqual(self.here.decrypt(CiphertextBlob=old)["Plaintext"], b"old")

    def test_another_primary(self):
        key = self.server.aws("kms", "create-key", "--multi-region")["KeyMetadata"]
        self.here.enable_key_rotation(KeyId=key["KeyId"])
        self.fails("NotFoundException", self.here.update_primary_region, KeyId=key["KeyId"],
                   PrimaryRegion=THERE)
        self.server.aws("kms", "replicate-key", "--key-id", key["KeyId"], "--replica-region", THERE)
        self.server.aws("kms", "update-primary-region", "--key-id", key["KeyId"],
                        "--primary-region", THERE)
        for client, kind in ((self.here, "REPLICA"), (self.there, "PRIMARY")):
            shown = self.describe(client, key)["MultiRegionConfiguration"]
            self.assertEqual((shown["MultiRegionKeyType"], shown["PrimaryKey"]["Region"]),
                             (kind, THERE))
            self.assertTrue(client.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"])
        self.there.disable_key_rotation(KeyId=key["KeyId"])
        self.fails("UnsupportedOperationException", self.here.update_primary_region,
                   KeyId=key["KeyId"], PrimaryRegion=THERE)

    def test_pairs_have_replicas_too(self):
        key = self.primary(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.here.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
        asked = {"KeyId": key["KeyId"], "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
        self.assertTrue(self.here.verify(Signature=self.there.sign(**asked)["Signature"],
                                         **asked)["SignatureValid"])
        self.assertEqual(self.here.get_public_key(KeyId=key["KeyId"])["PublicKey"],
                         self.there.get_public_key(KeyId=key["KeyId"])["PublicKey"])

    def test_a_primary_waits_for_its_replicas(self):
        key = self.primary()
        self.here.replicate_key(KeyId=key["KeyId"], ReplicaRegion=THERE)
        waiting = self.here.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
        self.assertEqual(waiting["KeyState"], "PendingReplicaDeletion")
        self.assertNotIn("DeletionDate", waiting)
        shown = self.describe(self.here, key)
        self.assertEqual(shown["PendingDeletionWindowInDays"], 7)
        self.assertNotIn("DeletionDate", shown)
        self.fails("KMSInvalidStateException", self.here.encrypt, KeyId=key["KeyId"],
                   Plaintext=b"x")
        self.there.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        self.here.cancel_key_deletion(KeyId=key["KeyId"])
        self.assertEqual(self.describe(self.here, key)["KeyState"], "Disabled")


if __name__ == "__main__":
    harness.main()
