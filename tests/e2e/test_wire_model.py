"""What the server takes and answers on the wire against botocore's published models.

Told from outside, while test_descriptions.py reads the descriptions themselves: for every input
member of the model, however deep, a value of the wrong type must be refused as such (an unknown
member would be ignored), the required members must be exactly the model's, and no answer may hold a
member that the model does not have. What the server takes beyond the model cannot be seen this way.

SPDX-License-Identifier: Apache-2.0
"""
import json
import unittest

import botocore.session

import harness
from harness import ServerCase

CLOUDTRAIL = {
    "AddTags", "CreateTrail", "DeleteTrail", "DescribeTrails", "GetEventSelectors", "GetTrail",
    "GetTrailStatus", "ListPublicKeys", "ListTags", "ListTrails", "LookupEvents",
    "PutEventSelectors", "RemoveTags", "StartLogging", "StopLogging", "UpdateTrail"}
ORGANIZATIONS = {
    "AcceptHandshake", "AttachPolicy", "CancelHandshake", "CloseAccount", "CreateAccount",
    "CreateOrganization", "CreateOrganizationalUnit", "CreatePolicy", "DeclineHandshake",
    "DeleteOrganization", "DeleteOrganizationalUnit", "DeletePolicy",
    "DeregisterDelegatedAdministrator", "DescribeAccount", "DescribeCreateAccountStatus",
    "DescribeHandshake", "DescribeOrganization", "DescribeOrganizationalUnit", "DescribePolicy",
    "DetachPolicy", "DisableAWSServiceAccess", "DisablePolicyType", "EnableAWSServiceAccess",
    "EnablePolicyType", "InviteAccountToOrganization", "LeaveOrganization",
    "ListAWSServiceAccessForOrganization", "ListAccounts", "ListAccountsForParent", "ListChildren",
    "ListCreateAccountStatus", "ListDelegatedAdministrators", "ListDelegatedServicesForAccount",
    "ListHandshakesForAccount", "ListHandshakesForOrganization",
    "ListOrganizationalUnitsForParent", "ListParents", "ListPolicies", "ListPoliciesForTarget",
    "ListRoots", "ListTagsForResource", "ListTargetsForPolicy", "MoveAccount",
    "RegisterDelegatedAdministrator", "RemoveAccountFromOrganization", "TagResource",
    "UntagResource", "UpdateOrganizationalUnit", "UpdatePolicy"}
WRONG = {"string": 7, "list": "x", "structure": "x", "boolean": "x", "integer": "x", "long": "x",
         "timestamp": "x", "blob": 7}


def wrong_inputs(shape, path=""):
    """(path, value for the shape) pairs: one member at a time is of the wrong type."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            where = f"{path}.{name}" if path else name
            yield where, {name: WRONG[member.type_name]}
            for deeper, value in wrong_inputs(member, where):
                yield deeper, {name: value}
    elif shape.type_name == "list":
        yield f"{path}[]", [WRONG[shape.member.type_name]]
        for deeper, value in wrong_inputs(shape.member, f"{path}[]"):
            yield deeper, [value]


def surplus(value, shape, path):
    """Members of an answer that the model lacks, and members of another type."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in value.items():
            where = f"{path}.{name}"
            if name in shape.members:
                yield from surplus(member, shape.members[name], where)
            else:
                yield f"{where} is not in the model"
        for name in shape.required_members:
            if name not in value:
                yield f"{path}.{name} is required by the model and missing"
    elif shape.type_name == "list" and isinstance(value, list):
        for one in value:
            yield from surplus(one, shape.member, f"{path}[]")
    else:
        kinds = {"string": str, "boolean": bool, "integer": int, "long": int,
                 "timestamp": (int, float), "blob": str}
        if not isinstance(value, kinds.get(shape.type_name, ())):
            yield f"{path} is a {type(value).__name__}, the model says {shape.type_name}"


