"""IAM with boto3 and the AWS CLI: users and their keys at work, policies, groups, roles, pages.

SPDX-License-Identifier: Apache-2.0
"""
import json
import time

import harness
from harness import ACCOUNT, ServerCase, wait_until

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_TRAILS = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "cloudtrail:Get*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
     "Action": "sts:AssumeRole"}]})


class IamCase(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iam = cls.server.client("iam")

    def with_key(self, service, key, region="us-east-1"):
        return self.server.client(service, region, key_id=key["AccessKeyId"],
                                  secret=key["SecretAccessKey"])

    def worker(self, name):
        """A user who may do all, and a key of it."""
        self.iam.create_user(UserName=name)
        self.iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
        return self.iam.create_access_key(UserName=name)["AccessKey"]


class Keys(IamCase):

    def test_a_key_works_until_it_is_switched_off(self):
        key = self.worker("switched")
        sts, s3 = self.with_key("sts", key), self.with_key("s3", key)
        trail = self.with_key("cloudtrail", key)
        self.assertEqual(sts.get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:user/switched")
        s3.list_buckets()
        trail.list_trails()
        self.iam.update_access_key(UserName="switched", AccessKeyId=key["AccessKeyId"],
                                   Status="Inactive")
        self.fails("InvalidClientTokenId", sts.get_caller_identity,
                   "The security token included in the request is invalid.")
        self.fails("InvalidAccessKeyId", s3.list_buckets)
        self.fails("UnrecognizedClientException", trail.list_trails)
        self.iam.update_access_key(UserName="switched", AccessKeyId=key["AccessKeyId"],
                                   Status="Active")
        sts.get_caller_identity()
        self.iam.delete_access_key(UserName="switched", AccessKeyId=key["AccessKeyId"])
        self.fails("InvalidClientTokenId", sts.get_caller_identity)

    def test_the_wrong_secret(self):
        key = self.worker("mistaken")
        wrong = key | {"SecretAccessKey": "x" * 40}
        self.fails("SignatureDoesNotMatch", self.with_key("sts", wrong).get_caller_identity)

    def test_own_keys_of_a_user(self):
        key = self.worker("rotating")
        own = self.with_key("iam", key)
        second = own.create_access_key()["AccessKey"]
        self.assertEqual(second["UserName"], "rotating")
        self.fails("LimitExceeded", own.create_access_key,
                   "Cannot exceed quota for AccessKeysPerUser: 2")
        own.delete_access_key(AccessKeyId=key["AccessKeyId"])
        listed = self.with_key("iam", second).list_access_keys()["AccessKeyMetadata"]
        self.assertEqual([k["AccessKeyId"] for k in listed], [second["AccessKeyId"]])

    def test_without_policies_nothing_is_allowed(self):
        self.iam.create_user(UserName="nobody")
        key = self.iam.create_access_key(UserName="nobody")["AccessKey"]
        answer = self.fails("AccessDenied", self.with_key("iam", key).list_users)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 403)
        self.iam.attach_user_policy(UserName="nobody", PolicyArn=ADMINISTRATOR)
        self.with_key("iam", key).list_users()
        self.iam.detach_user_policy(UserName="nobody", PolicyArn=ADMINISTRATOR)
        self.fails("AccessDenied", self.with_key("iam", key).list_users)

    def test_last_used(self):
        key = self.worker("used")
        used = self.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        self.assertEqual(used["AccessKeyLastUsed"], {"ServiceName": "N/A", "Region": "N/A"})
        self.with_key("cloudtrail", key, "eu-south-1").list_trails()
        used = self.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        self.assertEqual(used["UserName"], "used")
        self.assertEqual(used["AccessKeyLastUsed"]["ServiceName"], "cloudtrail")
        self.assertEqual(used["AccessKeyLastUsed"]["Region"], "eu-south-1")
        self.assertLess(abs(used["AccessKeyLastUsed"]["LastUsedDate"].timestamp() - time.time()), 60)
        self.fails("AccessDenied", self.iam.get_access_key_last_used,
                   AccessKeyId="AKIAAAAAAAAAAAAAAAAA")

    def test_secrets_are_nowhere(self):
        key = self.worker("secretive")
        record = wait_until(lambda: [r for r in self.server.lookup("CreateAccessKey")
                                     if (r["requestParameters"] or {}).get("userName")
                                     == "secretive"])[0]
        shown = record["responseElements"]["accessKey"]
        self.assertEqual(shown["accessKeyId"], key["AccessKeyId"])
        self.assertEqual(shown["secretAccessKey"], "HIDDEN_DUE_TO_SECURITY_REASONS")
        self.assertNotIn(key["SecretAccessKey"], self.server.log())
        for file in self.server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(key["SecretAccessKey"].encode(), file.read_bytes(), file)


class Users(IamCase):

    def test_life(self):
        user = self.iam.create_user(UserName="Ann", Path="/a/", Tags=[
            {"Key": "Team", "Value": "audit"}])["User"]
        self.assertRegex(user["UserId"], "^AIDA[A-Z2-7]{17}$")
        self.assertEqual(user["Arn"], f"arn:aws:iam::{ACCOUNT}:user/a/Ann")
        self.iam.tag_user(UserName="Ann", Tags=[{"Key": "team", "Value": "ops"}])
        self.assertEqual(self.iam.list_user_tags(UserName="Ann")["Tags"],
                         [{"Key": "team", "Value": "ops"}])
        self.iam.untag_user(UserName="Ann", TagKeys=["TEAM"])
        self.iam.update_user(UserName="Ann", NewPath="/b/", NewUserName="Anna")
        found = self.iam.get_user(UserName="Anna")["User"]
        self.assertEqual((found["Path"], found["UserId"]), ("/b/", user["UserId"]))
        self.assertNotIn("Tags", found)
        self.fails("NoSuchEntity", self.iam.get_user, "The user with name Ann cannot be found.",
                   UserName="Ann")
        self.iam.delete_user(UserName="Anna")

    def test_records_are_of_us_east_1(self):
        self.server.client("iam", "eu-south-1").create_user(UserName="far")
        record = wait_until(lambda: [r for r in self.server.lookup("CreateUser") if
                                     r["requestParameters"].get("userName") == "far"])[0]
        self.assertEqual(record["awsRegion"], "us-east-1")
        self.assertEqual(record["eventSource"], "iam.amazonaws.com")
        self.assertEqual(record["responseElements"]["user"]["userName"], "far")
        self.assertEqual(self.server.lookup("CreateUser", "eu-south-1"), [])

    def test_pages(self):
        names = [f"page-{i:02}" for i in range(7)]
        for name in names:
            self.iam.create_user(UserName=name, Path="/pages/")
        pages = self.iam.get_paginator("list_users").paginate(
            PathPrefix="/pages/", PaginationConfig={"PageSize": 3})
        got = [[u["UserName"] for u in page["Users"]] for page in pages]
        self.assertEqual([len(page) for page in got], [3, 3, 1])
        self.assertEqual(sum(got, []), names)
        self.fails("ValidationError", self.iam.list_users, "Invalid Marker.", Marker="!")

    def test_the_administrator(self):
        self.assertEqual(self.iam.get_user()["User"]["UserName"], "administrator")
        attached = self.iam.list_attached_user_policies(UserName="administrator")
        self.assertEqual(attached["AttachedPolicies"],
                         [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}])


