// Tables of delivery.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/manifest.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::delivery {

const std::string_view kSchema = R"sql(
CREATE TABLE delivery_files (
  id             INTEGER PRIMARY KEY,
  trail_arn      TEXT NOT NULL,
  created        INTEGER NOT NULL,   -- of the trail, unix nanoseconds
  account        TEXT NOT NULL,
  region         TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL,
  count          INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  bucket         TEXT NOT NULL,
  key            TEXT NOT NULL,
  sha256         TEXT NOT NULL,      -- hex, of the uncompressed bytes
  oldest         INTEGER NOT NULL,   -- eventTime, unix nanoseconds
  newest         INTEGER NOT NULL,
  validated      INTEGER NOT NULL,
  closed         INTEGER NOT NULL,
  state          INTEGER NOT NULL,   -- FileState
  delivered      INTEGER,
  digest         INTEGER             -- the digest that lists it
) STRICT;
CREATE UNIQUE INDEX delivery_files_chain
  ON delivery_files (trail_arn, created, account, region, first_sequence);
CREATE INDEX delivery_files_pending ON delivery_files (id) WHERE state = 0;
CREATE INDEX delivery_files_undigested
  ON delivery_files (trail_arn, created, account, region, first_sequence)
  WHERE digest IS NULL AND validated = 1;
CREATE TABLE delivery_changes (
  sequence INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  time     INTEGER NOT NULL,
  json     TEXT NOT NULL
) STRICT;
CREATE TABLE delivery_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL)
  STRICT;
CREATE TABLE delivery_status (
  trail_arn TEXT PRIMARY KEY,
  created   INTEGER NOT NULL,
  delivered INTEGER,
  attempted INTEGER,
  error     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kLanesSchema = R"sql(
DROP INDEX delivery_files_pending;
CREATE INDEX delivery_files_lanes ON delivery_files (bucket, trail_arn, id) WHERE state = 0;
CREATE INDEX delivery_files_floor ON delivery_files (first_position) WHERE state = 0;
)sql";

const std::string_view kChangesSchema = R"sql(
ALTER TABLE delivery_changes ADD COLUMN trail_arn TEXT NOT NULL DEFAULT '';
UPDATE delivery_changes SET trail_arn = json_extract(json, '$.arn');
CREATE INDEX delivery_changes_trail ON delivery_changes (trail_arn, sequence);
)sql";

namespace {

constexpr std::string_view kColumns =
    "SELECT id, trail_arn, created, account, region, first_sequence, last_sequence, count, "
    "first_position, bucket, key, sha256, oldest, newest, validated, closed, state, delivered "
    "FROM delivery_files ";

int64_t number(uint64_t value) {
  return static_cast<int64_t>(value);
}
int64_t number(Time time) {
  return to_unix_nanoseconds(time);
}

Manifest read_manifest(const meta::Row& row) {
  Manifest file;
  file.id = row.integer(0);
  file.chain = {row.text(1), from_unix_nanoseconds(row.integer(2)), row.text(3), row.text(4)};
  file.first_sequence = static_cast<uint64_t>(row.integer(5));
  file.last_sequence = static_cast<uint64_t>(row.integer(6));
  file.count = static_cast<uint64_t>(row.integer(7));
  file.first_position = static_cast<uint64_t>(row.integer(8));
  file.bucket = row.text(9);
  file.key = row.text(10);
  file.sha256_hex = row.text(11);
  file.oldest_event_time = from_unix_nanoseconds(row.integer(12));
  file.newest_event_time = from_unix_nanoseconds(row.integer(13));
  file.validated = row.integer(14) != 0;
  file.closed = from_unix_nanoseconds(row.integer(15));
  file.state = static_cast<FileState>(row.integer(16));
  if (!row.is_null(17)) file.delivered = from_unix_nanoseconds(row.integer(17));
  return file;
}

Result<std::vector<Manifest>> load(meta::Transaction& transaction, std::string_view condition,
                                   const std::vector<meta::Argument>& arguments) {
  std::vector<Manifest> files;
  TRY(transaction.query(fmt::format("{}{}", kColumns, condition), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          files.push_back(read_manifest(row));
                          return {};
                        }));
  return files;
}

}  // namespace

Result<int64_t> insert_manifest(meta::Transaction& transaction, const Manifest& file) {
  TRY(transaction.execute(
      "INSERT INTO delivery_files (trail_arn, created, account, region, first_sequence, "
      "last_sequence, count, first_position, bucket, key, sha256, oldest, newest, validated, "
      "closed, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
      {file.chain.trail_arn, number(file.chain.created), file.chain.account, file.chain.region,
       number(file.first_sequence), number(file.last_sequence), number(file.count),
       number(file.first_position), file.bucket, file.key, file.sha256_hex,
       number(file.oldest_event_time), number(file.newest_event_time), int64_t{file.validated},
       number(file.closed)}));
  return transaction.last_insert_id();
}

