"""Sign-in to the console with a password, as a browser and as a script do it, and what the trail
learns of it. SPDX-License-Identifier: Apache-2.0
"""
import json
import urllib.parse

from harness import ACCOUNT, ServerCase, main, send, wait_until
from mfa import Device

PASSWORD = "Correct-horse-7"
JSON = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


class Signin(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iam = cls.server.client("iam")
        for name in ("alice", "locked", "leaves", "must-change"):
            cls.iam.create_user(UserName=name)
            cls.iam.create_login_profile(UserName=name, Password=PASSWORD,
                                         PasswordResetRequired=name == "must-change")
        cls.iam.create_account_alias(AccountAlias="acme-logs")

    def post(self, path, headers=None, **form):
        body = urllib.parse.urlencode(form).encode()
        return send(self.server.endpoint + path, "POST", body, JSON | (headers or {}))

    def sign_in(self, username, password=PASSWORD, account=ACCOUNT, headers=None, **rest):
        return self.post("/console/signin", headers, account=account, username=username,
                         password=password, **rest)

    def get(self, path, cookie=None):
        return send(self.server.endpoint + path, headers={"Cookie": cookie} if cookie else {})

    def cookie(self, answer):
        return answer.headers["Set-Cookie"].split(";")[0]

    def logins(self, user, count=1):
        """The newest records of sign-ins of a user, oldest first."""
        def found():
            records = [r for r in self.server.lookup("ConsoleLogin")
                       if r["userIdentity"].get("userName") == user]
            return records if len(records) >= count else None
        return sorted(wait_until(found), key=lambda r: r["eventTime"])

    def test_success(self):
        answer = self.sign_in("alice")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["arn"], f"arn:aws:iam::{ACCOUNT}:user/alice")
        flags = answer.headers["Set-Cookie"]
        for flag in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(flag, flags)
        session = self.get("/console/session", self.cookie(answer))
        self.assertEqual(session.json()["arn"], f"arn:aws:iam::{ACCOUNT}:user/alice")
        self.assertFalse(session.json()["mfaUsed"])
        record = self.logins("alice")[-1]
        self.assertEqual(record["eventType"], "AwsConsoleSignIn")
        self.assertEqual(record["eventSource"], "signin.amazonaws.com")
        self.assertEqual(record["awsRegion"], "us-east-1")
        self.assertEqual(record["responseElements"], {"ConsoleLogin": "Success"})
        self.assertEqual(record["additionalEventData"]["MFAUsed"], "No")
        self.assertEqual(record["userIdentity"]["type"], "IAMUser")
        self.assertNotIn("errorMessage", record)
        self.assertIn("PasswordLastUsed", self.iam.get_user(UserName="alice")["User"])

    def test_a_browser(self):
        page = self.get("/console/signin")
        self.assertEqual(page.status, 200)
        self.assertIn(b"<form method=\"post\" action=\"/console/signin\">", page.body)
        self.assertIn("frame-ancestors 'none'", page.headers["Content-Security-Policy"])
        self.assertEqual(self.get("/console/").headers["Location"], "/console/signin")
        wrong = self.sign_in("alice\"><script>", headers={"Accept": "text/html"})
        self.assertEqual(wrong.status, 401)
        self.assertNotIn(b"<script>", wrong.body)
        right = self.sign_in("alice", account="acme-logs", headers={"Accept": "text/html"})
        self.assertEqual((right.status, right.headers["Location"]), (303, "/console/"))
        cookie = self.cookie(right)
        self.assertIn(b"user/alice", self.get("/console/", cookie).body)
        out = self.post("/console/signout", {"Cookie": cookie})
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])
        self.assertEqual(self.get("/console/session", cookie).status, 401)

    def test_other_origins_are_refused(self):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = self.sign_in("alice", headers=headers)
            self.assertEqual(answer.status, 403, answer)
            self.assertNotIn("Set-Cookie", answer.headers)
        own = self.sign_in("alice", headers={"Origin": self.server.endpoint})
        self.assertEqual(own.status, 200)

    def test_failures_look_alike_and_are_recorded(self):
        texts = {self.sign_in(name, "wrong", account).body
                 for name, account in (("leaves", ACCOUNT), ("nobody", ACCOUNT),
                                       ("", ACCOUNT), ("alice", "999999999999"))}
        self.assertEqual(len(texts), 1)
        failed = self.logins("leaves")[-1]
        self.assertEqual(failed["errorMessage"], "Failed authentication")
        self.assertNotIn("errorCode", failed)
        self.assertEqual(failed["responseElements"], {"ConsoleLogin": "Failure"})
        self.assertEqual(failed["userIdentity"]["accessKeyId"], "")
        hidden = self.logins("HIDDEN_DUE_TO_SECURITY_REASONS")[-1]
        self.assertEqual(hidden["errorMessage"], "No username found in supplied account")
        root = wait_until(lambda: [r for r in self.server.lookup("ConsoleLogin")
                                   if r["userIdentity"]["type"] == "Root"])
        self.assertEqual(root[0]["userIdentity"]["arn"], f"arn:aws:iam::{ACCOUNT}:root")
        for record in self.server.lookup("ConsoleLogin"):
            self.assertNotIn(PASSWORD, json.dumps(record))

    def test_failures_in_a_row_lock(self):
        for _ in range(5):
            self.assertEqual(self.sign_in("locked", "wrong").status, 401)
        answer = self.sign_in("locked")
        self.assertEqual(answer.status, 401, "the right password is of no use now")
        self.assertEqual(len(self.logins("locked", 6)), 6)

    def test_a_password_that_must_be_changed(self):
        answer = self.sign_in("must-change")
        self.assertEqual(answer.status, 401)
        self.assertTrue(answer.json()["passwordChangeRequired"])
        denied = self.sign_in("must-change", new_password="Another-horse-8")
        self.assertIn("iam:ChangePassword", denied.json()["message"])
        self.iam.attach_user_policy(UserName="must-change",
                                    PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
        weak = self.sign_in("must-change", new_password="short")
        self.assertIn("minimum length", weak.json()["message"])
        done = self.sign_in("must-change", new_password="Another-horse-8")
        self.assertEqual(done.status, 200, done)
        self.assertEqual(self.sign_in("must-change").status, 401)
        self.assertEqual(self.sign_in("must-change", "Another-horse-8").status, 200)
        changed = wait_until(lambda: [r for r in self.server.lookup("ChangePassword")
                                      if "errorCode" not in r])
        self.assertEqual(changed[0]["userIdentity"]["userName"], "must-change")

    def test_a_device(self):
        self.iam.create_user(UserName="careful")
        self.iam.create_login_profile(UserName="careful", Password=PASSWORD)
        device = Device(self.iam, "phone-of-careful")
        device.enable(self.iam, "careful")
        asked = self.sign_in("careful")
        self.assertEqual((asked.status, asked.json()["mfaRequired"]), (401, True))
        check = wait_until(lambda: self.server.lookup("CheckMfa"))[0]
        self.assertEqual(check["responseElements"], {"CheckMfa": "Success"})
        self.assertEqual(check["userIdentity"]["userName"], "careful")
        self.assertEqual(self.sign_in("careful", mfa_code="000000").status, 401)
        code = device.code()
        answer = self.sign_in("careful", mfa_code=code)
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(self.get("/console/session", self.cookie(answer)).json()["mfaUsed"])
        self.assertEqual(self.sign_in("careful", mfa_code=code).status, 401, "a code is good once")
        used = [r["additionalEventData"] for r in self.logins("careful", 3)]
        self.assertEqual({d["MFAUsed"] for d in used}, {"Yes"})
        self.assertEqual({d["MFAIdentifier"] for d in used}, {device.serial})

    def test_what_lacks_is_asked_for_at_once(self):
        self.iam.create_user(UserName="both")
        self.iam.create_login_profile(UserName="both", Password=PASSWORD,
                                      PasswordResetRequired=True)
        self.iam.attach_user_policy(UserName="both",
                                    PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")
        device = Device(self.iam, "phone-of-both")
        device.enable(self.iam, "both")
        asked = self.sign_in("both").json()
        self.assertTrue(asked["mfaRequired"] and asked["passwordChangeRequired"], asked)
        done = self.sign_in("both", mfa_code=device.code(), new_password="Another-horse-8")
        self.assertEqual(done.status, 200, done)

    def test_a_session_ends_with_its_user(self):
        self.iam.create_user(UserName="short-lived")
        self.iam.create_login_profile(UserName="short-lived", Password=PASSWORD)
        cookie = self.cookie(self.sign_in("short-lived"))
        self.assertEqual(self.get("/console/session", cookie).status, 200)
        self.iam.delete_login_profile(UserName="short-lived")
        self.iam.delete_user(UserName="short-lived")
        self.assertEqual(self.get("/console/session", cookie).status, 401)

    def test_report(self):
        self.assertEqual(self.iam.generate_credential_report()["State"], "STARTED")
        wait_until(lambda: self.iam.generate_credential_report()["State"] == "COMPLETE")
        lines = self.iam.get_credential_report()["Content"].decode().splitlines()
        rows = {line.split(",")[0]: dict(zip(lines[0].split(","), line.split(",")))
                for line in lines[1:]}
        self.assertEqual(rows["alice"]["password_enabled"], "true")
        self.assertEqual(rows["administrator"]["password_enabled"], "false")
        self.assertEqual(rows["administrator"]["access_key_1_active"], "true")
        self.assertIn("<root_account>", rows)


if __name__ == "__main__":
    main()