class Wire(ServerCase):
    """Calls of one service as they are."""

    service = target = None
    implemented = set()
    members_min = 0

    @classmethod
    def setUpClass(cls):
        if cls.service is None:
            raise unittest.SkipTest("for derived classes")
        super().setUpClass()
        cls.model = botocore.session.get_session().get_service_model(cls.service)

    def call(self, operation, body):
        return self.server.signed(
            "POST", "/", json.dumps(body).encode(), service=self.service,
            headers={"Content-Type": "application/x-amz-json-1.1",
                     "X-Amz-Target": f"{self.target}.{operation}"})

    def error(self, operation, body):
        answer = self.call(operation, body)
        return answer.json().get("__type") if answer.status != 200 else None

    def input_of(self, operation):
        return self.model.operation_model(operation).input_shape

    def test_operations(self):
        known = {name for name in self.model.operation_names
                 if self.error(name, {}) != "UnknownOperationException"}
        self.assertEqual(known, self.implemented)

    def test_input_members_and_their_types(self):
        drift, count = [], 0
        for operation in sorted(self.implemented):
            if self.input_of(operation) is None:
                continue
            for path, value in wrong_inputs(self.input_of(operation)):
                count += 1
                error = self.error(operation, value)
                if error != "SerializationException":
                    drift.append(f"{operation} {path}: {error}")
        self.assertGreater(count, self.members_min)
        self.assertEqual(drift, [])

    def test_required_members(self):
        for operation in sorted(self.implemented):
            shape = self.input_of(operation)
            required = shape.required_members if shape else []
            answer = self.call(operation, {})
            with self.subTest(operation=operation):
                if not required:
                    self.assertNotIn(answer.json().get("__type"),
                                     ("ValidationException", "SerializationException"))
                    continue
                self.assertEqual(answer.json()["__type"], "ValidationException")
                message = answer.json()["message"]
                self.assertEqual(message.count("Member must not be null"), len(required), message)
                for name in required:
                    self.assertIn(f"'{name[0].lower()}{name[1:]}'", message)

    def check_story(self, story):
        """Every answer has the model's members; steps may be functions of the answers so far."""
        self.assertEqual({operation for operation, _ in story}, self.implemented)
        drift, answers = [], {}
        for operation, body in story:
            answer = self.call(operation, body(answers) if callable(body) else body)
            self.assertEqual(answer.status, 200, (operation, answer))
            answers[operation] = answer.json()
            shape = self.model.operation_model(operation).output_shape
            if shape is not None:
                drift += surplus(answer.json(), shape, operation)
        self.assertEqual(drift, [])


