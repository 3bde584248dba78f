// CloudTrail GetTrail.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"Name", &kString, Presence::Required}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"Trail", &kTrail}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"TrailNotFoundException", "InvalidTrailNameException",
                                        "CloudTrailARNInvalidException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "GetTrail",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:GetTrail",
                                    .access = on_trail("Name"),
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(const auto trail, call.services.trails.get(call.transaction, call.scope(),
                                                        get_string(call.input, "Name")));
  return json::Object{{"Trail", render_trail(trail.config)}};
}
}  // namespace

const Binding kGetTrail{&kOperation, run};

}  // namespace traccia::api::cloudtrail
