// Tables of digest chains.
// SPDX-License-Identifier: Apache-2.0
#include "digest/chain.h"

#include <fmt/format.h>

#include "digest/digest.h"

namespace traccia::digest {

const std::string_view kChainSchema = R"sql(
CREATE TABLE digest_chains (
  id             INTEGER PRIMARY KEY,
  trail_arn      TEXT NOT NULL,
  created        INTEGER NOT NULL,   -- of the trail, unix nanoseconds
  account        TEXT NOT NULL,
  region         TEXT NOT NULL,
  trail_name     TEXT NOT NULL,
  home_region    TEXT NOT NULL,
  bucket         TEXT NOT NULL,
  prefix         TEXT NOT NULL,
  start_sequence INTEGER NOT NULL,
  stop_sequence  INTEGER,
  activation     INTEGER NOT NULL,
  last_end       INTEGER,
  next_end       INTEGER NOT NULL,
  previous_bucket    TEXT,
  previous_key       TEXT,
  previous_sha256    TEXT,
  previous_signature TEXT,
  finished       INTEGER NOT NULL
) STRICT;
CREATE INDEX digest_chains_unfinished ON digest_chains (id) WHERE finished = 0;
CREATE INDEX digest_chains_names ON digest_chains (trail_name, account, region, home_region);
CREATE TABLE digest_files (
  id        INTEGER PRIMARY KEY,
  chain     INTEGER NOT NULL REFERENCES digest_chains (id),
  trail_arn TEXT NOT NULL,
  created   INTEGER NOT NULL,
  region    TEXT NOT NULL,
  end_time  INTEGER NOT NULL,
  bucket    TEXT NOT NULL,
  key       TEXT NOT NULL,
  bytes     BLOB,                    -- gzip; NULL once it needs no PUT
  signature TEXT NOT NULL,
  made      INTEGER NOT NULL,
  UNIQUE (bucket, key)
) STRICT;
CREATE INDEX digest_files_pending ON digest_files (id) WHERE bytes IS NOT NULL;
CREATE TABLE digest_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL)
  STRICT;
CREATE TABLE digest_status (
  trail_arn TEXT PRIMARY KEY,
  created   INTEGER NOT NULL,
  delivered INTEGER,
  error     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

const std::string_view kPendingSchema = R"sql(
DROP INDEX digest_files_pending;
CREATE INDEX digest_files_waiting ON digest_files (trail_arn, id) WHERE bytes IS NOT NULL;
)sql";

namespace {

constexpr std::string_view kColumns =
    "SELECT id, trail_arn, created, account, region, trail_name, home_region, bucket, prefix, "
    "start_sequence, stop_sequence, activation, last_end, next_end, previous_bucket, "
    "previous_key, previous_sha256, previous_signature, finished FROM digest_chains ";

int64_t number(Time time) {
  return to_unix_nanoseconds(time);
}
int64_t number(uint64_t value) {
  return static_cast<int64_t>(value);
}

meta::Argument or_null(const std::optional<Time>& time) {
  return time ? meta::Argument(number(*time)) : meta::Argument(nullptr);
}
meta::Argument or_null(const std::optional<ingest::Sequence>& sequence) {
  return sequence ? meta::Argument(number(*sequence)) : meta::Argument(nullptr);
}

Chain read_chain(const meta::Row& row) {
  Chain chain;
  chain.id = row.integer(0);
  chain.files = {row.text(1), from_unix_nanoseconds(row.integer(2)), row.text(3), row.text(4)};
  chain.trail_name = row.text(5);
  chain.home_region = row.text(6);
  chain.bucket = row.text(7);
  chain.prefix = row.text(8);
  chain.start_sequence = static_cast<uint64_t>(row.integer(9));
  if (!row.is_null(10)) chain.stop_sequence = static_cast<uint64_t>(row.integer(10));
  chain.activation = from_unix_nanoseconds(row.integer(11));
  if (!row.is_null(12)) chain.last_end = from_unix_nanoseconds(row.integer(12));
  chain.next_end = from_unix_nanoseconds(row.integer(13));
  if (!row.is_null(14)) {
    chain.previous = Previous{row.text(14), row.text(15), row.text(16), row.text(17)};
  }
  chain.finished = row.integer(18) != 0;
  return chain;
}

Result<std::vector<Chain>> load(meta::Transaction& transaction, std::string_view condition,
                                const std::vector<meta::Argument>& arguments) {
  std::vector<Chain> chains;
  TRY(transaction.query(fmt::format("{}{} ORDER BY id", kColumns, condition), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          chains.push_back(read_chain(row));
                          return {};
                        }));
  return chains;
}

}  // namespace

