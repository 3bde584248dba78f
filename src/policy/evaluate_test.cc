// Who may do what: each table names the evaluation rule it comes from.
// SPDX-License-Identifier: Apache-2.0
#include "policy/evaluate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_allocations.h"
#include "policy/messages.h"
#include "policy/test_policies.h"

namespace traccia::policy {
namespace {

std::string_view word(Outcome outcome) {
  switch (outcome) {
    case Outcome::Allowed:
      return "allowed by";
    case Outcome::ExplicitDeny:
      return "explicit deny in";
    case Outcome::ImplicitDeny:
      return "not allowed by";
  }
  return "";
}
std::string tell(const Decision& decision) {
  const auto type =
      decision.type == PolicyType::None ? "own right" : policy_type_name(decision.type);
  return fmt::format("{} {}", word(decision.outcome), type);
}
std::string tell(const Request& request, const PoliciesView& policies) {
  return tell(evaluate(request, policies));
}

// posture 3.1: identity policies are a union; nothing allows nothing.
TEST(Evaluate, IdentityPolicies) {
  const std::vector<AttachedPolicy> reads = {allowing(Kind::Identity, "s3:Get*"),
                                             allowing(Kind::Identity, "sns:*")};
  const std::vector<AttachedPolicy> mixed = {allowing(Kind::Identity), denying(Kind::Identity)};
  EXPECT_EQ(tell(request_of(user()), {}), "not allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user()), {.identity = reads}), "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user(), "sns:Publish"), {.identity = reads}),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user(), "s3:PutObject"), {.identity = reads}),
            "not allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user(), "S3:GETOBJECT"), {.identity = reads}),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user()), {.identity = mixed}),
            "explicit deny in identity-based policy");
  EXPECT_EQ(tell(request_of(root()), {}), "allowed by own right");
}

// posture 3.3: what a statement names.
TEST(Evaluate, ActionsAndResources) {
  struct Row {
    std::string_view statement, action, resource;
    bool expected;
  };
  const Row rows[] = {
      {"'Action':'s3:Get*','Resource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::b/k",
       true},
      {"'Action':'s3:Get*','Resource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::b", false},
      {"'Action':'s3:Get*','Resource':'arn:aws:s3:::B/*'", "s3:GetObject", "arn:aws:s3:::b/k",
       false},
      {"'Action':'s3:?etObject','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", true},
      {"'NotAction':'s3:Put*','Resource':'*'", "s3:GetObject", "arn:aws:s3:::b/k", true},
      {"'NotAction':'s3:Put*','Resource':'*'", "s3:PutObject", "arn:aws:s3:::b/k", false},
      {"'NotAction':'s3:Put*','Resource':'*'", "iam:CreateUser", "*", true},
      {"'Action':'*','NotResource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::b/k", false},
      {"'Action':'*','NotResource':'arn:aws:s3:::b/*'", "s3:GetObject", "arn:aws:s3:::c/k", true},
      {"'Action':'*','Resource':'arn:aws:s3:::b'", "s3:ListAllMyBuckets", "*", false},
      {"'Action':'*','Resource':'*'", "s3:ListAllMyBuckets", "*", true},
      // A wildcard crosses slashes, and colons in the last part only.
      {"'Action':'*','Resource':'arn:aws:logs:*:*:log-group:g*'", "logs:GetLogEvents",
       "arn:aws:logs:us-east-1:111122223333:log-group:g:log-stream:s", true},
      {"'Action':'*','Resource':'arn:aws:logs:us*:111122223333:g'", "logs:GetLogEvents",
       "arn:aws:logs:us-east-1:111122223333:log-group:g", false},
      {"'Action':'*','Resource':'arn:aws:logs:*'", "logs:GetLogEvents",
       "arn:aws:logs:us-east-1:111122223333:log-group:g", true},
      {"'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "s3:GetObject",
       "arn:aws:s3:::b/alice/k", true},
      {"'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'", "s3:GetObject",
       "arn:aws:s3:::b/bob/k", false},
      {"'Action':'*','Resource':'arn:aws:s3:::b/${aws:nothing}*'", "s3:GetObject",
       "arn:aws:s3:::b/k", false},
      {"'Action':'*','Resource':'*','Condition':{'StringEquals':{'aws:username':'alice'},"
       "'Bool':{'aws:SecureTransport':'true'}}",
       "s3:GetObject", "arn:aws:s3:::b/k", false},  // AND
  };
  for (const auto& row : rows) {
    const std::vector<AttachedPolicy> identity = {
        attach(Kind::Identity, fmt::format("{{'Effect':'Allow',{}}}", row.statement))};
    EXPECT_EQ(
        evaluate(request_of(user(), row.action, row.resource), {.identity = identity}).allowed(),
        row.expected)
        << row.statement << " " << row.action << " " << row.resource;
  }
}

