// KMS GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "base/bytes.h"
#include "crypto/key_wrap.h"

namespace traccia::api::kms_service {
namespace {

// "GetParametersForImport": public key and token are valid for 24 hours.
constexpr std::chrono::hours kParametersLast{24};
constexpr std::chrono::days kValidForMax{365};  // "ImportKeyMaterial", ValidTo
constexpr std::string_view kExpires = "KEY_MATERIAL_EXPIRES";

constexpr std::string_view kWrappings[] = {"RSAES_PKCS1_V1_5",         "RSAES_OAEP_SHA_1",
                                           "RSAES_OAEP_SHA_256",       "RSA_AES_KEY_WRAP_SHA_1",
                                           "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE"};
constexpr Shape kWrapping = aws::enum_shape(kWrappings);
constexpr std::string_view kWrappingSpecs[] = {"RSA_2048", "RSA_3072", "RSA_4096", "SM2"};
constexpr Shape kWrappingSpec = aws::enum_shape(kWrappingSpecs);
constexpr Member kParametersInput[] = {kKeyIdMember,
                                       {"WrappingAlgorithm", &kWrapping, Presence::Required},
                                       {"WrappingKeySpec", &kWrappingSpec, Presence::Required}};
constexpr Shape kParametersRequest = aws::structure_shape(kParametersInput);
constexpr Member kParametersOutput[] = {{"KeyId", &kString},
                                        {"ImportToken", &kCiphertext},
                                        {"PublicKey", &kPlaintext},
                                        {"ParametersValidTo", &kTimestamp}};
constexpr Shape kParametersAnswer = aws::structure_shape(kParametersOutput);
constexpr std::string_view kErrors[] = {kInvalidArn, kUnsupported, kNotFound, kInvalidState};
constexpr std::string_view kParametersKeys[] = {"kms:WrappingAlgorithm", "kms:WrappingKeySpec"};
constexpr auto kParameters = query("kms:GetParametersForImport", kParametersRequest,
                                   kParametersAnswer, kErrors, on_key(kParametersKeys));

constexpr std::string_view kImportTypes[] = {"NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL"};
constexpr Shape kImportType = aws::enum_shape(kImportTypes);
constexpr bool is_material_id(std::string_view text) {
  return !text.empty() && aws::only_characters(text, "a-f0-9");
}
constexpr Shape kMaterialId =
    aws::string_shape(64, 64, aws::Pattern{"^[a-f0-9]+$", is_material_id});
constexpr bool is_material_description(std::string_view text) {
  return !text.empty() && aws::only_characters(text, "a-zA-Z0-9:/_ \t\n.-");
}
constexpr Shape kMaterialDescription =
    aws::string_shape(0, 256, aws::Pattern{"^[a-zA-Z0-9:/_\\s.-]+$", is_material_description});
constexpr Member kImportInput[] = {kKeyIdMember,
                                   {"ImportToken", &kCiphertext, Presence::Required},
                                   {"EncryptedKeyMaterial", &kCiphertext, Presence::Required},
                                   {"ValidTo", &kTimestamp},
                                   {"ExpirationModel", &kExpirationModel},
                                   {"ImportType", &kImportType},
                                   {"KeyMaterialDescription", &kMaterialDescription},
                                   {"KeyMaterialId", &kMaterialId}};
constexpr Shape kImportRequest = aws::structure_shape(kImportInput);
constexpr Member kImportOutput[] = {{"KeyId", &kString}, {"KeyMaterialId", &kMaterialId}};
constexpr Shape kImportAnswer = aws::structure_shape(kImportOutput);
constexpr std::string_view kImportErrors[] = {kInvalidArn,
                                              kUnsupported,
                                              kNotFound,
                                              kInvalidState,
                                              kInvalidCiphertext,
                                              "IncorrectKeyMaterialException",
                                              "ExpiredImportTokenException",
                                              "InvalidImportTokenException"};
constexpr std::string_view kImportKeys[] = {"kms:ExpirationModel", "kms:ValidTo"};
constexpr auto kImport = change("kms:ImportKeyMaterial", kImportRequest, kImportAnswer,
                                kImportErrors, on_key(kImportKeys));

constexpr Member kDeleteInput[] = {kKeyIdMember, {"KeyMaterialId", &kMaterialId}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr Member kDeleteOutput[] = {{"KeyId", &kString}, {"KeyMaterialId", &kString}};
constexpr Shape kDeleteAnswer = aws::structure_shape(kDeleteOutput);
constexpr auto kDelete =
    change("kms:DeleteImportedKeyMaterial", kDeleteRequest, kDeleteAnswer, kErrors, on_key());

// How material is wrapped: as it is, or by an AES key that is.
struct Wrapping {
  std::string_view name;
  crypto::OaepHash hash;
  bool by_aes;
};
constexpr Wrapping kKnown[] = {{"RSAES_OAEP_SHA_1", crypto::OaepHash::Sha1, false},
                               {"RSAES_OAEP_SHA_256", crypto::OaepHash::Sha256, false},
                               {"RSA_AES_KEY_WRAP_SHA_1", crypto::OaepHash::Sha1, true},
                               {"RSA_AES_KEY_WRAP_SHA_256", crypto::OaepHash::Sha256, true}};
const Wrapping* find_wrapping(std::string_view name) {
  const auto* at = std::ranges::find(kKnown, name, &Wrapping::name);
  return at == std::end(kKnown) ? nullptr : at;
}

// What an import token says: it is the only place where the wrapping key is kept.
struct Token {
  std::string key_arn;
  std::string wrapping;
  Time valid_to;
  std::string private_key;
};

std::string encode(const Token& token) {
  std::string out;
  append_u64(out, static_cast<uint64_t>(to_unix_nanoseconds(token.valid_to)));
  append_block(out, token.key_arn);
  append_block(out, token.wrapping);
  append_block(out, token.private_key);
  return out;
}

Result<Token> decode(std::string_view bytes) {
  ByteReader reader(bytes);
  Token out;
  TRY_ASSIGN(const auto valid_to, reader.u64());
  out.valid_to = from_unix_nanoseconds(static_cast<int64_t>(valid_to));
  TRY_ASSIGN(out.key_arn, reader.block());
  TRY_ASSIGN(out.wrapping, reader.block());
  TRY_ASSIGN(out.private_key, reader.block());
  return out;
}

std::unexpected<Error> invalid_token() {
  return fail(ErrorCode::InvalidArgument, "InvalidImportToken", "");
}

Result<Token> open_token(const Services& services, const json::Object& input) {
  const auto bytes = services.keys.open_import(read_blob(input, "ImportToken"));
  if (!bytes) return invalid_token();
  auto token = decode(*bytes);
  if (!token) return invalid_token();
  return token;
}

Result<std::string> unwrap(const Token& token, std::string_view wrapped) {
  const auto* wrapping = find_wrapping(token.wrapping);
  const auto pair = crypto::KeyPair::from_der(token.private_key);
  if (wrapping == nullptr || !pair) return invalid_token();
  // RSA_AES_KEY_WRAP: the AES key under RSA, as long as the modulus, then the material under it.
  const auto rsa_bytes =
      wrapping->by_aes
          ? crypto::oaep_bytes_max(pair->kind(), wrapping->hash) + 2 +
                2 * (wrapping->hash == crypto::OaepHash::Sha1 ? size_t{20} : size_t{32})
          : wrapped.size();
  if (wrapped.size() < rsa_bytes) return kms::invalid_ciphertext();
  const auto opened = pair->decrypt(wrapping->hash, wrapped.substr(0, rsa_bytes));
  if (!opened) return kms::invalid_ciphertext();
  if (!wrapping->by_aes) return *opened;
  const auto material = crypto::unwrap_padded(*opened, wrapped.substr(rsa_bytes));
  if (!material) return kms::invalid_ciphertext();
  return *material;
}

// A key whose material is imported.
Result<kms::Key> find_external(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  if (key.origin != kms::kExternal) return unsupported_origin(key);
  TRY(kms::check_state(key, kms::Needs::Kept));
  return key;
}

Result<json::Object> get_parameters(Call& call) {
  TRY_ASSIGN(const auto key, find_external(call));
  const auto wrapping = get_string(call.input, "WrappingAlgorithm");
  const auto spec = get_string(call.input, "WrappingKeySpec");
  const auto kind = kms::find_pair_kind(spec);
  const auto* known = find_wrapping(wrapping);
  if (known == nullptr || !kind) {
    return unsupported(fmt::format("WrappingAlgorithm {} with WrappingKeySpec {} is not supported.",
                                   wrapping, spec));
  }
  // A private key is longer than what RSA encrypts ("Select a wrapping algorithm").
  const bool rsa = key.kind().pair && crypto::is_rsa(*key.kind().pair);
  if (rsa && !known->by_aes) {
    return invalid(
        fmt::format("WrappingAlgorithm {} is not valid for KeySpec {}.", wrapping, key.spec));
  }
  call.rest = [&keys = call.services.keys, key, wrapping, kind,
               valid_to = call.now + kParametersLast]() -> Result<Output> {
    const auto pair = crypto::KeyPair::generate(*kind);
    const auto token = keys.seal_import(encode({key.arn, wrapping, valid_to, pair.to_der()}));
    return Output{json::Object{{"KeyId", key.arn},
                               {"ImportToken", base64_encode(token)},
                               {"PublicKey", base64_encode(pair.public_der())},
                               {"ParametersValidTo", render(valid_to)}},
                  {}};
  };
  return json::Object{};
}

// Private keys are slow.
Result<Prepared> prepare_import(Services& services, const Caller&, const json::Object& input) {
  TRY_ASSIGN(const auto token, open_token(services, input));
  TRY_ASSIGN(auto material, unwrap(token, read_blob(input, "EncryptedKeyMaterial")));
  return Prepared{.key_material = std::move(material)};
}

Result<std::optional<Time>> read_expiry(const Call& call) {
  TRY_ASSIGN(const auto valid_to, optional_time(call.input, "ValidTo"));
  const auto model = optional_string(call.input, "ExpirationModel").value_or(std::string(kExpires));
  if (model != kExpires) {
    if (!valid_to) return std::nullopt;
    return invalid(
        fmt::format("A validTo date must not be set if the ExpirationModel is {}", model));
  }
  if (!valid_to) {
    return invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
  }
  if (*valid_to <= call.now || *valid_to > call.now + kValidForMax) {
    return invalid("The validTo date must be in the future, and at most 365 days from now.");
  }
  return valid_to;
}

Result<json::Object> import_material(Call& call) {
  TRY_ASSIGN(auto key, find_external(call));
  if (optional_string(call.input, "KeyMaterialDescription")) {
    return invalid("KeyMaterialDescription is not supported.");
  }
  TRY_ASSIGN(const auto token, open_token(call.services, call.input));
  if (token.key_arn != key.arn) return invalid_token();
  if (token.valid_to <= call.now) {
    return fail(ErrorCode::FailedPrecondition, "ExpiredImportToken", "");
  }
  TRY_ASSIGN(const auto valid_to, read_expiry(call));
  auto& keys = call.services.keys;
  TRY_ASSIGN(const auto before, keys.material_id(call.transaction, key));
  if (!before.empty() && get_string(call.input, "ImportType") == "NEW_KEY_MATERIAL") {
    return unsupported(fmt::format("{} takes no material beside what it had.", key.arn));
  }
  TRY_ASSIGN(key, keys.import_material(call.transaction, std::move(key), call.prepared.key_material,
                                       valid_to));
  TRY_ASSIGN(const auto id, keys.material_id(call.transaction, key));
  const auto wanted = optional_string(call.input, "KeyMaterialId");
  if (wanted && *wanted != id) {
    return fail(ErrorCode::InvalidArgument, "IncorrectKeyMaterial", "");
  }
  json::Object out{{"KeyId", key.arn}};
  if (key.spec == kms::kSymmetric) out["KeyMaterialId"] = id;
  return out;
}

Result<json::Object> delete_material(Call& call) {
  TRY_ASSIGN(auto key, find_external(call));
  TRY_ASSIGN(const auto id, call.services.keys.material_id(call.transaction, key));
  const auto wanted = optional_string(call.input, "KeyMaterialId");
  if (wanted && *wanted != id) {
    return fail(ErrorCode::NotFound, "NotFound",
                fmt::format("Key material '{}' does not exist", *wanted));
  }
  TRY_ASSIGN(key, call.services.keys.forget_material(call.transaction, std::move(key)));
  json::Object out{{"KeyId", key.arn}};
  if (key.spec == kms::kSymmetric && !id.empty()) out["KeyMaterialId"] = id;
  return out;
}

}  // namespace

std::span<const Binding> import_bindings() {
  static const std::array bindings{
      Binding{&kParameters, get_parameters},
      Binding{.operation = &kImport, .run = import_material, .prepare = prepare_import},
      Binding{&kDelete, delete_material}};
  return bindings;
}

}  // namespace traccia::api::kms_service
