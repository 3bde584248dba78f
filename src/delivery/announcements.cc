// The store of announcements.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/announcements.h"

namespace traccia::delivery {

// Times are unix nanoseconds; `created` is the trail's.
const std::string_view kAnnouncementsSchema = R"sql(
CREATE TABLE delivery_announcements (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  trail_arn TEXT NOT NULL,
  created   INTEGER NOT NULL,
  bucket    TEXT NOT NULL,
  key       TEXT NOT NULL,       -- empty: the topic is tried
  delivered INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_announcements_trail ON delivery_announcements (trail_arn, created, id);
CREATE TABLE delivery_notifications (
  trail_arn TEXT PRIMARY KEY,
  created   INTEGER NOT NULL,
  succeeded INTEGER,
  attempted INTEGER NOT NULL,
  error     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

Result<> add_announcement(meta::Transaction& transaction, const AnnouncedTrail& trail,
                          std::string_view bucket, std::string_view key, Time delivered) {
  TRY(transaction.execute(
      "INSERT INTO delivery_announcements (trail_arn, created, bucket, key, delivered) VALUES (?, "
      "?, ?, ?, ?)",
      {trail.arn, to_unix_nanoseconds(trail.created), bucket, key,
       to_unix_nanoseconds(delivered)}));
  return {};
}

Result<std::vector<AnnouncedTrail>> load_announced_trails(meta::Transaction& transaction) {
  std::vector<AnnouncedTrail> out;
  TRY(transaction.query("SELECT DISTINCT trail_arn, created FROM delivery_announcements", {},
                        [&](const meta::Row& row) -> Result<> {
                          out.push_back({row.text(0), from_unix_nanoseconds(row.integer(1))});
                          return {};
                        }));
  return out;
}

Result<std::vector<Announcement>> load_announcements(meta::Transaction& transaction,
                                                     const AnnouncedTrail& trail, int64_t max) {
  std::vector<Announcement> out;
  TRY(transaction.query(
      "SELECT id, bucket, key, delivered FROM delivery_announcements WHERE trail_arn = ? AND "
      "created = ? ORDER BY id LIMIT ?",
      {trail.arn, to_unix_nanoseconds(trail.created), max}, [&](const meta::Row& row) -> Result<> {
        out.push_back(
            {row.integer(0), row.text(1), row.text(2), from_unix_nanoseconds(row.integer(3))});
        return {};
      }));
  return out;
}

Result<> remove_announcement(meta::Transaction& transaction, int64_t id) {
  TRY(transaction.execute("DELETE FROM delivery_announcements WHERE id = ?", {id}));
  return {};
}

Result<> remove_announcements(meta::Transaction& transaction, const AnnouncedTrail& trail,
                              Time until) {
  TRY(transaction.execute(
      "DELETE FROM delivery_announcements WHERE trail_arn = ? AND created = ? AND delivered <= ?",
      {trail.arn, to_unix_nanoseconds(trail.created), to_unix_nanoseconds(until)}));
  return {};
}

Result<NotificationStatus> read_notification_status(meta::Transaction& transaction,
                                                    const AnnouncedTrail& trail) {
  NotificationStatus out;
  TRY(transaction.query(
      "SELECT succeeded, attempted, error FROM delivery_notifications WHERE trail_arn = ? AND "
      "created = ?",
      {trail.arn, to_unix_nanoseconds(trail.created)}, [&](const meta::Row& row) -> Result<> {
        if (!row.is_null(0)) out.latest_success = from_unix_nanoseconds(row.integer(0));
        out.latest_attempt = from_unix_nanoseconds(row.integer(1));
        out.error = row.text(2);
        return {};
      }));
  return out;
}

Result<> record_notification(meta::Transaction& transaction, const AnnouncedTrail& trail, Time time,
                             std::string_view error) {
  // What an earlier incarnation did is not the trail's of today.
  TRY(transaction.execute(
      "INSERT INTO delivery_notifications (trail_arn, created, succeeded, attempted, error) VALUES "
      "(?1, ?2, CASE WHEN ?4 = '' THEN ?3 END, ?3, ?4) ON CONFLICT (trail_arn) DO UPDATE SET "
      "succeeded = CASE WHEN created = excluded.created THEN coalesce(excluded.succeeded, "
      "succeeded) ELSE excluded.succeeded END, created = excluded.created, attempted = "
      "excluded.attempted, error = excluded.error",
      {trail.arn, to_unix_nanoseconds(trail.created), to_unix_nanoseconds(time), error}));
  return {};
}

}  // namespace traccia::delivery