// posture 3.2: which grants of a resource's policy stand alone, and which are limited.
TEST(Evaluate, ResourcePoliciesOfTheSameAccount) {
  struct Row {
    Principal principal;
    std::string_view grantee;
    std::string_view alone;    // without identity policies
    std::string_view limited;  // with a boundary and a session policy that allow nothing here
  };
  const auto kNo = "not allowed by identity-based policy";
  const auto kYes = "allowed by resource-based policy";
  const auto kBoundary = "not allowed by permissions boundary";
  const Row rows[] = {
      {user(), "{'AWS':'arn:aws:iam::111122223333:user/alice'}", kYes, kYes},
      {user(), "{'AWS':'AIDAALICEALICEALICE1'}", kYes, kYes},
      {user(), "{'AWS':'arn:aws:iam::111122223333:user/bob'}", kNo, kNo},
      {user(), "{'AWS':'111122223333'}", kNo, kNo},
      {user(), "{'AWS':'arn:aws:iam::111122223333:root'}", kNo, kNo},
      {user(), "'*'", kYes, kYes},
      {session(), "{'AWS':'arn:aws:sts::111122223333:assumed-role/auditor/run'}", kYes, kYes},
      {session(), "{'AWS':'arn:aws:iam::111122223333:role/path/auditor'}", kYes, kBoundary},
      {session(), "{'AWS':'AROAAUDITORAUDITOR12'}", kYes, kBoundary},
      {session(), "{'AWS':'*'}", kYes, kYes},
      {session(), "{'AWS':'111122223333'}", kNo, kNo},
      {federated_user(), "{'AWS':'arn:aws:sts::111122223333:federated-user/bob'}", kYes, kYes},
      {federated_user(), "{'AWS':'arn:aws:iam::111122223333:user/alice'}", kYes, kBoundary},
      {root(), "{'AWS':'111122223333'}", kYes, kYes},
      {session(), "{'AWS':['111122223333','arn:aws:sts::111122223333:assumed-role/auditor/run']}",
       kYes, kYes},
  };
  const auto elsewhere = allowing(Kind::Boundary, "sns:*");
  for (const auto& row : rows) {
    const auto policy = granting(row.grantee);
    const auto request = request_of(row.principal);
    EXPECT_EQ(tell(request, {.resource = &policy}), row.alone) << row.grantee;
    EXPECT_EQ(
        tell(request, {.boundary = &elsewhere, .has_session_policies = true, .resource = &policy}),
        row.limited)
        << row.grantee;
  }
  const auto by_key = granting("'*'", "Allow",
                               ",'Condition':{'ArnEquals':{'aws:PrincipalArn':"
                               "'arn:aws:iam::111122223333:role/path/auditor'}}");
  EXPECT_EQ(tell(request_of(session()), {.boundary = &elsewhere, .resource = &by_key}),
            "allowed by resource-based policy");
  EXPECT_EQ(tell(request_of(user()), {.boundary = &elsewhere, .resource = &by_key}),
            "not allowed by identity-based policy");
}

