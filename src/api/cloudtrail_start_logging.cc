// CloudTrail StartLogging: idempotent; the call's own event is the first that the trail takes.
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
                                    .name = "StartLogging",
                                    .api_version = kVersion,
                                    .read_only = false,
                                    .iam_action = "cloudtrail:StartLogging",
                                    .access = on_trail("Name"),
                                    .input = &kRequest,
                                    .errors = kErrors};

Result<json::Object> run(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail,
             trails.get_for_change(call.transaction, call.scope(), get_string(call.input, "Name")));
  call.resources = trail_resources(trail.config);
  if (trail.config.logging) return json::Object{};
  trail.config.logging = true;
  trail.config.logging_since = call.now;
  trail.started = call.now;
  TRY(trails.store(call.transaction, trail));
  call.before_event.push_back(change_draft(call, {trail.config, false}));
  call.trails_changed = true;
  return json::Object{};
}
}  // namespace

const Binding kStartLogging{&kOperation, run};

}  // namespace traccia::api::cloudtrail
