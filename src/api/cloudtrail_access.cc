// Which trail a call is authorised on.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"

namespace traccia::api::cloudtrail {

Result<> resolve_trail(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  const auto scope = call.scope();
  Ask ask{.action = operation.iam_action,
          .resource = name.starts_with("arn:") ? std::string(name)
                                               : fmt::format("arn:aws:cloudtrail:{}:{}:trail/{}",
                                                             scope.region, scope.account, name)};
  if (operation.access.existence == aws::Existence::Existing) {
    auto& trails = call.services.trails;
    const auto found = trails.get(call.transaction, scope, name);
    if (found) {
      ask.resource = found->config.arn;  // of a shadow its home region's
      TRY_ASSIGN(const auto tags, trails.list_tags(call.transaction, scope, ask.resource));
      for (const auto& tag : tags) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    } else if (found.error().code() != ErrorCode::NotFound &&
               found.error().code() != ErrorCode::InvalidArgument) {
      return std::unexpected(found.error());
    }
  }
  asks.push_back(std::move(ask));
  return {};
}

}  // namespace traccia::api::cloudtrail
