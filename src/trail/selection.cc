// Translates trails into predicates and records into their fields.
// SPDX-License-Identifier: Apache-2.0
#include "trail/selection.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace traccia::trail {
namespace {

using match::all_of;
using match::any_of;
using match::ends_with;
using match::equals;
using match::FieldId;
using match::negate;
using match::Predicate;
using match::starts_with;

constexpr std::string_view kLeaderRegion = "us-east-1";
constexpr std::string_view kCloudTrail = "cloudtrail.amazonaws.com";
constexpr std::string_view kS3Source = "s3.amazonaws.com";

// The fields every record has. The ARNs of resources come behind: a field for each type, because a
// selector's type and ARN speak of the same resource.
enum class Field : uint32_t {
  Account,
  Region,
  Category,
  Source,
  Name,
  Type,
  ReadOnly,
  InvokedBy,
  ErrorCode,
  UserArn,
  FromConsole,
  VpcEndpoint,
  ResourceType,
  FirstArn,
};
constexpr FieldId id(Field field) {
  return static_cast<FieldId>(field);
}

// Services with one endpoint for the world record in the leader region (facts 2.6).
Predicate is_global_service() {
  return all_of({equals(id(Field::Region), kLeaderRegion),
                 any_of({equals(id(Field::Source), "iam.amazonaws.com"),
                         equals(id(Field::Source), "sts.amazonaws.com"),
                         equals(id(Field::Source), "cloudfront.amazonaws.com")})});
}

Predicate is_own_delivery() {
  return all_of(
      {equals(id(Field::InvokedBy), kCloudTrail),
       any_of({all_of({equals(id(Field::Source), kS3Source), equals(id(Field::Name), "PutObject")}),
               all_of({equals(id(Field::Source), "logs.amazonaws.com"),
                       equals(id(Field::Name), "PutLogEvents")})})});
}

Predicate any_value(FieldId field, Predicate (*condition)(FieldId, std::string_view),
                    const std::vector<std::string>& values) {
  std::vector<Predicate> parts;
  parts.reserve(values.size());
  for (const auto& value : values) parts.push_back(condition(field, value));
  return any_of(std::move(parts));
}

Predicate of_category(event::Category category) {
  return equals(id(Field::Category), event::category_name(category));
}

// Events that do not say count as writes.
Predicate reads_or_writes(ReadWriteType type) {
  auto reads = equals(id(Field::ReadOnly), "true");
  switch (type) {
    case ReadWriteType::All:
      return all_of({});
    case ReadWriteType::ReadOnly:
      return reads;
    case ReadWriteType::WriteOnly:
      return negate(std::move(reads));
  }
  return all_of({});
}

// The advanced selectors' names of fields; resources.ARN is not one field.
std::optional<Field> find_field(std::string_view name) {
  constexpr std::pair<std::string_view, Field> kFields[] = {
      {"eventCategory", Field::Category},   {"eventSource", Field::Source},
      {"eventName", Field::Name},           {"eventType", Field::Type},
      {"readOnly", Field::ReadOnly},        {"resources.type", Field::ResourceType},
      {"userIdentity.arn", Field::UserArn}, {"sessionCredentialFromConsole", Field::FromConsole},
      {"errorCode", Field::ErrorCode},      {"vpcEndpointId", Field::VpcEndpoint}};
  const auto* found = std::ranges::find(kFields, name, &std::pair<std::string_view, Field>::first);
  return found == std::end(kFields) ? std::nullopt : std::optional(found->second);
}

Predicate field_predicate(FieldId field, const FieldSelector& selector) {
  std::vector<Predicate> parts;
  if (!selector.equals.empty() || !selector.starts_with.empty() || !selector.ends_with.empty()) {
    parts.push_back(any_of({any_value(field, equals, selector.equals),
                            any_value(field, starts_with, selector.starts_with),
                            any_value(field, ends_with, selector.ends_with)}));
  }
  parts.push_back(negate(any_of({any_value(field, equals, selector.not_equals),
                                 any_value(field, starts_with, selector.not_starts_with),
                                 any_value(field, ends_with, selector.not_ends_with)})));
  return all_of(std::move(parts));
}

}  // namespace

class SelectionCompiler {
 public:
  explicit SelectionCompiler(Selection& selection) : arn_fields_(selection.arn_fields_) {}

  Predicate trail(const TrailConfig& config) {
    if (!config.logging) return any_of({});
    std::vector<Predicate> selectors;
    selectors.reserve(config.selectors.size() + config.advanced_selectors.size());
    for (const auto& selector : config.selectors) selectors.push_back(basic(selector));
    for (const auto& selector : config.advanced_selectors) selectors.push_back(advanced(selector));
    std::vector<Predicate> parts = {equals(id(Field::Account), config.account),
                                    any_of(std::move(selectors))};
    if (!config.multi_region) parts.push_back(equals(id(Field::Region), config.home_region));
    if (!config.include_global_service_events) parts.push_back(negate(is_global_service()));
    if (!config.recursive_logging) parts.push_back(negate(is_own_delivery()));
    return all_of(std::move(parts));
  }

