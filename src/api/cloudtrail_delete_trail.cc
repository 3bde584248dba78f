// CloudTrail DeleteTrail: works while logging; delivered objects stay.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kInput[] = {{"Name", &kString, Presence::Required}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr std::string_view kErrors[] = {"TrailNotFoundException", "InvalidTrailNameException",
                                        "CloudTrailARNInvalidException",
                                        "InvalidHomeRegionException"};
constexpr aws::Operation kOperation{.service = kService,
                                    .event_source = kSource,
                                    .name = "DeleteTrail",
                                    .api_version = kVersion,
                                    .read_only = false,
                                    .iam_action = "cloudtrail:DeleteTrail",
                                    .access = on_trail("Name"),
                                    .input = &kRequest,
                                    .errors = kErrors};

Result<json::Object> run(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(const auto trail,
             trails.get_for_change(call.transaction, call.scope(), get_string(call.input, "Name")));
  TRY(trails.remove(call.transaction, trail));
  call.after_event.push_back(change_draft(call, {trail.config, true}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return json::Object{};
}
}  // namespace

const Binding kDeleteTrail{&kOperation, run};

}  // namespace traccia::api::cloudtrail
