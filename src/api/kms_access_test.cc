// Who may use a key: key policies, what they leave to the account, conditions, other accounts.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_kms.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;

constexpr std::string_view kWorker = R"({"AWS":"arn:aws:iam::111122223333:user/worker"})";
constexpr std::string_view kPlain = "eA==";

class KmsAccessTest : public KmsTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    key_ = make_key();
  }
  // The worker's Encrypt; "" or the denial behind "… is not authorized to perform: kms:Encrypt".
  std::string encrypting(const json::Object& with = {}, std::string_view key = {}) {
    const auto said = refusal("kms:Encrypt", {{"KeyId", key.empty() ? key_ : std::string(key)},
                                              {"Plaintext", kPlain},
                                              {"EncryptionContext", with}});
    return said.empty() ? said : said.substr(said.find(' ') + 1);
  }
  // Gives the worker Encrypt under this condition.
  void allow_worker(std::string_view condition = "{}") {
    put_policy(key_, document({for_account(), allowing(kWorker, R"("kms:Encrypt")", condition)}));
  }

  std::string key_;
};

TEST_F(KmsAccessTest, TheDefaultPolicyLeavesItToTheAccount) {
  EXPECT_EQ(encrypting(), fmt::format("on resource: {} because no identity-based policy allows the "
                                      "kms:Encrypt action",
                                      arn_of(key_)));
  allow("kms:Encrypt", arn_of(key_));
  EXPECT_EQ(encrypting(), "");
  allow("kms:Encrypt", arn_of("00000000-0000-0000-0000-000000000000"));
  EXPECT_NE(encrypting(), "");
}

TEST_F(KmsAccessTest, WithoutTheKeyPolicyIdentityPoliciesCountForNothing) {
  put_policy(key_, document({allowing(R"({"AWS":"arn:aws:iam::111122223333:user/administrator"})",
                                      R"("kms:*")")}));
  allow("kms:*", "*");
  EXPECT_EQ(encrypting(), fmt::format("on resource: {} because no resource-based policy allows the "
                                      "kms:Encrypt action",
                                      arn_of(key_)));
  EXPECT_THAT(refusal("kms:GetKeyPolicy", {{"KeyId", key_}}), HasSubstr("resource-based policy"));
  // The root user has no more to say than the account.
  auto root = administrator_;
  root.principal.type = identity::PrincipalType::Root;
  root.principal.arn = "arn:aws:iam::111122223333:root";
  root.principal.principal_id = kAccount;
  EXPECT_FALSE(call(root, "kms:DescribeKey", {{"KeyId", key_}}));
  as_administrator("kms:DescribeKey", {{"KeyId", key_}});
}

TEST_F(KmsAccessTest, TheKeyPolicyAloneSuffices) {
  allow_worker();
  EXPECT_EQ(encrypting(), "");
  EXPECT_NE(refusal("kms:DescribeKey", {{"KeyId", key_}}), "") << "by other actions";
  put_policy(key_, document({for_account(), denying(kWorker, R"("kms:Encrypt")")}));
  allow("kms:*", "*");
  EXPECT_THAT(encrypting(), HasSubstr("with an explicit deny in a resource-based policy"));
}

TEST_F(KmsAccessTest, ConditionsOnTheEncryptionContext) {
  allow_worker(R"({"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:ct:*"}})");
  EXPECT_NE(encrypting(), "");
  EXPECT_NE(encrypting(context("aws:cloudtrail:arn", "arn:aws:s3:x")), "");
  EXPECT_EQ(encrypting(context("aws:cloudtrail:arn", "arn:aws:ct:x")), "");
  allow_worker(R"({"Null":{"kms:EncryptionContext:team":"false"}})");
  EXPECT_NE(encrypting(), "");
  EXPECT_EQ(encrypting(context("team", "x")), "");
  allow_worker(R"({"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]},)"
               R"("Null":{"kms:EncryptionContextKeys":"false"}})");
  EXPECT_EQ(encrypting({{"a", "1"}, {"b", "2"}}), "");
  EXPECT_NE(encrypting({{"a", "1"}, {"c", "2"}}), "");
}

