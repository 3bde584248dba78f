// KMS's operations: keys and their states, aliases, tags, ciphertexts, and their events.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/kms_upkeep.h"
#include "api/test_kms.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(KmsTest, CreateKeyAnswersItsMetadata) {
  const auto made = as_administrator(
      "kms:CreateKey",
      {{"Description", "logs"},
       {"Tags", json::Array{json::Object{{"TagKey", "team"}, {"TagValue", "audit"}}}}});
  const auto& key = made.at("KeyMetadata").as_object();
  EXPECT_EQ(key.at("Arn"), json::Value(arn_of(key.at("KeyId").as_string())));
  EXPECT_EQ(key.at("KeyState"), "Enabled");
  EXPECT_EQ(key.at("Enabled"), true);
  EXPECT_EQ(key.at("KeyUsage"), "ENCRYPT_DECRYPT");
  EXPECT_EQ(key.at("EncryptionAlgorithms"), (json::Array{"SYMMETRIC_DEFAULT"}));
  EXPECT_EQ(key.at("CurrentKeyMaterialId").as_string().size(), 64U);
  const auto described = as_administrator("kms:DescribeKey", {{"KeyId", key.at("Arn")}});
  EXPECT_EQ(described, made);
  const auto tags = as_administrator("kms:ListResourceTags", {{"KeyId", key.at("KeyId")}});
  EXPECT_EQ(tags.at("Tags"),
            (json::Array{json::Object{{"TagKey", "team"}, {"TagValue", "audit"}}}));
  const auto event = last_event("CreateKey");
  EXPECT_EQ(event.at("resources").at(0).at("ARN"), key.at("Arn"));
  EXPECT_EQ(event.at("responseElements").at("keyMetadata").at("AWSAccountId"),
            json::Value(kAccount));
}

TEST_F(KmsTest, CreateKeyRefusesWhatItHasNoKeysOf) {
  const auto refused = [&](const json::Object& input) { return error("kms:CreateKey", input); };
  EXPECT_THAT(refused({{"KeySpec", "SM2"}, {"KeyUsage", "SIGN_VERIFY"}}),
              StartsWith("UnsupportedOperationException: "));
  EXPECT_EQ(refused({{"KeyUsage", "GENERATE_VERIFY_MAC"}}),
            "ValidationException: KeyUsage GENERATE_VERIFY_MAC is not compatible with KeySpec "
            "SYMMETRIC_DEFAULT");
  EXPECT_THAT(refused({{"Origin", "AWS_CLOUDHSM"}}), StartsWith("UnsupportedOperationException: "));
  EXPECT_THAT(refused({{"CustomKeyStoreId", "cks-1"}}),
              StartsWith("CustomKeyStoreNotFoundException: "));
  EXPECT_EQ(as_administrator("kms:ListKeys", {}).at("Keys").as_array().size(), 0U);
}