class Policies(IamCase):

    def test_versions(self):
        arn = self.iam.create_policy(PolicyName="versions", PolicyDocument=READ_TRAILS)["Policy"]["Arn"]
        for _ in range(4):
            self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ_TRAILS)
        self.fails("LimitExceeded", self.iam.create_policy_version, PolicyArn=arn,
                   PolicyDocument=READ_TRAILS)
        self.iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
        version = self.iam.get_policy_version(PolicyArn=arn, VersionId="v3")["PolicyVersion"]
        self.assertEqual(version["Document"], json.loads(READ_TRAILS))
        self.assertTrue(version["IsDefaultVersion"])
        self.fails("DeleteConflict", self.iam.delete_policy_version, PolicyArn=arn, VersionId="v3")
        for number in (1, 2, 4, 5):
            self.iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
        self.iam.delete_policy(PolicyArn=arn)
        self.fails("NoSuchEntity", self.iam.get_policy, f"Policy {arn} was not found.",
                   PolicyArn=arn)

    def test_inline(self):
        self.iam.create_user(UserName="inline")
        self.iam.put_user_policy(UserName="inline", PolicyName="p", PolicyDocument=READ_TRAILS)
        got = self.iam.get_user_policy(UserName="inline", PolicyName="p")
        self.assertEqual(got["PolicyDocument"], json.loads(READ_TRAILS))
        self.fails("MalformedPolicyDocument", self.iam.put_user_policy, UserName="inline",
                   PolicyName="p", PolicyDocument=TRUST)
        self.fails("DeleteConflict", self.iam.delete_user, UserName="inline")
        self.iam.delete_user_policy(UserName="inline", PolicyName="p")
        self.iam.delete_user(UserName="inline")

    def test_of_aws(self):
        pages = self.iam.get_paginator("list_policies").paginate(
            Scope="AWS", PaginationConfig={"PageSize": 2})
        arns = {p["Arn"] for page in pages for p in page["Policies"]}
        names = {arn.rsplit("/", 1)[1] for arn in arns}
        self.assertEqual(names, {"AWSCloudTrail_FullAccess", "AWSCloudTrail_ReadOnlyAccess",
                                 "AdministratorAccess", "IAMUserChangePassword", "ReadOnlyAccess",
                                 "SecurityAudit", "AWSOrganizationsServiceTrustPolicy",
                                 "CloudTrailEventContext", "CloudTrailServiceRolePolicy"})
        for arn in arns:
            policy = self.iam.get_policy(PolicyArn=arn)["Policy"]
            version = self.iam.get_policy_version(PolicyArn=policy["Arn"],
                                                  VersionId=policy["DefaultVersionId"])
            self.assertTrue(version["PolicyVersion"]["Document"]["Statement"])

    def test_boundary_and_users_of_a_policy(self):
        arn = self.iam.create_policy(PolicyName="bound", PolicyDocument=READ_TRAILS)["Policy"]["Arn"]
        self.iam.create_user(UserName="bounded", PermissionsBoundary=arn)
        self.iam.create_role(RoleName="bounded", AssumeRolePolicyDocument=TRUST)
        self.iam.attach_role_policy(RoleName="bounded", PolicyArn=arn)
        entities = self.iam.list_entities_for_policy(PolicyArn=arn)
        self.assertEqual([u["UserName"] for u in entities["PolicyUsers"]], ["bounded"])
        self.assertEqual([r["RoleName"] for r in entities["PolicyRoles"]], ["bounded"])
        self.fails("DeleteConflict", self.iam.delete_policy, PolicyArn=arn)
        self.iam.delete_user_permissions_boundary(UserName="bounded")
        self.iam.detach_role_policy(RoleName="bounded", PolicyArn=arn)
        self.iam.delete_policy(PolicyArn=arn)


