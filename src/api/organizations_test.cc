// Organizations through execute(): their life, errors, events, and what service control policies
// forbid.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/error_table.h"
#include "api/operation_call.h"
#include "api/test_services.h"
#include "aws/error.h"

namespace traccia::api {
namespace {

constexpr std::string_view kNoStopping = R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny",)"
                                         R"("Action":"cloudtrail:StopLogging","Resource":"*"}]})";
constexpr std::string_view kTrailsOnly =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
    R"("Action":["cloudtrail:*","organizations:*"],"Resource":"*"}]})";

class OrganizationsTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    management_.principal = administrator();
    management_.region = "eu-west-1";
    (void)get("CreateOrganization", {});
    root_ = get("ListRoots", {}).at("Roots").at(0).at("Id").as_string();
  }

  Result<json::Object> call(const Caller& caller, std::span<const Binding> bindings,
                            std::string_view name, const json::Object& input) {
    for (const auto& binding : bindings) {
      if (binding.operation->name != name) continue;
      TRY_ASSIGN(auto output, execute(*services_, caller, binding, input));
      return std::move(output.document);
    }
    return fail(ErrorCode::NotFound, "NoSuchOperation", std::string(name));
  }
  json::Object get(std::string_view name, const json::Object& input) {
    return get_as(management_, name, input);
  }
  json::Object get_as(const Caller& caller, std::string_view name, const json::Object& input) {
    auto output = call(caller, organizations_bindings(), name, input);
    if (!output) ADD_FAILURE() << name << ": " << output.error().message();
    return output ? *output : json::Object{};
  }
  // "NAME REASON: MESSAGE" as the wire has it; empty when the call succeeded.
  static std::string shown(const Result<json::Object>& output) {
    if (output) return "";
    const auto error = to_api_error(output.error(), aws::Protocol::Json11);
    const auto reason = error.details.empty() ? "" : " " + error.details.front().second;
    return fmt::format("{}{}: {}", error.name, reason, error.message);
  }
  std::string error(std::string_view name, const json::Object& input) {
    return error_as(management_, name, input);
  }
  std::string error_as(const Caller& caller, std::string_view name, const json::Object& input) {
    return shown(call(caller, organizations_bindings(), name, input));
  }
  // The name and the reason only.
  std::string refusal(std::string_view name, const json::Object& input) {
    const auto text = error(name, input);
    return text.substr(0, text.find(':'));
  }

  // A member account's id.
  std::string create_account(std::string_view name) {
    const auto status = get("CreateAccount", {{"AccountName", name},
                                              {"Email", fmt::format("{}@accounts.example", name)}})
                            .at("CreateAccountStatus");
    EXPECT_EQ(status.at("State"), "IN_PROGRESS");
    const auto done =
        get("DescribeCreateAccountStatus", {{"CreateAccountRequestId", status.at("Id")}})
            .at("CreateAccountStatus");
    EXPECT_EQ(done.at("State"), "SUCCEEDED");
    return std::string(done.at("AccountId").as_string());
  }
  // An administrator of the account.
  Caller administrator_of(std::string_view account) {
    Caller out;
    out.region = "eu-west-1";
    EXPECT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto made, identity_.create_administrator(transaction, account));
      TRY_ASSIGN(const auto key, identity_.find_access_key(transaction, made.access_key_id));
      out.principal = key->principal;
      return {};
    }));
    return out;
  }
  std::string create_unit(std::string_view parent, std::string_view name) {
    const auto made = get("CreateOrganizationalUnit", {{"ParentId", parent}, {"Name", name}});
    return std::string(made.at("OrganizationalUnit").at("Id").as_string());
  }
  std::string create_policy(std::string_view name, std::string_view content) {
    const auto made = get("CreatePolicy", {{"Name", name},
                                           {"Description", ""},
                                           {"Type", "SERVICE_CONTROL_POLICY"},
                                           {"Content", content}});
    return std::string(made.at("Policy").at("PolicySummary").at("Id").as_string());
  }
  void enable_policies() {
    (void)get("EnablePolicyType", {{"RootId", root_}, {"PolicyType", "SERVICE_CONTROL_POLICY"}});
  }
  std::string stop_logging(const Caller& caller) {
    return shown(call(caller, cloudtrail_bindings(), "StopLogging", {{"Name", "main"}}));
  }

  Caller management_;
  std::string root_;
};

