// Decides who may do what.
// SPDX-License-Identifier: Apache-2.0
#include "api/authoriser.h"

#include <fmt/format.h>

namespace traccia::api {
namespace {

constexpr std::string_view kS3ArnPrefix = "arn:aws:s3:::";

std::unexpected<Error> denied(const AccessRequest& request) {
  const auto& who =
      request.principal.arn.empty() ? request.principal.service : request.principal.arn;
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              fmt::format("User: {} is not authorized to perform: {} on resource: {} because no "
                          "identity-based policy allows the {} action",
                          who, request.action, request.resource, request.action));
}

}  // namespace

Result<> Authoriser::authorise(meta::Transaction& transaction, const AccessRequest& request) {
  const bool service = request.principal.type == identity::PrincipalType::AwsService;
  if (!service && !request.principal.administrator &&
      request.principal.type != identity::PrincipalType::Root) {
    return denied(request);
  }
  if (!request.resource.starts_with(kS3ArnPrefix) || request.action == "s3:CreateBucket") return {};
  const auto name = request.resource.substr(kS3ArnPrefix.size());
  TRY_ASSIGN(const auto bucket, s3_.get_bucket(transaction, name.substr(0, name.find('/'))));
  if (!service && bucket.owner_account != request.principal.account_id) return denied(request);
  return {};
}

Result<> Authoriser::authorise_history(meta::Transaction& transaction, identity::Identity& identity,
                                       const AccessRequest& request,
                                       std::optional<std::string_view> account) {
  if (account == request.principal.account_id) return {};
  TRY_ASSIGN(const auto management, identity.management_account(transaction));
  if (request.principal.account_id != management) return denied(request);
  return {};
}

}  // namespace traccia::api