Result<> insert_chain(meta::Transaction& transaction, const Chain& chain) {
  TRY(transaction.execute(
      "INSERT INTO digest_chains (trail_arn, created, account, region, trail_name, home_region, "
      "bucket, prefix, start_sequence, activation, next_end, finished) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
      {chain.files.trail_arn, number(chain.files.created), chain.files.account, chain.files.region,
       chain.trail_name, chain.home_region, chain.bucket, chain.prefix,
       number(chain.start_sequence), number(chain.activation), number(chain.next_end)}));
  return {};
}

Result<> update_chain(meta::Transaction& transaction, const Chain& chain) {
  const auto text = [&](std::string Previous::* field) {
    return chain.previous ? meta::Argument(std::string_view((*chain.previous).*field))
                          : meta::Argument(nullptr);
  };
  TRY(transaction.execute(
      "UPDATE digest_chains SET bucket = ?, prefix = ?, stop_sequence = ?, last_end = ?, "
      "next_end = ?, previous_bucket = ?, previous_key = ?, previous_sha256 = ?, "
      "previous_signature = ?, finished = ? WHERE id = ?",
      {chain.bucket, chain.prefix, or_null(chain.stop_sequence), or_null(chain.last_end),
       number(chain.next_end), text(&Previous::bucket), text(&Previous::key),
       text(&Previous::sha256_hex), text(&Previous::signature_hex), int64_t{chain.finished},
       chain.id}));
  return {};
}

Result<std::vector<Chain>> load_unfinished(meta::Transaction& transaction) {
  return load(transaction, "WHERE finished = 0", {});
}

Result<std::vector<Chain>> load_active(meta::Transaction& transaction, std::string_view trail_arn,
                                       Time created) {
  return load(transaction,
              "WHERE finished = 0 AND stop_sequence IS NULL AND trail_arn = ? AND created = ?",
              {trail_arn, number(created)});
}

Result<std::optional<Time>> newest_end(meta::Transaction& transaction, const Chain& chain) {
  std::optional<Time> end;
  TRY(transaction.query(
      "SELECT max(last_end) FROM digest_chains WHERE trail_name = ? AND account = ? AND "
      "region = ? AND home_region = ?",
      {chain.trail_name, chain.files.account, chain.files.region, chain.home_region},
      [&](const meta::Row& row) -> Result<> {
        if (!row.is_null(0)) end = from_unix_nanoseconds(row.integer(0));
        return {};
      }));
  return end;
}

Result<bool> older_unfinished(meta::Transaction& transaction, const Chain& chain) {
  bool found = false;
  TRY(transaction.query(
      "SELECT 1 FROM digest_chains WHERE trail_name = ? AND account = ? AND region = ? AND "
      "home_region = ? AND finished = 0 AND id < ? LIMIT 1",
      {chain.trail_name, chain.files.account, chain.files.region, chain.home_region, chain.id},
      [&](const meta::Row&) -> Result<> {
        found = true;
        return {};
      }));
  return found;
}

Result<int64_t> insert_digest(meta::Transaction& transaction, const Chain& chain,
                              const StoredDigest& digest, Time end) {
  TRY(transaction.execute(
      "INSERT INTO digest_files (chain, trail_arn, created, region, end_time, bucket, key, bytes, "
      "signature, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {chain.id, digest.trail_arn, number(digest.created), digest.region, number(end),
       digest.bucket, digest.key, meta::Blob{digest.bytes}, digest.signature_hex,
       number(digest.made)}));
  return transaction.last_insert_id();
}

