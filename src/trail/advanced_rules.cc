// What CloudTrail accepts as advanced event selectors of a trail (facts 6.2).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "trail/trails.h"

namespace traccia::trail {
namespace {

constexpr std::string_view kEventCategory = "eventCategory";
constexpr std::string_view kResourceType = "resources.type";
constexpr std::string_view kResourceArn = "resources.ARN";

constexpr std::string_view kCategories[] = {"Management", "Data", "NetworkActivity"};
constexpr std::string_view kAll[] = {"Equals",    "StartsWith",    "EndsWith",
                                     "NotEquals", "NotStartsWith", "NotEndsWith"};
constexpr std::string_view kEquals[] = {"Equals"};
constexpr std::string_view kNotEquals[] = {"NotEquals"};
constexpr std::string_view kEqualsOrNot[] = {"Equals", "NotEquals"};
constexpr std::string_view kBooleans[] = {"true", "false"};
constexpr std::string_view kTrue[] = {"true"};
constexpr std::string_view kExcludedSources[] = {"kms.amazonaws.com", "rdsdata.amazonaws.com"};
constexpr std::string_view kDenied[] = {"VpceAccessDenied"};

enum class Use { Optional, RequiredOneValue };

// One field that a category knows: the operators it takes, and the values where they are given.
struct FieldRule {
  std::string_view category;
  std::string_view field;
  std::span<const std::string_view> operators = kAll;
  std::span<const std::string_view> values = {};
  Use use = Use::Optional;
};
constexpr FieldRule kRules[] = {
    {"Management", kEventCategory, kEquals, {}, Use::RequiredOneValue},
    {"Management", "eventSource", kNotEquals, kExcludedSources},
    {"Management", "readOnly", kEquals, kBooleans},
    {"Data", kEventCategory, kEquals, {}, Use::RequiredOneValue},
    {"Data", kResourceType, kEquals, {}, Use::RequiredOneValue},
    {"Data", kResourceArn},
    {"Data", "eventSource"},
    {"Data", "eventName"},
    {"Data", "eventType"},
    {"Data", "userIdentity.arn"},
    {"Data", "readOnly", kEquals, kBooleans},
    {"Data", "sessionCredentialFromConsole", kEqualsOrNot, kTrue},
    {"NetworkActivity", kEventCategory, kEquals, {}, Use::RequiredOneValue},
    {"NetworkActivity", "eventSource", kEquals, {}, Use::RequiredOneValue},
    {"NetworkActivity", "eventName"},
    {"NetworkActivity", "errorCode", kEquals, kDenied},
    {"NetworkActivity", "vpcEndpointId"},
};

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidEventSelectors", std::move(message));
}

std::unexpected<Error> refuse_value(std::string_view value, std::string_view field,
                                    std::string_view valid) {
  return refuse(fmt::format("Value {} for {} is invalid. {}", value, field, valid));
}

template <typename Range>
bool contains(const Range& range, std::string_view value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

const FieldSelector* find_selector(const AdvancedEventSelector& selector, std::string_view field) {
  const auto at = std::ranges::find(selector.fields, field, &FieldSelector::field);
  return at == selector.fields.end() ? nullptr : &*at;
}

// VENDOR::SERVICE::KIND
bool resource_type_valid(std::string_view type) {
  size_t parts = 1;
  for (auto at = type.find("::"); at != type.npos; at = type.find("::")) {
    if (at == 0) return false;
    type.remove_prefix(at + 2);
    ++parts;
  }
  return parts == 3 && !type.empty() && type.find(':') == type.npos;
}

// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, and what the type asks of the resource.
bool arn_valid(std::string_view type, std::string_view arn) {
  std::array<std::string_view, 5> fields;
  for (auto& field : fields) {
    const auto colon = arn.find(':');
    if (colon == arn.npos) return false;
    field = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  if (fields[0] != "arn" || fields[1].empty() || fields[2].empty() || arn.empty()) return false;
  if (type == "AWS::S3::Object") {
    const auto slash = arn.find('/');
    return fields[2] == "s3" && slash != arn.npos && slash > 0;
  }
  if (type == "AWS::Lambda::Function") {  // unqualified
    return fields[2] == "lambda" && arn.starts_with("function:") && arn.size() > 9 &&
           arn.find(':', 9) == arn.npos;
  }
  return true;
}

Result<> check_field(const FieldRule& rule, const FieldSelector& selector) {
  size_t count = 0;
  for (const auto& [name, values] : kSelectorOperators) {
    count += (selector.*values).size();
    if ((selector.*values).empty()) continue;
    if (!contains(rule.operators, name)) {
      return refuse(fmt::format(
          "Operator {} is invalid for field {} when eventCategory is {}. Valid operators are: {}",
          name, rule.field, rule.category, fmt::join(rule.operators, ", ")));
    }
    for (const auto& value : selector.*values) {
      if (!rule.values.empty() && !contains(rule.values, value)) {
        return refuse_value(value, rule.field,
                            fmt::format("Valid values are: {}", fmt::join(rule.values, ", ")));
      }
    }
  }
  if (count == 0) {
    return refuse(
        fmt::format("Field {} must have at least one operator with a value.", rule.field));
  }
  if (rule.use == Use::RequiredOneValue && count != 1) {
    return refuse(fmt::format("Field {} must have exactly one value.", rule.field));
  }
  return {};
}

Result<> check_resources(const AdvancedEventSelector& selector) {
  const auto* types = find_selector(selector, kResourceType);
  if (types == nullptr) return {};
  const std::string_view type = types->equals.front();
  if (!resource_type_valid(type)) {
    return refuse_value(type, kResourceType, "A resource type looks like AWS::S3::Object.");
  }
  const auto* arns = find_selector(selector, kResourceArn);
  if (arns == nullptr || !type.starts_with("AWS::")) return {};
  for (const auto* values : {&arns->equals, &arns->not_equals}) {
    for (const auto& arn : *values) {
      if (!arn_valid(type, arn)) {
        return refuse_value(arn, kResourceArn,
                            fmt::format("Equals and NotEquals take the whole ARN of a resource of "
                                        "type {}.",
                                        type));
      }
    }
  }
  return {};
}

Result<> check_selector(const AdvancedEventSelector& selector) {
  const auto* categories = find_selector(selector, kEventCategory);
  if (categories == nullptr || categories->equals.size() != 1) {
    return refuse(
        "An advanced event selector must have the field eventCategory with exactly one Equals "
        "value.");
  }
  const std::string_view category = categories->equals.front();
  if (!contains(kCategories, category)) {
    return refuse_value(category, kEventCategory,
                        fmt::format("Valid values are: {}", fmt::join(kCategories, ", ")));
  }
  for (const auto& field : selector.fields) {
    if (find_selector(selector, field.field) != &field) {
      return refuse(fmt::format("Field {} is given more than once in an advanced event selector.",
                                field.field));
    }
    const auto* rule = std::ranges::find_if(kRules, [&](const FieldRule& one) {
      return one.category == category && one.field == field.field;
    });
    if (rule == std::end(kRules)) {
      return refuse(fmt::format("Field {} is invalid for a trail when eventCategory is {}.",
                                field.field, category));
    }
    TRY(check_field(*rule, field));
  }
  for (const auto& rule : kRules) {
    if (rule.category == category && rule.use == Use::RequiredOneValue &&
        find_selector(selector, rule.field) == nullptr) {
      return refuse(
          fmt::format("Field {} is required when eventCategory is {}.", rule.field, category));
    }
  }
  return check_resources(selector);
}

}  // namespace

Result<> check_advanced_selectors(const std::vector<AdvancedEventSelector>& selectors) {
  if (selectors.empty()) return refuse("Specify at least one advanced event selector.");
  size_t count = 0;
  for (const auto& selector : selectors) {
    for (const auto& field : selector.fields) {
      for (const auto& [name, values] : kSelectorOperators) count += (field.*values).size();
    }
  }
  if (count > kSelectorValuesMax) {
    return refuse(fmt::format(
        "The total number of values for all conditions in all advanced event selectors cannot "
        "exceed {}.",
        kSelectorValuesMax));
  }
  for (const auto& selector : selectors) TRY(check_selector(selector));
  return {};
}

}  // namespace traccia::trail
