// IAM's operations through execute(): answers, errors, pages, and the events they leave.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/test_iam.h"

namespace traccia::api {
namespace {

constexpr std::string_view kReadTrails =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
    R"("Action":"cloudtrail:Get*","Resource":"*"}]})";
constexpr std::string_view kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
    R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]})";

TEST_F(IamTest, UsersComeAndGo) {
  const auto made =
      get("CreateUser", {{"UserName", "Bob"},
                         {"Path", "/team/"},
                         {"Tags", json::Array{json::Object{{"Key", "Team"}, {"Value", "a"}}}}});
  const auto& user = made.at("User").as_object();
  EXPECT_EQ(user.at("Arn"), "arn:aws:iam::111122223333:user/team/Bob");
  EXPECT_EQ(user.at("Tags").as_array().size(), 1U);
  EXPECT_EQ(error("CreateUser", {{"UserName", "bob"}}),
            "409 EntityAlreadyExists: User with name bob already exists.");
  EXPECT_EQ(error("CreateUser", {{"UserName", "a b"}}),
            "400 ValidationError: The specified value for userName is invalid. It must contain "
            "only alphanumeric characters and/or the following: +=,.@_-");
  EXPECT_EQ(error("CreateUser", {{"UserName", "c"}, {"Path", "x"}}),
            "400 ValidationError: The specified value for path is invalid. It must begin and end "
            "with / and contain only alphanumeric characters and/or / characters.");
  EXPECT_EQ(get("GetUser", {}).at("User").at("UserName"), "administrator");
  EXPECT_EQ(error("UpdateUser", {{"UserName", "Bob"}, {"NewUserName", "Rob"}}), "");
  EXPECT_EQ(error("DeleteUser", {{"UserName", "Bob"}}),
            "404 NoSuchEntity: The user with name Bob cannot be found.");
  EXPECT_EQ(error("DeleteUser", {{"UserName", "Rob"}}), "");
}

TEST_F(IamTest, EventsAreOfUsEast1AndNameWhatWasAsked) {
  (void)get("CreateUser", {{"UserName", "Bob"}});
  const auto event = last_event();
  EXPECT_EQ(event.at("eventSource"), "iam.amazonaws.com");
  EXPECT_EQ(event.at("eventName"), "CreateUser");
  EXPECT_EQ(event.at("awsRegion"), "us-east-1");
  EXPECT_EQ(event.at("apiVersion"), "2010-05-08");
  EXPECT_EQ(event.at("readOnly"), false);
  EXPECT_EQ(event.at("requestParameters").at("userName"), "Bob");
  EXPECT_EQ(event.at("responseElements").at("user").at("userName"), "Bob");
  EXPECT_NE(error("CreateUser", {{"UserName", "Bob"}}), "");
  EXPECT_EQ(last_event().at("errorCode"), "EntityAlreadyExistsException");
  EXPECT_NE(error("CreateUser", {{"UserName", "a b"}}), "");
  EXPECT_EQ(last_event().at("errorCode"), "ValidationException");
}

TEST_F(IamTest, SecretsAreInNoEvent) {
  (void)get("CreateUser", {{"UserName", "Bob"}});
  const auto made = get("CreateAccessKey", {{"UserName", "Bob"}});
  const auto& key = made.at("AccessKey").as_object();
  const std::string secret(key.at("SecretAccessKey").as_string());
  EXPECT_EQ(secret.size(), 40U);
  EXPECT_EQ(key.at("Status"), "Active");
  for (const auto& event : events()) {
    EXPECT_EQ(json::serialize(event).find(secret), std::string::npos);
  }
  const auto event = last_event();
  const auto& shown = event.at("responseElements").at("accessKey");
  EXPECT_EQ(shown.at("accessKeyId"), key.at("AccessKeyId"));
  EXPECT_EQ(shown.at("secretAccessKey"), json::Value(aws::kHidden));
}

