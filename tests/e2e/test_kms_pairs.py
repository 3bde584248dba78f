"""KMS keys that are pairs, checked by a library of the client's: signatures, ciphertexts, secrets.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

import harness
from harness import ServerCase, wait_until

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ECC_NIST_P256": ec.SECP256R1, "ECC_NIST_P384": ec.SECP384R1,
          "ECC_NIST_P521": ec.SECP521R1, "ECC_SECG_P256K1": ec.SECP256K1}


def hash_of(algorithm):
    return HASHES[algorithm.rsplit("_", 1)[1]]


def digest_of(algorithm, message):
    return hashlib.new("sha" + algorithm.rsplit("_", 1)[1], message).digest()


def check(public_key, algorithm, signature, message):
    """Raises InvalidSignature when the signature is not the key's over the message."""
    method = hash_of(algorithm)
    if algorithm.startswith("ECDSA"):
        public_key.verify(signature, message, ec.ECDSA(method))
        return
    scheme = (padding.PSS(mgf=padding.MGF1(method), salt_length=method.digest_size)
              if "_PSS_" in algorithm else padding.PKCS1v15())
    public_key.verify(signature, message, scheme, method)


def sign(private_key, algorithm, message):
    method = hash_of(algorithm)
    if algorithm.startswith("ECDSA"):
        return private_key.sign(message, ec.ECDSA(method))
    scheme = (padding.PSS(mgf=padding.MGF1(method), salt_length=method.digest_size)
              if "_PSS_" in algorithm else padding.PKCS1v15())
    return private_key.sign(message, scheme, method)


def oaep(algorithm):
    method = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    return padding.OAEP(mgf=padding.MGF1(method), algorithm=method, label=None)


