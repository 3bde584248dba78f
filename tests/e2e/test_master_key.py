"""The master key in a file, in a token (SoftHSM over PKCS#11), under a transit service.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

import harness
from harness import Server, clean_environment, traccia
from transit import TOKEN, Transit

MODULES = [pathlib.Path("/usr/lib/softhsm/libsofthsm2.so"),
           *pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")]
PIN = "a pin of a test 4711"
LABEL = "traccia tests"


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


class MasterKeys(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="traccia-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def server(self, *options):
        server = Server(*options)
        self.addCleanup(server._discard)
        return server

    def seal(self, server):
        """A ciphertext of a key of KMS, which the master key seals."""
        kms = server.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        return kms.encrypt(KeyId=key, Plaintext=b"under the master key")["CiphertextBlob"]

    def check(self, server, blob):
        opened = server.client("kms").decrypt(CiphertextBlob=blob)
        self.assertEqual(opened["Plaintext"], b"under the master key")

    def refused(self, server, *words):
        """The server does not start, says why, and tells no secret."""
        with self.assertRaises(AssertionError) as caught:
            server.start()
        text = str(caught.exception)
        self.assertRegex(text, "exited [23]")
        for word in words:
            self.assertIn(word, text)
        self.tells_no_secret(server)

    def tells_no_secret(self, server):
        for secret in (PIN, TOKEN):
            self.assertNotIn(secret, server.log())

    def wrapped_only(self, server):
        self.assertFalse((server.data / "master.key").exists())
        wrapped = server.data / "master.key.wrapped"
        self.assertEqual(stat.S_IMODE(wrapped.stat().st_mode), 0o600)

    def test_a_lost_file_is_not_replaced(self):
        server = self.server()
        server.start()
        blob = self.seal(server)
        server.stop()
        key = server.data / "master.key"
        kept = key.read_bytes()
        key.unlink()
        self.refused(server, "there is no master key", "--master-key")
        self.assertFalse(key.exists())
        private(key, "")
        key.write_bytes(kept)
        server.start()
        self.check(server, blob)

    # -- tokens

    def token(self):
        """A token with a key; the URI's beginning and end."""
        module = next((one for one in MODULES if one.exists()), None)
        self.assertIsNotNone(module, "install softhsm2")
        self.assertIsNotNone(shutil.which("pkcs11-tool"), "install opensc")
        tokens = self.folder / "tokens"
        tokens.mkdir()
        config = self.folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(config)
        self.addCleanup(os.environ.pop, "SOFTHSM2_CONF")
        self.module = str(module)
        self.run_tool("softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin",
                      "12345678", "--pin", PIN)
        self.make_key("master")
        return f"pkcs11:token={LABEL.replace(' ', '%20')};object=", f"?module-path={module}"

    def make_key(self, label):
        self.run_tool("pkcs11-tool", "--module", self.module, "--token-label", LABEL, "--login",
                      "--pin", PIN, "--keygen", "--key-type", "AES:32", "--label", label)

    def run_tool(self, *args):
        done = subprocess.run(args, env=clean_environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_key_in_a_token(self):
        before, after = self.token()
        pin = self.folder / "pin"
        private(pin, PIN + "\n")
        server = self.server("--master-key", before + "master" + after, "--master-key-secret",
                             str(pin))
        server.start()
        blob = self.seal(server)
        self.wrapped_only(server)
        server.restart()
        self.check(server, blob)
        server.stop()
        reset = traccia("root", "reset", "--data", server.data, "--master-key",
                        before + "master" + after, "--master-key-secret", pin)
        self.assertEqual(reset.returncode, 0, reset.stderr)
        at = server.options.index("--master-key") + 1
        for uri, words in (
                (before + "other" + after, ["has no AES key of this name", "pkcs11-tool"]),
                (f"pkcs11:token=none;object=master{after}", ["names 0", f"'{LABEL}'"]),
                (before + "master?module-path=/nowhere.so", ["'/nowhere.so' cannot be loaded"])):
            server.options[at] = uri
            self.refused(server, *words)
        server.options[at] = before + "master" + after
        private(pin, "wrong")
        self.refused(server, "does not take the PIN")
        private(pin, PIN)
        pin.chmod(0o644)
        self.refused(server, "chmod 600")
        pin.chmod(0o600)
        self.make_key("another")
        server.options[at] = before + "another" + after
        self.refused(server, "unwrap the master key")
        server.options[at] = before + "master" + after
        server.start()
        self.check(server, blob)
        self.tells_no_secret(server)

    def test_from_a_file_into_a_token(self):
        before, after = self.token()
        server = self.server()
        server.start()
        blob = self.seal(server)
        server.stop()
        server.options += ["--master-key", before + "master" + after, "--master-key-secret",
                           private(self.folder / "pin", PIN)]
        server.start()
        self.check(server, blob)
        self.assertIn("remove it", server.log())
        server.stop()
        (server.data / "master.key").unlink()
        server.start()
        self.check(server, blob)
        self.wrapped_only(server)

    # -- transit services

    def test_a_transit_service(self):
        token = self.folder / "token"
        private(token, TOKEN + "\n")
        with Transit() as transit:
            server = self.server(
                "--master-key", f"transit+http://127.0.0.1:{transit.port}/transit/traccia"
                "?namespace=team", "--master-key-secret", str(token))
            server.start()
            blob = self.seal(server)
            self.wrapped_only(server)
            path, headers = transit.requests[0]
            self.assertEqual((path, headers["X-Vault-Namespace"]),
                             ("/v1/transit/encrypt/traccia", "team"))
            server.restart()
            self.check(server, blob)
            server.stop()
            transit.sealed = True
            self.refused(server, "503: Vault is sealed", "unseal it")
            transit.sealed = False
            private(token, "expired")
            self.refused(server, "403: permission denied", "update on transit/decrypt/traccia")
            private(token, TOKEN)
            keys, transit.keys = transit.keys, {}
            self.refused(server, "400: encryption key not found")
            transit.keys = keys
            server.start()
            self.check(server, blob)
            server.stop()
        self.refused(server, "the transit service cannot be asked for the master key")

    def test_a_transit_service_over_tls(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        self.run_tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                      "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                      str(key), "-out", str(certificate))
        with Transit(certificate, key) as transit:
            server = self.server(
                "--master-key", f"transit+https://127.0.0.1:{transit.port}/transit/traccia",
                "--master-key-secret", private(self.folder / "token", TOKEN))
            self.refused(server, "certificate")
            self.assertEqual(transit.requests, [], "nothing is told to who is not known")
            server.options += ["--outbound-ca", str(certificate)]
            server.start()
            blob = self.seal(server)
            server.restart()
            self.check(server, blob)


if __name__ == "__main__":
    harness.main()