TEST_F(KmsTest, MacsOfHmacKeys) {
  const auto made = as_administrator(
      "kms:CreateKey", {{"KeySpec", "HMAC_384"}, {"KeyUsage", "GENERATE_VERIFY_MAC"}});
  const auto& metadata = made.at("KeyMetadata").as_object();
  EXPECT_EQ(metadata.at("MacAlgorithms"), (json::Array{"HMAC_SHA_384"}));
  EXPECT_FALSE(metadata.contains("EncryptionAlgorithms"));
  const auto key = std::string(metadata.at("KeyId").as_string());
  const auto message = base64_encode("message");
  const auto mac = as_administrator(
      "kms:GenerateMac", {{"KeyId", key}, {"Message", message}, {"MacAlgorithm", "HMAC_SHA_384"}});
  EXPECT_EQ(base64_decode(mac.at("Mac").as_string())->size(), 48U);
  json::Object asked{{"KeyId", key},
                     {"Message", message},
                     {"MacAlgorithm", "HMAC_SHA_384"},
                     {"Mac", mac.at("Mac")}};
  EXPECT_EQ(as_administrator("kms:VerifyMac", asked).at("MacValid"), true);
  asked["Message"] = base64_encode("another");
  EXPECT_EQ(error("kms:VerifyMac", asked), "KMSInvalidMacException: ");
  asked["MacAlgorithm"] = "HMAC_SHA_256";
  EXPECT_EQ(error("kms:VerifyMac", asked),
            "InvalidKeyUsageException: Algorithm HMAC_SHA_256 is incompatible with key spec "
            "HMAC_384.");
  EXPECT_EQ(error("kms:Encrypt", {{"KeyId", key}, {"Plaintext", message}}),
            fmt::format("InvalidKeyUsageException: {} key usage is GENERATE_VERIFY_MAC which is "
                        "not valid for Encrypt.",
                        arn_of(key)));
  const auto cipher = make_key();
  EXPECT_EQ(error("kms:GenerateMac",
                  {{"KeyId", cipher}, {"Message", message}, {"MacAlgorithm", "HMAC_SHA_384"}}),
            fmt::format("InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not "
                        "valid for GenerateMac.",
                        arn_of(cipher)));
  EXPECT_THAT(error("kms:Decrypt", {{"KeyId", key}, {"CiphertextBlob", encrypt(cipher, "x")}}),
              StartsWith("IncorrectKeyException: "));
  EXPECT_THAT(error("kms:EnableKeyRotation", {{"KeyId", key}}),
              StartsWith("UnsupportedOperationException: "));
  EXPECT_THAT(error("kms:CreateKey", {{"KeySpec", "HMAC_256"}}),
              StartsWith("ValidationException: You must specify a KeyUsage value"));
}

TEST_F(KmsTest, StatesOfAKey) {
  const auto key = make_key();
  const json::Object named{{"KeyId", key}};
  const auto blob = encrypt(key, "secret");
  as_administrator("kms:DisableKey", named);
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}}),
            fmt::format("DisabledException: {} is disabled.", arn_of(key)));
  EXPECT_EQ(error("kms:CancelKeyDeletion", named),
            fmt::format("KMSInvalidStateException: {} is not pending deletion.", arn_of(key)));
  as_administrator("kms:EnableKey", named);
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}}), "");
  EXPECT_THAT(error("kms:ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 6}}),
              StartsWith("ValidationException: "));
  EXPECT_THAT(error("kms:ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 31}}),
              StartsWith("ValidationException: "));
  const auto scheduled =
      as_administrator("kms:ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 7}});
  EXPECT_EQ(scheduled.at("KeyState"), "PendingDeletion");
  const auto pending =
      fmt::format("KMSInvalidStateException: {} is pending deletion.", arn_of(key));
  EXPECT_EQ(error("kms:EnableKey", named), pending);
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}}), pending);
  EXPECT_EQ(error("kms:TagResource", {{"KeyId", key}, {"Tags", json::Array{}}}), pending);
  as_administrator("kms:CancelKeyDeletion", named);
  const auto described = as_administrator("kms:DescribeKey", named);
  EXPECT_EQ(described.at("KeyMetadata").at("KeyState"), "Disabled");
  EXPECT_FALSE(described.at("KeyMetadata").as_object().contains("DeletionDate"));
}

