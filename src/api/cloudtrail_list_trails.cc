// CloudTrail ListTrails: every trail of the account, whatever the region, in pages by ARN.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr size_t kPageMax = 100;

constexpr Member kInput[] = {{"NextToken", &kString}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kEntryMembers[] = {
    {"TrailARN", &kString}, {"Name", &kString}, {"HomeRegion", &kString}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kOutput[] = {{"Trails", &kEntries}, {"NextToken", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "ListTrails",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:ListTrails",
                                    .input = &kRequest,
                                    .output = &kAnswer};

// The token is the ARN of the last trail given.
Result<json::Object> run(Call& call) {
  const auto after = get_string(call.input, "NextToken");
  TRY_ASSIGN(const auto trails,
             call.services.trails.list(call.transaction, call.caller.principal.account_id));
  json::Array list;
  std::string last;
  bool more = false;
  for (const auto& [config, started, stopped] : trails) {
    if (config.arn <= after) continue;
    if (list.size() == kPageMax) {
      more = true;
      break;
    }
    list.push_back(json::Object{
        {"TrailARN", config.arn}, {"Name", config.name}, {"HomeRegion", config.home_region}});
    last = config.arn;
  }
  json::Object out{{"Trails", std::move(list)}};
  if (more) out["NextToken"] = last;
  return out;
}

}  // namespace

const Binding kListTrails{&kOperation, run};

}  // namespace traccia::api::cloudtrail