// posture 3.1, steps 6 and 7: intersections.
TEST(Evaluate, BoundariesAndSessionPolicies) {
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity, "*")};
  const std::vector<AttachedPolicy> session_s3 = {allowing(Kind::Session, "s3:Get*"),
                                                  allowing(Kind::Session, "sns:*")};
  const std::vector<AttachedPolicy> session_deny = {allowing(Kind::Session),
                                                    denying(Kind::Session, "s3:Get*")};
  const auto wide = allowing(Kind::Boundary), narrow = allowing(Kind::Boundary, "sns:*"),
             never = denying(Kind::Boundary);
  const auto asks = request_of(session());
  EXPECT_EQ(tell(asks, {.identity = identity, .boundary = &wide}),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(asks, {.identity = identity, .boundary = &narrow}),
            "not allowed by permissions boundary");
  EXPECT_EQ(tell(asks, {.identity = identity, .boundary = &never}),
            "explicit deny in permissions boundary");
  EXPECT_EQ(tell(asks, {.boundary = &wide}), "not allowed by identity-based policy")
      << "a boundary gives nothing";
  EXPECT_EQ(tell(asks, {.identity = identity, .session = session_s3, .has_session_policies = true}),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(session(), "s3:PutObject"),
                 {.identity = identity, .session = session_s3, .has_session_policies = true}),
            "not allowed by session policy");
  EXPECT_EQ(tell(asks, {.identity = identity, .has_session_policies = true}),
            "not allowed by session policy")
      << "GetFederationToken without a policy";
  EXPECT_EQ(
      tell(asks, {.identity = identity, .session = session_deny, .has_session_policies = true}),
      "explicit deny in session policy");
  const auto direct = granting("{'AWS':'arn:aws:sts::111122223333:assumed-role/auditor/run'}");
  EXPECT_EQ(tell(asks, {.boundary = &never, .resource = &direct}),
            "explicit deny in permissions boundary")
      << "a Deny counts whoever grants";
}

// posture 3.1 step 3, "SCP evaluation": an Allow on every level, a Deny on any.
TEST(Evaluate, ServiceControlPolicies) {
  const auto all = allowing(Kind::ServiceControl, "*"), s3 = allowing(Kind::ServiceControl),
             sns = allowing(Kind::ServiceControl, "sns:*"), no = denying(Kind::ServiceControl);
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity, "*")};
  const auto with = [&](std::vector<ControlLevel> levels, const Principal& principal) {
    return tell(
        request_of(principal),
        {.identity = identity, .service_control = levels, .management_account = kManagement});
  };
  const std::vector<ControlLevel> open = {{"r-1", {all}}, {"ou-1", {all}}, {"111122223333", {all}}};
  const std::vector<ControlLevel> hole = {{"r-1", {all}}, {"ou-1", {sns}}, {"111122223333", {all}}};
  const std::vector<ControlLevel> united = {{"r-1", {all}}, {"ou-1", {sns, s3}}};
  const std::vector<ControlLevel> shut = {{"r-1", {all}}, {"ou-1", {all, no}}};
  const std::vector<ControlLevel> bare = {{"r-1", {all}}, {"ou-1", {}}};
  const auto kNot = "not allowed by service control policy";
  const auto kDeny = "explicit deny in service control policy";
  EXPECT_EQ(with(open, user()), "allowed by identity-based policy");
  EXPECT_EQ(with(hole, user()), kNot);
  EXPECT_EQ(with(united, user()), "allowed by identity-based policy");
  EXPECT_EQ(with(shut, user()), kDeny);
  EXPECT_EQ(with(bare, user()), kNot);
  EXPECT_EQ(with(hole, root()), kNot) << "a member's root too";
  EXPECT_EQ(with(shut, root()), kDeny);
  EXPECT_EQ(
      tell(evaluate(
          request_of(user(kManagement), "s3:GetObject", "*", kManagement),
          {.identity = identity, .service_control = shut, .management_account = kManagement})),
      "allowed by identity-based policy");
  auto linked = session();
  linked.service_linked_role = true;
  EXPECT_EQ(with(shut, linked), "allowed by identity-based policy");
  const auto grants = granting("{'Service':'cloudtrail.amazonaws.com'}");
  EXPECT_EQ(tell(request_of(service()), {.service_control = shut, .resource = &grants}),
            "allowed by resource-based policy");
  const auto direct = granting("{'AWS':'arn:aws:iam::111122223333:user/alice'}");
  EXPECT_EQ(tell(request_of(user()), {.service_control = hole, .resource = &direct}), kNot)
      << "a resource's policy does not get around SCPs";
  const auto decision = evaluate(request_of(user()), {.service_control = hole});
  ASSERT_NE(decision.level, nullptr);
  EXPECT_EQ(decision.level->node, "ou-1");
}

