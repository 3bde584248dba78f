// Parsing and comparing what conditions compare other than as text. Nothing here allocates.
// SPDX-License-Identifier: Apache-2.0
#include "policy/operand.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>

namespace traccia::policy {
namespace {

// Reads digits, at least `least` and at most `most`, off the front.
bool take_digits(std::string_view& text, size_t least, size_t most, int& value) {
  size_t count = 0;
  value = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9') {
    value = value * 10 + (text[count++] - '0');
  }
  text.remove_prefix(count);
  return count >= least;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

template <typename T>
bool whole_text(std::string_view text, T& value, int base = 10) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

bool take_zone(std::string_view& text, int64_t& seconds_east) {
  seconds_east = 0;
  if (take(text, 'Z') || take(text, 'z')) return true;
  const bool west = text.starts_with('-');
  if (!take(text, '-') && !take(text, '+')) return false;
  int hours = 0, minutes = 0;
  if (!take_digits(text, 2, 2, hours)) return false;
  if (!text.empty()) {
    take(text, ':');
    if (!take_digits(text, 2, 2, minutes)) return false;
  }
  if (hours > 23 || minutes > 59) return false;
  seconds_east = int64_t{hours} * 3600 + int64_t{minutes} * 60;
  if (west) seconds_east = -seconds_east;
  return true;
}

bool take_time_of_day(std::string_view& text, Date& date) {
  int hours = 0, minutes = 0, seconds = 0;
  if (!take_digits(text, 2, 2, hours) || !take(text, ':') || !take_digits(text, 2, 2, minutes)) {
    return false;
  }
  if (take(text, ':')) {
    if (!take_digits(text, 2, 2, seconds)) return false;
    if (take(text, '.')) {
      uint32_t scale = 100'000'000;
      size_t digits = 0;
      for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits, scale /= 10) {
        date.nanoseconds += static_cast<uint32_t>(text[0] - '0') * scale;
        text.remove_prefix(1);
      }
      if (digits == 0) return false;
    }
  }
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  date.seconds += hours * 3600 + minutes * 60 + seconds;
  return true;
}

bool parse_ipv4(std::string_view text, std::span<uint8_t, 4> out) {
  for (size_t i = 0; i < 4; ++i) {
    int value = 0;
    const auto digits = text.size();
    if ((i > 0 && !take(text, '.')) || !take_digits(text, 1, 3, value) || value > 255) return false;
    const bool leading_zero = value < 10 ? digits - text.size() - (i > 0 ? 1 : 0) > 1
                                         : value < 100 && digits - text.size() - (i > 0) > 2;
    if (leading_zero) return false;
    out[i] = static_cast<uint8_t>(value);
  }
  return text.empty();
}

// One side of `::`, or the whole of an address without it: groups of 16 bits, the last two of which
// may be an IPv4 address. Returns the bytes written, nullopt when malformed.
std::optional<size_t> parse_groups(std::string_view text, std::span<uint8_t, 16> out) {
  size_t used = 0;
  while (!text.empty()) {
    const auto group = text.substr(0, text.find(':'));
    if (group.contains('.')) {
      if (group.size() != text.size() || used > 12) return std::nullopt;
      if (!parse_ipv4(group, out.subspan(used).first<4>())) return std::nullopt;
      return used + 4;
    }
    uint16_t value = 0;
    if (used > 14 || group.size() > 4 || !whole_text(group, value, 16)) return std::nullopt;
    out[used++] = static_cast<uint8_t>(value >> 8);
    out[used++] = static_cast<uint8_t>(value & 255);
    text.remove_prefix(group.size());
    if (take(text, ':') && text.empty()) return std::nullopt;
  }
  return used;
}

bool parse_ipv6(std::string_view text, std::array<uint8_t, 16>& out) {
  const auto gap = text.find("::");
  std::array<uint8_t, 16> head{}, tail{};
  const auto head_bytes = parse_groups(text.substr(0, gap), head);
  if (!head_bytes) return false;
  out = head;
  if (gap == text.npos) return *head_bytes == 16;
  const auto tail_bytes = parse_groups(text.substr(gap + 2), tail);
  if (!tail_bytes || *head_bytes + *tail_bytes > 14) return false;
  std::copy_n(tail.begin(), *tail_bytes, out.end() - static_cast<std::ptrdiff_t>(*tail_bytes));
  return true;
}

}  // namespace

std::optional<Number> parse_number(std::string_view text) {
  Number out;
  if (whole_text(text, out.integer)) return out;
  out.whole = false;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out.real);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(out.real)) return {};
  return out;
}

std::partial_ordering compare(const Number& a, const Number& b) {
  if (a.whole && b.whole) return a.integer <=> b.integer;
  const auto real = [](const Number& number) {
    return number.whole ? static_cast<double>(number.integer) : number.real;
  };
  return real(a) <=> real(b);
}

std::optional<Date> parse_date(std::string_view text) {
  Date out;
  const bool epoch = text.find_first_of("-Tt") == text.npos;
  int year = 0, month = 1, day = 1;
  if (epoch) {
    // Four digits are a year in ISO 8601 and an early moment as seconds; AWS takes seconds.
    if (!text.empty() && whole_text(text, out.seconds) && out.seconds >= 0) return out;
    return {};
  }
  if (!take_digits(text, 4, 4, year)) return {};
  if (take(text, '-') && !take_digits(text, 2, 2, month)) return {};
  if (take(text, '-') && !take_digits(text, 2, 2, day)) return {};
  const std::chrono::year_month_day calendar(std::chrono::year(year),
                                             std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day)));
  if (!calendar.ok()) return {};
  const std::chrono::days days = std::chrono::sys_days(calendar).time_since_epoch();
  out.seconds = int64_t{days.count()} * 86'400;
  if (text.empty()) return out;
  int64_t seconds_east = 0;
  if (!take(text, 'T') && !take(text, 't')) return {};
  if (!take_time_of_day(text, out) || !take_zone(text, seconds_east) || !text.empty()) return {};
  out.seconds -= seconds_east;
  return out;
}

std::optional<Address> parse_address(std::string_view text) {
  Address out;
  if (!text.contains(':')) {
    out.bytes[10] = out.bytes[11] = 0xFF;
    if (!parse_ipv4(text, std::span(out.bytes).last<4>())) return {};
    return out;
  }
  if (!parse_ipv6(text, out.bytes)) return {};
  return out;
}

std::optional<AddressRange> parse_range(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return {};
  AddressRange out{*address, 128};
  if (slash == text.npos) return out;
  const bool ipv4 = !text.contains(':');
  unsigned bits = 0;
  if (!whole_text(text.substr(slash + 1), bits) || bits > (ipv4 ? 32U : 128U)) return {};
  out.prefix_bits = static_cast<uint8_t>(ipv4 ? bits + 96 : bits);
  return out;
}

bool contains(const AddressRange& range, const Address& address) {
  const size_t bytes = range.prefix_bits / 8, bits = range.prefix_bits % 8;
  const auto& a = range.address.bytes;
  const auto& b = address.bytes;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(bytes), b.begin())) {
    return false;
  }
  return bits == 0 || ((a[bytes] ^ b[bytes]) >> (8 - bits)) == 0;
}

}  // namespace traccia::policy
