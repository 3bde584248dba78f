// KMS Encrypt, Decrypt, ReEncrypt.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/kms_call.h"
#include "api/kms_use.h"
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

// A ciphertext of the request, and the key that opens it.
struct Source {
  std::string blob;
  OpenUse use;

  Result<std::string> decrypt() const { return use.decrypt(blob); }
};

// `DryRunModifiers` asks for a verdict on the permissions alone, which there is by now.
bool ignores_ciphertext(const json::Object& input) {
  const auto* modifiers = json::find(input, "DryRunModifiers");
  return modifiers != nullptr && modifiers->is_array() && !modifiers->get_array().empty();
}

// The key that the request names, or else that its ciphertext does, which one of a pair does not.
Result<kms::Known> find_source_key(Call& call, std::string_view blob, std::string_view key_member) {
  if (const auto named = optional_string(call.input, key_member)) {
    TRY_ASSIGN(auto known, know_key(call, *named));
    TRY(check_decrypts(known->key));
    return known;
  }
  TRY_ASSIGN(const auto ciphertext, kms::decode_ciphertext(blob));
  const kms::Place place{std::string(ciphertext.account), call.caller.region};
  TRY_ASSIGN(auto known, know_key(call, kms::key_arn(place, ciphertext.key_id)));
  TRY(kms::check_state(known->key, kms::Needs::Enabled));
  return known;
}

Result<Source> find_source(Call& call, std::string_view key_member,
                           const UseMembers& members = {}) {
  if (ignores_ciphertext(call.input)) {
    if (!optional_bool(call.input, "DryRun").value_or(false)) {
      return invalid("DryRunModifiers can be specified only when DryRun is true.");
    }
    TRY_ASSIGN(const auto known, know_key(call, get_string(call.input, key_member)));
    TRY(kms::check_state(known->key, kms::Needs::Enabled));
    TRY(check_dry_run(call));
  }
  if (!optional_string(call.input, "CiphertextBlob")) {
    return invalid(
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: "
        "Member must not be null");
  }
  auto blob = read_blob(call.input, "CiphertextBlob");
  TRY_ASSIGN(auto known, find_source_key(call, blob, key_member));
  TRY_ASSIGN(auto use, read_use(call.input, {}, members));
  TRY_ASSIGN(auto open, open_to_read(call, std::move(known), blob, std::move(use)));
  return Source{std::move(blob), std::move(open)};
}

Result<json::Object> encrypt(Call& call) {
  const auto key = get_string(call.input, "KeyId");
  TRY_ASSIGN(auto use, read_use(call.input, key));
  TRY_ASSIGN(auto sealing, find_sealing(call, std::move(use), kEncrypt.name));
  TRY(check_dry_run(call));
  call.rest = [&random = call.services.os.random, sealing = std::move(sealing),
               plaintext = read_blob(call.input, "Plaintext")]() -> Result<Output> {
    TRY_ASSIGN(const auto blob, sealing.encrypt(random, plaintext));
    return Output{json::Object{{"CiphertextBlob", base64_encode(blob)},
                               {"KeyId", sealing.key().arn},
                               {"EncryptionAlgorithm", sealing.algorithm}},
                  {}};
  };
  return json::Object{};
}

Result<json::Object> decrypt(Call& call) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(auto source, find_source(call, "KeyId"));
  call.rest = [source = std::move(source), dry_run = check_dry_run(call)]() -> Result<Output> {
    TRY_ASSIGN(const auto plaintext, source.decrypt());
    TRY(dry_run);
    json::Object out{{"KeyId", source.use.key().arn},
                     {"Plaintext", base64_encode(plaintext)},
                     {"EncryptionAlgorithm", source.use.algorithm}};
    if (!source.use.key().kind().pair) out["KeyMaterialId"] = source.use.open->id();
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

Result<json::Object> re_encrypt(Call& call) {
  TRY_ASSIGN(auto source, find_source(call, "SourceKeyId",
                                      {"SourceEncryptionContext", "SourceEncryptionAlgorithm"}));
  const auto key = get_string(call.input, "DestinationKeyId");
  TRY_ASSIGN(auto use,
             read_use(call.input, key,
                      {"DestinationEncryptionContext", "DestinationEncryptionAlgorithm"}));
  TRY_ASSIGN(auto sealing, find_sealing(call, std::move(use), kReEncrypt.name));
  call.rest = [&random = call.services.os.random, source = std::move(source),
               sealing = std::move(sealing), dry_run = check_dry_run(call)]() -> Result<Output> {
    TRY_ASSIGN(const auto plaintext, source.decrypt());
    TRY(dry_run);
    TRY_ASSIGN(const auto blob, sealing.encrypt(random, plaintext));
    json::Object out{{"CiphertextBlob", base64_encode(blob)},
                     {"SourceKeyId", source.use.key().arn},
                     {"KeyId", sealing.key().arn},
                     {"SourceEncryptionAlgorithm", source.use.algorithm},
                     {"DestinationEncryptionAlgorithm", sealing.algorithm}};
    if (!source.use.key().kind().pair) out["SourceKeyMaterialId"] = source.use.open->id();
    if (!sealing.key().kind().pair) out["DestinationKeyMaterialId"] = sealing.open->id();
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

}  // namespace

std::span<const Binding> crypto_bindings() {
  static const std::array bindings{Binding{&kEncrypt, encrypt}, Binding{&kDecrypt, decrypt},
                                   Binding{&kReEncrypt, re_encrypt}};
  return bindings;
}

}  // namespace traccia::api::kms_service
