// Finds the records inside a request body.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "event/record.h"

namespace traccia::event {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::InvalidArgument, "MalformedBody", std::move(message));
}

std::unexpected<Error> too_many(size_t records_max) {
  return fail(ErrorCode::ResourceExhausted, "TooManyRecords",
              fmt::format("more than {} records in one request", records_max));
}

// Walks JSON text without building it: only strings and brackets matter to find where values end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() { return skip_space(), at_ == text_.size(); }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A string with its quotes, or nothing.
  std::optional<std::string_view> string() {
    skip_space();
    const auto start = at_;
    if (!take('"')) return std::nullopt;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return std::nullopt;
    ++at_;
    return text_.substr(start, at_ - start);
  }
  // Any value, by balanced brackets; its inside is checked by whoever parses it.
  std::optional<std::string_view> value() {
    skip_space();
    const auto start = at_;
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!string()) return std::nullopt;
        if (depth == 0) break;
        continue;
      }
      if (depth == 0 && (c == ',' || c == ']' || c == '}')) break;
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (--depth == 0) break;
      }
    }
    const auto found = trimmed(text_.substr(start, at_ - start));
    if (depth != 0 || found.empty()) return std::nullopt;
    return found;
  }
  size_t offset() const { return at_; }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }
  std::string_view text_;
  size_t at_ = 0;
};

Result<std::vector<RawRecord>> split_array(Scanner& scanner, size_t records_max) {
  std::vector<RawRecord> records;
  if (!scanner.take('[')) return malformed("Records is not an array");
  if (scanner.take(']')) return records;
  while (true) {
    const auto value = scanner.value();
    if (!value) {
      return malformed(fmt::format("the array of records breaks at byte {}", scanner.offset()));
    }
    if (records.size() == records_max) return too_many(records_max);
    records.push_back({records.size() + 1, *value});
    if (scanner.take(']')) return records;
    if (!scanner.take(',')) {
      return malformed(fmt::format("expected , or ] at byte {}", scanner.offset()));
    }
  }
}

Result<std::vector<RawRecord>> split_lines(std::string_view body, size_t records_max) {
  std::vector<RawRecord> records;
  size_t line = 0;
  while (!body.empty()) {
    ++line;
    const auto end = std::min(body.find('\n'), body.size());
    const auto text = trimmed(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (text.empty()) continue;
    if (records.size() == records_max) return too_many(records_max);
    records.push_back({line, text});
  }
  return records;
}

// {"Records":[…]} and nothing else, as log files are; anything else that starts with { is NDJSON.
Result<std::optional<std::vector<RawRecord>>> split_envelope(std::string_view body,
                                                             size_t records_max) {
  Scanner scanner(body);
  if (!scanner.take('{')) return std::nullopt;
  if (scanner.string() != std::string_view("\"Records\"") || !scanner.take(':')) {
    return std::nullopt;
  }
  TRY_ASSIGN(auto records, split_array(scanner, records_max));
  if (!scanner.take('}') || !scanner.at_end()) {
    return malformed(fmt::format("unexpected text at byte {}", scanner.offset()));
  }
  return records;
}

}  // namespace

Result<std::vector<RawRecord>> split_body(std::string_view body, size_t records_max) {
  const auto text = trimmed(body);
  if (text.empty()) return std::vector<RawRecord>{};
  if (text.starts_with('[')) {
    Scanner scanner(text);
    TRY_ASSIGN(auto records, split_array(scanner, records_max));
    if (!scanner.at_end()) {
      return malformed(fmt::format("unexpected text at byte {}", scanner.offset()));
    }
    return records;
  }
  TRY_ASSIGN(auto envelope, split_envelope(text, records_max));
  if (envelope) return std::move(*envelope);
  return split_lines(body, records_max);
}

}  // namespace traccia::event
