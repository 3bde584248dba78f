// OpenID Connect providers in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/oidc_providers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "identity/sql.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kScheme = "https://";

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidInput", std::move(message));
}

// Host and path, nothing that would make it another server's: no user, port, query or fragment
// ("Obtain the thumbprint for an OpenID Connect identity provider" asks for https without a port;
// one is taken here, for issuers within a company).
bool is_provider_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return false;
  url.remove_prefix(kScheme.size());
  const auto host = url.substr(0, url.find('/'));
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:/%").find(c) != std::string_view::npos;
  };
  return !host.empty() && !host.starts_with(':') && !host.starts_with('.') &&
         std::ranges::all_of(url, good);
}

Result<> check_lists(const OidcProvider& provider) {
  if (provider.client_ids.size() > OidcProviders::kClientIdsMax) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {}",
                            OidcProviders::kClientIdsMax));
  }
  if (provider.thumbprints.size() > OidcProviders::kThumbprintsMax) {
    return invalid("Thumbprint list must contain fewer than 5 entries.");
  }
  for (const auto& thumbprint : provider.thumbprints) {
    if (thumbprint.find_first_not_of("0123456789abcdefABCDEF") != thumbprint.npos) {
      return invalid("Thumbprint list entries must be hexadecimal.");
    }
  }
  return {};
}

Result<std::vector<std::string>> read_items(meta::Transaction& transaction, std::string_view arn,
                                            std::string_view kind) {
  std::vector<std::string> out;
  TRY(transaction.query(
      "SELECT value FROM oidc_provider_items WHERE provider = ? AND kind = ? ORDER BY place",
      {arn, kind}, [&](const meta::Row& row) -> Result<> {
        out.push_back(row.text(0));
        return {};
      }));
  return out;
}

Result<> write_items(meta::Transaction& transaction, std::string_view arn, std::string_view kind,
                     const std::vector<std::string>& values) {
  int64_t place = 0;
  std::set<std::string_view> seen;
  for (const auto& value : values) {
    if (!seen.insert(value).second) continue;
    TRY(transaction.execute(
        "INSERT INTO oidc_provider_items (provider, kind, place, value) VALUES (?, ?, ?, ?)",
        {arn, kind, place++, value}));
  }
  return {};
}

}  // namespace

Result<OidcProvider> OidcProviders::create(meta::Transaction& transaction, OidcProvider wanted) {
  if (!is_provider_url(wanted.url)) {
    return invalid("Invalid Open ID Connect Provider URL");
  }
  wanted.url = wanted.url.substr(kScheme.size());
  wanted.arn = fmt::format("arn:aws:iam::{}:oidc-provider/{}", wanted.account_id, wanted.url);
  TRY(check_lists(wanted));
  TRY_ASSIGN(const bool there,
             has_rows(transaction, "SELECT 1 FROM oidc_providers WHERE arn = ?", {wanted.arn}));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
                fmt::format("Provider with url https://{} already exists.", wanted.url));
  }
  TRY_ASSIGN(const auto others,
             select_number(transaction, "SELECT count(*) FROM oidc_providers WHERE account = ?",
                           {wanted.account_id}));
  if (others >= kPerAccountMax) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for OpenIdConnectProvidersPerAccount: {}",
                            kPerAccountMax));
  }
  wanted.created = os_.clock.now();
  TRY(transaction.execute(
      "INSERT INTO oidc_providers (arn, account, url, created) VALUES (?, ?, ?, ?)",
      {wanted.arn, wanted.account_id, wanted.url, to_unix_nanoseconds(wanted.created)}));
  TRY(update(transaction, wanted));
  return wanted;
}

Result<OidcProvider> OidcProviders::get(meta::Transaction& transaction, std::string_view account_id,
                                        std::string_view arn) {
  OidcProvider found;
  TRY(transaction.query(
      "SELECT arn, account, url, created FROM oidc_providers WHERE arn = ? AND account = ?",
      {arn, account_id}, [&](const meta::Row& row) -> Result<> {
        found = {.arn = row.text(0),
                 .account_id = row.text(1),
                 .url = row.text(2),
                 .created = from_unix_nanoseconds(row.integer(3))};
        return {};
      }));
  if (found.arn.empty()) {
    return fail(ErrorCode::NotFound, "NoSuchEntity",
                fmt::format("OpenIDConnect Provider not found for arn {}", arn));
  }
  TRY_ASSIGN(found.client_ids, read_items(transaction, arn, "client"));
  TRY_ASSIGN(found.thumbprints, read_items(transaction, arn, "thumbprint"));
  return found;
}

Result<std::vector<std::string>> OidcProviders::list(meta::Transaction& transaction,
                                                     std::string_view account_id) {
  std::vector<std::string> arns;
  TRY(transaction.query("SELECT arn FROM oidc_providers WHERE account = ? ORDER BY arn",
                        {account_id}, [&](const meta::Row& row) -> Result<> {
                          arns.push_back(row.text(0));
                          return {};
                        }));
  return arns;
}

Result<> OidcProviders::remove(meta::Transaction& transaction, std::string_view account_id,
                               std::string_view arn) {
  TRY(transaction.execute(
      "DELETE FROM identity_tags WHERE owner IN (SELECT arn FROM oidc_providers WHERE arn = ? AND "
      "account = ?)",
      {arn, account_id}));
  TRY(transaction.execute("DELETE FROM oidc_providers WHERE arn = ? AND account = ?",
                          {arn, account_id}));
  return {};
}

Result<> OidcProviders::update(meta::Transaction& transaction, const OidcProvider& provider) {
  TRY(check_lists(provider));
  TRY(transaction.execute("DELETE FROM oidc_provider_items WHERE provider = ?", {provider.arn}));
  TRY(write_items(transaction, provider.arn, "client", provider.client_ids));
  return write_items(transaction, provider.arn, "thumbprint", provider.thumbprints);
}

}  // namespace traccia::identity
