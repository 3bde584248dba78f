// Tells the topics of trails of delivered files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/services.h"
#include "base/error.h"
#include "delivery/announcements.h"

namespace traccia::api {

// Owned by one thread. Each file's announcement is a row that commits with its delivery and goes in
// the transaction that publishes it, so every file is announced once, whatever crashes. A topic
// that cannot be published to closes its trail's lane for a time that doubles, and no other's.
class SnsAnnouncer {
 public:
  static constexpr int64_t kBatchMax = 100;  // announcements in one transaction
  static constexpr std::chrono::seconds kRetryFirst{1};
  static constexpr std::chrono::seconds kRetryMax{300};
  static constexpr std::chrono::hours kRetryFor{30 * 24};  // then it is given up, as files are

  explicit SnsAnnouncer(Services& services) : services_(services) {}

  // True when something was announced. A topic's refusal is not an error: it is kept for
  // GetTrailStatus and tried again.
  Result<bool> step();

 private:
  struct Lane {
    Duration delay{};    // since the last refusal; 0: open
    Duration reopens{};  // of the monotonic clock
  };
  enum class Told : uint8_t { Nothing, Something, Refused };
  Result<Told> announce(const delivery::AnnouncedTrail& trail);
  Result<> publish(meta::Transaction& transaction, const trail::TrailConfig& config,
                   const delivery::Announcement& announcement, std::vector<ingest::Draft>& drafts);

  Services& services_;
  std::map<delivery::AnnouncedTrail, Lane> lanes_;
};

}  // namespace traccia::api
