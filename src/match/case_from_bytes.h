// Makes predicates and events out of any bytes, for tests: the graph against the plain meaning.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "match/predicate.h"

namespace traccia::match {

// Few letters, fields and numbers, so that conditions often meet values. Runs dry into zeros.
// owned by one thread.
class CaseFromBytes {
 public:
  explicit CaseFromBytes(std::string_view bytes) : bytes_(bytes) {}

  std::vector<Predicate> predicates() {
    std::vector<Predicate> out(byte() % 12);
    for (auto& predicate : out) predicate = tree(0);
    return out;
  }

  struct Event {
    std::vector<std::pair<FieldId, std::string>> values;
    std::vector<FieldValue> view() const {
      std::vector<FieldValue> out;
      for (const auto& [field, value] : values) out.push_back({field, value});
      return out;
    }
  };
  Event event() {
    Event out;
    for (size_t count = byte() % 10; count > 0; --count) {
      const auto named = field();
      out.values.emplace_back(named, byte() % 4 == 0 ? number_text() : text("ab"));
    }
    return out;
  }

 private:
  static constexpr size_t kDepth = 4;

  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto next = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return next;
  }
  FieldId field() { return static_cast<FieldId>(byte() % 4); }

  std::string text(std::string_view letters) {
    const auto shape = byte();
    std::string out;
    for (size_t count = shape % 6; count > 0; --count) out += letters[byte() % letters.size()];
    if (shape >= 250) out.insert(out.size() / 2, std::string(5000, 'a'));
    return out;
  }
  double number() {
    constexpr double kNumbers[] = {-1, 0, -0.0, 0.5, 1, 2, 1000, 1e300};
    return kNumbers[byte() % std::size(kNumbers)];
  }
  std::string number_text() {
    constexpr std::string_view kTexts[] = {"-1",  "0",   "-0",    "0.5", "1", "1.0", "2",   "3",
                                           "1e3", "nan", "1e999", "1x",  "",  " 1",  "inf", "0x1"};
    return std::string(kTexts[byte() % std::size(kTexts)]);
  }

  Predicate leaf() {
    const auto named = field();
    switch (byte() % 9) {
      case 0:
        return starts_with(named, text("ab"));
      case 1:
        return ends_with(named, text("ab"));
      case 2:
        return like(named, text("ab*"));
      case 3:
        return exists(named);
      case 4:
        return number_equals(named, number());
      case 5:
        return number_less(named, number());
      case 6:
        return number_greater(named, number());
      default:
        return equals(named, text("ab"));
    }
  }
  Predicate tree(size_t depth) {
    const auto shape = byte();
    if (depth == kDepth || shape < 100) return leaf();
    if (shape < 140) return negate(tree(depth + 1));
    std::vector<Predicate> parts;
    if (shape >= 250) {  // longer than what is asked one by one
      for (size_t count = 40; count > 0; --count) parts.push_back(leaf());
    } else {
      for (size_t count = byte() % 5; count > 0; --count) parts.push_back(tree(depth + 1));
    }
    return shape % 2 == 0 ? all_of(std::move(parts)) : any_of(std::move(parts));
  }

  std::string_view bytes_;
};

}  // namespace traccia::match
