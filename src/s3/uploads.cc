// Multipart uploads.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/assert.h"
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

// Of the columns algorithm, composite and chosen.
UploadChecksum read_checksum(const meta::Row& row, int column) {
  return {row.text(column),
          row.integer(column + 1) != 0 ? ChecksumType::Composite : ChecksumType::FullObject,
          row.integer(column + 2) != 0};
}

Result<UploadRow> find_upload(meta::Transaction& transaction, std::string_view bucket,
                              std::string_view key, std::string_view upload_id) {
  std::optional<UploadRow> found;
  TRY(transaction.query(
      "SELECT initiated, owner, properties, algorithm, composite, chosen FROM s3_uploads "
      "WHERE id = ? AND bucket = ? AND key = ?",
      {upload_id, bucket, meta::Blob{key}}, [&](const meta::Row& row) -> Result<> {
        found = UploadRow{{std::string(upload_id), std::string(bucket), std::string(key),
                           from_unix_nanoseconds(row.integer(0)), row.text(1)},
                          row.text(2)};
        found->upload.checksum = read_checksum(row, 3);
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
      "SELECT number, etag, size, modified, blob, checksum FROM s3_parts WHERE upload = ? "
      "ORDER BY number",
      {upload_id}, [&](const meta::Row& row) -> Result<> {
        const auto number = static_cast<int>(row.integer(0));
        parts[number] = {{number, row.text(1), static_cast<uint64_t>(row.integer(2)),
                          from_unix_seconds(row.integer(3)), row.text(5)},
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

std::unexpected<Error> no_such_part(int number) {
  return fail(ErrorCode::InvalidArgument, "InvalidPart",
              fmt::format("part {} was not uploaded, or its ETag or checksum differs", number));
}

// "CompleteMultipartUpload": what the client says of a part's checksum is what was uploaded.
Result<> check_part_sums(const CompletedPart& wanted, const Part& part,
                         const UploadChecksum& checksum) {
  if (checksum.algorithm.empty()) return {};
  bool given = false;
  for (const auto& [name, sum] : wanted.checksums) {
    if (name == checksum.algorithm) {
      if (sum != part.checksum) return no_such_part(wanted.number);
      given = true;
      continue;
    }
    if (!checksum.chosen) return no_such_part(wanted.number);
    return fail(ErrorCode::InvalidArgument, "BadDigest",
                fmt::format("The {} you specified for part {} did not match what we received.",
                            name, wanted.number));
  }
  if (given || checksum.type != ChecksumType::Composite) return {};
  return fail(ErrorCode::InvalidArgument, "InvalidRequest",
              fmt::format("The upload was created using a {} checksum. The complete request must "
                          "include the checksum for each part. It was missing for part {} in the "
                          "request.",
                          checksum.algorithm, wanted.number));
}

// Checks the client's list against what was uploaded; the chosen parts in order.
Result<std::vector<PartRow>> choose_parts(const std::map<int, PartRow>& uploaded,
                                          const std::vector<CompletedPart>& wanted,
                                          const UploadChecksum& checksum) {
  for (size_t i = 1; i < wanted.size(); ++i) {
    if (wanted[i].number > wanted[i - 1].number) continue;
    return fail(ErrorCode::InvalidArgument, "InvalidPartOrder",
                "part numbers must be in ascending order");
  }
  std::vector<PartRow> chosen;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto number = wanted[i].number;
    const auto at = uploaded.find(number);
    if (at == uploaded.end() || at->second.part.etag != wanted[i].etag) return no_such_part(number);
    TRY(check_part_sums(wanted[i], at->second.part, checksum));
    if (i + 1 < wanted.size() && at->second.part.size < kPartBytesMin) {
      return fail(ErrorCode::InvalidArgument, "EntityTooSmall",
                  fmt::format("part {} has {} bytes; all but the last need {}", number,
                              at->second.part.size, kPartBytesMin));
    }
    chosen.push_back(at->second);
  }
  return chosen;
}

// What the client says of the whole.
Result<> check_whole(const Completion& completion, const ObjectInfo& object,
                     const UploadChecksum& checksum) {
  const auto invalid = [](std::string message) {
    return fail(ErrorCode::InvalidArgument, "InvalidRequest", std::move(message));
  };
  if (completion.size && *completion.size != object.size) {
    return invalid(
        fmt::format("The provided 'x-amz-mp-object-size' header value {} does not match "
                    "what was computed: {}",
                    *completion.size, object.size));
  }
  if (completion.checksum_type && *completion.checksum_type != checksum.type) {
    return invalid(
        fmt::format("The upload was created using the {} checksum mode. The complete "
                    "request must use the same checksum mode.",
                    name_of(checksum.type)));
  }
  for (const auto& [name, sum] : completion.checksums) {
    const auto ours = object.checksums.find(name);
    if (ours == object.checksums.end()) {
      return invalid(
          fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, "
                      "actual checksum Type: {}",
                      checksum.algorithm.empty() ? "null" : checksum.algorithm, name));
    }
    const std::string_view whole = ours->second;
    if (sum == whole || sum == whole.substr(0, whole.find('-'))) continue;
    return fail(ErrorCode::InvalidArgument, "BadDigest",
                fmt::format("The {} you specified did not match the calculated checksum.", name));
  }
  return {};
}

// Fills the object's checksum out of its parts'.
Result<> sum_up(const std::vector<PartRow>& chosen, const UploadChecksum& checksum,
                ObjectInfo& object) {
  if (checksum.algorithm.empty()) return {};
  const bool composite = checksum.type == ChecksumType::Composite;
  std::vector<PartChecksum> sums;
  PartSums kept;
  for (const auto& [part, blob] : chosen) {
    sums.push_back({part.checksum, part.size});
    if (composite) kept.emplace_back(part.number, part.checksum);
  }
  TRY_ASSIGN(auto sum, checksum_of_parts(checksum, sums));
  if (composite) sum += fmt::format("-{}", chosen.size());
  object.checksums = {{checksum.algorithm, std::move(sum)}};
  object.checksum_type = checksum.type;
  object.part_sums = encode_part_sums(kept);
  return {};
}

}  // namespace

Result<Upload> S3::create_upload(meta::Transaction& transaction, std::string_view bucket,
                                 std::string_view key, const PutOptions& options,
                                 const UploadChecksum& checksum) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY(check_key(key));
  TRY(check_metadata(options));
  TRY(lock_of_new(holder, options.lock, os_.clock.now()));
  Upload upload{os_.random.characters(32, "abcdefghijklmnopqrstuvwxyz0123456789"),
                std::string(bucket), std::string(key), os_.clock.now(),
                options.owner_account.empty() ? holder.owner_account : options.owner_account};
  upload.checksum = checksum;
  ObjectInfo object;
  object.headers = options.headers;
  object.metadata = options.metadata;
  object.tags = options.tags;
  object.lock = options.lock;
  object.acl = options.acl;
  object.encryption = options.encryption;
  object.storage_class = options.storage_class;
  const auto properties = encode_properties(object);
  TRY(transaction.execute(
      "INSERT INTO s3_uploads (id, bucket, key, initiated, owner, properties, algorithm, "
      "composite, chosen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {upload.id, bucket, meta::Blob{key}, to_unix_nanoseconds(upload.initiated),
       upload.owner_account, properties, checksum.algorithm,
       int64_t{checksum.type == ChecksumType::Composite}, int64_t{checksum.chosen}}));
  return upload;
}

Result<OpenUpload> S3::get_upload(meta::Transaction& transaction, std::string_view bucket,
                                  std::string_view key, std::string_view upload_id) {
  TRY_ASSIGN(auto row, find_upload(transaction, bucket, key, upload_id));
  ObjectInfo object;
  TRY(decode_properties(row.properties, object));
  row.upload.storage_class = object.storage_class;
  return OpenUpload{std::move(row.upload),
                    {std::move(object.encryption), {}, object.storage_class}};
}

Result<> check_part_number(int number) {
  if (number >= 1 && number <= kPartsMax) return {};
  return fail(ErrorCode::InvalidArgument, "InvalidArgument",
              fmt::format("Part number must be an integer between 1 and {}, inclusive", kPartsMax));
}

Result<Part> S3::put_part(meta::Transaction& transaction, std::string_view bucket,
                          std::string_view key, std::string_view upload_id, int number,
                          std::string_view etag, uint64_t size, const StoredBytes& stored,
                          std::string_view checksum) {
  TRY_ASSIGN(const auto row, find_upload(transaction, bucket, key, upload_id));
  TRACCIA_ASSERT(checksum.empty() == row.upload.checksum.algorithm.empty());
  TRY(check_part_number(number));
  TRY(transaction.execute(
      "INSERT OR IGNORE INTO s3_garbage (blob) SELECT blob FROM s3_parts WHERE upload = ? AND "
      "number = ?",
      {upload_id, int64_t{number}}));
  Part part{number, std::string(etag), size, floor_seconds(os_.clock.now()), std::string(checksum)};
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO s3_parts (upload, number, etag, size, modified, blob, checksum) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {upload_id, int64_t{number}, part.etag, static_cast<int64_t>(size),
       to_unix_seconds(part.last_modified), stored.id, checksum}));
  TRY(keep_small(transaction, stored));
  return part;
}

