// Random runs hold figures, which words seldom do: only what is around figures is looked at.
// SPDX-License-Identifier: Apache-2.0
#include "history/packing.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace traccia::history {
namespace {

// Marks. Records are JSON and hardly ever hold such bytes; where one does, kAsIs precedes it.
enum Mark : uint8_t { kAsIs = 0, kUuid = 1, kHex = 2, kBase32 = 3, kBase64 = 4, kMarks = 5 };
static_assert(kMarks == CharMap::kMarkBytes);

constexpr size_t kRunMin = CharMap::kRunMin;
constexpr size_t kBase32RunMin = 16;  // words in capitals are shorter
constexpr size_t kBase64RunMin = 16;
constexpr size_t kRunMax = 255;  // its length is one byte
constexpr size_t kUuidLength = 36;
constexpr size_t kUuidBytes = 16;
constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
// Of the places of a UUID, those of hex digits.
constexpr uint64_t kUuidHex = 0xf'ff7b'deff;

constexpr std::string_view kAlphabets[] = {
    "", "0123456789abcdef", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
constexpr unsigned kBits[] = {0, 4, 4, 5, 6};

struct Tables {
  uint8_t digit[kMarks][256] = {};
};
constexpr Tables make_tables() {
  Tables out;
  for (size_t mark = kUuid; mark < kMarks; ++mark) {
    for (size_t i = 0; i < kAlphabets[mark].size(); ++i) {
      out.digit[mark][static_cast<uint8_t>(kAlphabets[mark][i])] = static_cast<uint8_t>(i);
    }
  }
  return out;
}
constexpr Tables kTables = make_tables();

// Of eight hex digits four bytes, the first digit in the highest bits.
void append_eight_hex(const char* digits, char* out) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word = 0;
  std::memcpy(&word, digits, sizeof word);
  word = (word & 0x0f0f0f0f0f0f0f0f) + 9 * (word >> 6 & 0x0101010101010101);
  word = (word << 4 | word >> 8) & 0x00ff00ff00ff00ff;
  word = (word | word >> 8) & 0x0000ffff0000ffff;
  word = word | word >> 16;
  std::memcpy(out, &word, 4);
}

// At most kRunMax characters.
void append_bits(std::string_view text, Mark mark, std::string& bits) {
  std::array<char, kRunMax> out;
  size_t size = 0;
  for (; mark == kHex && text.size() >= 8; text.remove_prefix(8), size += 4) {
    append_eight_hex(text.data(), out.data() + size);
  }
  uint32_t held = 0;
  unsigned count = 0;
  for (const char c : text) {
    held = held << kBits[mark] | kTables.digit[mark][static_cast<uint8_t>(c)];
    count += kBits[mark];
    if (count < 8) continue;
    count -= 8;
    out[size++] = static_cast<char>(held >> count);
  }
  if (count > 0) out[size++] = static_cast<char>(held << (8 - count));
  bits.append(out.data(), size);
}

void append_uuid_bits(std::string_view uuid, std::string& bits) {
  std::array<char, kUuidBytes * 2> digits;
  size_t size = 0;
  for (const char c : uuid) {
    if (c != '-') digits[size++] = c;
  }
  append_bits({digits.data(), size}, kHex, bits);
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

// What of its alphabets a run is packed by; kAsIs when it looks like words.
Mark mark_of(const CharMap& map, size_t begin, size_t end) {
  const auto size = end - begin;
  if (size < kRunMin) return kAsIs;
  if (!map.any(CharMap::Digit, begin, end) || map.all(CharMap::Digit, begin, end)) return kAsIs;
  if (map.all(CharMap::HexDigit, begin, end)) return kHex;
  if (size >= kBase32RunMin && map.all(CharMap::Base32, begin, end)) return kBase32;
  if (size >= kBase64RunMin && map.changes(begin, end) * 3 > size) return kBase64;
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

void Packer::copy_until(size_t end) {
  const auto text = record_.substr(copied_, end - copied_);
  if (!has_marks_) {
    *skeleton_ += text;
  } else {
    for (const char c : text) {
      if (static_cast<uint8_t>(c) < kMarks) skeleton_->push_back(kAsIs);
      skeleton_->push_back(c);
    }
  }
  copied_ = end;
}

void Packer::pack_piece(size_t begin, size_t end) {
  const auto mark = mark_of(map_, begin, end);
  auto piece = record_.substr(begin, end - begin);
  if (mark == kAsIs || is_recurring(piece)) return;
  copy_until(begin);
  for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), kRunMax))) {
    const auto part = piece.substr(0, kRunMax);
    skeleton_->push_back(static_cast<char>(mark));
    skeleton_->push_back(static_cast<char>(part.size()));
    append_bits(part, mark, *bits_);
  }
  copied_ = end;
}

// A path holds its ids between slashes, which base64 has too.
void Packer::pack_run(size_t begin, size_t end) {
  const auto up_to_end = record_.substr(0, end);
  const auto end_of_piece = [&](size_t at) { return std::min(up_to_end.find('/', at), end); };
  const auto first_end = end_of_piece(begin);
  if (first_end == end) return pack_piece(begin, end);
  bool hex = false;
  for (auto at = begin; at < end && !hex; at = end_of_piece(at) + 1) {
    hex = mark_of(map_, at, end_of_piece(at)) == kHex;
  }
  if (!hex) return pack_piece(begin, end);
  for (auto at = begin; at < end; at = end_of_piece(at) + 1) pack_piece(at, end_of_piece(at));
}

bool Packer::is_uuid(size_t begin, size_t run_end) const {
  if (run_end - begin != kUuidDashes[0] || record_.size() - begin < kUuidLength) return false;
  if ((map_.window(CharMap::HexDigit, begin) & kUuidHex) != kUuidHex) return false;
  return std::ranges::all_of(kUuidDashes,
                             [&](size_t place) { return record_[begin + place] == '-'; });
}

void Packer::pack(std::string_view record, std::string& skeleton, std::string& bits) {
  map_.read(record);
  record_ = record;
  skeleton_ = &skeleton;
  bits_ = &bits;
  copied_ = 0;
  has_marks_ = map_.any(CharMap::Mark, 0, record.size());
  size_t done = 0;
  for (size_t at = map_.next_in(CharMap::RunDigit, 0); at < record.size();
       at = map_.next_in(CharMap::RunDigit, done)) {
    const auto begin = std::max(done, map_.begin_of(CharMap::Run, at));
    done = map_.next_not_in(CharMap::Run, at);
    if (is_uuid(begin, done)) {
      copy_until(begin);
      skeleton.push_back(kUuid);
      append_uuid_bits(record.substr(begin, kUuidLength), bits);
      copied_ = done = begin + kUuidLength;
    } else if (done - begin >= kRunMin) {
      pack_run(begin, done);
    }
  }
  copy_until(record.size());
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
