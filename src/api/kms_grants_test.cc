// Grants: what they give, to whom, under which contexts, and who may end them.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_kms.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kWorkerArn = "arn:aws:iam::111122223333:user/worker";

class KmsGrantsTest : public KmsTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    key_ = make_key();
    blob_ = encrypt(key_, "secret", {{"a", "1"}, {"b", "2"}});
  }
  static json::Array words(std::initializer_list<std::string_view> list) {
    json::Array out;
    for (const auto word : list) out.emplace_back(word);
    return out;
  }
  // A grant for the worker; its id.
  std::string grant(std::initializer_list<std::string_view> operations,
                    const json::Object& more = {}) {
    json::Object input{
        {"KeyId", key_}, {"GranteePrincipal", kWorkerArn}, {"Operations", words(operations)}};
    for (const auto& [name, value] : more) input[name] = value;
    const auto made = as_administrator("kms:CreateGrant", input);
    return std::string(made.at("GrantId").as_string());
  }
  static json::Object under(std::string_view rule, const json::Object& context) {
    return {{"Constraints", json::Object{{rule, context}}}};
  }
  // The worker's Decrypt: empty when it succeeded.
  std::string decrypting(const json::Object& context = {{"a", "1"}, {"b", "2"}}) {
    return refusal("kms:Decrypt", {{"CiphertextBlob", blob_}, {"EncryptionContext", context}});
  }
  std::string revoking(std::string_view id) {
    return error("kms:RevokeGrant", {{"KeyId", key_}, {"GrantId", id}});
  }

  std::string key_;
  std::string blob_;
};

TEST_F(KmsGrantsTest, AGrantGivesItsOperationsUntilItEnds) {
  EXPECT_NE(decrypting(), "");
  const auto id = grant({"Decrypt", "DescribeKey"});
  EXPECT_EQ(decrypting(), "");
  EXPECT_EQ(refusal("kms:DescribeKey", {{"KeyId", key_}}), "");
  EXPECT_NE(refusal("kms:Encrypt", {{"KeyId", key_}, {"Plaintext", "eA=="}}), "");
  EXPECT_NE(refusal("kms:DescribeKey", {{"KeyId", make_key()}}), "") << "another key";
  EXPECT_EQ(revoking(id), "");
  EXPECT_NE(decrypting(), "");
  EXPECT_EQ(revoking(id), "NotFoundException: Grant ID " + id + " not found");
}

TEST_F(KmsGrantsTest, ADenyIsStronger) {
  (void)grant({"Decrypt"});
  put_policy(key_, document({for_account(), denying(R"({"AWS":"*"})", R"("kms:Decrypt")",
                                                    R"({"Null":{"aws:PrincipalArn":"false"}})")}));
  EXPECT_THAT(decrypting(), HasSubstr("explicit deny in a resource-based policy"));
}

TEST_F(KmsGrantsTest, ConstraintsAreOnTheContext) {
  const std::pair<json::Object, bool> cases[] = {
      {under("EncryptionContextSubset", {{"a", "1"}}), true},
      {under("EncryptionContextSubset", {{"a", "2"}}), false},
      {under("EncryptionContextSubset", {{"c", "3"}}), false},
      {under("EncryptionContextEquals", {{"a", "1"}}), false},
      {under("EncryptionContextEquals", {{"b", "2"}, {"a", "1"}}), true}};
  for (const auto& [constraint, allowed] : cases) {
    const auto id = grant({"Decrypt", "DescribeKey"}, constraint);
    EXPECT_EQ(decrypting() == "", allowed) << json::serialize(constraint);
    EXPECT_EQ(refusal("kms:DescribeKey", {{"KeyId", key_}}), "") << "has no context";
    EXPECT_EQ(revoking(id), "");
  }
}

TEST_F(KmsGrantsTest, WhoComesLaterUnderTheNameIsNotMeant) {
  (void)grant({"Decrypt"});
  ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) -> Result<> {
    TRY(transaction.execute("UPDATE entities SET name = 'gone' WHERE id = ?",
                            {worker_.principal.principal_id}));
    return {};
  }));
  worker_ = caller(user("worker"));
  EXPECT_NE(decrypting(), "");
  EXPECT_EQ(error("kms:CreateGrant", {{"KeyId", key_},
                                      {"GranteePrincipal", "arn:aws:iam::111122223333:user/none"},
                                      {"Operations", words({"Decrypt"})}}),
            "InvalidArnException: ARN does not refer to a valid principal");
}

TEST_F(KmsGrantsTest, WhoMayRetire) {
  const auto retire = [&](std::string_view id) {
    return refusal("kms:RetireGrant", {{"KeyId", arn_of(key_)}, {"GrantId", id}});
  };
  EXPECT_NE(retire(grant({"Decrypt"})), "") << "a grantee as such may not";
  EXPECT_EQ(retire(grant({"Decrypt", "RetireGrant"})), "");
  const json::Object for_worker{
      {"GranteePrincipal", "arn:aws:iam::111122223333:user/administrator"},
      {"RetiringPrincipal", kWorkerArn}};
  const auto id = grant({"Encrypt"}, for_worker);
  const auto listed =
      as_administrator("kms:ListRetirableGrants", {{"RetiringPrincipal", kWorkerArn}});
  ASSERT_EQ(listed.at("Grants").as_array().size(), 1U);
  EXPECT_EQ(listed.at("Grants").at(0).at("GrantId"), json::Value(id));
  EXPECT_EQ(retire(id), "");
  EXPECT_NE(retire(id), "") << "there is none any more";
  const auto made = as_administrator("kms:CreateGrant", {{"KeyId", key_},
                                                         {"GranteePrincipal", kWorkerArn},
                                                         {"RetiringPrincipal", kWorkerArn},
                                                         {"Operations", words({"Decrypt"})}});
  EXPECT_EQ(refusal("kms:RetireGrant", {{"GrantToken", made.at("GrantToken")}}), "");
  EXPECT_EQ(error("kms:RetireGrant", {{"GrantToken", "bm8="}}), "InvalidGrantTokenException: ");
  // The token is a secret of its event.
  EXPECT_EQ(last_event("CreateGrant").at("responseElements").at("grantToken"),
            "HIDDEN_DUE_TO_SECURITY_REASONS");
}

