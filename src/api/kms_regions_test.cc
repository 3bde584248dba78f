// Multi-Region keys and imported material, as far as time and permissions go. What clients see:
// tests/e2e/test_kms_multi_region.py, test_kms_imports.py.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/kms_upkeep.h"
#include "api/test_kms.h"
#include "crypto/key_pair.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kThere = "us-east-1";

class KmsRegionsTest : public KmsTest {
 protected:
  void SetUp() override {
    KmsTest::SetUp();
    there_ = administrator_;
    there_.region = kThere;
  }
  std::string make_primary() { return make_key({{"MultiRegion", true}}); }
  std::string replicate(std::string_view key) {
    return error("kms:ReplicateKey", {{"KeyId", key}, {"ReplicaRegion", kThere}});
  }
  json::Object metadata(const Caller& caller, std::string_view key) {
    const auto found = call(caller, "kms:DescribeKey", {{"KeyId", key}});
    if (!found) return {};
    return found->at("KeyMetadata").as_object();
  }
  std::string state(const Caller& caller, std::string_view key) {
    return std::string(json::find_string(metadata(caller, key), "KeyState"));
  }
  // Imports random material; the parameters are the client's to wrap it with.
  std::string import_into(std::string_view key, std::string_view material,
                          const json::Object& more) {
    const auto given =
        as_administrator("kms:GetParametersForImport", {{"KeyId", key},
                                                        {"WrappingAlgorithm", "RSAES_OAEP_SHA_256"},
                                                        {"WrappingKeySpec", "RSA_2048"}});
    json::Object input{{"KeyId", key},
                       {"ImportToken", given.at("ImportToken")},
                       {"EncryptedKeyMaterial", wrap(given.at("ImportToken"), material)}};
    for (const auto& [name, value] : more) input[name] = value;
    return error("kms:ImportKeyMaterial", input);
  }
  std::string wrap(const json::Value& token, std::string_view material) {
    const auto bytes = keys_.open_import(*base64_decode(token.as_string())).value();
    ByteReader reader(bytes);
    EXPECT_TRUE(reader.u64() && reader.block() && reader.block());
    const auto pair = crypto::KeyPair::from_der(reader.block().value()).value();
    return base64_encode(pair.encrypt(crypto::OaepHash::Sha256, material));
  }

  Caller there_;
};

TEST_F(KmsRegionsTest, APrimaryKeyGoesAfterItsReplicas) {
  const auto key = make_primary();
  EXPECT_EQ(replicate(key), "");
  const json::Object seven{{"KeyId", key}, {"PendingWindowInDays", 7}};
  as_administrator("kms:ScheduleKeyDeletion", seven);
  EXPECT_EQ(state(administrator_, key), "PendingReplicaDeletion");
  fake_.clock.advance(std::chrono::days(30));
  EXPECT_EQ(remove_due_keys(*services_).value(), 0U) << "it waits";
  ASSERT_TRUE(call(there_, "kms:ScheduleKeyDeletion", seven));
  fake_.clock.advance(std::chrono::days(7));
  EXPECT_EQ(state(there_, key), "");
  EXPECT_EQ(remove_due_keys(*services_).value(), 1U);
  const auto left = metadata(administrator_, key);
  EXPECT_EQ(left.at("KeyState"), "PendingDeletion");
  EXPECT_TRUE(left.contains("DeletionDate"));
  EXPECT_FALSE(left.contains("PendingDeletionWindowInDays"));
  fake_.clock.advance(std::chrono::days(7));
  EXPECT_EQ(remove_due_keys(*services_).value(), 1U);
  EXPECT_EQ(state(administrator_, key), "");
}

TEST_F(KmsRegionsTest, RotationByTimeReachesReplicas) {
  const auto key = make_primary();
  EXPECT_EQ(replicate(key), "");
  as_administrator("kms:EnableKeyRotation", {{"KeyId", key}, {"RotationPeriodInDays", 90}});
  const auto before = metadata(there_, key).at("CurrentKeyMaterialId");
  fake_.clock.advance(std::chrono::days(90));
  EXPECT_EQ(rotate_due_keys(*services_).value(), 1U);
  const auto after = metadata(there_, key).at("CurrentKeyMaterialId");
  EXPECT_NE(after, before);
  EXPECT_EQ(metadata(administrator_, key).at("CurrentKeyMaterialId"), after);
}

