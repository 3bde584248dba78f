// Keys as they were read, so that a use of one needs neither its rows nor the master key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "identity/tags.h"
#include "kms/key.h"
#include "kms/open_key.h"

namespace traccia::kms {

// A key, and what else decides on its use. Immutable.
struct KnownKey {
  Key key = {};
  std::vector<std::string> aliases = {};  // "alias/NAME"
  std::vector<identity::Tag> tags = {};
  bool has_grants = false;
};
using Known = std::shared_ptr<const KnownKey>;

// Thread-safe. What belongs to one version of a key (Key::version), which the reader has from its
// own transaction: nothing has to be told of changes. The newest one that was read of each key.
class KnownKeys {
 public:
  static constexpr size_t kKeysMax = 1024;
  static constexpr size_t kMaterialsMax = 16;  // opened, of one key

  // nullptr when it is not here.
  Known find(std::string_view arn, int64_t version) const;
  void keep(const Known& known);
  // A version of the key's material, which is numbered too.
  Opened find_open(const Key& key, int64_t material) const;
  void keep_open(const Key& key, int64_t material, const Opened& open);
  // Where a name led when Database::writes() said `writes`; nullptr when that is not here.
  Known find_current(std::string_view name, uint64_t writes) const;
  void keep_current(std::string_view name, uint64_t writes, const Known& known);
  // Wipes what was opened.
  void forget(std::string_view arn);

 private:
  struct Entry {
    int64_t version = 0;
    Known known = {};
    std::map<int64_t, Opened> open = {};
  };
  Entry& entry(const Key& key) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);  // by ARN
  uint64_t writes_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, Known, std::less<>> current_
      GUARDED_BY(mutex_);  // by a key's or alias' ARN
};

}  // namespace traccia::kms
