"""IAM's policy simulators and the account's details with boto3 and the AWS CLI; the simulator's word
against what the server really does.

SPDX-License-Identifier: Apache-2.0
"""
import json

import botocore.exceptions

import harness
from harness import ACCOUNT, ServerCase

USER = f"arn:aws:iam::{ACCOUNT}:user/simulated"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["cloudtrail:Get*", "iam:ListUsers"], "Resource": "*"},
    {"Effect": "Deny", "Action": "cloudtrail:*", "Resource": f"{TRAIL}/closed"},
    {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*",
     "Condition": {"StringEquals": {"aws:username": "simulated"}}}]})


class Simulators(ServerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iam = cls.server.client("iam")
        cls.iam.create_user(UserName="simulated")
        cls.iam.put_user_policy(UserName="simulated", PolicyName="mixed", PolicyDocument=POLICY)
        cls.key = cls.iam.create_access_key(UserName="simulated")["AccessKey"]

    def really(self, service, call, **arguments):
        """Whether the server lets the user call, whatever else becomes of it."""
        client = self.server.client(service, key_id=self.key["AccessKeyId"],
                                    secret=self.key["SecretAccessKey"])
        try:
            getattr(client, call)(**arguments)
        except botocore.exceptions.ClientError as error:
            return not error.response["Error"]["Code"].startswith("AccessDenied")
        return True

    def simulated(self, action, resource="*"):
        result, = self.iam.simulate_principal_policy(
            PolicySourceArn=USER, ActionNames=[action], ResourceArns=[resource])["EvaluationResults"]
        return result["EvalDecision"]

    def test_the_simulator_says_what_happens(self):
        rows = [
            ("cloudtrail:GetTrail", f"{TRAIL}/open", "allowed", "cloudtrail", "get_trail",
             {"Name": "open"}),
            ("cloudtrail:GetTrail", f"{TRAIL}/closed", "explicitDeny", "cloudtrail", "get_trail",
             {"Name": "closed"}),
            ("cloudtrail:ListTrails", "*", "implicitDeny", "cloudtrail", "list_trails", {}),
            ("iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/", "allowed", "iam", "list_users", {}),
            ("iam:ListRoles", f"arn:aws:iam::{ACCOUNT}:role/", "implicitDeny", "iam", "list_roles",
             {}),
            ("s3:ListAllMyBuckets", "*", "allowed", "s3", "list_buckets", {}),
        ]
        for action, resource, decision, service, call, arguments in rows:
            self.assertEqual(self.simulated(action, resource), decision, (action, resource))
            self.assertEqual(self.really(service, call, **arguments), decision == "allowed",
                             (action, resource))

    def test_statements_and_pages(self):
        pages = self.iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=USER, ActionNames=["cloudtrail:GetTrail", "iam:ListUsers", "s3:GetObject"],
            PaginationConfig={"PageSize": 2})
        results = [r for page in pages for r in page["EvaluationResults"]]
        self.assertEqual([r["EvalDecision"] for r in results],
                         ["allowed", "allowed", "implicitDeny"])
        matched, = results[0]["MatchedStatements"]
        self.assertEqual((matched["SourcePolicyId"], matched["SourcePolicyType"]),
                         ("user_simulated_mixed", "IAM Policy"))
        start = matched["StartPosition"]
        self.assertEqual((start["Line"], POLICY[start["Column"] - 1]), (1, "{"))
        self.assertEqual(POLICY[matched["EndPosition"]["Column"] - 2], "}")
        self.assertEqual(results[0]["MissingContextValues"], [])
        result, = self.iam.simulate_custom_policy(
            PolicyInputList=[POLICY], ActionNames=["s3:ListAllMyBuckets"],
            PermissionsBoundaryPolicyInputList=[POLICY],
            ContextEntries=[{"ContextKeyName": "aws:username", "ContextKeyType": "string",
                             "ContextKeyValues": ["another"]}])["EvaluationResults"]
        self.assertEqual(result["EvalDecision"], "implicitDeny")
        self.assertEqual(result["PermissionsBoundaryDecisionDetail"],
                         {"AllowedByPermissionsBoundary": False})
        self.fails("NoSuchEntity", self.iam.simulate_principal_policy,
                   PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/nobody", ActionNames=["s3:GetObject"])
        self.fails("InvalidInput", self.iam.simulate_custom_policy, PolicyInputList=["{}"],
                   ActionNames=["s3:GetObject"])

    def test_context_keys(self):
        self.assertEqual(self.iam.get_context_keys_for_custom_policy(
            PolicyInputList=[POLICY])["ContextKeyNames"], ["aws:username"])
        self.assertEqual(self.iam.get_context_keys_for_principal_policy(
            PolicySourceArn=USER)["ContextKeyNames"], ["aws:username"])

    def test_account_details(self):
        self.iam.create_policy(PolicyName="unused", PolicyDocument=POLICY)
        pages = list(self.iam.get_paginator("get_account_authorization_details").paginate(
            PaginationConfig={"PageSize": 1}))
        self.assertGreater(len(pages), 2)
        users = [u for page in pages for u in page["UserDetailList"]]
        self.assertEqual([u["UserName"] for u in users], ["administrator", "simulated"])
        self.assertEqual(users[1]["UserPolicyList"],
                         [{"PolicyName": "mixed", "PolicyDocument": json.loads(POLICY)}])
        policies = {p["PolicyName"]: p for page in pages for p in page["Policies"]}
        self.assertEqual(set(policies), {"unused", "AdministratorAccess"})
        version, = policies["unused"]["PolicyVersionList"]
        self.assertEqual((version["Document"], version["IsDefaultVersion"]),
                         (json.loads(POLICY), True))

    def test_through_the_cli(self):
        answer = self.server.aws("iam", "simulate-principal-policy", "--policy-source-arn", USER,
                                 "--action-names", "iam:ListUsers", "--resource-arns",
                                 f"arn:aws:iam::{ACCOUNT}:user/")
        self.assertEqual(answer["EvaluationResults"][0]["EvalDecision"], "allowed")


if __name__ == "__main__":
    harness.main()
