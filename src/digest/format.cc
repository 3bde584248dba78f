// Renders and reads digest files and their names.
// SPDX-License-Identifier: Apache-2.0
#include "digest/format.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "json/json.h"

namespace traccia::digest {
namespace {

json::Value text_or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return json::Value(*text);
}

std::unexpected<Error> invalid(std::string_view what) {
  return fail(ErrorCode::DataLoss, "InvalidFormat", fmt::format("digest file: {}", what));
}

Result<std::string> needed_text(const json::Object& object, std::string_view name) {
  const auto* value = json::find(object, name);
  if (value == nullptr || !value->is_string()) {
    return invalid(fmt::format("member '{}' is missing or not a string", name));
  }
  return std::string(value->get_string());
}

Result<std::optional<std::string>> optional_text(const json::Object& object,
                                                 std::string_view name) {
  const auto* value = json::find(object, name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) return invalid(fmt::format("member '{}' is not a string", name));
  return std::string(value->get_string());
}

Result<LogFile> parse_log_file(const json::Value& value) {
  if (!value.is_object()) return invalid("an entry of logFiles is not an object");
  const auto& object = value.get_object();
  LogFile file;
  TRY_ASSIGN(file.bucket, needed_text(object, "s3Bucket"));
  TRY_ASSIGN(file.key, needed_text(object, "s3Object"));
  TRY_ASSIGN(file.sha256_hex, needed_text(object, "hashValue"));
  TRY_ASSIGN(auto newest, optional_text(object, "newestEventTime"));
  TRY_ASSIGN(auto oldest, optional_text(object, "oldestEventTime"));
  file.newest_event_time = newest.value_or("");
  file.oldest_event_time = oldest.value_or("");
  return file;
}

Result<std::optional<Previous>> parse_previous(const json::Object& object) {
  if (json::find(object, "previousDigestSignature") == nullptr) {
    return invalid("member 'previousDigestSignature' is missing");
  }
  TRY_ASSIGN(auto signature, optional_text(object, "previousDigestSignature"));
  TRY_ASSIGN(auto bucket, optional_text(object, "previousDigestS3Bucket"));
  TRY_ASSIGN(auto key, optional_text(object, "previousDigestS3Object"));
  TRY_ASSIGN(auto hash, optional_text(object, "previousDigestHashValue"));
  if (!signature && !key) return std::nullopt;
  return Previous{bucket.value_or(""), key.value_or(""), hash.value_or(""), signature.value_or("")};
}

// The folder names below AWSLogs/, and what of the file's name repeats them.
struct Path {
  std::string_view prefix, account, kind, region, date, file;
};

std::optional<Path> split_path(std::string_view key) {
  constexpr std::string_view kRoot = "AWSLogs/";
  const auto at = key.starts_with(kRoot) ? 0 : key.rfind("/AWSLogs/");
  if (at == key.npos) return std::nullopt;
  Path path;
  path.prefix = key.substr(0, at);
  key.remove_prefix(at + kRoot.size() + (key[at] == '/' ? 1 : 0));
  std::vector<std::string_view> parts;
  while (true) {
    const auto slash = key.find('/');
    parts.push_back(key.substr(0, slash));
    if (slash == key.npos) break;
    key.remove_prefix(slash + 1);
  }
  if (parts.size() == 8) parts.erase(parts.begin());  // an organisation's id
  if (parts.size() != 7) return std::nullopt;
  path.account = parts[0];
  path.kind = parts[1];
  path.region = parts[2];
  path.file = parts[6];
  return path;
}

}  // namespace

std::string render_digest(const DigestFile& digest) {
  json::Object out;
  out["awsAccountId"] = digest.account;
  out["digestStartTime"] = digest.start_time;
  out["digestEndTime"] = digest.end_time;
  out["digestS3Bucket"] = digest.bucket;
  out["digestS3Object"] = digest.key;
  out["digestPublicKeyFingerprint"] = digest.fingerprint;
  out["digestSignatureAlgorithm"] = kSignatureAlgorithm;
  out["newestEventTime"] = text_or_null(digest.newest_event_time);
  out["oldestEventTime"] = text_or_null(digest.oldest_event_time);
  const auto& previous = digest.previous;
  const auto member = [&](std::string Previous::* field) {
    return previous ? json::Value((*previous).*field) : json::Value(nullptr);
  };
  out["previousDigestS3Bucket"] = member(&Previous::bucket);
  out["previousDigestS3Object"] = member(&Previous::key);
  out["previousDigestHashValue"] = member(&Previous::sha256_hex);
  out["previousDigestHashAlgorithm"] =
      previous ? json::Value(kHashAlgorithm) : json::Value(nullptr);
  out["previousDigestSignature"] = member(&Previous::signature_hex);
  json::Array files;
  for (const auto& file : digest.log_files) {
    files.push_back(json::Object{{"s3Bucket", file.bucket},
                                 {"s3Object", file.key},
                                 {"hashValue", file.sha256_hex},
                                 {"hashAlgorithm", kHashAlgorithm},
                                 {"newestEventTime", file.newest_event_time},
                                 {"oldestEventTime", file.oldest_event_time}});
  }
  out["logFiles"] = std::move(files);
  return json::serialize(out);
}

