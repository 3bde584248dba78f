// Keys in the control-plane store, and what they encrypt.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/master_key.h"
#include "identity/page.h"
#include "identity/tags.h"
#include "kms/ciphertext.h"
#include "kms/key.h"
#include "kms/key_name.h"
#include "kms/known_keys.h"
#include "kms/open_key.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::kms {

// "AWS KMS resource quotas"
struct Quotas {
  static constexpr int64_t kKeys = 100'000;  // of customers, in one place
  static constexpr int64_t kAliasesPerKey = 50;
  static constexpr int64_t kTags = 50;               // of a key
  static constexpr int64_t kOnDemandRotations = 25;  // of a key ("RotateKeyOnDemand")
};

// How a version of key material came to be. The values are stored.
enum class MaterialOrigin : uint8_t { Created = 0, Automatic = 1, OnDemand = 2 };

enum class Regions : uint8_t { One, Many };

struct NewKey {
  Place place = {};
  std::string spec = std::string(kSymmetric);  // with the usage, as find_kind() knows them
  std::string usage = std::string(kEncryptDecrypt);
  std::string description = {};
  std::string policy = {};  // as bind_policy() gives it
  // As make_material() gives it, which takes long where it is a pair; made here when empty.
  std::string material = {};
  KeyManager manager = KeyManager::Customer;
  Regions regions = Regions::One;              // Many: a primary multi-Region key
  std::string origin = std::string(kFromKms);  // kExternal: without material
};
// Random bytes, or the private key of a pair.
std::string make_material(os::Random& random, const KeyKind& kind);

// A replica of a primary multi-Region key.
struct NewReplica {
  std::string region = {};
  std::string description = {};
  std::string policy = {};  // as bind_policy() gives it
};

// A version of a key's material, without the material.
struct MaterialVersion {
  int64_t version = 0;
  std::string id = {};
  MaterialOrigin origin = MaterialOrigin::Created;
  Time created = {};
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors are KMS's names, messages
// are its own. Of a key whose deletion is due by the services' clock there is nothing any more.
class Keys {
 public:
  Keys(os::Os os, const identity::MasterKey& master_key) : os_(os), master_key_(master_key) {}

  // A key with material of its own. Reason LimitExceeded.
  Result<Key> create(meta::Transaction& transaction, NewKey wanted);
  // nullopt when there is none.
  Result<std::optional<Key>> find(meta::Transaction& transaction, const KeyName& name);
  // Reason NotFound.
  Result<Key> get(meta::Transaction& transaction, const KeyName& name);
  // For a use of the key: costs one look at the store while nothing of the key is changed. nullptr
  // when there is none. `writes` is what Database::writes() said before a transaction that only
  // reads: while it says so, there is no look at the store either.
  Result<Known> know(meta::Transaction& transaction, const KeyName& name,
                     std::optional<uint64_t> writes = {});
  // By id.
  Result<identity::Page<Key>> list(meta::Transaction& transaction, const Place& place,
                                   const identity::Cursor& cursor);
  // A key in another region with the primary's id, kind and material; what was imported has to be
  // imported there too. Reason LimitExceeded.
  Result<Key> replicate(meta::Transaction& transaction, const Key& primary, NewReplica wanted);
  // Stores description, state, deletion, its window, and policy.
  Result<> update(meta::Transaction& transaction, const Key& key);
  // Whether there are keys whose deletion is due.
  Result<bool> has_due(meta::Transaction& transaction);
  // Removes, with all that belongs to them, up to `keys_max` keys whose deletion is due, and gives
  // them.
  Result<std::vector<Key>> remove_due(meta::Transaction& transaction, size_t keys_max);

  // Gives the key new material, which encrypts from now on; the older opens what it has encrypted.
  // Reason LimitExceeded (Quotas::kOnDemandRotations).
  Result<Key> rotate(meta::Transaction& transaction, Key key, MaterialOrigin origin);
  // Whether there are enabled keys whose rotation is due.
  Result<bool> has_rotation_due(meta::Transaction& transaction);
  // Rotates up to `keys_max` of them, and gives them.
  Result<std::vector<Key>> rotate_due(meta::Transaction& transaction, size_t keys_max);

