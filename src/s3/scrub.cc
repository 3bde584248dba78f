// Walks the index of objects.
// SPDX-License-Identifier: Apache-2.0
#include "s3/scrub.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace traccia::s3 {
namespace {

constexpr int64_t kItemsPerLoad = 256;

}  // namespace

Result<uint64_t> Scrub::step() {
  if (!passing_) {
    if (clock_.monotonic() < next_pass_) return 0;
    passing_ = true;
    at_ = {};
    kept_ = false;
  }
  if (items_.empty()) TRY(load());
  if (items_.empty()) {
    end_pass();
    return 0;
  }
  const auto item = std::move(items_.back());
  items_.pop_back();
  uint64_t bytes = 0;
  for (const auto& [blob, size] : item.parts) {
    const auto sound = s3_.check_bytes(blob);
    bytes += size;
    // Overwritten or deleted since it was loaded.
    if (sound || sound.error().code() == ErrorCode::NotFound) continue;
    if (sound.error().code() != ErrorCode::DataLoss) return std::unexpected(sound.error());
    tell(item, sound.error().message());
    break;
  }
  const MutexLock lock(mutex_);
  ++state_.objects;
  state_.bytes += bytes;
  return std::max<uint64_t>(bytes, 1);
}

Result<> Scrub::load() {
  while (true) {
    TRY(database_.read([&](meta::Transaction& transaction) {
      const auto sql = fmt::format(
          "SELECT bucket, key, version, place, parts FROM {} WHERE (bucket, key{}) > (?1, ?2{}) "
          "ORDER BY bucket, key{} LIMIT {}",
          kept_ ? "s3_versions" : "s3_objects", kept_ ? ", place" : "", kept_ ? ", ?3" : "",
          kept_ ? ", place" : "", kItemsPerLoad);
      const auto take = [&](const meta::Row& row) -> Result<> {
        Item item{row.text(0), row.text(1), row.text(2), row.integer(3), {}};
        TRY_ASSIGN(item.parts, decode_parts(row.view(4)));
        items_.push_back(std::move(item));
        return {};
      };
      if (!kept_) return transaction.query(sql, {at_.bucket, meta::Blob{at_.key}}, take);
      return transaction.query(sql, {at_.bucket, meta::Blob{at_.key}, at_.place}, take);
    }));
    if (!items_.empty()) break;
    if (kept_) return {};
    kept_ = true;
    at_ = {};
  }
  at_ = items_.back();
  std::ranges::reverse(items_);
  return {};
}

void Scrub::end_pass() {
  passing_ = false;
  next_pass_ = clock_.monotonic() + kPassEvery;
  const MutexLock lock(mutex_);
  state_.damaged = std::move(found_);
  state_.damaged_count = found_count_;
  state_.objects = 0;
  state_.bytes = 0;
  ++state_.passes;
  found_.clear();
  found_count_ = 0;
}

void Scrub::tell(const Item& item, std::string what) {
  log(LogLevel::Error, "an object is damaged",
      {{"bucket", item.bucket}, {"key", item.key}, {"version", item.version_id}, {"error", what}});
  const MutexLock lock(mutex_);
  ++found_count_;
  if (found_.size() >= kDamagedMax) return;
  found_.push_back({item.bucket, item.key, item.version_id, std::move(what)});
}

ScrubState Scrub::state() const {
  const MutexLock lock(mutex_);
  auto out = state_;
  // What this pass found, and what the last one did further on.
  for (const auto& one : found_) {
    const bool told = std::ranges::any_of(out.damaged, [&](const DamagedObject& other) {
      return other.bucket == one.bucket && other.key == one.key &&
             other.version_id == one.version_id;
    });
    if (told) continue;
    ++out.damaged_count;
    if (out.damaged.size() < kDamagedMax) out.damaged.push_back(one);
  }
  return out;
}

}  // namespace traccia::s3