Result<DigestFile> parse_digest(std::string_view json) {
  json::ParseLimits limits;
  limits.bytes_max = kDigestBytesMax;
  const auto value = json::parse(json, limits);
  if (!value) return invalid(value.error().message());
  if (!value->is_object()) return invalid("not a JSON object");
  const auto& object = value->get_object();
  DigestFile digest;
  TRY_ASSIGN(auto account, optional_text(object, "awsAccountId"));
  digest.account = account.value_or("");
  TRY_ASSIGN(digest.start_time, needed_text(object, "digestStartTime"));
  TRY_ASSIGN(digest.end_time, needed_text(object, "digestEndTime"));
  TRY_ASSIGN(digest.bucket, needed_text(object, "digestS3Bucket"));
  TRY_ASSIGN(digest.key, needed_text(object, "digestS3Object"));
  TRY_ASSIGN(digest.fingerprint, needed_text(object, "digestPublicKeyFingerprint"));
  TRY_ASSIGN(digest.newest_event_time, optional_text(object, "newestEventTime"));
  TRY_ASSIGN(digest.oldest_event_time, optional_text(object, "oldestEventTime"));
  TRY_ASSIGN(digest.previous, parse_previous(object));
  const auto* files = json::find(object, "logFiles");
  if (files == nullptr || !files->is_array()) return invalid("member 'logFiles' is missing");
  for (const auto& one : files->get_array()) {
    TRY_ASSIGN(auto file, parse_log_file(one));
    digest.log_files.push_back(std::move(file));
  }
  return digest;
}

Result<DigestFile> read_digest(std::string_view gzip) {
  compress::DecompressLimits limits;
  limits.bytes_max = kDigestBytesMax;
  TRY_ASSIGN(const auto json, compress::gunzip(gzip, limits));
  return parse_digest(json);
}

std::string string_to_sign(const DigestFile& digest, std::string_view sha256_hex) {
  return fmt::format("{}\n{}/{}\n{}\n{}", digest.end_time, digest.bucket, digest.key, sha256_hex,
                     digest.previous ? digest.previous->signature_hex : "null");
}

std::string fingerprint(std::string_view public_pkcs1_der) {
  return hex_encode(crypto::md5(public_pkcs1_der));
}

std::string digest_folder(std::string_view prefix, std::string_view account,
                          std::string_view region) {
  return fmt::format("{}{}AWSLogs/{}/CloudTrail-Digest/{}/", prefix, prefix.empty() ? "" : "/",
                     account, region);
}

std::string digest_key(const DigestKeyParts& parts) {
  return fmt::format("{}{}/{}_CloudTrail-Digest_{}_{}_{}_{}{}.json.gz",
                     digest_folder(parts.prefix, parts.account, parts.region),
                     format_date_path(parts.end_time), parts.account, parts.region,
                     parts.trail_name, parts.home_region, format_basic_seconds(parts.end_time),
                     parts.backfill ? "_backfill" : "");
}

std::optional<DigestKeyParts> parse_digest_key(std::string_view key) {
  const auto path = split_path(key);
  if (!path || path->kind != "CloudTrail-Digest") return std::nullopt;
  auto name = path->file;
  const auto head = fmt::format("{}_CloudTrail-Digest_{}_", path->account, path->region);
  constexpr std::string_view kTail = ".json.gz";
  if (!name.starts_with(head) || !name.ends_with(kTail)) return std::nullopt;
  name.remove_prefix(head.size());
  name.remove_suffix(kTail.size());
  DigestKeyParts parts;
  constexpr std::string_view kBackfill = "_backfill";
  if (name.ends_with(kBackfill)) {
    parts.backfill = true;
    name.remove_suffix(kBackfill.size());
  }
  // TRAIL_HOME_TIME: a trail's name may hold underscores, the other two cannot.
  const auto time_at = name.rfind('_');
  if (time_at == name.npos || time_at == 0) return std::nullopt;
  const auto home_at = name.rfind('_', time_at - 1);
  if (home_at == name.npos) return std::nullopt;
  const auto time = parse_basic_seconds(name.substr(time_at + 1));
  if (!time) return std::nullopt;
  parts.prefix = path->prefix;
  parts.account = path->account;
  parts.region = path->region;
  parts.trail_name = name.substr(0, home_at);
  parts.home_region = name.substr(home_at + 1, time_at - home_at - 1);
  parts.end_time = *time;
  return parts;
}

std::optional<LogKeyParts> parse_log_key(std::string_view key) {
  const auto path = split_path(key);
  if (!path || path->kind != "CloudTrail") return std::nullopt;
  auto name = path->file;
  const auto head = fmt::format("{}_CloudTrail_{}_", path->account, path->region);
  if (!name.starts_with(head) || !name.ends_with(".json.gz")) return std::nullopt;
  name.remove_prefix(head.size());
  const auto underscore = name.find('_');
  if (underscore != 14) return std::nullopt;  // YYYYMMDDTHHMMZ
  const auto minute = parse_basic_seconds(fmt::format("{}00Z", name.substr(0, 13)));
  if (!minute) return std::nullopt;
  return LogKeyParts{std::string(path->account), std::string(path->region), *minute};
}

}  // namespace traccia::digest
