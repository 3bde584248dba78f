// What a KMS key is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "crypto/key_pair.h"

namespace traccia::kms {

// Where keys and aliases lie: their names mean something in one account and region only.
struct Place {
  std::string account = {};
  std::string region = {};
};

// The values are stored.
enum class KeyState : uint8_t {
  Enabled = 0,
  Disabled = 1,
  PendingDeletion = 2,
  PendingReplicaDeletion = 3,  // a primary key that waits until its replicas are gone
  PendingImport = 4,           // without material
};
std::string_view name_of(KeyState state);  // "PendingDeletion"
// Both kinds.
bool is_pending_deletion(KeyState state);

// Who made a key and says what becomes of it. The values are stored.
enum class KeyManager : uint8_t { Customer = 0, Aws = 1 };

inline constexpr std::string_view kSymmetric = "SYMMETRIC_DEFAULT";
inline constexpr std::string_view kEncryptDecrypt = "ENCRYPT_DECRYPT";
inline constexpr std::string_view kGenerateVerifyMac = "GENERATE_VERIFY_MAC";
inline constexpr std::string_view kSignVerify = "SIGN_VERIFY";
// Where material comes from.
inline constexpr std::string_view kFromKms = "AWS_KMS";
inline constexpr std::string_view kExternal = "EXTERNAL";  // imported
inline constexpr std::string_view kKeyAgreement = "KEY_AGREEMENT";

// What keys there are: a spec and how it is used.
struct KeyKind {
  std::string_view spec;
  std::string_view usage;
  std::span<const std::string_view> algorithms;  // that such a key can be used with
  size_t material_bytes = 0;                     // random; of pairs 0
  std::optional<crypto::PairKind> pair = {};

  bool has(std::string_view algorithm) const;
};
// nullptr for what this server has no keys of.
const KeyKind* find_kind(std::string_view spec, std::string_view usage);
// Whether there is some usage for it.
bool is_spec(std::string_view spec);
// The kind of pair that a spec is; nullopt for none.
std::optional<crypto::PairKind> find_pair_kind(std::string_view spec);

struct Key {
  std::string arn = {};  // arn:aws:kms:REGION:ACCOUNT:key/ID
  Place place = {};
  std::string id = {};
  std::string spec = std::string(kSymmetric);
  std::string usage = std::string(kEncryptDecrypt);
  std::string description = {};
  KeyState state = KeyState::Enabled;
  Time created = {};
  std::optional<Time> deletion = {};  // of KeyState::PendingDeletion
  std::string policy = {};            // as it is stored: users and roles by unique id
  int64_t material = 1;               // the version that encrypts
  KeyManager manager = KeyManager::Customer;
  std::string primary_region = {};  // of multi-Region keys, whose ids begin with "mrk-"
  int64_t window_days = 0;          // of KeyState::PendingReplicaDeletion
  std::string origin = std::string(kFromKms);
  std::optional<Time> valid_to = {};  // of imported material that expires
  // Another one after each change of the key or of what belongs to it, its material, aliases, tags
  // and grants: two reads that give the same give the same of all of these. 0: not as it was read.
  int64_t version = 0;

  bool is_multi_region() const { return !primary_region.empty(); }
  bool is_primary() const { return primary_region == place.region; }
  const KeyKind& kind() const;
};

// In which state a key must be for an operation ("Key states of AWS KMS keys").
enum class Needs : uint8_t {
  Enabled,          // cryptographic operations
  Material,         // enabled or disabled
  Kept,             // not to be deleted
  PendingDeletion,  // CancelKeyDeletion
};
// Reasons: Disabled, KMSInvalidState; messages are KMS's.
Result<> check_state(const Key& key, Needs needs);

std::string key_arn(const Place& place, std::string_view id);
std::string alias_arn(const Place& place, std::string_view name);  // "alias/NAME"

}  // namespace traccia::kms