TEST_F(KmsTest, DeletionIsRecordedWhenItIsDue) {
  const auto key = make_key();
  as_administrator("kms:ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 7}});
  EXPECT_EQ(remove_due_keys(*services_).value(), 0U);
  fake_.clock.advance(std::chrono::days(7));
  EXPECT_EQ(error("kms:DescribeKey", {{"KeyId", key}}),
            fmt::format("NotFoundException: Key '{}' does not exist", arn_of(key)));
  EXPECT_EQ(remove_due_keys(*services_).value(), 1U);
  const auto event = last_event("DeleteKey");
  EXPECT_EQ(event.at("eventType"), "AwsServiceEvent");
  EXPECT_EQ(event.at("eventSource"), "kms.amazonaws.com");
  EXPECT_EQ(event.at("userIdentity").at("invokedBy"), "AWS Internal");
  EXPECT_EQ(event.at("resources").at(0).at("ARN"), json::Value(arn_of(key)));
  EXPECT_EQ(event.at("serviceEventDetails").at("keyId"), json::Value(key));
}

TEST_F(KmsTest, AliasesLeadToKeys) {
  const auto one = make_key();
  const auto two = make_key();
  as_administrator("kms:CreateAlias", {{"AliasName", "alias/logs"}, {"TargetKeyId", one}});
  EXPECT_EQ(
      as_administrator("kms:DescribeKey", {{"KeyId", "alias/logs"}}).at("KeyMetadata").at("KeyId"),
      json::Value(one));
  EXPECT_THAT(error("kms:CreateAlias", {{"AliasName", "alias/logs"}, {"TargetKeyId", two}}),
              StartsWith("AlreadyExistsException: "));
  EXPECT_EQ(error("kms:CreateAlias", {{"AliasName", "alias/x"}, {"TargetKeyId", "alias/logs"}}),
            "ValidationException: Aliases must refer to keys. Not aliases");
  EXPECT_THAT(error("kms:CreateAlias", {{"AliasName", "logs"}, {"TargetKeyId", one}}),
              HasSubstr("Alias must start with the prefix"));
  EXPECT_THAT(error("kms:CreateAlias", {{"AliasName", "alias/aws/s3"}, {"TargetKeyId", one}}),
              StartsWith("NotAuthorizedException"));
  EXPECT_EQ(error("kms:EnableKey", {{"KeyId", "alias/logs"}}),
            "NotFoundException: Invalid keyId 'alias/logs'");
  as_administrator("kms:UpdateAlias", {{"AliasName", "alias/logs"}, {"TargetKeyId", two}});
  const auto listed = as_administrator("kms:ListAliases", {{"KeyId", two}});
  EXPECT_EQ(listed.at("Aliases").at(0).at("TargetKeyId"), json::Value(two));
  as_administrator("kms:DeleteAlias", {{"AliasName", "alias/logs"}});
  EXPECT_EQ(last_event("DeleteAlias").at("resources").as_array().size(), 2U);
  EXPECT_EQ(error("kms:DeleteAlias", {{"AliasName", "alias/logs"}}),
            "NotFoundException: Alias arn:aws:kms:eu-west-1:111122223333:alias/logs is not found.");
}

TEST_F(KmsTest, WhatIsEncryptedIsDecrypted) {
  const auto key = make_key();
  const auto blob = encrypt(key, "secret", context("for", "tests"));
  const auto opened = as_administrator(
      "kms:Decrypt", {{"CiphertextBlob", blob}, {"EncryptionContext", context("for", "tests")}});
  EXPECT_EQ(opened.at("Plaintext"), json::Value(base64_encode("secret")));
  EXPECT_EQ(opened.at("KeyId"), json::Value(arn_of(key)));
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}}), "InvalidCiphertextException: ");
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", base64_encode("junk")}}),
            "InvalidCiphertextException: ");
  const auto other = make_key();
  EXPECT_EQ(error("kms:Decrypt", {{"CiphertextBlob", blob}, {"KeyId", other}}),
            "IncorrectKeyException: The key ID in the request does not identify a CMK that can "
            "perform this operation.");
  EXPECT_EQ(error("kms:Encrypt", {{"KeyId", key},
                                  {"Plaintext", base64_encode("x")},
                                  {"EncryptionAlgorithm", "RSAES_OAEP_SHA_1"}}),
            "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec "
            "SYMMETRIC_DEFAULT.");
  EXPECT_EQ(
      error("kms:Encrypt", {{"KeyId", key}, {"Plaintext", base64_encode("x")}, {"DryRun", true}}),
      "DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.");
}

TEST_F(KmsTest, LimitsOfPlaintextsAndContexts) {
  const auto key = make_key();
  const auto largest = std::string(4096, 'x');
  EXPECT_EQ(
      as_administrator("kms:Decrypt", {{"CiphertextBlob", encrypt(key, largest)}}).at("Plaintext"),
      json::Value(base64_encode(largest)));
  EXPECT_EQ(error("kms:Encrypt", {{"KeyId", key}, {"Plaintext", base64_encode(largest + "x")}}),
            "ValidationException: 1 validation error detected: Value at 'plaintext' failed to "
            "satisfy constraint: Member must have length less than or equal to 4096");
  EXPECT_THAT(error("kms:Encrypt", {{"KeyId", key},
                                    {"Plaintext", base64_encode("x")},
                                    {"EncryptionContext", context("k", std::string(8192, 'v'))}}),
              StartsWith("ValidationException: "));
}

