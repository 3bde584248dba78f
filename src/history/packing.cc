// Finds runs by probing every eighth byte; what is random is guessed from changes of character.
// SPDX-License-Identifier: Apache-2.0
#include "history/packing.h"

#include <algorithm>
#include <cstring>

namespace traccia::history {
namespace {

// Marks. Records are JSON and hardly ever hold such bytes; where one does, kAsIs precedes it.
enum Mark : uint8_t { kAsIs = 0, kUuid = 1, kHex = 2, kBase32 = 3, kBase64 = 4, kMarks = 5 };

constexpr size_t kProbe = 8;          // no shorter run is looked for
constexpr size_t kBase32RunMin = 16;  // words in capitals are shorter
constexpr size_t kBase64RunMin = 16;
constexpr size_t kRunMax = 255;  // its length is one byte
constexpr size_t kUuidLength = 36;
constexpr size_t kUuidBytes = 16;

constexpr std::string_view kAlphabets[] = {
    "", "0123456789abcdef", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
constexpr unsigned kBits[] = {0, 4, 4, 5, 6};

struct Tables {
  uint8_t digit[kMarks][256] = {};
  uint8_t alphabets[256] = {};  // a bit for each mark
  uint8_t kind[256] = {};       // capital, small letter, figure, sign
};
constexpr Tables make_tables() {
  Tables out;
  for (size_t mark = kUuid; mark < kMarks; ++mark) {
    for (size_t i = 0; i < kAlphabets[mark].size(); ++i) {
      const auto byte = static_cast<uint8_t>(kAlphabets[mark][i]);
      out.digit[mark][byte] = static_cast<uint8_t>(i);
      out.alphabets[byte] |= static_cast<uint8_t>(1U << mark);
    }
  }
  for (int i = 0; i < 256; ++i) {
    out.kind[i] = i >= 'A' && i <= 'Z'   ? 0
                  : i >= 'a' && i <= 'z' ? 1
                  : i >= '0' && i <= '9' ? 2
                                         : 3;
  }
  return out;
}
constexpr Tables kTables = make_tables();

bool is_of_run(char c) {
  return (kTables.alphabets[static_cast<uint8_t>(c)] & 1U << kBase64) != 0;
}

void append_bits(std::string_view text, Mark mark, std::string& bits) {
  uint32_t held = 0;
  unsigned count = 0;
  for (const char c : text) {
    held = held << kBits[mark] | kTables.digit[mark][static_cast<uint8_t>(c)];
    count += kBits[mark];
    if (count < 8) continue;
    count -= 8;
    bits.push_back(static_cast<char>(held >> count));
  }
  if (count > 0) bits.push_back(static_cast<char>(held << (8 - count)));
}

// Appends `length` characters.
void append_text(std::string_view bits, Mark mark, size_t length, std::string& text) {
  const auto width = kBits[mark];
  uint32_t held = 0;
  unsigned count = 0;
  for (size_t at = 0; length > 0; --length) {
    if (count < width) {
      held = held << 8 | static_cast<uint8_t>(bits[at++]);
      count += 8;
    }
    count -= width;
    text.push_back(kAlphabets[mark][held >> count & ((1U << width) - 1)]);
  }
}

constexpr size_t packed_bytes(Mark mark, size_t length) {
  return (length * kBits[mark] + 7) / 8;
}

bool is_uuid(std::string_view text) {
  for (size_t i = 0; i < kUuidLength; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const auto byte = static_cast<uint8_t>(text[i]);
    if (dash ? byte != '-' : (kTables.alphabets[byte] & 1U << kHex) == 0) return false;
  }
  return true;
}

void append_as_is(std::string_view text, std::string& skeleton) {
  if (std::ranges::none_of(text, [](char c) { return static_cast<uint8_t>(c) < kMarks; })) {
    skeleton += text;
    return;
  }
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < kMarks) skeleton.push_back(kAsIs);
    skeleton.push_back(c);
  }
}

// What of its alphabets a run is packed by; kAsIs when it looks like words.
Mark mark_of(std::string_view run) {
  unsigned alphabets = ~0U, kinds = 0;
  size_t changes = 0;
  uint8_t before = kTables.kind[static_cast<uint8_t>(run.front())];
  for (const char c : run) {
    const auto byte = static_cast<uint8_t>(c);
    alphabets &= kTables.alphabets[byte];
    const auto kind = kTables.kind[byte];
    kinds |= 1U << kind;
    changes += kind != before ? 1 : 0;
    before = kind;
  }
  const bool has_figures = (kinds & 1U << 2) != 0, has_others = (kinds & ~(1U << 2)) != 0;
  if (!has_figures || !has_others) return kAsIs;
  if ((alphabets & 1U << kHex) != 0) return kHex;
  if ((alphabets & 1U << kBase32) != 0 && run.size() >= kBase32RunMin) return kBase32;
  if (run.size() >= kBase64RunMin && changes * 3 > run.size()) return kBase64;
  return kAsIs;
}

}  // namespace

