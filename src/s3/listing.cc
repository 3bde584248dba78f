// Listing with prefix and delimiter: seeks past each common prefix instead of reading through it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "s3/rows.h"
#include "s3/s3.h"
#include "s3/versions.h"

namespace traccia::s3 {
namespace {

constexpr int64_t kRowsPerSeek = 256;

// The first text after all that begin with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix) {
  std::string out(prefix);
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xFF) out.pop_back();
  if (!out.empty()) out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

constexpr int64_t kBeforeAll = std::numeric_limits<int64_t>::min();
constexpr int64_t kBehindAll = std::numeric_limits<int64_t>::max();

// The next query gives what lies behind this place of the key, and further keys.
struct Seek {
  std::string key;
  int64_t place = kBeforeAll;
  bool done = false;
};

// The common prefix that the key falls under, or empty.
std::string common_prefix(const ListOptions& options, std::string_view key) {
  if (options.delimiter.empty()) return {};
  const auto at = key.find(options.delimiter, options.prefix.size());
  if (at == key.npos) return {};
  return std::string(key.substr(0, at + options.delimiter.size()));
}

Seek beyond(std::string_view prefix) {
  Seek seek{after_prefix(prefix)};
  seek.done = seek.key.empty();
  return seek;
}

Seek first_seek(const ListOptions& options, int64_t after_place) {
  Seek seek{options.prefix};
  if (options.after >= options.prefix) seek = {options.after, after_place};
  // Paging goes on after a whole common prefix, not inside it.
  if (!options.delimiter.empty() && options.after.starts_with(options.prefix)) {
    const auto inside = common_prefix(options, options.after);
    if (!inside.empty() && inside == options.after) return beyond(inside);
  }
  return seek;
}

// Reads up to kRowsPerSeek rows from a place on, in the order of key and place.
using Fetch = std::function<Result<std::vector<ObjectInfo>>(const Seek&)>;

Fetch fetch_with(meta::Transaction& transaction, std::string_view bucket, std::string_view sql) {
  return [&transaction, bucket, sql](const Seek& seek) -> Result<std::vector<ObjectInfo>> {
    std::vector<ObjectInfo> rows;
    TRY(transaction.query(sql, {bucket, meta::Blob{seek.key}, seek.place, kRowsPerSeek},
                          [&](const meta::Row& row) -> Result<> {
                            TRY_ASSIGN(auto object, read_object_row(row, bucket));
                            object.parts.clear();
                            rows.push_back(std::move(object));
                            return {};
                          }));
    return rows;
  };
}

Result<ListResult> walk(const ListOptions& options, Seek seek, const Fetch& fetch) {
  ListResult result;
  size_t count = 0;
  // A page that begins within a key has given its latest version before.
  std::string previous = seek.place == kBeforeAll ? "" : seek.key;
  while (!seek.done) {
    TRY_ASSIGN(auto rows, fetch(seek));
    seek.done = rows.size() < static_cast<size_t>(kRowsPerSeek);
    for (auto& object : rows) {
      if (!object.key.starts_with(options.prefix)) {
        seek.done = true;
        break;
      }
      auto common = common_prefix(options, object.key);
      if (count == options.keys_max) {
        result.truncated = true;
        return result;
      }
      ++count;
      if (!common.empty()) {
        result.next = common;
        result.next_version.clear();
        seek = beyond(common);
        result.common_prefixes.push_back(std::move(common));
        break;
      }
      object.latest = object.key != previous;
      previous = object.key;
      result.next = object.key;
      result.next_version = object.version_id;
      seek = {object.key, object.place, seek.done};
      result.objects.push_back(std::move(object));
    }
  }
  result.next.clear();
  result.next_version.clear();
  return result;
}

}  // namespace

Result<ListResult> S3::list_objects(meta::Transaction& transaction, std::string_view bucket,
                                    const ListOptions& options) {
  TRY(get_bucket(transaction, bucket));
  if (options.keys_max == 0) return ListResult{};
  const auto sql = fmt::format(
      "SELECT {}, 0 FROM s3_objects WHERE bucket = ?1 AND (key, place) > (?2, ?3) "
      "ORDER BY key LIMIT ?4",
      kObjectColumns);
  return walk(options, first_seek(options, kBehindAll), fetch_with(transaction, bucket, sql));
}

Result<ListResult> S3::list_versions(meta::Transaction& transaction, std::string_view bucket,
                                     const ListOptions& options) {
  TRY(get_bucket(transaction, bucket));
  if (options.keys_max == 0) return ListResult{};
  auto after_place = kBehindAll;
  if (options.after_version == kNullVersion) {
    TRY_ASSIGN(const auto found,
               find_version(transaction, bucket, options.after, options.after_version));
    // Where it was nobody knows any more: what is given again does no harm, what is left out would.
    after_place = found ? found->place : kBeforeAll;
  } else if (!options.after_version.empty()) {
    const auto place = place_of(options.after_version);
    if (!place) {
      return fail(ErrorCode::InvalidArgument, "InvalidArgument", "Invalid version id specified");
    }
    after_place = *place;
  }
  const auto sql = fmt::format(
      "SELECT {0}, 0 FROM s3_objects WHERE bucket = ?1 AND (key, place) > (?2, ?3) "
      "UNION ALL "
      "SELECT {0}, marker FROM s3_versions WHERE bucket = ?1 AND (key, place) > (?2, ?3) "
      "ORDER BY 1, 9 LIMIT ?4",
      kObjectColumns);
  return walk(options, first_seek(options, after_place), fetch_with(transaction, bucket, sql));
}

}  // namespace traccia::s3
