// Service-linked roles through execute(): made, protected, removed, and the events they leave.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "api/test_iam.h"

namespace traccia::api {
namespace {

constexpr std::string_view kTrail = "cloudtrail.amazonaws.com";
constexpr std::string_view kRole = "AWSServiceRoleForCloudTrail";
constexpr std::string_view kProtected =
    "400 UnmodifiableEntity: Cannot perform the operation on the protected role "
    "'AWSServiceRoleForCloudTrail' - this role is only modifiable by AWS";
constexpr std::string_view kTrust =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
    R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}})";
constexpr std::string_view kDocument =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})";

class ServiceLinkedRolesTest : public IamTest {
 protected:
  json::Object make(std::string_view service = kTrail) {
    const auto made = get("CreateServiceLinkedRole", {{"AWSServiceName", service}});
    return made.empty() ? json::Object{} : made.at("Role").as_object();
  }
  std::string remove(std::string_view role) {
    return std::string(
        json::find_string(get("DeleteServiceLinkedRole", {{"RoleName", role}}), "DeletionTaskId"));
  }
};

TEST_F(ServiceLinkedRolesTest, HaveTheServicesPathTrustAndPolicy) {
  const auto role = make();
  EXPECT_EQ(role.at("Arn"),
            "arn:aws:iam::111122223333:role/aws-service-role/cloudtrail.amazonaws.com/"
            "AWSServiceRoleForCloudTrail");
  EXPECT_NE(role.at("AssumeRolePolicyDocument").as_string().find(kTrail), std::string::npos);
  const auto event = last_event();
  EXPECT_EQ(event.at("eventName"), "CreateServiceLinkedRole");
  EXPECT_EQ(event.at("requestParameters").as_object().at("aWSServiceName").as_string(), kTrail);

  const auto attached = get("ListAttachedRolePolicies", {{"RoleName", kRole}});
  const auto& policies = attached.at("AttachedPolicies").as_array();
  ASSERT_EQ(policies.size(), 1U);
  EXPECT_EQ(policies[0].as_object().at("PolicyArn"),
            "arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy");
  EXPECT_EQ(get("ListRoles", {{"PathPrefix", "/aws-service-role/"}}).at("Roles").as_array().size(),
            1U);
}

TEST_F(ServiceLinkedRolesTest, AreOneAServiceAndOfKnownServices) {
  for (const auto service : {"cloudtrail.amazonaws.com", "context.cloudtrail.amazonaws.com",
                             "organizations.amazonaws.com"}) {
    EXPECT_FALSE(make(service).empty()) << service;
  }
  EXPECT_EQ(
      error("CreateServiceLinkedRole", {{"AWSServiceName", kTrail}}),
      "400 InvalidInput: Service role name AWSServiceRoleForCloudTrail has been taken in this "
      "account, please try a different suffix.");
  EXPECT_EQ(
      error("CreateServiceLinkedRole", {{"AWSServiceName", kTrail}, {"CustomSuffix", "second"}}),
      "400 InvalidInput: Custom suffix is not allowed for cloudtrail.amazonaws.com");
  EXPECT_EQ(error("CreateServiceLinkedRole", {{"AWSServiceName", "ec2.amazonaws.com"}}),
            "400 InvalidInput: The service ec2.amazonaws.com has no service-linked role on this "
            "server.");
}

TEST_F(ServiceLinkedRolesTest, CannotBeChanged) {
  make();
  const json::Object named{{"RoleName", kRole}};
  const auto with = [&](std::string_view member, std::string_view value) {
    auto input = named;
    input[member] = value;
    return input;
  };
  constexpr std::string_view kAdministrator = "arn:aws:iam::aws:policy/AdministratorAccess";
  EXPECT_EQ(error("DeleteRole", named), kProtected);
  EXPECT_EQ(error("AttachRolePolicy", with("PolicyArn", kAdministrator)), kProtected);
  EXPECT_EQ(error("DetachRolePolicy",
                  with("PolicyArn",
                       "arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy")),
            kProtected);
  EXPECT_EQ(error("PutRolePermissionsBoundary", with("PermissionsBoundary", kAdministrator)),
            kProtected);
  EXPECT_EQ(error("DeleteRolePermissionsBoundary", named), kProtected);
  EXPECT_EQ(error("PutRolePolicy",
                  {{"RoleName", kRole}, {"PolicyName", "p"}, {"PolicyDocument", kDocument}}),
            kProtected);
  EXPECT_EQ(error("DeleteRolePolicy", with("PolicyName", "p")), kProtected);
  EXPECT_EQ(error("UpdateAssumeRolePolicy", with("PolicyDocument", kTrust)), kProtected);
  EXPECT_EQ(error("UpdateRole", {{"RoleName", kRole}, {"MaxSessionDuration", 7200}}), kProtected);
  EXPECT_EQ(last_event().at("errorCode"), "UnmodifiableEntityException");
  EXPECT_EQ(error("UpdateRole", with("Description", "writes trails")), "");
  EXPECT_EQ(get("GetRole", named).at("Role").as_object().at("Description"), "writes trails");
}