bool Packer::is_recurring(std::string_view run) {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (; run.size() >= sizeof hash; run.remove_prefix(sizeof hash)) {
    uint64_t word = 0;
    std::memcpy(&word, run.data(), sizeof word);
    hash = (hash ^ word) * 0xbf58476d1ce4e5b9;
    hash ^= hash >> 29;
  }
  for (const char c : run) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  hash ^= hash >> 32;
  auto& [tag, times] = seen_[hash % kSeenEntries];
  const auto own_tag = static_cast<uint16_t>(hash >> 48);
  if (tag != own_tag && times > 0) {
    --times;
    return false;
  }
  tag = own_tag;
  if (times < UINT8_MAX) ++times;
  return times >= kRecurringFrom;
}

bool Packer::pack_piece(std::string_view piece, std::string& skeleton, std::string& bits) {
  if (piece.size() < kProbe) return false;
  const auto mark = mark_of(piece);
  if (mark == kAsIs || is_recurring(piece)) return false;
  for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), kRunMax))) {
    const auto part = piece.substr(0, kRunMax);
    skeleton.push_back(static_cast<char>(mark));
    skeleton.push_back(static_cast<char>(part.size()));
    append_bits(part, mark, bits);
  }
  return true;
}

// A path holds its ids between slashes, which base64 has too.
void Packer::pack_run(std::string_view run, std::string& skeleton, std::string& bits) {
  bool hex = false;
  for (size_t at = 0; at < run.size();) {
    const auto end = std::min(run.find('/', at), run.size());
    const auto piece = run.substr(at, end - at);
    hex = hex || (piece.size() >= kProbe && mark_of(piece) == kHex);
    at = end + 1;
  }
  if (!hex) {
    if (!pack_piece(run, skeleton, bits)) skeleton += run;
    return;
  }
  for (size_t at = 0; at < run.size();) {
    const auto end = std::min(run.find('/', at), run.size());
    const auto piece = run.substr(at, end - at);
    if (!pack_piece(piece, skeleton, bits)) skeleton += piece;
    if (end < run.size()) skeleton.push_back('/');
    at = end + 1;
  }
}

void Packer::pack(std::string_view record, std::string& skeleton, std::string& bits) {
  size_t done = 0;
  for (size_t probe = kProbe - 1; probe < record.size(); probe += kProbe) {
    if (!is_of_run(record[probe])) continue;
    auto begin = probe;
    while (begin > done && is_of_run(record[begin - 1])) --begin;
    auto end = probe + 1;
    while (end < record.size() && is_of_run(record[end])) ++end;
    if (end - begin < kProbe) continue;
    append_as_is(record.substr(done, begin - done), skeleton);
    if (end - begin == kProbe && record.size() - begin >= kUuidLength &&
        is_uuid(record.substr(begin, kUuidLength))) {
      skeleton.push_back(kUuid);
      for (size_t at = begin; at < begin + kUuidLength; at += record[at] == '-' ? 1 : 2) {
        if (record[at] != '-') append_bits(record.substr(at, 2), kUuid, bits);
      }
      done = begin + kUuidLength;
    } else {
      pack_run(record.substr(begin, end - begin), skeleton, bits);
      done = end;
    }
    probe = std::max(probe, done - 1);
  }
  append_as_is(record.substr(done), skeleton);
}

bool unpack(std::string_view skeleton, std::string_view bits, size_t bytes_max,
            std::string& record) {
  const auto limit = record.size() + bytes_max;
  for (size_t at = 0; at < skeleton.size();) {
    const auto next = std::min(
        skeleton.size(),
        static_cast<size_t>(std::find_if(skeleton.begin() + static_cast<std::ptrdiff_t>(at),
                                         skeleton.end(),
                                         [](char c) { return static_cast<uint8_t>(c) < kMarks; }) -
                            skeleton.begin()));
    record += skeleton.substr(at, next - at);
    at = next;
    if (record.size() > limit) return false;
    if (at == skeleton.size()) break;
    const auto mark = static_cast<Mark>(skeleton[at++]);
    if (mark == kUuid) {
      if (bits.size() < kUuidBytes) return false;
      for (const size_t group : {4UL, 2UL, 2UL, 2UL, 6UL}) {
        append_text(bits.substr(0, group), mark, group * 2, record);
        if (group < 6) record.push_back('-');
        bits.remove_prefix(group);
      }
      continue;
    }
    if (at == skeleton.size()) return false;
    if (mark == kAsIs) {
      record.push_back(skeleton[at++]);
      continue;
    }
    const auto length = static_cast<uint8_t>(skeleton[at++]);
    const auto bytes = packed_bytes(mark, length);
    if (bits.size() < bytes) return false;
    append_text(bits.substr(0, bytes), mark, length, record);
    bits.remove_prefix(bytes);
  }
  return bits.empty() && record.size() <= limit;
}

}  // namespace traccia::history
