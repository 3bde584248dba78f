// STS GetCallerIdentity.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/operation_call.h"

namespace traccia::api {
namespace {

using aws::kString;
constexpr aws::Member kOutput[] = {{"UserId", &kString}, {"Account", &kString}, {"Arn", &kString}};
constexpr aws::Shape kAnswer = aws::structure_shape(kOutput);
constexpr aws::Operation kGetCallerIdentity{.service = "sts",
                                            .event_source = "sts.amazonaws.com",
                                            .name = "GetCallerIdentity",
                                            .protocol = aws::Protocol::Query,
                                            .api_version = "2011-06-15",
                                            .read_only = true,
                                            .iam_action = "sts:GetCallerIdentity",
                                            .output = &kAnswer};

Result<json::Object> get_caller_identity(Call& call) {
  const auto& principal = call.caller.principal;
  return json::Object{{"UserId", principal.principal_id},
                      {"Account", principal.account_id},
                      {"Arn", principal.arn}};
}

}  // namespace

std::span<const Binding> sts_bindings() {
  static const std::array bindings{Binding{&kGetCallerIdentity, get_caller_identity}};
  return bindings;
}

}  // namespace traccia::api