 private:
  FieldId arn_field(const std::string& type) {
    const auto next = static_cast<uint32_t>(Field::FirstArn) + arn_fields_.size();
    return arn_fields_.try_emplace(type, static_cast<FieldId>(next)).first->second;
  }

  Predicate data_value(const std::string& type, const std::string& value) {
    if (type == "AWS::S3::Object" && (value == "arn:aws:s3" || value == "arn:aws:s3:::")) {
      return equals(id(Field::Source), kS3Source);
    }
    if (value == "arn:aws:lambda") return equals(id(Field::Source), "lambda.amazonaws.com");
    if (value == "arn:aws:dynamodb") return equals(id(Field::Source), "dynamodb.amazonaws.com");
    const auto field = arn_field(type);
    return type == "AWS::S3::Object" ? starts_with(field, value) : equals(field, value);
  }

  // Facts 6.1.
  Predicate basic(const EventSelector& selector) {
    std::vector<Predicate> parts;
    if (selector.include_management_events) {
      auto excluded =
          any_value(id(Field::Source), equals, selector.exclude_management_event_sources);
      parts.push_back(
          all_of({of_category(event::Category::Management), negate(std::move(excluded))}));
    }
    std::vector<Predicate> resources;
    for (const auto& resource : selector.data_resources) {
      for (const auto& value : resource.values) {
        resources.push_back(data_value(resource.type, value));
      }
    }
    parts.push_back(all_of({of_category(event::Category::Data), any_of(std::move(resources))}));
    return all_of({reads_or_writes(selector.read_write_type), any_of(std::move(parts))});
  }

  // Facts 6.2.
  Predicate advanced(const AdvancedEventSelector& selector) {
    const auto type = std::ranges::find(selector.fields, "resources.type", &FieldSelector::field);
    std::vector<Predicate> parts;
    for (const auto& one : selector.fields) {
      if (const auto field = find_field(one.field)) {
        parts.push_back(field_predicate(id(*field), one));
      } else if (one.field == "resources.ARN" && type != selector.fields.end() &&
                 type->equals.size() == 1) {
        parts.push_back(field_predicate(arn_field(type->equals.front()), one));
      } else {
        return any_of({});  // of a later version: nothing is taken that it might leave out
      }
    }
    return all_of(std::move(parts));
  }

  std::map<std::string, FieldId, std::less<>>& arn_fields_;
};

namespace {

bool may_take_data_events(const AdvancedEventSelector& selector) {
  const auto category = std::ranges::find(selector.fields, "eventCategory", &FieldSelector::field);
  return category == selector.fields.end() || category->equals.empty() ||
         std::ranges::find(category->equals, event::category_name(event::Category::Data)) !=
             category->equals.end();
}

bool may_take_data_events(const TrailConfig& trail) {
  return trail.logging &&
         (std::ranges::any_of(trail.selectors,
                              [](const auto& one) { return !one.data_resources.empty(); }) ||
          std::ranges::any_of(trail.advanced_selectors, [](const AdvancedEventSelector& one) {
            return may_take_data_events(one);
          }));
}

}  // namespace

Result<std::shared_ptr<const Selection>> Selection::compile(
    std::span<const TrailConfig* const> trails) {
  auto selection = std::make_shared<Selection>();
  SelectionCompiler compiler(*selection);
  std::vector<Predicate> predicates;
  predicates.reserve(trails.size());
  for (const auto* config : trails) predicates.push_back(compiler.trail(*config));
  auto graph = match::Graph::compile(predicates);
  if (!graph) return std::unexpected(std::move(graph).error().with_context("compile selectors"));
  selection->graph_ = *std::move(graph);
  selection->takes_data_events_ = std::ranges::any_of(
      trails, [](const TrailConfig* config) { return may_take_data_events(*config); });
  return selection;
}

void Selection::list_values(const event::Record& record,
                            std::vector<match::FieldValue>& values) const {
  values.clear();
  const auto add = [&](Field field, std::string_view value) {
    if (!value.empty()) values.push_back({id(field), value});
  };
  add(Field::Account, record.account);
  add(Field::Region, record.region);
  add(Field::Category, event::category_name(record.category));
  add(Field::Source, record.event_source);
  add(Field::Name, record.event_name);
  add(Field::Type, record.event_type);
  add(Field::InvokedBy, record.invoked_by);
  add(Field::ErrorCode, record.error_code);
  add(Field::UserArn, record.user_arn);
  add(Field::FromConsole, record.session_credential_from_console);
  add(Field::VpcEndpoint, record.vpc_endpoint_id);
  if (record.read_only) add(Field::ReadOnly, *record.read_only ? "true" : "false");
  for (const auto& resource : record.resources) {
    add(Field::ResourceType, resource.type);
    const auto field = arn_fields_.find(std::string_view(resource.type));
    if (field != arn_fields_.end()) values.push_back({field->second, resource.arn});
  }
}

std::span<const uint32_t> Selection::taking(const event::Record& record, Scratch& scratch) const {
  list_values(record, scratch.values_);
  const auto found = graph_->evaluate(scratch.values_, scratch.graph_);
  scratch.taking_.assign(found.begin(), found.end());
  std::ranges::sort(scratch.taking_);
  return scratch.taking_;
}

}  // namespace traccia::trail