// posture 3.1 step 2, "Resource control policies (RCPs)".
TEST(Evaluate, ResourceControlPolicies) {
  const auto deny_outsiders =
      attach(Kind::ResourceControl,
             "{'Effect':'Deny','Principal':'*','Action':['s3:*','kms:*','sts:*'],'Resource':'*',"
             "'Condition':{'StringNotEqualsIfExists':{'aws:PrincipalOrgID':'o-1'}}}");
  const std::vector<ControlLevel> levels = {{"r-1", {}}, {"ou-1", {deny_outsiders}}};
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity, "*")};
  const auto everybody = granting("'*'");
  const PoliciesView policies{.identity = identity,
                              .resource_control = levels,
                              .management_account = kManagement,
                              .resource = &everybody};
  const auto kDeny = "explicit deny in resource control policy";
  auto insider = request_of(user());
  insider.context.set("aws:PrincipalOrgID", std::string_view("o-1"));
  EXPECT_EQ(tell(insider, policies), "allowed by resource-based policy");
  EXPECT_EQ(tell(request_of(user()), policies), kDeny) << "IfExists is true without the key";
  EXPECT_EQ(tell(request_of(root()), policies), kDeny);
  EXPECT_EQ(tell(request_of(service()), policies), kDeny) << "services are not exempt";
  EXPECT_EQ(tell(request_of({}), policies), kDeny) << "nor is the public";
  auto linked = session();
  linked.service_linked_role = true;
  EXPECT_EQ(tell(request_of(linked), policies), "allowed by resource-based policy");
  EXPECT_EQ(tell(request_of(user(), "s3:GetObject", "arn:aws:s3:::b/k", kManagement), policies),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(user(), "sns:Publish"), policies), "allowed by resource-based policy")
      << "SNS is not covered";
  EXPECT_EQ(tell(request_of(user(), "kms:RetireGrant"), policies),
            "allowed by resource-based policy");
  EXPECT_EQ(tell(request_of(user(), "KMS:Decrypt"), policies), kDeny);
  EXPECT_FALSE(covered_by_resource_control("cloudtrail:StopLogging"));
  EXPECT_TRUE(covered_by_resource_control("cloudtrail-data:PutAuditEvents"));
}

// "Cross-account policy evaluation logic": both sides.
TEST(Evaluate, OtherAccounts) {
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity)};
  const auto to_user = granting("{'AWS':'arn:aws:iam::444455556666:user/alice'}");
  const auto to_account = granting("{'AWS':'444455556666'}");
  const auto to_role = granting("{'AWS':'arn:aws:iam::444455556666:role/path/auditor'}");
  const auto to_all = granting("'*'");
  const auto narrow = allowing(Kind::Boundary, "sns:*");
  const auto outsider = request_of(user(kOther));
  const auto kNoIdentity = "not allowed by identity-based policy";
  const auto kNoResource = "not allowed by resource-based policy";
  EXPECT_EQ(tell(outsider, {.identity = identity}), kNoResource);
  for (const auto* policy : {&to_user, &to_account, &to_all}) {
    EXPECT_EQ(tell(outsider, {.resource = policy}), kNoIdentity);
    EXPECT_EQ(tell(outsider, {.identity = identity, .resource = policy}),
              "allowed by identity-based policy");
    EXPECT_EQ(tell(outsider, {.identity = identity, .boundary = &narrow, .resource = policy}),
              "not allowed by permissions boundary")
        << "no grant across accounts gets around the caller's boundary";
  }
  EXPECT_EQ(tell(request_of(session(kOther)), {.resource = &to_role}), kNoIdentity);
  EXPECT_EQ(tell(request_of(session(kOther)), {.identity = identity, .resource = &to_role}),
            "allowed by identity-based policy");
  EXPECT_EQ(tell(request_of(root(kOther)), {.resource = &to_account}), "allowed by own right");
  EXPECT_EQ(tell(request_of(root(kOther)), {}), kNoResource);
  EXPECT_EQ(tell(request_of({}), {.resource = &to_all}), "allowed by resource-based policy");
  EXPECT_EQ(tell(request_of({}), {.resource = &to_user}), kNoResource);
}