TEST_F(OrganizationsTest, OneThatLeadsAndOnesThatFollow) {
  EXPECT_EQ(error("CreateOrganization", {}),
            "AlreadyInOrganizationException: The AWS account is already a member of an "
            "organization.");
  const auto found = get("DescribeOrganization", {}).at("Organization").as_object();
  const auto id = std::string(found.at("Id").as_string());
  EXPECT_EQ(found.at("FeatureSet"), "ALL");
  EXPECT_EQ(found.at("MasterAccountArn"),
            json::Value(fmt::format("arn:aws:organizations::{0}:account/{1}/{0}", kAccount, id)));
  const auto account = create_account("member");
  const auto member = administrator_of(account);
  EXPECT_EQ(get_as(member, "DescribeOrganization", {}).at("Organization").at("Id"),
            json::Value(id));
  EXPECT_EQ(error_as(member, "ListAccounts", {}),
            "AccessDeniedException: You don't have permissions to access this resource.");
  EXPECT_EQ(get("ListAccounts", {}).at("Accounts").as_array().size(), 2U);
  EXPECT_EQ(refusal("DeleteOrganization", {}), "OrganizationNotEmptyException");
  EXPECT_EQ(refusal("RemoveAccountFromOrganization", {{"AccountId", kAccount}}),
            "MasterCannotLeaveOrganizationException");
  (void)get_as(member, "LeaveOrganization", {});
  EXPECT_EQ(error_as(member, "DescribeOrganization", {}),
            "AWSOrganizationsNotInUseException: Your account is not a member of an organization.");
  (void)get("DeleteOrganization", {});
  EXPECT_EQ(refusal("DescribeOrganization", {}), "AWSOrganizationsNotInUseException");
}

TEST_F(OrganizationsTest, EventsMaskNamesAndAddresses) {
  (void)create_account("member");
  for (const auto& event : events()) {
    if (event.at("eventName") != "CreateAccount") continue;
    EXPECT_EQ(event.at("awsRegion"), "us-east-1");
    EXPECT_EQ(event.at("eventSource"), "organizations.amazonaws.com");
    EXPECT_EQ(event.at("requestParameters").at("email"), "****");
    EXPECT_EQ(event.at("responseElements").at("createAccountStatus").at("accountName"), "****");
    EXPECT_EQ(json::serialize(event).find("member@"), std::string::npos);
    return;
  }
  FAIL() << "no event";
}

TEST_F(OrganizationsTest, TheServiceTellsTheManagementAccountWhatBecameOfIt) {
  const auto account = create_account("member");
  const auto member = administrator_of(account);
  (void)get_as(member, "LeaveOrganization", {});
  std::vector<json::Object> told;
  for (const auto& event : events()) {
    if (event.at("eventType") == "AwsServiceEvent") told.push_back(event);
  }
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0].at("serviceEventDetails").at("joinedMethod"), "Invited");
  EXPECT_EQ(told[1].at("eventName"), "CreateAccountResult");
  const auto& status = told[1].at("serviceEventDetails").at("createAccountStatus").as_object();
  EXPECT_EQ(status.at("accountId"), json::Value(account));
  EXPECT_EQ(status.at("state"), "SUCCEEDED");
  EXPECT_EQ(status.at("accountName"), "****");
  EXPECT_EQ(told[2].at("eventName"), "AccountJoinedOrganization");
  EXPECT_EQ(told[2].at("serviceEventDetails").at("joinedMethod"), "Created");
  EXPECT_EQ(told[3].at("eventName"), "AccountDepartedOrganization");
  EXPECT_EQ(told[3].at("serviceEventDetails").at("departedMethod"), "Left");
  for (const auto& event : told) {
    EXPECT_EQ(event.at("recipientAccountId"), json::Value(kAccount));
    EXPECT_FALSE(event.at("userIdentity").as_object().contains("type"));
    EXPECT_EQ(event.at("userIdentity").at("invokedBy"), "organizations.amazonaws.com");
    EXPECT_EQ(event.at("awsRegion"), "us-east-1");
  }
}

