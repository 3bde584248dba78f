"""The root user: reset on the machine, recorded, and what lies on the disk afterwards.

SPDX-License-Identifier: Apache-2.0
"""
import configparser
import json
import pathlib
import urllib.parse

from harness import ACCOUNT, ServerCase, main, send, wait_until
from mfa import Device


class Root(ServerCase):

    def reset(self, *args):
        result = self.server.traccia("root", "reset", "--data", self.server.data, *args)
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    def sign_in(self, password, **form):
        body = urllib.parse.urlencode({"account": ACCOUNT, "password": password} | form).encode()
        return send(self.server.endpoint + "/console/signin", "POST", body,
                    {"Accept": "application/json"})

    def files_with(self, secret):
        found = set()
        for path in pathlib.Path(self.server.data).rglob("*"):
            if path.is_file() and secret.encode() in path.read_bytes():
                found.add(path.relative_to(self.server.data).as_posix())
        return found

    def test_reset(self):
        code, _, text = self.reset()
        self.assertEqual(code, 3, "the server runs")
        self.assertIn("stop it", text)
        self.assertEqual(self.sign_in("guess").status, 401)
        self.server.stop()
        code, _, text = self.reset("--account", "999999999999")
        self.assertEqual((code, "no open account '999999999999'" in text), (3, True), text)
        code, first, text = self.reset("--output", "json")
        self.assertEqual(code, 0, text)
        first = json.loads(first)
        code, text, _ = self.reset()
        self.assertEqual(code, 0)
        profiles = configparser.ConfigParser()
        profiles.read_string(text)
        key = profiles[f"{ACCOUNT}-root"]
        password = text.split("user name: ")[1].split()[0]
        self.server.start()

        sts = self.server.client("sts", key_id=key["aws_access_key_id"],
                                 secret=key["aws_secret_access_key"])
        self.assertEqual(sts.get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:root")
        self.fails("InvalidClientTokenId",
                   self.server.client("sts", key_id=first["AccessKeyId"],
                                      secret=first["SecretAccessKey"]).get_caller_identity)
        self.assertEqual(self.sign_in(first["Password"]).status, 401)
        signed_in = self.sign_in(password)
        self.assertEqual(signed_in.json()["arn"], f"arn:aws:iam::{ACCOUNT}:root")
        summary = self.server.client("iam").get_account_summary()["SummaryMap"]
        self.assertEqual((summary["AccountAccessKeysPresent"], summary["AccountPasswordPresent"]),
                         (1, 1))
        resets = wait_until(lambda: self.server.lookup("ResetRootUser"))
        keys = [r["responseElements"]["accessKeyId"] for r in resets]
        self.assertEqual((keys.count(first["AccessKeyId"]), keys.count(key["aws_access_key_id"])),
                         (1, 1))
        self.assertEqual({r["userIdentity"]["type"] for r in resets}, {"Root"})
        logins = wait_until(lambda: [r for r in self.server.lookup("ConsoleLogin")
                                     if r["responseElements"]["ConsoleLogin"] == "Success"])
        self.assertEqual(logins[0]["userIdentity"],
                         {"type": "Root", "principalId": ACCOUNT, "accountId": ACCOUNT,
                          "arn": f"arn:aws:iam::{ACCOUNT}:root"})

    def test_a_device_guards_it_until_a_reset(self):
        self.server.stop()
        made = json.loads(self.reset("--output", "json")[1])
        self.server.start()
        iam = self.server.client("iam", key_id=made["AccessKeyId"],
                                 secret=made["SecretAccessKey"])
        device = Device(iam, "of-root")
        device.enable(iam, ACCOUNT)
        self.assertEqual(iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"], 1)
        self.assertTrue(self.sign_in(made["Password"]).json()["mfaRequired"])
        self.assertEqual(self.sign_in(made["Password"], mfa_code=device.code()).status, 200)
        self.server.stop()
        made = json.loads(self.reset("--output", "json")[1])
        self.server.start()
        self.assertEqual(self.sign_in(made["Password"]).status, 200)
        summary = self.server.client("iam").get_account_summary()["SummaryMap"]
        self.assertEqual((summary["AccountMFAEnabled"], summary["MFADevices"]), (0, 1))

    def test_secrets_on_the_disk(self):
        iam = self.server.client("iam")
        iam.create_user(UserName="bob")
        key = iam.create_access_key(UserName="bob")["AccessKey"]["SecretAccessKey"]
        iam.create_login_profile(UserName="bob", Password="Known-horse-12")
        token = self.server.token()
        self.server.stop()
        code, text, _ = self.reset("--output", "json")
        self.assertEqual(code, 0)
        root = json.loads(text)
        self.server.start()
        self.sign_in("Known-horse-12", username="bob")
        self.sign_in(root["Password"])
        wait_until(lambda: self.server.lookup("ConsoleLogin"))
        for secret in (key, "Known-horse-12", token, root["Password"], root["SecretAccessKey"]):
            self.assertEqual(self.files_with(secret), set())
        self.assertEqual(self.files_with(self.server.secret), {"credentials"})
        self.server.stop()
        self.assertEqual(self.files_with(self.server.secret), {"credentials"})
        self.server.start()


if __name__ == "__main__":
    main()