TEST_F(KmsAccessTest, ConditionsOnKeyAndCaller) {
  as_administrator("kms:CreateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", key_}});
  struct Case {
    std::string_view condition;
    bool by_id;
    bool by_alias;
  };
  const Case cases[] = {
      {R"({"StringEquals":{"kms:CallerAccount":"111122223333"}})", true, true},
      {R"({"StringEquals":{"kms:CallerAccount":"444455556666"}})", false, false},
      {R"({"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}})", true, true},
      {R"({"StringEquals":{"kms:KeySpec":"RSA_2048"}})", false, false},
      {R"({"StringEquals":{"kms:KeyUsage":"ENCRYPT_DECRYPT"}})", true, true},
      {R"({"StringEquals":{"kms:KeyOrigin":"AWS_KMS"}})", true, true},
      {R"({"Bool":{"kms:MultiRegion":"true"}})", false, false},
      {R"({"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}})", true, true},
      {R"({"StringEquals":{"kms:RequestAlias":"alias/one"}})", false, true},
      {R"({"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/one"}})", true, true},
      {R"({"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/two"}})", false, false},
      {R"({"Null":{"kms:ViaService":"true"}})", true, true}};
  for (const auto& [condition, by_id, by_alias] : cases) {
    allow_worker(condition);
    EXPECT_EQ(encrypting() == "", by_id) << condition;
    EXPECT_EQ(encrypting({}, "alias/one") == "", by_alias) << condition;
  }
}

TEST_F(KmsAccessTest, KeysForAServiceInItsCallersName) {
  put_policy(key_, document({for_account(), allowing(kWorker, R"("kms:GenerateDataKey")",
                                                     R"({"StringEquals":{"kms:ViaService":)"
                                                     R"("s3.eu-west-1.amazonaws.com"}})")}));
  const json::Object input{{"KeyId", key_}, {"KeySpec", "AES_256"}};
  EXPECT_NE(refusal("kms:GenerateDataKey", input), "");
  worker_.via_service = "s3";
  EXPECT_EQ(refusal("kms:GenerateDataKey", input), "");
  const auto event = last_event("GenerateDataKey");
  EXPECT_EQ(event.at("userIdentity").at("userName"), "worker");
  EXPECT_EQ(event.at("userIdentity").at("invokedBy"), "s3.amazonaws.com");
  EXPECT_EQ(event.at("sourceIPAddress"), "s3.amazonaws.com");
}

TEST_F(KmsAccessTest, ConditionsOnTags) {
  allow_worker(R"({"StringEquals":{"aws:ResourceTag/team":"audit"}})");
  EXPECT_NE(encrypting(), "");
  as_administrator(
      "kms:TagResource",
      {{"KeyId", key_},
       {"Tags", json::Array{json::Object{{"TagKey", "team"}, {"TagValue", "audit"}}}}});
  EXPECT_EQ(encrypting(), "");
  allow("kms:TagResource", "*", R"({"StringEquals":{"aws:RequestTag/team":"ops"}})");
  const auto tagging = [&](std::string_view team) {
    return refusal("kms:TagResource",
                   {{"KeyId", key_},
                    {"Tags", json::Array{json::Object{{"TagKey", "team"}, {"TagValue", team}}}}});
  };
  EXPECT_EQ(tagging("ops"), "");
  EXPECT_NE(tagging("audit"), "");
}

TEST_F(KmsAccessTest, WhoMakesAKeyIsHeldToItsKind) {
  allow("kms:CreateKey", "*",
        R"({"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT"},)"
        R"("Bool":{"kms:BypassPolicyLockoutSafetyCheck":"false","kms:MultiRegion":"false"}})");
  EXPECT_EQ(refusal("kms:CreateKey", {}), "");
  EXPECT_NE(refusal("kms:CreateKey", {{"KeySpec", "RSA_2048"}}), "UnsupportedOperation");
  EXPECT_NE(refusal("kms:CreateKey", {{"BypassPolicyLockoutSafetyCheck", true}}), "");
  EXPECT_THAT(refusal("kms:CreateKey",
                      {{"Tags", json::Array{json::Object{{"TagKey", "a"}, {"TagValue", "b"}}}}}),
              HasSubstr("kms:TagResource"));
}

TEST_F(KmsAccessTest, APolicyThatLocksOutIsRefused) {
  const auto only_worker = document({allowing(kWorker, R"("kms:*")")});
  EXPECT_EQ(error("kms:PutKeyPolicy", {{"KeyId", key_}, {"Policy", only_worker}}),
            "MalformedPolicyDocumentException: The new key policy will not allow you to update the "
            "key policy in the future.");
  EXPECT_NE(error("kms:CreateKey", {{"Policy", only_worker}}), "");
  const auto own_account = document({allowing(
      R"({"AWS":"*"})", R"("kms:*")", R"({"StringEquals":{"kms:CallerAccount":"111122223333"}})")});
  EXPECT_EQ(error("kms:CreateKey", {{"Policy", own_account}}), "");
  EXPECT_EQ(
      error("kms:PutKeyPolicy",
            {{"KeyId", key_}, {"Policy", only_worker}, {"BypassPolicyLockoutSafetyCheck", true}}),
      "");
  EXPECT_NE(error("kms:GetKeyPolicy", {{"KeyId", key_}}), "") << "it does lock out";
  EXPECT_EQ(refusal("kms:GetKeyPolicy", {{"KeyId", key_}}), "");
  EXPECT_EQ(error("kms:GetKeyPolicy", {{"KeyId", make_key()}, {"PolicyName", "other"}}),
            "NotFoundException: No such policy exists");
}

