// What calls are authorised on: resources, condition keys, and the words of denials.
// SPDX-License-Identifier: Apache-2.0
#include "api/access.h"

#include "api/test_callers.h"

namespace traccia::api {
namespace {

constexpr std::string_view kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
    R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr std::string_view kPolicy =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})";
constexpr std::string_view kReadOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess";

json::Object tag(std::string_view key, std::string_view value) {
  return {{"Key", key}, {"Value", value}};
}

class AccessTest : public CallersTest {
 protected:
  // A trail that is stored without its bucket.
  void make_trail(std::string_view name, std::vector<trail::Tag> tags, bool multi_region) {
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
      trail::CreateRequest request;
      request.name = name;
      request.bucket = "b";
      request.multi_region = multi_region;
      request.tags = std::move(tags);
      TRY(trails_.create(transaction, {std::string(kAccount), "eu-west-1"}, request,
                         fake_.clock.now()));
      return {};
    }));
  }
};

TEST_F(AccessTest, DenialsNameTheResourceAsIamDoes) {
  as_administrator("iam:CreateUser", {{"UserName", "alice"}, {"Path", "/team/"}});
  struct Case {
    std::string_view operation;
    json::Object input;
    std::string_view resource;
  };
  const Case cases[] = {
      {"iam:GetUser", {{"UserName", "alice"}}, "user alice"},
      {"iam:GetUser", {}, "user worker"},
      {"iam:GetUser", {{"UserName", "nobody"}}, "user nobody"},
      {"iam:ListAccessKeys", {}, "user worker"},
      {"iam:GetGroup", {{"GroupName", "g"}}, "group g"},
      {"iam:GetRole", {{"RoleName", "r"}}, "role r"},
      {"iam:ListUsers", {}, "arn:aws:iam::111122223333:user/"},
      {"iam:ListRoles", {{"PathPrefix", "/a/"}}, "arn:aws:iam::111122223333:role/a/"},
      {"iam:ListPolicies", {}, "policy path /"},
      {"iam:CreateUser",
       {{"UserName", "n"}, {"Path", "/p/"}},
       "arn:aws:iam::111122223333:user/p/n"},
      {"iam:TagUser",
       {{"UserName", "alice"}, {"Tags", json::Array{tag("a", "b")}}},
       "arn:aws:iam::111122223333:user/team/alice"},
      {"iam:CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", kPolicy}}, "policy p"},
      {"iam:GetPolicy",
       {{"PolicyArn", kReadOnly}},
       "policy arn:aws:iam::aws:policy/ReadOnlyAccess"},
      {"iam:GetAccessKeyLastUsed",
       {{"AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"}},
       "access key AKIAAAAAAAAAAAAAAAAA"},
      {"iam:GetAccountSummary", {}, "*"},
  };
  for (const auto& [operation, input, resource] : cases) {
    EXPECT_EQ(refusal(operation, input),
              fmt::format("{0} on resource: {1} because no identity-based policy allows the {0} "
                          "action",
                          operation, resource));
  }
}

TEST_F(AccessTest, DenialsNameTrailsByArnAndLeaveOutAll) {
  make_trail("wide", {}, true);
  const auto denied = [&](std::string_view operation, const json::Object& input) {
    const auto said = refusal(operation, input);
    return said.substr(0, said.find(" because"));
  };
  EXPECT_EQ(denied("cloudtrail:StopLogging", {{"Name", "main"}}),
            "cloudtrail:StopLogging on resource: "
            "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main");
  EXPECT_EQ(denied("cloudtrail:LookupEvents", {}), "cloudtrail:LookupEvents");
  worker_.region = "us-east-1";
  EXPECT_EQ(denied("cloudtrail:GetTrail", {{"Name", "wide"}}),
            "cloudtrail:GetTrail on resource: arn:aws:cloudtrail:eu-west-1:111122223333:trail/wide")
      << "a shadow is its home region's trail";
}

