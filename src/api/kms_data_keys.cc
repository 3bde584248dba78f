// KMS GenerateDataKey, GenerateDataKeyPair, both also without plaintext, and GenerateRandom.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "api/kms_use.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr std::string_view kUseErrors[] = {kNotFound, kDisabled, kInvalidUsage, kInvalidState,
                                           kDryRun};
constexpr std::string_view kDataKeySpecs[] = {"AES_256", "AES_128"};
constexpr Shape kDataKeySpec = aws::enum_shape(kDataKeySpecs);
constexpr Member kDataKeyInput[] = {kKeyIdMember,
                                    {"EncryptionContext", &kEncryptionContext},
                                    {"NumberOfBytes", &kBytesCount},
                                    {"KeySpec", &kDataKeySpec},
                                    kGrantTokensMember,
                                    kRecipientMember,
                                    kDryRunMember};
constexpr Shape kDataKeyRequest = aws::structure_shape(kDataKeyInput);
constexpr Member kDataKeyOutput[] = {{"CiphertextBlob", &kCiphertext},
                                     kPlaintextMember,
                                     {"KeyId", &kString},
                                     kForRecipientMember,
                                     {"KeyMaterialId", &kString}};
constexpr Shape kDataKeyAnswer = aws::structure_shape(kDataKeyOutput);
constexpr auto kDataKey =
    query("kms:GenerateDataKey", kDataKeyRequest, kDataKeyAnswer, kUseErrors, on_key(kCryptoKeys));

constexpr Member kSealedKeyInput[] = {kKeyIdMember,
                                      {"EncryptionContext", &kEncryptionContext},
                                      {"KeySpec", &kDataKeySpec},
                                      {"NumberOfBytes", &kBytesCount},
                                      kGrantTokensMember,
                                      kDryRunMember};
constexpr Shape kSealedKeyRequest = aws::structure_shape(kSealedKeyInput);
constexpr Member kSealedKeyOutput[] = {
    {"CiphertextBlob", &kCiphertext}, {"KeyId", &kString}, {"KeyMaterialId", &kString}};
constexpr Shape kSealedKeyAnswer = aws::structure_shape(kSealedKeyOutput);
constexpr auto kSealedKey = query("kms:GenerateDataKeyWithoutPlaintext", kSealedKeyRequest,
                                  kSealedKeyAnswer, kUseErrors, on_key(kCryptoKeys));

constexpr Member kRandomInput[] = {
    {"NumberOfBytes", &kBytesCount}, {"CustomKeyStoreId", &kString}, kRecipientMember};
constexpr Shape kRandomRequest = aws::structure_shape(kRandomInput);
constexpr Member kRandomOutput[] = {kPlaintextMember, kForRecipientMember};
constexpr Shape kRandomAnswer = aws::structure_shape(kRandomOutput);
constexpr std::string_view kRandomErrors[] = {"CustomKeyStoreNotFoundException"};
constexpr auto kRandom =
    query("kms:GenerateRandom", kRandomRequest, kRandomAnswer, kRandomErrors, {});

constexpr std::string_view kPairSpecs[] = {
    "RSA_2048",      "RSA_3072",        "RSA_4096", "ECC_NIST_P256",         "ECC_NIST_P384",
    "ECC_NIST_P521", "ECC_SECG_P256K1", "SM2",      "ECC_NIST_EDWARDS25519", "ML_KEM_512",
    "ML_KEM_768",    "ML_KEM_1024"};
constexpr Shape kPairSpec = aws::enum_shape(kPairSpecs);
constexpr Member kPairSpecMember{"KeyPairSpec", &kPairSpec, Presence::Required};
constexpr Member kPairInput[] = {{"EncryptionContext", &kEncryptionContext},
                                 kKeyIdMember,
                                 kPairSpecMember,
                                 kGrantTokensMember,
                                 kRecipientMember,
                                 kDryRunMember};
constexpr Shape kPairRequest = aws::structure_shape(kPairInput);
constexpr Member kPairOutput[] = {
    {"PrivateKeyCiphertextBlob", &kCiphertext},
    {"PrivateKeyPlaintext", &kPlaintext, Presence::Optional, Sensitivity::Unseen},
    {"PublicKey", &kPublicKey},
    {"KeyId", &kString},
    {"KeyPairSpec", &kPairSpec},
    kForRecipientMember,
    {"KeyMaterialId", &kString}};
constexpr Shape kPairAnswer = aws::structure_shape(kPairOutput);
constexpr std::string_view kPairErrors[] = {kNotFound,     kDisabled, kInvalidUsage,
                                            kInvalidState, kDryRun,   kUnsupported};
constexpr std::string_view kPairKeys[] = {"kms:RequestAlias", "kms:EncryptionAlgorithm",
                                          "kms:EncryptionContext", "kms:EncryptionContextKeys",
                                          "kms:DataKeyPairSpec"};
constexpr auto kPair =
    query("kms:GenerateDataKeyPair", kPairRequest, kPairAnswer, kPairErrors, on_key(kPairKeys));

constexpr Member kSealedPairInput[] = {{"EncryptionContext", &kEncryptionContext},
                                       kKeyIdMember,
                                       kPairSpecMember,
                                       kGrantTokensMember,
                                       kDryRunMember};
