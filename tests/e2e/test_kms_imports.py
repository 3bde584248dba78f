"""KMS keys whose material is imported: wrapped by a client's own library, taken away, brought back.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

import harness
from harness import ServerCase


def der(private_key):
    return private_key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())


def wrap(public_key, algorithm, material):
    method = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(mgf=padding.MGF1(method), algorithm=method, label=None)
    public_key = serialization.load_der_public_key(public_key)
    if not algorithm.startswith("RSA_AES"):
        return public_key.encrypt(material, oaep)
    key = os.urandom(32)
    return public_key.encrypt(key, oaep) + aes_key_wrap_with_padding(key, material)


class Imports(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kms = cls.server.client("kms")

    def key(self, client=None, **options):
        key = (client or self.kms).create_key(Origin="EXTERNAL", **options)["KeyMetadata"]
        self.assertEqual((key["KeyState"], key["Enabled"], key["Origin"]),
                         ("PendingImport", False, "EXTERNAL"))
        return key

    def wrapped(self, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", client=None):
        given = (client or self.kms).get_parameters_for_import(
            KeyId=key["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
        self.assertEqual(given["KeyId"], key["Arn"])
        return {"KeyId": key["KeyId"], "ImportToken": given["ImportToken"],
                "EncryptedKeyMaterial": wrap(given["PublicKey"], algorithm, material)}

    def give(self, key, material, *wrapping, client=None, **options):
        options.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
        return (client or self.kms).import_key_material(
            **self.wrapped(key, material, *wrapping, client=client), **options)

    def refused(self, code, call, *args, **options):
        self.fails(code, lambda: call(*args, **options))

    def state(self, key, client=None):
        return (client or self.kms).describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]

    def test_material_comes_and_goes(self):
        key, material = self.key(), os.urandom(32)
        self.assertNotIn("CurrentKeyMaterialId", key)
        self.fails("KMSInvalidStateException", self.kms.encrypt,
                   f"{key['Arn']} is pending import.", KeyId=key["KeyId"], Plaintext=b"x")
        self.fails("KMSInvalidStateException", self.kms.enable_key, KeyId=key["KeyId"])
        asked = self.wrapped(key, material)
        self.fails("ValidationException", self.kms.import_key_material,
                   "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
                   **asked)
        given = self.kms.import_key_material(ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", **asked)
        shown = self.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual((shown["KeyState"], shown["ExpirationModel"]),
                         ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE"))
        self.assertEqual(shown["CurrentKeyMaterialId"], given["KeyMaterialId"])
        blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"under mine")["CiphertextBlob"]
        self.kms.delete_imported_key_material(KeyId=key["KeyId"])
        self.assertEqual(self.state(key), "PendingImport")
        self.fails("KMSInvalidStateException", self.kms.decrypt, CiphertextBlob=blob)
        self.refused("IncorrectKeyMaterialException", self.give, key, os.urandom(32))
        self.assertEqual(self.give(key, material)["KeyMaterialId"], given["KeyMaterialId"])
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"under mine")

    def test_every_way_of_wrapping(self):
        for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1",
                          "RSA_AES_KEY_WRAP_SHA_256"):
            for spec in ("RSA_2048", "RSA_4096"):
                key = self.key()
                self.give(key, os.urandom(32), algorithm, spec)
                self.assertEqual(self.state(key), "Enabled")
        for algorithm, spec in (("RSAES_PKCS1_V1_5", "RSA_2048"), ("SM2PKE", "SM2")):
            self.fails("UnsupportedOperationException", self.kms.get_parameters_for_import,
                       KeyId=key["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)

    def test_pairs_and_macs(self):
        own = ec.generate_private_key(ec.SECP256R1())
        key = self.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.give(key, der(own))
        made = self.kms.sign(KeyId=key["KeyId"], Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
        own.public_key().verify(made["Signature"], b"m", ec.ECDSA(hashes.SHA256()))
        own = rsa.generate_private_key(65537, 2048)
        key = self.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        self.refused("ValidationException", self.wrapped, key, b"x")
        self.give(key, der(own), "RSA_AES_KEY_WRAP_SHA_256")
        self.assertEqual(serialization.load_der_public_key(
            self.kms.get_public_key(KeyId=key["KeyId"])["PublicKey"]), own.public_key())
        key = self.key(KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")
        self.refused("IncorrectKeyMaterialException", self.give, key, os.urandom(32))
        self.give(key, os.urandom(48))
        self.kms.generate_mac(KeyId=key["KeyId"], Message=b"m", MacAlgorithm="HMAC_SHA_384")

    def test_refusals(self):
        one, two, material = self.key(), self.key(), os.urandom(32)
        asked = self.wrapped(one, material) | {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
        self.fails("InvalidImportTokenException", self.kms.import_key_material,
                   **asked | {"KeyId": two["KeyId"]})
        self.fails("InvalidImportTokenException", self.kms.import_key_material,
                   **asked | {"ImportToken": b"no token"})
        self.fails("InvalidCiphertextException", self.kms.import_key_material,
                   **asked | {"EncryptedKeyMaterial": os.urandom(256)})
        self.refused("IncorrectKeyMaterialException", self.give, one, os.urandom(16))
        now = datetime.datetime.now(datetime.timezone.utc)
        for valid_to in (now - datetime.timedelta(days=1), now + datetime.timedelta(days=366)):
            self.fails("ValidationException", self.kms.import_key_material,
                       **asked | {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": valid_to})
        ours = self.kms.create_key()["KeyMetadata"]
        self.refused("UnsupportedOperationException", self.wrapped, ours, material)
        self.kms.import_key_material(**asked)
        for change in (self.kms.enable_key_rotation, self.kms.rotate_key_on_demand):
            self.fails("UnsupportedOperationException", change,
                       f"{one['Arn']} origin is EXTERNAL which is not valid for this operation.",
                       KeyId=one["KeyId"])

    def test_material_that_expires(self):
        key, valid_to = self.key(), datetime.datetime.now(datetime.timezone.utc).replace(
            microsecond=0) + datetime.timedelta(days=30)
        self.give(key, os.urandom(32), ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
        shown = self.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual((shown["ExpirationModel"], shown["ValidTo"]),
                         ("KEY_MATERIAL_EXPIRES", valid_to))

    def test_replicas_take_the_same_material(self):
        there = self.server.client("kms", "eu-south-1")
        key, material = self.key(MultiRegion=True), os.urandom(32)
        self.give(key, material)
        replica = self.kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion="eu-south-1")
        replica = replica["ReplicaKeyMetadata"]
        self.assertEqual(replica["KeyState"], "PendingImport")
        self.refused("IncorrectKeyMaterialException", self.give, replica, os.urandom(32),
                     client=there)
        self.give(replica, material, client=there)
        blob = there.encrypt(KeyId=key["KeyId"], Plaintext=b"both")["CiphertextBlob"]
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"both")


if __name__ == "__main__":
    harness.main()