TEST_F(OrganizationsTest, AccountsComeWithARoleOfTheManagementAccount) {
  const auto account = create_account("member");
  ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto role,
               identity_.entities().get(transaction, {account, identity::EntityKind::Role,
                                                      "OrganizationAccountAccessRole"}));
    EXPECT_NE(role.role.trust.find(fmt::format("arn:aws:iam::{}:root", kAccount)),
              std::string::npos);
    return {};
  }));
  const auto status =
      get("CreateAccount", {{"AccountName", "again"}, {"Email", "Member@accounts.example"}})
          .at("CreateAccountStatus");
  const auto done =
      get("DescribeCreateAccountStatus", {{"CreateAccountRequestId", status.at("Id")}})
          .at("CreateAccountStatus");
  EXPECT_EQ(done.at("State"), "FAILED");
  EXPECT_EQ(done.at("FailureReason"), "EMAIL_ALREADY_EXISTS");
  const auto failed = get("ListCreateAccountStatus", {{"States", json::Array{"FAILED"}}});
  EXPECT_EQ(failed.at("CreateAccountStatuses").as_array().size(), 1U);
  EXPECT_EQ(refusal("CreateAccount", {{"AccountName", "x"}, {"Email", "x"}}),
            "InvalidInputException INVALID_PATTERN");
  EXPECT_EQ(refusal("CreateAccount", {{"AccountName", "x"},
                                      {"Email", "x@accounts.example"},
                                      {"RoleName", "AWSServiceRoleForX"}}),
            "InvalidInputException INVALID_ROLE_NAME");
}

TEST_F(OrganizationsTest, ATenantsOrganizationIsSmallAndMakesNoAccounts) {
  const auto tenant = administrator_of(create_account("tenant"));
  (void)get_as(tenant, "LeaveOrganization", {});
  (void)get_as(tenant, "CreateOrganization", {});
  EXPECT_TRUE(
      error_as(tenant, "CreateAccount", {{"AccountName", "x"}, {"Email", "x@tenant.example"}})
          .starts_with("AccessDeniedException: "));
  const auto join = [&](const Caller& guest) {
    const auto invited =
        get_as(tenant, "InviteAccountToOrganization",
               {{"Target", json::Object{{"Id", guest.principal.account_id}, {"Type", "ACCOUNT"}}}});
    return error_as(guest, "AcceptHandshake", {{"HandshakeId", invited.at("Handshake").at("Id")}});
  };
  for (int i = 1; i <= 10; ++i) {
    const auto guest = administrator_of(create_account(fmt::format("guest{}", i)));
    (void)get_as(guest, "LeaveOrganization", {});
    const auto refused = join(guest);
    EXPECT_EQ(refused.substr(0, refused.find(':')),
              i < 10 ? "" : "ConstraintViolationException ACCOUNT_NUMBER_LIMIT_EXCEEDED");
  }
}

