// KMS Encrypt, Decrypt, ReEncrypt.
// SPDX-License-Identifier: Apache-2.0
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

std::unexpected<Error> incorrect_key() {
  return fail(ErrorCode::InvalidArgument, "IncorrectKey",
              "The key ID in the request does not identify a CMK that can perform this operation.");
}

// A ciphertext of the request, and the key that opens it.
struct Source {
  std::string blob;
  kms::Key key;
  kms::OpenKey open;
  std::string algorithm;
  kms::EncryptionContext context;

  Result<std::string> decrypt() const { return open.decrypt(algorithm, blob, context); }
};

// `DryRunModifiers` asks for a verdict on the permissions alone, which there is by now.
bool ignores_ciphertext(const json::Object& input) {
  const auto* modifiers = json::find(input, "DryRunModifiers");
  return modifiers != nullptr && modifiers->is_array() && !modifiers->get_array().empty();
}

// The key that the request names, or else that its ciphertext does, which one of a pair does not.
Result<kms::Key> find_source_key(Call& call, std::string_view blob, const CipherMembers& members) {
  if (optional_string(call.input, members.key)) {
    TRY_ASSIGN(auto key, find_key(call, members.key, kms::AliasesAre::Allowed));
    TRY(kms::check_state(key, kms::Needs::Enabled));
    if (key.usage != kms::kEncryptDecrypt) return incorrect_key();
    return key;
  }
  TRY_ASSIGN(const auto ciphertext, kms::decode_ciphertext(blob));
  const kms::Place place{std::string(ciphertext.account), call.caller.region};
  const kms::KeyName name{.arn = kms::key_arn(place, ciphertext.key_id), .account = place.account};
  TRY_ASSIGN(auto key, call.services.keys.get(call.transaction, name));
  note_resource(call, key.place.account, key.arn);
  call.resource_account = key.place.account;
  TRY(kms::check_state(key, kms::Needs::Enabled));
  return key;
}

Result<kms::OpenKey> open_source_key(Call& call, const kms::Key& key, std::string_view blob) {
  auto& keys = call.services.keys;
  if (key.kind().pair) return keys.open(call.transaction, key);
  TRY_ASSIGN(const auto ciphertext, kms::decode_ciphertext(blob));
  const bool its = ciphertext.account == key.place.account && ciphertext.key_id == key.id;
  if (!its) return incorrect_key();
  return keys.open(call.transaction, key, ciphertext);
}

Result<Source> find_source(Call& call, const CipherMembers& members) {
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
  auto blob = read_blob(call.input, "CiphertextBlob");
  TRY_ASSIGN(auto key, find_source_key(call, blob, members));
  TRY_ASSIGN(auto cipher, read_cipher(call.input, members, key));
  TRY_ASSIGN(auto open, open_source_key(call, key, blob));
  return Source{std::move(blob), std::move(key), std::move(open), std::move(cipher.first),
                std::move(cipher.second)};
}

Result<json::Object> encrypt(Call& call) {
  TRY_ASSIGN(auto sealing, find_sealing(call, {"KeyId", "EncryptionContext", "EncryptionAlgorithm"},
                                        kEncrypt.name));
  TRY(check_dry_run(call));
  call.rest = [&random = call.services.os.random, sealing = std::move(sealing),
               plaintext = read_blob(call.input, "Plaintext")]() -> Result<Output> {
    TRY_ASSIGN(const auto blob, sealing.encrypt(random, plaintext));
    return Output{json::Object{{"CiphertextBlob", base64_encode(blob)},
                               {"KeyId", sealing.key.arn},
                               {"EncryptionAlgorithm", sealing.algorithm}},
                  {}};
  };
  return json::Object{};
}

Result<json::Object> decrypt(Call& call) {
  TRY(check_recipient(call.input));
  TRY_ASSIGN(auto source, find_source(call, {"KeyId", "EncryptionContext", "EncryptionAlgorithm"}));
  call.rest = [source = std::move(source), dry_run = check_dry_run(call)]() -> Result<Output> {
    TRY_ASSIGN(const auto plaintext, source.decrypt());
    TRY(dry_run);
    json::Object out{{"KeyId", source.key.arn},
                     {"Plaintext", base64_encode(plaintext)},
                     {"EncryptionAlgorithm", source.algorithm}};
    if (!source.key.kind().pair) out["KeyMaterialId"] = source.open.id();
    return Output{std::move(out), {}};
  };
  return json::Object{};
}

Result<json::Object> re_encrypt(Call& call) {
  TRY_ASSIGN(auto source, find_source(call, {"SourceKeyId", "SourceEncryptionContext",
                                             "SourceEncryptionAlgorithm"}));
  TRY_ASSIGN(auto sealing, find_sealing(call,
                                        {"DestinationKeyId", "DestinationEncryptionContext",
                                         "DestinationEncryptionAlgorithm"},
                                        kReEncrypt.name));
  call.rest = [&random = call.services.os.random, source = std::move(source),
               sealing = std::move(sealing), dry_run = check_dry_run(call)]() -> Result<Output> {
    TRY_ASSIGN(const auto plaintext, source.decrypt());
    TRY(dry_run);
    TRY_ASSIGN(const auto blob, sealing.encrypt(random, plaintext));
    json::Object out{{"CiphertextBlob", base64_encode(blob)},
                     {"SourceKeyId", source.key.arn},
                     {"KeyId", sealing.key.arn},
                     {"SourceEncryptionAlgorithm", source.algorithm},
                     {"DestinationEncryptionAlgorithm", sealing.algorithm}};
    if (!source.key.kind().pair) out["SourceKeyMaterialId"] = source.open.id();
    if (!sealing.key.kind().pair) out["DestinationKeyMaterialId"] = sealing.open.id();
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