TEST_F(IamTest, KeysTwoAUser) {
  (void)get("CreateUser", {{"UserName", "Bob"}});
  const auto first = get("CreateAccessKey", {{"UserName", "Bob"}});
  const auto id = first.at("AccessKey").at("AccessKeyId").as_string();
  (void)get("CreateAccessKey", {{"UserName", "Bob"}});
  EXPECT_EQ(error("CreateAccessKey", {{"UserName", "Bob"}}),
            "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
  EXPECT_EQ(error("DeleteUser", {{"UserName", "Bob"}}),
            "409 DeleteConflict: Cannot delete entity, must delete access keys first.");
  EXPECT_EQ(error("UpdateAccessKey", {{"AccessKeyId", id}, {"Status", "Inactive"}}),
            fmt::format("404 NoSuchEntity: The Access Key with id {} cannot be found.",
                        std::string_view(id)))
      << "another user's";
  EXPECT_EQ(
      error("UpdateAccessKey", {{"UserName", "Bob"}, {"AccessKeyId", id}, {"Status", "Inactive"}}),
      "");
  const auto listed = get("ListAccessKeys", {{"UserName", "Bob"}, {"MaxItems", 1}});
  EXPECT_EQ(listed.at("AccessKeyMetadata").as_array().size(), 1U);
  EXPECT_EQ(listed.at("IsTruncated"), true);
  const auto rest = get("ListAccessKeys", {{"UserName", "Bob"}, {"Marker", listed.at("Marker")}});
  EXPECT_EQ(rest.at("AccessKeyMetadata").as_array().size(), 1U);
  EXPECT_FALSE(rest.contains("Marker"));
  EXPECT_EQ(
      get("GetAccessKeyLastUsed", {{"AccessKeyId", id}}).at("AccessKeyLastUsed").at("ServiceName"),
      "N/A");
  EXPECT_TRUE(error("GetAccessKeyLastUsed", {{"AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}})
                  .starts_with("403 AccessDenied: User: "));
}

TEST_F(IamTest, MarkersThatWereNotGivenOutAreRefused) {
  EXPECT_EQ(error("ListUsers", {{"Marker", "xyz"}}), "400 ValidationError: Invalid Marker.");
  EXPECT_EQ(error("ListUsers", {{"Marker", "eHl6"}}), "400 ValidationError: Invalid Marker.");
  EXPECT_TRUE(error("ListUsers", {{"MaxItems", 1001}}).starts_with("400 ValidationError: 1 "));
}

TEST_F(IamTest, InlinePoliciesOfAllKinds) {
  (void)get("CreateUser", {{"UserName", "x"}});
  (void)get("CreateGroup", {{"GroupName", "x"}});
  (void)get("CreateRole", {{"RoleName", "x"}, {"AssumeRolePolicyDocument", kTrust}});
  for (const std::string kind : {"User", "Group", "Role"}) {
    const auto member = kind + "Name";
    const json::Object named{{member, "x"}, {"PolicyName", "p"}};
    auto put = named;
    put["PolicyDocument"] = kReadTrails;
    EXPECT_EQ(error("Put" + kind + "Policy", put), "");
    EXPECT_EQ(last_event().at("requestParameters").at("policyDocument"), json::Value(kReadTrails));
    const auto got = get("Get" + kind + "Policy", named);
    EXPECT_TRUE(got.at("PolicyDocument").as_string().starts_with("%7B%22Version%22%3A"));
    EXPECT_EQ(got.at(member), "x");
    put["PolicyDocument"] = "{}";
    EXPECT_TRUE(error("Put" + kind + "Policy", put).starts_with("400 MalformedPolicyDocument: "));
    EXPECT_EQ(last_event().at("errorCode"), "MalformedPolicyDocumentException");
    const auto listed = get("List" + kind + "Policies", {{member, "x"}});
    EXPECT_EQ(listed.at("PolicyNames"), (json::Array{"p"}));
    EXPECT_EQ(error("Delete" + kind, {{member, "x"}}),
              "409 DeleteConflict: Cannot delete entity, must delete policies first.");
    EXPECT_EQ(error("Delete" + kind + "Policy", named), "");
    EXPECT_TRUE(error("Delete" + kind + "Policy", named).starts_with("404 NoSuchEntity: The "));
    EXPECT_EQ(error("Delete" + kind, {{member, "x"}}), "");
  }
}

TEST_F(IamTest, ManagedPoliciesAndTheirVersions) {
  const auto made =
      get("CreatePolicy",
          {{"PolicyName", "p"}, {"PolicyDocument", kReadTrails}, {"Description", "reads trails"}});
  const auto arn = made.at("Policy").at("Arn");
  EXPECT_EQ(arn, "arn:aws:iam::111122223333:policy/p");
  EXPECT_EQ(get("CreatePolicyVersion",
                {{"PolicyArn", arn}, {"PolicyDocument", kReadTrails}, {"SetAsDefault", true}})
                .at("PolicyVersion")
                .at("VersionId"),
            "v2");
  const auto first = get("ListPolicyVersions", {{"PolicyArn", arn}, {"MaxItems", 1}});
  EXPECT_EQ(first.at("Versions").as_array()[0].at("VersionId"), "v2");
  const auto second =
      get("ListPolicyVersions", {{"PolicyArn", arn}, {"Marker", first.at("Marker")}});
  EXPECT_EQ(second.at("Versions").as_array()[0].at("VersionId"), "v1");
  EXPECT_EQ(second.at("IsTruncated"), false);
  EXPECT_EQ(error("SetDefaultPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v1"}}), "");
  EXPECT_EQ(error("DeletePolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v1"}}),
            "409 DeleteConflict: Cannot delete the default version of a policy.");
  EXPECT_TRUE(error("GetPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "1"}})
                  .starts_with("400 ValidationError: 1 validation error detected: "));
  const auto policy = get("GetPolicy", {{"PolicyArn", arn}}).at("Policy").as_object();
  EXPECT_EQ(policy.at("Description"), "reads trails");
  EXPECT_EQ(policy.at("DefaultVersionId"), "v1");
  EXPECT_EQ(error("DeletePolicy", {{"PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"}}),
            "403 AccessDenied: Policy arn:aws:iam::aws:policy/ReadOnlyAccess is managed by AWS "
            "and cannot be changed.");
  EXPECT_EQ(error("DeletePolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v2"}}), "");
  EXPECT_EQ(error("DeletePolicy", {{"PolicyArn", arn}}), "");
}

