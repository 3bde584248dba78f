// Numbers, dates, addresses: the values that conditions compare other than as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace traccia::policy {

// A decimal number. Whole numbers of 64 bits compare exactly, others as doubles.
struct Number {
  bool whole = true;
  int64_t integer = 0;
  double real = 0;
};
// "7", "-0.5", "1e3"; nullopt for anything else, infinities too.
std::optional<Number> parse_number(std::string_view text);
std::partial_ordering compare(const Number& a, const Number& b);

struct Date {
  int64_t seconds = 0;  // since 1970-01-01T00:00:00Z
  uint32_t nanoseconds = 0;
  auto operator<=>(const Date&) const = default;
};
// YYYY-MM, YYYY-MM-DD, YYYY-MM-DDTHH:MM(:SS(.fraction))(Z|±HH:MM|±HHMM) as the W3C's profile
// of ISO 8601 has them, or seconds since 1970. A text with neither `-` nor `T` is seconds. The
// calendar date must exist.
std::optional<Date> parse_date(std::string_view text);

// An IPv4 or IPv6 address; IPv4 in its mapped form (::ffff:a.b.c.d), so that both notations meet.
struct Address {
  std::array<uint8_t, 16> bytes{};
  bool operator==(const Address&) const = default;
};
std::optional<Address> parse_address(std::string_view text);

struct AddressRange {
  Address address;
  uint8_t prefix_bits = 128;  // of the 128
};
// "203.0.113.0/24", "2001:db8::/32", or a single address. Bits behind the prefix may be set.
std::optional<AddressRange> parse_range(std::string_view text);
bool contains(const AddressRange& range, const Address& address);

}  // namespace traccia::policy