TEST_F(OrganizationsTest, UnitsMakeATree) {
  const auto unit = create_unit(root_, "a");
  EXPECT_TRUE(unit.starts_with("ou-" + root_.substr(2) + "-"));
  EXPECT_EQ(error("CreateOrganizationalUnit", {{"ParentId", root_}, {"Name", "a"}}),
            "DuplicateOrganizationalUnitException: An OU with the same name already exists.");
  auto parent = unit;
  for (int depth = 2; depth <= 5; ++depth) parent = create_unit(parent, "a");
  EXPECT_EQ(refusal("CreateOrganizationalUnit", {{"ParentId", parent}, {"Name", "a"}}),
            "ConstraintViolationException OU_DEPTH_LIMIT_EXCEEDED");
  EXPECT_EQ(refusal("DeleteOrganizationalUnit", {{"OrganizationalUnitId", unit}}),
            "OrganizationalUnitNotEmptyException");
  const auto account = create_account("member");
  const json::Object down{
      {"AccountId", account}, {"SourceParentId", root_}, {"DestinationParentId", parent}};
  (void)get("MoveAccount", down);
  EXPECT_EQ(refusal("MoveAccount", down), "SourceParentNotFoundException");
  EXPECT_EQ(get("ListParents", {{"ChildId", account}}).at("Parents").at(0).at("Id"),
            json::Value(parent));
  EXPECT_EQ(get("ListChildren", {{"ParentId", parent}, {"ChildType", "ACCOUNT"}})
                .at("Children")
                .as_array()
                .size(),
            1U);
  EXPECT_EQ(refusal("DeleteOrganizationalUnit", {{"OrganizationalUnitId", parent}}),
            "OrganizationalUnitNotEmptyException");
  const auto renamed =
      get("UpdateOrganizationalUnit", {{"OrganizationalUnitId", unit}, {"Name", "b"}});
  EXPECT_EQ(renamed.at("OrganizationalUnit").at("Name"), "b");
  EXPECT_EQ(refusal("DescribeOrganizationalUnit", {{"OrganizationalUnitId", "ou-x"}}),
            "InvalidInputException INVALID_PATTERN");
  EXPECT_EQ(refusal("ListOrganizationalUnitsForParent", {{"ParentId", "r-none"}}),
            "ParentNotFoundException");
}

TEST_F(OrganizationsTest, ListsComeInPages) {
  for (int i = 0; i < 3; ++i) (void)create_account(fmt::format("member{}", i));
  const auto first = get("ListAccounts", {{"MaxResults", 3}});
  EXPECT_EQ(first.at("Accounts").as_array().size(), 3U);
  const auto rest = get("ListAccounts", {{"NextToken", first.at("NextToken")}});
  EXPECT_EQ(rest.at("Accounts").as_array().size(), 1U);
  EXPECT_FALSE(rest.contains("NextToken"));
  EXPECT_EQ(refusal("ListAccounts", {{"NextToken", "x"}}),
            "InvalidInputException INVALID_NEXT_TOKEN");
  EXPECT_EQ(refusal("ListAccounts", {{"MaxResults", 21}}),
            "InvalidInputException MAX_VALUE_EXCEEDED");
}

