// Objects to rows and back.
// SPDX-License-Identifier: Apache-2.0
#include "s3/rows.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "json/json.h"

namespace traccia::s3 {
namespace {

struct HeaderField {
  std::string_view name;
  std::string ObjectHeaders::* field;
};
constexpr HeaderField kHeaderFields[] = {
    {"contentType", &ObjectHeaders::content_type},
    {"contentEncoding", &ObjectHeaders::content_encoding},
    {"contentLanguage", &ObjectHeaders::content_language},
    {"contentDisposition", &ObjectHeaders::content_disposition},
    {"cacheControl", &ObjectHeaders::cache_control},
    {"expires", &ObjectHeaders::expires}};

json::Object as_json(const std::map<std::string, std::string>& texts) {
  json::Object out;
  for (const auto& [name, value] : texts) out[name] = value;
  return out;
}

void from_json(const json::Object& object, std::string_view name,
               std::map<std::string, std::string>& out) {
  const auto* texts = json::find(object, name);
  if (texts == nullptr || !texts->is_object()) return;
  for (const auto& [key, value] : texts->get_object()) {
    if (value.is_string()) out[std::string(key)] = std::string(value.get_string());
  }
}

Result<> decode_lock(const json::Object& properties, Lock& lock) {
  const auto* found = json::find(properties, "lock");
  if (found == nullptr) return {};
  // A lock that cannot be read must not pass for none.
  const auto broken = fail(ErrorCode::DataLoss, "the index holds a broken lock of an object");
  if (!found->is_object()) return broken;
  const auto number = [&](std::string_view name) -> std::optional<int64_t> {
    const auto* value = json::find(found->get_object(), name);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    return value->get_int64();
  };
  const auto mode = number("mode");
  const auto until = number("until");
  const auto hold = number("hold");
  if (!mode || !until || !hold || *mode < 0 || *mode > 2 || *hold < 0 || *hold > 2) return broken;
  lock = {static_cast<LockMode>(*mode), from_unix_nanoseconds(*until),
          static_cast<LegalHold>(*hold)};
  return {};
}

json::Object encode_encryption(const Encryption& encryption) {
  json::Object out{{"kind", static_cast<int64_t>(encryption.kind)}};
  if (encryption.kind != Sse::Kms) return out;
  out["key"] = encryption.key_arn;
  out["sealed"] = base64_encode(encryption.sealed_key);
  out["context"] = encryption.context;
  out["bucketKey"] = encryption.bucket_key;
  return out;
}

Result<> decode_class(const json::Object& properties, ObjectInfo& object) {
  const auto* restored = json::find(properties, "restoredUntil");
  if (restored != nullptr && restored->is_int64()) {
    object.restored_until = from_unix_nanoseconds(restored->get_int64());
  }
  const auto* found = json::find(properties, "class");
  if (found == nullptr) return {};
  const auto last = static_cast<int64_t>(StorageClass::ReducedRedundancy);
  if (!found->is_int64() || found->get_int64() < 0 || found->get_int64() > last) {
    return fail(ErrorCode::DataLoss, "the index holds a broken storage class of an object");
  }
  object.storage_class = static_cast<StorageClass>(found->get_int64());
  return {};
}

Result<> decode_encryption(const json::Object& properties, Encryption& encryption) {
  const auto* found = json::find(properties, "sse");
  encryption = {.kind = Sse::None};
  if (found == nullptr) return {};
  // What cannot be read must not pass for plain.
  const auto broken = fail(ErrorCode::DataLoss, "the index holds a broken encryption of an object");
  if (!found->is_object()) return broken;
  const auto& object = found->get_object();
  const auto* kind = json::find(object, "kind");
  if (kind == nullptr || !kind->is_int64()) return broken;
  encryption.kind = static_cast<Sse>(kind->get_int64());
  if (encryption.kind == Sse::S3) return {};
  const auto sealed = base64_decode(json::find_string(object, "sealed"));
  const auto* bucket_key = json::find(object, "bucketKey");
  if (encryption.kind != Sse::Kms || !sealed || sealed->empty() || bucket_key == nullptr ||
      !bucket_key->is_bool()) {
    return broken;
  }
  encryption.key_arn = json::find_string(object, "key");
  encryption.sealed_key = *sealed;
  encryption.context = json::find_string(object, "context");
  encryption.bucket_key = bucket_key->get_bool();
  return {};
}

}  // namespace

std::string encode_parts(const Parts& parts) {
  std::string out;
  for (const auto& [id, size] : parts) {
    fmt::format_to(std::back_inserter(out), "{}{}:{}", out.empty() ? "" : " ", id, size);
  }
  return out;
}

Result<Parts> decode_parts(std::string_view text) {
  Parts parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto colon = part.find(':');
    uint64_t size = 0;
    const auto* last = part.data() + part.size();
    if (colon == part.npos || std::from_chars(part.data() + colon + 1, last, size).ptr != last) {
      return fail(ErrorCode::DataLoss, "the index holds a broken list of an object's parts");
    }
    parts.emplace_back(std::string(part.substr(0, colon)), size);
  }
  return parts;
}

