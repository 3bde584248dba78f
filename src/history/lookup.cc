// Answers look-ups, one index range each.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "history/state.h"
#include "history/token.h"

namespace traccia::history {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kSecond = 1'000'000'000;

int64_t lower_bound(const std::optional<Time>& start) {
  if (!start || to_unix_nanoseconds(*start) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*start));
}

int64_t upper_bound(const std::optional<Time>& end) {
  if (!end || to_unix_nanoseconds(*end) > kMost - kSecond) return kMost;
  if (to_unix_nanoseconds(*end) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*end)) + kSecond - 1;
}

// Where the values of an attribute are: a column of events, or of a table beside it.
struct Source {
  std::string_view table;
  std::string_view column;
  std::string_view index;
};

Source source_of(Attribute attribute) {
  switch (attribute) {
    case Attribute::EventId: return {"events", "event_id", "by_event_id"};
    case Attribute::EventName: return {"events", "event_name", "by_event_name"};
    case Attribute::ReadOnly: return {"events", "read_only", "by_read_only"};
    case Attribute::Username: return {"events", "username", "by_username"};
    case Attribute::ResourceType: return {"resource_types", "type", "by_resource_type"};
    case Attribute::ResourceName: return {"resource_names", "name", "by_resource_name"};
    case Attribute::EventSource: return {"events", "event_source", "by_event_source"};
    case Attribute::AccessKeyId: return {"events", "access_key_id", "by_access_key_id"};
  }
  TRACCIA_ASSERT(false);
}

// The index is named, so that a look-up can never turn into a scan or a sort.
std::string statement(const Query& query) {
  Source source{"events", "", "by_time"};
  if (query.attribute) source = source_of(query.attribute->first);
  const bool aside = source.table != "events";
  return fmt::format(
      "SELECT x.sequence, x.event_time, {}.record FROM {} x INDEXED BY {}{} "
      "WHERE x.place = (SELECT id FROM places WHERE account = ? AND region = ?){} "
      "AND x.event_time >= ? AND (x.event_time, x.sequence) < (?, ?) "
      "AND {}.ingest_time >= ? "
      "ORDER BY x.event_time DESC, x.sequence DESC LIMIT ?",
      aside ? "e" : "x", source.table, source.index,
      aside ? " CROSS JOIN events e ON e.sequence = x.sequence" : "",
      query.attribute ? fmt::format(" AND x.{} = ?", source.column) : "", aside ? "e" : "x");
}

}  // namespace

Result<Page> History::lookup(const Query& query) {
  if (query.count_max == 0) {
    return fail(ErrorCode::InvalidArgument, "a look-up of at most 0 records");
  }
  const auto count_max = std::min(query.count_max, kPageRecordsMax);
  PagePlace below{upper_bound(query.end), kMost};
  if (query.after) {
    TRY_ASSIGN(const auto place, decode_token(query, *query.after));
    below = std::min(below, place);
  }
  std::vector<meta::Argument> arguments{std::string_view(query.account),
                                        std::string_view(query.region)};
  if (query.attribute) arguments.emplace_back(std::string_view(query.attribute->second));
  arguments.insert(arguments.end(),
                   {lower_bound(query.start), below.event_time, below.sequence,
                    to_unix_nanoseconds(state_->retained_from()),
                    static_cast<int64_t>(count_max + 1)});
  Page page;
  PagePlace last;
  size_t bytes = 0;
  bool more = false;
  TRY(state_->database->read([&](meta::Transaction& transaction) {
    return transaction.query(statement(query), arguments, [&](const meta::Row& row) -> Result<> {
      // One record beyond the page is asked for, to tell whether there is a next page.
      more = more || page.records.size() == count_max || bytes >= kPageBytesMax;
      if (more) return {};
      page.records.push_back(row.text(2));
      bytes += page.records.back().size();
      last = {row.integer(1), row.integer(0)};
      return {};
    });
  }));
  if (more) page.next = encode_token(query, last);
  return page;
}

}  // namespace traccia::history
