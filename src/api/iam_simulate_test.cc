// The simulators say what the authoriser would, and by which statements; what an account holds.
// SPDX-License-Identifier: Apache-2.0
#include "api/test_callers.h"

namespace traccia::api {
namespace {

constexpr std::string_view kRead =
    R"({"Version": "2012-10-17", "Statement": [{"Effect":"Allow","Action":"s3:Get*",)"
    R"("Resource":"arn:aws:s3:::open/*"},{"Effect":"Deny","Action":"s3:*",)"
    R"("Resource":"arn:aws:s3:::open/secret/*"}]})";
constexpr std::string_view kOwnHome =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject",)"
    R"("Resource":"arn:aws:s3:::home/${aws:username}/*",)"
    R"("Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}})";
constexpr std::string_view kWorker = "arn:aws:iam::111122223333:user/worker";

class SimulateTest : public CallersTest {
 protected:
  json::Array simulate(std::string_view operation, const json::Object& input) {
    return as_administrator(operation, input).at("EvaluationResults").as_array();
  }
  json::Object simulate_one(json::Object input) {
    const auto results = simulate("iam:SimulateCustomPolicy", input);
    EXPECT_EQ(results.size(), 1U);
    return results.at(0).as_object();
  }
  std::string refused(std::string_view operation, const json::Object& input) {
    const auto output = call(administrator_, operation, input);
    return output ? "" : std::string(output.error().reason());
  }
};

TEST_F(SimulateTest, EachActionWithTheStatementsThatDecide) {
  const auto results = simulate("iam:SimulateCustomPolicy",
                                {{"PolicyInputList", json::Array{kRead}},
                                 {"ActionNames", json::Array{"s3:GetObject", "s3:PutObject"}},
                                 {"ResourceArns", json::Array{"arn:aws:s3:::open/a"}}});
  ASSERT_EQ(results.size(), 2U);
  const auto& get = results[0].as_object();
  EXPECT_EQ(get.at("EvalActionName"), "s3:GetObject");
  EXPECT_EQ(get.at("EvalResourceName"), "arn:aws:s3:::open/a");
  EXPECT_EQ(get.at("EvalDecision"), "allowed");
  const auto& matched = get.at("MatchedStatements").at(0).as_object();
  EXPECT_EQ(matched.at("SourcePolicyId"), "PolicyInputList.1");
  EXPECT_EQ(matched.at("SourcePolicyType"), "IAM Policy");
  EXPECT_EQ(matched.at("StartPosition"), (json::Object{{"Line", 1}, {"Column", 41}}));
  EXPECT_EQ(matched.at("EndPosition"), (json::Object{{"Line", 1}, {"Column", 111}}));
  EXPECT_EQ(get.at("ResourceSpecificResults").at(0).at("EvalResourceDecision"), "allowed");
  EXPECT_FALSE(get.contains("PermissionsBoundaryDecisionDetail"));
  EXPECT_EQ(results[1].at("EvalDecision"), "implicitDeny");
  EXPECT_TRUE(results[1].at("MatchedStatements").as_array().empty());
}

TEST_F(SimulateTest, ADenialNamesOnlyWhatDenies) {
  const auto result = simulate_one({{"PolicyInputList", json::Array{kRead}},
                                    {"ActionNames", json::Array{"s3:GetObject"}},
                                    {"ResourceArns", json::Array{"arn:aws:s3:::open/secret/a"}}});
  EXPECT_EQ(result.at("EvalDecision"), "explicitDeny");
  ASSERT_EQ(result.at("MatchedStatements").as_array().size(), 1U);
  EXPECT_EQ(result.at("MatchedStatements").at(0).at("StartPosition").at("Column"), 112);
}

TEST_F(SimulateTest, SeveralResourcesTogetherAndEachByItself) {
  const auto decide = [&](json::Array resources) {
    return simulate_one({{"PolicyInputList", json::Array{kRead}},
                         {"ActionNames", json::Array{"s3:GetObject"}},
                         {"ResourceArns", std::move(resources)}});
  };
  const auto mixed = decide({"arn:aws:s3:::open/a", "arn:aws:s3:::other/a"});
  EXPECT_EQ(mixed.at("EvalDecision"), "allowed");
  EXPECT_EQ(mixed.at("ResourceSpecificResults").at(0).at("EvalResourceDecision"), "allowed");
  EXPECT_EQ(mixed.at("ResourceSpecificResults").at(1).at("EvalResourceDecision"), "implicitDeny");
  EXPECT_EQ(decide({"arn:aws:s3:::open/a", "arn:aws:s3:::open/secret/a"}).at("EvalDecision"),
            "explicitDeny");
  EXPECT_EQ(decide({"arn:aws:s3:::x/a", "arn:aws:s3:::y/a"}).at("EvalDecision"), "implicitDeny");
}

TEST_F(SimulateTest, KeysComeFromTheCallerAndTheInput) {
  json::Object input{{"PolicyInputList", json::Array{kOwnHome}},
                     {"ActionNames", json::Array{"s3:PutObject"}},
                     {"ResourceArns", json::Array{"arn:aws:s3:::home/alice/a"}}};
  auto result = simulate_one(input);
  EXPECT_EQ(result.at("EvalDecision"), "implicitDeny");
  EXPECT_EQ(result.at("MissingContextValues"), (json::Array{"aws:SourceIp", "aws:username"}));
  input["CallerArn"] = "arn:aws:iam::111122223333:user/team/alice";
  input["ContextEntries"] =
      json::Array{json::Object{{"ContextKeyName", "aws:sourceip"},
                               {"ContextKeyType", "ip"},
                               {"ContextKeyValues", json::Array{"10.1.2.3"}}}};
  result = simulate_one(input);
  EXPECT_EQ(result.at("EvalDecision"), "allowed");
  EXPECT_TRUE(result.at("MissingContextValues").as_array().empty());
}

TEST_F(SimulateTest, BoundariesAndResourcePolicies) {
  json::Object input{{"PolicyInputList", json::Array{kRead}},
                     {"PermissionsBoundaryPolicyInputList", json::Array{kOwnHome}},
                     {"ActionNames", json::Array{"s3:GetObject"}},
                     {"ResourceArns", json::Array{"arn:aws:s3:::open/a"}}};
  auto result = simulate_one(input);
  EXPECT_EQ(result.at("EvalDecision"), "implicitDeny");
  EXPECT_EQ(result.at("PermissionsBoundaryDecisionDetail").at("AllowedByPermissionsBoundary"),
            false);
  input["ResourcePolicy"] =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":)"
      R"("arn:aws:iam::111122223333:user/alice"},"Action":"s3:GetObject",)"
      R"("Resource":"arn:aws:s3:::open/*"}})";
  EXPECT_EQ(refused("iam:SimulateCustomPolicy", input), "InvalidInput") << "of whom?";
  input["CallerArn"] = "arn:aws:iam::111122223333:user/alice";
  result = simulate_one(input);
  EXPECT_EQ(result.at("EvalDecision"), "allowed") << "granted to the user itself";
  input["ResourceOwner"] = "arn:aws:iam::444455556666:root";
  EXPECT_EQ(simulate_one(input).at("EvalDecision"), "implicitDeny") << "the boundary limits it";
}

TEST_F(SimulateTest, OfAPrincipalWhatDecidesItsCalls) {
  as_administrator("iam:CreateGroup", {{"GroupName", "team"}});
  as_administrator("iam:AddUserToGroup", {{"GroupName", "team"}, {"UserName", "worker"}});
  as_administrator("iam:PutGroupPolicy",
                   {{"GroupName", "team"}, {"PolicyName", "read"}, {"PolicyDocument", kRead}});
  as_administrator("iam:AttachUserPolicy",
                   {{"UserName", "worker"},
                    {"PolicyArn", "arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess"}});
  const auto sources = [&](std::string_view source, std::string_view action,
                           std::string_view resource) {
    std::string out;
    const auto results =
        simulate("iam:SimulatePrincipalPolicy", {{"PolicySourceArn", source},
                                                 {"ActionNames", json::Array{action}},
                                                 {"ResourceArns", json::Array{resource}}});
    for (const auto& matched : results.at(0).at("MatchedStatements").as_array()) {
      out.append(matched.at("SourcePolicyId").as_string()).append(" ");
    }
    return out;
  };
  EXPECT_EQ(sources(kWorker, "s3:GetObject", "arn:aws:s3:::open/a"), "group_team_read ");
  EXPECT_EQ(sources("arn:aws:iam::111122223333:group/team", "s3:GetObject", "arn:aws:s3:::open/a"),
            "group_team_read ");
  EXPECT_EQ(sources(kWorker, "cloudtrail:GetTrail", "*"), "AWSCloudTrail_ReadOnlyAccess ");
  EXPECT_EQ(sources(kWorker, "cloudtrail:StopLogging", "*"), "");
  EXPECT_EQ(refused("iam:SimulatePrincipalPolicy",
                    {{"PolicySourceArn", "arn:aws:iam::111122223333:user/nobody"},
                     {"ActionNames", json::Array{"s3:GetObject"}}}),
            "NoSuchEntity");
  EXPECT_EQ(refused("iam:SimulatePrincipalPolicy",
                    {{"PolicySourceArn", "arn:aws:iam::444455556666:user/worker"},
                     {"ActionNames", json::Array{"s3:GetObject"}}}),
            "NoSuchEntity");
  EXPECT_EQ(refused("iam:SimulatePrincipalPolicy", {{"PolicySourceArn", "arn:aws:s3:::a-bucket"},
                                                    {"ActionNames", json::Array{"s3:GetObject"}}}),
            "InvalidInput");
}

TEST_F(SimulateTest, PagesOfActions) {
  json::Object input{{"PolicyInputList", json::Array{kRead}},
                     {"ActionNames", json::Array{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}},
                     {"MaxItems", 2}};
  const auto first = as_administrator("iam:SimulateCustomPolicy", input);
  EXPECT_EQ(first.at("IsTruncated"), true);
  EXPECT_EQ(first.at("EvaluationResults").as_array().size(), 2U);
  input["Marker"] = first.at("Marker");
  const auto second = as_administrator("iam:SimulateCustomPolicy", input);
  EXPECT_EQ(second.at("IsTruncated"), false);
  EXPECT_EQ(second.at("EvaluationResults").at(0).at("EvalActionName"), "s3:ListBucket");
  EXPECT_EQ(second.at("EvaluationResults").at(0).at("EvalResourceName"), "*");
  EXPECT_EQ(refused("iam:SimulateCustomPolicy", {{"PolicyInputList", json::Array{"{}"}},
                                                 {"ActionNames", json::Array{"s3:GetObject"}}}),
            "InvalidInput");
}

TEST_F(SimulateTest, KeysThatPoliciesRead) {
  set_policy(kOwnHome);
  const json::Array both{"aws:SourceIp", "aws:username"};
  EXPECT_EQ(as_administrator("iam:GetContextKeysForPrincipalPolicy", {{"PolicySourceArn", kWorker}})
                .at("ContextKeyNames"),
            both);
  EXPECT_EQ(as_administrator("iam:GetContextKeysForCustomPolicy",
                             {{"PolicyInputList", json::Array{kOwnHome, kRead}}})
                .at("ContextKeyNames"),
            both);
}

TEST_F(SimulateTest, TheAccountInPages) {
  set_policy(kRead);
  as_administrator("iam:CreateGroup", {{"GroupName", "team"}});
  as_administrator("iam:AddUserToGroup", {{"GroupName", "team"}, {"UserName", "worker"}});
  as_administrator("iam:CreatePolicy", {{"PolicyName", "local"}, {"PolicyDocument", kRead}});
  std::vector<std::string> seen;
  json::Object input{{"MaxItems", 1}};
  for (bool more = true; more;) {
    const auto page = as_administrator("iam:GetAccountAuthorizationDetails", input);
    for (const auto* list : {"UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"}) {
      for (const auto& one : page.at(list).as_array()) {
        seen.emplace_back(one.at("Arn").as_string());
      }
    }
    more = page.at("IsTruncated").as_bool();
    if (more) input["Marker"] = page.at("Marker");
    ASSERT_LT(seen.size(), 10U);
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"arn:aws:iam::111122223333:user/administrator",
                                      std::string(kWorker), "arn:aws:iam::111122223333:group/team",
                                      "arn:aws:iam::111122223333:policy/local",
                                      "arn:aws:iam::aws:policy/AdministratorAccess"}));
  const auto users =
      as_administrator("iam:GetAccountAuthorizationDetails", {{"Filter", json::Array{"User"}}});
  EXPECT_TRUE(users.at("Policies").as_array().empty());
  const auto& worker = users.at("UserDetailList").at(1).as_object();
  EXPECT_EQ(worker.at("GroupList"), (json::Array{"team"}));
  EXPECT_EQ(worker.at("UserPolicyList").at(0).at("PolicyName"), "p");
  EXPECT_EQ(refused("iam:GetAccountAuthorizationDetails", {{"Marker", "MTo5Og=="}}),
            "ValidationException");
}

}  // namespace
}  // namespace traccia::api