TEST_F(AccessTest, StatementsThatNameTrails) {
  make_trail("main", {}, false);
  allow("cloudtrail:Get*", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main");
  EXPECT_EQ(refusal("cloudtrail:GetTrail", {{"Name", "main"}}), "");
  EXPECT_EQ(refusal("cloudtrail:GetEventSelectors", {{"TrailName", "main"}}), "");
  EXPECT_NE(refusal("cloudtrail:GetTrail", {{"Name", "other"}}), "");
  EXPECT_NE(refusal("cloudtrail:StartLogging", {{"Name", "main"}}), "");
  allow("cloudtrail:*", "arn:aws:cloudtrail:*:*:trail/m*");
  EXPECT_EQ(refusal("cloudtrail:GetTrail", {{"Name", "missing"}}), "TrailNotFound");
  EXPECT_NE(refusal("cloudtrail:ListTrails", {}), "") << "asks for *";
}

// Of several resources each must be allowed, and none is no way around.
TEST_F(AccessTest, EachOfTheTrailsNamed) {
  make_trail("one", {}, false);
  make_trail("two", {}, false);
  const std::string prefix = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/";
  allow("cloudtrail:ListTags", prefix + "one");
  EXPECT_EQ(refusal("cloudtrail:ListTags", {{"ResourceIdList", json::Array{prefix + "one"}}}), "");
  EXPECT_NE(refusal("cloudtrail:ListTags",
                    {{"ResourceIdList", json::Array{prefix + "one", prefix + "two"}}}),
            "");
  EXPECT_NE(refusal("cloudtrail:ListTags", {{"ResourceIdList", json::Array{}}}), "");
  EXPECT_EQ(refusal("cloudtrail:ListTags", {{"ResourceIdList", json::Array(101, "x")}}),
            "ValidationException");
}

TEST_F(AccessTest, TagsOfTheTrailAndOfTheRequest) {
  make_trail("main", {{"Team", "audit"}}, false);
  const std::string arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main";
  allow("cloudtrail:GetTrail", "*", R"({"StringEquals":{"aws:ResourceTag/Team":"audit"}})");
  EXPECT_EQ(refusal("cloudtrail:GetTrail", {{"Name", "main"}}), "");
  allow("cloudtrail:GetTrail", "*", R"({"StringEquals":{"aws:ResourceTag/Team":"ops"}})");
  EXPECT_NE(refusal("cloudtrail:GetTrail", {{"Name", "main"}}), "");

  allow("cloudtrail:AddTags", arn,
        R"({"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},)"
        R"("StringEquals":{"aws:RequestTag/a":"1"}})");
  const auto add = [&](json::Array tags) {
    return refusal("cloudtrail:AddTags", {{"ResourceId", arn}, {"TagsList", std::move(tags)}});
  };
  EXPECT_EQ(add({tag("a", "1"), tag("b", "2")}), "");
  EXPECT_NE(add({tag("a", "2")}), "");
  EXPECT_NE(add({tag("a", "1"), tag("c", "3")}), "") << "each of the key's values counts";
}

TEST_F(AccessTest, PathsOfUsers) {
  as_administrator("iam:CreateUser", {{"UserName", "alice"}, {"Path", "/team/"}});
  allow("iam:*", "arn:aws:iam::111122223333:user/team/*");
  EXPECT_EQ(refusal("iam:GetUser", {{"UserName", "alice"}}), "");
  EXPECT_EQ(refusal("iam:GetUser", {{"UserName", "ALICE"}}), "");
  EXPECT_NE(refusal("iam:GetUser", {{"UserName", "worker"}}), "");
  EXPECT_EQ(refusal("iam:ListUsers", {{"PathPrefix", "/team/"}}), "");
  EXPECT_NE(refusal("iam:ListUsers", {}), "");
  EXPECT_EQ(refusal("iam:CreateUser", {{"UserName", "bob"}, {"Path", "/team/"}}), "");
  EXPECT_NE(refusal("iam:CreateUser", {{"UserName", "carol"}}), "");
  EXPECT_NE(refusal("iam:CreateUser", {{"UserName", "alice"}, {"Path", "/"}}), "")
      << "asked for is the user that it would make";
  // Renaming asks for both names.
  EXPECT_EQ(refusal("iam:UpdateUser", {{"UserName", "bob"}, {"NewUserName", "rob"}}), "");
  EXPECT_EQ(refusal("iam:UpdateUser", {{"UserName", "rob"}, {"NewPath", "/"}}),
            "iam:UpdateUser on resource: arn:aws:iam::111122223333:user/rob because no "
            "identity-based policy allows the iam:UpdateUser action");
}