TEST_F(ServiceLinkedRolesTest, TheirPathAndPoliciesAreTheirsAlone) {
  make();
  EXPECT_EQ(error("CreateRole", {{"RoleName", "mine"},
                                 {"Path", "/aws-service-role/cloudtrail.amazonaws.com/"},
                                 {"AssumeRolePolicyDocument", kTrust}}),
            "400 InvalidInput: The path /aws-service-role/ is reserved for service-linked roles.");
  get("CreateRole", {{"RoleName", "mine"}, {"AssumeRolePolicyDocument", kTrust}});
  const std::string policy = "arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy";
  const std::string refusal =
      "400 PolicyNotAttachable: Cannot attach a Service Role Policy to a Customer Role.";
  EXPECT_EQ(error("AttachRolePolicy", {{"RoleName", "mine"}, {"PolicyArn", policy}}), refusal);
  EXPECT_EQ(
      error("PutRolePermissionsBoundary", {{"RoleName", "mine"}, {"PermissionsBoundary", policy}}),
      refusal);
  EXPECT_EQ(error("DeleteServiceLinkedRole", {{"RoleName", "mine"}}),
            "404 NoSuchEntity: The service-linked role with name mine cannot be found.");
  // Nobody but the service is trusted.
  EXPECT_EQ(
      error("AssumeRole", {{"RoleArn",
                            "arn:aws:iam::111122223333:role/aws-service-role/"
                            "cloudtrail.amazonaws.com/AWSServiceRoleForCloudTrail"},
                           {"RoleSessionName", "session"}}),
      "403 AccessDenied: User: arn:aws:iam::111122223333:user/administrator is not authorized to "
      "perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/aws-service-role/"
      "cloudtrail.amazonaws.com/AWSServiceRoleForCloudTrail");
}

TEST_F(ServiceLinkedRolesTest, GoInATaskThatCanBeAskedFor) {
  make();
  const auto task = remove(kRole);
  EXPECT_TRUE(
      task.starts_with("task/aws-service-role/cloudtrail.amazonaws.com/"
                       "AWSServiceRoleForCloudTrail/"))
      << task;
  EXPECT_EQ(get("GetServiceLinkedRoleDeletionStatus", {{"DeletionTaskId", task}}).at("Status"),
            "SUCCEEDED");
  EXPECT_EQ(error("GetRole", {{"RoleName", kRole}}),
            "404 NoSuchEntity: The role with name AWSServiceRoleForCloudTrail cannot be found.");
  EXPECT_EQ(error("GetServiceLinkedRoleDeletionStatus", {{"DeletionTaskId", task + "x"}}),
            "404 NoSuchEntity: The deletion task with id " + task + "x cannot be found.");
  EXPECT_FALSE(make().empty()) << "again";
}

TEST_F(ServiceLinkedRolesTest, OnlyTheNewestTasksAreKept) {
  std::string first;
  for (int64_t i = 0; i <= identity::kRoleDeletionsMax; ++i) {
    make();
    fake_.clock.advance(std::chrono::seconds(1));
    const auto task = remove(kRole);
    if (i == 0) first = task;
    if (i < identity::kRoleDeletionsMax) continue;
    EXPECT_EQ(error("GetServiceLinkedRoleDeletionStatus", {{"DeletionTaskId", task}}), "");
  }
  EXPECT_NE(error("GetServiceLinkedRoleDeletionStatus", {{"DeletionTaskId", first}}), "");
}

TEST_F(ServiceLinkedRolesTest, StayWhileTheirServiceNeedsThem) {
  make("organizations.amazonaws.com");
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(organizations_.create(transaction, kAccount, organization::FeatureSet::All));
    return {};
  }));
  const auto task = remove("AWSServiceRoleForOrganizations");
  const auto status = get("GetServiceLinkedRoleDeletionStatus", {{"DeletionTaskId", task}});
  EXPECT_EQ(status.at("Status"), "FAILED");
  EXPECT_NE(status.at("Reason").as_object().at("Reason").as_string().find("o-"), std::string::npos);
  EXPECT_EQ(error("GetRole", {{"RoleName", "AWSServiceRoleForOrganizations"}}), "");
}

}  // namespace
}  // namespace traccia::api
