// Keeps keys, and reads those that are not kept.
// SPDX-License-Identifier: Apache-2.0
#include "kms/known_keys.h"

#include "identity/sql.h"
#include "kms/aliases.h"
#include "kms/key_row.h"
#include "kms/keys.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kByArn = "SELECT arn, version FROM kms_keys WHERE arn = ?";
constexpr std::string_view kByAlias =
    "SELECT arn, version FROM kms_keys WHERE arn = (SELECT key FROM kms_aliases WHERE arn = ?)";

Result<Known> read_known(meta::Transaction& transaction, std::string_view arn) {
  KnownKey known;
  TRY(transaction.query(std::string(kSelectKey) + "arn = ?", {arn},
                        [&](const meta::Row& row) -> Result<> {
                          known.key = read_key(row);
                          return {};
                        }));
  TRY_ASSIGN(known.aliases, aliases_of(transaction, known.key));
  TRY_ASSIGN(known.tags, list_tags(transaction, known.key));
  TRY_ASSIGN(known.has_grants,
             identity::has_rows(transaction, "SELECT 1 FROM kms_grants WHERE key = ? LIMIT 1",
                                {known.key.arn}));
  return std::make_shared<const KnownKey>(std::move(known));
}

}  // namespace

Known KnownKeys::find(std::string_view arn, int64_t version) const {
  const MutexLock lock(mutex_);
  const auto at = entries_.find(arn);
  return at != entries_.end() && at->second.version == version ? at->second.known : nullptr;
}

Opened KnownKeys::find_open(const Key& key, int64_t material) const {
  const MutexLock lock(mutex_);
  const auto at = entries_.find(key.arn);
  if (at == entries_.end() || at->second.version != key.version) return nullptr;
  const auto open = at->second.open.find(material);
  return open == at->second.open.end() ? nullptr : open->second;
}

KnownKeys::Entry& KnownKeys::entry(const Key& key) {
  const auto at = entries_.find(key.arn);
  if (at != entries_.end()) {
    if (at->second.version != key.version) at->second = Entry{.version = key.version};
    return at->second;
  }
  if (entries_.size() >= kKeysMax) entries_.clear();
  return entries_.emplace(key.arn, Entry{.version = key.version}).first->second;
}

void KnownKeys::keep(const Known& known) {
  const MutexLock lock(mutex_);
  entry(known->key).known = known;
}

void KnownKeys::keep_open(const Key& key, int64_t material, const Opened& open) {
  if (key.version == 0) return;
  const MutexLock lock(mutex_);
  auto& kept = entry(key).open;
  if (kept.size() >= kMaterialsMax) kept.clear();
  kept.insert_or_assign(material, open);
}

Known KnownKeys::find_current(std::string_view name, uint64_t writes) const {
  const MutexLock lock(mutex_);
  const auto at = writes == writes_ ? current_.find(name) : current_.end();
  return at == current_.end() ? nullptr : at->second;
}

void KnownKeys::keep_current(std::string_view name, uint64_t writes, const Known& known) {
  const MutexLock lock(mutex_);
  if (writes < writes_) return;
  if (writes > writes_ || current_.size() >= kKeysMax) current_.clear();
  writes_ = writes;
  current_.insert_or_assign(std::string(name), known);
}

void KnownKeys::forget(std::string_view arn) {
  const MutexLock lock(mutex_);
  if (const auto at = entries_.find(arn); at != entries_.end()) entries_.erase(at);
}

Result<Known> Keys::know(meta::Transaction& transaction, const KeyName& name,
                         std::optional<uint64_t> writes) {
  Known known = writes ? known_.find_current(name.arn, *writes) : nullptr;
  if (!known) {
    TRY_ASSIGN(known, look_up(transaction, name));
    if (known && writes) known_.keep_current(name.arn, *writes, known);
  }
  return known ? as_of_now(std::move(known)) : nullptr;
}

Result<Known> Keys::look_up(meta::Transaction& transaction, const KeyName& name) {
  Known known;
  std::string unread;
  TRY(transaction.query(name.kind == NameKind::Alias ? kByAlias : kByArn, {name.arn},
                        [&](const meta::Row& row) -> Result<> {
                          known = known_.find(row.view(0), row.integer(1));
                          if (!known) unread = row.text(0);
                          return {};
                        }));
  if (unread.empty()) return known;
  TRY_ASSIGN(known, read_known(transaction, unread));
  known_.keep(known);
  return known;
}

Known Keys::as_of_now(Known known) const {
  const auto& key = known->key;
  if (key.deletion && *key.deletion <= os_.clock.now()) return nullptr;
  const auto state = settled(key);
  if (state == key.state) return known;
  auto changed = *known;
  changed.key.state = state;
  return std::make_shared<const KnownKey>(std::move(changed));
}

}  // namespace traccia::kms
