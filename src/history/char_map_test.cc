// The bits say what a look at each character says.
// SPDX-License-Identifier: Apache-2.0
#include "history/char_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace traccia::history {
namespace {

using Set = CharMap::Set;

bool between(char c, char first, char last) {
  return c >= first && c <= last;
}

bool is_run(char c) {
  return between(c, '0', '9') || between(c, 'a', 'z') || between(c, 'A', 'Z') || c == '+' ||
         c == '/';
}

bool has(const std::string& text, Set set, size_t at) {
  const char c = text[at];
  switch (set) {
    case CharMap::Digit:
      return between(c, '0', '9');
    case CharMap::HexDigit:
      return between(c, '0', '9') || between(c, 'a', 'f');
    case CharMap::Base32:
      return between(c, 'A', 'Z') || between(c, '2', '7');
    case CharMap::Capital:
      return between(c, 'A', 'Z');
    case CharMap::Small:
      return between(c, 'a', 'z');
    case CharMap::Run:
      return is_run(c);
    case CharMap::Mark:
      return static_cast<uint8_t>(c) < CharMap::kMarkBytes;
    case CharMap::RunDigit: {
      if (!between(c, '0', '9')) return false;
      auto begin = at, end = at;
      while (begin > 0 && is_run(text[begin - 1])) --begin;
      while (end < text.size() && is_run(text[end])) ++end;
      return end - begin >= CharMap::kRunMin;
    }
    case CharMap::kSets:
      break;
  }
  return false;
}

int kind(char c) {
  if (between(c, 'A', 'Z')) return 0;
  if (between(c, 'a', 'z')) return 1;
  return between(c, '0', '9') ? 2 : 3;
}

// Long runs, short ones, and every byte.
std::string draw(std::mt19937_64& random) {
  constexpr std::string_view kOften = "0123456789abcdefXYZ+/";
  std::string text;
  const auto size = random() % 300;
  const auto breaks = 1 + random() % 30;
  while (text.size() < size) {
    text += random() % breaks == 0 ? static_cast<char>(random()) : kOften[random() % kOften.size()];
  }
  return text;
}

TEST(CharMap, AnswersAsALookAtEachCharacter) {
  CharMap map;  // used again, as packing does
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 random(seed);
    const auto text = draw(random);
    map.read(text);
    for (int number = 0; number < CharMap::kSets; ++number) {
      const auto set = static_cast<Set>(number);
      SCOPED_TRACE("seed " + std::to_string(seed) + " set " + std::to_string(number));
      for (size_t at = 0; at < text.size(); ++at) {
        ASSERT_EQ(map.window(set, at) & 1, has(text, set, at) ? 1U : 0U) << at;
      }
      const auto a = text.empty() ? 0 : random() % text.size();
      const auto b = text.empty() ? 0 : random() % (text.size() + 1);
      const auto [begin, end] = std::minmax<size_t>(a, b);
      size_t count = 0;
      for (auto at = begin; at < end; ++at) count += has(text, set, at) ? 1 : 0;
      EXPECT_EQ(map.all(set, begin, end), count == end - begin);
      EXPECT_EQ(map.any(set, begin, end), count > 0);
      auto in = begin, out = begin, back = begin;
      while (in < text.size() && !has(text, set, in)) ++in;
      while (out < text.size() && has(text, set, out)) ++out;
      while (back > 0 && has(text, set, back - 1)) --back;
      EXPECT_EQ(map.next_in(set, begin), in);
      EXPECT_EQ(map.next_not_in(set, begin), out);
      EXPECT_EQ(map.begin_of(set, begin), back);
      size_t changes = 0;
      for (auto at = begin + 1; at < end; ++at) changes += kind(text[at]) != kind(text[at - 1]);
      EXPECT_EQ(map.changes(begin, end), changes) << begin << " " << end;
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace traccia::history