// posture 2.1: a trail's bucket policy, and what its conditions let through.
TEST(Evaluate, ServicePrincipals) {
  const auto trail = attach(
      Kind::Resource,
      "{'Sid':'Write','Effect':'Allow','Principal':{'Service':'cloudtrail.amazonaws.com'},"
      "'Action':'s3:PutObject','Resource':'arn:aws:s3:::b/AWSLogs/111122223333/*','Condition':"
      "{'StringEquals':{'s3:x-amz-acl':'bucket-owner-full-control',"
      "'aws:SourceArn':'arn:aws:cloudtrail:us-east-1:111122223333:trail/t'}}},"
      "{'Sid':'Sse','Effect':'Deny','Principal':'*','Action':'s3:PutObject','Resource':'*',"
      "'Condition':{'StringNotEquals':{'s3:x-amz-server-side-encryption':['aws:kms','AES256']}}}");
  auto put = request_of(service(), "s3:PutObject", "arn:aws:s3:::b/AWSLogs/111122223333/x");
  put.context.set("s3:x-amz-acl", std::string_view("bucket-owner-full-control"));
  put.context.set("aws:SourceArn",
                  std::string_view("arn:aws:cloudtrail:us-east-1:111122223333:trail/t"));
  const PoliciesView policies{.resource = &trail};
  EXPECT_EQ(tell(put, policies), "explicit deny in resource-based policy") << "no header";
  for (const std::string_view header : {"aws:kms", "AES256"}) {
    put.context.set("s3:x-amz-server-side-encryption", header);
    EXPECT_EQ(tell(put, policies), "allowed by resource-based policy") << header;
  }
  put.context.set("s3:x-amz-server-side-encryption", std::string_view("aws:kms:dsse"));
  EXPECT_EQ(tell(put, policies), "explicit deny in resource-based policy");
  put.context.set("s3:x-amz-server-side-encryption", std::string_view("AES256"));
  put.context.set("aws:SourceArn",
                  std::string_view("arn:aws:cloudtrail:us-east-1:111122223333:trail/u"));
  EXPECT_EQ(tell(put, policies), "not allowed by resource-based policy");
  put.principal = service("config.amazonaws.com");
  EXPECT_EQ(tell(put, policies), "not allowed by resource-based policy");
  const auto mfa = granting("'*'", "Deny", ",'Condition':{'Null':{'aws:MultiFactorAuthAge':true}}");
  EXPECT_EQ(tell(request_of(service()), {.resource = &mfa}),
            "explicit deny in resource-based policy")
      << "the MFA statement also shuts CloudTrail out";
}

