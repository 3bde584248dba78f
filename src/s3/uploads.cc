// Multipart uploads.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "s3/locks.h"
#include "s3/rows.h"
#include "s3/s3.h"
#include "s3/versions.h"

namespace traccia::s3 {
namespace {

struct UploadRow {
  Upload upload;
  std::string properties;
};

Result<UploadRow> find_upload(meta::Transaction& transaction, std::string_view bucket,
                              std::string_view key, std::string_view upload_id) {
  std::optional<UploadRow> found;
  TRY(transaction.query(
      "SELECT initiated, owner, properties FROM s3_uploads WHERE id = ? AND bucket = ? AND key = ?",
      {upload_id, bucket, meta::Blob{key}}, [&](const meta::Row& row) -> Result<> {
        found = UploadRow{{std::string(upload_id), std::string(bucket), std::string(key),
                           from_unix_nanoseconds(row.integer(0)), row.text(1)},
                          row.text(2)};
        return {};
      }));
  if (found) return std::move(*found);
  return fail(
      ErrorCode::NotFound, "NoSuchUpload",
      fmt::format("there is no multipart upload '{}' of this key", upload_id.substr(0, 80)));
}

struct PartRow {
  Part part;
  blob::BlobId blob;
};

Result<std::map<int, PartRow>> load_parts(meta::Transaction& transaction,
                                          std::string_view upload_id) {
  std::map<int, PartRow> parts;
  TRY(transaction.query(
      "SELECT number, etag, size, modified, blob FROM s3_parts WHERE upload = ? "
      "ORDER BY number",
      {upload_id}, [&](const meta::Row& row) -> Result<> {
        const auto number = static_cast<int>(row.integer(0));
        parts[number] = {{number, row.text(1), static_cast<uint64_t>(row.integer(2)),
                          from_unix_seconds(row.integer(3))},
                         row.text(4)};
        return {};
      }));
  return parts;
}

Result<> remove_upload(meta::Transaction& transaction, std::string_view upload_id) {
  TRY(transaction.execute("DELETE FROM s3_parts WHERE upload = ?", {upload_id}));
  TRY(transaction.execute("DELETE FROM s3_uploads WHERE id = ?", {upload_id}));
  return {};
}

// Checks the client's list against what was uploaded; the chosen parts in order.
Result<std::vector<PartRow>> choose_parts(const std::map<int, PartRow>& uploaded,
                                          const std::vector<std::pair<int, std::string>>& wanted) {
  for (size_t i = 1; i < wanted.size(); ++i) {
    if (wanted[i].first > wanted[i - 1].first) continue;
    return fail(ErrorCode::InvalidArgument, "InvalidPartOrder",
                "part numbers must be in ascending order");
  }
  std::vector<PartRow> chosen;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& [number, etag] = wanted[i];
    const auto at = uploaded.find(number);
    if (at == uploaded.end() || at->second.part.etag != etag) {
      return fail(ErrorCode::InvalidArgument, "InvalidPart",
                  fmt::format("part {} was not uploaded, or its ETag differs", number));
    }
    if (i + 1 < wanted.size() && at->second.part.size < kPartBytesMin) {
      return fail(ErrorCode::InvalidArgument, "EntityTooSmall",
                  fmt::format("part {} has {} bytes; all but the last need {}", number,
                              at->second.part.size, kPartBytesMin));
    }
    chosen.push_back(at->second);
  }
  return chosen;
}

}  // namespace

Result<Upload> S3::create_upload(meta::Transaction& transaction, std::string_view bucket,
                                 std::string_view key, const PutOptions& options) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY(check_key(key));
  TRY(check_metadata(options));
  TRY(lock_of_new(holder, options.lock, os_.clock.now()));
  Upload upload{os_.random.characters(32, "abcdefghijklmnopqrstuvwxyz0123456789"),
                std::string(bucket), std::string(key), os_.clock.now(), holder.owner_account};
  ObjectInfo object;
  object.headers = options.headers;
  object.metadata = options.metadata;
  object.tags = options.tags;
  object.checksums = options.checksums;
  object.lock = options.lock;
  object.encryption = options.encryption;
  object.storage_class = options.storage_class;
  const auto properties = encode_properties(object);
  TRY(transaction.execute(
      "INSERT INTO s3_uploads (id, bucket, key, initiated, owner, properties) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      {upload.id, bucket, meta::Blob{key}, to_unix_nanoseconds(upload.initiated),
       upload.owner_account, properties}));
  return upload;
}

Result<Sealing> S3::upload_sealing(meta::Transaction& transaction, std::string_view bucket,
                                   std::string_view key, std::string_view upload_id) {
  TRY_ASSIGN(const auto row, find_upload(transaction, bucket, key, upload_id));
  ObjectInfo object;
  TRY(decode_properties(row.properties, object));
  return Sealing{std::move(object.encryption), {}, object.storage_class};
}