TEST_F(KmsGrantsTest, GrantsOfAGrantReachNoFurther) {
  (void)grant({"CreateGrant", "Decrypt", "Encrypt"},
              under("EncryptionContextSubset", {{"a", "1"}}));
  const auto give = [&](std::initializer_list<std::string_view> operations,
                        const json::Object& more) {
    json::Object input{
        {"KeyId", key_}, {"GranteePrincipal", kWorkerArn}, {"Operations", words(operations)}};
    for (const auto& [name, value] : more) input[name] = value;
    return refusal("kms:CreateGrant", input);
  };
  EXPECT_EQ(give({"Decrypt"}, under("EncryptionContextSubset", {{"a", "1"}})), "");
  EXPECT_EQ(give({"Decrypt"}, under("EncryptionContextEquals", {{"a", "1"}, {"b", "2"}})), "");
  EXPECT_NE(give({"Decrypt"}, {}), "") << "without the rule";
  EXPECT_NE(give({"Decrypt"}, under("EncryptionContextSubset", {{"b", "2"}})), "");
  EXPECT_NE(give({"DescribeKey"}, under("EncryptionContextSubset", {{"a", "1"}})), "");
}

TEST_F(KmsGrantsTest, ConditionsOnMakingGrants) {
  const auto give = [&](std::string_view operation, const json::Object& more) {
    json::Object input{
        {"KeyId", key_}, {"GranteePrincipal", kWorkerArn}, {"Operations", words({operation})}};
    for (const auto& [name, value] : more) input[name] = value;
    return refusal("kms:CreateGrant", input);
  };
  allow("kms:CreateGrant", "*",
        R"({"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","DescribeKey"]}})");
  EXPECT_EQ(give("Decrypt", {}), "");
  EXPECT_NE(give("Encrypt", {}), "");
  allow("kms:CreateGrant", "*",
        R"({"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals",)"
        R"("kms:EncryptionContext:a":"1","kms:GranteePrincipal":)"
        R"("arn:aws:iam::111122223333:user/worker"}})");
  EXPECT_NE(give("Decrypt", {}), "");
  EXPECT_EQ(give("Decrypt", under("EncryptionContextEquals", {{"a", "1"}})), "");
  EXPECT_NE(give("Decrypt", under("EncryptionContextSubset", {{"a", "1"}})), "");
  allow("kms:CreateGrant", "*", R"({"Bool":{"kms:GrantIsForAWSResource":"true"}})");
  EXPECT_NE(give("Decrypt", {}), "");
}

TEST_F(KmsGrantsTest, AccountsOfGranteesHaveTheirSayToo) {
  const auto foreign = stranger();
  EXPECT_NE(error(foreign, "kms:DescribeKey", {{"KeyId", arn_of(key_)}}), "");
  (void)grant({"DescribeKey"}, {{"GranteePrincipal", foreign.principal.arn}});
  EXPECT_EQ(error(foreign, "kms:DescribeKey", {{"KeyId", arn_of(key_)}}), "")
      << "its administrator may do all";
}

TEST_F(KmsGrantsTest, ListsAndRepeatedRequests) {
  const auto first = grant({"Decrypt"}, {{"Name", "logs"}});
  EXPECT_EQ(grant({"Decrypt"}, {{"Name", "logs"}}), first) << "asked for twice";
  EXPECT_NE(grant({"Encrypt"}, {{"Name", "logs"}}), first);
  EXPECT_NE(grant({"Decrypt"}), first) << "without a name";
  std::set<std::string> seen;
  json::Object input{{"KeyId", key_}, {"Limit", 2}};
  for (bool more = true; more;) {
    const auto page = as_administrator("kms:ListGrants", input);
    for (const auto& one : page.at("Grants").as_array()) {
      EXPECT_TRUE(seen.insert(std::string(one.at("GrantId").as_string())).second);
      EXPECT_EQ(one.at("GranteePrincipal"), json::Value(kWorkerArn));
    }
    more = page.at("Truncated").as_bool();
    if (more) input["Marker"] = page.at("NextMarker");
  }
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(as_administrator("kms:ListGrants", {{"KeyId", key_}, {"GrantId", first}})
                .at("Grants")
                .at(0)
                .at("Name"),
            "logs");
  as_administrator("kms:DisableKey", {{"KeyId", key_}});
  EXPECT_THAT(error("kms:CreateGrant", {{"KeyId", key_},
                                        {"GranteePrincipal", kWorkerArn},
                                        {"Operations", words({"Decrypt"})}}),
              StartsWith("DisabledException: "));
}

}  // namespace
}  // namespace traccia::api