  // Gives a key of kExternal its material, which is checked to be one of its kind, and enables a
  // key that waited for it. Reason IncorrectKeyMaterial: of no such kind, or not what was imported
  // before.
  Result<Key> import_material(meta::Transaction& transaction, Key key, std::string_view material,
                              std::optional<Time> valid_to);
  // Takes it away again; what it encrypted opens when the same is imported once more.
  Result<Key> forget_material(meta::Transaction& transaction, Key key);
  // Whether there are keys whose material has expired.
  Result<bool> has_expired(meta::Transaction& transaction);
  // Forgets the material of up to `keys_max` of them, and gives them.
  Result<std::vector<Key>> forget_expired(meta::Transaction& transaction, size_t keys_max);
  // What GetParametersForImport gives out and ImportKeyMaterial takes: sealed, and not stored.
  std::string seal_import(std::string_view bytes) const;
  Result<std::string> open_import(std::string_view sealed) const;

  // Whether the material that encrypts is there.
  Result<bool> has_material(meta::Transaction& transaction, const Key& key);
  // The id of the material that encrypts, 64 hexadecimal digits; empty when there was none yet.
  Result<std::string> material_id(meta::Transaction& transaction, const Key& key);
  // The material that encrypts, signs or makes MACs. DataLoss when it is gone or was sealed under
  // another master key. Needs no store for a key whose material was opened, while nothing of the
  // key is changed.
  Result<Opened> open(meta::Transaction& transaction, const Key& key);
  // The material that made the ciphertext. Reason InvalidCiphertext when it is none of the key's.
  Result<Opened> open(meta::Transaction& transaction, const Key& key,
                      const CiphertextView& ciphertext);

 private:
  Result<> insert(meta::Transaction& transaction, const Key& key);
  // Of the key and of those that are related to it.
  Result<> add_material(meta::Transaction& transaction, const Key& key, MaterialOrigin origin,
                        std::string_view material);
  Result<> insert_material(meta::Transaction& transaction, const Key& key,
                           const MaterialVersion& version, std::string_view bytes);
  Result<> share_material(meta::Transaction& transaction, const Key& key,
                          const MaterialVersion& version, std::string_view bytes);
  // Material with its id; nullopt for a version that there is not, or no more.
  struct Material {
    std::string id;
    std::string bytes;
  };
  Result<std::optional<Material>> open_sealed(meta::Transaction& transaction, const Key& key,
                                              int64_t version);
  // nullptr for a version that there is not, or no more.
  Result<Opened> open_version(meta::Transaction& transaction, const Key& key, int64_t version);
  Result<> start_window(meta::Transaction& transaction, const Key& removed);
  // Material that has expired is gone for every reader, whenever it is removed.
  KeyState settled(const Key& key) const;
  Result<Known> look_up(meta::Transaction& transaction, const KeyName& name);
  // What time alone changes; nullptr for a key whose deletion is due.
  Known as_of_now(Known known) const;

  os::Os os_;
  const identity::MasterKey& master_key_;
  KnownKeys known_;
};

// Automatic rotation of a key.
struct Rotation {
  int64_t days = 365;
  Time next = {};
};
// nullopt: it is off.
Result<std::optional<Rotation>> find_rotation(meta::Transaction& transaction, const Key& key);
Result<> set_rotation(meta::Transaction& transaction, const Key& key, const Rotation& rotation);
Result<> end_rotation(meta::Transaction& transaction, const Key& key);

// Its versions of material, in their order.
Result<std::vector<MaterialVersion>> list_material(meta::Transaction& transaction, const Key& key);

// By key; case counts.
Result<std::vector<identity::Tag>> list_tags(meta::Transaction& transaction, const Key& key);
// Replaces the values of keys that are there. Reason Tag.
Result<> set_tags(meta::Transaction& transaction, const Key& key,
                  const std::vector<identity::Tag>& tags);
// Keys that are not there are ignored.
Result<> remove_tags(meta::Transaction& transaction, const Key& key,
                     const std::vector<std::string>& tags);

}  // namespace traccia::kms
