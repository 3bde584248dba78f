// Keeps data keys.
// SPDX-License-Identifier: Apache-2.0
#include "api/data_keys.h"

#include <fmt/format.h>

namespace traccia::api {
namespace {

std::string use_of(const kms::Key& key, const kms::EncryptionContext& context) {
  return fmt::format("{}\n{}\n{}", key.arn, key.version, kms::canonical(context));
}

}  // namespace

std::optional<DataKeys::Pair> DataKeys::find_made(const kms::Key& key,
                                                  const kms::EncryptionContext& context,
                                                  Duration now) {
  const auto use = use_of(key, context);
  const MutexLock lock(mutex_);
  const auto at = made_.find(use);
  if (at == made_.end() || at->second->until <= now) return std::nullopt;
  return Pair{std::string(at->second->plaintext.view()), at->second->sealed};
}

void DataKeys::keep_made(const kms::Key& key, const kms::EncryptionContext& context,
                         const Pair& made, Duration now) {
  auto entry = std::make_shared<const Entry>(use_of(key, context), made.sealed,
                                             crypto::Secret(made.plaintext), now + kWhile);
  const MutexLock lock(mutex_);
  wipe(now);
  made_.insert_or_assign(entry->use, entry);
  keep(std::move(entry));
}

std::optional<std::string> DataKeys::find_opened(const kms::Key& key,
                                                 const kms::EncryptionContext& context,
                                                 std::string_view sealed, Duration now) {
  const auto use = use_of(key, context);
  const MutexLock lock(mutex_);
  const auto at = opened_.find(sealed);
  if (at == opened_.end() || at->second->until <= now || at->second->use != use) {
    return std::nullopt;
  }
  return std::string(at->second->plaintext.view());
}

void DataKeys::keep_opened(const kms::Key& key, const kms::EncryptionContext& context,
                           std::string_view sealed, std::string_view plaintext, Duration now) {
  auto entry = std::make_shared<const Entry>(use_of(key, context), std::string(sealed),
                                             crypto::Secret(std::string(plaintext)), now + kWhile);
  const MutexLock lock(mutex_);
  wipe(now);
  keep(std::move(entry));
}

void DataKeys::keep(Kept entry) {
  const std::string_view sealed = entry->sealed;
  opened_.erase(sealed);  // whose text the name is a view of
  opened_.emplace(sealed, std::move(entry));
}

// All of them when there are too many: each is made or opened again at its next use.
void DataKeys::wipe(Duration now) {
  if (opened_.size() < kKeysMax && made_.size() < kKeysMax) return;
  const auto old = [&](const auto& one) { return one.second->until <= now; };
  std::erase_if(made_, old);
  std::erase_if(opened_, old);
  if (opened_.size() < kKeysMax && made_.size() < kKeysMax) return;
  made_.clear();
  opened_.clear();
}

void DataKeys::wipe_old(Duration now) {
  const MutexLock lock(mutex_);
  const auto old = [&](const auto& one) { return one.second->until <= now; };
  std::erase_if(made_, old);
  std::erase_if(opened_, old);
}

size_t DataKeys::size() const {
  const MutexLock lock(mutex_);
  return opened_.size();
}

}  // namespace traccia::api