// posture 3.7: key policies must allow themselves, or hand over to the account; grants.
TEST(Evaluate, KeysAndTrust) {
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity, "*")};
  const auto to_account = granting("{'AWS':'111122223333'}");
  const auto to_bob = granting("{'AWS':'arn:aws:iam::111122223333:user/bob'}");
  const auto to_alice = granting("{'AWS':'arn:aws:iam::111122223333:user/alice'}");
  const auto deny_alice = granting("{'AWS':'arn:aws:iam::111122223333:user/alice'}", "Deny");
  const auto asks = request_of(user(), "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1");
  const auto with = [&](const AttachedPolicy& policy, bool has_identity, bool grant = false) {
    PoliciesView policies{.resource = &policy, .resource_rule = ResourceRule::Own};
    if (has_identity) policies.identity = identity;
    policies.key_grant = grant;
    return tell(asks, policies);
  };
  EXPECT_EQ(with(to_bob, true), "not allowed by resource-based policy");
  EXPECT_EQ(with(to_account, true), "allowed by identity-based policy");
  EXPECT_EQ(with(to_account, false), "not allowed by identity-based policy");
  EXPECT_EQ(with(to_alice, false), "allowed by resource-based policy");
  EXPECT_EQ(with(to_bob, false, true), "allowed by own right");
  EXPECT_EQ(with(deny_alice, true, true), "explicit deny in resource-based policy");

  const auto trust = [](std::string_view principal) {
    return attach(Kind::Trust, fmt::format("{{'Effect':'Allow','Principal':{},"
                                           "'Action':'sts:AssumeRole'}}",
                                           principal));
  };
  const auto assume = [&](const Principal& principal, const AttachedPolicy& policy, bool rights) {
    PoliciesView policies{.resource = &policy, .resource_rule = ResourceRule::Own};
    if (rights) policies.identity = identity;
    return tell(request_of(principal, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r"),
                policies);
  };
  const auto trusts_alice = trust("{'AWS':'arn:aws:iam::111122223333:user/alice'}");
  const auto trusts_account = trust("{'AWS':'111122223333'}");
  const auto trusts_ec2 = trust("{'Service':'ec2.amazonaws.com'}");
  const auto trusts_other = trust("{'AWS':'444455556666'}");
  EXPECT_EQ(assume(user(), trusts_alice, false), "allowed by role trust policy");
  EXPECT_EQ(assume(user(), trusts_account, false), "not allowed by identity-based policy");
  EXPECT_EQ(assume(user(), trusts_account, true), "allowed by identity-based policy");
  EXPECT_EQ(assume(user(), trusts_ec2, true), "not allowed by role trust policy");
  EXPECT_EQ(assume(service("ec2.amazonaws.com"), trusts_ec2, false),
            "allowed by role trust policy");
  EXPECT_EQ(assume(user(kOther), trusts_other, true), "allowed by identity-based policy");
  EXPECT_EQ(assume(user(kOther), trusts_other, false), "not allowed by identity-based policy");
  const auto trusts_idp = trust("{'Federated':'accounts.google.com'}");
  Principal web{.kind = PrincipalKind::Federated, .provider = "accounts.google.com"};
  EXPECT_EQ(assume(web, trusts_idp, false), "allowed by role trust policy");
  web.provider = "example.com";
  EXPECT_EQ(assume(web, trusts_idp, false), "not allowed by role trust policy");
}

// "AWS JSON policy elements: NotPrincipal": a Deny spares only whom it lists in full.
TEST(Evaluate, NotPrincipal) {
  const auto spare = [](std::string_view list, const Principal& principal) {
    const auto policy =
        attach(Kind::Resource, fmt::format("{{'Effect':'Allow','Principal':'*','Action':'*',"
                                           "'Resource':'*'}},{{'Effect':'Deny','NotPrincipal':"
                                           "{{'AWS':[{}]}},'Action':'*','Resource':'*'}}",
                                           list));
    return evaluate(request_of(principal), {.resource = &policy}).allowed();
  };
  constexpr std::string_view kAccount = "'111122223333'";
  constexpr std::string_view kUser = "'arn:aws:iam::111122223333:user/alice'";
  constexpr std::string_view kRole = "'arn:aws:iam::111122223333:role/path/auditor'";
  constexpr std::string_view kSession = "'arn:aws:sts::111122223333:assumed-role/auditor/run'";
  EXPECT_FALSE(spare(kUser, user()));
  EXPECT_FALSE(spare(kAccount, user()));
  EXPECT_TRUE(spare(fmt::format("{},{}", kUser, kAccount), user()));
  EXPECT_FALSE(spare(fmt::format("{},{}", kRole, kAccount), session()));
  EXPECT_FALSE(spare(fmt::format("{},{}", kRole, kSession), session()));
  EXPECT_TRUE(spare(fmt::format("{},{},{}", kAccount, kRole, kSession), session()));
  EXPECT_TRUE(spare(kAccount, root()));
  EXPECT_TRUE(spare("'*'", user()));
  EXPECT_FALSE(spare(kAccount, {})) << "the public is never listed";
}

