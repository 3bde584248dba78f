// Addresses are compared as 16 bytes; IPv4 as its mapped form.
// SPDX-License-Identifier: Apache-2.0
#include "http/address_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>
#include <string>

namespace traccia::http {
namespace {

using Bytes = std::array<uint8_t, 16>;

constexpr unsigned kMappedBits = 96;

Bytes mapped(std::span<const uint8_t, 4> address) {
  Bytes out{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  std::ranges::copy(address, out.begin() + 12);
  return out;
}

std::optional<Bytes> bytes_of(const sockaddr& address) {
  Bytes out{};
  if (address.sa_family == AF_INET) {
    std::array<uint8_t, 4> raw{};
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(raw.data(), &in.sin_addr, raw.size());
    return mapped(raw);
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
  std::memcpy(out.data(), &in.sin6_addr, out.size());
  return out;
}

std::optional<Bytes> parse_address(std::string_view text, bool* is_v4 = nullptr) {
  const std::string copy(text);
  std::array<uint8_t, 4> four{};
  Bytes sixteen{};
  if (inet_pton(AF_INET, copy.c_str(), four.data()) == 1) {
    if (is_v4 != nullptr) *is_v4 = true;
    return mapped(four);
  }
  if (inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return sixteen;
  return std::nullopt;
}

bool in_range(const Bytes& address, const Bytes& base, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(base.begin(), base.begin() + whole, address.begin())) return false;
  if (rest == 0) return true;
  const unsigned mask = 0xFF00U >> rest & 0xFFU;
  return (base[whole] & mask) == (address[whole] & mask);
}

struct Known {
  std::string_view base;
  unsigned bits;  // of IPv4: of its 32
};

constexpr Known kReserved4[] = {{"0.0.0.0", 8},      {"10.0.0.0", 8},     {"100.64.0.0", 10},
                                {"127.0.0.0", 8},    {"169.254.0.0", 16}, {"172.16.0.0", 12},
                                {"192.0.0.0", 24},   {"192.0.2.0", 24},   {"192.88.99.0", 24},
                                {"192.168.0.0", 16}, {"198.18.0.0", 15},  {"198.51.100.0", 24},
                                {"203.0.113.0", 24}, {"224.0.0.0", 4},    {"240.0.0.0", 4}};
// Within 2000::/3, which holds all that is routed.
constexpr Known kReserved6[] = {{"2001::", 23}, {"2001:db8::", 32}, {"3fff::", 20}};

bool in_known(const Bytes& address, const Known& known, unsigned more_bits) {
  const auto base = parse_address(known.base);
  return base && in_range(address, *base, known.bits + more_bits);
}

bool is_public(const Bytes& address);

// IPv4 in IPv6: translated (64:ff9b::/96) and 6to4 (2002::/16), where a gateway would unpack it.
std::optional<Bytes> embedded(const Bytes& address) {
  if (in_known(address, {"64:ff9b::", 96}, 0)) {
    return mapped(std::span<const uint8_t, 4>(address.data() + 12, 4));
  }
  if (in_known(address, {"2002::", 16}, 0)) {
    return mapped(std::span<const uint8_t, 4>(address.data() + 2, 4));
  }
  return std::nullopt;
}

bool is_public(const Bytes& address) {
  const auto reserved = [&](const auto& ranges, unsigned more_bits) {
    return std::ranges::any_of(ranges,
                               [&](const auto& one) { return in_known(address, one, more_bits); });
  };
  if (in_known(address, {"0.0.0.0", 0}, kMappedBits)) return !reserved(kReserved4, kMappedBits);
  if (const auto inner = embedded(address)) return is_public(*inner);
  return in_known(address, {"2000::", 3}, 0) && !reserved(kReserved6, 0);
}

}  // namespace

Result<AddressGuard> AddressGuard::parse(const std::vector<std::string>& allowed) {
  AddressGuard guard;
  for (const auto& text : allowed) {
    const auto slash = std::min(text.find('/'), text.size());
    bool is_v4 = false;
    const auto base = parse_address(std::string_view(text).substr(0, slash), &is_v4);
    const unsigned bits_max = is_v4 ? 32 : 128;
    unsigned bits = bits_max;
    bool good = base.has_value();
    if (good && slash < text.size()) {
      const auto* end = text.data() + text.size();
      const auto parsed = std::from_chars(text.data() + slash + 1, end, bits);
      good = parsed.ec == std::errc() && parsed.ptr == end && bits <= bits_max;
    }
    if (!good) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("'{}' is neither an address nor a range such as 10.1.0.0/16", text));
    }
    guard.allowed_.push_back({*base, is_v4 ? bits + kMappedBits : bits});
  }
  return guard;
}

bool AddressGuard::admits(const sockaddr& address) const {
  const auto bytes = bytes_of(address);
  if (!bytes) return false;
  return is_public(*bytes) || std::ranges::any_of(allowed_, [&](const Range& range) {
           return in_range(*bytes, range.base, range.bits);
         });
}

bool AddressGuard::admits_text(std::string_view address) const {
  const auto bytes = parse_address(address);
  if (!bytes) return false;
  return is_public(*bytes) || std::ranges::any_of(allowed_, [&](const Range& range) {
           return in_range(*bytes, range.base, range.bits);
         });
}

}  // namespace traccia::http