std::string encode_properties(const ObjectInfo& object) {
  json::Object out;
  for (const auto& [name, field] : kHeaderFields) {
    if (!(object.headers.*field).empty()) out[name] = object.headers.*field;
  }
  if (!object.metadata.empty()) out["metadata"] = as_json(object.metadata);
  if (!object.tags.empty()) out["tags"] = as_json(object.tags);
  if (!object.checksums.empty()) out["checksums"] = as_json(object.checksums);
  if (object.checksum_type == ChecksumType::Composite) out["partSums"] = object.part_sums;
  if (object.acl) out["acl"] = encode_acl(*object.acl);
  if (object.encryption.kind != Sse::None) out["sse"] = encode_encryption(object.encryption);
  if (object.storage_class != StorageClass::Standard) {
    out["class"] = static_cast<int64_t>(object.storage_class);
  }
  if (object.restored_until) out["restoredUntil"] = to_unix_nanoseconds(*object.restored_until);
  if (const auto& lock = object.lock; !lock.empty()) {
    out["lock"] = json::Object{{"mode", static_cast<int64_t>(lock.mode)},
                               {"until", to_unix_nanoseconds(lock.until)},
                               {"hold", static_cast<int64_t>(lock.legal_hold)}};
  }
  return json::serialize(out);
}

Result<> decode_properties(std::string_view text, ObjectInfo& object) {
  TRY_ASSIGN(const auto value, json::parse(text));
  if (!value.is_object()) {
    return fail(ErrorCode::DataLoss, "the index holds broken properties of an object");
  }
  const auto& properties = value.get_object();
  for (const auto& [name, field] : kHeaderFields) {
    object.headers.*field = json::find_string(properties, name);
  }
  from_json(properties, "metadata", object.metadata);
  from_json(properties, "tags", object.tags);
  from_json(properties, "checksums", object.checksums);
  object.part_sums = json::find_string(properties, "partSums");
  if (!object.part_sums.empty()) object.checksum_type = ChecksumType::Composite;
  if (const auto acl = json::find_string(properties, "acl"); !acl.empty()) {
    TRY_ASSIGN(object.acl, decode_acl(acl));
  }
  TRY(decode_encryption(properties, object.encryption));
  TRY(decode_class(properties, object));
  return decode_lock(properties, object.lock);
}

Result<ObjectInfo> read_object_row(const meta::Row& row, std::string_view bucket) {
  ObjectInfo object;
  object.bucket = bucket;
  object.key = row.text(0);
  object.size = static_cast<uint64_t>(row.integer(1));
  object.etag = row.text(2);
  object.last_modified = from_unix_seconds(row.integer(3));
  object.owner_account = row.text(4);
  TRY(decode_properties(row.view(5), object));
  TRY_ASSIGN(object.parts, decode_parts(row.view(6)));
  object.version_id = row.text(7);
  object.place = row.integer(8);
  object.delete_marker = row.integer(9) != 0;
  return object;
}

Result<> discard(meta::Transaction& transaction, const Parts& parts) {
  for (const auto& [id, size] : parts) {
    TRY(transaction.execute("INSERT OR IGNORE INTO s3_garbage (blob) VALUES (?)", {id}));
  }
  return {};
}

Result<> check_key(std::string_view key) {
  if (key.empty()) {
    return fail(ErrorCode::InvalidArgument, "InvalidArgument", "the key is empty");
  }
  if (key.size() > kKeyBytesMax) {
    return fail(
        ErrorCode::InvalidArgument, "KeyTooLongError",
        fmt::format("the key has {} bytes; at most {} are allowed", key.size(), kKeyBytesMax));
  }
  return {};
}

Result<> check_metadata(const PutOptions& options) {
  size_t bytes = 0;
  for (const auto& [name, value] : options.metadata) bytes += name.size() + value.size();
  if (bytes <= kMetadataBytesMax) return {};
  return fail(
      ErrorCode::InvalidArgument, "MetadataTooLarge",
      fmt::format("user metadata has {} bytes; at most {} are allowed", bytes, kMetadataBytesMax));
}

Result<> check_conditions(const std::optional<ObjectInfo>& there, const PutOptions& options) {
  if (options.if_none_match_any && there) {
    return fail(ErrorCode::FailedPrecondition, "PreconditionFailed",
                "the key exists already (If-None-Match)");
  }
  if (!options.if_match) return {};
  if (!there) return fail(ErrorCode::NotFound, "NoSuchKey", "the key does not exist (If-Match)");
  if (there->etag == *options.if_match) return {};
  return fail(ErrorCode::FailedPrecondition, "PreconditionFailed",
              "the object has another ETag (If-Match)");
}

Result<std::optional<ObjectInfo>> find_object(meta::Transaction& transaction,
                                              std::string_view bucket, std::string_view key) {
  std::optional<ObjectInfo> found;
  TRY(transaction.query(
      fmt::format("SELECT {}, 0 FROM s3_objects WHERE bucket = ? AND key = ?", kObjectColumns),
      {bucket, meta::Blob{key}}, [&](const meta::Row& row) -> Result<> {
        TRY_ASSIGN(found, read_object_row(row, bucket));
        return {};
      }));
  return found;
}

}  // namespace traccia::s3
