// Finds, checks and opens keys.
// SPDX-License-Identifier: Apache-2.0
#include "api/kms_use.h"

#include <fmt/format.h>

#include "api/kms_call.h"

namespace traccia::api::kms_service {
namespace {

std::unexpected<Error> incorrect_key() {
  return fail(ErrorCode::InvalidArgument, "IncorrectKey",
              "The key ID in the request does not identify a CMK that can perform this operation.");
}

// Whether the key can be used so.
Result<> check_cipher(const kms::Key& key, const KeyUse& use) {
  TRY(check_algorithm(key, use.algorithm));
  TRY(check_context(use.context, use.context_member));
  if (key.kind().pair && !use.context.empty()) {
    return invalid(fmt::format("{} is not valid for key spec {}.", use.context_member, key.spec));
  }
  return {};
}

// Of the version that made the ciphertext, which one of a pair does not tell.
Result<kms::Opened> open_source(Call& call, const kms::Key& key, std::string_view blob) {
  auto& keys = call.services.keys;
  if (key.kind().pair) return keys.open(call.transaction, key);
  TRY_ASSIGN(const auto ciphertext, kms::decode_ciphertext(blob));
  const bool its = ciphertext.account == key.place.account && ciphertext.key_id == key.id;
  if (!its) return incorrect_key();
  return keys.open(call.transaction, key, ciphertext);
}

}  // namespace

Result<KeyUse> read_use(const json::Object& input, std::string_view key,
                        const UseMembers& members) {
  KeyUse use{.key = key, .context_member = members.context};
  TRY_ASSIGN(use.context, read_context(input, members.context));
  if (auto algorithm = optional_string(input, members.algorithm)) {
    use.algorithm = std::move(*algorithm);
  }
  return use;
}

Result<kms::Known> authorise_use(Call& call, const aws::Operation& operation, const KeyUse& use) {
  TRY_ASSIGN(auto asked, ask_on_key(call, operation, use));
  TRY(authorise(call, asked.ask));
  return std::move(asked.known);
}

Result<kms::Known> know_key(Call& call, std::string_view name) {
  TRY_ASSIGN(const auto parsed,
             kms::parse_key_name(name, place_of(call), kms::AliasesAre::Allowed));
  TRY_ASSIGN(auto known, call.services.keys.know(call.transaction, parsed));
  if (!known) return kms::not_found(parsed);
  note_resource(call, known->key.place.account, known->key.arn);
  call.resource_account = known->key.place.account;
  return known;
}

Result<> check_usable(const kms::Key& key, std::string_view usage, std::string_view operation) {
  TRY(kms::check_state(key, kms::Needs::Enabled));
  if (key.usage == usage) return {};
  return fail(
      ErrorCode::FailedPrecondition, "InvalidKeyUsage",
      fmt::format("{} key usage is {} which is not valid for {}.", key.arn, key.usage, operation));
}

Result<kms::Known> find_usable(Call& call, std::string_view name, std::string_view usage,
                               std::string_view operation) {
  TRY_ASSIGN(auto known, know_key(call, name));
  TRY(check_usable(known->key, usage, operation));
  return known;
}

Result<std::string> OpenUse::encrypt(os::Random& random, std::string_view plaintext) const {
  const auto& key = known->key;
  if (key.kind().pair) {
    const auto bytes_max = kms::plaintext_max(key.kind(), algorithm);
    if (plaintext.size() > bytes_max) {
      return invalid(
          fmt::format("Algorithm {} and key spec {} cannot encrypt data larger than {} bytes.",
                      algorithm, key.spec, bytes_max));
    }
  }
  return open->encrypt(random, algorithm, plaintext, context);
}

Result<std::string> OpenUse::decrypt(std::string_view blob) const {
  return open->decrypt(algorithm, blob, context);
}

Result<OpenUse> open_to_seal(Call& call, kms::Known known, KeyUse use) {
  TRY(check_cipher(known->key, use));
  TRY_ASSIGN(auto open, call.services.keys.open(call.transaction, known->key));
  return OpenUse{std::move(known), std::move(open), std::move(use.algorithm),
                 std::move(use.context)};
}

Result<OpenUse> find_sealing(Call& call, KeyUse use, std::string_view operation) {
  TRY_ASSIGN(auto known, find_usable(call, use.key, kms::kEncryptDecrypt, operation));
  return open_to_seal(call, std::move(known), std::move(use));
}

Result<DataKeys::Pair> make_data_key(os::Random& random, const OpenUse& sealing, size_t bytes) {
  DataKeys::Pair out{random.bytes(bytes), {}};
  TRY_ASSIGN(out.sealed, sealing.encrypt(random, out.plaintext));
  return out;
}

Result<> check_decrypts(const kms::Key& key) {
  TRY(kms::check_state(key, kms::Needs::Enabled));
  if (key.usage != kms::kEncryptDecrypt) return incorrect_key();
  return {};
}

Result<OpenUse> open_to_read(Call& call, kms::Known known, std::string_view blob, KeyUse use) {
  TRY(check_cipher(known->key, use));
  TRY_ASSIGN(auto open, open_source(call, known->key, blob));
  return OpenUse{std::move(known), std::move(open), std::move(use.algorithm),
                 std::move(use.context)};
}

}  // namespace traccia::api::kms_service