Result<Part> S3::put_part(meta::Transaction& transaction, std::string_view bucket,
                          std::string_view key, std::string_view upload_id, int number,
                          std::string_view etag, uint64_t size, const StoredBytes& stored) {
  TRY(find_upload(transaction, bucket, key, upload_id));
  if (number < 1 || number > kPartsMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidArgument",
                fmt::format("part number {} is not between 1 and {}", number, kPartsMax));
  }
  TRY(transaction.execute(
      "INSERT OR IGNORE INTO s3_garbage (blob) SELECT blob FROM s3_parts WHERE upload = ? AND "
      "number = ?",
      {upload_id, int64_t{number}}));
  Part part{number, std::string(etag), size, floor_seconds(os_.clock.now())};
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO s3_parts (upload, number, etag, size, modified, blob) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      {upload_id, int64_t{number}, part.etag, static_cast<int64_t>(size),
       to_unix_seconds(part.last_modified), stored.id}));
  TRY(keep_small(transaction, stored));
  return part;
}

Result<ObjectInfo> S3::complete_upload(meta::Transaction& transaction, std::string_view bucket,
                                       std::string_view key, std::string_view upload_id,
                                       const std::vector<std::pair<int, std::string>>& parts,
                                       const PutOptions& conditions) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY_ASSIGN(const auto row, find_upload(transaction, bucket, key, upload_id));
  TRY_ASSIGN(const auto uploaded, load_parts(transaction, upload_id));
  TRY_ASSIGN(const auto chosen, choose_parts(uploaded, parts));
  TRY_ASSIGN(const auto there, find_object(transaction, bucket, key));
  TRY(check_conditions(there, conditions));
  ObjectInfo object;
  TRY(decode_properties(row.properties, object));
  object.bucket = bucket;
  object.key = key;
  object.last_modified = floor_seconds(os_.clock.now());
  TRY_ASSIGN(object.lock, lock_of_new(holder, object.lock, os_.clock.now()));
  object.owner_account = row.upload.owner_account;
  std::string sums;
  std::map<int, PartRow> unused = uploaded;
  for (const auto& [part, blob] : chosen) {
    TRY_ASSIGN(const auto sum, hex_decode(part.etag));
    sums += sum;
    object.size += part.size;
    object.parts.emplace_back(blob, part.size);
    unused.erase(part.number);
  }
  if (object.size > kObjectBytesMax) {
    return fail(ErrorCode::InvalidArgument, "EntityTooLarge",
                fmt::format("the object would have {} bytes", object.size));
  }
  object.etag = fmt::format("{}-{}", hex_encode(crypto::md5(sums)), chosen.size());
  TRY(add_version(transaction, os_, holder, object));
  for (const auto& [number, part] : unused) TRY(discard(transaction, {{part.blob, 0}}));
  TRY(remove_upload(transaction, upload_id));
  return object;
}

Result<> S3::abort_upload(meta::Transaction& transaction, std::string_view bucket,
                          std::string_view key, std::string_view upload_id) {
  TRY(find_upload(transaction, bucket, key, upload_id));
  TRY_ASSIGN(const auto parts, load_parts(transaction, upload_id));
  for (const auto& [number, part] : parts) TRY(discard(transaction, {{part.blob, 0}}));
  return remove_upload(transaction, upload_id);
}

Result<std::vector<Upload>> S3::list_uploads(meta::Transaction& transaction,
                                             std::string_view bucket, std::string_view prefix) {
  TRY(get_bucket(transaction, bucket));
  std::vector<Upload> uploads;
  TRY(
      transaction.query("SELECT id, key, initiated, owner, properties FROM s3_uploads WHERE "
                        "bucket = ? AND key >= ? ORDER BY key, id",
                        {bucket, meta::Blob{prefix}}, [&](const meta::Row& row) -> Result<> {
                          if (!row.view(1).starts_with(prefix)) return {};
                          ObjectInfo object;
                          TRY(decode_properties(row.view(4), object));
                          uploads.push_back({row.text(0), std::string(bucket), row.text(1),
                                             from_unix_nanoseconds(row.integer(2)), row.text(3),
                                             object.storage_class});
                          return {};
                        }));
  return uploads;
}

Result<std::vector<Part>> S3::list_parts(meta::Transaction& transaction, std::string_view bucket,
                                         std::string_view key, std::string_view upload_id) {
  TRY(find_upload(transaction, bucket, key, upload_id));
  TRY_ASSIGN(const auto rows, load_parts(transaction, upload_id));
  std::vector<Part> parts;
  parts.reserve(rows.size());
  for (const auto& [number, row] : rows) parts.push_back(row.part);
  return parts;
}

}  // namespace traccia::s3
