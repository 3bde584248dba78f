// Keys that are pairs: what they sign, encrypt and agree on, and what they refuse.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_kms.h"
#include "crypto/key_pair.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class KmsPairsTest : public KmsTest {
 protected:
  std::string make(std::string_view spec, std::string_view usage) {
    return make_key({{"KeySpec", spec}, {"KeyUsage", usage}});
  }
  static json::Object signing(std::string_view key, std::string_view algorithm,
                              std::string_view message = "message") {
    return {{"KeyId", key}, {"SigningAlgorithm", algorithm}, {"Message", base64_encode(message)}};
  }
  json::Object metadata(std::string_view key) {
    return as_administrator("kms:DescribeKey", {{"KeyId", key}}).at("KeyMetadata").as_object();
  }
};

json::Array words(std::initializer_list<std::string_view> list) {
  json::Array out;
  for (const auto word : list) out.emplace_back(word);
  return out;
}

TEST_F(KmsPairsTest, SpecsAndUsagesThatGoTogether) {
  const auto refused = [&](std::string_view spec, std::string_view usage) {
    return error("kms:CreateKey", {{"KeySpec", spec}, {"KeyUsage", usage}});
  };
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"RSA_2048", "GENERATE_VERIFY_MAC"},  {"RSA_2048", "KEY_AGREEMENT"},
      {"ECC_NIST_P256", "ENCRYPT_DECRYPT"}, {"ECC_SECG_P256K1", "KEY_AGREEMENT"},
      {"SYMMETRIC_DEFAULT", "SIGN_VERIFY"}, {"HMAC_256", "SIGN_VERIFY"}};
  for (const auto& [spec, usage] : wrong) {
    EXPECT_EQ(refused(spec, usage),
              fmt::format("ValidationException: KeyUsage {} is not compatible with KeySpec {}",
                          usage, spec));
  }
  EXPECT_THAT(error("kms:CreateKey", {{"KeySpec", "ECC_NIST_P256"}}),
              StartsWith("ValidationException: You must specify a KeyUsage value"));
  EXPECT_EQ(refused("ML_DSA_44", "SIGN_VERIFY"),
            "UnsupportedOperationException: KeySpec ML_DSA_44 is not supported.");
  EXPECT_EQ(metadata(make("ECC_NIST_P521", "SIGN_VERIFY")).at("SigningAlgorithms"),
            words({"ECDSA_SHA_512"}));
  EXPECT_EQ(metadata(make("ECC_NIST_P256", "KEY_AGREEMENT")).at("KeyAgreementAlgorithms"),
            words({"ECDH"}));
  const auto rsa = metadata(make("RSA_2048", "ENCRYPT_DECRYPT"));
  EXPECT_EQ(rsa.at("EncryptionAlgorithms"), words({"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}));
  EXPECT_EQ(rsa.at("CustomerMasterKeySpec"), "RSA_2048");
  EXPECT_FALSE(rsa.contains("CurrentKeyMaterialId")) << "of symmetric keys only";
  EXPECT_FALSE(rsa.contains("SigningAlgorithms"));
}

TEST_F(KmsPairsTest, SignaturesOfMessagesAndDigests) {
  const auto key = make("ECC_NIST_P256", "SIGN_VERIFY");
  const std::string_view algorithm = "ECDSA_SHA_256";
  const auto made = as_administrator("kms:Sign", signing(key, algorithm));
  EXPECT_EQ(made.at("KeyId"), json::Value(arn_of(key)));
  EXPECT_EQ(made.at("SigningAlgorithm"), json::Value(algorithm));
  const auto digest = crypto::digest(crypto::SignatureHash::Sha256, "message");
  auto asked = signing(key, algorithm, digest);
  asked["MessageType"] = "DIGEST";
  asked["Signature"] = made.at("Signature");
  EXPECT_EQ(as_administrator("kms:Verify", asked).at("SignatureValid"), true);
  asked["MessageType"] = "RAW";
  EXPECT_EQ(error("kms:Verify", asked), "KMSInvalidSignatureException: ");
  asked["MessageType"] = "DIGEST";
  asked["Message"] = base64_encode("short");
  EXPECT_EQ(error("kms:Verify", asked),
            "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.");
  asked["MessageType"] = "EXTERNAL_MU";
  EXPECT_THAT(error("kms:Sign", asked), StartsWith("ValidationException: "));
  EXPECT_EQ(error("kms:Sign", signing(key, "ECDSA_SHA_384")),
            "InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec "
            "ECC_NIST_P256.");
  auto dry = signing(key, algorithm);
  dry["DryRun"] = true;
  EXPECT_THAT(error("kms:Sign", dry), StartsWith("DryRunOperationException: "));
  const auto event = last_event("Sign");
  EXPECT_EQ(event.at("requestParameters"),
            (json::Object{{"keyId", key}, {"signingAlgorithm", algorithm}}));
  EXPECT_EQ(event.at("readOnly"), true);
  EXPECT_EQ(event.at("resources").at(0).at("ARN"), json::Value(arn_of(key)));
}

TEST_F(KmsPairsTest, EachUsageHasItsOperations) {
  const auto signer = make("RSA_2048", "SIGN_VERIFY");
  const auto cipher = make("RSA_2048", "ENCRYPT_DECRYPT");
  const auto plain = base64_encode("x");
  const auto usage = [](std::string_view key, std::string_view what, std::string_view operation) {
    return fmt::format("InvalidKeyUsageException: {} key usage is {} which is not valid for {}.",
                       arn_of(key), what, operation);
  };
  EXPECT_EQ(error("kms:Encrypt", {{"KeyId", signer}, {"Plaintext", plain}}),
            usage(signer, "SIGN_VERIFY", "Encrypt"));
  EXPECT_EQ(error("kms:Sign", signing(cipher, "RSASSA_PSS_SHA_256")),
            usage(cipher, "ENCRYPT_DECRYPT", "Sign"));
  EXPECT_EQ(error("kms:DeriveSharedSecret",
                  {{"KeyId", signer}, {"KeyAgreementAlgorithm", "ECDH"}, {"PublicKey", plain}}),
            usage(signer, "SIGN_VERIFY", "DeriveSharedSecret"));
  EXPECT_THAT(error("kms:Decrypt", {{"KeyId", signer}, {"CiphertextBlob", plain}}),
              StartsWith("IncorrectKeyException: "));
  EXPECT_EQ(error("kms:GenerateDataKey", {{"KeyId", cipher}, {"KeySpec", "AES_256"}}),
            "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec "
            "RSA_2048.");
  EXPECT_EQ(error("kms:GetPublicKey", {{"KeyId", make_key()}}).substr(0, 31),
            "UnsupportedOperationException: ");
  for (const auto* operation : {"kms:EnableKeyRotation", "kms:RotateKeyOnDemand"}) {
    EXPECT_THAT(error(operation, {{"KeyId", cipher}}),
                StartsWith("UnsupportedOperationException: "));
  }
  as_administrator("kms:DisableKey", {{"KeyId", signer}});
  EXPECT_THAT(error("kms:Sign", signing(signer, "RSASSA_PSS_SHA_256")),
              StartsWith("DisabledException: "));
  EXPECT_THAT(error("kms:GetPublicKey", {{"KeyId", signer}}), StartsWith("DisabledException: "));
}

TEST_F(KmsPairsTest, EncryptionWithRsa) {
  const auto key = make("RSA_2048", "ENCRYPT_DECRYPT");
  const auto input = [&](size_t bytes) {
    return json::Object{{"KeyId", key},
                        {"Plaintext", base64_encode(std::string(bytes, 'x'))},
                        {"EncryptionAlgorithm", "RSAES_OAEP_SHA_256"}};
  };
  const auto made = as_administrator("kms:Encrypt", input(190));
  json::Object asked{{"KeyId", key},
                     {"CiphertextBlob", made.at("CiphertextBlob")},
                     {"EncryptionAlgorithm", "RSAES_OAEP_SHA_256"}};
  const auto opened = as_administrator("kms:Decrypt", asked);
  EXPECT_EQ(opened.at("Plaintext"), json::Value(base64_encode(std::string(190, 'x'))));
  EXPECT_EQ(opened.at("EncryptionAlgorithm"), "RSAES_OAEP_SHA_256");
  EXPECT_FALSE(opened.contains("KeyMaterialId"));
  EXPECT_EQ(error("kms:Encrypt", input(191)),
            "ValidationException: Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot "
            "encrypt data larger than 190 bytes.");
  asked["EncryptionAlgorithm"] = "RSAES_OAEP_SHA_1";
  EXPECT_EQ(error("kms:Decrypt", asked), "InvalidCiphertextException: ");
  asked.erase("EncryptionAlgorithm");
  EXPECT_EQ(error("kms:Decrypt", asked),
            "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec "
            "RSA_2048.");
  asked.erase("KeyId");
  EXPECT_EQ(error("kms:Decrypt", asked), "InvalidCiphertextException: ") << "it names no key";
  auto with_context = input(1);
  with_context["EncryptionContext"] = context("a", "b");
  EXPECT_THAT(error("kms:Encrypt", with_context), StartsWith("ValidationException: "));
}

TEST_F(KmsPairsTest, ReEncryptBetweenKindsOfKeys) {
  const auto rsa = make("RSA_2048", "ENCRYPT_DECRYPT");
  const auto aes = make_key();
  const auto moved =
      as_administrator("kms:ReEncrypt", {{"CiphertextBlob", encrypt(aes, "secret")},
                                         {"DestinationKeyId", rsa},
                                         {"DestinationEncryptionAlgorithm", "RSAES_OAEP_SHA_1"}});
  EXPECT_TRUE(moved.contains("SourceKeyMaterialId"));
  EXPECT_FALSE(moved.contains("DestinationKeyMaterialId"));
  const auto back =
      as_administrator("kms:ReEncrypt", {{"CiphertextBlob", moved.at("CiphertextBlob")},
                                         {"SourceKeyId", rsa},
                                         {"SourceEncryptionAlgorithm", "RSAES_OAEP_SHA_1"},
                                         {"DestinationKeyId", aes}});
  EXPECT_EQ(back.at("SourceEncryptionAlgorithm"), "RSAES_OAEP_SHA_1");
  EXPECT_EQ(as_administrator("kms:Decrypt", {{"CiphertextBlob", back.at("CiphertextBlob")}})
                .at("Plaintext"),
            json::Value(base64_encode("secret")));
}

TEST_F(KmsPairsTest, DataKeyPairs) {
  const auto key = make_key();
  json::Object asked{{"KeyId", key},
                     {"KeyPairSpec", "ECC_NIST_P384"},
                     {"EncryptionContext", context("for", "pairs")}};
  const auto made = as_administrator("kms:GenerateDataKeyPair", asked);
  const auto opened =
      as_administrator("kms:Decrypt", {{"CiphertextBlob", made.at("PrivateKeyCiphertextBlob")},
                                       {"EncryptionContext", context("for", "pairs")}});
  EXPECT_EQ(opened.at("Plaintext"), made.at("PrivateKeyPlaintext"));
  const auto pair =
      crypto::KeyPair::from_der(*base64_decode(made.at("PrivateKeyPlaintext").as_string()));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->kind(), crypto::PairKind::P384);
  EXPECT_EQ(made.at("PublicKey"), json::Value(base64_encode(pair->public_der())));
  const auto sealed = as_administrator("kms:GenerateDataKeyPairWithoutPlaintext", asked);
  EXPECT_FALSE(sealed.contains("PrivateKeyPlaintext"));
  asked["KeyPairSpec"] = "SM2";
  EXPECT_EQ(error("kms:GenerateDataKeyPair", asked),
            "UnsupportedOperationException: KeyPairSpec SM2 is not supported.");
  asked["KeyPairSpec"] = "RSA_2048";
  asked["KeyId"] = make("RSA_2048", "ENCRYPT_DECRYPT");
  EXPECT_THAT(error("kms:GenerateDataKeyPair", asked), StartsWith("InvalidKeyUsageException: "));
  const auto secret = std::string(made.at("PrivateKeyPlaintext").as_string());
  (void)last_event("GenerateDataKeyPair");
  for (const auto& one : events()) EXPECT_THAT(json::serialize(one), Not(HasSubstr(secret)));
}

TEST_F(KmsPairsTest, TwoKeysAgreeOnASecret) {
  const auto one = make("ECC_NIST_P256", "KEY_AGREEMENT");
  const auto two = make("ECC_NIST_P256", "KEY_AGREEMENT");
  const auto public_key = [&](std::string_view key) {
    return as_administrator("kms:GetPublicKey", {{"KeyId", key}}).at("PublicKey");
  };
  const auto asked = [](std::string_view key, const json::Value& peer) {
    return json::Object{{"KeyId", key}, {"KeyAgreementAlgorithm", "ECDH"}, {"PublicKey", peer}};
  };
  const auto secret = as_administrator("kms:DeriveSharedSecret", asked(one, public_key(two)));
  EXPECT_EQ(base64_decode(secret.at("SharedSecret").as_string())->size(), 32U);
  EXPECT_EQ(secret.at("KeyOrigin"), "AWS_KMS");
  EXPECT_EQ(
      as_administrator("kms:DeriveSharedSecret", asked(two, public_key(one))).at("SharedSecret"),
      secret.at("SharedSecret"));
  EXPECT_EQ(error("kms:DeriveSharedSecret", asked(one, json::Value(base64_encode("no key")))),
            "ValidationException: ");
  EXPECT_EQ(
      error("kms:DeriveSharedSecret", asked(one, public_key(make("ECC_NIST_P384", "SIGN_VERIFY")))),
      "ValidationException: ");
}

TEST_F(KmsPairsTest, ConditionsOnAlgorithms) {
  constexpr std::string_view kWorker = R"({"AWS":"arn:aws:iam::111122223333:user/worker"})";
  const auto key = make("RSA_2048", "SIGN_VERIFY");
  put_policy(key, document({for_account(),
                            allowing(kWorker, R"("kms:Sign")",
                                     R"({"StringEquals":{"kms:SigningAlgorithm":)"
                                     R"("RSASSA_PSS_SHA_256","kms:MessageType":"RAW"}})")}));
  EXPECT_EQ(refusal("kms:Sign", signing(key, "RSASSA_PSS_SHA_256")), "");
  EXPECT_NE(refusal("kms:Sign", signing(key, "RSASSA_PSS_SHA_512")), "");
  auto digest = signing(key, "RSASSA_PSS_SHA_256", std::string(32, 'd'));
  digest["MessageType"] = "DIGEST";
  EXPECT_NE(refusal("kms:Sign", digest), "");

  const auto from = make_key();
  const auto to = make("RSA_2048", "ENCRYPT_DECRYPT");
  const auto only = [&](std::string_view of, std::string_view algorithm) {
    put_policy(of, document({for_account(),
                             allowing(kWorker, R"("kms:ReEncrypt*")",
                                      fmt::format(R"({{"StringEquals":{{"kms:EncryptionAlgorithm":)"
                                                  R"("{}"}}}})",
                                                  algorithm))}));
  };
  only(from, "SYMMETRIC_DEFAULT");
  only(to, "RSAES_OAEP_SHA_256");
  json::Object moving{{"CiphertextBlob", encrypt(from, "secret")},
                      {"DestinationKeyId", to},
                      {"DestinationEncryptionAlgorithm", "RSAES_OAEP_SHA_256"}};
  EXPECT_EQ(refusal("kms:ReEncrypt", moving), "") << "each key by its own algorithm";
  moving["DestinationEncryptionAlgorithm"] = "RSAES_OAEP_SHA_1";
  EXPECT_NE(refusal("kms:ReEncrypt", moving), "");
}

TEST_F(KmsPairsTest, OtherAccountsSignByArn) {
  const auto key = make("ECC_NIST_P256", "SIGN_VERIFY");
  const auto theirs = stranger();
  auto asked = signing(arn_of(key), "ECDSA_SHA_256");
  EXPECT_THAT(error(theirs, "kms:Sign", asked), StartsWith("AccessDeniedException: "));
  put_policy(key, document({for_account(), allowing(R"({"AWS":"444455556666"})",
                                                    R"(["kms:Sign","kms:GetPublicKey"])")}));
  EXPECT_EQ(error(theirs, "kms:Sign", asked), "");
  EXPECT_EQ(error(theirs, "kms:GetPublicKey", {{"KeyId", arn_of(key)}}), "");
}

}  // namespace
}  // namespace traccia::api