class KmsPairs(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kms = cls.server.client("kms")

    def key(self, spec, usage):
        return self.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]

    def public_key(self, key):
        answer = self.kms.get_public_key(KeyId=key["KeyId"])
        self.assertEqual((answer["KeyId"], answer["KeySpec"], answer["KeyUsage"]),
                         (key["Arn"], key["KeySpec"], key["KeyUsage"]))
        return serialization.load_der_public_key(answer["PublicKey"])

    def test_signatures_of_every_algorithm(self):
        for spec in ("RSA_2048", "RSA_3072", "RSA_4096", *CURVES):
            key = self.key(spec, "SIGN_VERIFY")
            public_key = self.public_key(key)
            if spec in CURVES:
                self.assertIsInstance(public_key.curve, CURVES[spec])
            else:
                self.assertEqual(public_key.key_size, int(spec[4:]))
            for algorithm in key["SigningAlgorithms"]:
                with self.subTest(spec=spec, algorithm=algorithm):
                    self.sign_and_verify(key["KeyId"], public_key, algorithm)

    def sign_and_verify(self, key, public_key, algorithm):
        asked = {"KeyId": key, "SigningAlgorithm": algorithm}
        message = b"what is signed"
        made = self.kms.sign(Message=message, **asked)["Signature"]
        check(public_key, algorithm, made, message)
        with self.assertRaises(InvalidSignature):
            check(public_key, algorithm, made, b"something else")
        made = self.kms.sign(Message=digest_of(algorithm, message), MessageType="DIGEST",
                             **asked)["Signature"]
        check(public_key, algorithm, made, message)
        self.assertTrue(self.kms.verify(Message=message, Signature=made, **asked)["SignatureValid"])
        self.fails("KMSInvalidSignatureException", self.kms.verify, Message=b"something else",
                   Signature=made, **asked)

    def test_ciphertexts_for_the_public_key(self):
        for spec in ("RSA_2048", "RSA_4096"):
            key = self.key(spec, "ENCRYPT_DECRYPT")
            public_key = self.public_key(key)
            for algorithm in key["EncryptionAlgorithms"]:
                blob = public_key.encrypt(b"from outside", oaep(algorithm))
                opened = self.kms.decrypt(KeyId=key["KeyId"], CiphertextBlob=blob,
                                          EncryptionAlgorithm=algorithm)
                self.assertEqual(opened["Plaintext"], b"from outside")
                blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"from inside",
                                        EncryptionAlgorithm=algorithm)["CiphertextBlob"]
                self.assertEqual(len(blob), int(spec[4:]) // 8)
                opened = self.kms.decrypt(KeyId=key["Arn"], CiphertextBlob=blob,
                                          EncryptionAlgorithm=algorithm)
                self.assertEqual(opened["Plaintext"], b"from inside")

    def test_data_key_pairs(self):
        key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        context = {"for": "pairs"}
        for spec, algorithm in (("RSA_2048", "RSASSA_PSS_SHA_256"),
                                ("ECC_SECG_P256K1", "ECDSA_SHA_256")):
            made = self.kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec,
                                                   EncryptionContext=context)
            private_key = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
            public_key = serialization.load_der_public_key(made["PublicKey"])
            check(public_key, algorithm, sign(private_key, algorithm, b"m"), b"m")
            opened = self.kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"],
                                      EncryptionContext=context)
            self.assertEqual(opened["Plaintext"], made["PrivateKeyPlaintext"])
        made = self.server.aws("kms", "generate-data-key-pair-without-plaintext", "--key-id", key,
                               "--key-pair-spec", "RSA_4096")
        self.assertNotIn("PrivateKeyPlaintext", made)
        opened = self.kms.decrypt(CiphertextBlob=base64.b64decode(made["PrivateKeyCiphertextBlob"]))
        private_key = serialization.load_der_private_key(opened["Plaintext"], None)
        self.assertIsInstance(private_key, rsa.RSAPrivateKey)
        self.assertEqual(private_key.public_key(), serialization.load_der_public_key(
            base64.b64decode(made["PublicKey"])))

    def test_a_secret_shared_with_a_client(self):
        for spec in ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"):
            key = self.key(spec, "KEY_AGREEMENT")
            ours = ec.generate_private_key(CURVES[spec]())
            derived = self.kms.derive_shared_secret(
                KeyId=key["KeyId"], KeyAgreementAlgorithm="ECDH",
                PublicKey=ours.public_key().public_bytes(
                    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
            self.assertEqual(derived["SharedSecret"],
                             ours.exchange(ec.ECDH(), self.public_key(key)))

    def test_the_command_line_signs(self):
        made = self.server.aws("kms", "create-key", "--key-spec", "ECC_NIST_P256", "--key-usage",
                               "SIGN_VERIFY")["KeyMetadata"]
        self.kms.create_alias(AliasName="alias/signing", TargetKeyId=made["KeyId"])
        message = self.server.folder / "message"
        message.write_bytes(digest_of("ECDSA_SHA_256", b"a release"))
        signed = self.server.aws("kms", "sign", "--key-id", "alias/signing", "--message",
                                 f"fileb://{message}", "--message-type", "DIGEST",
                                 "--signing-algorithm", "ECDSA_SHA_256")
        public_key = serialization.load_der_public_key(base64.b64decode(self.server.aws(
            "kms", "get-public-key", "--key-id", "alias/signing")["PublicKey"]))
        public_key.verify(base64.b64decode(signed["Signature"]), message.read_bytes(),
                          ec.ECDSA(Prehashed(hashes.SHA256())))

    def test_pairs_survive_a_restart(self):
        key = self.key("RSA_2048", "SIGN_VERIFY")
        before = self.public_key(key).public_numbers()
        type(self).server.restart()
        type(self).kms = self.server.client("kms")
        self.assertEqual(self.public_key(key).public_numbers(), before)

    def test_events_have_no_secrets(self):
        key = self.key("ECC_NIST_P256", "SIGN_VERIFY")["KeyId"]
        secret = b"nobody may read this message in an event"
        made = self.kms.sign(KeyId=key, Message=secret, SigningAlgorithm="ECDSA_SHA_256")
        found = wait_until(lambda: [r for r in self.server.lookup("Sign")
                                    if r["requestParameters"]["keyId"] == key])
        self.assertEqual(found[0]["requestParameters"],
                         {"keyId": key, "signingAlgorithm": "ECDSA_SHA_256"})
        for hidden in (secret, made["Signature"]):
            self.assertNotIn(base64.b64encode(hidden).decode(), json.dumps(found))


if __name__ == "__main__":
    harness.main()
