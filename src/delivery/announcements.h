// Delivered files that the trail's topic has not been told of yet, and how telling it went.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"

namespace traccia::delivery {

extern const std::string_view kAnnouncementsSchema;

// One incarnation of a trail.
struct AnnouncedTrail {
  std::string arn;
  Time created;

  auto operator<=>(const AnnouncedTrail&) const = default;
};
struct Announcement {
  int64_t id = 0;
  std::string bucket;
  std::string key;  // empty: no file, the topic is tried ("CloudTrail validation message.")
  Time delivered;
};

// All inside the caller's transaction: an announcement commits with what it tells of.
Result<> add_announcement(meta::Transaction& transaction, const AnnouncedTrail& trail,
                          std::string_view bucket, std::string_view key, Time delivered);
Result<std::vector<AnnouncedTrail>> load_announced_trails(meta::Transaction& transaction);
// The oldest first.
Result<std::vector<Announcement>> load_announcements(meta::Transaction& transaction,
                                                     const AnnouncedTrail& trail, int64_t max);
Result<> remove_announcement(meta::Transaction& transaction, int64_t id);
// Those of files that were delivered by then.
Result<> remove_announcements(meta::Transaction& transaction, const AnnouncedTrail& trail,
                              Time until);

struct NotificationStatus {
  std::optional<Time> latest_success;
  std::optional<Time> latest_attempt;
  std::string error;  // a code of SNS; empty after a success
};
Result<NotificationStatus> read_notification_status(meta::Transaction& transaction,
                                                    const AnnouncedTrail& trail);
Result<> record_notification(meta::Transaction& transaction, const AnnouncedTrail& trail, Time time,
                             std::string_view error);

}  // namespace traccia::delivery
