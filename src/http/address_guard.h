// Which addresses this server connects to when somebody else chose the URL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct sockaddr;

namespace traccia::http {

// Refuses what is not a public unicast address: loopback, private, link-local, shared, reserved,
// documentation and multicast ranges ("IANA IPv4 / IPv6 Special-Purpose Address Registry"), also
// where IPv6 carries such an IPv4 address; unless a range was allowed. Immutable.
class AddressGuard {
 public:
  AddressGuard() = default;
  // Ranges as "10.1.0.0/16", "fd00::/8", "127.0.0.1". InvalidArgument names one that is neither.
  static Result<AddressGuard> parse(const std::vector<std::string>& allowed);

  bool admits(const sockaddr& address) const;
  // For tests and messages: an address in its text form.
  bool admits_text(std::string_view address) const;

 private:
  struct Range {
    std::array<uint8_t, 16> base = {};  // IPv4 as ::ffff:a.b.c.d
    unsigned bits = 0;
  };

  std::vector<Range> allowed_;
};

}  // namespace traccia::http