TEST_F(IamTest, PoliciesAreAttachedAndBound) {
  (void)get("CreateUser", {{"UserName", "x"}});
  const json::Object attachment{{"UserName", "x"},
                                {"PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"}};
  EXPECT_EQ(error("AttachUserPolicy", attachment), "");
  EXPECT_EQ(
      error("PutUserPermissionsBoundary",
            {{"UserName", "x"}, {"PermissionsBoundary", "arn:aws:iam::aws:policy/SecurityAudit"}}),
      "");
  const auto user = get("GetUser", {{"UserName", "x"}}).at("User").as_object();
  EXPECT_EQ(user.at("PermissionsBoundary").at("PermissionsBoundaryArn"),
            "arn:aws:iam::aws:policy/SecurityAudit");
  EXPECT_EQ(error("DeleteUserPermissionsBoundary", {{"UserName", "x"}}), "");
  EXPECT_FALSE(
      get("GetUser", {{"UserName", "x"}}).at("User").as_object().contains("PermissionsBoundary"));
  const auto users =
      get("ListEntitiesForPolicy", {{"PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"}});
  EXPECT_EQ(users.at("PolicyUsers").as_array()[0].at("UserName"), "x");
  EXPECT_EQ(error("DeleteUser", {{"UserName", "x"}}),
            "409 DeleteConflict: Cannot delete entity, must detach all policies first.");
  EXPECT_EQ(error("DetachUserPolicy", attachment), "");
  EXPECT_EQ(error("DetachUserPolicy", attachment),
            "404 NoSuchEntity: Policy arn:aws:iam::aws:policy/ReadOnlyAccess was not found.");
}