TEST_F(KmsAccessTest, AliasesAskForTheAliasAndItsKeys) {
  const auto alias = std::string("arn:aws:kms:eu-west-1:111122223333:alias/one");
  const json::Object input{{"AliasName", "alias/one"}, {"TargetKeyId", key_}};
  allow("kms:CreateAlias", alias);
  EXPECT_THAT(refusal("kms:CreateAlias", input), HasSubstr("on resource: " + arn_of(key_)));
  allow("kms:CreateAlias", arn_of(key_));
  EXPECT_THAT(refusal("kms:CreateAlias", input), HasSubstr("on resource: " + alias));
  allow("kms:CreateAlias", "*");
  EXPECT_EQ(refusal("kms:CreateAlias", input), "");
  // Away from the key that it leads to: that key has a say too.
  put_policy(key_, document({for_account(), denying(kWorker, R"("kms:UpdateAlias")")}));
  allow("kms:UpdateAlias", "*");
  EXPECT_THAT(refusal("kms:UpdateAlias", {{"AliasName", "alias/one"}, {"TargetKeyId", make_key()}}),
              HasSubstr("explicit deny in a resource-based policy"));
}

TEST_F(KmsAccessTest, ReEncryptAsksForBothKeys) {
  const auto to = make_key();
  const json::Object input{{"CiphertextBlob", encrypt(key_, "x")}, {"DestinationKeyId", to}};
  allow("kms:ReEncryptFrom", "*");
  EXPECT_THAT(refusal("kms:ReEncrypt", input),
              HasSubstr("kms:ReEncryptTo on resource: " + arn_of(to)));
  allow("kms:ReEncryptTo", "*");
  EXPECT_THAT(refusal("kms:ReEncrypt", input),
              HasSubstr("kms:ReEncryptFrom on resource: " + arn_of(key_)));
  allow("kms:ReEncrypt*", "*", R"({"Bool":{"kms:ReEncryptOnSameKey":"false"}})");
  EXPECT_EQ(refusal("kms:ReEncrypt", input), "");
}

TEST_F(KmsAccessTest, OtherAccountsNeedBothSides) {
  const auto foreign = stranger();
  const json::Object named{{"KeyId", arn_of(key_)}};
  const std::string_view untold =
      "on this resource because the resource does not exist in this Region, no resource-based "
      "policies allow access, or a resource-based policy explicitly denies access";
  EXPECT_THAT(error(foreign, "kms:DescribeKey", named), HasSubstr(untold));
  EXPECT_THAT(error(foreign, "kms:DescribeKey",
                    {{"KeyId", arn_of("00000000-0000-0000-0000-000000000000")}}),
              HasSubstr(untold))
      << "nobody learns whether there is such a key";
  const auto blob = encrypt(key_, "secret");
  EXPECT_THAT(error(foreign, "kms:Decrypt", {{"CiphertextBlob", blob}}),
              HasSubstr("on the resource associated with this ciphertext because"));
  put_policy(key_, document({for_account(), allowing(R"({"AWS":"444455556666"})", R"("kms:*")")}));
  const auto opened = call(foreign, "kms:Decrypt", {{"CiphertextBlob", blob}});
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->at("Plaintext"), json::Value(base64_encode("secret")));
  // Both accounts are told.
  const auto theirs = last_event("Decrypt", kStranger);
  const auto ours = last_event("Decrypt", kAccount);
  EXPECT_EQ(theirs.at("sharedEventID"), ours.at("sharedEventID"));
  EXPECT_EQ(ours.at("userIdentity").at("accountId"), json::Value(kStranger));
  EXPECT_THAT(error(foreign, "kms:DisableKey", named), HasSubstr(untold))
      << "whatever the policy says";
}

TEST_F(KmsAccessTest, ListingsTellNothingOfOtherAccounts) {
  const auto foreign = stranger();
  const auto none = arn_of("00000000-0000-0000-0000-000000000000");
  for (const auto& arn : {arn_of(key_), none}) {
    EXPECT_EQ(error(foreign, "kms:ListAliases", {{"KeyId", arn}}),
              fmt::format("NotFoundException: Key '{}' does not exist", arn));
  }
  EXPECT_EQ(call(foreign, "kms:ListKeys", {})->at("Keys").as_array().size(), 0U);
}

TEST_F(KmsAccessTest, DenialsAreEvents) {
  EXPECT_NE(encrypting(context("a", "b")), "");
  const auto event = last_denial("Encrypt");
  EXPECT_EQ(event.at("requestParameters"),
            (json::Object{{"keyId", key_}, {"encryptionContext", context("a", "b")}}));
}

}  // namespace
}  // namespace traccia::api