Result<std::vector<PendingLane>> load_pending_lanes(meta::Transaction& transaction) {
  std::vector<PendingLane> lanes;
  TRY(transaction.query(
      "SELECT bucket, trail_arn, count(*) FROM delivery_files WHERE state = 0 "
      "GROUP BY bucket, trail_arn",
      {}, [&](const meta::Row& row) -> Result<> {
        lanes.push_back({row.text(0), row.text(1), static_cast<size_t>(row.integer(2))});
        return {};
      }));
  return lanes;
}

Result<std::vector<Manifest>> load_pending(meta::Transaction& transaction, std::string_view bucket,
                                           std::string_view trail_arn, int64_t from_id,
                                           size_t count_max) {
  return load(transaction,
              "WHERE state = 0 AND bucket = ? AND trail_arn = ? AND id >= ? ORDER BY id LIMIT ?",
              {bucket, trail_arn, from_id, static_cast<int64_t>(count_max)});
}

Result<std::optional<wal::Position>> pending_floor(meta::Transaction& transaction) {
  std::optional<wal::Position> floor;
  TRY(transaction.query("SELECT min(first_position) FROM delivery_files WHERE state = 0", {},
                        [&](const meta::Row& row) -> Result<> {
                          if (!row.is_null(0)) floor = static_cast<uint64_t>(row.integer(0));
                          return {};
                        }));
  return floor;
}

Result<> mark(meta::Transaction& transaction, int64_t id, FileState state, Time time) {
  TRY(transaction.execute("UPDATE delivery_files SET state = ?, delivered = ? WHERE id = ?",
                          {static_cast<int64_t>(state), number(time), id}));
  return {};
}

Result<std::vector<ClosedChain>> load_closed(meta::Transaction& transaction) {
  std::vector<ClosedChain> closed;
  TRY(transaction.query(
      "SELECT trail_arn, created, account, region, max(last_sequence) FROM delivery_files "
      "GROUP BY trail_arn, created, account, region",
      {}, [&](const meta::Row& row) -> Result<> {
        closed.push_back(
            {{row.text(0), from_unix_nanoseconds(row.integer(1)), row.text(2), row.text(3)},
             static_cast<uint64_t>(row.integer(4))});
        return {};
      }));
  return closed;
}

Result<> insert_change(meta::Transaction& transaction, const TrailChangeAt& at) {
  const auto json = trail::encode_change(at.change);
  const auto& config = at.change.config;
  TRY(transaction.execute(
      "INSERT OR IGNORE INTO delivery_changes (sequence, position, time, json, trail_arn) "
      "VALUES (?, ?, ?, ?, ?)",
      {number(at.sequence), number(at.position), number(at.time), json, config.arn}));
  TRY(transaction.execute("DELETE FROM delivery_status WHERE trail_arn = ? AND created <> ?",
                          {config.arn, number(config.created)}));
  return {};
}

namespace {

Result<std::vector<TrailChangeAt>> load_changes_where(meta::Transaction& transaction,
                                                      std::string_view condition,
                                                      const meta::Argument& argument) {
  std::vector<TrailChangeAt> changes;
  TRY(transaction.query(
      fmt::format("SELECT sequence, position, time, json FROM delivery_changes WHERE {} "
                  "ORDER BY sequence",
                  condition),
      {argument}, [&](const meta::Row& row) -> Result<> {
        TrailChangeAt at;
        at.sequence = static_cast<uint64_t>(row.integer(0));
        at.position = static_cast<uint64_t>(row.integer(1));
        at.time = from_unix_nanoseconds(row.integer(2));
        TRY_ASSIGN(at.change, trail::decode_change(row.view(3)));
        changes.push_back(std::move(at));
        return {};
      }));
  return changes;
}

}  // namespace

Result<std::vector<TrailChangeAt>> load_changes(meta::Transaction& transaction,
                                                ingest::Sequence after) {
  return load_changes_where(transaction, "sequence > ?", number(after));
}

Result<std::vector<TrailChangeAt>> load_changes_of(meta::Transaction& transaction,
                                                   std::string_view trail_arn) {
  return load_changes_where(transaction, "trail_arn = ?", trail_arn);
}

