// Accounts and tokens as the operator and as a tenant see them.
// SPDX-License-Identifier: Apache-2.0
#include "api/operation_call.h"
#include "api/test_services.h"

namespace traccia::api {
namespace {

constexpr std::string_view kTenant = "444455556666";

class AccountsApiTest : public ServicesTest {
 protected:
  void SetUp() override {
    ServicesTest::SetUp();
    run_log();
    operator_.principal = administrator();
    operator_.region = "us-east-1";
    const auto made =
        call(operator_, "CreateAccount",
             {{"AccountName", "Acme"}, {"Email", "ops@acme.example"}, {"AccountId", kTenant}});
    ASSERT_TRUE(made) << made.error().message();
    made_ = *made;
    ASSERT_TRUE(database_->read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto key,
                 identity_.find_access_key(transaction, json::find_string(made_, "AccessKeyId")));
      tenant_.principal = key->principal;
      secret_ = key->secret_access_key;
      return {};
    }));
    tenant_.region = "us-east-1";
  }
  Result<json::Object> call(const Caller& caller, std::string_view name,
                            const json::Object& input) {
    for (const auto& binding : traccia_bindings()) {
      if (binding.operation->name != name) continue;
      TRY_ASSIGN(auto output, execute(*services_, caller, binding, input));
      return std::move(output.document);
    }
    return fail(ErrorCode::NotFound, "NoSuchOperation", std::string(name));
  }
  std::string refusal(const Caller& caller, std::string_view name, const json::Object& input) {
    const auto output = call(caller, name, input);
    return output ? "" : std::string(output.error().reason());
  }

  Caller operator_, tenant_;
  json::Object made_;
  std::string secret_;
};

TEST_F(AccountsApiTest, AnAccountComesWithAKeyThatNoEventShows) {
  EXPECT_EQ(made_.at("UserName"), "administrator");
  EXPECT_EQ(made_.at("SecretAccessKey"), json::Value(secret_));
  const auto event = events().back();
  EXPECT_EQ(event.at("eventName"), "CreateAccount");
  EXPECT_EQ(event.at("eventSource"), "traccia.amazonaws.com");
  EXPECT_EQ(event.at("recipientAccountId"), json::Value(kAccount));
  EXPECT_EQ(event.at("responseElements").at("secretAccessKey"), json::Value(aws::kHidden));
  EXPECT_EQ(json::serialize(event).find(secret_), std::string::npos);
}

TEST_F(AccountsApiTest, OnlyTheOperatorMakesAndListsThem) {
  const json::Object wanted{{"AccountName", "x"}, {"Email", "x@acme.example"}};
  EXPECT_EQ(refusal(tenant_, "CreateAccount", wanted), "AccessDenied");
  EXPECT_EQ(events().back().at("errorCode"), "AccessDenied");
  EXPECT_EQ(events().back().at("recipientAccountId"), json::Value(kTenant));
  EXPECT_EQ(refusal(tenant_, "ListAccounts", {}), "AccessDenied");
  const auto listed = call(operator_, "ListAccounts", {{"MaxResults", 1}}).value();
  ASSERT_EQ(listed.at("Accounts").as_array().size(), 1U);
  EXPECT_EQ(listed.at("Accounts").at(0).at("AccountName"), "management");
  const auto rest =
      call(operator_, "ListAccounts", {{"NextToken", listed.at("NextToken")}}).value();
  ASSERT_EQ(rest.at("Accounts").as_array().size(), 1U);
  EXPECT_EQ(rest.at("Accounts").at(0).at("Email"), "ops@acme.example");
  EXPECT_FALSE(rest.contains("NextToken"));
  EXPECT_EQ(refusal(operator_, "ListAccounts", {{"NextToken", "eHl6"}}), "InvalidNextToken");
}

TEST_F(AccountsApiTest, NamesIdsAndAddressesAreChecked) {
  const auto refused = [&](std::string_view name, std::string_view email, std::string_view id) {
    return refusal(operator_, "CreateAccount",
                   {{"AccountName", name}, {"Email", email}, {"AccountId", id}});
  };
  EXPECT_EQ(refused("x", "x@acme.example", kTenant), "AccountAlreadyExists");
  EXPECT_EQ(refused("x", "ops@acme.example", "444455557777"), "EmailAlreadyExists");
  EXPECT_EQ(refused("x", "x@acme.example", "44445555777x"), "ValidationException");
  EXPECT_EQ(refused("", "x@acme.example", "444455557777"), "ValidationException");
  for (const auto* email : {"acme.example", "@acme.example", "x@acme", "x@y@acme.example",
                            "x y@acme.example", "x@acme.example."}) {
    EXPECT_EQ(refused("x", email, "444455557777"), "ValidationException") << email;
  }
}

TEST_F(AccountsApiTest, TokensOfOthersAreTheOperatorsOnly) {
  const json::Object of_operator{{"AccountId", kAccount}};
  EXPECT_EQ(refusal(tenant_, "CreateIngestToken", {}), "");
  for (const auto* name : {"CreateIngestToken", "ListIngestTokens"}) {
    EXPECT_EQ(refusal(tenant_, name, of_operator), "AccessDenied") << name;
  }
  EXPECT_EQ(refusal(tenant_, "RevokeIngestToken", {{"AccountId", kAccount}, {"TokenId", "tkn-x"}}),
            "AccessDenied");
  const auto listed = call(operator_, "ListIngestTokens", {{"AccountId", kTenant}}).value();
  EXPECT_EQ(listed.at("Tokens").as_array().size(), 1U);
}

}  // namespace
}  // namespace traccia::api