// Who may not know whether a user is there is told the same in both cases.
TEST_F(AccessTest, WhatIsNotThereIsDeniedAlike) {
  as_administrator("iam:CreateUser", {{"UserName", "there"}});
  auto there = refusal("iam:DeleteUser", {{"UserName", "there"}});
  const auto missing = refusal("iam:DeleteUser", {{"UserName", "where"}});
  there.replace(there.find("there"), 5, "where");
  EXPECT_EQ(there, missing);
  allow("iam:DeleteUser", "arn:aws:iam::111122223333:user/w*");
  EXPECT_EQ(refusal("iam:DeleteUser", {{"UserName", "where"}}), "NoSuchEntity");
  EXPECT_NE(refusal("iam:DeleteUser", {{"UserName", "there"}}), "");
}

TEST_F(AccessTest, PoliciesAndBoundariesThatMayBeGiven) {
  as_administrator("iam:CreateUser", {{"UserName", "alice"}});
  allow("iam:AttachUserPolicy", "*",
        fmt::format(R"({{"ArnEquals":{{"iam:PolicyARN":"{}"}}}})", kReadOnly));
  const auto attach = [&](std::string_view arn) {
    return refusal("iam:AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}});
  };
  EXPECT_EQ(attach(kReadOnly), "");
  EXPECT_NE(attach("arn:aws:iam::aws:policy/AdministratorAccess"), "");

  const auto bounded =
      fmt::format(R"({{"StringEquals":{{"iam:PermissionsBoundary":"{}"}}}})", kReadOnly);
  allow("iam:*", "*", bounded);
  EXPECT_NE(refusal("iam:CreateUser", {{"UserName", "bob"}}), "");
  EXPECT_EQ(refusal("iam:CreateUser", {{"UserName", "bob"}, {"PermissionsBoundary", kReadOnly}}),
            "");
  const json::Object inline_policy{
      {"UserName", "bob"}, {"PolicyName", "p"}, {"PolicyDocument", kPolicy}};
  EXPECT_EQ(refusal("iam:PutUserPolicy", inline_policy), "") << "bob's boundary";
  auto of_alice = inline_policy;
  of_alice["UserName"] = "alice";
  EXPECT_NE(refusal("iam:PutUserPolicy", of_alice), "");
  EXPECT_NE(refusal("iam:PutUserPermissionsBoundary",
                    {{"UserName", "bob"},
                     {"PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"}}),
            "")
      << "the one that would be set";
}

TEST_F(AccessTest, TagsOfRolesAndTheRightToTag) {
  as_administrator("iam:CreateRole", {{"RoleName", "r"},
                                      {"AssumeRolePolicyDocument", kTrust},
                                      {"Tags", json::Array{tag("Team", "audit")}}});
  for (const std::string key : {"aws:ResourceTag/Team", "iam:ResourceTag/team"}) {
    allow("iam:GetRole", "*", fmt::format(R"({{"StringEquals":{{"{}":"audit"}}}})", key));
    EXPECT_EQ(refusal("iam:GetRole", {{"RoleName", "r"}}), "") << key;
  }
  allow("iam:CreateUser", "*");
  EXPECT_EQ(refusal("iam:CreateUser", {{"UserName", "plain"}}), "");
  EXPECT_EQ(
      refusal("iam:CreateUser", {{"UserName", "tagged"}, {"Tags", json::Array{tag("a", "b")}}}),
      "iam:TagUser on resource: arn:aws:iam::111122223333:user/tagged because no "
      "identity-based policy allows the iam:TagUser action");
  allow("iam:UntagRole", "*", R"({"ForAllValues:StringLike":{"aws:TagKeys":"T*"}})");
  EXPECT_NE(refusal("iam:UntagRole", {{"RoleName", "r"}, {"TagKeys", json::Array{"Team", "x"}}}),
            "");
  EXPECT_EQ(refusal("iam:UntagRole", {{"RoleName", "r"}, {"TagKeys", json::Array{"Team"}}}), "");
}

}  // namespace
}  // namespace traccia::api