class WireModel(Wire):

    service, target = "cloudtrail", "CloudTrail_20131101"
    implemented, members_min = CLOUDTRAIL, 80

    def test_answers(self):
        self.server.trail_bucket("drift-logs", "drift", prefix="p")
        arn = f"arn:aws:cloudtrail:us-east-1:{harness.ACCOUNT}:trail/drift"
        tags = [{"Key": "k", "Value": "v"}]
        name, trail_name = {"Name": "drift"}, {"TrailName": "drift"}
        story = [
            ("CreateTrail", {**name, "S3BucketName": "drift-logs", "S3KeyPrefix": "p",
                             "EnableLogFileValidation": True, "TagsList": tags}),
            ("PutEventSelectors", {**trail_name, "EventSelectors": [{"DataResources": [
                {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]}),
            ("GetEventSelectors", trail_name),
            ("StartLogging", name),
            ("UpdateTrail", {**name, "IsMultiRegionTrail": True}),
            ("GetTrail", name),
            ("DescribeTrails", {}),
            ("ListTrails", {}),
            ("AddTags", {"ResourceId": arn, "TagsList": [{"Key": "l"}]}),
            ("ListTags", {"ResourceIdList": [arn]}),
            ("RemoveTags", {"ResourceId": arn, "TagsList": [{"Key": "l"}]}),
            ("ListPublicKeys", {}),
            ("LookupEvents", {"MaxResults": 5}),
            ("GetTrailStatus", name),
            ("StopLogging", name),
            ("GetTrailStatus", name),
            ("DeleteTrail", name)]
        self.check_story(story)

    def test_errors_are_those_of_the_model(self):
        """What an operation may say, beside the errors that every one shares."""
        self.server.trail_bucket("error-logs", "errors")
        self.trail.create_trail(Name="errors", S3BucketName="error-logs")
        bad_arn, arn = "arn:aws:cloudtrail:x", \
            f"arn:aws:cloudtrail:us-east-1:{harness.ACCOUNT}:trail/nobody"
        calls = [(operation, {member: value})
                 for operation, member in [(o, "Name") for o in (
                     "GetTrail", "GetTrailStatus", "StartLogging", "StopLogging", "DeleteTrail",
                     "UpdateTrail")] + [(o, "TrailName") for o in (
                         "GetEventSelectors", "PutEventSelectors")]
                 for value in ("nobody", "a..b", bad_arn)]
        calls += [(operation, {"ResourceId": value, "TagsList": [{"Key": "k"}]})
                  for operation in ("AddTags", "RemoveTags") for value in (arn, bad_arn)]
        calls += [("ListTags", {"ResourceIdList": [value]}) for value in (arn, bad_arn)]
        calls += [("CreateTrail", {"Name": "errors", "S3BucketName": "error-logs"}),
                  ("CreateTrail", {"Name": "e", "S3BucketName": "error-logs"}),
                  ("CreateTrail", {"Name": "new", "S3BucketName": "B!"}),
                  ("CreateTrail", {"Name": "new", "S3BucketName": "no-such-logs"}),
                  ("PutEventSelectors", {"TrailName": "errors", "EventSelectors": []}),
                  ("DescribeTrails", {"trailNameList": ["a..b"]}),
                  ("LookupEvents", {"MaxResults": 51}),
                  ("LookupEvents", {"EventCategory": "other"}),
                  ("LookupEvents", {"NextToken": "x"}),
                  ("LookupEvents", {"StartTime": 2, "EndTime": 1}),
                  ("ListPublicKeys", {"StartTime": 2, "EndTime": 1}),
                  ("ListTrails", {"NextToken": "x"}), ("ListPublicKeys", {"NextToken": "x"})]
        drift = []
        for operation, body in calls:
            error = self.error(operation, body)
            allowed = {e.name for e in self.model.operation_model(operation).error_shapes}
            if error not in allowed | {"ValidationException"} and not (
                    operation in ("DescribeTrails", "ListTrails") and error is None):
                drift.append(f"{operation} {body}: {error}")
        self.assertEqual(drift, [])


class OrganizationsWireModel(Wire):

    service, target = "organizations", "AWSOrganizationsV20161128"
    implemented, members_min = ORGANIZATIONS, 80

    def test_answers(self):
        guest = self.server.account("guest")["AccountId"]
        other = self.server.account("other")
        scp = "SERVICE_CONTROL_POLICY"
        content = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"}]})
        service = {"ServicePrincipal": "cloudtrail.amazonaws.com"}
        tags = {"Tags": [{"Key": "k", "Value": "v"}]}

        def root(answers):
            return answers["ListRoots"]["Roots"][0]["Id"]

        def account(answers):
            return answers["DescribeCreateAccountStatus"]["CreateAccountStatus"]["AccountId"]

        def unit(answers):
            return answers["CreateOrganizationalUnit"]["OrganizationalUnit"]["Id"]

        def policy(answers):
            return answers["CreatePolicy"]["Policy"]["PolicySummary"]["Id"]

        def attachment(answers):
            return {"PolicyId": policy(answers), "TargetId": unit(answers)}

        def of_unit(answers):
            return {"OrganizationalUnitId": unit(answers)}

        def of_account(answers):
            return {"AccountId": account(answers)}

        def handshake(answers):
            return {"HandshakeId": answers["InviteAccountToOrganization"]["Handshake"]["Id"]}

        def accept_as_guest(answers):
            # The other account joins, and leaves again, by itself.
            client = self.server.client_of(other, "organizations")
            invited = self.call("InviteAccountToOrganization", {
                "Target": {"Id": other["AccountId"], "Type": "ACCOUNT"}}).json()["Handshake"]
            client.accept_handshake(HandshakeId=invited["Id"])
            client.leave_organization()
            return {}

        story = [
            ("CreateOrganization", {"FeatureSet": "ALL"}),
            ("DescribeOrganization", {}),
            ("ListRoots", {}),
            ("CreateAccount", {"Email": "wire@accounts.example", "AccountName": "wire"}),
            ("DescribeCreateAccountStatus", lambda a: {
                "CreateAccountRequestId": a["CreateAccount"]["CreateAccountStatus"]["Id"]}),
            ("ListCreateAccountStatus", {}),
            ("ListAccounts", accept_as_guest),
            ("DescribeAccount", of_account),
            ("CreateOrganizationalUnit", lambda a: {"ParentId": root(a), "Name": "u", **tags}),
            ("DescribeOrganizationalUnit", of_unit),
            ("UpdateOrganizationalUnit", lambda a: {**of_unit(a), "Name": "v"}),
            ("MoveAccount", lambda a: {"AccountId": account(a), "SourceParentId": root(a),
                                       "DestinationParentId": unit(a)}),
            ("ListAccountsForParent", lambda a: {"ParentId": unit(a)}),
            ("ListOrganizationalUnitsForParent", lambda a: {"ParentId": root(a)}),
            ("ListParents", lambda a: {"ChildId": unit(a)}),
            ("ListChildren", lambda a: {"ParentId": unit(a), "ChildType": "ACCOUNT"}),
            ("CreatePolicy", {"Name": "p", "Description": "d", "Type": scp, "Content": content}),
            ("DescribePolicy", lambda a: {"PolicyId": policy(a)}),
            ("UpdatePolicy", lambda a: {"PolicyId": policy(a), "Description": "e"}),
            ("EnablePolicyType", lambda a: {"RootId": root(a), "PolicyType": scp}),
            ("AttachPolicy", attachment),
            ("ListPolicies", {"Filter": scp}),
            ("ListPoliciesForTarget", lambda a: {"TargetId": unit(a), "Filter": scp}),
            ("ListTargetsForPolicy", lambda a: {"PolicyId": policy(a)}),
            ("DetachPolicy", attachment),
            ("DisablePolicyType", lambda a: {"RootId": root(a), "PolicyType": scp}),
            ("DeletePolicy", lambda a: {"PolicyId": policy(a)}),
            ("EnableAWSServiceAccess", service),
            ("ListAWSServiceAccessForOrganization", {}),
            ("RegisterDelegatedAdministrator", lambda a: {**of_account(a), **service}),
            ("ListDelegatedAdministrators", {}),
            ("ListDelegatedServicesForAccount", of_account),
            ("DeregisterDelegatedAdministrator", lambda a: {**of_account(a), **service}),
            ("DisableAWSServiceAccess", service),
            ("TagResource", lambda a: {"ResourceId": root(a), **tags}),
            ("ListTagsForResource", lambda a: {"ResourceId": root(a)}),
            ("UntagResource", lambda a: {"ResourceId": root(a), "TagKeys": ["k"]}),
            ("InviteAccountToOrganization", {"Target": {"Id": guest, "Type": "ACCOUNT"},
                                             "Notes": "n"}),
            ("DescribeHandshake", handshake),
            ("ListHandshakesForOrganization", {}),
            ("ListHandshakesForAccount", {}),
            ("CancelHandshake", handshake),
            ("CloseAccount", of_account),
            ("RemoveAccountFromOrganization", of_account),
            ("DeleteOrganizationalUnit", of_unit),
            ("DeleteOrganization", {})]
        # These are an invited account's: accept_as_guest() has them.
        self.implemented = ORGANIZATIONS - {"AcceptHandshake", "DeclineHandshake",
                                            "LeaveOrganization"}
        self.check_story(story)


if __name__ == "__main__":
    harness.main()
