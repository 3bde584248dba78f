// A key's current version lies in s3_objects, unless that is a delete marker; all else lies in
// s3_versions. So buckets without versions pay nothing, and plain listings read current keys only.
// SPDX-License-Identifier: Apache-2.0
#include "s3/versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "s3/locks.h"
#include "s3/rows.h"

namespace traccia::s3 {

const std::string_view kVersionsSchema = R"sql(
ALTER TABLE s3_buckets ADD COLUMN versioning INTEGER NOT NULL DEFAULT 0;  -- s3::Versioning
ALTER TABLE s3_buckets ADD COLUMN mfa_delete INTEGER NOT NULL DEFAULT 0;  -- s3::MfaDelete
-- Versioning was a document (kind 1) without effect.
UPDATE s3_buckets SET versioning = 1 WHERE name IN (SELECT bucket FROM s3_documents
  WHERE kind = 1 AND instr(text, 'Status>Enabled<') > 0);
UPDATE s3_buckets SET versioning = 2 WHERE name IN (SELECT bucket FROM s3_documents
  WHERE kind = 1 AND instr(text, 'Status>Suspended<') > 0);
DELETE FROM s3_documents WHERE kind = 1;
ALTER TABLE s3_objects ADD COLUMN version TEXT NOT NULL DEFAULT 'null';
ALTER TABLE s3_objects ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
CREATE TABLE s3_versions (
  bucket     TEXT NOT NULL REFERENCES s3_buckets (name),
  key        BLOB NOT NULL,
  place      INTEGER NOT NULL,     -- of a key's versions the newest has the least
  version    TEXT NOT NULL,
  marker     INTEGER NOT NULL,     -- a delete marker: no bytes
  size       INTEGER NOT NULL,
  etag       TEXT NOT NULL,
  modified   INTEGER NOT NULL,     -- unix seconds
  owner      TEXT NOT NULL,
  properties TEXT NOT NULL,
  parts      TEXT NOT NULL,
  PRIMARY KEY (bucket, key, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_null_versions ON s3_versions (bucket, key) WHERE version = 'null';
)sql";

namespace {

constexpr size_t kPlaceDigits = 16;
constexpr size_t kRandomBytes = 8;
constexpr uint64_t kSignBit = 1ULL << 63;

Result<std::optional<ObjectInfo>> first_row(meta::Transaction& transaction, std::string_view sql,
                                            std::string_view bucket, std::string_view key,
                                            std::optional<int64_t> place = std::nullopt) {
  std::optional<ObjectInfo> found;
  std::vector<meta::Argument> arguments{bucket, meta::Blob{key}};
  if (place) arguments.emplace_back(*place);
  TRY(transaction.query(sql, arguments, [&](const meta::Row& row) -> Result<> {
    TRY_ASSIGN(found, read_object_row(row, bucket));
    return {};
  }));
  return found;
}

// The newest in s3_versions: the current one when it is a delete marker.
Result<std::optional<ObjectInfo>> newest_kept(meta::Transaction& transaction,
                                              std::string_view bucket, std::string_view key) {
  return first_row(transaction,
                   fmt::format("SELECT {}, marker FROM s3_versions WHERE bucket = ? AND key = ? "
                               "ORDER BY place LIMIT 1",
                               kObjectColumns),
                   bucket, key);
}

Result<> erase_kept(meta::Transaction& transaction, const ObjectInfo& version) {
  TRY(discard(transaction, version.parts));
  TRY(transaction.execute("DELETE FROM s3_versions WHERE bucket = ? AND key = ? AND place = ?",
                          {version.bucket, meta::Blob{version.key}, version.place}));
  return {};
}

Result<> erase_current(meta::Transaction& transaction, std::string_view bucket,
                       std::string_view key) {
  TRY(transaction.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?",
                          {bucket, meta::Blob{key}}));
  return {};
}

Result<> insert(meta::Transaction& transaction, const ObjectInfo& object) {
  const auto properties = encode_properties(object);
  const auto parts = encode_parts(object.parts);
  const auto size = static_cast<int64_t>(object.size);
  const auto modified = to_unix_seconds(object.last_modified);
  if (!object.delete_marker) {
    TRY(transaction.execute(
        "INSERT OR REPLACE INTO s3_objects (bucket, key, size, etag, modified, owner, properties, "
        "parts, version, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {object.bucket, meta::Blob{object.key}, size, object.etag, modified, object.owner_account,
         properties, parts, object.version_id, object.place}));
    return {};
  }
  TRY(erase_current(transaction, object.bucket, object.key));
  TRY(transaction.execute(
      "INSERT INTO s3_versions (bucket, key, size, etag, modified, owner, properties, parts, "
      "version, place, marker) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
      {object.bucket, meta::Blob{object.key}, size, object.etag, modified, object.owner_account,
       properties, parts, object.version_id, object.place}));
  return {};
}

// From s3_objects to s3_versions.
Result<> keep(meta::Transaction& transaction, const ObjectInfo& current) {
  TRY(transaction.execute(
      fmt::format("INSERT INTO s3_versions (bucket, {0}, marker) SELECT bucket, {0}, 0 "
                  "FROM s3_objects WHERE bucket = ? AND key = ?",
                  kObjectColumns),
      {current.bucket, meta::Blob{current.key}}));
  return {};
}

// After a removal: a key without a current object shows its newest version, unless that is a
// marker.
Result<> promote(meta::Transaction& transaction, std::string_view bucket, std::string_view key) {
  TRY_ASSIGN(const auto current, find_object(transaction, bucket, key));
  if (current) return {};
  TRY_ASSIGN(const auto newest, newest_kept(transaction, bucket, key));
  if (!newest || newest->delete_marker) return {};
  TRY(transaction.execute(
      fmt::format("INSERT INTO s3_objects (bucket, {0}) SELECT bucket, {0} FROM s3_versions "
                  "WHERE bucket = ? AND key = ? AND place = ?",
                  kObjectColumns),
      {bucket, meta::Blob{key}, newest->place}));
  TRY(transaction.execute("DELETE FROM s3_versions WHERE bucket = ? AND key = ? AND place = ?",
                          {bucket, meta::Blob{key}, newest->place}));
  return {};
}

std::unexpected<Error> no_such_key(std::string_view bucket, std::string_view key) {
  return fail(ErrorCode::NotFound, "NoSuchKey",
              fmt::format("bucket '{}' has no key '{}'", bucket, key.substr(0, 256)));
}

// Ids that the bucket cannot have given are told from those that are gone.
Result<> check_version_id(const Bucket& holder, std::string_view version_id) {
  const bool possible = holder.keeps_versions() && place_of(version_id);
  if (version_id == kNullVersion || possible) return {};
  return fail(ErrorCode::InvalidArgument, "InvalidArgument", "Invalid version id specified");
}

}  // namespace

