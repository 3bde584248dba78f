// KMS Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext,
// GenerateRandom.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "base/bytes.h"

namespace traccia::api::kms_service {
namespace {

constexpr std::string_view kUseErrors[] = {kNotFound, kDisabled, kInvalidUsage, kInvalidState,
                                           kDryRun};
constexpr std::string_view kOpenErrors[] = {
    kNotFound, kDisabled, kInvalidCiphertext, kIncorrectKey, kInvalidUsage, kInvalidState, kDryRun};
constexpr std::string_view kModifiers[] = {"IGNORE_CIPHERTEXT"};
constexpr Shape kModifier = aws::enum_shape(kModifiers);
constexpr Shape kModifierList = aws::list_shape(kModifier);

constexpr Member kEncryptInput[] = {
    kKeyIdMember,
    {"Plaintext", &kPlaintext, Presence::Required, Sensitivity::Unseen},
    {"EncryptionContext", &kEncryptionContext},
    kGrantTokensMember,
    {"EncryptionAlgorithm", &kEncryptionAlgorithm},
    kDryRunMember};
constexpr Shape kEncryptRequest = aws::structure_shape(kEncryptInput);
constexpr Member kEncryptOutput[] = {{"CiphertextBlob", &kCiphertext},
                                     {"KeyId", &kString},
                                     {"EncryptionAlgorithm", &kEncryptionAlgorithm}};
constexpr Shape kEncryptAnswer = aws::structure_shape(kEncryptOutput);
constexpr auto kEncrypt =
    query("kms:Encrypt", kEncryptRequest, kEncryptAnswer, kUseErrors, on_key(kCryptoKeys));

constexpr Member kDecryptInput[] = {{"CiphertextBlob", &kCiphertext},
                                    {"EncryptionContext", &kEncryptionContext},
                                    kGrantTokensMember,
                                    {"KeyId", &kKeyId},
                                    {"EncryptionAlgorithm", &kEncryptionAlgorithm},
                                    kRecipientMember,
                                    kDryRunMember,
                                    {"DryRunModifiers", &kModifierList}};
constexpr Shape kDecryptRequest = aws::structure_shape(kDecryptInput);
constexpr Member kDecryptOutput[] = {{"KeyId", &kString},
                                     kPlaintextMember,
                                     {"EncryptionAlgorithm", &kEncryptionAlgorithm},
                                     kForRecipientMember,
                                     {"KeyMaterialId", &kString}};
constexpr Shape kDecryptAnswer = aws::structure_shape(kDecryptOutput);
constexpr auto kDecrypt = query("kms:Decrypt", kDecryptRequest, kDecryptAnswer, kOpenErrors,
                                on_key(kCryptoKeys, "CiphertextBlob"));

constexpr Member kReEncryptInput[] = {{"CiphertextBlob", &kCiphertext},
                                      {"SourceEncryptionContext", &kEncryptionContext},
                                      {"SourceKeyId", &kKeyId},
                                      {"DestinationKeyId", &kKeyId, Presence::Required},
                                      {"DestinationEncryptionContext", &kEncryptionContext},
                                      {"SourceEncryptionAlgorithm", &kEncryptionAlgorithm},
                                      {"DestinationEncryptionAlgorithm", &kEncryptionAlgorithm},
                                      kGrantTokensMember,
                                      kDryRunMember,
                                      {"DryRunModifiers", &kModifierList}};
constexpr Shape kReEncryptRequest = aws::structure_shape(kReEncryptInput);
constexpr Member kReEncryptOutput[] = {{"CiphertextBlob", &kCiphertext},
                                       {"SourceKeyId", &kString},
                                       {"KeyId", &kString},
                                       {"SourceEncryptionAlgorithm", &kEncryptionAlgorithm},
                                       {"DestinationEncryptionAlgorithm", &kEncryptionAlgorithm},
                                       {"SourceKeyMaterialId", &kString},
                                       {"DestinationKeyMaterialId", &kString}};
constexpr Shape kReEncryptAnswer = aws::structure_shape(kReEncryptOutput);
constexpr std::string_view kReEncryptKeys[] = {"kms:RequestAlias", "kms:EncryptionAlgorithm",
                                               "kms:EncryptionContext", "kms:EncryptionContextKeys",
                                               "kms:ReEncryptOnSameKey"};
constexpr auto kReEncrypt = [] {
  auto out = query("kms:ReEncryptFrom", kReEncryptRequest, kReEncryptAnswer, kOpenErrors,
                   on_key(kReEncryptKeys, "CiphertextBlob"));
  out.name = "ReEncrypt";
  return out;
}();

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

// What would answer to an enclave only must not answer to whoever asks.
Result<> check_recipient(const json::Object& input) {
  const auto* recipient = json::find(input, "Recipient");
  if (recipient == nullptr || recipient->is_null()) return {};
  return invalid("Recipient is not supported: this server knows no Nitro enclaves.");
}

Result<> check_algorithm(const kms::Key& key, const json::Object& input, std::string_view member) {
  const auto algorithm = optional_string(input, member).value_or(std::string(kms::kSymmetric));
  if (algorithm == key.spec) return {};
  return fail(ErrorCode::FailedPrecondition, "InvalidKeyUsage",
              fmt::format("Algorithm {} is incompatible with key spec {}.", algorithm, key.spec));
}

std::unexpected<Error> incorrect_key() {
  return fail(ErrorCode::InvalidArgument, "IncorrectKey",
              "The key ID in the request does not identify a CMK that can perform this operation.");
}

// A ciphertext of the request and the key that opens it.
struct Source {
  std::string blob;
  kms::Key key;
  kms::Opened opened;
};

// Which members of the request tell of the source.
struct SourceMembers {
  std::string_view key;
  std::string_view context;
  std::string_view algorithm;
};

// `DryRunModifiers` asks for a verdict on the permissions alone, which there is by now.
bool ignores_ciphertext(const json::Object& input) {
  const auto* modifiers = json::find(input, "DryRunModifiers");
  return modifiers != nullptr && modifiers->is_array() && !modifiers->get_array().empty();
}

Result<kms::Key> find_source(Call& call, const kms::CiphertextView& ciphertext,
                             std::string_view key_member) {
  if (optional_string(call.input, key_member)) {
    TRY_ASSIGN(auto key, find_key(call, key_member, kms::AliasesAre::Allowed));
    TRY(kms::check_state(key, kms::Needs::Enabled));
    const bool its = ciphertext.account == key.place.account && ciphertext.key_id == key.id;
    if (!its) return incorrect_key();
    return key;
  }
  const kms::Place place{std::string(ciphertext.account), call.caller.region};
  const kms::KeyName name{.arn = kms::key_arn(place, ciphertext.key_id), .account = place.account};
  TRY_ASSIGN(auto key, call.services.keys.get(call.transaction, name));
  note_resource(call, key.place.account, key.arn);
  call.resource_account = key.place.account;
  TRY(kms::check_state(key, kms::Needs::Enabled));
  return key;
}

Result<Source> open_source(Call& call, const SourceMembers& members) {
  if (ignores_ciphertext(call.input)) {
    if (!optional_bool(call.input, "DryRun").value_or(false)) {
      return invalid("DryRunModifiers can be specified only when DryRun is true.");
    }
    TRY_ASSIGN(const auto key, find_key(call, members.key, kms::AliasesAre::Allowed));
    TRY(kms::check_state(key, kms::Needs::Enabled));
    TRY(check_dry_run(call));
  }
  if (!optional_string(call.input, "CiphertextBlob")) {
    return invalid(
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
        "Member must not be null");
  }
  Source out{.blob = read_blob(call.input, "CiphertextBlob"), .key = {}, .opened = {}};
  TRY_ASSIGN(const auto ciphertext, kms::decode_ciphertext(out.blob));
  TRY_ASSIGN(out.key, find_source(call, ciphertext, members.key));
  TRY(check_algorithm(out.key, call.input, members.algorithm));
  TRY_ASSIGN(const auto context, read_context(call.input, members.context));
  TRY_ASSIGN(out.opened,
             call.services.keys.decrypt(call.transaction, out.key, ciphertext, context));
  return out;
}

Result<json::Object> encrypt(Call& call) {
  TRY_ASSIGN(const auto key, find_usable(call, "KeyId", kms::kEncryptDecrypt, kEncrypt.name));
  TRY(check_algorithm(key, call.input, "EncryptionAlgorithm"));
  TRY_ASSIGN(const auto context, read_context(call.input, "EncryptionContext"));
  TRY(check_dry_run(call));
  TRY_ASSIGN(const auto blob,
             call.services.keys.encrypt(call.transaction, key, read_blob(call.input, "Plaintext"),
                                        context));
  return json::Object{{"CiphertextBlob", base64_encode(blob)},
                      {"KeyId", key.arn},
                      {"EncryptionAlgorithm", kms::kSymmetric}};
}

Result<json::Object> decrypt(Call& call) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(const auto source,
             open_source(call, {"KeyId", "EncryptionContext", "EncryptionAlgorithm"}));
  TRY(check_dry_run(call));
  return json::Object{{"KeyId", source.key.arn},
                      {"Plaintext", base64_encode(source.opened.plaintext)},
                      {"EncryptionAlgorithm", kms::kSymmetric},
                      {"KeyMaterialId", source.opened.material_id}};
}

Result<json::Object> re_encrypt(Call& call) {
  TRY_ASSIGN(const auto source, open_source(call, {"SourceKeyId", "SourceEncryptionContext",
                                                   "SourceEncryptionAlgorithm"}));
  TRY_ASSIGN(const auto key,
             find_usable(call, "DestinationKeyId", kms::kEncryptDecrypt, kReEncrypt.name));
  TRY(check_algorithm(key, call.input, "DestinationEncryptionAlgorithm"));
  TRY_ASSIGN(const auto context, read_context(call.input, "DestinationEncryptionContext"));
  TRY(check_dry_run(call));
  auto& keys = call.services.keys;
  TRY_ASSIGN(const auto blob,
             keys.encrypt(call.transaction, key, source.opened.plaintext, context));
  TRY_ASSIGN(const auto material, keys.material_id(call.transaction, key));
  return json::Object{{"CiphertextBlob", base64_encode(blob)},
                      {"SourceKeyId", source.key.arn},
                      {"KeyId", key.arn},
                      {"SourceEncryptionAlgorithm", kms::kSymmetric},
                      {"DestinationEncryptionAlgorithm", kms::kSymmetric},
                      {"SourceKeyMaterialId", source.opened.material_id},
                      {"DestinationKeyMaterialId", material}};
}

Result<size_t> read_data_key_bytes(const json::Object& input) {
  const auto count = optional_integer(input, "NumberOfBytes");
  const auto spec = optional_string(input, "KeySpec");
  if (count.has_value() == spec.has_value()) {
    return invalid("Please specify either number of bytes or key spec.");
  }
  if (count) return static_cast<size_t>(*count);
  return *spec == "AES_256" ? 32 : 16;
}

Result<json::Object> generate_sealed_key(Call& call) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(const auto count, read_data_key_bytes(call.input));
  TRY_ASSIGN(const auto key, find_usable(call, "KeyId", kms::kEncryptDecrypt, kDataKey.name));
  TRY_ASSIGN(const auto context, read_context(call.input, "EncryptionContext"));
  TRY(check_dry_run(call));
  auto& keys = call.services.keys;
  const auto plaintext = call.services.os.random.bytes(count);
  TRY_ASSIGN(const auto blob, keys.encrypt(call.transaction, key, plaintext, context));
  TRY_ASSIGN(const auto material, keys.material_id(call.transaction, key));
  return json::Object{{"CiphertextBlob", base64_encode(blob)},
                      {"Plaintext", base64_encode(plaintext)},
                      {"KeyId", key.arn},
                      {"KeyMaterialId", material}};
}

Result<json::Object> generate_data_key_without_plaintext(Call& call) {
  TRY_ASSIGN(auto out, generate_sealed_key(call));
  out.erase("Plaintext");
  return out;
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

std::span<const Binding> crypto_bindings() {
  static const std::array bindings{Binding{&kEncrypt, encrypt},
                                   Binding{&kDecrypt, decrypt},
                                   Binding{&kReEncrypt, re_encrypt},
                                   Binding{&kDataKey, generate_sealed_key},
                                   Binding{&kSealedKey, generate_data_key_without_plaintext},
                                   Binding{&kRandom, generate_random}};
  return bindings;
}

}  // namespace traccia::api::kms_service
