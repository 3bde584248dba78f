// CloudTrail DescribeTrails: the one operation whose members start in lower case.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"trailNameList", &kStrings}, {"includeShadowTrails", &kBoolean}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"trailList", &kTrails}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"InvalidTrailNameException",
                                        "CloudTrailARNInvalidException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "DescribeTrails",
                                    .api_version = kVersion,
                                    .read_only = true,
                                    .iam_action = "cloudtrail:DescribeTrails",
                                    .input = &kRequest,
                                    .output = &kAnswer,
                                    .errors = kErrors};

// Names count in this region, ARNs in any; what is not there is left out (facts 1.6).
Result<json::Array> named(Call& call, const json::Array& names) {
  json::Array out;
  for (const auto& name : names) {
    auto trail = call.services.trails.get(call.transaction, call.scope(), name.as_string());
    if (trail) {
      out.push_back(render_trail(trail->config));
    } else if (trail.error().reason() != "TrailNotFound") {
      return std::unexpected(std::move(trail).error());
    }
  }
  return out;
}

Result<json::Object> run(Call& call) {
  const auto* names = json::find(call.input, "trailNameList");
  if (names != nullptr && names->is_array() && !names->as_array().empty()) {
    TRY_ASSIGN(auto list, named(call, names->as_array()));
    return json::Object{{"trailList", std::move(list)}};
  }
  const bool shadows = optional_bool(call.input, "includeShadowTrails").value_or(true);
  TRY_ASSIGN(const auto trails,
             call.services.trails.describe(
                 call.transaction, call.scope(),
                 shadows ? trail::Trails::Shadows::Include : trail::Trails::Shadows::Exclude));
  json::Array list;
  for (const auto& trail : trails) list.push_back(render_trail(trail.config));
  return json::Object{{"trailList", std::move(list)}};
}

}  // namespace

const Binding kDescribeTrails{&kOperation, run};

}  // namespace traccia::api::cloudtrail