TEST_F(KmsTest, DataKeysOpenLater) {
  const auto key = make_key();
  const auto made = as_administrator(
      "kms:GenerateDataKey",
      {{"KeyId", key}, {"KeySpec", "AES_256"}, {"EncryptionContext", context("k", "v")}});
  EXPECT_EQ(base64_decode(made.at("Plaintext").as_string())->size(), 32U);
  EXPECT_EQ(as_administrator("kms:Decrypt", {{"CiphertextBlob", made.at("CiphertextBlob")},
                                             {"EncryptionContext", context("k", "v")}})
                .at("Plaintext"),
            made.at("Plaintext"));
  const auto sealed = as_administrator("kms:GenerateDataKeyWithoutPlaintext",
                                       {{"KeyId", key}, {"NumberOfBytes", 24}});
  EXPECT_FALSE(sealed.contains("Plaintext"));
  const auto opened =
      as_administrator("kms:Decrypt", {{"CiphertextBlob", sealed.at("CiphertextBlob")}});
  EXPECT_EQ(base64_decode(opened.at("Plaintext").as_string())->size(), 24U);
  EXPECT_EQ(error("kms:GenerateDataKey", {{"KeyId", key}}),
            "ValidationException: Please specify either number of bytes or key spec.");
  EXPECT_THAT(error("kms:GenerateDataKey",
                    {{"KeyId", key}, {"KeySpec", "AES_128"}, {"Recipient", json::Object{}}}),
              HasSubstr("enclaves"));
  EXPECT_EQ(error("kms:GenerateRandom", {}), "ValidationException: NumberOfBytes is required.");
  EXPECT_EQ(base64_decode(as_administrator("kms:GenerateRandom", {{"NumberOfBytes", 1024}})
                              .at("Plaintext")
                              .as_string())
                ->size(),
            1024U);
}

TEST_F(KmsTest, ReEncryptMovesToAnotherKey) {
  const auto from = make_key();
  const auto to = make_key();
  const auto blob = encrypt(from, "secret", context("a", "1"));
  const auto moved =
      as_administrator("kms:ReEncrypt", {{"CiphertextBlob", blob},
                                         {"SourceEncryptionContext", context("a", "1")},
                                         {"DestinationKeyId", to},
                                         {"DestinationEncryptionContext", context("b", "2")}});
  EXPECT_EQ(moved.at("SourceKeyId"), json::Value(arn_of(from)));
  EXPECT_EQ(moved.at("KeyId"), json::Value(arn_of(to)));
  EXPECT_EQ(as_administrator("kms:Decrypt", {{"CiphertextBlob", moved.at("CiphertextBlob")},
                                             {"KeyId", to},
                                             {"EncryptionContext", context("b", "2")}})
                .at("Plaintext"),
            json::Value(base64_encode("secret")));
  EXPECT_EQ(last_event("ReEncrypt").at("resources").as_array().size(), 2U);
}

TEST_F(KmsTest, EventsShowContextAndKeyAndNoSecret) {
  const auto key = make_key();
  const auto blob = encrypt(key, "a very secret text", context("for", "tests"));
  const auto decrypted = as_administrator(
      "kms:Decrypt", {{"CiphertextBlob", blob}, {"EncryptionContext", context("for", "tests")}});
  const auto event = last_event("Decrypt");
  EXPECT_EQ(event.at("requestParameters"),
            (json::Object{{"encryptionContext", context("for", "tests")}}));
  EXPECT_EQ(event.at("responseElements"), nullptr);
  EXPECT_EQ(event.at("readOnly"), true);
  EXPECT_EQ(event.at("resources"),
            (json::Array{json::Object{
                {"accountId", kAccount}, {"type", "AWS::KMS::Key"}, {"ARN", arn_of(key)}}}));
  (void)last_event("Encrypt");
  for (const auto& one : events()) {
    const auto text = json::serialize(one);
    EXPECT_EQ(text.find(base64_encode("a very secret text")), text.npos) << text;
    EXPECT_EQ(text.find(blob), text.npos) << text;
  }
}

