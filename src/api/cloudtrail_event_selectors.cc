// CloudTrail GetEventSelectors and PutEventSelectors, basic selectors.
// SPDX-License-Identifier: Apache-2.0
#include "api/cloudtrail_operations.h"
#include "api/cloudtrail_shapes.h"
#include "api/cloudtrail_trail.h"

namespace traccia::api::cloudtrail {
namespace {

constexpr Member kGetInput[] = {{"TrailName", &kString, Presence::Required}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kPutInput[] = {{"TrailName", &kString, Presence::Required},
                                {"EventSelectors", &kEventSelectors},
                                {"AdvancedEventSelectors", &kAdvancedSelectors}};
constexpr Shape kPutRequest = aws::structure_shape(kPutInput);
constexpr Member kOutput[] = {{"TrailARN", &kString},
                              {"EventSelectors", &kEventSelectors},
                              {"AdvancedEventSelectors", &kAdvancedSelectors}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kGetErrors[] = {"TrailNotFoundException", "InvalidTrailNameException",
                                           "CloudTrailARNInvalidException"};
constexpr std::string_view kPutErrors[] = {
    "TrailNotFoundException", "InvalidTrailNameException", "CloudTrailARNInvalidException",
    "InvalidHomeRegionException", "InvalidEventSelectorsException"};
constexpr aws::Operation kGet{.service = kService,
                              .event_source = kSource,
                              .name = "GetEventSelectors",
                              .api_version = kVersion,
                              .read_only = true,
                              .iam_action = "cloudtrail:GetEventSelectors",
                              .input = &kGetRequest,
                              .output = &kAnswer,
                              .errors = kGetErrors};
constexpr aws::Operation kPut{.service = kService,
                              .event_source = kSource,
                              .name = "PutEventSelectors",
                              .api_version = kVersion,
                              .iam_action = "cloudtrail:PutEventSelectors",
                              .input = &kPutRequest,
                              .output = &kAnswer,
                              .errors = kPutErrors};

json::Object render(const trail::TrailConfig& config) {
  json::Array selectors;
  for (const auto& selector : config.selectors) selectors.push_back(render_selector(selector));
  return {{"TrailARN", config.arn}, {"EventSelectors", std::move(selectors)}};
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto trail, call.services.trails.get(call.transaction, call.scope(),
                                                        get_string(call.input, "TrailName")));
  return render(trail.config);
}

Result<json::Object> put(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail, trails.get_for_change(call.transaction, call.scope(),
                                               get_string(call.input, "TrailName")));
  const auto* basic = json::find(call.input, "EventSelectors");
  const auto* advanced = json::find(call.input, "AdvancedEventSelectors");
  if (advanced != nullptr && advanced->is_array()) {
    return fail(ErrorCode::InvalidArgument, "InvalidEventSelectors",
                basic != nullptr && basic->is_array()
                    ? "You cannot use EventSelectors and AdvancedEventSelectors together."
                    : "Advanced event selectors are not supported by this server yet; use "
                      "EventSelectors.");
  }
  if (basic == nullptr || !basic->is_array()) {
    return fail(ErrorCode::InvalidArgument, "InvalidEventSelectors",
                "Specify EventSelectors or AdvancedEventSelectors.");
  }
  auto selectors = parse_selectors(basic->as_array());
  TRY(trail::check_selectors(selectors));
  trail.config.selectors = std::move(selectors);
  TRY(trails.store(call.transaction, trail));
  call.before_event.push_back(change_draft(call, {trail.config, false}));
  call.resources = trail_resources(trail.config);
  call.trails_changed = true;
  return render(trail.config);
}

}  // namespace

const Binding kGetEventSelectors{&kGet, get};
const Binding kPutEventSelectors{&kPut, put};

}  // namespace traccia::api::cloudtrail
