"""Accounts as tenants: made by the operator, apart from one another.

SPDX-License-Identifier: Apache-2.0
"""
import configparser
import json

import harness
from harness import ACCOUNT, ServerCase, now_text, wait_until

TENANT = "444455556666"


class Accounts(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenant = cls.server.account("acme", TENANT)

    def test_the_key_works_and_belongs_to_the_account(self):
        sts = self.server.client_of(self.tenant, "sts")
        who = sts.get_caller_identity()
        self.assertEqual((who["Account"], who["Arn"]),
                         (TENANT, f"arn:aws:iam::{TENANT}:user/administrator"))

    def test_text_output_is_a_profile(self):
        result = self.server.traccia("account", "create", "--name", "text", "--email",
                                     "text@accounts.example", "--account-id", "555566667777")
        self.assertEqual(result.returncode, 0, result.stderr)
        profiles = configparser.ConfigParser()
        profiles.read_string(result.stdout.decode())
        key = profiles["555566667777"]
        sts = self.server.client("sts", key_id=key["aws_access_key_id"],
                                 secret=key["aws_secret_access_key"])
        self.assertEqual(sts.get_caller_identity()["Account"], "555566667777")
        listed = self.server.traccia("account", "list")
        self.assertIn(b"text@accounts.example", listed.stdout)
        listed = json.loads(self.server.traccia("account", "list", "--output", "json").stdout)
        known = {a["AccountId"]: a["AccountName"] for a in listed["Accounts"]}
        self.assertEqual((known[ACCOUNT], known[TENANT]), ("management", "acme"))

    def test_mistakes_are_told(self):
        result = self.server.traccia("account", "create", "--name", "again", "--email",
                                     "again@accounts.example", "--account-id", TENANT)
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"AccountAlreadyExistsException", result.stderr)

    def test_tenants_do_not_see_one_another(self):
        self.trail.describe_trails()
        own = self.server.client_of(self.tenant, "cloudtrail")
        own.describe_trails()
        wait_until(lambda: own.lookup_events(LookupAttributes=[
            {"AttributeKey": "EventName", "AttributeValue": "DescribeTrails"}])["Events"])
        accounts = {json.loads(e["CloudTrailEvent"])["recipientAccountId"]
                    for e in own.lookup_events()["Events"]}
        self.assertEqual(accounts, {TENANT})
        s3 = self.server.client_of(self.tenant, "s3")
        self.s3.create_bucket(Bucket="of-the-operator")
        self.assertEqual(s3.list_buckets()["Buckets"], [])
        self.fails("AccessDenied", s3.list_objects_v2, "Access Denied", Bucket="of-the-operator")

    def test_tenants_are_no_operators(self):
        env = self.server.env | {"AWS_ACCESS_KEY_ID": self.tenant["AccessKeyId"],
                                 "AWS_SECRET_ACCESS_KEY": self.tenant["SecretAccessKey"]}
        for arguments in (("account", "list"), ("token", "create", "--account", ACCOUNT),
                          ("lookup", "ReadOnly=false", "--account", "all")):
            result = harness.traccia(*arguments, env=env)
            self.assertEqual(result.returncode, 3, arguments)
            self.assertIn(b"AccessDenied", result.stderr, arguments)

    def test_tenants_send_their_own_events_only(self):
        event = {"eventVersion": "1.11", "eventTime": now_text(), "eventName": "Planted",
                 "eventSource": "app.example", "recipientAccountId": ACCOUNT}
        answer = self.server.post_events(json.dumps(event).encode(),
                                         key_id=self.tenant["AccessKeyId"],
                                         secret=self.tenant["SecretAccessKey"])
        self.assertEqual([r["code"] for r in answer.json()["rejected"]], ["AccountMismatch"])

    def test_the_secret_is_nowhere(self):
        secret = self.tenant["SecretAccessKey"]
        self.assertNotIn(secret, self.server.log())
        for file in self.server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file)


if __name__ == "__main__":
    harness.main()
