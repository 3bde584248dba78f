// The data keys of Bucket Keys, so that KMS's key need not seal and open one for each object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "kms/ciphertext.h"
#include "kms/key.h"

namespace traccia::api {

// Thread-safe. What one key sealed and opened under one encryption context, for a while, and while
// nothing of the key is changed (kms::Key::version). Whether somebody may use the key is not known
// here: ask before each use.
class DataKeys {
 public:
  static constexpr std::chrono::minutes kWhile{5};
  static constexpr size_t kKeysMax = 4096;

  struct Pair {
    std::string plaintext;
    std::string sealed;
  };
  // One that was made not long ago, for another object of the same bucket.
  std::optional<Pair> find_made(const kms::Key& key, const kms::EncryptionContext& context,
                                Duration now);
  void keep_made(const kms::Key& key, const kms::EncryptionContext& context, const Pair& made,
                 Duration now);
  // What `sealed` opened to.
  std::optional<std::string> find_opened(const kms::Key& key, const kms::EncryptionContext& context,
                                         std::string_view sealed, Duration now);
  void keep_opened(const kms::Key& key, const kms::EncryptionContext& context,
                   std::string_view sealed, std::string_view plaintext, Duration now);
  // Wipes what has been here for long enough.
  void wipe_old(Duration now);
  size_t size() const;

 private:
  struct Entry {
    std::string use;  // which key, which version of it, which context
    std::string sealed;
    crypto::Secret plaintext;
    Duration until;
  };
  using Kept = std::shared_ptr<const Entry>;
  void keep(Kept entry) REQUIRES(mutex_);
  void wipe(Duration now) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Kept, std::less<>> made_ GUARDED_BY(mutex_);         // by use
  std::map<std::string_view, Kept, std::less<>> opened_ GUARDED_BY(mutex_);  // by Entry::sealed
};

}  // namespace traccia::api
