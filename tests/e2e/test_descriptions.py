"""The operations' descriptions against botocore's published models: each drift is named.

SPDX-License-Identifier: Apache-2.0
"""
import json
import subprocess
import unittest

import botocore.session

import harness

# Where this server knowingly differs from the model of botocore, with the reason.
KNOWN = {
    # The model of the day may be younger than this server, or older; members named here may be absent
    # on one side.
    "cloudtrail.CreateTrail: input RecursiveLogging is not in the model",
    "cloudtrail.CreateTrail: output RecursiveLogging is not in the model",
    "cloudtrail.UpdateTrail: input RecursiveLogging is not in the model",
    "cloudtrail.UpdateTrail: output RecursiveLogging is not in the model",
    "cloudtrail.GetTrail: output Trail.RecursiveLogging is not in the model",
    "cloudtrail.DescribeTrails: output trailList[].RecursiveLogging is not in the model",
    # Contexts of IAM Identity Center are not of this server.
    "sts.AssumeRole: input ProvidedContexts is missing here",
    "sts.AssumeRoleWithWebIdentity: output TrustedIdentityPropagationContext is missing here",
    "iam.CreateOpenIDConnectProvider: input ContextProvider is missing here",
    "iam.CreateOpenIDConnectProvider: input IdentityCenterInstanceArn is missing here",
    "iam.GetOpenIDConnectProvider: output ContextProvider is missing here",
    "iam.GetOpenIDConnectProvider: output IdentityCenterInstanceArn is missing here",
    "iam.GetOpenIDConnectProvider: output IdentityStoreArn is missing here",
    "iam.ListOpenIDConnectProviders: output "
    "OpenIDConnectProviderList[].IsTrustedIdentityPropagationEnabled is missing here",
    # Sessions of sign-in and templates of roles are not of this server.
    "iam.CreateRole: input MaxSigninSessionDuration is missing here",
    "iam.UpdateRole: input MaxSigninSessionDuration is missing here",
    "iam.UpdateRole: input ResetMaxSigninSessionDuration is missing here",
    # Simulations are of the organization's policies as they are.
    "iam.SimulateCustomPolicy: input OrderedOrganizationPolicyInputList is missing here",
    "iam.SimulatePrincipalPolicy: input PolicyExclusionList is missing here",
} | {
    # Handshakes of this server nest no deeper.
    f"organizations.{operation}: output {handshake}.Resources[].Resources[].Resources is missing here"
    for operation, handshake in [
        (f"{verb}Handshake", "Handshake") for verb in ("Accept", "Cancel", "Decline", "Describe")] + [
        ("InviteAccountToOrganization", "Handshake"), ("ListHandshakesForAccount", "Handshakes[]"),
        ("ListHandshakesForOrganization", "Handshakes[]")]
} | {
    f"iam.{operation}: output {role}.{member} is missing here"
    for operation, role in (("CreateRole", "Role"), ("GetRole", "Role"), ("ListRoles", "Roles[]"),
                            ("UpdateRoleDescription", "Role"), ("CreateServiceLinkedRole", "Role"),
                            ("GetAccountAuthorizationDetails",
                             "RoleDetailList[].InstanceProfileList[].Roles[]"))
    for member in ("MaxSigninSessionDuration", "SourceRoleTemplate")
}
NUMBERS = {"integer", "long"}


def drifts_of_shape(ours, model, where):
    """Names each difference between a described shape and botocore's."""
    if model is None:
        if ours.get("members"):
            yield f"{where} is not in the model"
        return
    same = ours["type"] == model.type_name or {ours["type"], model.type_name} <= NUMBERS
    if not same:
        yield f"{where} is a {ours['type']}, the model says {model.type_name}"
        return
    if model.type_name == "string":
        if set(ours.get("enum", [])) - set(model.enum):
            yield f"{where} has values the model lacks: {sorted(set(ours['enum']) - set(model.enum))}"
        if ours.get("enum") and set(model.enum) - set(ours["enum"]):
            yield f"{where} lacks values: {sorted(set(model.enum) - set(ours['enum']))}"
    if model.type_name == "list":
        yield from drifts_of_shape(ours["member"], model.member, f"{where}[]")
    if model.type_name == "structure":
        names = set(ours["members"])
        for name in sorted(names - set(model.members)):
            yield f"{where}{sep(where)}{name} is not in the model"
        for name in sorted(set(model.members) - names):
            yield f"{where}{sep(where)}{name} is missing here"
        for name in sorted(names & set(model.members)):
            yield from drifts_of_shape(ours["members"][name], model.members[name],
                                       f"{where}{sep(where)}{name}")
        if set(ours["required"]) != set(model.required_members):
            yield f"{where} requires {sorted(ours['required'])}, the model {sorted(model.required_members)}"


def sep(where):
    return " " if where.endswith(("input", "output")) else "."


class Descriptions(unittest.TestCase):
    def test_no_drift_from_the_models(self):
        out = subprocess.run([str(harness.binary), "operations", "--output", "json"], check=True,
                             capture_output=True, text=True).stdout
        session = botocore.session.get_session()
        found, compared = set(), 0
        for operation in json.loads(out):
            if operation["service"] == "traccia":
                continue  # our own
            model = session.get_service_model(operation["service"])
            where = f"{operation['service']}.{operation['name']}"
            if operation["name"] not in model.operation_names:
                found.add(f"{where}: not in the model")
                continue
            theirs = model.operation_model(operation["name"])
            found.update(drifts_of_shape(operation["input"], theirs.input_shape, f"{where}: input"))
            found.update(drifts_of_shape(operation["output"], theirs.output_shape, f"{where}: output"))
            errors = {shape.name for shape in theirs.error_shapes}
            found.update(f"{where}: error {name} is not in the model"
                         for name in set(operation["errors"]) - errors)
            if operation["apiVersion"] != model.api_version:
                found.add(f"{where}: version {operation['apiVersion']}, the model {model.api_version}")
            compared += 1
        self.assertGreater(compared, 15)
        self.assertEqual(sorted(found - KNOWN), [])


if __name__ == "__main__":
    harness.main()
