"""Organizations with boto3 and the AWS CLI: accounts, units, policies that forbid, and who belongs.

SPDX-License-Identifier: Apache-2.0
"""
import json

import boto3

import harness
from harness import ACCOUNT, ServerCase, wait_until

NO_STOPPING = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"}]})
SCP = "SERVICE_CONTROL_POLICY"


class Organizations(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.organizations = cls.server.client("organizations")
        cls.organization = cls.organizations.create_organization()["Organization"]
        cls.root = cls.organizations.list_roots()["Roots"][0]["Id"]
        cls.organizations.enable_policy_type(RootId=cls.root, PolicyType=SCP)
        cls.member = cls.join("member")
        cls.stranger = cls.server.account("stranger")

    @classmethod
    def join(cls, name):
        """An account that was made by the operator and invited; with its administrator's key."""
        account = cls.server.account(name)
        invited = cls.organizations.invite_account_to_organization(
            Target={"Id": account["AccountId"], "Type": "ACCOUNT"})["Handshake"]
        client = cls.server.client_of(account, "organizations")
        client.accept_handshake(HandshakeId=invited["Id"])
        return account

    def test_forms(self):
        found = self.server.aws("organizations", "describe-organization")["Organization"]
        self.assertRegex(found["Id"], "^o-[a-z0-9]{10,32}$")
        self.assertEqual(found["Arn"], f"arn:aws:organizations::{ACCOUNT}:organization/{found['Id']}")
        self.assertEqual(found["MasterAccountEmail"], f"root@{ACCOUNT}.invalid")
        self.assertRegex(self.root, "^r-[0-9a-z]{4,32}$")

    def test_an_account_from_its_request_to_its_end(self):
        made = self.server.aws("organizations", "create-account", "--email", "new@accounts.example",
                               "--account-name", "new", "--tags", "Key=stage,Value=test")
        request = made["CreateAccountStatus"]
        self.assertRegex(request["Id"], "^car-[a-z0-9]{8,32}$")
        status = wait_until(lambda: [s for s in [self.organizations.describe_create_account_status(
            CreateAccountRequestId=request["Id"])["CreateAccountStatus"]]
            if s["State"] == "SUCCEEDED"])[0]
        account = status["AccountId"]
        pages = self.organizations.get_paginator("list_accounts").paginate(
            PaginationConfig={"PageSize": 1})
        known = {a["Id"]: a for page in pages for a in page["Accounts"]}
        self.assertEqual((known[account]["Name"], known[account]["Status"]), ("new", "ACTIVE"))
        self.assertEqual(self.organizations.list_tags_for_resource(ResourceId=account)["Tags"],
                         [{"Key": "stage", "Value": "test"}])
        unit = self.organizations.create_organizational_unit(
            ParentId=self.root, Name="life")["OrganizationalUnit"]
        self.organizations.move_account(AccountId=account, SourceParentId=self.root,
                                        DestinationParentId=unit["Id"])
        self.fails("OrganizationalUnitNotEmptyException",
                   self.organizations.delete_organizational_unit,
                   OrganizationalUnitId=unit["Id"])
        self.assertEqual(self.organizations.list_parents(ChildId=account)["Parents"],
                         [{"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}])
        self.organizations.close_account(AccountId=account)
        found = self.organizations.describe_account(AccountId=account)["Account"]
        self.assertEqual(found["Status"], "SUSPENDED")
        self.organizations.remove_account_from_organization(AccountId=account)
        self.fails("AccountNotFoundException", self.organizations.describe_account,
                   "You specified an account that doesn't exist.", AccountId=account)
        self.organizations.delete_organizational_unit(OrganizationalUnitId=unit["Id"])
        record = wait_until(lambda: [r for r in self.server.lookup("CreateAccount")
                                     if r["eventSource"] == "organizations.amazonaws.com"])[0]
        self.assertEqual(record["requestParameters"]["email"], "****")
        self.assertNotIn("new@accounts.example", json.dumps(record))

    def test_errors_say_why(self):
        answer = self.fails("ConstraintViolationException", self.organizations.close_account,
                            AccountId=ACCOUNT)
        self.assertEqual(answer["Reason"], "CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
        answer = self.fails("InvalidInputException", self.organizations.describe_account,
                            "You provided a value that does not match the required pattern.",
                            AccountId="12")
        self.assertEqual(answer["Reason"], "INVALID_PATTERN")
        self.fails("AWSOrganizationsNotInUseException",
                   self.server.client_of(self.stranger, "organizations").describe_organization,
                   "Your account is not a member of an organization.")
        self.fails("AccessDeniedException",
                   self.server.client_of(self.member, "organizations").list_accounts,
                   "You don't have permissions to access this resource.")

    def with_trail(self, account, name):
        """A trail of this account, in a bucket of its own, that logs."""
        s3 = self.server.client_of(account, "s3")
        s3.create_bucket(Bucket=name)
        trail = f"arn:aws:cloudtrail:us-east-1:{account['AccountId']}:trail/{name}"
        allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
                 "Condition": {"StringEquals": {"aws:SourceArn": trail}}}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            allow | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{name}"},
            allow | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}]}))
        client = self.server.client_of(account, "cloudtrail")
        client.create_trail(Name=name, S3BucketName=name)
        client.start_logging(Name=name)
        return client

    def test_nobody_in_a_member_account_stops_the_trail(self):
        member = self.with_trail(self.member, "of-the-member")
        self.server.trail_bucket("of-the-management", "main")
        self.trail.create_trail(Name="main", S3BucketName="of-the-management")
        self.trail.start_logging(Name="main")
        policy = self.organizations.create_policy(
            Name="trails go on", Description="", Type=SCP,
            Content=NO_STOPPING)["Policy"]["PolicySummary"]
        self.assertRegex(policy["Arn"], f"^arn:aws:organizations::{ACCOUNT}:policy/"
                         f"{self.organization['Id']}/service_control_policy/p-[a-z0-9]{{8}}$")
        self.organizations.attach_policy(PolicyId=policy["Id"], TargetId=self.root)
        answer = self.fails("AccessDeniedException", member.stop_logging, Name="of-the-member")
        self.assertIn("with an explicit deny in a service control policy",
                      answer["Error"]["Message"])
        self.assertTrue(member.get_trail_status(Name="of-the-member")["IsLogging"])
        own = self.server.client_of(self.member, "cloudtrail")
        record = wait_until(lambda: [json.loads(e["CloudTrailEvent"]) for e in own.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "StopLogging"}])
            ["Events"]])[0]
        self.assertEqual(record["errorCode"], "AccessDenied")
        self.assertIn("service control policy", record["errorMessage"])
        self.trail.stop_logging(Name="main")
        self.server.restart()
        again = self.server.client_of(self.member, "cloudtrail")
        self.fails("AccessDeniedException", again.stop_logging, Name="of-the-member")
        type(self).organizations = self.server.client("organizations")
        type(self).trail = self.server.client("cloudtrail")
        type(self).s3 = self.server.client("s3")
        self.organizations.detach_policy(PolicyId=policy["Id"], TargetId=self.root)
        again.stop_logging(Name="of-the-member")
        self.organizations.delete_policy(PolicyId=policy["Id"])

    def test_the_management_account_enters_by_the_role(self):
        request = self.organizations.create_account(
            Email="entered@accounts.example", AccountName="entered")["CreateAccountStatus"]
        account = self.organizations.describe_create_account_status(
            CreateAccountRequestId=request["Id"])["CreateAccountStatus"]["AccountId"]
        role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        given = self.server.client("sts").assume_role(RoleArn=role, RoleSessionName="operator")
        key = given["Credentials"]
        trail = boto3.session.Session(
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key["SessionToken"], region_name="us-east-1").client(
                "cloudtrail", endpoint_url=self.server.endpoint)
        self.assertEqual(trail.list_trails()["Trails"], [])
        policy = self.organizations.create_policy(
            Name="no stopping here", Description="", Type=SCP,
            Content=NO_STOPPING)["Policy"]["PolicySummary"]["Id"]
        self.fails("TrailNotFoundException", trail.stop_logging, Name="none")
        self.organizations.attach_policy(PolicyId=policy, TargetId=account)
        self.fails("AccessDeniedException", trail.stop_logging, Name="none")
        self.organizations.detach_policy(PolicyId=policy, TargetId=account)
        stranger = self.server.client_of(self.stranger, "sts")
        self.fails("AccessDenied", stranger.assume_role, RoleArn=role, RoleSessionName="stranger")

    def test_a_bucket_for_the_organization(self):
        self.s3.create_bucket(Bucket="shared")
        self.s3.put_object(Bucket="shared", Key="k", Body=b"x")
        path = f"{self.organization['Id']}/{self.root}/*"
        read = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::shared/*"}
        for condition in ({"StringEquals": {"aws:PrincipalOrgID": self.organization["Id"]}},
                          {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": path}}):
            self.s3.put_bucket_policy(Bucket="shared", Policy=json.dumps(
                {"Version": "2012-10-17", "Statement": [read | {"Condition": condition}]}))
            inside = self.server.client_of(self.member, "s3")
            self.assertEqual(inside.get_object(Bucket="shared", Key="k")["Body"].read(), b"x")
            outside = self.server.client_of(self.stranger, "s3")
            self.fails("AccessDenied", outside.get_object, Bucket="shared", Key="k")

    def test_resources_outside_of_the_organization(self):
        keep_in = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {
                "StringNotEqualsIfExists": {"aws:ResourceOrgID": self.organization["Id"]},
                "Null": {"aws:ResourceOrgID": "false"}}},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {
                "Null": {"aws:ResourceOrgID": "true"}}}]})
        outside = self.server.client_of(self.stranger, "s3")
        outside.create_bucket(Bucket="of-the-stranger")
        outside.put_bucket_policy(Bucket="of-the-stranger", Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": self.member["AccountId"]},
                 "Action": "s3:PutObject", "Resource": "arn:aws:s3:::of-the-stranger/*"}]}))
        member = self.server.client_of(self.member, "s3")
        member.put_object(Bucket="of-the-stranger", Key="k", Body=b"x")
        policy = self.organizations.create_policy(Name="keep in", Description="", Type=SCP,
                                                  Content=keep_in)["Policy"]["PolicySummary"]["Id"]
        self.organizations.attach_policy(PolicyId=policy, TargetId=self.member["AccountId"])
        self.fails("AccessDenied", member.put_object, Bucket="of-the-stranger", Key="k", Body=b"x")
        member.create_bucket(Bucket="kept-in")
        member.put_object(Bucket="kept-in", Key="k", Body=b"x")
        self.organizations.detach_policy(PolicyId=policy, TargetId=self.member["AccountId"])

    def test_a_closed_account_cannot_sign(self):
        account = self.join("closing")
        token = self.server.token("--account", account["AccountId"])
        client = self.server.client_of(account, "sts")
        client.get_caller_identity()
        event = json.dumps({"eventTime": harness.now_text(), "eventName": "Told"}).encode()
        self.assertEqual(self.server.post_events(event, token).status, 200)
        self.organizations.close_account(AccountId=account["AccountId"])
        self.fails("InvalidClientTokenId", client.get_caller_identity)
        self.assertEqual(self.server.post_events(event, token).status, 403)


if __name__ == "__main__":
    harness.main()