class GroupsAndRoles(IamCase):

    def test_rights_of_a_group(self):
        self.iam.create_group(GroupName="admins")
        self.iam.attach_group_policy(GroupName="admins", PolicyArn=ADMINISTRATOR)
        self.iam.create_user(UserName="member")
        key = self.iam.create_access_key(UserName="member")["AccessKey"]
        own = self.with_key("iam", key)
        self.fails("AccessDenied", own.list_groups)
        self.iam.add_user_to_group(GroupName="admins", UserName="member")
        self.assertEqual([g["GroupName"] for g in own.list_groups()["Groups"]], ["admins"])
        self.assertEqual([u["UserName"] for u in own.get_group(GroupName="admins")["Users"]],
                         ["member"])
        self.iam.remove_user_from_group(GroupName="admins", UserName="member")
        self.fails("AccessDenied", own.list_groups)

    def test_role(self):
        role = self.iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST,
                                    Description="writes", MaxSessionDuration=7200)["Role"]
        self.assertRegex(role["RoleId"], "^AROA[A-Z2-7]{17}$")
        self.assertEqual(role["AssumeRolePolicyDocument"], json.loads(TRUST))
        self.fails("MalformedPolicyDocument", self.iam.update_assume_role_policy,
                   RoleName="delivery", PolicyDocument=READ_TRAILS)
        self.iam.update_assume_role_policy(RoleName="delivery", PolicyDocument=TRUST)
        self.iam.update_role(RoleName="delivery", Description="reads")
        found = self.iam.get_role(RoleName="delivery")["Role"]
        self.assertEqual((found["Description"], found["MaxSessionDuration"]), ("reads", 7200))
        self.assertEqual([r["RoleName"] for r in self.iam.list_roles()["Roles"]
                          if r["RoleName"] == "delivery"], ["delivery"])
        self.iam.delete_role(RoleName="delivery")

    def test_service_linked_role(self):
        role = self.iam.create_service_linked_role(AWSServiceName="cloudtrail.amazonaws.com")["Role"]
        self.assertEqual((role["Path"], role["RoleName"]),
                         ("/aws-service-role/cloudtrail.amazonaws.com/", "AWSServiceRoleForCloudTrail"))
        self.fails("UnmodifiableEntity", self.iam.delete_role, RoleName=role["RoleName"])
        self.fails("InvalidInput", self.iam.create_service_linked_role,
                   AWSServiceName="cloudtrail.amazonaws.com")
        out = self.server.aws("iam", "delete-service-linked-role", "--role-name", role["RoleName"])
        status = self.iam.get_service_linked_role_deletion_status(DeletionTaskId=out["DeletionTaskId"])
        self.assertEqual(status["Status"], "SUCCEEDED")
        self.fails("NoSuchEntity", self.iam.get_role, RoleName=role["RoleName"])

    def test_who_may_create_one(self):
        """As people write it: the action under the condition that names the service."""
        self.iam.create_user(UserName="linker")
        self.iam.put_user_policy(UserName="linker", PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "iam:CreateServiceLinkedRole",
                "Resource": "arn:aws:iam::*:role/aws-service-role/context.cloudtrail.amazonaws.com/"
                            "AWSServiceRoleForCloudTrailEventContext*",
                "Condition": {"StringLike": {"iam:AWSServiceName": "context.cloudtrail.amazonaws.com"}}}}))
        own = self.with_key("iam", self.iam.create_access_key(UserName="linker")["AccessKey"])
        self.fails("AccessDenied", own.create_service_linked_role,
                   AWSServiceName="cloudtrail.amazonaws.com")
        own.create_service_linked_role(AWSServiceName="context.cloudtrail.amazonaws.com")

    def test_tags_of_a_provider(self):
        arn = self.iam.create_open_id_connect_provider(
            Url="https://issuer.example/tags", ClientIDList=["sts"],
            ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
        self.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn,
                                              Tags=[{"Key": "team", "Value": "web"}, {"Key": "b", "Value": ""}])
        self.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["b"])
        tags = self.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
        self.assertEqual(tags, [{"Key": "team", "Value": "web"}])
        self.assertEqual(self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["Tags"], tags)
        self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)

    def test_account(self):
        self.iam.create_account_alias(AccountAlias="acme")
        self.assertEqual(self.iam.list_account_aliases()["AccountAliases"], ["acme"])
        self.iam.delete_account_alias(AccountAlias="acme")
        summary = self.iam.get_account_summary()["SummaryMap"]
        self.assertEqual(summary["AccountMFAEnabled"], 0)
        self.assertGreaterEqual(summary["Users"], 1)


