// Listing with prefix and delimiter: seeks past each common prefix instead of reading through it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "s3/rows.h"
#include "s3/s3.h"

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

// Where the next query starts.
struct Seek {
  std::string key;
  bool inclusive = false;
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
  Seek seek{after_prefix(prefix), true, false};
  seek.done = seek.key.empty();
  return seek;
}

Seek first_seek(const ListOptions& options) {
  Seek seek{options.prefix, true, false};
  if (options.after >= options.prefix) seek = {options.after, false, false};
  // Paging goes on after a whole common prefix, not inside it.
  if (!options.delimiter.empty() && options.after.starts_with(options.prefix)) {
    const auto inside = common_prefix(options, options.after);
    if (!inside.empty() && inside == options.after) return beyond(inside);
  }
  return seek;
}

}  // namespace

Result<ListResult> S3::list_objects(meta::Transaction& transaction, std::string_view bucket,
                                    const ListOptions& options) {
  TRY(get_bucket(transaction, bucket));
  ListResult result;
  if (options.keys_max == 0) return result;
  auto seek = first_seek(options);
  size_t count = 0;
  while (!seek.done) {
    std::vector<ObjectInfo> rows;
    TRY(transaction.query(fmt::format("{}WHERE bucket = ? AND key {} ? ORDER BY key LIMIT ?",
                                      kObjectColumns, seek.inclusive ? ">=" : ">"),
                          {bucket, meta::Blob{seek.key}, kRowsPerSeek},
                          [&](const meta::Row& row) -> Result<> {
                            TRY_ASSIGN(auto object, read_object_row(row, bucket));
                            object.parts.clear();
                            rows.push_back(std::move(object));
                            return {};
                          }));
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
        seek = beyond(common);
        result.common_prefixes.push_back(std::move(common));
        break;
      }
      result.next = object.key;
      seek = {object.key, false, seek.done};
      result.objects.push_back(std::move(object));
    }
  }
  result.next.clear();
  return result;
}

}  // namespace traccia::s3
