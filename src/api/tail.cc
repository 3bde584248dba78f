// Seals cursors and bounds waiting.
// SPDX-License-Identifier: Apache-2.0
#include "api/tail.h"

#include <algorithm>

#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr size_t kCursorBytesMax = 256;
constexpr std::chrono::milliseconds kStopCheck{100};

std::string context_of(std::string_view scope) {
  std::string out = "tail/";
  out += scope;
  return out;
}

}  // namespace

std::string Tail::encode(const Place& place, std::string_view scope) const {
  std::string bytes;
  append_u64(bytes, place.at.position);
  append_u64(bytes, place.at.taken);
  append_u64(bytes, static_cast<uint64_t>(place.recorded));
  return base64_encode(master_key_.seal(bytes, context_of(scope)));
}

Result<Tail::Place> Tail::decode(std::string_view cursor, std::string_view scope) const {
  const auto refuse = [] {
    return fail(ErrorCode::InvalidArgument, "InvalidCursor",
                "The cursor is not valid, or it was given for other parameters.");
  };
  if (cursor.size() > kCursorBytesMax) return refuse();
  const auto sealed = base64_decode(cursor);
  if (!sealed) return refuse();
  const auto bytes = master_key_.open(*sealed, context_of(scope));
  if (!bytes) return refuse();
  ByteReader reader(*bytes);
  Place place;
  TRY_ASSIGN(place.at.position, reader.u64());
  TRY_ASSIGN(place.at.taken, reader.u64());
  TRY_ASSIGN(const auto recorded, reader.u64());
  place.recorded = static_cast<int64_t>(recorded);
  return place;
}

void Tail::wait(history::Cursor place, Duration timeout) {
  {
    const MutexLock lock(mutex_);
    if (waiting_ == kTailWaitersMax) return;
    ++waiting_;
  }
  while (timeout > Duration(0) && history_.end() <= place) {
    {
      const MutexLock lock(mutex_);
      if (stopped_) break;
    }
    const auto piece = std::min<Duration>(timeout, kStopCheck);
    history_.wait_beyond(place, piece);
    timeout -= piece;
  }
  const MutexLock lock(mutex_);
  --waiting_;
}

void Tail::stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
}

}  // namespace traccia::api
