// Publishes what delivery has to tell.
// SPDX-License-Identifier: Apache-2.0
#include "api/sns_announcer.h"

#include <algorithm>

#include "api/audit.h"
#include "api/trail_topic.h"
#include "base/log.h"

namespace traccia::api {

// In the transaction of what it tells of. An error is the topic's refusal, or the store's.
Result<> SnsAnnouncer::publish(meta::Transaction& transaction, const trail::TrailConfig& config,
                               const delivery::Announcement& announcement,
                               std::vector<ingest::Draft>& drafts) {
  const auto text = announcement.key.empty()
                        ? std::string(kTopicTrial)
                        : announcement_text(announcement.bucket, announcement.key);
  TRY(publish_for_trail(services_, transaction, config, text, drafts));
  return delivery::remove_announcement(transaction, announcement.id);
}

Result<SnsAnnouncer::Told> SnsAnnouncer::announce(const delivery::AnnouncedTrail& trail) {
  std::optional<Error> refusal;
  bool told = false;
  const auto now = services_.os.clock.now();
  TRY(services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        std::vector<ingest::Draft> drafts;
        TRY(delivery::remove_announcements(transaction, trail, now - kRetryFor));
        TRY_ASSIGN(const auto found, services_.trails.find(transaction, trail.arn));
        // Of a trail that is gone, or has no topic any more, there is nobody to tell.
        if (!found || found->config.created != trail.created || found->config.topic.empty()) {
          TRY(delivery::remove_announcements(transaction, trail, Time::max()));
          return drafts;
        }
        TRY_ASSIGN(const auto waiting, delivery::load_announcements(transaction, trail, kBatchMax));
        for (const auto& one : waiting) {
          const auto done = publish(transaction, found->config, one, drafts);
          if (!done && !is_topic_refusal(done.error())) return std::unexpected(done.error());
          if (!done) refusal = done.error();
          if (!one.key.empty() || !done) {
            TRY(delivery::record_notification(transaction, trail, now,
                                              done ? "" : shown_topic_error(done.error())));
          }
          if (!done) break;
          told = true;
        }
        return drafts;
      }));
  if (!refusal) return told ? Told::Something : Told::Nothing;
  log(LogLevel::Warning, "a trail's topic could not be told of files",
      {{"trail", trail.arn}, {"error", refusal->message()}});
  return Told::Refused;
}

Result<bool> SnsAnnouncer::step() {
  std::vector<delivery::AnnouncedTrail> trails;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(trails, delivery::load_announced_trails(transaction));
    return {};
  }));
  std::erase_if(lanes_, [&](const auto& lane) {
    return std::ranges::find(trails, lane.first) == trails.end();
  });
  bool told = false;
  for (const auto& trail : trails) {
    auto& lane = lanes_[trail];
    const auto now = services_.os.clock.monotonic();
    if (lane.delay > Duration{} && now < lane.reopens) continue;
    TRY_ASSIGN(const auto done, announce(trail));
    if (done == Told::Refused) {
      lane.delay = std::clamp<Duration>(lane.delay * 2, kRetryFirst, kRetryMax);
      lane.reopens = now + lane.delay;
    } else {
      lane = {};
      told = told || done == Told::Something;
    }
  }
  return told;
}

}  // namespace traccia::api