TEST_F(IamTest, RolesAndGroups) {
  const auto role = get("CreateRole", {{"RoleName", "r"}, {"AssumeRolePolicyDocument", kTrust}});
  EXPECT_EQ(role.at("Role").at("MaxSessionDuration"), 3600);
  EXPECT_TRUE(error("CreateRole", {{"RoleName", "s"}, {"AssumeRolePolicyDocument", kReadTrails}})
                  .starts_with("400 MalformedPolicyDocument: "));
  EXPECT_EQ(error("UpdateRole", {{"RoleName", "r"}, {"MaxSessionDuration", 7200}}), "");
  EXPECT_EQ(get("UpdateRoleDescription", {{"RoleName", "r"}, {"Description", "d"}})
                .at("Role")
                .at("MaxSessionDuration"),
            7200);
  (void)get("CreateGroup", {{"GroupName", "g"}});
  EXPECT_EQ(error("AddUserToGroup", {{"GroupName", "g"}, {"UserName", "administrator"}}), "");
  EXPECT_EQ(get("GetGroup", {{"GroupName", "g"}}).at("Users").as_array().size(), 1U);
  EXPECT_EQ(get("ListGroupsForUser", {{"UserName", "administrator"}})
                .at("Groups")
                .as_array()[0]
                .at("GroupName"),
            "g");
  EXPECT_EQ(error("DeleteGroup", {{"GroupName", "g"}}),
            "409 DeleteConflict: Cannot delete entity, must remove users from group first.");
}

TEST_F(IamTest, TheAccountHasOneAlias) {
  EXPECT_EQ(error("CreateAccountAlias", {{"AccountAlias", "acme"}}), "");
  EXPECT_EQ(error("CreateAccountAlias", {{"AccountAlias", "acme-two"}}), "");
  EXPECT_TRUE(
      error("CreateAccountAlias", {{"AccountAlias", "a--b"}}).starts_with("400 ValidationError"));
  EXPECT_EQ(get("ListAccountAliases", {}).at("AccountAliases"), (json::Array{"acme-two"}));
  EXPECT_EQ(error("DeleteAccountAlias", {{"AccountAlias", "acme"}}),
            "404 NoSuchEntity: The account alias acme cannot be found.");
  EXPECT_EQ(error("DeleteAccountAlias", {{"AccountAlias", "acme-two"}}), "");
  const auto map = get("GetAccountSummary", {}).at("SummaryMap").as_object();
  EXPECT_EQ(map.at("Users"), 1);
  EXPECT_EQ(map.at("AccessKeysPerUserQuota"), 2);
}

// Denied, granted, limited by a boundary, and denied again; a denial is recorded.
TEST_F(IamTest, WhatIsAttachedDecides) {
  constexpr std::string_view kList =
      R"({"Version":"2012-10-17",)"
      R"("Statement":{"Effect":"Allow","Action":"iam:List*","Resource":"*"}})";
  (void)get("CreateUser", {{"UserName", "Bob"}});
  const auto made = get("CreateAccessKey", {{"UserName", "Bob"}});
  const std::string id(made.at("AccessKey").at("AccessKeyId").as_string());
  const auto administrator = caller_;
  auto bob = caller_;
  ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, id));
    bob.principal = key->principal;
    return {};
  }));
  const auto as_bob = [&] {
    caller_ = bob;
    const auto said = error("ListUsers", {});
    caller_ = administrator;
    return said;
  };
  EXPECT_EQ(as_bob(),
            "403 AccessDenied: User: arn:aws:iam::111122223333:user/Bob is not authorized to "
            "perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no "
            "identity-based policy allows the iam:ListUsers action");
  EXPECT_EQ(last_event().at("errorCode"), "AccessDenied");
  EXPECT_EQ(last_event().at("awsRegion"), "us-east-1");
  (void)get("PutUserPolicy",
            {{"UserName", "Bob"}, {"PolicyName", "list"}, {"PolicyDocument", kList}});
  EXPECT_EQ(as_bob(), "");
  (void)get("PutUserPermissionsBoundary",
            {{"UserName", "Bob"},
             {"PermissionsBoundary", "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}});
  EXPECT_NE(as_bob().find("because no permissions boundary allows the iam:ListUsers action"),
            std::string::npos);
  (void)get("DeleteUserPermissionsBoundary", {{"UserName", "Bob"}});
  EXPECT_EQ(as_bob(), "");
  (void)get("DeleteUserPolicy", {{"UserName", "Bob"}, {"PolicyName", "list"}});
  EXPECT_TRUE(as_bob().starts_with("403 AccessDenied: "));
  // Who one is may be asked by everybody ("GetCallerIdentity").
  caller_ = bob;
  EXPECT_TRUE(execute(*services_, caller_, sts_bindings().front(), {}));
}

}  // namespace
}  // namespace traccia::api
