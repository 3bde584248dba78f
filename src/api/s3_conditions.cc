// Judges conditions and reads ranges.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace traccia::api {

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

namespace {

// Whether an If-Match or If-None-Match value names the ETag.
bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || unquoted(one) == etag) return true;
  }
  return false;
}

}  // namespace

int judge_conditions(const S3Call& call, const s3::ObjectInfo& object, std::string_view prefix) {
  const auto header = [&](std::string_view name) {
    return call.request().headers.find(fmt::format("{}{}", prefix, name));
  };
  const auto before = [&](std::string_view date) {  // modified at or before that date
    const auto time = parse_http_date(date);
    return time && object.last_modified <= *time;
  };
  const int not_modified = prefix.empty() ? 304 : 412;
  if (const auto value = header("if-match")) {
    if (!names_etag(*value, object.etag)) return 412;
  } else if (const auto date = header("if-unmodified-since")) {
    if (parse_http_date(*date) && !before(*date)) return 412;
  }
  if (const auto value = header("if-none-match")) {
    if (names_etag(*value, object.etag)) return not_modified;
  } else if (const auto date = header("if-modified-since")) {
    if (before(*date)) return not_modified;
  }
  return 200;
}

Result<ByteRange> parse_range(std::string_view text, uint64_t size) {
  const ByteRange whole{0, size, false};
  if (!text.starts_with("bytes=") || text.find(',') != text.npos) return whole;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == text.npos) return whole;
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t out = 0;
    const auto* end = digits.data() + digits.size();
    if (digits.empty() || std::from_chars(digits.data(), end, out).ptr != end) return std::nullopt;
    return out;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  const auto unsatisfiable = [] {
    return s3_error("InvalidRange", "The requested range is not satisfiable");
  };
  if (!first) {
    if (dash != 0 || !last) return whole;
    if (*last == 0 || size == 0) return unsatisfiable();
    const auto count = std::min(*last, size);
    return ByteRange{size - count, count, true};
  }
  if (text.size() > dash + 1 && !last) return whole;
  if (last && *last < *first) return whole;
  if (*first >= size) return unsatisfiable();
  return ByteRange{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1, true};
}

}  // namespace traccia::api