Result<std::vector<PendingTrail>> load_pending_trails(meta::Transaction& transaction) {
  std::vector<PendingTrail> trails;
  // The bucket is that of the row with the least id (sqlite.org/lang_select.html, section 2.5).
  TRY(
      transaction.query("SELECT trail_arn, bucket, min(id) FROM digest_files "
                        "WHERE bytes IS NOT NULL GROUP BY trail_arn",
                        {}, [&](const meta::Row& row) -> Result<> {
                          trails.push_back({row.text(0), row.text(1)});
                          return {};
                        }));
  return trails;
}

Result<std::optional<StoredDigest>> load_oldest_pending(meta::Transaction& transaction,
                                                        std::string_view trail_arn) {
  std::optional<StoredDigest> digest;
  TRY(transaction.query(
      "SELECT id, trail_arn, created, region, bucket, key, bytes, signature, made "
      "FROM digest_files WHERE bytes IS NOT NULL AND trail_arn = ? ORDER BY id LIMIT 1",
      {trail_arn}, [&](const meta::Row& row) -> Result<> {
        digest = {row.integer(0), row.text(1), from_unix_nanoseconds(row.integer(2)),
                  row.text(3),    row.text(4), row.text(5),
                  row.text(6),    row.text(7), from_unix_nanoseconds(row.integer(8))};
        return {};
      }));
  return digest;
}

Result<std::optional<std::string>> next_pending_bucket(meta::Transaction& transaction,
                                                       std::string_view trail_arn) {
  std::optional<std::string> bucket;
  TRY(
      transaction.query("SELECT bucket FROM digest_files WHERE bytes IS NOT NULL AND "
                        "trail_arn = ? ORDER BY id LIMIT 1",
                        {trail_arn}, [&](const meta::Row& row) -> Result<> {
                          bucket = row.text(0);
                          return {};
                        }));
  return bucket;
}

Result<> settle(meta::Transaction& transaction, int64_t digest_id) {
  TRY(transaction.execute("UPDATE digest_files SET bytes = NULL WHERE id = ?", {digest_id}));
  return {};
}

Result<> record_attempt(meta::Transaction& transaction, const StoredDigest& digest, Time time,
                        std::string_view error) {
  TRY(transaction.execute(
      "INSERT INTO digest_status (trail_arn, created, delivered, error) "
      "VALUES (?1, ?2, CASE WHEN ?4 = '' THEN ?3 END, ?4) ON CONFLICT (trail_arn) DO UPDATE "
      "SET delivered = coalesce(excluded.delivered, CASE WHEN created = excluded.created THEN "
      "delivered END), created = excluded.created, error = excluded.error "
      "WHERE excluded.created >= created",
      {digest.trail_arn, number(digest.created), number(time), error}));
  return {};
}

Result<Status> read_status(meta::Transaction& transaction, std::string_view trail_arn) {
  Status status;
  TRY(transaction.query("SELECT delivered, error FROM digest_status WHERE trail_arn = ?",
                        {trail_arn}, [&](const meta::Row& row) -> Result<> {
                          if (!row.is_null(0)) {
                            status.latest_delivery = from_unix_nanoseconds(row.integer(0));
                          }
                          status.error = row.text(1);
                          return {};
                        }));
  return status;
}

Result<ingest::Sequence> load_cursor(meta::Transaction& transaction) {
  ingest::Sequence sequence = 0;
  TRY(transaction.query("SELECT sequence FROM digest_cursor", {},
                        [&](const meta::Row& row) -> Result<> {
                          sequence = static_cast<uint64_t>(row.integer(0));
                          return {};
                        }));
  return sequence;
}

Result<> store_cursor(meta::Transaction& transaction, ingest::Sequence sequence) {
  TRY(
      transaction.execute("INSERT INTO digest_cursor (one, sequence) VALUES (1, ?) "
                          "ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence",
                          {number(sequence)}));
  return {};
}

}  // namespace traccia::digest
