// What KMS's operations have in common: shapes, condition keys, and how an operation is written
// down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "aws/operation.h"

namespace traccia::api::kms_service {

using aws::kBoolean;
using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;

inline constexpr Shape kKeyId = aws::string_shape(1, 2048);
inline constexpr Member kKeyIdMember{"KeyId", &kKeyId, Presence::Required};

inline constexpr aws::Pattern kPolicyCharacters{
    "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", [](std::string_view text) {
      // UTF-8 of U+0080 to U+00FF begins with C2 or C3.
      for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D) || byte > 0xC3) {
          return false;
        }
      }
      return !text.empty();
    }};
inline constexpr Shape kPolicy = aws::string_shape(1, 131'072, kPolicyCharacters);
inline constexpr aws::Pattern kPolicyNamePattern{"[\\w]+", [](std::string_view text) {
                                                   return !text.empty() &&
                                                          aws::only_characters(text, "a-zA-Z0-9_");
                                                 }};
inline constexpr Shape kPolicyName = aws::string_shape(1, 128, kPolicyNamePattern);
inline constexpr Shape kDescription = aws::string_shape(0, 8192);

inline constexpr aws::Pattern kAliasPattern{"^[a-zA-Z0-9:/_-]+$", [](std::string_view text) {
                                              return !text.empty() &&
                                                     aws::only_characters(text, "a-zA-Z0-9:/_-");
                                            }};
inline constexpr Shape kAliasName = aws::string_shape(1, 256, kAliasPattern);

inline constexpr std::string_view kKeyUsages[] = {"SIGN_VERIFY", "ENCRYPT_DECRYPT",
                                                  "GENERATE_VERIFY_MAC", "KEY_AGREEMENT",
                                                  "ENCAPSULATE_DECAPSULATE"};
inline constexpr Shape kKeyUsage = aws::enum_shape(kKeyUsages);
inline constexpr std::string_view kKeySpecs[] = {
    "RSA_2048",      "RSA_3072",      "RSA_4096",        "ECC_NIST_P256",
    "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "SYMMETRIC_DEFAULT",
    "HMAC_224",      "HMAC_256",      "HMAC_384",        "HMAC_512",
    "SM2",           "ML_DSA_44",     "ML_DSA_65",       "ML_DSA_87",
    "ML_KEM_512",    "ML_KEM_768",    "ML_KEM_1024",     "ECC_NIST_EDWARDS25519"};
inline constexpr Shape kKeySpec = aws::enum_shape(kKeySpecs);
inline constexpr std::string_view kMasterKeySpecs[] = {
    "RSA_2048",      "RSA_3072",          "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
    "ECC_NIST_P521", "ECC_SECG_P256K1",   "HMAC_224", "HMAC_256",      "HMAC_384",
    "HMAC_512",      "SYMMETRIC_DEFAULT", "SM2"};
inline constexpr Shape kMasterKeySpec = aws::enum_shape(kMasterKeySpecs);
inline constexpr std::string_view kOrigins[] = {"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM",
                                                "EXTERNAL_KEY_STORE"};
inline constexpr Shape kOrigin = aws::enum_shape(kOrigins);
inline constexpr std::string_view kKeyStates[] = {"Creating",      "Enabled",
                                                  "Disabled",      "PendingDeletion",
                                                  "PendingImport", "PendingReplicaDeletion",
                                                  "Unavailable",   "Updating"};
inline constexpr Shape kKeyState = aws::enum_shape(kKeyStates);

inline constexpr std::string_view kEncryptionAlgorithms[] = {
    "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"};
inline constexpr Shape kEncryptionAlgorithm = aws::enum_shape(kEncryptionAlgorithms);
inline constexpr Shape kEncryptionAlgorithmList = aws::list_shape(kEncryptionAlgorithm);
inline constexpr std::string_view kSigningAlgorithms[] = {"RSASSA_PSS_SHA_256",
                                                          "RSASSA_PSS_SHA_384",
                                                          "RSASSA_PSS_SHA_512",
                                                          "RSASSA_PKCS1_V1_5_SHA_256",
                                                          "RSASSA_PKCS1_V1_5_SHA_384",
                                                          "RSASSA_PKCS1_V1_5_SHA_512",
                                                          "ECDSA_SHA_256",
                                                          "ECDSA_SHA_384",
                                                          "ECDSA_SHA_512",
                                                          "SM2DSA",
                                                          "ML_DSA_SHAKE_256",
                                                          "ED25519_SHA_512",
                                                          "ED25519_PH_SHA_512"};
inline constexpr Shape kSigningAlgorithm = aws::enum_shape(kSigningAlgorithms);
inline constexpr Shape kSigningAlgorithmList = aws::list_shape(kSigningAlgorithm);
inline constexpr std::string_view kMacAlgorithms[] = {"HMAC_SHA_224", "HMAC_SHA_256",
                                                      "HMAC_SHA_384", "HMAC_SHA_512"};
inline constexpr Shape kMacAlgorithm = aws::enum_shape(kMacAlgorithms);
inline constexpr Shape kMacAlgorithmList = aws::list_shape(kMacAlgorithm);
inline constexpr std::string_view kAgreements[] = {"ECDH"};
inline constexpr Shape kAgreement = aws::enum_shape(kAgreements);
inline constexpr Shape kAgreementList = aws::list_shape(kAgreement);
inline constexpr std::string_view kEncapsulations[] = {"ML_KEM"};
inline constexpr Shape kEncapsulation = aws::enum_shape(kEncapsulations);
inline constexpr Shape kEncapsulationList = aws::list_shape(kEncapsulation);
inline constexpr std::string_view kExpirationModels[] = {"KEY_MATERIAL_EXPIRES",
                                                         "KEY_MATERIAL_DOES_NOT_EXPIRE"};
inline constexpr Shape kExpirationModel = aws::enum_shape(kExpirationModels);
inline constexpr Shape kEncryptionContext = aws::map_shape(kString, kString);
inline constexpr Shape kGrantToken = aws::string_shape(1, 8192);
inline constexpr Shape kGrantTokens = aws::list_shape(kGrantToken, 0, 10);
inline constexpr Shape kPlaintext{.type = aws::MemberType::Blob, .min = 1, .max = 4096};
inline constexpr Shape kCiphertext{.type = aws::MemberType::Blob, .min = 1, .max = 6144};
inline constexpr Shape kPublicKey{.type = aws::MemberType::Blob, .min = 1, .max = 8192};
inline constexpr Shape kBytesCount = aws::integer_shape(1, 1024);

inline constexpr Member kPlaintextMember{"Plaintext", &kPlaintext, Presence::Optional,
                                         Sensitivity::Unseen};
inline constexpr Member kGrantTokensMember{"GrantTokens", &kGrantTokens, Presence::Optional,
                                           Sensitivity::Secret};
inline constexpr Member kDryRunMember{"DryRun", &kBoolean};

// Of Nitro enclaves, of which this server knows none.
inline constexpr std::string_view kRecipientMechanisms[] = {"RSAES_OAEP_SHA_256"};
inline constexpr Shape kRecipientMechanism = aws::enum_shape(kRecipientMechanisms);
inline constexpr Member kRecipientMembers[] = {{"KeyEncryptionAlgorithm", &kRecipientMechanism},
                                               {"AttestationDocument", &aws::kBlob}};
inline constexpr Shape kRecipient = aws::structure_shape(kRecipientMembers);
inline constexpr Member kRecipientMember{"Recipient", &kRecipient};
inline constexpr Member kForRecipientMember{"CiphertextForRecipient", &kCiphertext};

inline constexpr Shape kTagKey = aws::string_shape(1, 128);
inline constexpr Shape kTagValue = aws::string_shape(0, 256);
inline constexpr Member kTagMembers[] = {{"TagKey", &kTagKey, Presence::Required},
                                         {"TagValue", &kTagValue, Presence::Required}};
inline constexpr Shape kTag = aws::structure_shape(kTagMembers);
inline constexpr Shape kTags = aws::list_shape(kTag);

// Pages: behind the members that an operation has of its own.
inline constexpr aws::Pattern kMarkerPattern{"[\\u0020-\\u00FF]*", nullptr};
inline constexpr Shape kMarker = aws::string_shape(1, 1024, kMarkerPattern);
inline constexpr Shape kLimit = aws::integer_shape(1, 1000);
inline constexpr Member kLimitMember{"Limit", &kLimit};
inline constexpr Member kMarkerMember{"Marker", &kMarker};
inline constexpr Member kNextMarkerMember{"NextMarker", &kMarker};
inline constexpr Member kTruncatedMember{"Truncated", &kBoolean};

// Condition keys. What every operation on a key has, its properties and kms:CallerAccount,
// kms:ViaService, is not listed. kms:RequestAlias tells too that aliases name the key.
inline constexpr std::string_view kAliasKeys[] = {"kms:RequestAlias"};
inline constexpr std::string_view kCryptoKeys[] = {"kms:RequestAlias", "kms:EncryptionAlgorithm",
                                                   "kms:EncryptionContext",
                                                   "kms:EncryptionContextKeys"};

constexpr aws::Access on_key(std::span<const std::string_view> keys = {},
                             std::string_view named_by = "KeyId") {
  return {.resource = "key", .named_by = named_by, .keys = keys};
}

// `action` is "kms:CreateKey"; the operation's name follows the colon.
constexpr aws::Operation operation(std::string_view action, const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors,
                                   const aws::Access& access) {
  return {.service = "kms",
          .event_source = "kms.amazonaws.com",
          .name = action.substr(action.find(':') + 1),
          .api_version = "2014-11-01",
          .iam_action = action,
          .access = access,
          .input = &input,
          .output = &output,
          .errors = errors};
}
constexpr aws::Operation change(std::string_view action, const Shape& input, const Shape& output,
                                std::span<const std::string_view> errors,
                                const aws::Access& access) {
  return operation(action, input, output, errors, access);
}
// Cryptographic operations too are calls that read ("Logging AWS KMS API calls with AWS
// CloudTrail").
constexpr aws::Operation query(std::string_view action, const Shape& input, const Shape& output,
                               std::span<const std::string_view> errors,
                               const aws::Access& access) {
  auto out = operation(action, input, output, errors, access);
  out.read_only = true;
  return out;
}

inline constexpr std::string_view kNotFound = "NotFoundException";
inline constexpr std::string_view kInvalidArn = "InvalidArnException";
inline constexpr std::string_view kInvalidState = "KMSInvalidStateException";
inline constexpr std::string_view kDisabled = "DisabledException";
inline constexpr std::string_view kInvalidUsage = "InvalidKeyUsageException";
inline constexpr std::string_view kInvalidCiphertext = "InvalidCiphertextException";
inline constexpr std::string_view kIncorrectKey = "IncorrectKeyException";
inline constexpr std::string_view kLimitExceeded = "LimitExceededException";
inline constexpr std::string_view kInvalidMarker = "InvalidMarkerException";
inline constexpr std::string_view kMalformedPolicy = "MalformedPolicyDocumentException";
inline constexpr std::string_view kUnsupported = "UnsupportedOperationException";
inline constexpr std::string_view kTagError = "TagException";
inline constexpr std::string_view kDryRun = "DryRunOperationException";

}  // namespace traccia::api::kms_service
