// Follows the log as far as it is taken in: what look-ups can find, in the order of arrival.
// SPDX-License-Identifier: Apache-2.0
#include "history/state.h"

namespace traccia::history {
namespace {

bool is_asked_for(const TailQuery& query, const ingest::LogRecord& record) {
  return record.kind == ingest::Kind::Event &&
         record.event.category == event::Category::Management &&
         (!query.account || *query.account == record.account) &&
         (!query.region || *query.region == record.region) &&
         matches(query.expression, record.event);
}

}  // namespace

Cursor History::end() const {
  const MutexLock lock(state_->mutex);
  return state_->active->end();
}

void History::wait_beyond(Cursor place, Duration timeout) const {
  const MutexLock lock(state_->mutex);
  if (state_->active->end() <= place) state_->grown.wait_for(state_->mutex, timeout);
}

Result<TailPage> History::tail(const TailQuery& query) const {
  TailPage page;
  page.next = query.from;
  const auto end = this->end();
  size_t bytes = 0, examined = 0;
  const auto is_full = [&] {
    return page.records.size() >= query.count_max || bytes >= query.bytes_max ||
           examined >= query.examined_max;
  };
  while (page.next < end && !is_full()) {
    auto read = page.next.position < state_->wal.begin()
                    ? Result<std::optional<ingest::ReadEntry>>(std::nullopt)
                    : ingest::read_entry(state_->wal, page.next.position);
    // It may be cut while it is read.
    if (page.next.position < state_->wal.begin()) {
      return fail(ErrorCode::FailedPrecondition, "TailTooOld",
                  "the log does not reach back to that place any more");
    }
    if (!read) return std::unexpected(std::move(read).error().with_context("event history"));
    if (!*read) return page;
    const auto& records = *(*read)->records;
    const auto last = page.next.position == end.position ? end.taken : records.size();
    for (; page.next.taken < std::min<uint64_t>(last, records.size()) && !is_full();
         ++page.next.taken, ++examined) {
      const auto& record = records[page.next.taken];
      if (!is_asked_for(query, record)) continue;
      bytes += record.json.size();
      page.records.emplace_back(record.json);
    }
    if (page.next.taken >= records.size()) page.next = {(*read)->next, 0};
  }
  return page;
}

}  // namespace traccia::history
