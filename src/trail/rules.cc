// What CloudTrail accepts: names, prefixes, selectors, tags, and the texts it refuses with.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "trail/trails.h"

namespace traccia::trail {
namespace {

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::unexpected<Error> bad_name(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidTrailName", std::move(message));
}

bool shaped_like_ipv4(std::string_view name) {
  size_t dots = 0;
  for (const char c : name) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

std::unexpected<Error> bad_selector(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidEventSelectors", std::move(message));
}

// Facts 6.1: the whole-service value, or an ARN of the type; no wildcards.
bool data_value_valid(std::string_view type, std::string_view value) {
  if (value.find('*') != std::string_view::npos) return false;
  if (type == "AWS::S3::Object") {
    if (value == "arn:aws:s3" || value == "arn:aws:s3:::") return true;
    const auto bucket = value.starts_with("arn:aws:s3:::") ? value.substr(13) : "";
    return bucket.find('/') != std::string_view::npos && bucket.front() != '/';
  }
  if (type == "AWS::Lambda::Function") {
    return value == "arn:aws:lambda" ||
           (value.starts_with("arn:aws:lambda:") && value.find(":function:") != value.npos);
  }
  return value == "arn:aws:dynamodb" ||
         (value.starts_with("arn:aws:dynamodb:") && value.find(":table/") != value.npos);
}

Result<size_t> check_data_resource(const DataResource& resource) {
  constexpr std::string_view kTypes[] = {"AWS::DynamoDB::Table", "AWS::Lambda::Function",
                                         "AWS::S3::Object"};
  if (std::ranges::find(kTypes, resource.type) == std::end(kTypes)) {
    return bad_selector(fmt::format(
        "Value {} for DataResources.Type is invalid. Valid values are: AWS::DynamoDB::Table, "
        "AWS::Lambda::Function, AWS::S3::Object",
        resource.type));
  }
  for (const auto& value : resource.values) {
    if (!data_value_valid(resource.type, value)) {
      return bad_selector(fmt::format("Value {} for DataResources.Values is invalid.", value));
    }
  }
  return resource.values.size();
}

}  // namespace

Result<> check_trail_name(std::string_view name) {
  if (name.size() < 3) {
    return bad_name(
        fmt::format("Trail name too short. Minimum allowed length: 3 characters. "
                    "Specified name length: {} characters.",
                    name.size()));
  }
  if (name.size() > 128) {
    return bad_name(
        fmt::format("Trail name too long. Maximum allowed length: 128 characters. "
                    "Specified name length: {} characters.",
                    name.size()));
  }
  for (const char c : name) {
    if (!letter_or_digit(c) && c != '.' && c != '-' && c != '_') {
      return bad_name(
          "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
          "periods (.), hyphens (-), and underscores (_).");
    }
  }
  if (!letter_or_digit(name.front())) {
    return bad_name("Trail name must starts with a letter or number.");
  }
  if (!letter_or_digit(name.back())) {
    return bad_name("Trail name must ends with a letter or number.");
  }
  for (size_t i = 1; i < name.size(); ++i) {
    if (!letter_or_digit(name[i]) && !letter_or_digit(name[i - 1])) {
      return bad_name("Trail name cannot contain two adjacent periods, hyphens or underscores.");
    }
  }
  if (shaped_like_ipv4(name)) return bad_name("Trail name cannot be formatted as an IP address.");
  return {};
}

Result<> check_prefix(std::string_view prefix) {
  if (prefix.size() > kPrefixBytesMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidS3Prefix",
                fmt::format("S3 prefix is longer than maximum length {}.", kPrefixBytesMax));
  }
  for (const char c : prefix) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return fail(ErrorCode::InvalidArgument, "InvalidS3Prefix",
                  "S3 prefix contains a control character.");
    }
  }
  if (prefix.starts_with('/') || prefix.find("//") != prefix.npos) {
    return fail(ErrorCode::InvalidArgument, "InvalidS3Prefix",
                "S3 prefix cannot start with a slash or contain empty path segments.");
  }
  return {};
}

std::vector<EventSelector> default_selectors() {
  return {EventSelector{}};
}

bool has_custom_selectors(const TrailConfig& trail) {
  if (!trail.advanced_selectors.empty() || trail.selectors.size() != 1) return true;
  const auto& only = trail.selectors.front();
  return only.read_write_type != ReadWriteType::All || !only.include_management_events ||
         !only.data_resources.empty() || !only.exclude_management_event_sources.empty();
}

Result<> check_selectors(const std::vector<EventSelector>& selectors) {
  if (selectors.empty() || selectors.size() > kSelectorsMax) {
    return bad_selector(
        fmt::format("The number of event selectors must be between 1 and {}.", kSelectorsMax));
  }
  size_t values = 0;
  for (const auto& selector : selectors) {
    for (const auto& resource : selector.data_resources) {
      TRY_ASSIGN(const auto count, check_data_resource(resource));
      values += count;
    }
    for (const auto& source : selector.exclude_management_event_sources) {
      if (source != "kms.amazonaws.com" && source != "rdsdata.amazonaws.com") {
        return bad_selector(
            fmt::format("Value {} for ExcludeManagementEventSources is invalid. Valid values are: "
                        "kms.amazonaws.com, rdsdata.amazonaws.com",
                        source));
      }
      if (!selector.include_management_events) {
        return bad_selector(
            "ExcludeManagementEventSources can be used only when IncludeManagementEvents is true.");
      }
    }
    if (!selector.include_management_events && selector.data_resources.empty()) {
      return bad_selector("An event selector must include management events or data resources.");
    }
  }
  if (values > kDataResourcesMax) {
    return bad_selector(
        fmt::format("The total number of data resources cannot exceed {}.", kDataResourcesMax));
  }
  return {};
}

Result<> check_tags(const std::vector<Tag>& tags) {
  std::set<std::string_view> keys;
  for (const auto& tag : tags) {
    if (tag.key.empty() || tag.key.size() > 128 || tag.value.size() > 256) {
      return fail(ErrorCode::InvalidArgument, "InvalidTagParameter",
                  fmt::format("Tag '{}' is invalid: a key has 1 to 128 characters, a value at most "
                              "256.",
                              tag.key.substr(0, 128)));
    }
    if (tag.key.starts_with("aws:")) {
      return fail(ErrorCode::InvalidArgument, "InvalidTagParameter",
                  "Tag keys cannot start with the reserved prefix aws:.");
    }
    if (!keys.insert(tag.key).second) {
      return fail(ErrorCode::InvalidArgument, "InvalidTagParameter",
                  fmt::format("Tag key '{}' is given more than once.", tag.key));
    }
  }
  if (tags.size() > kTagsMax) {
    return fail(ErrorCode::ResourceExhausted, "TagsLimitExceeded",
                fmt::format("A resource cannot have more than {} tags.", kTagsMax));
  }
  return {};
}

}  // namespace traccia::trail