Result<ObjectInfo> S3::complete_upload(meta::Transaction& transaction, std::string_view bucket,
                                       std::string_view key, std::string_view upload_id,
                                       const Completion& completion, const PutOptions& conditions) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY_ASSIGN(const auto row, find_upload(transaction, bucket, key, upload_id));
  TRY_ASSIGN(const auto uploaded, load_parts(transaction, upload_id));
  const auto& checksum = row.upload.checksum;
  TRY_ASSIGN(const auto chosen, choose_parts(uploaded, completion.parts, checksum));
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
  TRY(sum_up(chosen, checksum, object));
  TRY(check_whole(completion, object, checksum));
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
      transaction.query("SELECT id, key, initiated, owner, properties, algorithm, composite, "
                        "chosen FROM s3_uploads WHERE bucket = ? AND key >= ? ORDER BY key, id",
                        {bucket, meta::Blob{prefix}}, [&](const meta::Row& row) -> Result<> {
                          if (!row.view(1).starts_with(prefix)) return {};
                          ObjectInfo object;
                          TRY(decode_properties(row.view(4), object));
                          uploads.push_back({row.text(0), std::string(bucket), row.text(1),
                                             from_unix_nanoseconds(row.integer(2)), row.text(3),
                                             object.storage_class, read_checksum(row, 5)});
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