TEST_F(KmsRegionsTest, ReplicatingTakesTwoPermissions) {
  const auto key = make_primary();
  const json::Object asked{{"KeyId", key}, {"ReplicaRegion", kThere}};
  allow("kms:ReplicateKey", arn_of(key));
  EXPECT_THAT(refusal("kms:ReplicateKey", asked), HasSubstr("kms:CreateKey"));
  set_policy(fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                         R"("Action":"kms:CreateKey","Resource":"*"}},{{"Effect":"Allow",)"
                         R"("Action":"kms:ReplicateKey","Resource":"{}","Condition":)"
                         R"({{"StringEquals":{{"kms:ReplicaRegion":"{}",)"
                         R"("kms:MultiRegionKeyType":"PRIMARY"}}}}}}]}})",
                         arn_of(key), kThere));
  EXPECT_EQ(refusal("kms:ReplicateKey", asked), "");
  EXPECT_EQ(last_event("ReplicateKey").at("resources").at(0).at("ARN"), json::Value(arn_of(key)));
}

TEST_F(KmsRegionsTest, AnotherPrimaryTakesPermissionOnBoth) {
  const auto key = make_primary();
  EXPECT_EQ(replicate(key), "");
  const json::Object asked{{"KeyId", key}, {"PrimaryRegion", kThere}};
  allow("kms:UpdatePrimaryRegion", arn_of(key));
  EXPECT_THAT(refusal("kms:UpdatePrimaryRegion", asked), HasSubstr(kThere));
  allow("kms:UpdatePrimaryRegion", fmt::format("arn:aws:kms:*:{}:key/{}", kAccount, key));
  EXPECT_EQ(refusal("kms:UpdatePrimaryRegion", asked), "");
  EXPECT_EQ(metadata(administrator_, key).at("MultiRegionConfiguration").at("MultiRegionKeyType"),
            "REPLICA");
}

TEST_F(KmsRegionsTest, ImportedMaterialExpires) {
  const auto key = make_key({{"Origin", "EXTERNAL"}});
  const auto now = fake_.clock.now();
  const std::string material(32, 'm');
  const json::Object until{{"ValidTo", std::chrono::duration_cast<std::chrono::seconds>(
                                           (now + std::chrono::days(30)).time_since_epoch())
                                           .count()}};
  EXPECT_EQ(import_into(key, material, until), "");
  const auto blob = encrypt(key, "secret");
  EXPECT_EQ(metadata(administrator_, key).at("ExpirationModel"), "KEY_MATERIAL_EXPIRES");
  fake_.clock.advance(std::chrono::days(30));
  EXPECT_EQ(state(administrator_, key), "PendingImport") << "before it is forgotten";
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}}),
            fmt::format("KMSInvalidStateException: {} is pending import.", arn_of(key)));
  EXPECT_EQ(forget_expired_material(*services_).value(), 1U);
  EXPECT_EQ(forget_expired_material(*services_).value(), 0U);
  EXPECT_EQ(last_event("DeleteExpiredKeyMaterial").at("resources").at(0).at("ARN"),
            json::Value(arn_of(key)));
  const json::Object forever{{"ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE"}};
  EXPECT_THAT(import_into(key, std::string(32, 'x'), forever),
              StartsWith("IncorrectKeyMaterialException: "));
  EXPECT_EQ(import_into(key, material, forever), "");
  EXPECT_EQ(as_administrator("kms:Decrypt", {{"CiphertextBlob", blob}}).at("Plaintext"),
            json::Value(base64_encode("secret")));
}

TEST_F(KmsRegionsTest, ImportTokensExpire) {
  const auto key = make_key({{"Origin", "EXTERNAL"}});
  const auto given =
      as_administrator("kms:GetParametersForImport", {{"KeyId", key},
                                                      {"WrappingAlgorithm", "RSAES_OAEP_SHA_256"},
                                                      {"WrappingKeySpec", "RSA_2048"}});
  fake_.clock.advance(std::chrono::hours(24));
  EXPECT_EQ(error("kms:ImportKeyMaterial",
                  {{"KeyId", key},
                   {"ImportToken", given.at("ImportToken")},
                   {"EncryptedKeyMaterial", wrap(given.at("ImportToken"), std::string(32, 'm'))},
                   {"ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE"}}),
            "ExpiredImportTokenException: ");
  EXPECT_EQ(state(administrator_, key), "PendingImport");
}

TEST_F(KmsRegionsTest, DeletionOfAKeyWithoutMaterialCanBeCancelled) {
  const auto key = make_key({{"Origin", "EXTERNAL"}});
  as_administrator("kms:ScheduleKeyDeletion", {{"KeyId", key}});
  as_administrator("kms:CancelKeyDeletion", {{"KeyId", key}});
  EXPECT_EQ(state(administrator_, key), "PendingImport");
}

}  // namespace
}  // namespace traccia::api