constexpr Shape kSealedPairRequest = aws::structure_shape(kSealedPairInput);
constexpr Member kSealedPairOutput[] = {{"PrivateKeyCiphertextBlob", &kCiphertext},
                                        {"PublicKey", &kPublicKey},
                                        {"KeyId", &kString},
                                        {"KeyPairSpec", &kPairSpec},
                                        {"KeyMaterialId", &kString}};
constexpr Shape kSealedPairAnswer = aws::structure_shape(kSealedPairOutput);
constexpr auto kSealedPair = query("kms:GenerateDataKeyPairWithoutPlaintext", kSealedPairRequest,
                                   kSealedPairAnswer, kPairErrors, on_key(kPairKeys));

// Whether the answer has what was sealed in clear too.
enum class InClear : uint8_t { Yes, No };

Result<size_t> read_data_key_bytes(const json::Object& input) {
  const auto count = optional_integer(input, "NumberOfBytes");
  const auto spec = optional_string(input, "KeySpec");
  if (count.has_value() == spec.has_value()) {
    return invalid("Please specify either number of bytes or key spec.");
  }
  if (count) return static_cast<size_t>(*count);
  return *spec == "AES_256" ? 32 : 16;
}

Result<OpenUse> find_sealing(Call& call, std::string_view operation) {
  const auto key = get_string(call.input, "KeyId");
  TRY_ASSIGN(auto use, read_use(call.input, key, {.algorithm = {}}));
  return find_sealing(call, std::move(use), operation);
}

Result<json::Object> generate_key(Call& call, InClear in_clear) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(const auto count, read_data_key_bytes(call.input));
  TRY_ASSIGN(auto sealing,
             find_sealing(call, (in_clear == InClear::Yes ? kDataKey : kSealedKey).name));
  TRY(check_dry_run(call));
  call.rest = [&random = call.services.os.random, count, in_clear,
               sealing = std::move(sealing)]() -> Result<Output> {
    TRY_ASSIGN(const auto made, make_data_key(random, sealing, count));
    json::Object out{{"CiphertextBlob", base64_encode(made.sealed)},
                     {"KeyId", sealing.key().arn},
                     {"KeyMaterialId", sealing.open->id()}};
    if (in_clear == InClear::Yes) out["Plaintext"] = base64_encode(made.plaintext);
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

Result<json::Object> generate_data_key(Call& call) {
  return generate_key(call, InClear::Yes);
}

Result<json::Object> generate_data_key_without_plaintext(Call& call) {
  return generate_key(call, InClear::No);
}

Result<json::Object> generate_pair(Call& call, InClear in_clear) {
  TRY(check_recipient(call.input));
  const auto spec = get_string(call.input, "KeyPairSpec");
  const auto kind = kms::find_pair_kind(spec);
  if (!kind) return unsupported(fmt::format("KeyPairSpec {} is not supported.", spec));
  TRY_ASSIGN(auto sealing,
             find_sealing(call, (in_clear == InClear::Yes ? kPair : kSealedPair).name));
  TRY(check_dry_run(call));
  call.rest = [&random = call.services.os.random, spec, kind, in_clear,
               sealing = std::move(sealing)]() -> Result<Output> {
    const auto pair = crypto::KeyPair::generate(*kind);
    const auto plaintext = pair.to_der();
    TRY_ASSIGN(const auto blob, sealing.encrypt(random, plaintext));
    json::Object out{{"PrivateKeyCiphertextBlob", base64_encode(blob)},
                     {"PublicKey", base64_encode(pair.public_der())},
                     {"KeyId", sealing.key().arn},
                     {"KeyPairSpec", spec},
                     {"KeyMaterialId", sealing.open->id()}};
    if (in_clear == InClear::Yes) out["PrivateKeyPlaintext"] = base64_encode(plaintext);
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

Result<json::Object> generate_data_key_pair(Call& call) {
  return generate_pair(call, InClear::Yes);
}

Result<json::Object> generate_data_key_pair_without_plaintext(Call& call) {
  return generate_pair(call, InClear::No);
}

Result<json::Object> generate_random(Call& call) {
  TRY(check_recipient(call.input));
  if (optional_string(call.input, "CustomKeyStoreId")) {
    return fail(ErrorCode::NotFound, "CustomKeyStoreNotFound", "");
  }
  const auto count = optional_integer(call.input, "NumberOfBytes");
  if (!count) return invalid("NumberOfBytes is required.");
  const auto bytes = call.services.os.random.bytes(static_cast<size_t>(*count));
  return json::Object{{"Plaintext", base64_encode(bytes)}};
}

}  // namespace

std::span<const Binding> data_key_bindings() {
  static const std::array bindings{Binding{&kDataKey, generate_data_key},
                                   Binding{&kSealedKey, generate_data_key_without_plaintext},
                                   Binding{&kPair, generate_data_key_pair},
                                   Binding{&kSealedPair, generate_data_key_pair_without_plaintext},
                                   Binding{&kRandom, generate_random}};
  return bindings;
}

}  // namespace traccia::api::kms_service
