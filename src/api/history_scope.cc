// Reads and authorises the scope of operations on the event history.
// SPDX-License-Identifier: Apache-2.0
#include "api/history_scope.h"

#include <fmt/format.h>

namespace traccia::api {
namespace {

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::InvalidArgument, "ValidationException", std::move(message));
}

}  // namespace

Result<HistoryScope> authorise_scope(Call& call, std::string_view action) {
  const auto& principal = call.caller.principal;
  HistoryScope scope;
  scope.account = optional_string(call.input, "AccountId").value_or(principal.account_id);
  if (*scope.account != kEvery && !identity::valid_account_id(*scope.account)) {
    return refuse("AccountId must be 12 digits, or all.");
  }
  if (*scope.account == kEvery) scope.account.reset();
  TRY(call.services.authoriser.authorise_account(call.transaction, {call.caller, action, "*"},
                                                 scope.account));
  scope.region = optional_string(call.input, "Region").value_or(call.caller.region);
  if (*scope.region == kEvery) {
    scope.region.reset();
  } else if (!call.services.serves_region(*scope.region)) {
    return refuse(fmt::format("Region '{}' is not one that this server serves: {}, or all.",
                              scope.region->substr(0, 64), fmt::join(call.services.regions, ", ")));
  }
  TRY_ASSIGN(scope.expression, history::parse_expression(get_string(call.input, "Expression")));
  return scope;
}

}  // namespace traccia::api
