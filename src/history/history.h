// Event history: 90 days of management events per account and region, for LookupEvents.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "event/record.h"
#include "ingest/ingest.h"
#include "meta/database.h"
#include "os/os.h"
#include "wal/wal.h"

namespace traccia::history {

enum class Attribute {
  EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource, AccessKeyId
};

struct Query {
  std::string account;
  std::string region;
  std::optional<std::pair<Attribute, std::string>> attribute;  // exact, case-sensitive
  std::optional<Time> start;  // inclusive, by eventTime, in whole seconds as answers show it
  std::optional<Time> end;    // inclusive, likewise
  size_t count_max = 50;      // from 1; above kPageRecordsMax it counts as that
  // Where the page starts: below this place (from Page::next), newest first. Stable under ingest.
  // Anything but a token given for the same query (count_max aside) is InvalidArgument with
  // reason "InvalidNextToken".
  std::optional<std::string> after;
};

struct Page {
  // JSON, newest eventTime first (ties: newest place in the log first). At most count_max, fewer
  // when the page reaches kPageBytesMax.
  std::vector<std::string> records;
  std::optional<std::string> next;   // opaque text for Query::after; absent on the last page
};

// What LookupEvents lists and finds as ResourceName: the ARN, the resource's own name in it (bucket
// or key, user, role, log group, …) and, where that is a path, the name at its end.
std::vector<std::string> resource_names(const event::Resource& resource);

inline constexpr std::chrono::hours kRetention{90 * 24};  // counted from ingest
inline constexpr size_t kPageRecordsMax = 1000;
inline constexpr size_t kPageBytesMax = 16 << 20;

// A sink of the log. Thread-safe, but step() is called from one thread.
class History {
 public:
  // The directory is made when missing. DataLoss when what was taken in and the log do not meet:
  // the log begins after the cursor, or ends before it (restored from unlike backups).
  static Result<std::unique_ptr<History>> open(os::Os os, const std::string& directory,
                                               wal::Wal& wal);
  ~History();
  // Takes in what is durable in the log, with its cursor in the same transaction; removes what is
  // past retention, bounded per step. The count of log records passed, kept or not; 0 means that
  // nothing was there. After an error the same records are tried again.
  Result<size_t> step(size_t records_max);
  // The log position up to which everything is taken in. Power loss may set it back, never below
  // a durable_cursor() seen earlier: the log may be cut there and not here.
  wal::Position cursor() const;
  // Follows cursor() within seconds, as long as step() is called.
  wal::Position durable_cursor() const;
  Result<Page> lookup(const Query& query);

 private:
  struct State;
  explicit History(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace traccia::history
