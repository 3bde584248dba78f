// Renders keys of log files.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/keys.h"

#include <fmt/format.h>

#include "crypto/crypto.h"

namespace traccia::delivery {

std::string unique_part(const ChainId& chain, uint64_t first_sequence, uint64_t last_sequence) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const auto hash = crypto::sha256(fmt::format("log file\n{}\n{}\n{}\n{}\n{}\n{}", chain.trail_arn,
                                               to_unix_nanoseconds(chain.created), chain.account,
                                               chain.region, first_sequence, last_sequence));
  // Sixteen digits of base 62 out of the hash as one big number, least significant first.
  std::string number(hash);
  std::string out;
  for (int digit = 0; digit < 16; ++digit) {
    unsigned remainder = 0;
    for (auto& byte : number) {
      const unsigned value = remainder * 256 + static_cast<unsigned char>(byte);
      byte = static_cast<char>(value / kAlphabet.size());
      remainder = static_cast<unsigned>(value % kAlphabet.size());
    }
    out.push_back(kAlphabet[remainder]);
  }
  return out;
}

std::string log_file_key(std::string_view prefix, const ChainId& chain, Time minute,
                         std::string_view unique) {
  return fmt::format("{}{}AWSLogs/{}/CloudTrail/{}/{}/{}_CloudTrail_{}_{}_{}.json.gz", prefix,
                     prefix.empty() ? "" : "/", chain.account, chain.region,
                     format_date_path(minute), chain.account, chain.region,
                     format_basic_minutes(minute), unique);
}

}  // namespace traccia::delivery
