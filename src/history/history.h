// Event history: 90 days of management events per account and region, for LookupEvents.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
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
  std::optional<Time> start;  // inclusive, by eventTime
  std::optional<Time> end;    // inclusive
  size_t count_max = 50;
  // Where the page starts: below this place (from Page::next), newest first. Stable under ingest.
  std::optional<std::string> after;
};

struct Page {
  std::vector<std::string> records;  // JSON, newest eventTime first (ties: newest place first)
  std::optional<std::string> next;   // opaque text for Query::after; absent on the last page
};

// What LookupEvents lists and finds as ResourceName: the ARN, and the name at its end.
std::vector<std::string> resource_names(const event::Resource& resource);

inline constexpr std::chrono::hours kRetention{90 * 24};  // counted from ingest

// A sink of the log. step() is called from one thread; lookup from any.
class History {
 public:
  static Result<std::unique_ptr<History>> open(os::Os os, const std::string& directory,
                                               wal::Wal& wal);
  ~History();
  // Takes in what is durable in the log, with its cursor in the same transaction; removes what is
  // past retention. The count of records taken.
  Result<size_t> step(size_t records_max);
  // The log position up to which everything is taken in.
  wal::Position cursor() const;
  Result<Page> lookup(const Query& query);

 private:
  struct State;
  explicit History(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace traccia::history