std::string make_version_id(int64_t place, os::Random& random) {
  return fmt::format("{:016x}{}", static_cast<uint64_t>(place) ^ kSignBit,
                     hex_encode(random.bytes(kRandomBytes)));
}

std::optional<int64_t> place_of(std::string_view version_id) {
  if (version_id.size() != kPlaceDigits + 2 * kRandomBytes ||
      version_id.find_first_not_of("0123456789abcdef") != version_id.npos) {
    return std::nullopt;
  }
  uint64_t bits = 0;
  std::from_chars(version_id.data(), version_id.data() + kPlaceDigits, bits, 16);
  return static_cast<int64_t>(bits ^ kSignBit);
}

Result<std::optional<ObjectInfo>> find_version(meta::Transaction& transaction,
                                               std::string_view bucket, std::string_view key,
                                               std::string_view version_id) {
  TRY_ASSIGN(auto current, find_object(transaction, bucket, key));
  if (current && current->version_id == version_id) return current;
  if (version_id == kNullVersion) {
    return first_row(transaction,
                     fmt::format("SELECT {}, marker FROM s3_versions INDEXED BY s3_null_versions "
                                 "WHERE bucket = ? AND key = ? AND version = 'null'",
                                 kObjectColumns),
                     bucket, key);
  }
  const auto place = place_of(version_id);
  if (!place) return std::nullopt;
  TRY_ASSIGN(auto kept, first_row(transaction,
                                  fmt::format("SELECT {}, marker FROM s3_versions WHERE bucket = ? "
                                              "AND key = ? AND place = ?",
                                              kObjectColumns),
                                  bucket, key, *place));
  if (kept && kept->version_id != version_id) return std::nullopt;
  return kept;
}

Result<> add_version(meta::Transaction& transaction, const os::Os& os, const Bucket& holder,
                     ObjectInfo& object) {
  TRY_ASSIGN(const auto current, find_object(transaction, object.bucket, object.key));
  auto newest = current;
  if (!newest && holder.keeps_versions()) {
    TRY_ASSIGN(newest, newest_kept(transaction, object.bucket, object.key));
  }
  // Newer than all others also when the clock was put back.
  object.place = -to_unix_nanoseconds(os.clock.now());
  if (newest) object.place = std::min(object.place, newest->place - 1);
  const bool enabled = holder.versioning == Versioning::Enabled;
  object.version_id =
      enabled ? make_version_id(object.place, os.random) : std::string(kNullVersion);
  if (current && current->version_id != object.version_id) {
    TRY(keep(transaction, *current));
  } else if (current) {
    TRY(discard(transaction, current->parts));
  }
  if (!enabled && holder.keeps_versions()) {
    TRY_ASSIGN(const auto old, find_version(transaction, object.bucket, object.key, kNullVersion));
    const bool kept = old && (!current || old->place != current->place);
    if (kept) TRY(erase_kept(transaction, *old));
  }
  return insert(transaction, object);
}

Result<> remove_version(meta::Transaction& transaction, const ObjectInfo& version) {
  TRY_ASSIGN(const auto current, find_object(transaction, version.bucket, version.key));
  if (current && current->place == version.place) {
    TRY(discard(transaction, version.parts));
    TRY(erase_current(transaction, version.bucket, version.key));
  } else {
    TRY(erase_kept(transaction, version));
  }
  return promote(transaction, version.bucket, version.key);
}

