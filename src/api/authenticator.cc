// Finds the key, verifies the signature, looks at its scope.
// SPDX-License-Identifier: Apache-2.0
#include "api/authenticator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/service_table.h"

namespace traccia::api {

Result<Authenticated> Authenticator::authenticate(http::Request& request) {
  TRY_ASSIGN(auto authorization, aws::parse_authorization(request));
  TRY_ASSIGN(const auto key, keys_.find(database_, identity_, authorization.access_key_id,
                                        authorization.session_token));
  if (!key) {
    // S3 tells a bad token from a bad key; the other services do not ("Error responses").
    return fail(ErrorCode::PermissionDenied,
                authorization.session_token.empty() ? "UnknownAccessKey" : "UnknownSessionToken",
                "the access key is unknown, inactive, or used with a session token it does not "
                "have");
  }
  aws::VerifyOptions options;
  options.keys = &signing_keys_;
  const auto now = clock_.now();
  TRY(aws::verify(request, authorization, key->secret_access_key, now, options));
  if (key->expires && *key->expires <= now) {
    return fail(ErrorCode::PermissionDenied, "ExpiredToken",
                "The security token included in the request is expired");
  }
  auto& scope = authorization.scope;
  if (find_service(scope.service) == nullptr) {
    return fail(ErrorCode::InvalidArgument, "UnknownOperationException",
                fmt::format("This server has no service '{}' yet.", scope.service));
  }
  if (scope.service != "s3" && std::ranges::find(regions_, scope.region) == regions_.end()) {
    return fail(ErrorCode::PermissionDenied, "InvalidRegion",
                fmt::format("Credential should be scoped to a valid region, not '{}'. This server "
                            "serves: {}",
                            scope.region, fmt::join(regions_, ", ")));
  }
  identity_.note_use(key->principal, scope.service, scope.region);
  return Authenticated{key->principal, std::move(scope)};
}

}  // namespace traccia::api