Result<> prune_changes(meta::Transaction& transaction, std::string_view trail_arn,
                       ingest::Sequence followed) {
  // Files that are open begin at or behind the cursor, those that are closed at their position.
  TRY_ASSIGN(auto floor, load_cursor(transaction));
  TRY_ASSIGN(const auto pending, pending_floor(transaction));
  if (pending) floor = std::min(floor, *pending);
  TRY(transaction.execute(
      "DELETE FROM delivery_changes WHERE trail_arn = ?1 AND sequence < (SELECT max(sequence) "
      "FROM delivery_changes WHERE trail_arn = ?1 AND sequence <= ?2 AND position < ?3)",
      {trail_arn, number(followed), number(floor)}));
  // Nothing is left of a deleted trail: its absence says the same.
  TRY(transaction.execute(
      "DELETE FROM delivery_changes WHERE trail_arn = ?1 AND sequence <= ?2 AND position < ?3 AND "
      "json_extract(json, '$.deleted')",
      {trail_arn, number(followed), number(floor)}));
  return {};
}

Result<wal::Position> load_cursor(meta::Transaction& transaction) {
  wal::Position position = 0;
  TRY(transaction.query("SELECT position FROM delivery_cursor", {},
                        [&](const meta::Row& row) -> Result<> {
                          position = static_cast<uint64_t>(row.integer(0));
                          return {};
                        }));
  return position;
}

Result<> store_cursor(meta::Transaction& transaction, wal::Position position) {
  TRY(
      transaction.execute("INSERT INTO delivery_cursor (one, position) VALUES (1, ?) "
                          "ON CONFLICT (one) DO UPDATE SET position = excluded.position",
                          {number(position)}));
  return {};
}

Result<Status> read_status(meta::Transaction& transaction, std::string_view trail_arn) {
  Status status;
  TRY(
      transaction.query("SELECT delivered, attempted, error FROM delivery_status "
                        "WHERE trail_arn = ?",
                        {trail_arn}, [&](const meta::Row& row) -> Result<> {
                          if (!row.is_null(0)) {
                            status.latest_delivery = from_unix_nanoseconds(row.integer(0));
                          }
                          if (!row.is_null(1)) {
                            status.latest_attempt = from_unix_nanoseconds(row.integer(1));
                          }
                          status.error = row.text(2);
                          return {};
                        }));
  return status;
}

Result<> record_attempt(meta::Transaction& transaction, const ChainId& chain, Time time,
                        std::string_view error) {
  // A file of an earlier incarnation must not speak for the trail of today.
  TRY(transaction.execute(
      "INSERT INTO delivery_status (trail_arn, created, delivered, attempted, error) "
      "VALUES (?1, ?2, CASE WHEN ?4 = '' THEN ?3 END, ?3, ?4) ON CONFLICT (trail_arn) DO UPDATE "
      "SET delivered = coalesce(excluded.delivered, delivered), attempted = excluded.attempted, "
      "error = excluded.error WHERE created = excluded.created",
      {chain.trail_arn, number(chain.created), number(time), error}));
  return {};
}

Result<std::vector<Manifest>> load_undigested(meta::Transaction& transaction, const ChainId& chain,
                                              ingest::Sequence after, ingest::Sequence before,
                                              Time end) {
  return load(transaction,
              "WHERE trail_arn = ? AND created = ? AND account = ? AND region = ? AND "
              "first_sequence > ? AND last_sequence < ? AND validated = 1 AND digest IS NULL AND "
              "state = 1 AND delivered <= ? ORDER BY delivered, id",
              {chain.trail_arn, number(chain.created), chain.account, chain.region, number(after),
               number(before), number(end)});
}

Result<bool> any_pending(meta::Transaction& transaction, const ChainId& chain,
                         ingest::Sequence after, ingest::Sequence before) {
  bool found = false;
  TRY(transaction.query(
      "SELECT 1 FROM delivery_files WHERE trail_arn = ? AND created = ? AND account = ? AND "
      "region = ? AND first_sequence > ? AND last_sequence < ? AND validated = 1 AND state = 0 "
      "LIMIT 1",
      {chain.trail_arn, number(chain.created), chain.account, chain.region, number(after),
       number(before)},
      [&](const meta::Row&) -> Result<> {
        found = true;
        return {};
      }));
  return found;
}

Result<> assign_digest(meta::Transaction& transaction, int64_t manifest_id, int64_t digest_id) {
  TRY_ASSIGN(
      const auto changed,
      transaction.execute("UPDATE delivery_files SET digest = ? WHERE id = ? AND digest IS NULL",
                          {digest_id, manifest_id}));
  if (changed == 1) return {};
  return fail(ErrorCode::Internal,
              fmt::format("file {} would be listed in two digests", manifest_id));
}

}  // namespace traccia::delivery