Result<> store_properties(meta::Transaction& transaction, const ObjectInfo& version) {
  const auto properties = encode_properties(version);
  for (const std::string_view table : {"s3_objects", "s3_versions"}) {
    TRY(transaction.execute(
        fmt::format("UPDATE {} SET properties = ? WHERE bucket = ? AND key = ? AND place = ?",
                    table),
        {properties, version.bucket, meta::Blob{version.key}, version.place}));
  }
  return {};
}

Result<> S3::restore(meta::Transaction& transaction, ObjectInfo version, Time until) {
  version.restored_until = until;
  return store_properties(transaction, version);
}

Result<S3::Parts> S3::repack(const ObjectInfo& version, StorageClass storage_class) {
  const bool same = packing_of(version.storage_class) == packing_of(storage_class);
  if (same || version.encryption.kind == Sse::Kms) return version.parts;
  Parts out;
  for (const auto& [id, size] : version.parts) {
    const auto key = key_of(version.encryption, {});
    auto stored = [&]() -> Result<blob::BlobId> {
      TRY_ASSIGN(const auto reader, open_bytes(id, key));
      std::string bytes(reader->size(), '\0');
      TRY_ASSIGN(const auto count, reader->read_at(0, bytes));
      bytes.resize(count);
      return blobs_.put(bytes, key, packing_of(storage_class));
    }();
    if (!stored) {
      for (const auto& [written, written_size] : out) TRY(discard_bytes(written));
      return std::unexpected(std::move(stored).error());
    }
    out.emplace_back(std::move(*stored), size);
  }
  return out;
}

Result<bool> S3::move(meta::Transaction& transaction, const ObjectInfo& version,
                      StorageClass storage_class, const Parts& parts) {
  auto there = get_version(transaction, version.bucket, version.key, version.version_id);
  if (!there && there.error().code() == ErrorCode::NotFound) return false;
  if (!there) return std::unexpected(std::move(there).error());
  if (there->delete_marker || there->parts != version.parts) return false;
  there->storage_class = storage_class;
  TRY(store_properties(transaction, *there));
  if (parts == there->parts) return true;
  TRY(discard(transaction, there->parts));
  for (const std::string_view table : {"s3_objects", "s3_versions"}) {
    TRY(transaction.execute(
        fmt::format("UPDATE {} SET parts = ? WHERE bucket = ? AND key = ? AND place = ?", table),
        {encode_parts(parts), there->bucket, meta::Blob{there->key}, there->place}));
  }
  return true;
}

Result<ObjectInfo> S3::get_object(meta::Transaction& transaction, std::string_view bucket,
                                  std::string_view key) {
  TRY_ASSIGN(auto found, get_version(transaction, bucket, key, std::nullopt));
  if (found.delete_marker) return no_such_key(bucket, key);
  return found;
}

Result<ObjectInfo> S3::get_version(meta::Transaction& transaction, std::string_view bucket,
                                   std::string_view key, std::optional<std::string_view> version) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  if (version) {
    TRY(check_version_id(holder, *version));
    TRY_ASSIGN(auto found, find_version(transaction, bucket, key, *version));
    if (found) return std::move(*found);
    if (!holder.keeps_versions()) return no_such_key(bucket, key);
    return fail(ErrorCode::NotFound, "NoSuchVersion",
                fmt::format("key '{}' has no version '{}'", key.substr(0, 256), *version));
  }
  TRY_ASSIGN(auto found, find_object(transaction, bucket, key));
  if (found) return std::move(*found);
  if (!holder.keeps_versions()) return no_such_key(bucket, key);
  TRY_ASSIGN(auto newest, newest_kept(transaction, bucket, key));
  if (newest) return std::move(*newest);
  return no_such_key(bucket, key);
}

Result<Deleted> S3::delete_object(meta::Transaction& transaction, std::string_view bucket,
                                  std::string_view key, std::optional<std::string_view> version,
                                  Governance governance) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  if (!version && holder.keeps_versions()) {
    TRY(check_key(key));
    ObjectInfo marker;
    marker.bucket = bucket;
    marker.key = key;
    marker.last_modified = floor_seconds(os_.clock.now());
    marker.owner_account = holder.owner_account;
    marker.delete_marker = true;
    TRY(add_version(transaction, os_, holder, marker));
    return Deleted{marker.version_id, true};
  }
  const auto id = version.value_or(kNullVersion);
  TRY(check_version_id(holder, id));
  TRY_ASSIGN(const auto found, find_version(transaction, bucket, key, id));
  if (!found) return Deleted{.version_id = {}, .delete_marker = false, .existed = false};
  TRY(check_removable(found->lock, os_.clock.now(), governance));
  TRY(remove_version(transaction, *found));
  if (!holder.keeps_versions()) return Deleted{};
  return Deleted{found->version_id, found->delete_marker};
}

}  // namespace traccia::s3
