// Parsing and matching principals.
// SPDX-License-Identifier: Apache-2.0
#include "policy/principal_pattern.h"

#include <algorithm>

#include "policy/pattern.h"

namespace traccia::policy {
namespace {

bool all_of(std::string_view text, bool (*is)(char)) {
  return std::ranges::all_of(text, is);
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_account(std::string_view text) {
  return text.size() == 12 && all_of(text, is_digit);
}

bool is_domain(std::string_view text) {
  return text.contains('.') && !text.starts_with('.') && !text.ends_with('.') &&
         all_of(text, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
         });
}

bool is_service(std::string_view text) {
  return is_domain(text) && (text.ends_with(".amazonaws.com") ||
                             text.ends_with(".amazonaws.com.cn") || text.ends_with(".amazon.com"));
}

// AIDA (users) and AROA (roles), then letters and digits.
bool is_unique_id(std::string_view text) {
  return (text.starts_with("AIDA") || text.starts_with("AROA")) && text.size() >= 16 &&
         text.size() <= 128 &&
         all_of(text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

bool is_partition(std::string_view text) {
  return text == "aws" || text.starts_with("aws-");
}

// The six parts of an ARN of a principal: no region, a real account, a name without wildcards.
bool is_principal_arn(const std::vector<std::string_view>& parts) {
  if (parts.size() != ArnPattern::kParts || parts[0] != "arn" || !is_partition(parts[1]) ||
      !parts[3].empty() || !is_account(parts[4])) {
    return false;
  }
  const auto resource = parts[5];
  return all_of(resource, [](char c) { return c > ' ' && c < 127 && c != '*' && c != '?'; }) &&
         !resource.ends_with('/') && !resource.contains("//");
}

}  // namespace

std::optional<PrincipalPattern> PrincipalPattern::parse(std::string_view type,
                                                        std::string_view text) {
  const auto parts = split_arn(text, {});
  if (type == "AWS") {
    if (text == "*") return PrincipalPattern(Kind::Everyone, text);
    if (is_account(text)) return PrincipalPattern(Kind::Account, text);
    if (is_unique_id(text)) return PrincipalPattern(Kind::UniqueId, text);
    if (!is_principal_arn(parts)) return {};
    const auto service = parts[2], resource = parts[5];
    if (service == "iam" && resource == "root") return PrincipalPattern(Kind::Account, parts[4]);
    const bool iam =
        service == "iam" && (resource.starts_with("user/") || resource.starts_with("role/"));
    const bool sts =
        service == "sts" &&
        ((resource.starts_with("assumed-role/") && std::ranges::count(resource, '/') == 2) ||
         resource.starts_with("federated-user/"));
    if (iam || sts) return PrincipalPattern(Kind::Arn, text);
    return {};
  }
  if (type == "Service") {
    if (is_service(text)) return PrincipalPattern(Kind::Service, text);
    return {};
  }
  if (type == "Federated") {
    const bool provider =
        is_principal_arn(parts) && parts[2] == "iam" &&
        (parts[5].starts_with("saml-provider/") || parts[5].starts_with("oidc-provider/"));
    if (provider || is_domain(text)) return PrincipalPattern(Kind::Federated, text);
    return {};
  }
  const bool hex = all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
  if (type == "CanonicalUser" && text.size() == 64 && hex) {
    return PrincipalPattern(Kind::CanonicalUser, text);
  }
  return {};
}

Grant PrincipalPattern::matches(const Principal& principal) const {
  // The account's own root user is what the account's entry names.
  const auto account = principal.kind == PrincipalKind::Root ? Grant::Direct : Grant::Account;
  switch (kind_) {
    case Kind::Everyone:
      return Grant::Direct;
    case Kind::Account:
      return principal.account == value_ ? account : Grant::None;
    case Kind::CanonicalUser:
      return principal.canonical_id == value_ ? account : Grant::None;
    case Kind::Arn:
      if (principal.arn == value_) return Grant::Direct;
      return principal.issuer_arn == value_ ? Grant::Issuer : Grant::None;
    case Kind::UniqueId: {
      const std::string_view id = principal.unique_id;
      if (id == value_) return Grant::Direct;
      const bool session = id.size() > value_.size() && id[value_.size()] == ':';
      return session && id.starts_with(value_) ? Grant::Issuer : Grant::None;
    }
    case Kind::Service:
      return std::ranges::find(principal.services, value_) != principal.services.end()
                 ? Grant::Direct
                 : Grant::None;
    case Kind::Federated:
      return principal.kind == PrincipalKind::Federated && principal.provider == value_
                 ? Grant::Direct
                 : Grant::None;
  }
  return Grant::None;
}

Grant matches_principal(const std::vector<PrincipalPattern>& patterns, const Principal& principal) {
  auto best = Grant::None;
  for (const auto& pattern : patterns) best = std::max(best, pattern.matches(principal));
  return best;
}

bool spares(const std::vector<PrincipalPattern>& not_principals, const Principal& principal) {
  bool account = principal.account.empty(), issuer = principal.issuer_arn.empty(), self = false;
  for (const auto& pattern : not_principals) {
    if (pattern.kind() == PrincipalPattern::Kind::Everyone) return true;
    const auto grant = pattern.matches(principal);
    const bool names_account = pattern.kind() == PrincipalPattern::Kind::Account ||
                               pattern.kind() == PrincipalPattern::Kind::CanonicalUser;
    account |= names_account && grant != Grant::None;
    issuer |= grant == Grant::Issuer;
    self |= grant == Grant::Direct;
  }
  return account && issuer && self;
}

}  // namespace traccia::policy
