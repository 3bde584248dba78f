// STS through execute(): who may become what, what that is limited by, and what is recorded.
// SPDX-License-Identifier: Apache-2.0
#include "api/test_sts.h"

namespace traccia::api {
namespace {

class AssumeRoleTest : public StsTest {};

TEST_F(AssumeRoleTest, CredentialsActForTheRole) {
  role("auditor", trusting_account());
  allow_role("auditor", "iam:ListUsers");
  const auto made = get("AssumeRole", asking("auditor"));
  const auto& user = made.at("AssumedRoleUser").as_object();
  EXPECT_EQ(user.at("Arn"), "arn:aws:sts::111122223333:assumed-role/auditor/s1");
  EXPECT_TRUE(user.at("AssumedRoleId").as_string().starts_with("AROA"));
  EXPECT_TRUE(user.at("AssumedRoleId").as_string().ends_with(":s1"));
  EXPECT_FALSE(made.contains("PackedPolicySize"));
  become(made);
  EXPECT_EQ(get("GetCallerIdentity", {}).at("UserId"), user.at("AssumedRoleId"));
  EXPECT_EQ(get("GetCallerIdentity", {}).at("Arn"), user.at("Arn"));
  EXPECT_EQ(error("ListUsers", {}), "");
  EXPECT_EQ(error("ListRoles", {}),
            "403 AccessDenied: User: arn:aws:sts::111122223333:assumed-role/auditor/s1 is not "
            "authorized to perform: iam:ListRoles on resource: arn:aws:iam::111122223333:role/ "
            "because no identity-based policy allows the iam:ListRoles action");
}

TEST_F(AssumeRoleTest, EventsTellWhoIsBehind) {
  role("auditor", trusting_account());
  allow_role("auditor", "iam:ListUsers");
  const auto made = get("AssumeRole", asking("auditor", {{"SourceIdentity", "ann"}}));
  const auto assumed = last_event();
  EXPECT_EQ(assumed.at("eventSource"), "sts.amazonaws.com");
  EXPECT_EQ(assumed.at("awsRegion"), "eu-west-1");
  EXPECT_EQ(assumed.at("readOnly"), true);
  EXPECT_EQ(assumed.at("requestParameters").at("roleSessionName"), "s1");
  const auto& shown = assumed.at("responseElements").at("credentials").as_object();
  EXPECT_EQ(shown.at("accessKeyId"), made.at("Credentials").at("AccessKeyId"));
  EXPECT_EQ(shown.at("sessionToken"), json::Value(aws::kHidden));
  EXPECT_EQ(assumed.at("resources").as_array()[0].at("ARN"), json::Value(role_arn("auditor")));
  EXPECT_FALSE(assumed.contains("sharedEventID"));

  become(made);
  EXPECT_NE(error("CreateUser", {{"UserName", "x"}}), "");
  const auto event = last_event();
  const auto& identity = event.at("userIdentity").as_object();
  EXPECT_EQ(identity.at("type"), "AssumedRole");
  EXPECT_EQ(identity.at("principalId"), made.at("AssumedRoleUser").at("AssumedRoleId"));
  EXPECT_EQ(identity.at("arn"), made.at("AssumedRoleUser").at("Arn"));
  EXPECT_EQ(identity.at("accessKeyId"), made.at("Credentials").at("AccessKeyId"));
  EXPECT_FALSE(identity.contains("userName"));
  const auto& context = identity.at("sessionContext").as_object();
  EXPECT_EQ(context.at("sessionIssuer").at("type"), "Role");
  EXPECT_EQ(context.at("sessionIssuer").at("arn"), json::Value(role_arn("auditor")));
  EXPECT_EQ(context.at("sessionIssuer").at("userName"), "auditor");
  EXPECT_EQ(context.at("attributes").at("mfaAuthenticated"), "false");
  EXPECT_EQ(context.at("sourceIdentity"), "ann");
  for (const auto* secret : {"SecretAccessKey", "SessionToken"}) {
    const auto text = std::string(made.at("Credentials").at(secret).as_string());
    for (const auto& one : events()) {
      EXPECT_EQ(json::serialize(one).find(text), std::string::npos);
    }
  }
}

TEST_F(AssumeRoleTest, TrustDecides) {
  const auto refused = [&](std::string_view name) {
    return fmt::format(
        "403 AccessDenied: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: "
        "sts:AssumeRole on resource: {}",
        role_arn(name));
  };
  user("bob");
  role("open", trusting_account());
  role("bobs", trusting(user_arn("bob")));
  role("anns", trusting(user_arn("administrator")));
  as("bob");
  EXPECT_EQ(error("AssumeRole", asking("bobs")), "") << "named himself";
  EXPECT_EQ(error("AssumeRole", asking("anns")), refused("anns"));
  EXPECT_EQ(error("AssumeRole", asking("missing")), refused("missing"));
  EXPECT_EQ(error("AssumeRole", asking("open")),
            refused("open") + " because no identity-based policy allows the sts:AssumeRole action");
  as_administrator();
  allow_user("bob", "sts:AssumeRole");
  as("bob");
  EXPECT_EQ(error("AssumeRole", asking("open")), "");
  EXPECT_EQ(error("AssumeRole", asking("anns")), refused("anns"));
}

TEST_F(AssumeRoleTest, ExternalIdAndRequestAreConditions) {
  role("partner", trusting_account(R"({"StringEquals":{"sts:ExternalId":"secret-1"}})"));
  EXPECT_TRUE(error("AssumeRole", asking("partner")).starts_with("403 AccessDenied: "));
  EXPECT_NE(error("AssumeRole", asking("partner", {{"ExternalId", "secret-2"}})), "");
  EXPECT_EQ(error("AssumeRole", asking("partner", {{"ExternalId", "secret-1"}})), "");
  role("named", trusting_account(R"({"StringLike":{"sts:RoleSessionName":"ann-*"}})"));
  EXPECT_NE(error("AssumeRole", asking("named")), "");
  EXPECT_EQ(error("AssumeRole", asking("named", {{"RoleSessionName", "ann-1"}})), "");
}

TEST_F(AssumeRoleTest, TagsAndSourceIdentityNeedPermission) {
  const json::Array tags{json::Object{{"Key", "team"}, {"Value", "a"}}};
  role("plain", trusting_account());
  role("tagged", trusting_account("", R"(["sts:AssumeRole","sts:TagSession"])"));
  EXPECT_TRUE(error("AssumeRole", asking("plain", {{"SourceIdentity", "ann"}})).empty())
      << "the account's policies decide where the trust policy hands over";
  user("bob");
  role("bobs", trusting(user_arn("bob")));
  as("bob");
  EXPECT_NE(error("AssumeRole", asking("bobs", {{"Tags", tags}})).find("sts:TagSession"),
            std::string::npos);
  EXPECT_NE(error("AssumeRole", asking("bobs", {{"SourceIdentity", "ann"}}))
                .find("sts:SetSourceIdentity"),
            std::string::npos);
}

TEST_F(AssumeRoleTest, DurationsHaveTheirBounds) {
  role("r", trusting_account());
  allow_role("r", "sts:AssumeRole");
  EXPECT_EQ(error("AssumeRole", asking("r", {{"DurationSeconds", 3601}})),
            "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set "
            "for this role.");
  get("UpdateRole", {{"RoleName", "r"}, {"MaxSessionDuration", 7200}});
  EXPECT_EQ(error("AssumeRole", asking("r", {{"DurationSeconds", 7200}})), "");
  become(get("AssumeRole", asking("r", {{"DurationSeconds", 900}})));
  EXPECT_EQ(caller_.principal.session->session.expires - caller_.principal.session->session.issued,
            std::chrono::seconds(900));
  EXPECT_EQ(error("AssumeRole", asking("r", {{"DurationSeconds", 3601}})),
            "400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit "
            "for roles assumed by role chaining.");
  EXPECT_EQ(error("AssumeRole", asking("r")), "");
  EXPECT_TRUE(error("AssumeRole", asking("r", {{"DurationSeconds", 899}}))
                  .starts_with("400 ValidationError: 1 validation error detected: "));
}

TEST_F(AssumeRoleTest, SessionPoliciesNarrow) {
  role("wide", trusting_account());
  allow_role("wide", "iam:List*");
  const auto only_users = allowing("iam:ListUsers");
  become(get("AssumeRole", asking("wide", {{"Policy", only_users}})));
  EXPECT_EQ(error("ListUsers", {}), "");
  EXPECT_TRUE(error("ListRoles", {})
                  .ends_with("because no session policy allows the iam:ListRoles action"));
  EXPECT_TRUE(error("CreateUser", {{"UserName", "x"}}).starts_with("403 AccessDenied: "))
      << "what a session policy allows the role must allow too";
  as_administrator();
  const json::Array arns{
      json::Object{{"arn", "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}}};
  const auto made = get("AssumeRole", asking("wide", {{"PolicyArns", arns}}));
  EXPECT_EQ(made.at("PackedPolicySize"), 2);
  become(made);
  EXPECT_NE(error("ListUsers", {}), "");
}

TEST_F(AssumeRoleTest, WhatDoesNotFitIsRefused) {
  role("r", trusting_account());
  EXPECT_TRUE(error("AssumeRole", asking("r", {{"Policy", "{}"}}))
                  .starts_with("400 MalformedPolicyDocument: "));
  EXPECT_EQ(last_event().at("errorCode"), "MalformedPolicyDocumentException");
  EXPECT_EQ(error("AssumeRole", asking("r", {{"Policy", std::string(2253, ' ')}})),
            "400 PackedPolicyTooLarge: Packed policy consumes 110% of allotted space, please use "
            "smaller policy.");
  json::Array tags;
  for (int i = 0; i < 20; ++i) {
    tags.push_back(
        json::Object{{"Key", fmt::format("k{:02}", i)}, {"Value", std::string(250, 'v')}});
  }
  EXPECT_EQ(error("AssumeRole", asking("r", {{"Tags", tags}})),
            "400 PackedPolicyTooLarge: Packed size of session tags consumes 124% of allotted "
            "space.");
  EXPECT_EQ(last_event().at("errorCode"), "PackedPolicyTooLargeException");
  EXPECT_EQ(error("AssumeRole", asking("r", {{"RoleArn", "arn:aws:iam::111122223333:user/r"}})),
            "400 ValidationError: Request ARN is invalid");
}

TEST_F(AssumeRoleTest, TransitiveTagsAndSourceIdentityGoOn) {
  role("first", trusting_account());
  role("second", trusting_account());
  allow_role("first", "sts:*");
  const json::Array tags{json::Object{{"Key", "team"}, {"Value", "a"}},
                         json::Object{{"Key", "shift"}, {"Value", "night"}}};
  become(get("AssumeRole", asking("first", {{"Tags", tags},
                                            {"TransitiveTagKeys", json::Array{"team"}},
                                            {"SourceIdentity", "ann"}})));
  EXPECT_TRUE(error("AssumeRole", asking("second", {{"Tags", tags}}))
                  .ends_with("a transitive tag key from the calling session."));
  EXPECT_TRUE(error("AssumeRole", asking("second", {{"SourceIdentity", "eve"}}))
                  .starts_with("403 AccessDenied: "));
  become(get("AssumeRole", asking("second")));
  const auto& session = caller_.principal.session->session;
  ASSERT_EQ(session.tags.size(), 1U);
  EXPECT_EQ(session.tags[0].value, "a");
  EXPECT_EQ(session.transitive_tag_keys, (std::vector<std::string>{"team"}));
  EXPECT_EQ(session.source_identity, "ann");
}

TEST_F(AssumeRoleTest, AcrossAccountsBothMustAllowAndBothAreTold) {
  account("444455556666");
  role_of("444455556666", "shared", trusting("arn:aws:iam::111122223333:root"));
  const std::string arn = "arn:aws:iam::444455556666:role/shared";
  user("bob");
  as("bob");
  const auto refused =
      "403 AccessDenied: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: "
      "sts:AssumeRole on resource: " +
      arn;
  EXPECT_EQ(error("AssumeRole", asking("", {{"RoleArn", arn}})), refused);
  EXPECT_EQ(last_event().at("recipientAccountId"), json::Value(kAccount));
  as_administrator();
  allow_user("bob", "sts:AssumeRole");
  as("bob");
  const auto made = get("AssumeRole", asking("", {{"RoleArn", arn}}));
  const auto all = events();
  const auto& own = all[all.size() - 2];
  const auto& theirs = all.back();
  EXPECT_EQ(own.at("recipientAccountId"), json::Value(kAccount));
  EXPECT_EQ(own.at("userIdentity").at("type"), "IAMUser");
  EXPECT_EQ(theirs.at("recipientAccountId"), "444455556666");
  EXPECT_EQ(theirs.at("userIdentity").at("type"), "AWSAccount");
  EXPECT_EQ(theirs.at("userIdentity").at("accountId"), json::Value(kAccount));
  EXPECT_FALSE(theirs.at("userIdentity").as_object().contains("arn"));
  EXPECT_EQ(own.at("sharedEventID"), theirs.at("sharedEventID"));
  EXPECT_NE(own.at("eventID"), theirs.at("eventID"));
  become(made);
  EXPECT_EQ(caller_.principal.account_id, "444455556666");
}

}  // namespace
}  // namespace traccia::api
