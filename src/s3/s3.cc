// Buckets, their documents, objects and garbage.
// SPDX-License-Identifier: Apache-2.0
#include "s3/s3.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "s3/locks.h"
#include "s3/rows.h"
#include "s3/versions.h"

namespace traccia::s3 {

const std::string_view kSchema = R"sql(
CREATE TABLE s3_buckets (
  name    TEXT PRIMARY KEY,
  owner   TEXT NOT NULL,
  region  TEXT NOT NULL,
  created INTEGER NOT NULL         -- unix nanoseconds
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_buckets_by_owner ON s3_buckets (owner, name);
CREATE TABLE s3_documents (
  bucket TEXT NOT NULL REFERENCES s3_buckets (name) ON DELETE CASCADE,
  kind   INTEGER NOT NULL,         -- s3::Document
  text   TEXT NOT NULL,
  PRIMARY KEY (bucket, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE s3_objects (
  bucket     TEXT NOT NULL REFERENCES s3_buckets (name),
  key        BLOB NOT NULL,        -- compared byte by byte
  size       INTEGER NOT NULL,
  etag       TEXT NOT NULL,
  modified   INTEGER NOT NULL,     -- unix seconds
  owner      TEXT NOT NULL,
  properties TEXT NOT NULL,
  parts      TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE s3_uploads (
  id         TEXT PRIMARY KEY,
  bucket     TEXT NOT NULL REFERENCES s3_buckets (name),
  key        BLOB NOT NULL,
  initiated  INTEGER NOT NULL,     -- unix nanoseconds
  owner      TEXT NOT NULL,
  properties TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_uploads_by_key ON s3_uploads (bucket, key, id);
CREATE TABLE s3_parts (
  upload   TEXT NOT NULL REFERENCES s3_uploads (id),
  number   INTEGER NOT NULL,
  etag     TEXT NOT NULL,
  size     INTEGER NOT NULL,
  modified INTEGER NOT NULL,       -- unix seconds
  blob     TEXT NOT NULL,
  PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE s3_garbage (blob TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
)sql";

namespace {

Result<bool> any_row(meta::Transaction& transaction, std::string_view sql,
                     std::string_view argument) {
  bool found = false;
  TRY(transaction.query(sql, {argument}, [&](const meta::Row&) -> Result<> {
    found = true;
    return {};
  }));
  return found;
}

std::unexpected<Error> no_such_bucket(std::string_view name) {
  return fail(ErrorCode::NotFound, "NoSuchBucket",
              fmt::format("bucket '{}' does not exist", name.substr(0, 80)));
}

// Columns 0 to 11: kBucketColumns.
Result<Bucket> read_bucket(const meta::Row& row) {
  std::optional<Acl> acl;
  if (!row.view(11).empty()) {
    TRY_ASSIGN(acl, decode_acl(row.view(11)));
  }
  return Bucket{row.text(0),
                row.text(1),
                row.text(2),
                from_unix_nanoseconds(row.integer(3)),
                static_cast<Versioning>(row.integer(4)),
                static_cast<MfaDelete>(row.integer(5)),
                row.integer(6) != 0,
                {static_cast<LockMode>(row.integer(7)), static_cast<int>(row.integer(8)),
                 static_cast<int>(row.integer(9))},
                static_cast<Ownership>(row.integer(10)),
                std::move(acl)};
}

constexpr std::string_view kBucketColumns =
    "b.name, b.owner, b.region, b.created, b.versioning, b.mfa_delete, b.object_lock, b.lock_mode, "
    "b.lock_days, b.lock_years, b.ownership, b.acl";

}  // namespace

Result<> S3::create_bucket(meta::Transaction& transaction, const Bucket& bucket) {
  TRY(check_bucket_name(bucket.name));
  const auto there = get_bucket(transaction, bucket.name);
  if (there) {
    if (there->owner_account == bucket.owner_account) {
      return fail(ErrorCode::AlreadyExists, "BucketAlreadyOwnedByYou",
                  fmt::format("bucket '{}' exists and is yours", bucket.name));
    }
    return fail(ErrorCode::AlreadyExists, "BucketAlreadyExists",
                fmt::format("bucket '{}' exists", bucket.name));
  }
  if (there.error().reason() != "NoSuchBucket") return std::unexpected(there.error());
  int64_t count = 0;
  TRY(transaction.query("SELECT count(*) FROM s3_buckets WHERE owner = ?", {bucket.owner_account},
                        [&](const meta::Row& row) -> Result<> {
                          count = row.integer(0);
                          return {};
                        }));
  if (count >= static_cast<int64_t>(kBucketsMaxPerAccount)) {
    return fail(ErrorCode::ResourceExhausted, "TooManyBuckets",
                fmt::format("account {} has {} buckets already", bucket.owner_account, count));
  }
  const auto acl = bucket.acl ? encode_acl(*bucket.acl) : std::string();
  TRY(transaction.execute(
      "INSERT INTO s3_buckets (name, owner, region, created, versioning, object_lock, ownership, "
      "acl) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {bucket.name, bucket.owner_account, bucket.region, to_unix_nanoseconds(bucket.created),
       static_cast<int64_t>(bucket.versioning), int64_t{bucket.object_lock},
       static_cast<int64_t>(bucket.ownership), acl}));
  return {};
}

Result<> S3::delete_bucket(meta::Transaction& transaction, std::string_view name) {
  TRY(get_bucket(transaction, name));
  TRY_ASSIGN(const bool objects,
             any_row(transaction, "SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1", name));
  TRY_ASSIGN(const bool uploads,
             any_row(transaction, "SELECT 1 FROM s3_uploads WHERE bucket = ? LIMIT 1", name));
  TRY_ASSIGN(const bool versions,
             any_row(transaction, "SELECT 1 FROM s3_versions WHERE bucket = ? LIMIT 1", name));
  if (objects || uploads || versions) {
    return fail(ErrorCode::FailedPrecondition, "BucketNotEmpty",
                fmt::format("bucket '{}' still holds {}", name,
                            objects    ? "objects"
                            : versions ? "versions"
                                       : "multipart uploads"));
  }
  TRY(transaction.execute("DELETE FROM s3_buckets WHERE name = ?", {name}));
  return {};
}

Result<Bucket> S3::get_bucket(meta::Transaction& transaction, std::string_view name) {
  std::optional<Bucket> found;
  TRY(transaction.query(fmt::format("SELECT {} FROM s3_buckets b WHERE b.name = ?", kBucketColumns),
                        {name}, [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(found, read_bucket(row));
                          return {};
                        }));
  if (found) return std::move(*found);
  return no_such_bucket(name);
}

Result<S3::PolicedBucket> S3::get_bucket_and_policy(meta::Transaction& transaction,
                                                    std::string_view name) {
  std::optional<PolicedBucket> found;
  TRY(transaction.query(fmt::format("SELECT {}, p.text, a.text FROM s3_buckets b "
                                    "LEFT JOIN s3_documents p ON p.bucket = b.name AND p.kind = ? "
                                    "LEFT JOIN s3_documents a ON a.bucket = b.name AND a.kind = ? "
                                    "WHERE b.name = ?",
                                    kBucketColumns),
                        {static_cast<int64_t>(Document::Policy),
                         static_cast<int64_t>(Document::PublicAccessBlock), name},
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto bucket, read_bucket(row));
                          found = PolicedBucket{std::move(bucket), std::nullopt, std::nullopt};
                          if (!row.is_null(12)) found->policy = row.text(12);
                          if (!row.is_null(13)) found->public_access_block = row.text(13);
                          return {};
                        }));
  if (found) return std::move(*found);
  return no_such_bucket(name);
}

Result<std::vector<Bucket>> S3::list_buckets(meta::Transaction& transaction,
                                             std::string_view owner_account) {
  std::vector<Bucket> buckets;
  TRY(transaction.query(
      fmt::format("SELECT {} FROM s3_buckets b WHERE b.owner = ? ORDER BY b.name", kBucketColumns),
      {owner_account}, [&](const meta::Row& row) -> Result<> {
        TRY_ASSIGN(auto bucket, read_bucket(row));
        buckets.push_back(std::move(bucket));
        return {};
      }));
  return buckets;
}

Result<> S3::set_versioning(meta::Transaction& transaction, std::string_view bucket,
                            Versioning versioning, MfaDelete mfa_delete) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  if (holder.object_lock && versioning != Versioning::Enabled) {
    return fail(ErrorCode::FailedPrecondition, "InvalidBucketState",
                "An Object Lock configuration is present on this bucket, so the versioning state "
                "cannot be changed.");
  }
  TRY(transaction.execute(
      "UPDATE s3_buckets SET versioning = ?, mfa_delete = ? WHERE name = ?",
      {static_cast<int64_t>(versioning), static_cast<int64_t>(mfa_delete), bucket}));
  return {};
}

Result<> S3::put_document(meta::Transaction& transaction, std::string_view bucket,
                          Document document, std::string_view text) {
  TRY(get_bucket(transaction, bucket));
  TRY(
      transaction.execute("INSERT OR REPLACE INTO s3_documents (bucket, kind, text) "
                          "VALUES (?, ?, ?)",
                          {bucket, static_cast<int64_t>(document), text}));
  return {};
}

Result<std::optional<std::string>> S3::get_document(meta::Transaction& transaction,
                                                    std::string_view bucket, Document document) {
  bool there = false;
  std::optional<std::string> text;
  TRY(transaction.query(
      "SELECT d.text FROM s3_buckets b LEFT JOIN s3_documents d ON d.bucket = b.name AND d.kind = "
      "? "
      "WHERE b.name = ?",
      {static_cast<int64_t>(document), bucket}, [&](const meta::Row& row) -> Result<> {
        there = true;
        if (!row.is_null(0)) text = row.text(0);
        return {};
      }));
  if (!there) return no_such_bucket(bucket);
  return text;
}

Result<std::map<std::string, std::string>> S3::documents_of(meta::Transaction& transaction,
                                                            Document document) {
  std::map<std::string, std::string> documents;
  TRY(transaction.query("SELECT bucket, text FROM s3_documents WHERE kind = ?",
                        {static_cast<int64_t>(document)}, [&](const meta::Row& row) -> Result<> {
                          documents.emplace(row.text(0), row.text(1));
                          return {};
                        }));
  return documents;
}

Result<> S3::delete_document(meta::Transaction& transaction, std::string_view bucket,
                             Document document) {
  TRY(get_bucket(transaction, bucket));
  TRY(transaction.execute("DELETE FROM s3_documents WHERE bucket = ? AND kind = ?",
                          {bucket, static_cast<int64_t>(document)}));
  return {};
}

Result<ObjectInfo> S3::put_object(meta::Transaction& transaction, std::string_view bucket,
                                  std::string_view key, std::string_view etag, uint64_t size,
                                  const StoredBytes& stored, const PutOptions& options) {
  TRY_ASSIGN(const auto holder, get_bucket(transaction, bucket));
  TRY(check_key(key));
  TRY(check_metadata(options));
  TRY_ASSIGN(const auto there, find_object(transaction, bucket, key));
  TRY(check_conditions(there, options));
  ObjectInfo object;
  object.bucket = bucket;
  object.key = key;
  object.size = size;
  object.etag = etag;
  object.last_modified = floor_seconds(os_.clock.now());
  object.headers = options.headers;
  object.metadata = options.metadata;
  object.tags = options.tags;
  object.checksums = options.checksums;
  object.owner_account =
      options.owner_account.empty() ? holder.owner_account : options.owner_account;
  object.acl = options.acl;
  object.encryption = options.encryption;
  object.storage_class = options.storage_class;
  object.parts = {{stored.id, size}};
  TRY(keep_small(transaction, stored));
  TRY_ASSIGN(object.lock, lock_of_new(holder, options.lock, os_.clock.now()));
  TRY(add_version(transaction, os_, holder, object));
  return object;
}

Result<> S3::set_ownership(meta::Transaction& transaction, std::string_view bucket,
                           Ownership ownership) {
  TRY(get_bucket(transaction, bucket));
  TRY(transaction.execute("UPDATE s3_buckets SET ownership = ? WHERE name = ?",
                          {static_cast<int64_t>(ownership), bucket}));
  return {};
}

Result<> S3::put_bucket_acl(meta::Transaction& transaction, std::string_view bucket,
                            const Acl& acl) {
  TRY(get_bucket(transaction, bucket));
  TRY(transaction.execute("UPDATE s3_buckets SET acl = ? WHERE name = ?",
                          {encode_acl(acl), bucket}));
  return {};
}

Result<> S3::put_acl(meta::Transaction& transaction, ObjectInfo version, Acl acl) {
  version.acl = std::move(acl);
  return store_properties(transaction, version);
}

Result<> S3::put_tags(meta::Transaction& transaction, ObjectInfo version, Tags tags) {
  version.tags = std::move(tags);
  return store_properties(transaction, version);
}

}  // namespace traccia::s3
