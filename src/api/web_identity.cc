// Tokens become principals.
// SPDX-License-Identifier: Apache-2.0
#include "api/web_identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "oidc/issuers.h"
#include "oidc/jwt.h"

namespace traccia::api {
namespace {

// Clocks of issuers are not ours.
constexpr std::chrono::seconds kSkewMax{300};

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidIdentityToken", std::move(message));
}

Result<> check_times(const oidc::Claims& claims, Time now) {
  if (claims.expires <= now) {
    return fail(ErrorCode::InvalidArgument, "ExpiredTokenException",
                fmt::format("Token expired: current date/time {} must be before the expiration "
                            "date/time {}",
                            to_unix_seconds(now), to_unix_seconds(claims.expires)));
  }
  const bool early =
      claims.issued > now + kSkewMax || (claims.not_before && *claims.not_before > now + kSkewMax);
  if (early) return invalid("The token is not valid yet.");
  return {};
}

// With an authorized party that one is the audience ("Available keys for AWS OIDC federation").
std::string_view audience_of(const oidc::Claims& claims, const identity::OidcProvider& provider) {
  const auto takes = [&](std::string_view id) {
    return std::ranges::find(provider.client_ids, id) != provider.client_ids.end();
  };
  if (!claims.authorized_party.empty()) {
    return takes(claims.authorized_party) ? std::string_view(claims.authorized_party)
                                          : std::string_view();
  }
  const auto at = std::ranges::find_if(claims.audiences, takes);
  return at == claims.audiences.end() ? std::string_view() : std::string_view(*at);
}

json::Object session_input(const oidc::Claims& claims) {
  json::Object out;
  if (!claims.principal_tags.empty()) {
    json::Array tags;
    for (const auto& [key, value] : claims.principal_tags) {
      tags.push_back(json::Object{{"Key", key}, {"Value", value}});
    }
    out["Tags"] = std::move(tags);
  }
  if (!claims.transitive_tag_keys.empty()) {
    out["TransitiveTagKeys"] =
        json::Array(claims.transitive_tag_keys.begin(), claims.transitive_tag_keys.end());
  }
  if (!claims.source_identity.empty()) out["SourceIdentity"] = claims.source_identity;
  return out;
}

identity::Principal make_principal(const identity::OidcProvider& provider,
                                   const oidc::Claims& claims, std::string_view audience) {
  auto web = std::make_shared<identity::WebIdentity>();
  web->provider_arn = provider.arn;
  web->subject = claims.subject;
  web->audience = audience;
  const auto key = [&](std::string_view name, std::string_view value) {
    web->keys.emplace_back(fmt::format("{}:{}", provider.url, name), value);
  };
  key("sub", claims.subject);
  key("aud", audience);
  if (!claims.authorized_party.empty()) {
    for (const auto& original : claims.audiences) key("oaud", original);
  }
  for (const auto& method : claims.methods) key("amr", method);
  web->session_input = session_input(claims);
  identity::Principal principal;
  principal.type = identity::PrincipalType::WebIdentity;
  principal.account_id = provider.account_id;
  principal.principal_id = fmt::format("{}:{}:{}", provider.arn, audience, claims.subject);
  principal.user_name = claims.subject;
  principal.web = std::move(web);
  return principal;
}

Result<identity::OidcProvider> find_provider(Services& services, const std::string& account,
                                             const std::string& issuer) {
  constexpr std::string_view kScheme = "https://";
  identity::OidcProvider provider;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    const auto url = issuer.starts_with(kScheme) ? issuer.substr(kScheme.size()) : issuer;
    auto found = services.identity.oidc().get(
        transaction, account, fmt::format("arn:aws:iam::{}:oidc-provider/{}", account, url));
    if (found) {
      provider = std::move(*found);
    } else if (found.error().reason() != "NoSuchEntity") {
      return std::unexpected(std::move(found).error());
    }
    return {};
  }));
  if (provider.arn.empty()) {
    return invalid(fmt::format("No OpenIDConnect provider found in your account for {}", issuer));
  }
  return provider;
}

}  // namespace

Result<identity::Principal> prove_web_identity(Services& services, const std::string& role_arn,
                                               const std::string& token) {
  const auto role = aws::parse_arn(role_arn);
  if (!role || role->service != "iam" || !role->resource.starts_with("role/")) {
    return fail(ErrorCode::InvalidArgument, "ValidationException", "Request ARN is invalid");
  }
  const auto decoded = oidc::decode_token(token);
  if (!decoded) return invalid("The ID Token provided is not a valid JWT.");
  const auto& claims = decoded->claims;
  TRY_ASSIGN(const auto provider, find_provider(services, role->account, claims.issuer));
  TRY(check_times(claims, services.identity.sessions().now()));
  const auto audience = audience_of(claims, provider);
  if (audience.empty()) return invalid("Incorrect token audience");
  const auto keys = services.issuers.keys_of(claims.issuer, decoded->key_id);
  if (!keys) {
    return fail(ErrorCode::Unavailable, "IDPCommunicationError",
                fmt::format("Couldn't retrieve verification key from your identity provider: {}",
                            keys.error().message()));
  }
  if (!(*keys)->verifies(*decoded)) {
    return invalid("Provided Token is not signed by a key of its issuer.");
  }
  return make_principal(provider, claims, audience);
}

}  // namespace traccia::api
