// CloudTrail GetEventSelectors and PutEventSelectors, basic and advanced.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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
                              .access = on_trail("TrailName"),
                              .input = &kGetRequest,
                              .output = &kAnswer,
                              .errors = kGetErrors};
constexpr aws::Operation kPut{.service = kService,
                              .event_source = kSource,
                              .name = "PutEventSelectors",
                              .api_version = kVersion,
                              .iam_action = "cloudtrail:PutEventSelectors",
                              .access = on_trail("TrailName"),
                              .input = &kPutRequest,
                              .output = &kAnswer,
                              .errors = kPutErrors};

json::Object render_field(const trail::FieldSelector& selector) {
  json::Object out{{"Field", selector.field}};
  for (const auto& [name, values] : trail::kSelectorOperators) {
    const auto& texts = selector.*values;
    if (!texts.empty()) out[name] = json::Array(texts.begin(), texts.end());
  }
  return out;
}

json::Object render_advanced(const trail::AdvancedEventSelector& selector) {
  json::Array fields;
  for (const auto& field : selector.fields) fields.push_back(render_field(field));
  json::Object out{{"FieldSelectors", std::move(fields)}};
  if (selector.name) out["Name"] = *selector.name;
  return out;
}

// Only the kind in use is shown.
json::Object render(const trail::TrailConfig& config) {
  json::Object out{{"TrailARN", config.arn}};
  json::Array selectors;
  if (config.advanced_selectors.empty()) {
    for (const auto& selector : config.selectors) selectors.push_back(render_selector(selector));
    out["EventSelectors"] = std::move(selectors);
  } else {
    for (const auto& selector : config.advanced_selectors) {
      selectors.push_back(render_advanced(selector));
    }
    out["AdvancedEventSelectors"] = std::move(selectors);
  }
  return out;
}

trail::FieldSelector parse_field(const json::Object& object) {
  trail::FieldSelector selector;
  selector.field = get_string(object, "Field");
  for (const auto& [name, values] : trail::kSelectorOperators) {
    selector.*values = get_strings(object, name);
  }
  return selector;
}

std::vector<trail::AdvancedEventSelector> parse_advanced(const json::Array& selectors) {
  std::vector<trail::AdvancedEventSelector> out;
  for (const auto& one : selectors) {
    const auto& object = one.as_object();
    auto& selector = out.emplace_back();
    const auto* name = json::find(object, "Name");
    if (name != nullptr && name->is_string()) selector.name = std::string(name->as_string());
    for (const auto& field : json::find(object, "FieldSelectors")->as_array()) {
      selector.fields.push_back(parse_field(field.as_object()));
    }
  }
  return out;
}

// PutEventSelectors answers the fields in the caller's order, this one by name (facts 1.6).
Result<json::Object> get(Call& call) {
  TRY_ASSIGN(auto trail, call.services.trails.get(call.transaction, call.scope(),
                                                  get_string(call.input, "TrailName")));
  for (auto& selector : trail.config.advanced_selectors) {
    std::ranges::sort(selector.fields, {}, &trail::FieldSelector::field);
  }
  return render(trail.config);
}

// Either kind replaces the other.
Result<> take_selectors(const json::Object& input, trail::TrailConfig& config) {
  const auto list = [&](std::string_view name) -> const json::Array* {
    const auto* value = json::find(input, name);
    return value != nullptr && value->is_array() ? &value->get_array() : nullptr;
  };
  const auto* basic = list("EventSelectors");
  const auto* advanced = list("AdvancedEventSelectors");
  if ((basic == nullptr) == (advanced == nullptr)) {
    return fail(ErrorCode::InvalidArgument, "InvalidEventSelectors",
                basic != nullptr
                    ? "You cannot use EventSelectors and AdvancedEventSelectors together."
                    : "Specify EventSelectors or AdvancedEventSelectors.");
  }
  config.selectors.clear();
  config.advanced_selectors.clear();
  if (basic != nullptr) {
    config.selectors = parse_selectors(*basic);
    return trail::check_selectors(config.selectors);
  }
  config.advanced_selectors = parse_advanced(*advanced);
  return trail::check_advanced_selectors(config.advanced_selectors);
}

Result<json::Object> put(Call& call) {
  auto& trails = call.services.trails;
  TRY_ASSIGN(auto trail, trails.get_for_change(call.transaction, call.scope(),
                                               get_string(call.input, "TrailName")));
  TRY(take_selectors(call.input, trail.config));
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