TEST_F(KmsTest, RotationByTimeAndOnDemand) {
  const auto key = make_key();
  const json::Object named{{"KeyId", key}};
  const auto old = encrypt(key, "old");
  EXPECT_EQ(as_administrator("kms:GetKeyRotationStatus", named),
            (json::Object{{"KeyRotationEnabled", false}, {"KeyId", arn_of(key)}}));
  as_administrator("kms:EnableKeyRotation", {{"KeyId", key}, {"RotationPeriodInDays", 90}});
  const auto status = as_administrator("kms:GetKeyRotationStatus", named);
  EXPECT_EQ(status.at("KeyRotationEnabled"), true);
  EXPECT_EQ(status.at("RotationPeriodInDays"), 90);
  EXPECT_EQ(rotate_due_keys(*services_).value(), 0U);
  fake_.clock.advance(std::chrono::days(90));
  EXPECT_EQ(rotate_due_keys(*services_).value(), 1U);
  EXPECT_EQ(last_event("RotateKey").at("serviceEventDetails"),
            (json::Object{{"rotationType", "AUTOMATIC"}, {"keyId", key}}));
  as_administrator("kms:RotateKeyOnDemand", named);
  EXPECT_EQ(as_administrator("kms:Decrypt", {{"CiphertextBlob", old}}).at("Plaintext"),
            json::Value(base64_encode("old")));
  const auto rotations = as_administrator("kms:ListKeyRotations", named);
  ASSERT_EQ(rotations.at("Rotations").as_array().size(), 2U);
  EXPECT_EQ(rotations.at("Rotations").at(0).at("RotationType"), "AUTOMATIC");
  EXPECT_EQ(rotations.at("Rotations").at(1).at("RotationType"), "ON_DEMAND");
  EXPECT_EQ(rotations.at("Rotations").at(1).at("KeyMaterialState"), "CURRENT");
  const auto all =
      as_administrator("kms:ListKeyRotations",
                       {{"KeyId", key}, {"IncludeKeyMaterial", "ALL_KEY_MATERIAL"}, {"Limit", 2}});
  EXPECT_EQ(all.at("Rotations").as_array().size(), 2U);
  EXPECT_EQ(
      as_administrator("kms:ListKeyRotations", {{"KeyId", key},
                                                {"IncludeKeyMaterial", "ALL_KEY_MATERIAL"},
                                                {"Marker", all.at("NextMarker")}})
          .at("Rotations")
          .at(0)
          .at("KeyMaterialId"),
      as_administrator("kms:DescribeKey", named).at("KeyMetadata").at("CurrentKeyMaterialId"));
  as_administrator("kms:DisableKey", named);
  for (const auto* operation :
       {"kms:EnableKeyRotation", "kms:DisableKeyRotation", "kms:RotateKeyOnDemand"}) {
    EXPECT_THAT(error(operation, named), StartsWith("DisabledException: ")) << operation;
  }
  as_administrator("kms:EnableKey", named);
  as_administrator("kms:DisableKeyRotation", named);
  EXPECT_EQ(as_administrator("kms:GetKeyRotationStatus", named).at("KeyRotationEnabled"), false);
}

TEST_F(KmsTest, ListsByPage) {
  std::set<std::string> keys;
  for (int i = 0; i < 3; ++i) keys.insert(make_key());
  const auto first = as_administrator("kms:ListKeys", {{"Limit", 2}});
  EXPECT_EQ(first.at("Truncated"), true);
  const auto second =
      as_administrator("kms:ListKeys", {{"Limit", 2}, {"Marker", first.at("NextMarker")}});
  EXPECT_EQ(second.at("Truncated"), false);
  EXPECT_EQ(second.at("Keys").as_array().size(), 1U);
  EXPECT_THAT(error("kms:ListKeys", {{"Marker", "no"}}), StartsWith("InvalidMarkerException: "));
  auto elsewhere = administrator_;
  elsewhere.region = "us-east-1";
  EXPECT_EQ(call(elsewhere, "kms:ListKeys", {})->at("Keys").as_array().size(), 0U);
}

}  // namespace
}  // namespace traccia::api
