// S3's test of policies that are public.
// SPDX-License-Identifier: Apache-2.0
#include "policy/public.h"

#include <algorithm>

namespace traccia::policy {
namespace {

// Keys that say who asks, or from where; in lower case.
constexpr std::string_view kNarrowingKeys[] = {"aws:principalaccount",
                                               "aws:principalarn",
                                               "aws:principalorgid",
                                               "aws:principalorgpaths",
                                               "aws:sourceaccount",
                                               "aws:sourcearn",
                                               "aws:sourceip",
                                               "aws:sourceorgid",
                                               "aws:sourceorgpaths",
                                               "aws:sourceowner",
                                               "aws:sourcevpc",
                                               "aws:sourcevpce",
                                               "aws:userid",
                                               "s3:dataaccesspointaccount",
                                               "s3:dataaccesspointarn",
                                               "s3:x-amz-server-side-encryption-aws-kms-key-id"};
constexpr uint8_t kMappedBits = 96;  // IPv4 in its mapped form
constexpr uint8_t kIpv4BitsMin = 8;
constexpr uint8_t kIpv6BitsMin = 32;

bool narrow_range(std::string_view text) {
  const auto range = parse_range(text);
  if (!range) return false;
  const bool ipv6 = text.contains(':');
  return range->prefix_bits >= (ipv6 ? kIpv6BitsMin : kMappedBits + kIpv4BitsMin);
}

bool is_fixed(const Condition& condition) {
  const auto& op = condition.op();
  const auto every = [&](auto&& fixed) { return std::ranges::all_of(condition.values(), fixed); };
  switch (op.test) {
    case Test::IpAddress:
      return every(narrow_range);
    case Test::StringEquals:
    case Test::StringEqualsIgnoreCase:
      return every([](std::string_view text) { return !text.contains("${"); });
    case Test::StringLike:
    case Test::ArnLike:
      return every([](std::string_view text) {
        return !text.contains("${") && text.find_first_of("*?") == text.npos;
      });
    default:
      return false;
  }
}

// Such a condition must be met by every caller: what an absent key meets does not narrow.
bool narrows(const Condition& condition) {
  const auto& op = condition.op();
  if (op.negated || op.if_exists || op.quantifier == Quantifier::AllValues) return false;
  const auto key = to_lower(condition.key());
  return std::ranges::find(kNarrowingKeys, key) != std::end(kNarrowingKeys) && is_fixed(condition);
}

}  // namespace

bool is_public(const Document& document) {
  return std::ranges::any_of(document.statements, [](const Statement& statement) {
    if (statement.effect != Effect::Allow) return false;
    const bool everybody =
        statement.not_principal ||
        std::ranges::any_of(statement.principals, [](const PrincipalPattern& one) {
          return one.kind() == PrincipalPattern::Kind::Everyone;
        });
    return everybody && std::ranges::none_of(statement.conditions, narrows);
  });
}

}  // namespace traccia::policy
