"""Sign-in as a person does it, in Chromium. SPDX-License-Identifier: Apache-2.0
"""
from browser import Browser
from harness import ACCOUNT, ServerCase, main, wait_until
from mfa import Device

PASSWORD = "Correct-horse-7"


class SigninInChromium(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iam = cls.server.client("iam")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        super().tearDownClass()

    def user(self, name, reset=False):
        self.iam.create_user(UserName=name)
        self.iam.create_login_profile(UserName=name, Password=PASSWORD, PasswordResetRequired=reset)
        self.iam.attach_user_policy(UserName=name,
                                    PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")

    def start(self):
        self.browser.open(self.server.endpoint + "/console")
        self.assertTrue(self.browser.url.endswith("/console/signin"))

    def sign_in(self, name, password=PASSWORD, **rest):
        self.browser.fill(account=ACCOUNT, username=name, password=password, **rest)
        self.browser.click()

    def sign_out(self):
        self.assertTrue(self.browser.url.endswith("/console/"))
        self.browser.click()
        self.assertTrue(self.browser.url.endswith("/console/signin"))

    def test_a_wrong_password_then_the_right_one(self):
        self.user("alice")
        self.browser.complaints()
        self.start()
        self.assertEqual(self.browser.complaints(), [], "the page's own policy lets its style in")
        self.assertEqual(self.browser.style("button", "background-color"), "rgba(29, 78, 216, 1)")
        self.sign_in("alice", 'wrong"<b>')
        self.assertIn("authentication information is incorrect", self.browser.text("[role=alert]"))
        self.sign_in("alice")
        self.assertIn(f"arn:aws:iam::{ACCOUNT}:user/alice", self.browser.text())
        self.sign_out()
        self.browser.open(self.server.endpoint + "/console/")
        self.assertTrue(self.browser.url.endswith("/console/signin"), "signed out")
        logins = wait_until(lambda: [r for r in self.server.lookup("ConsoleLogin")
                                     if r["userIdentity"].get("userName") == "alice"][1:])
        self.assertIn("Chrome", logins[0]["userAgent"])

    def test_a_new_password(self):
        self.user("newcomer", reset=True)
        self.start()
        self.sign_in("newcomer")
        self.assertIn("must change your password", self.browser.text("[role=alert]"))
        self.sign_in("newcomer", new_password="Another-horse-8")
        self.assertIn("user/newcomer", self.browser.text())
        self.sign_out()

    def test_a_device(self):
        self.user("careful")
        device = Device(self.iam, "phone")
        device.enable(self.iam, "careful")
        self.start()
        self.sign_in("careful")
        self.assertIn("code", self.browser.text("[role=alert]"))
        self.sign_in("careful", mfa_code=device.code())
        self.assertIn("user/careful", self.browser.text())
        self.sign_out()

    def test_a_page_that_is_not_there(self):
        self.browser.open(self.server.endpoint + "/console/nothing")
        self.assertIn("There is no such page", self.browser.text())


if __name__ == "__main__":
    main()