TEST_F(OrganizationsTest, PoliciesAreAttachedWhereTheirTypeIsEnabled) {
  const auto policy = create_policy("deny", kNoStopping);
  const json::Object at_root{{"PolicyId", policy}, {"TargetId", root_}};
  EXPECT_EQ(error("AttachPolicy", at_root),
            "PolicyTypeNotEnabledException: This operation can be performed only for enabled "
            "policy types.");
  enable_policies();
  EXPECT_EQ(
      refusal("EnablePolicyType", {{"RootId", root_}, {"PolicyType", "SERVICE_CONTROL_POLICY"}}),
      "PolicyTypeAlreadyEnabledException");
  (void)get("AttachPolicy", at_root);
  EXPECT_EQ(refusal("AttachPolicy", at_root), "DuplicatePolicyAttachmentException");
  EXPECT_EQ(refusal("DeletePolicy", {{"PolicyId", policy}}), "PolicyInUseException");
  const json::Object of_root{{"TargetId", root_}, {"Filter", "SERVICE_CONTROL_POLICY"}};
  EXPECT_EQ(get("ListPoliciesForTarget", of_root).at("Policies").as_array().size(), 2U);
  const auto full = get("ListTargetsForPolicy", {{"PolicyId", "p-FullAWSAccess"}});
  EXPECT_EQ(full.at("Targets").as_array().size(), 2U) << "the root and the account";
  (void)get("DetachPolicy", {{"PolicyId", "p-FullAWSAccess"}, {"TargetId", root_}});
  EXPECT_EQ(refusal("DetachPolicy", at_root),
            "ConstraintViolationException MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
  EXPECT_EQ(refusal("UpdatePolicy", {{"PolicyId", "p-FullAWSAccess"}, {"Name", "x"}}),
            "InvalidInputException IMMUTABLE_POLICY");
  EXPECT_EQ(refusal("CreatePolicy", {{"Name", "deny"},
                                     {"Description", ""},
                                     {"Type", "SERVICE_CONTROL_POLICY"},
                                     {"Content", kNoStopping}}),
            "DuplicatePolicyException");
  EXPECT_EQ(error("UpdatePolicy", {{"PolicyId", policy}, {"Content", "{}"}}),
            "MalformedPolicyDocumentException: The provided policy document does not meet the "
            "requirements of the specified policy type.");
  EXPECT_EQ(refusal("UpdatePolicy", {{"PolicyId", policy}, {"Content", std::string(10'241, ' ')}}),
            "ConstraintViolationException POLICY_CONTENT_LIMIT_EXCEEDED");
  (void)get("DisablePolicyType", {{"RootId", root_}, {"PolicyType", "SERVICE_CONTROL_POLICY"}});
  EXPECT_TRUE(get("ListPoliciesForTarget", of_root).at("Policies").as_array().empty());
  (void)get("DeletePolicy", {{"PolicyId", policy}});
}

TEST_F(OrganizationsTest, TenPoliciesATarget) {
  enable_policies();
  for (int i = 1; i < 10; ++i) {
    const auto policy = create_policy(fmt::format("deny{}", i), kNoStopping);
    (void)get("AttachPolicy", {{"PolicyId", policy}, {"TargetId", root_}});
  }
  const auto eleventh = create_policy("deny", kNoStopping);
  EXPECT_EQ(refusal("AttachPolicy", {{"PolicyId", eleventh}, {"TargetId", root_}}),
            "ConstraintViolationException MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
}

TEST_F(OrganizationsTest, WhatAPolicyForbidsNoAdministratorOfAMemberMayDo) {
  const auto account = create_account("member");
  const auto member = administrator_of(account);
  enable_policies();
  EXPECT_TRUE(stop_logging(member).starts_with("TrailNotFoundException"));
  const auto policy = create_policy("deny", kNoStopping);
  (void)get("AttachPolicy", {{"PolicyId", policy}, {"TargetId", root_}});
  EXPECT_EQ(stop_logging(member).substr(0, 22), "AccessDeniedException:");
  EXPECT_NE(stop_logging(member).find("with an explicit deny in a service control policy"),
            std::string::npos);
  EXPECT_EQ(events().back().at("errorCode"), "AccessDenied");
  EXPECT_TRUE(stop_logging(management_).starts_with("TrailNotFoundException"));
  auto root = member;
  root.principal.type = identity::PrincipalType::Root;
  root.principal.arn = fmt::format("arn:aws:iam::{}:root", account);
  EXPECT_EQ(stop_logging(root).substr(0, 22), "AccessDeniedException:");
  // Changes are seen by the next request.
  (void)get("DetachPolicy", {{"PolicyId", policy}, {"TargetId", root_}});
  EXPECT_TRUE(stop_logging(member).starts_with("TrailNotFoundException"));
  (void)get("AttachPolicy", {{"PolicyId", policy}, {"TargetId", account}});
  EXPECT_EQ(stop_logging(member).substr(0, 22), "AccessDeniedException:");
  (void)get("UpdatePolicy", {{"PolicyId", policy}, {"Content", kTrailsOnly}});
  EXPECT_TRUE(stop_logging(member).starts_with("TrailNotFoundException"));
  (void)get_as(member, "LeaveOrganization", {});
}

TEST_F(OrganizationsTest, EveryLevelHasToAllow) {
  const auto account = create_account("member");
  const auto member = administrator_of(account);
  const auto unit = create_unit(root_, "a");
  enable_policies();
  const auto policy = create_policy("allow", kTrailsOnly);
  (void)get("AttachPolicy", {{"PolicyId", policy}, {"TargetId", unit}});
  (void)get("DetachPolicy", {{"PolicyId", "p-FullAWSAccess"}, {"TargetId", unit}});
  const auto list_users = [&] { return shown(call(member, iam_bindings(), "ListUsers", {})); };
  EXPECT_EQ(list_users(), "");
  (void)get("MoveAccount",
            {{"AccountId", account}, {"SourceParentId", root_}, {"DestinationParentId", unit}});
  EXPECT_EQ(list_users(),
            fmt::format("AccessDeniedException: User: arn:aws:iam::{0}:user/administrator is not "
                        "authorized to perform: iam:ListUsers on resource: arn:aws:iam::{0}:user/ "
                        "because no service control policy allows the iam:ListUsers action",
                        account));
  EXPECT_TRUE(stop_logging(member).starts_with("TrailNotFoundException"));
}

TEST_F(OrganizationsTest, InvitationsAreAcceptedOrNot) {
  const auto account = create_account("guest");
  const auto guest = administrator_of(account);
  (void)get_as(guest, "LeaveOrganization", {});
  const auto invite = [&](const json::Object& target) {
    return get("InviteAccountToOrganization", {{"Target", target}, {"Notes", "welcome"}});
  };
  const json::Object by_email{{"Id", "guest@accounts.example"}, {"Type", "EMAIL"}};
  const json::Object by_id{{"Id", account}, {"Type", "ACCOUNT"}};
  const auto first = invite(by_email).at("Handshake").as_object();
  const json::Object named{{"HandshakeId", first.at("Id")}};
  EXPECT_EQ(first.at("State"), "OPEN");
  EXPECT_EQ(refusal("InviteAccountToOrganization", {{"Target", by_id}}),
            "DuplicateHandshakeException");
  EXPECT_EQ(refusal("AcceptHandshake", named), "AccessDeniedException");
  EXPECT_EQ(get_as(guest, "ListHandshakesForAccount", {}).at("Handshakes").as_array().size(), 1U);
  EXPECT_EQ(get_as(guest, "DeclineHandshake", named).at("Handshake").at("State"), "DECLINED");
  EXPECT_EQ(error_as(guest, "DeclineHandshake", named).substr(0, 33),
            "HandshakeAlreadyInStateException:");
  EXPECT_EQ(refusal("CancelHandshake", named), "InvalidHandshakeTransitionException");
  const json::Object second{{"HandshakeId", invite(by_id).at("Handshake").at("Id")}};
  EXPECT_EQ(get_as(guest, "AcceptHandshake", second).at("Handshake").at("State"), "ACCEPTED");
  EXPECT_EQ(get("DescribeAccount", {{"AccountId", account}}).at("Account").at("JoinedMethod"),
            "INVITED");
  EXPECT_EQ(refusal("InviteAccountToOrganization", {{"Target", by_id}}),
            "HandshakeConstraintViolationException ALREADY_IN_AN_ORGANIZATION");
  EXPECT_EQ(get("ListHandshakesForOrganization", {}).at("Handshakes").as_array().size(), 2U);
  (void)get_as(guest, "LeaveOrganization", {});
  const json::Object late{{"HandshakeId", invite(by_id).at("Handshake").at("Id")}};
  fake_.clock.advance(std::chrono::hours(15 * 24));
  EXPECT_EQ(get("DescribeHandshake", late).at("Handshake").at("State"), "EXPIRED");
  EXPECT_TRUE(
      error_as(guest, "AcceptHandshake", late).starts_with("InvalidHandshakeTransitionException"));
}

TEST_F(OrganizationsTest, DelegatedAdministratorsReadTheOrganization) {
  const auto account = create_account("audit");
  const auto member = administrator_of(account);
  const json::Object named{{"AccountId", account},
                           {"ServicePrincipal", "cloudtrail.amazonaws.com"}};
  EXPECT_EQ(refusal("RegisterDelegatedAdministrator", named),
            "ConstraintViolationException SERVICE_ACCESS_NOT_ENABLED");
  (void)get("EnableAWSServiceAccess", {{"ServicePrincipal", "cloudtrail.amazonaws.com"}});
  (void)get("RegisterDelegatedAdministrator", named);
  EXPECT_EQ(refusal("RegisterDelegatedAdministrator", named), "AccountAlreadyRegisteredException");
  EXPECT_EQ(refusal("RegisterDelegatedAdministrator",
                    {{"AccountId", kAccount}, {"ServicePrincipal", "cloudtrail.amazonaws.com"}}),
            "ConstraintViolationException CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR");
  const auto administrators = get_as(member, "ListDelegatedAdministrators", {});
  EXPECT_EQ(administrators.at("DelegatedAdministrators").at(0).at("Id"), json::Value(account));
  EXPECT_EQ(refusal("RemoveAccountFromOrganization", {{"AccountId", account}}),
            "ConstraintViolationException CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG");
  (void)get("DeregisterDelegatedAdministrator", named);
  EXPECT_EQ(refusal("ListDelegatedServicesForAccount", {{"AccountId", account}}),
            "AccountNotRegisteredException");
  EXPECT_EQ(refusal("EnableAWSServiceAccess", {{"ServicePrincipal", "x"}}),
            "InvalidInputException UNRECOGNIZED_SERVICE_PRINCIPAL");
}

TEST_F(OrganizationsTest, TrailsOfAnOrganizationAreRefusedForWhatIsMissing) {
  const auto member = administrator_of(create_account("member"));
  const auto refused = [&](const Caller& caller) {
    const auto text = shown(
        call(caller, cloudtrail_bindings(), "CreateTrail",
             {{"Name", "all"}, {"S3BucketName", "some-logs"}, {"IsOrganizationTrail", true}}));
    return text.substr(0, text.find(':'));
  };
  EXPECT_EQ(refused(member), "NotOrganizationMasterAccountException");
  EXPECT_EQ(refused(management_), "CloudTrailAccessNotEnabledException");
  (void)get("EnableAWSServiceAccess", {{"ServicePrincipal", "cloudtrail.amazonaws.com"}});
  EXPECT_EQ(refused(management_), "UnsupportedOperationException");
  (void)get_as(member, "LeaveOrganization", {});
  EXPECT_EQ(refused(member), "OrganizationsNotInUseException");
}

TEST_F(OrganizationsTest, AClosedAccountIsSuspended) {
  const auto account = create_account("member");
  (void)get("CloseAccount", {{"AccountId", account}});
  EXPECT_EQ(get("DescribeAccount", {{"AccountId", account}}).at("Account").at("Status"),
            "SUSPENDED");
  EXPECT_EQ(refusal("CloseAccount", {{"AccountId", account}}), "AccountAlreadyClosedException");
  EXPECT_EQ(refusal("CloseAccount", {{"AccountId", kAccount}}),
            "ConstraintViolationException CANNOT_CLOSE_MANAGEMENT_ACCOUNT");
}

TEST_F(OrganizationsTest, TagsOfNodesAndPolicies) {
  const auto policy = create_policy("deny", kNoStopping);
  for (const auto& id : {root_, std::string(kAccount), create_unit(root_, "a"), policy}) {
    const json::Object tags{{"ResourceId", id},
                            {"Tags", json::Array{json::Object{{"Key", "k"}, {"Value", "v"}}}}};
    (void)get("TagResource", tags);
    EXPECT_EQ(get("ListTagsForResource", {{"ResourceId", id}}).at("Tags").at(0).at("Value"), "v");
    (void)get("UntagResource", {{"ResourceId", id}, {"TagKeys", json::Array{"k"}}});
    EXPECT_TRUE(get("ListTagsForResource", {{"ResourceId", id}}).at("Tags").as_array().empty());
  }
  EXPECT_EQ(refusal("ListTagsForResource", {{"ResourceId", "p-FullAWSAccess"}}),
            "TargetNotFoundException");
  EXPECT_EQ(refusal("TagResource",
                    {{"ResourceId", root_},
                     {"Tags", json::Array{json::Object{{"Key", "AWS:x"}, {"Value", "v"}}}}}),
            "InvalidInputException INVALID_SYSTEM_TAGS_PARAMETER");
}

TEST_F(OrganizationsTest, IdentityPoliciesNameNodesAndPolicies) {
  const auto unit = create_unit(root_, "a");
  const auto other = create_unit(root_, "b");
  const auto account = create_account("member");
  auto limited = management_;
  const auto organization = get("DescribeOrganization", {}).at("Organization").at("Id");
  const auto allowed = fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":)"
      R"("organizations:MoveAccount","Resource":["arn:aws:organizations::{0}:account/{1}/*",)"
      R"("arn:aws:organizations::{0}:root/{1}/*","arn:aws:organizations::{0}:ou/{1}/{2}"]}},)"
      R"({{"Effect":"Allow","Action":"organizations:CreatePolicy","Resource":"*","Condition":)"
      R"({{"StringEquals":{{"organizations:PolicyType":"SERVICE_CONTROL_POLICY"}}}}}}]}})",
      kAccount, std::string_view(organization.as_string()), unit);
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto user,
               identity_.entities().create(
                   transaction, {.account_id = std::string(kAccount), .name = "limited"}));
    TRY(identity_.attachments().put_inline(transaction, user, "p", allowed));
    limited.principal.principal_id = user.id;
    limited.principal.arn = user.arn();
    limited.principal.user_name = user.name;
    return {};
  }));
  const auto move = [&](std::string_view destination) {
    return error_as(
        limited, "MoveAccount",
        {{"AccountId", account}, {"SourceParentId", root_}, {"DestinationParentId", destination}});
  };
  const auto refused = move(other);
  EXPECT_TRUE(refused.starts_with("AccessDeniedException: User: ")) << refused;
  EXPECT_NE(refused.find("on resource: arn:aws:organizations::"), std::string::npos) << refused;
  EXPECT_EQ(move(unit), "");
  const json::Object policy{{"Name", "deny"},
                            {"Description", ""},
                            {"Type", "SERVICE_CONTROL_POLICY"},
                            {"Content", kNoStopping}};
  EXPECT_EQ(error_as(limited, "CreatePolicy", policy), "");
  auto tagged = policy;
  tagged["Name"] = "tagged";
  tagged["Tags"] = json::Array{json::Object{{"Key", "k"}, {"Value", "v"}}};
  EXPECT_TRUE(error_as(limited, "CreatePolicy", tagged).starts_with("AccessDeniedException: "));
}

TEST_F(OrganizationsTest, ConsolidatedBillingHasNoPolicies) {
  (void)get("DeleteOrganization", {});
  (void)get("CreateOrganization", {{"FeatureSet", "CONSOLIDATED_BILLING"}});
  EXPECT_EQ(refusal("CreatePolicy", {{"Name", "deny"},
                                     {"Description", ""},
                                     {"Type", "SERVICE_CONTROL_POLICY"},
                                     {"Content", kNoStopping}}),
            "PolicyTypeNotAvailableForOrganizationException");
  EXPECT_EQ(refusal("EnableAWSServiceAccess", {{"ServicePrincipal", "cloudtrail.amazonaws.com"}}),
            "ConstraintViolationException ORGANIZATION_NOT_IN_ALL_FEATURES_MODE");
}

}  // namespace
}  // namespace traccia::api
