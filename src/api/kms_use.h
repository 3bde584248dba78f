// Uses of keys without documents: what KMS's operations on the wire and the services of this
// process (service_keys.h) ask, how it is decided, and what the key then does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/access.h"
#include "api/data_keys.h"
#include "api/operation_call.h"
#include "kms/keys.h"

namespace traccia::api::kms_service {

// A key as it is named, and what is asked for it.
struct KeyUse {
  std::string_view key;          // its id, ARN or alias
  std::string_view action = {};  // "kms:Decrypt", of static storage; where it is to be decided
  kms::EncryptionContext context = {};
  std::string algorithm = std::string(kms::kSymmetric);
  std::string_view context_member = "EncryptionContext";  // as messages call it
  std::optional<uint64_t> writes = {};                    // as Keys::know() has it
};

// The members of a request that tell of a use.
struct UseMembers {
  std::string_view context = "EncryptionContext";
  std::string_view algorithm = "EncryptionAlgorithm";
};
// `key` outlives the use. Reason ValidationException.
Result<KeyUse> read_use(const json::Object& input, std::string_view key,
                        const UseMembers& members = {});

// What the authoriser is asked for a use of the operation, and the key: nullptr when it is not
// there. Reason ValidationException: the context is too large.
struct AskedKey {
  Ask ask;
  kms::Known known = nullptr;
};
Result<AskedKey> ask_on_key(Call& call, const aws::Operation& operation, const KeyUse& use);
// Decides. Reason AccessDenied too.
Result<kms::Known> authorise_use(Call& call, const aws::Operation& operation, const KeyUse& use);

// The key of this name; the call's event tells of it, also the key's account. Reasons NotFound,
// InvalidArn.
Result<kms::Known> know_key(Call& call, std::string_view name);
// The same of a cryptographic operation: enabled and of this usage. Reasons Disabled,
// KMSInvalidState, InvalidKeyUsage too.
Result<kms::Known> find_usable(Call& call, std::string_view name, std::string_view usage,
                               std::string_view operation);
Result<> check_usable(const kms::Key& key, std::string_view usage, std::string_view operation);

// A key that encrypts or decrypts, opened; and how.
struct OpenUse {
  kms::Known known;
  kms::Opened open;
  std::string algorithm;
  kms::EncryptionContext context;

  const kms::Key& key() const { return known->key; }
  // Reason ValidationException for more than a pair takes.
  Result<std::string> encrypt(os::Random& random, std::string_view plaintext) const;
  // Reason InvalidCiphertext.
  Result<std::string> decrypt(std::string_view blob) const;
};
// With a key that is usable. Reasons InvalidKeyUsage, ValidationException: the use's algorithm and
// context are not for it.
Result<OpenUse> open_to_seal(Call& call, kms::Known known, KeyUse use);
// With the use's key. Reasons of find_usable() too.
Result<OpenUse> find_sealing(Call& call, KeyUse use, std::string_view operation);
Result<DataKeys::Pair> make_data_key(os::Random& random, const OpenUse& sealing, size_t bytes);

// Whether the key, named beside a ciphertext, decrypts. Reasons Disabled, KMSInvalidState,
// IncorrectKey.
Result<> check_decrypts(const kms::Key& key);
// Reasons IncorrectKey, InvalidCiphertext, and open_to_seal()'s.
Result<OpenUse> open_to_read(Call& call, kms::Known known, std::string_view blob, KeyUse use);

}  // namespace traccia::api::kms_service