class Cli(IamCase):

    def test_a_user_through_the_cli(self):
        self.server.aws("iam", "create-user", "--user-name", "cli", "--tags", "Key=a,Value=b")
        self.server.aws("iam", "put-user-policy", "--user-name", "cli", "--policy-name", "p",
                        "--policy-document", READ_TRAILS)
        got = self.server.aws("iam", "get-user-policy", "--user-name", "cli", "--policy-name", "p")
        self.assertEqual(got["PolicyDocument"], json.loads(READ_TRAILS))
        key = self.server.aws("iam", "create-access-key", "--user-name", "cli")["AccessKey"]
        listed = self.server.aws("iam", "list-access-keys", "--user-name", "cli")
        self.assertEqual(listed["AccessKeyMetadata"][0]["AccessKeyId"], key["AccessKeyId"])
        result = self.server.aws_raw("iam", "delete-user", "--user-name", "cli")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("An error occurred (DeleteConflict) when calling the DeleteUser operation",
                      result.stderr)
        self.assertIn(": Cannot delete entity, must delete access keys first.", result.stderr)


class Restart(IamCase):

    def test_what_was_made_stays(self):
        key = self.worker("lasting")
        self.with_key("s3", key).list_buckets()
        self.server.restart()
        iam = self.server.client("iam")
        used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        self.assertEqual(used["AccessKeyLastUsed"]["ServiceName"], "s3")
        self.with_key("sts", key).get_caller_identity()


if __name__ == "__main__":
    harness.main()