// Every policy type, variables, quantifiers and operands of each kind.
#ifndef TRACCIA_ALLOCATES_FOR_ITSELF
TEST(Evaluate, AllocatesNothing) {
  const std::vector<AttachedPolicy> identity = {
      attach(Kind::Identity,
             "{'Effect':'Allow','Action':'s3:*','Resource':'arn:aws:s3:::b/${aws:username}/*'},"
             "{'Effect':'Allow','Action':'s3:*Object*','Resource':'*','Condition':{"
             "'StringLike':{'aws:UserAgent':'*${aws:username}?*'},"
             "'NumericLessThan':{'s3:max-keys':'10.5'},"
             "'DateGreaterThan':{'aws:CurrentTime':'2026-01-01T00:00:00.5+02:00'},"
             "'IpAddress':{'aws:SourceIp':['2001:db8::/32','10.0.0.0/8']},"
             "'ArnLike':{'aws:SourceArn':'arn:*:cloudtrail:*:*:trail/${aws:username}'},"
             "'ForAllValues:StringEqualsIgnoreCase':{'aws:TagKeys':['ONE','two']}}}")};
  const auto boundary = allowing(Kind::Boundary);
  const auto bucket = granting("{'AWS':'111122223333'}");
  const std::vector<AttachedPolicy> session_policies = {allowing(Kind::Session)};
  const std::vector<ControlLevel> scps = {{"r-1", {allowing(Kind::ServiceControl)}}};
  const std::vector<ControlLevel> rcps = {
      {"r-1",
       {attach(Kind::ResourceControl,
               "{'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'*','Condition':{"
               "'StringNotEqualsIfExists':{'aws:PrincipalOrgID':'o-exampleorgid-exampleorgid'},"
               "'Null':{'aws:PrincipalOrgID':'false'}}}")}}};
  auto request = request_of(user(), "s3:PutObjectRetention", "arn:aws:s3:::b/some/long/key/name");
  request.context.set("aws:UserAgent", std::string_view("aws-cli of alice on a machine"));
  request.context.set("s3:max-keys", std::string_view("10"));
  request.context.set("aws:CurrentTime", std::string_view("2026-05-05T05:05:05Z"));
  request.context.set("aws:SourceIp", std::string_view("2001:db8::7"));
  request.context.set("aws:SourceArn",
                      std::string_view("arn:aws:cloudtrail:eu-south-1:111122223333:trail/alice"));
  request.context.set("aws:TagKeys", std::vector<std::string>{"one", "TWO"});
  const PoliciesView policies{.identity = identity,
                              .boundary = &boundary,
                              .session = session_policies,
                              .has_session_policies = true,
                              .service_control = scps,
                              .resource_control = rcps,
                              .management_account = kManagement,
                              .resource = &bucket};
  const auto before = allocations;
  const auto decision = evaluate(request, policies);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(tell(decision), "allowed by identity-based policy");
  EXPECT_EQ(decision.statement->index, 1U);
  EXPECT_GT(allocations, before) << "the counter does not count";
}
#endif

TEST(Explain, NamesEveryStatementThatApplies) {
  const auto all = allowing(Kind::ServiceControl, "*");
  const std::vector<ControlLevel> levels = {{"r-1", {all}}};
  const std::vector<AttachedPolicy> identity = {allowing(Kind::Identity), denying(Kind::Identity)};
  const auto bucket = granting("'*'");
  const auto boundary = allowing(Kind::Boundary);
  const PoliciesView policies{
      .identity = identity, .boundary = &boundary, .service_control = levels, .resource = &bucket};
  const auto explanation = explain(request_of(user()), policies);
  EXPECT_EQ(summarize(explanation.decision),
            "explicitly denied by statement 'No' of identity-based policy 'p'");
  std::vector<PolicyType> types;
  for (const auto& one : explanation.matched) types.push_back(one.type);
  EXPECT_THAT(types, testing::ElementsAre(PolicyType::ServiceControl, PolicyType::Resource,
                                          PolicyType::Identity, PolicyType::Identity,
                                          PolicyType::Boundary));
  EXPECT_EQ(summarize(evaluate(request_of(user(kOther)), policies)),
            "explicitly denied by statement 'No' of identity-based policy 'p'");
  EXPECT_EQ(summarize(evaluate(request_of(user()), {.service_control = levels})),
            "denied: no identity-based policy allows it");
  EXPECT_EQ(summarize(evaluate(request_of(root()), {})), "allowed by the caller's own right");
}

}  // namespace
}  // namespace traccia::policy
